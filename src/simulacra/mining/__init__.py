"""Constraints that data keep and chance would not."""
