"""Reports as JSON values and back, within bounds."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path, PurePath
from typing import Any, get_args

import numpy as np
import polars as pl

from simulacra.errors import DataError, OptionError
from simulacra.evaluation import Evaluation
from simulacra.exhibit import Exhibit
from simulacra.metric import Score, Verdict

VERSION = 1
MAX_BYTES = 256 * 2**20
MAX_SCORES = 10_000
MAX_ROWS = 1_000_000
MAX_DEPTH = 12

_PROFILE_TYPES = {
    "column": pl.String, "kind": pl.String, "cell": pl.Int64, "label": pl.String, "low": pl.Float64,
    "high": pl.Float64, "real": pl.Float64, "synthetic": pl.Float64, "holdout": pl.Float64,
    "real_count": pl.Int64,
}  # fmt: skip
_JOINT_TYPES = {
    "column_a": pl.String, "column_b": pl.String, "cell_a": pl.Int64, "cell_b": pl.Int64, "label_a": pl.String,
    "label_b": pl.String, "real": pl.Float64, "synthetic": pl.Float64,
}  # fmt: skip


def render(report: Any, *, private: bool = False) -> str:
    """Return a report, or whatever else has a `to_dict`, as JSON text."""
    return json.dumps(report.to_dict(private=private), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


@functools.cache
def _schema_text() -> str:
    return (Path(__file__).parent / "templates" / "report.schema.json").read_text(encoding="utf-8")


def schema() -> dict[str, Any]:
    """Return the published JSON Schema of a report."""
    made: dict[str, Any] = json.loads(_schema_text())
    return made


def dump(
    title: str,
    evaluation: Evaluation,
    provenance: dict[str, Any],
    notes: tuple[str, ...],
    *,
    private: bool,
) -> dict[str, Any]:
    """Return a report as JSON values."""
    return {
        "version": VERSION,
        "title": title,
        "scores": [_score(score, private) for score in evaluation.scores],
        "profiles": rows(evaluation.profiles),
        "joints": rows(evaluation.joints),
        "summary": plain(evaluation.summary, "summary"),
        "seconds": plain(evaluation.seconds, "seconds"),
        "provenance": plain(provenance, "provenance"),
        "notes": [*evaluation.notes, *(note for note in notes if note not in evaluation.notes)],
    }


def _score(score: Score, private: bool) -> dict[str, Any]:
    made = {
        "name": score.name,
        "title": score.title,
        "value": plain(score.value, score.name),
        "interval": None if score.interval is None else plain(list(score.interval), score.name),
        "baseline": plain(score.baseline, score.name),
        "verdict": score.verdict,
        "words": score.words,
        "better": score.better,
        "detail": None if score.detail is None else rows(score.detail),
    }
    if not score.asked:
        made["asked"] = False
    if private and score.private is not None:
        made["private"] = rows(score.private)
    return made


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return a frame as JSON objects, one per row."""
    return [plain(row, "detail") for row in frame.to_dicts()]


def plain(value: Any, place: str) -> Any:
    """Turn a value into what JSON holds; NaN and infinity become None."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [plain(item, place) for item in items]
    raise OptionError(
        f"{place} holds a {type(value).__name__}, which JSON can not hold. Give text or numbers."
    )


def dump_exhibits(exhibits: Sequence[Exhibit]) -> list[dict[str, Any]]:
    """Return what a model shows of itself as JSON values."""
    return [{"name": e.name, "text": e.text, "detail": rows(e.detail)} for e in exhibits]


def restore_exhibits(document: Any) -> tuple[Exhibit, ...]:
    """Read what `dump_exhibits` gave, out of a whole report."""
    made = []
    for place, item in enumerate(_expect(document.get("exhibits", []), list, "exhibits")):
        where = f"exhibits[{place}]"
        entry = _expect(item, dict, where)
        name, text = (_text(entry.get(key, ""), f"{where}.{key}") for key in ("name", "text"))
        made.append(Exhibit(name, text, _frame(entry.get("detail", []), f"{where}.detail")))
    return tuple(made)


def restore(document: Any) -> tuple[str, Evaluation, dict[str, Any], tuple[str, ...]]:
    """Read what `dump` gave, refusing what is not a report."""
    top = _expect(document, dict, "the document")
    version = top.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or "scores" not in top:
        raise DataError("this is not a simulacra report. Give the JSON that Report.save wrote.")
    if version > VERSION:
        raise DataError(
            f"this report has format version {version}, and this simulacra reads up to {VERSION}. "
            "Update simulacra."
        )
    _check_depth(top, MAX_DEPTH)
    listed = _expect(top["scores"], list, "scores")
    if len(listed) > MAX_SCORES:
        raise DataError(f"scores has {len(listed):,} entries, and no report has over {MAX_SCORES:,}.")
    notes = _texts(top.get("notes", []), "notes")
    seconds = {
        str(name): _number(item, f"seconds.{name}")
        for name, item in _expect(top.get("seconds", {}), dict, "seconds").items()
    }
    evaluation = Evaluation(
        scores=tuple(_read_score(item, f"scores[{i}]") for i, item in enumerate(listed)),
        profiles=_frame(top.get("profiles", []), "profiles", _PROFILE_TYPES),
        summary=_expect(top.get("summary", {}), dict, "summary"),
        seconds=seconds,
        notes=notes,
        joints=_frame(top.get("joints", []), "joints", _JOINT_TYPES),
    )
    return (
        _text(top.get("title", ""), "title"),
        evaluation,
        _expect(top.get("provenance", {}), dict, "provenance"),
        (),
    )


def _read_score(item: Any, place: str) -> Score:
    entry = _expect(item, dict, place)
    verdict, better = entry.get("verdict", "info"), entry.get("better", "lower")
    if verdict not in get_args(Verdict):
        raise DataError(f"{place}.verdict is not one of {', '.join(get_args(Verdict))}.")
    if better not in {"higher", "lower"}:
        raise DataError(f"{place}.better is neither 'higher' nor 'lower'.")
    interval = entry.get("interval")
    if interval is not None:
        ends = _expect(interval, list, f"{place}.interval")
        if len(ends) != 2:
            raise DataError(f"{place}.interval has {len(ends)} ends instead of 2.")
        interval = (_number(ends[0], f"{place}.interval"), _number(ends[1], f"{place}.interval"))
    baseline, detail, private = entry.get("baseline"), entry.get("detail"), entry.get("private")
    return Score(
        name=_text(entry.get("name"), f"{place}.name"),
        value=_number(entry.get("value"), f"{place}.value"),
        interval=interval,
        baseline=None if baseline is None else _number(baseline, f"{place}.baseline"),
        verdict=verdict,
        words=_text(entry.get("words", ""), f"{place}.words"),
        better=better,
        detail=None if detail is None else _frame(detail, f"{place}.detail"),
        private=None if private is None else _frame(private, f"{place}.private"),
        title=_text(entry.get("title", ""), f"{place}.title"),
        asked=entry.get("asked") is not False,
    )


def _frame(value: Any, place: str, types: Mapping[str, Any] | None = None) -> pl.DataFrame:
    listed = _expect(value, list, place)
    if len(listed) > MAX_ROWS:
        raise DataError(f"{place} has {len(listed):,} rows, and no report has over {MAX_ROWS:,}.")
    for row in listed:
        _expect(row, dict, f"a row of {place}")
    names = dict.fromkeys(name for row in listed for name in row)
    columns = {name: _unified([row.get(name) for row in listed]) for name in names}
    known = {name: dtype for name, dtype in (types or {}).items() if name in names}
    try:
        return pl.DataFrame(columns, schema_overrides=known, strict=True)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{place} mixes types within a column. Give the JSON that Report.save wrote."
        ) from error


def _unified(values: list[Any]) -> list[Any]:
    """Let whole numbers stand beside fractional ones; any other mixture stays, and is refused."""
    kinds = {type(value) for value in values if value is not None}
    return [None if value is None else float(value) for value in values] if kinds == {int, float} else values


def _expect(value: Any, kind: type, place: str) -> Any:
    if not isinstance(value, kind):
        word = "an object" if kind is dict else "a list"
        raise DataError(f"{place} is not {word}. Give the JSON that Report.save wrote.")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"{place} is not a text. Give the JSON that Report.save wrote.")
    return value


def _texts(value: Any, place: str) -> tuple[str, ...]:
    return tuple(_text(item, place) for item in _expect(value, list, place))


def _number(value: Any, place: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DataError(f"{place} is not a number. Give the JSON that Report.save wrote.")
    try:
        return float(value)
    except OverflowError as error:
        raise DataError(f"{place} is too large. Give the JSON that Report.save wrote.") from error


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise DataError(
            "the document is nested deeper than any report. Give the JSON that Report.save wrote."
        )
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, left - 1)
