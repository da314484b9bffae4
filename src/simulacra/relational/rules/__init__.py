"""Rules over several tables, kept."""
