"""What one pass over rows that do not fit into memory tells: counts of all of them, and a fair sample of them."""
