"""References to rows that no parent draws."""
