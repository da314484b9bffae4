"""Parts of this kind, one to a file; nothing is listed here."""
