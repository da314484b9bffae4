"""What a run has made: a record of each part, and the manifest of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from simulacra._filing_parts import KIND
from simulacra._filing_parts import MANIFEST_FILE as MANIFEST_FILE
from simulacra.errors import FileError
from simulacra.memory import size_text
from simulacra.provenance import versions
from simulacra.scale.digest import digest_all, digest_table
from simulacra.scale.job import Job, origin_of
from simulacra.scale.plan import FORMAT, Plan, record_file, require_format


@dataclass(frozen=True)
class File:
    """A file of a part.

    Parameters
    ----------
    table : str
        Whose rows it holds.
    name : str
        Where it is, below the folder.
    rows, bytes : int
        How many it has.
    sha256 : str
        Of its bytes.
    values : str
        Digest of its rows, where files are parted by columns and units stand in no file as they were drawn.
    """

    table: str
    name: str
    rows: int
    bytes: int
    sha256: str
    values: str = ""


@dataclass(frozen=True)
class Units:
    """What is known of the units of a part, table by table.

    Parameters
    ----------
    rows : tuple of int
        How many rows each unit has.
    digests : tuple of str
        The digest of each unit.
    """

    rows: tuple[int, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """A finished part.

    Parameters
    ----------
    group : str
        Its group.
    number, first : int
        Its place among the parts of the group, and its first unit.
    units : dict of str to Units
        What is known of its units, by table.
    files : tuple of File
        Its files; none where rows go to a database.
    size : int
        Bytes that its rows take in memory.
    """

    group: str
    number: int
    first: int
    units: Mapping[str, Units]
    files: tuple[File, ...]
    size: int

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(sum(units.rows) for units in self.units.values())

    @property
    def key(self) -> str:
        """The key of its part."""
        return f"{self.group}/{self.number}"

    @property
    def name(self) -> str:
        """The file that it is kept in until all parts are there."""
        return record_file(self.group, self.number)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON values."""
        units = {table: {"rows": list(u.rows), "digests": list(u.digests)} for table, u in self.units.items()}
        files = [{k: v for k, v in asdict(file).items() if v != ""} for file in self.files]
        return {
            "group": self.group, "number": self.number, "first": self.first, "units": units, "files": files,
            "memory": self.size,
        }  # fmt: skip

    def to_bytes(self) -> bytes:
        """Return what stands in its file."""
        return json.dumps({"format": FORMAT, **self.dump()}, ensure_ascii=False).encode()

    @classmethod
    def load(cls, content: Mapping[str, Any]) -> Record:
        """Make it of JSON values; KeyError, TypeError or ValueError where they are no record."""
        units = {
            str(table): Units(tuple(map(int, u["rows"])), tuple(map(str, u["digests"])))
            for table, u in content["units"].items()
        }
        files = tuple(File(**file) for file in content["files"])
        first, number = int(content["first"]), int(content["number"])
        return cls(str(content["group"]), number, first, units, files, int(content["memory"]))


@dataclass(frozen=True)
class Manifest:
    """All parts of a run, with what is needed to check them.

    Parameters
    ----------
    plan : Plan
        How the job was cut, and in what format the files are.
    rows : dict of str to int
        Rows of each table.
    digests : dict of str to str
        Digest of each table.
    digest : str
        Digest of all values.
    records : tuple of Record
        Every part, in the order of the plan.
    origin : dict
        What the job says of where its rows come from.
    versions : dict
        Of the packages that made them.
    notes : tuple of str
        What is to be told of the rows.
    place : str
        Where they are; not in the file.
    seconds : float
        How long this call took; not in the file.
    made : int
        Rows that this call made, and did not find; not in the file.

    Examples
    --------
    >>> plan = Plan("ab", "csv", (), {})
    >>> print(Manifest(plan, {}, {}, "00", (), place="out", seconds=1.0).summary)
    wrote 0 rows to 'out' in 1.0 s
    """

    plan: Plan
    rows: Mapping[str, int]
    digests: Mapping[str, str]
    digest: str
    records: tuple[Record, ...]
    origin: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    place: str = ""
    seconds: float = 0.0
    made: int = 0

    @classmethod
    def of(
        cls, job: Job, plan: Plan, records: Iterable[Record], notes: Iterable[str], place: str
    ) -> Manifest:
        """Make it of the records of all parts, in any order."""
        known = {record.key: record for record in records}
        ordered = tuple(known[part.key] for part in plan.parts())
        rows: dict[str, int] = {}
        digests: dict[str, str] = {}
        for group in plan.groups:
            own = [record for record in ordered if record.group == group.name]
            for table in group.tables:
                rows[table] = sum(sum(record.units[table].rows) for record in own)
                digests[table] = digest_table(
                    digest for record in own for digest in record.units[table].digests
                )
        names = job.schema.names
        return cls(
            plan, {name: rows[name] for name in names}, {name: digests[name] for name in names},
            digest_all(digests, names), ordered, origin_of(job), versions(), tuple(notes), place,
        )  # fmt: skip

    @property
    def files(self) -> tuple[File, ...]:
        """All files, in the order of the parts."""
        return tuple(file for record in self.records for file in record.files)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def size(self) -> int:
        """Bytes that all rows would take in memory."""
        return sum(record.size for record in self.records)

    @property
    def summary(self) -> str:
        """What was done, in one line."""
        total = sum(self.rows.values())
        files = len(self.files)
        held = f" in {files:,} file{'' if files == 1 else 's'} ({size_text(self.bytes)})" if files else ""
        rate = f", {self.made / self.seconds:,.0f} rows/s" if self.made and self.seconds else ""
        found = f" ({total - self.made:,} were there already)" if self.made < total else ""
        return f"wrote {self.made:,} rows{found}{held} to {self.place!r} in {self.seconds:.1f} s{rate}"

    def with_notes(self, notes: Iterable[str]) -> Manifest:
        """Return it with more to tell."""
        return replace(self, notes=(*self.notes, *notes))

    def dump(self) -> dict[str, Any]:
        """Return it as JSON values; the same run gives the same ones on every engine, for they hold no time."""
        tables = {name: {"rows": self.rows[name], "digest": self.digests[name]} for name in self.rows}
        return {
            **self.plan.dump(), "kind": KIND, "digest": self.digest, "rows": sum(self.rows.values()),
            "bytes": self.bytes, "memory": self.size, "tables": tables, "origin": dict(self.origin),
            "versions": dict(self.versions), "notes": list(self.notes),
            "parts": [record.dump() for record in self.records],
        }  # fmt: skip

    @classmethod
    def load(cls, content: Any, place: str) -> Manifest:
        """Make it of JSON values.

        Raises
        ------
        FileError
            They are of a newer version, or no manifest.
        """
        require_format(content, place)
        try:
            tables = content["tables"]
            return cls(
                Plan.load(content, place),
                {str(name): int(facts["rows"]) for name, facts in tables.items()},
                {str(name): str(facts["digest"]) for name, facts in tables.items()},
                str(content["digest"]), tuple(map(Record.load, content["parts"])), dict(content["origin"]),
                dict(content["versions"]), tuple(map(str, content["notes"])), place,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileError(
                f"the manifest in {place!r} is damaged. Make the rows again: if_exists='replace' "
                "(--if-exists replace)."
            ) from error


def write_manifest(manifest: Manifest) -> bytes:
    """Return what stands in the file of a manifest: a line for each part.

    Examples
    --------
    >>> json.loads(write_manifest(Manifest(Plan("ab", "csv", (), {}), {}, {}, "00", ())))["kind"]
    'parts'
    """
    facts = manifest.dump()
    parts = ",\n".join(json.dumps(part, ensure_ascii=False) for part in facts.pop("parts"))
    head = json.dumps(facts, indent=1, ensure_ascii=False).removesuffix("\n}")
    return f'{head},\n "parts": [\n{parts}\n]}}\n'.encode()
