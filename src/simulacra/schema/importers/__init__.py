"""Contracts that others wrote, read as schemas: one file per format."""
