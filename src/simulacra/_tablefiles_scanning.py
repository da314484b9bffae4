"""One file piece by piece, whatever its format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl

from simulacra.errors import DataError
from simulacra.filing import read_path
from simulacra.sources._dialect import detect
from simulacra.storage import error_code, open_error

_HEAD = 1 << 18
_FEW = 100


def count_rows(path: Path) -> int | None:
    """Count the rows of a file that tells without being read; None for others."""
    if _suffix(path) not in _TYPED:
        return None
    with _Reading(path):
        return int(_TYPED[_suffix(path)](path).select(pl.len()).collect().item())


def scan_pieces(path: Path, columns: Sequence[str] | None, rows: int) -> Iterator[pl.DataFrame]:
    """Read a file in pieces of at most so many rows; one piece without rows if it has none."""
    lazy = _scan(path)
    if lazy is None:
        whole = next(iter(read_path(path).values())).frame
        _require(path, columns, whole.columns)
        yield from (
            (whole if columns is None else whole.select(columns)).iter_slices(rows)
            if len(whole)
            else [whole if columns is None else whole.select(columns)]
        )
        return
    with _Reading(path):
        schema = lazy.collect_schema()
    _require(path, columns, schema.names())
    if columns is not None and not columns:
        # a frame without columns has no rows either, so the first column stands for their number
        columns = schema.names()[:1]
    if columns is not None:
        lazy = lazy.select(columns)
        schema = pl.Schema({name: schema[name] for name in columns})
    seen = False
    with _Reading(path):
        for frame in lazy.collect_batches(chunk_size=rows, maintain_order=True):
            if frame.height:
                seen = True
                yield from frame.iter_slices(rows)
    if not seen:
        yield pl.DataFrame(schema=schema)


def _require(path: Path, columns: Sequence[str] | None, there: Sequence[str]) -> None:
    lacking = [name for name in columns or () if name not in there]
    if lacking:
        shown = ", ".join(repr(name) for name in lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        raise DataError(
            f"{str(path)!r} lacks the column{'s' if len(lacking) > 1 else ''} {shown}. Write the file anew, or take "
            f"{'them' if len(lacking) > 1 else 'it'} out of the schema."
        )


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _parquet(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _arrow(path: Path) -> pl.LazyFrame:
    return pl.scan_ipc(path, glob=False, hive_partitioning=False)


_TYPED: dict[str, Callable[[Path], pl.LazyFrame]] = {
    ".parquet": _parquet, ".pq": _parquet, ".arrow": _arrow, ".feather": _arrow, ".ipc": _arrow,
}  # fmt: skip


def _scan(path: Path) -> pl.LazyFrame | None:
    """Open a file lazily; None if its form can only be read whole."""
    suffix = _suffix(path)
    if suffix in _TYPED:
        if _TYPED[suffix] is _arrow and _head(path)[:6] != b"ARROW1":
            return None
        return _TYPED[suffix](path)
    if suffix in {".csv", ".tsv", ".tab", ".psv"}:
        return _csv(path)
    if suffix in {".jsonl", ".ndjson"}:
        return _json_lines(path)
    return None


def _csv(path: Path) -> pl.LazyFrame | None:
    head = _head(path)
    try:
        head.rpartition(b"\n")[0].decode("utf-8")
    except UnicodeDecodeError:
        return None
    if (
        not head.strip()
        or head.startswith((b"sep=", b"\xef\xbb\xbf"))
        or b"\x00" in head
        or b"\n" not in head
    ):
        return None
    dialect = detect(head.rpartition(b"\n")[0] + b"\n")
    # what is odd is read by the one reader that knows oddities
    if not dialect.header or dialect.spaced or dialect.quote not in {None, '"'}:
        return None
    lazy = pl.scan_csv(
        path, glob=False, infer_schema=False, separator=dialect.separator, quote_char=dialect.quote
    )
    names = lazy.collect_schema().names()
    if any(not name.strip() or name != name.strip() for name in names):
        return None
    # an empty field is a missing value, quoted or not
    return lazy.with_columns(pl.when(pl.all() != "").then(pl.all()).name.keep())


def _json_lines(path: Path) -> pl.LazyFrame | None:
    """Read the lines as text: types are the schema's business; the first lines tell the names."""
    head = _head(path)
    lines = head.splitlines() if len(head) < _HEAD else head.splitlines()[:-1]
    names: dict[str, None] = {}
    for line in lines[:_FEW]:
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError:
            return None
        if not isinstance(found, dict) or any(isinstance(value, (dict, list)) for value in found.values()):
            return None
        names |= dict.fromkeys(found)
    return pl.scan_ndjson(path, schema=dict.fromkeys(names, pl.String())) if names else None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise open_error(path, error) from error


class _Reading:
    """Turns what Polars says of a file that it can not read into one sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pl.exceptions.PolarsError) or (
            isinstance(error, OSError) and error_code(error) is None
        ):
            raise DataError(
                f"{str(self._path)!r} can not be read to its end: it is damaged, or not what its name says. "
                "Write it again."
            ) from error
        if isinstance(error, OSError):
            raise open_error(self._path, error) from error
