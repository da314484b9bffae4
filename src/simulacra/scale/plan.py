"""A plan: which parts a job is made of; cut so that a part fits into the memory of a worker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from simulacra._filing_parts import PLAN_FILE as PLAN_FILE
from simulacra.errors import FileError
from simulacra.scale.job import Group, Job

FORMAT = 1
"""Version of the files that a run leaves; later ones are refused."""
RECORDS = "_simulacra/parts/"
"""Where a run that is not finished keeps what it knows of each finished part."""
PART_BYTES = 32_000_000
"""Memory that the rows of a part take, at most; of larger ones the pages are had anew for each part, which costs."""
_UNSAFE = re.compile(r'[\x00-\x1f/\\:*?"<>|%=]')
HELD = 4
"""Times the memory of its rows that making a part takes: drawn, joined, encoded, and the allocator's share."""


@dataclass(frozen=True)
class Part:
    """A run of consecutive units of one group.

    Parameters
    ----------
    group : str
        Name of the group.
    number : int
        Its place among the parts of the group.
    first, units : int
        Its first unit, and how many they are.
    name : str
        What its files are called, without the ending.

    Examples
    --------
    >>> list(Part("people", 1, 4, 2, "part-00001").range)
    [4, 5]
    """

    group: str
    number: int
    first: int
    units: int
    name: str

    @property
    def range(self) -> range:
        """The numbers of its units."""
        return range(self.first, self.first + self.units)

    @property
    def key(self) -> str:
        """A name that no other part of the job has."""
        return f"{self.group}/{self.number}"


def folder_name(name: str) -> str:
    """Return the name of a table as that of a folder, on any system and in any store.

    Examples
    --------
    >>> folder_name("sales 2024"), folder_name("../a:b"), folder_name("_x")
    ('sales 2024', '%2E.%2Fa%3Ab', '%5Fx')
    """
    plain = _UNSAFE.sub(lambda found: quote(found[0], safe=""), name)
    return f"%{ord(plain[0]):02X}{plain[1:]}" if plain[:1] in {".", "_"} else plain or "%00"


def record_file(group: str, number: int) -> str:
    """Name the file of a part's record.

    Examples
    --------
    >>> record_file("people", 1)
    '_simulacra/parts/people/1.json'
    """
    return f"{RECORDS}{folder_name(group)}/{number}.json"


@dataclass(frozen=True)
class Plan:
    """How a job is made and where it goes.

    Parameters
    ----------
    identity : str
        That of the job.
    form : str
        Format of the files.
    groups : tuple of Group
        Those of the job.
    steps : dict of str to int
        How many units of each group make one part.
    partition : dict of str to tuple of str
        By which columns the files of a table are parted; those of other tables are not.

    Examples
    --------
    >>> plan = Plan("ab", "csv", (Group("t", ("t",), 3),), {"t": 2})
    >>> [(part.name, part.units) for part in plan.parts()]
    [('part-00000', 2), ('part-00001', 1)]
    """

    identity: str
    form: str
    groups: tuple[Group, ...]
    steps: Mapping[str, int]
    partition: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def parts(self) -> Iterator[Part]:
        """Give all parts in the order of their groups and units."""
        for group in self.groups:
            step = self.steps[group.name]
            starts = range(0, group.units, step)
            digits = max(5, len(str(len(starts) - 1)))
            for number, first in enumerate(starts):
                units = min(step, group.units - first)
                yield Part(group.name, number, first, units, f"part-{number:0{digits}}")

    def group(self, name: str) -> Group:
        """Return a group by its name."""
        return next(group for group in self.groups if group.name == name)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON values."""
        groups = [
            {
                "name": g.name,
                "tables": list(g.tables),
                "units": g.units,
                "rows": g.rows,
                "step": self.steps[g.name],
            }
            for g in self.groups
        ]
        partition = {table: list(columns) for table, columns in self.partition.items()}
        return {
            "format": FORMAT, "identity": self.identity, "form": self.form, "groups": groups,
            "partition": partition,
        }  # fmt: skip

    def to_bytes(self) -> bytes:
        """Return what stands in its file."""
        return (json.dumps(self.dump(), indent=1, ensure_ascii=False) + "\n").encode()

    @classmethod
    def load(cls, content: Mapping[str, Any], place: str) -> Plan:
        """Make it of JSON values.

        Raises
        ------
        FileError
            They are of a newer version, or no plan.
        """
        require_format(content, place)
        try:
            groups = tuple(
                Group(str(g["name"]), tuple(g["tables"]), int(g["units"]), g["rows"])
                for g in content["groups"]
            )
            steps = {str(g["name"]): int(g["step"]) for g in content["groups"]}
            partition = {str(table): tuple(columns) for table, columns in content["partition"].items()}
            return cls(str(content["identity"]), str(content["form"]), groups, steps, partition)
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(
                f"the plan in {place!r} is damaged. Start anew: if_exists='replace' (--if-exists replace)."
            ) from error


def require_format(content: Any, place: str) -> None:
    """Refuse files of a run that a newer version wrote.

    Raises
    ------
    FileError
        They are.

    Examples
    --------
    >>> require_format({"format": 1}, "out")
    """
    version = content.get("format") if isinstance(content, Mapping) else None
    if not isinstance(version, int) or version > FORMAT:
        raise FileError(
            f"{place!r} was written in format {version!r}, and this simulacra reads up to {FORMAT}. Install a newer "
            "simulacra, or name another folder."
        )


def measure_units(job: Job) -> dict[str, int]:
    """Draw the first unit of each group that has several, and return the bytes that it takes in memory."""
    return {
        group.name: max(sum(int(frame.estimated_size()) for frame in job.draw(group.name, 0).values()), 1)
        for group in job.groups
        if group.units > 1
    }


def fit_workers(sizes: Mapping[str, int], workers: int, memory: int | None) -> int:
    """Return how many workers may make a unit each at the same time, at least one.

    Parameters
    ----------
    sizes : mapping of str to int
        What `measure_units` gave.
    workers : int
        How many are wanted.
    memory : int or None
        Bytes that they may use together.

    Examples
    --------
    >>> fit_workers({"people": 10_000_000}, 8, 120_000_000)
    3
    """
    largest = max(sizes.values(), default=0)
    return workers if memory is None or not largest else max(1, min(workers, memory // (HELD * largest)))


def make_plan(
    job: Job,
    form: str,
    partition: Mapping[str, tuple[str, ...]],
    sizes: Mapping[str, int],
    *,
    workers: int,
    memory: int | None = None,
) -> Plan:
    """Cut a job into parts.

    Parameters
    ----------
    job : Job
        What is to be drawn.
    form : str
        Format of the files.
    partition : mapping of str to tuple of str
        By which columns files are parted.
    sizes : mapping of str to int
        What `measure_units` gave.
    workers : int
        How many parts are made at the same time.
    memory : int or None
        Bytes that all workers may use together; as much as it takes for parts of 32 MB each when None.

    Notes
    -----
    How a job is cut changes no value and no digest.
    """
    most = PART_BYTES if memory is None else min(PART_BYTES, memory // (HELD * workers))
    steps = {}
    for group in job.groups:
        fitting = int(most // sizes.get(group.name, 1))
        # few units are spread over all workers
        steps[group.name] = max(1, min(fitting, -(-group.units // workers)))
    return Plan(job.identity, form, job.groups, steps, partition)
