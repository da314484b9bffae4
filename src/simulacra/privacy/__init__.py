"""Protection of the people in the data."""
