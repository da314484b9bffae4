"""Constraints kept in every drawn row: mended, checked, settled in row order."""
