"""The fields of a column in a schema file: their types, and how bounds are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulacra.errors import SchemaError, unknown
from simulacra.schema.types import KINDS, Column

_BOUND: dict[str, Any] = {"type": ["number", "string"]}
FIELDS: dict[str, dict[str, Any]] = {
    "kind": {"enum": list(KINDS), "description": "What the values are."},
    "nullable": {"type": "boolean", "default": False, "description": "Whether a value may be missing."},
    "integer": {"type": "boolean", "default": False, "description": "A number (or key) without a fraction."},
    "decimals": {"type": ["integer", "null"], "minimum": 0, "description": "Digits after the point."},
    "step": {"type": ["number", "null"], "exclusiveMinimum": 0, "description": "Always a multiple of this."},
    "timezone": {"type": ["string", "null"], "description": "IANA name of a datetime's zone."},
    "levels": {
        "type": ["array", "null"],
        "items": {"type": ["string", "number", "boolean"]},
        "description": "The values of a category.",
    },
    "bounds": {
        "type": ["array", "null"],
        "prefixItems": [_BOUND, _BOUND],
        "minItems": 2,
        "maxItems": 2,
        "description": "Lowest and highest value; dates, times and durations in ISO 8601.",
    },
    "unit": {"type": ["string", "null"], "description": "For people: minutes, EUR."},
    "pattern": {"type": ["string", "null"], "description": "Regular expression of the whole text."},
    "format": {"type": ["string", "null"], "description": "How values are written: %d.%m.%Y, no|yes, HHMM."},
    "identifying": {"type": ["string", "null"], "description": "What it identifies, such as email."},
    "locale": {"type": ["string", "null"], "description": "Language and country of fakes: de_DE."},
    "sensitive": {"type": "boolean", "default": False, "description": "Values are never shown."},
    "declared": {"type": "boolean", "default": False, "description": "Levels and bounds are public."},
    "protect": {"type": "boolean", "default": True, "description": "Whether rare values are protected."},
    "required": {"type": "boolean", "default": False, "description": "Declared to be never missing."},
    "default": {"type": ["string", "null"], "description": "What a database puts in by itself, as SQL."},
    "rule": {"type": ["object", "null"], "description": "How values are made without data."},
}
"""The fields of a column as JSON Schema, without its name."""

_DURATION = re.compile(
    r"^(?P<sign>-)?P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<fraction>\d{1,6}))?S)?)?$"
)
_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


def dump_column(column: Column) -> dict[str, Any]:
    """Turn a column into plain values; fields that have their default are left out."""
    default = Column(column.name, column.kind)
    result: dict[str, Any] = {"kind": column.kind}
    for field in FIELDS:
        value = getattr(column, field)
        if field == "kind" or value == getattr(default, field):
            continue
        if field == "bounds":
            value = [dump_bound(bound) for bound in value]
        elif field == "levels":
            value = list(value)
        elif field == "rule":
            value = value.plain()
        result[field] = value
    return result


def load_column(name: str, facts: Any, place: str) -> Column:
    """Make a column of plain values.

    Raises
    ------
    SchemaError
        A field is unknown or of the wrong type, or the fields contradict each other.
    """
    if isinstance(facts, str):
        facts = {"kind": facts}
    if not isinstance(facts, Mapping):
        raise SchemaError(f"{place}: expected fields such as {{kind: number}}, not {describe(facts)}.")
    for field, value in facts.items():
        if field not in FIELDS:
            raise SchemaError(f"{place}: {unknown('field of a column', str(field), FIELDS)}")
        _check_type(field, value, place)
    if "kind" not in facts:
        raise SchemaError(f"{place}: 'kind' is missing. Add one of: {', '.join(KINDS)}.")
    known = {field: value for field, value in facts.items() if value is not None}
    if "bounds" in known:
        low, high = (load_bound(bound, known, f"{place}, bounds") for bound in known["bounds"])
        known["bounds"] = (low, high)
    if "levels" in known:
        known["levels"] = tuple(_level_text(level) for level in known["levels"])
    try:
        return Column(name, **known)
    except SchemaError as error:
        table, _, _ = place.rpartition(", column ")
        raise SchemaError(f"{table}, {error}" if table else str(error)) from error


def _level_text(level: Any) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)


def _check_type(field: str, value: Any, place: str) -> None:
    rule = FIELDS[field]
    where = f"{place}, field {field!r}"
    if "enum" in rule:
        if value not in rule["enum"]:
            raise SchemaError(f"{where}: {unknown('kind', str(value), KINDS)}")
        return
    types = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    if not any(_is_a(value, kind) for kind in types):
        allowed = " or ".join(_WORDS[kind] for kind in types)
        raise SchemaError(f"{where}: expected {allowed}, not {describe(value)}.")
    if value is not None and (value < rule.get("minimum", -math.inf) if field == "decimals" else False):
        raise SchemaError(f"{where}: must be 0 or more, not {value}.")
    if field == "step" and value is not None and not (value > 0 and math.isfinite(value)):
        raise SchemaError(f"{where}: must be above 0, not {value}.")
    if field == "levels" and value is not None:
        for level in value:
            if isinstance(level, (list, tuple, Mapping)) or level is None:
                raise SchemaError(f"{where}: a level must be text, not {describe(level)}.")
    if field == "bounds" and value is not None and len(value) != 2:
        raise SchemaError(f"{where}: expected two values, low and high, not {len(value)}.")


def _is_a(value: Any, kind: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    if kind == "array":
        return isinstance(value, (list, tuple))
    if kind == "object":
        return isinstance(value, Mapping)
    return value is None


def describe(value: Any) -> str:
    """Name the type of a value from a schema file, for a message."""
    if isinstance(value, Mapping):
        return "a mapping"
    kind = next((kind for kind in _WORDS if _is_a(value, kind)), None)
    if kind in {"boolean", "integer", "number", "string"}:
        shown = repr(value)
        return (
            f"{_WORDS[kind]} ({shown})" if len(shown) <= 40 and kind != "boolean" else str(value).lower()[:40]
        )
    return _WORDS[kind] if kind else type(value).__name__


def dump_bound(bound: Any) -> Any:
    """Write a bound as a number or as ISO 8601 text."""
    if isinstance(bound, timedelta):
        return dump_duration(bound)
    if isinstance(bound, (date, time)):
        return bound.isoformat()
    return bound


def dump_duration(value: timedelta) -> str:
    """Write a duration as ISO 8601.

    Examples
    --------
    >>> dump_duration(timedelta(days=1, seconds=90.5))
    'P1DT1M30.5S'
    """
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{value.days}D" if value.days else ""
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    clock += f"{seconds}{fraction}S" if seconds or fraction or not (days or clock) else ""
    return f"{sign}P{days}{'T' if clock else ''}{clock}"


def load_bound(value: Any, facts: Mapping[str, Any], place: str) -> Any:
    """Read a bound in the type that its column's kind asks for."""
    kind = facts["kind"]
    if kind == "number":
        if not _is_a(value, "number") or not math.isfinite(value):
            raise SchemaError(f"{place}: expected a number, not {describe(value)}.")
        return value
    types: dict[str, Any] = {"date": date, "datetime": datetime, "time": time, "duration": timedelta}
    if kind not in types:
        raise SchemaError(f"{place}: a {kind} has no bounds. Remove them.")
    if isinstance(value, types[kind]) and not (kind == "date" and isinstance(value, datetime)):
        return value
    try:
        return _parse_moment(str(value), kind, facts.get("timezone"))
    except (ValueError, OverflowError) as error:
        example = {
            "date": "2013-01-31",
            "datetime": "2013-01-31T13:05:00",
            "time": "13:05:00",
            "duration": "PT90M",
        }
        raise SchemaError(
            f"{place}: {value!r} is not a {kind}. Write it in ISO 8601, such as {example[kind]!r}."
        ) from error


def _parse_moment(text: str, kind: str, timezone: str | None) -> Any:
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "time":
        return time.fromisoformat(text)
    if kind == "duration":
        match = _DURATION.match(text)
        if match is None or text.rstrip("T").endswith("P"):
            raise ValueError(text)
        parts = {unit: int(match[unit] or 0) for unit in ("weeks", "days", "hours", "minutes", "seconds")}
        value = timedelta(**parts, microseconds=int((match["fraction"] or "0").ljust(6, "0")))
        return -value if match["sign"] else value
    moment = datetime.fromisoformat(text)
    if timezone is None or not isinstance(timezone, str):
        if moment.tzinfo is not None:
            raise ValueError(text)
        return moment
    try:
        zone = ZoneInfo(timezone)
    except (OSError, KeyError):
        return moment  # Column says that the zone is unknown
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
