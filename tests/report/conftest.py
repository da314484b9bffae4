"""Reports for the tests of this folder."""

from __future__ import annotations

import math

import polars as pl
import pytest
from made_reports import report_of

from simulacra.evaluation import Evaluation
from simulacra.metric import Score
from simulacra.report.document import Report


@pytest.fixture
def report() -> Report:
    return report_of(["colour", "size", "shape", "weight"])


@pytest.fixture
def blank() -> Report:
    """A report in which nothing could be computed, of a table without columns."""
    scores = (
        Score("fidelity/detection", math.nan, verdict="not computed", words="there are 0 synthetic rows."),
        Score(
            "utility/transfer",
            math.nan,
            verdict="not computed",
            words="Not computed, because no target was given.",
        ),
        Score("privacy/copies", math.nan, verdict="not computed", words="there is no holdout."),
    )
    return Report("Nothing", Evaluation(scores, pl.DataFrame(), {}, {}, ()), {})
