"""Plausible stand-ins for what identifies people: names, addresses, accounts; numbers below a size, written out."""
