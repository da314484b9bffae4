"""Reads what an expert marked on the page of a blind test, with the key that says what is real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from simulacra.errors import DataError
from simulacra.report.review import KEY_FORMAT, MOST, VERSION
from simulacra.storage import open_error

ANSWERS_FORMAT = "simulacra-review-answers"
MAX_BYTES = 10_000_000
MARKS = {"real": True, "made": False, None: None}
SCHEMA = {
    "record": pl.Int64,
    "real": pl.Boolean,
    "marked": pl.Boolean,
    "sure": pl.Boolean,
    "reason": pl.String,
}


def read_marks(answers: str | Path, key: str | Path) -> pl.DataFrame:
    """Read the answers of an expert and the key.

    Parameters
    ----------
    answers : str or path
        The file that the page gave: ``answers.json``.
    key : str or path
        The file that was written beside the page: ``review.key.json``.

    Returns
    -------
    DataFrame
        A row per record: ``record`` (from 1), ``real`` (what it is), ``marked`` (whether as real; null where left
        open), ``sure`` (null where not said) and ``reason``.

    Raises
    ------
    FileError
        A file can not be read.
    DataError
        It is no such file, or the two belong to different tests.
    """
    given, known = _read(answers, ANSWERS_FORMAT, "answers"), _read(key, KEY_FORMAT, "real")
    if given["review"] != known["review"]:
        raise DataError(
            f"'{answers}' answers another test than '{key}' is the key of. Give the key that was written with the page."
        )
    real, marks = known["real"], given["answers"]
    if not all(isinstance(one, bool) for one in real) or len(marks) != len(real):
        raise DataError(
            f"'{answers}' has {len(marks)} records and '{key}' {len(real)}. Download the answers again."
        )
    rows = []
    for number, (mark, truth) in enumerate(zip(marks, real), 1):
        if not isinstance(mark, dict) or mark.get("marked", "") not in list(MARKS):
            raise DataError(
                f"'{answers}': record {number} is marked neither real nor made. Download the answers again."
            )
        sure, reason = mark.get("sure"), mark.get("reason")
        rows.append({
            "record": number,
            "real": truth,
            "marked": MARKS[mark.get("marked")],
            "sure": sure if isinstance(sure, bool) else None,
            "reason": reason if isinstance(reason, str) else "",
        })  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def _read(path: str | Path, kind: str, items: str) -> dict[str, Any]:
    path = Path(path)
    what = "answers that the page of `simulacra review` gave" if kind == ANSWERS_FORMAT else "key of a review"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"'{path}' is larger than any {what}. Give another file.")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise open_error(path, error) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"'{path}' is not JSON, so it is not the {what}. Give another file.") from error
    if not isinstance(document, dict) or document.get("format") != kind:
        raise DataError(f"'{path}' is not the {what}. Give another file.")
    if document.get("version") != VERSION:
        raise DataError(f"'{path}' is from a newer version of simulacra. Install that version.")
    held = document.get(items)
    if not isinstance(document.get("review"), str) or not isinstance(held, list) or not 0 < len(held) <= MOST:
        raise DataError(f"'{path}' is damaged: it holds no list of records. Give the file as it was written.")
    return document
