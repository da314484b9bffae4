"""Draws that start from rows that are there."""
