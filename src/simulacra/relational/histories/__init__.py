"""Rows that a parent draws, step by step."""
