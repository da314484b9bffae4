"""Conditions across tables: what is asked of rows, and of those below them."""
