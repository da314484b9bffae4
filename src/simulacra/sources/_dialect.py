"""The dialect of a CSV text: separator, quote, header; and the shape of its lines."""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simulacra.domain import Array

SEPARATORS = (",", ";", "\t", "|")
_CHUNK = 1 << 24
_NUMBER = re.compile(r"\s*[-+]?(\d[\d ,.']*|\.\d+)([eE][-+]?\d+)?%?\s*")
_DATE = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d.*)?\s*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are told apart."""

    separator: str
    quote: str | None
    header: bool
    spaced: bool = False
    """Whether every separator is followed by a space that is no part of the value."""


def detect(
    text: bytes, separator: str | None = None, header: bool | None = None, quote: str | None = None
) -> Dialect:
    """Find the dialect of a text from its first lines."""
    sample = _sample(text)
    tried = SEPARATORS if separator is None else (separator,)
    quotes = (quote,) if quote else ("'", '"') if _apostrophes(sample, tried) else ('"',)
    separator, quote = max(
        ((s, q) for q in quotes for s in tried), key=lambda way: _consistency(sample, *way)
    )
    spaced = _spaced(sample, separator)
    rows = _parse(sample, separator, quote, spaced)
    if header is None:
        header = not _starts_with_data(rows)
    return Dialect(separator, quote, header, spaced)


def count_fields(text: bytes, separator: str, quote: str | None) -> tuple[Array, Array]:
    """Count the fields of every record.

    Returns
    -------
    fields, lines : arrays of shape (records,)
        The number of fields (0 for an empty line) and the 1-based number of the line where each record
        starts. A quote opens and closes at every occurrence, as RFC 4180 has it; stray quotes inside a field
        upset that, so the caller checks that all records agree.
    """
    data = np.frombuffer(text, dtype=np.uint8)
    quoted = quote is not None and quote.encode() in text
    fields: list[Array] = []
    starts: list[Array] = []
    opened, carried, blank, line, first = False, 0, True, 1, 1
    for begin in range(0, len(data), _CHUNK):
        part = data[begin : begin + _CHUNK]
        newline = part == 10
        split = part == ord(separator)
        ends_line = newline
        if quoted:
            inside = np.logical_xor.accumulate(part == ord(quote or '"')) ^ opened
            opened = bool(inside[-1])
            outside = ~inside
            newline, split = newline & outside, split & outside
        ends = np.flatnonzero(newline)
        splits = np.searchsorted(np.flatnonzero(split), ends)
        if len(ends):
            counts = np.diff(splits, prepend=0)
            counts[0] += carried
            sizes = np.diff(ends, prepend=-1) - 1
            returns = (ends > 0) & (part[ends - 1] == 13)
            empty = (counts == 0) & (sizes - returns <= 0)
            empty[0] &= blank
            fields.append(np.where(empty, 0, counts + 1))
            physical = np.flatnonzero(ends_line)
            below = np.searchsorted(physical, ends, side="right") + line
            starts.append(np.concatenate([[first], below[:-1]]))
            first = int(below[-1])
        total = int(split.sum())
        rest = total - (int(splits[-1]) if len(ends) else 0)
        tail = len(part) - (int(ends[-1]) + 1 if len(ends) else 0)
        carried = rest if len(ends) else carried + rest
        blank = tail == 0 if len(ends) else blank and tail == 0
        line += int(ends_line.sum())
    if not blank:
        fields.append(np.array([carried + 1]))
        starts.append(np.array([first]))
    if not fields:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(fields), np.concatenate(starts)


def _sample(text: bytes) -> list[str]:
    head = text[:131_072]
    if len(text) > len(head):
        head = head[: head.rfind(b"\n") + 1] or head
    return head.decode("utf-8", errors="replace").splitlines(keepends=True)[:500]


def _apostrophes(sample: list[str], separators: tuple[str, ...]) -> bool:
    """Tell whether fields may stand in apostrophes: all that open are closed, and nothing else quotes."""
    text = "".join(sample)
    around = f"[{re.escape(''.join(separators))}]"
    opened = len(re.findall(rf"(?:^|{around})'", text, flags=re.MULTILINE))
    closed = len(re.findall(rf"'(?:\r?$|{around})", text, flags=re.MULTILINE))
    return '"' not in text and 1 < opened == closed


def _consistency(sample: list[str], separator: str, quote: str | None) -> tuple[float, int]:
    """Share of lines with the commonest number of fields, above one; then that number."""
    counts = Counter(len(row) for row in _parse(sample[:200], separator, quote, False) if row)
    if not counts:
        return (0.0, 0)
    size, lines = max(counts.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
    return (lines / sum(counts.values()), size) if size > 1 else (0.0, 1)


def _spaced(sample: list[str], separator: str) -> bool:
    lines = [line for line in sample if separator in line]
    text = "".join(lines)
    return separator != "\t" and len(lines) > 1 and text.count(separator) == text.count(separator + " ")


def _parse(sample: list[str], separator: str, quote: str | None, spaced: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    # Where a record is broken, those before it are enough to judge by; reading reports it with its line.
    with suppress(csv.Error):
        rows.extend(csv.reader(sample, delimiter=separator, quotechar=quote or '"', skipinitialspace=spaced))
    return [row for row in rows if row]


def _starts_with_data(rows: list[list[str]]) -> bool:
    """Tell whether the first row is data: it has a number or a date where the rows below have them too."""
    if len(rows) < 2:
        return False
    first, body = rows[0], [row for row in rows[1:51] if len(row) == len(rows[0])]
    if not body or len({cell.strip() for cell in first}) == 1 < len(first):
        return False
    alike = [
        j
        for j, cell in enumerate(first)
        if any(kind.fullmatch(cell) and _mostly(kind, body, j) for kind in (_DATE, _NUMBER))
    ]
    if not alike:
        return False
    if not all(first[j].strip().isdecimal() for j in alike):
        return True
    whole = [int(cell) for cell in first if cell.strip().isdecimal()]
    labels = len(set(whole)) == len(whole) and len(whole) > 1
    years = all(1500 <= number <= 2200 for number in whole)
    counted = [b - a for a, b in pairwise(whole)] == [1] * (len(whole) - 1) and whole[0] in {0, 1}
    return not (labels and (years or counted))


def _mostly(kind: re.Pattern[str], body: list[list[str]], j: int) -> bool:
    cells = [row[j] for row in body if row[j].strip()]
    return bool(cells) and sum(bool(kind.fullmatch(cell)) for cell in cells) >= 0.9 * len(cells)
