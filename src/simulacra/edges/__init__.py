"""Rows at and beyond the limits of a contract."""
