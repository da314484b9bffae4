"""Asking a fitted model for exactly the rows that are wanted."""
