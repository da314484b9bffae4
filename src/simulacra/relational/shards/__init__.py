"""A database in shards: so many rows of each root with all that belongs to them, each drawn alone."""
