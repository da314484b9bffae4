"""Metrics of several tables: one file is one question, below the folder of its family."""
