"""Databases in and out: reflected, read, written, and dumped as SQL text; one file per database system."""
