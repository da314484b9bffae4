"""Rows of which some cells are known, completed given all of them."""
