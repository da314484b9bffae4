"""Where parts are made, one kind to a file; nothing is listed here."""
