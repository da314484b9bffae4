"""Data from a schema alone: every column has a rule, and no row is learnt."""
