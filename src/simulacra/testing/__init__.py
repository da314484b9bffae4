"""Contracts for parts, yours included: one check per kind of part, to be called from a test.

``check_generator(MyModel)`` raises AssertionError with one clear sentence where a model breaks the contract of
`simulacra.generator.Generator`; likewise for encodings, metrics and sources.
"""

from simulacra.testing.encodings import check_encoding
from simulacra.testing.generators import check_generator
from simulacra.testing.metrics import check_metric
from simulacra.testing.sources import check_source

__all__ = ["check_encoding", "check_generator", "check_metric", "check_source"]
