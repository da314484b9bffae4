"""How many rows of which kind: margins, quotas, and definitions of parity."""
