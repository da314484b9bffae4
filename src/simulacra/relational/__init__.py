"""Several tables and event logs: table models, each given the context of the rows it belongs to."""
