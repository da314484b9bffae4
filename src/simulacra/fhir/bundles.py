"""Bundles of patients: a slice of them at a time, with the rows of other tables that are theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from simulacra.dataset import Dataset
from simulacra.errors import DataError
from simulacra.fhir.resources import COLUMNS, STAFF, WRITERS, name_staff
from simulacra.generator import Progress, silent
from simulacra.storage import atomic_folder, atomic_path, require_writable
from simulacra.tablefiles import find_tables

SLICE = 500
"""Patients whose rows are held together."""
NOTICE = (
    "Synthetic test data: no patient is real. ICD-10-CM is made by the National Center for Health Statistics and CMS. "
    "This product uses publicly available data courtesy of the U.S. National Library of Medicine (NLM), National "
    "Institutes of Health, Department of Health and Human Services; NLM is not responsible for the product and does "
    "not endorse or recommend this or any other product. This material contains content from LOINC (http://loinc.org). "
    "LOINC is copyright © Regenstrief Institute, Inc. and the Logical Observation Identifiers Names and Codes (LOINC) "
    "Committee and is available at no cost under the license at http://loinc.org/license. LOINC® is a registered "
    "United States trademark of Regenstrief Institute, Inc."
)
"""What stands in every bundle: whose codes are in it."""
_META = {
    "extension": [{"url": "http://hospital.example/fhir/StructureDefinition/notice", "valueString": NOTICE}],
    "security": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
            "code": "HTEST",
            "display": "test health data",
        }
    ],
}
_SEPARATORS = (",", ":")
_ALL = {**COLUMNS, **STAFF}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    bundles : int
        How many bundles: one for each patient.
    resources : int
        How many resources they hold.
    """

    bundles: int
    resources: int


def make_bundles(source: Dataset | str | Path, *, patients: int = SLICE) -> Iterator[pl.DataFrame]:
    """Make FHIR R4 bundles of related tables.

    Parameters
    ----------
    source : Dataset, str or Path
        The tables of the template ``hospital``, or a folder in which they lie. Rows stand in the order of patients, as
        they are made.
    patients : int
        How many patients to hold at a time.

    Yields
    ------
    DataFrame
        ``id`` (of the patient), ``resources`` (how many), ``json`` (a bundle of the type ``collection``).

    Raises
    ------
    DataError
        A table or a column is missing, or rows are not in the order of patients.

    Notes
    -----
    **Cost**: linear in rows; memory for the rows of `patients` patients and a piece of each table.

    **Source**: HL7 FHIR Release 4 (4.0.1).

    Examples
    --------
    >>> import simulacra as sim
    >>> made = next(make_bundles(sim.generate("hospital", {"patients": 2}, seed=1)))
    >>> made["id"].to_list(), json.loads(made["json"][0])["resourceType"]
    ([1, 2], 'Bundle')
    """
    readers = {name: _Reader(name, _pieces(source, name)) for name in COLUMNS}
    whole = readers.pop("patients")
    before: int | None = None
    slice_ = whole.take(patients)
    staff = {name: pl.concat(_pieces(source, name)) for name in STAFF}
    while slice_.height:
        ids = slice_["id"]
        if not ids.is_sorted() or (before is not None and ids[0] <= before) or ids.n_unique() < len(ids):
            raise DataError("table 'patients': the rows are not in the order of 'id'. Sort them.")
        before = ids[-1]
        entries = [WRITERS["patients"](slice_)]
        for name, reader in readers.items():
            rows = reader.until(ids[-1])
            entries.append(WRITERS[name](name_staff(rows, staff) if name == "encounters" else rows))
        found = (
            pl.concat(entries).group_by("owner", maintain_order=True).agg("json", pl.len().alias("resources"))
        )
        strangers = found.join(slice_.select(owner="id"), on="owner", how="anti")
        if strangers.height:
            raise DataError(
                f"there are rows of patient {strangers['owner'][0]}, who is not in the table 'patients'."
            )
        yield _wrap(found)
        slice_ = whole.take(patients)
    for name, reader in readers.items():
        if reader.take(1).height:
            raise DataError(f"table {name!r} has rows of patients who are not in the table 'patients'.")


def write_bundles(
    source: Dataset | str | Path, target: str | Path, *, progress: Progress = silent
) -> Exported:
    """Write FHIR R4 bundles to a file with one a line, or to a folder with a file for each patient.

    Parameters
    ----------
    source : Dataset, str or Path
        As for `make_bundles`.
    target : str or Path
        ``bundles.ndjson`` or a folder, which must not be there or be empty.
    progress : callable
        Told how far it is.

    Raises
    ------
    DataError
        As for `make_bundles`.
    FileError
        The target can not be written.

    Notes
    -----
    **Privacy**: bundles are marked as test data (``HTEST``), and carry the notices that their codes ask for.

    Examples
    --------
    >>> import simulacra as sim, tempfile
    >>> target = Path(tempfile.mkdtemp()) / "bundles.ndjson"
    >>> write_bundles(sim.generate("hospital", {"patients": 3}, seed=1), target).bundles
    3
    """
    path = Path(target).expanduser()
    bundles = resources = 0
    if path.suffix.lower() in {".ndjson", ".jsonl"}:
        require_writable(path)
        with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            for made in make_bundles(source):
                file.writelines(f"{line}\n" for line in made["json"])
                bundles, resources = bundles + made.height, resources + int(made["resources"].sum())
                progress(0.0, f"{bundles:,} bundles")
        return Exported(bundles, resources)
    with atomic_folder(path) as folder:
        for made in make_bundles(source):
            for number, line in made.select("id", "json").iter_rows():
                (folder / f"patient-{number}.json").write_text(line + "\n", encoding="utf-8")
            bundles, resources = bundles + made.height, resources + int(made["resources"].sum())
            progress(0.0, f"{bundles:,} bundles")
    return Exported(bundles, resources)


def _wrap(found: pl.DataFrame) -> pl.DataFrame:
    """Put the entries of each patient into a bundle."""
    head = '{"resourceType":"Bundle","id":"bundle-'
    meta = f'","meta":{json.dumps(_META, ensure_ascii=False, separators=_SEPARATORS)},"type":"collection","entry":['
    whole = pl.concat_str(
        [
            pl.lit(head),
            pl.col("owner").cast(pl.String),
            pl.lit(meta),
            pl.col("json").list.join(","),
            pl.lit("]}"),
        ]
    )
    return found.select(pl.col("owner").alias("id"), pl.col("resources").cast(pl.Int64), whole.alias("json"))


def _pieces(source: Dataset | str | Path, name: str) -> Iterator[pl.DataFrame]:
    """Go through the columns of a table that are read."""
    columns = _ALL[name]
    if isinstance(source, Dataset):
        if name not in source.schema.names:
            raise _no_table(name, source.schema.names)
        _require(name, source.polars(name).columns)
        yield from (_typed(piece.select(*columns), columns) for piece in source.chunks(name=name))
        return
    tables = find_tables(source)
    if name not in tables:
        raise _no_table(name, tuple(tables))
    for piece in tables[name].pieces():
        _require(name, piece.frame.columns)
        yield _typed(piece.frame.select(*columns), columns)


def _typed(frame: pl.DataFrame, columns: Mapping[str, Any]) -> pl.DataFrame:
    """Give columns their types, also where a file has text for all of them."""
    wanted = []
    for name, dtype in columns.items():
        column = pl.col(name)
        if frame.schema[name] == pl.String and dtype == pl.Date:
            column = column.str.to_date("%Y-%m-%d")
        elif frame.schema[name] == pl.String and dtype == pl.Datetime("us"):
            column = column.str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
        wanted.append(column.cast(dtype))
    return frame.select(wanted)


def _require(name: str, there: list[str]) -> None:
    for column in _ALL[name]:
        if column not in there:
            raise DataError(
                f"table {name!r} has no column {column!r}. Bundles are made of tables like those of the template "
                "'hospital'."
            )


def _no_table(name: str, there: tuple[str, ...]) -> DataError:
    return DataError(
        f"there is no table {name!r} among {', '.join(there)}. Bundles are made of tables like those of the template "
        "'hospital'."
    )


class _Reader:
    """A table that is read from its beginning to its end, as far as is asked for."""

    def __init__(self, name: str, pieces: Iterator[pl.DataFrame]) -> None:
        self.name = name
        self._pieces = pieces
        self._held = pl.DataFrame(schema=dict(COLUMNS[name]))

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._held = pl.concat([self._held, piece])
        return True

    def take(self, rows: int) -> pl.DataFrame:
        """Give the next rows."""
        while self._held.height < rows and self._more():
            pass
        taken, self._held = self._held.head(rows), self._held.slice(rows)
        return taken

    def until(self, patient: int) -> pl.DataFrame:
        """Give the next rows, up to those of a patient."""
        while (not self._held.height or self._held["patient_id"][-1] <= patient) and self._more():
            pass
        if not self._held["patient_id"].is_sorted():
            raise DataError(
                f"table {self.name!r}: the rows are not in the order of 'patient_id'. Sort them by it."
            )
        size = int((self._held["patient_id"] <= patient).sum())
        taken, self._held = self._held.head(size), self._held.slice(size)
        return taken
