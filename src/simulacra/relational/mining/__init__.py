"""Rules over several tables, found in data."""
