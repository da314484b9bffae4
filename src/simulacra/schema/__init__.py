"""The data contract: types, inference, validation, files and predicates."""
