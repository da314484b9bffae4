"""Data made fit for others: identifying values replaced under a key, and subsets in which every reference holds."""
