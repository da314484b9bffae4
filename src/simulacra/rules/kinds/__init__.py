"""The kinds of rules: one file is one word of a schema file."""
