"""Proof that data in files keep their schema: every rule held against every row, out of core."""
