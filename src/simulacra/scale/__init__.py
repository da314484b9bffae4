"""Rows beyond memory: a plan, parts made anywhere, a manifest; what is missing is made again."""
