"""Scenarios: named requests on one model, read from a file and checked as a whole before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath
from typing import Any

from simulacra.errors import OptionError, SchemaError, SimulacraError, unknown
from simulacra.guarantees.constraints import Guarantees
from simulacra.sampling.conditions import require_possible
from simulacra.sampling.requests import Request
from simulacra.sampling.shifts import read_shifts
from simulacra.schema._yaml import load_yaml
from simulacra.schema.predicates import Predicate
from simulacra.shares.margins import read_margins
from simulacra.shares.parity import read_parity
from simulacra.storage import read_bytes
from simulacra.synthesizer import Synthesizer

MAX_BYTES = 2**20
ASKED = ("where", "balance", "bigger", "smaller", "fair")
"""What a scenario asks of the rows as they are drawn; the rest is done to them afterwards."""
_SIGNS = set('<>:"|?*\\/')
"""Signs that some system does not allow in the name of a file."""

EXAMPLE = """\
# Scenarios: named requests on one model. Draw them with
#   simulacra play MODEL.sim scenarios.yaml -o folder/ --report scenarios.html
scenarios:
  - name: spring                  # the file's name, unless `output` says otherwise
    says: Customers in two states in spring, half of them fraudulent
    rows: 500
    where: state in ('OH', 'NY') and extract(month from bought) in (3, 4, 5)
    balance: {fraud: {yes: 0.5}}  # shares of rows, by level, range ("< 30") or condition

  - name: more-late-flights
    rows: 100000
    bigger: {"delay > 30 and month = 2": 2}   # twice as many; `smaller` divides
    # fair: {target: fraud, group: sex, definition: independence}

  - name: higher-incomes
    rows: 10000
    shift: {income: income * 1.1} # SQL by column, computed from the rows as drawn

  - name: both
    rows: 2000
    output: both.parquet
    mix: [{scenario: spring, share: 0.3}, {share: 0.7}]   # a part without a scenario: any rows
"""


@dataclass(frozen=True)
class Share:
    """A part of a mix.

    Parameters
    ----------
    share : float
        Of the rows.
    scenario : str or None
        Whose rows; None for rows of the model as it is.
    """

    share: float
    scenario: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A named request.

    Parameters
    ----------
    name : str
        Its name, and that of its file.
    rows : int
        How many.
    says : str
        What it is, for people.
    where : str, mapping or None
        A condition, as for `Synthesizer.sample`.
    balance, bigger, smaller, fair : mapping or None
        As for `Synthesizer.sample`.
    shift : mapping or None
        SQL by column, computed from the rows as they are drawn.
    mix : tuple of Share
        Parts of other scenarios; with it nothing else is asked for.
    output : str or None
        The file's name, which also says its format.

    Examples
    --------
    >>> Scenario("late", 100, where="delay > 30").touched
    ('where',)
    """

    name: str
    rows: int
    says: str = ""
    where: str | Mapping[str, Any] | None = None
    balance: Mapping[str, Any] | None = None
    bigger: Mapping[str, Any] | None = None
    smaller: Mapping[str, Any] | None = None
    fair: Mapping[str, Any] | None = None
    shift: Mapping[str, str] | None = None
    mix: tuple[Share, ...] = field(default=())
    output: str | None = None

    @property
    def touched(self) -> tuple[str, ...]:
        """The fields that ask for something."""
        return tuple(name for name in (*ASKED, "shift", "mix") if getattr(self, name))

    @property
    def asked(self) -> dict[str, Any]:
        """What `Synthesizer.sample` is asked for."""
        return {name: value for name in ASKED if (value := getattr(self, name))}


FIELDS = tuple(entry.name for entry in fields(Scenario))


def read_scenarios(given: str | Path | Mapping[str, Any] | Sequence[Any]) -> tuple[Scenario, ...]:
    """Read scenarios from a YAML file, or take them as plain values.

    Parameters
    ----------
    given : path, mapping or sequence
        The file, what stands in it, or a list of scenarios (mappings or `Scenario`).

    Returns
    -------
    tuple of Scenario
        Names are unique; they have not been held against a model yet, see `check_scenarios`.

    Raises
    ------
    FileError
        The file can not be read.
    OptionError
        It is no file of scenarios; the message names scenario and field.
    UnknownName
        A field, or a scenario that a mix names, does not exist.

    Examples
    --------
    >>> [one.name for one in read_scenarios([{"name": "late", "rows": 5, "where": "delay > 30"}])]
    ['late']
    """
    content: Any = given
    place = "scenarios"
    if isinstance(given, (str, Path)):
        place = f"scenarios {Path(given).name!r}"
        content = _load(Path(given), place)
    if isinstance(content, Mapping):
        for key in content:
            if key != "scenarios":
                raise OptionError(f"{place}: {unknown('field', str(key), ['scenarios'])}")
        content = content.get("scenarios")
    if not isinstance(content, (list, tuple)) or not content:
        raise OptionError(
            f"{place}: there is no list of scenarios. Write `scenarios:` with one entry each; see `simulacra play "
            "--example`."
        )
    found: list[Scenario] = []
    for number, entry in enumerate(content, 1):
        one = entry if isinstance(entry, Scenario) else _read(entry, number)
        twice = next((other for other in found if other.name.casefold() == one.name.casefold()), None)
        if twice is not None:
            raise OptionError(f"scenario {one.name!r} stands there twice. Give one of them another name.")
        found.append(one)
    _check_outputs(found)
    for one in found:
        _check_mix(one, found)
    return tuple(found)


def _load(path: Path, place: str) -> Any:
    raw = read_bytes(path)
    if len(raw) > MAX_BYTES:
        raise OptionError(f"{place}: the file is larger than 1 MB. Is this the right file?")
    try:
        return load_yaml(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OptionError(f"{place}: this is no text in UTF-8. Save it as one.") from error
    except SchemaError as error:
        raise OptionError(f"{place}: {error}".replace("a schema", "a file of scenarios")) from error


def _read(entry: Any, number: int) -> Scenario:
    if not isinstance(entry, Mapping):
        raise OptionError(f"scenario {number}: expected fields such as name and rows, not {entry!r}.")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise OptionError(f"scenario {number}: it lacks a name. Write e.g. `name: late-flights`.")
    for key in entry:
        if key not in FIELDS:
            raise _placed(unknown("field", str(key), FIELDS), name)
    values: dict[str, Any] = {key: value for key, value in entry.items() if value is not None}
    if "rows" not in values:
        raise OptionError(f"scenario {name!r}: it lacks the number of rows. Write e.g. `rows: 1000`.")
    for key in ("says", "output"):
        if not isinstance(values.get(key, ""), str):
            raise OptionError(f"scenario {name!r}, field {key!r}: expected text, not {values[key]!r}.")
    for key in ("balance", "bigger", "smaller", "fair", "shift"):
        if not isinstance(values.get(key, {}), Mapping):
            raise OptionError(
                f"scenario {name!r}, field {key!r}: expected names with their values, not {values[key]!r}."
            )
    if "mix" in values:
        values["mix"] = _read_mix(values["mix"], name)
    return Scenario(**values)


def _read_mix(given: Any, name: str) -> tuple[Share, ...]:
    place = f"scenario {name!r}, field 'mix'"
    example = "[{scenario: NAME, share: 0.3}, {share: 0.7}]"
    if not isinstance(given, (list, tuple)) or not given:
        raise OptionError(f"{place}: expected a list such as {example}, not {given!r}.")
    parts = []
    for entry in given:
        if not isinstance(entry, Mapping) or "share" not in entry:
            raise OptionError(f"{place}: every part has a share, as in {example}.")
        for key in entry:
            if key not in ("scenario", "share"):
                raise _placed(unknown("field", str(key), ("scenario", "share")), name, "mix")
        share = entry["share"]
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise OptionError(f"{place}: a share lies between 0 and 1, so {share!r} will not do.")
        parts.append(Share(float(share), entry.get("scenario")))
    total = math.fsum(part.share for part in parts)
    if abs(total - 1) > 1e-9:
        raise OptionError(f"{place}: the shares sum to {total:g}. Let them sum to 1.")
    return tuple(parts)


def _check_outputs(found: Sequence[Scenario]) -> None:
    taken: dict[str, str] = {}
    for one in found:
        said = one.output or one.name
        plain = PurePath(said).name == said and not _SIGNS & set(said) and said.isprintable()
        if not plain or said.startswith(".") or said != said.strip():
            raise OptionError(
                f"scenario {one.name!r}: {said!r} can not be the name of a file. Use letters, digits, '-' and '_'; the "
                "folder is given with -o (output)."
            )
        if said.casefold() in taken:
            raise OptionError(
                f"scenarios {taken[said.casefold()]!r} and {one.name!r} would both be written to {said!r}. Rename one."
            )
        taken[said.casefold()] = one.name


def _check_mix(one: Scenario, found: Sequence[Scenario]) -> None:
    if not one.mix:
        return
    more = [name for name in one.touched if name != "mix"]
    if more:
        raise OptionError(
            f"scenario {one.name!r}: 'mix' takes rows of other scenarios as they are, so {more[0]!r} can not stand "
            f"beside it. Put {more[0]!r} into one of them."
        )
    known = {other.name: other for other in found}
    for part in one.mix:
        if part.scenario is None:
            continue
        if part.scenario not in known:
            raise _placed(unknown("scenario", str(part.scenario), known), one.name, "mix")
        if known[part.scenario].mix:
            raise OptionError(
                f"scenario {one.name!r}, field 'mix': {part.scenario!r} is a mix itself. Name scenarios that are not."
            )


def require_order(model: object, scenarios: object) -> None:
    """Refuse a model where scenarios should be: the two files change places easily.

    Raises
    ------
    OptionError
        What is given as scenarios is a model file.

    Examples
    --------
    >>> require_order("adult.sim", "scenarios.yaml")
    """
    if isinstance(scenarios, (str, Path)) and str(scenarios).lower().endswith(".sim"):
        first = f"{str(scenarios)!r} is a model, and the model comes first"
        second = f", then the scenarios {str(model)!r}" if isinstance(model, (str, Path)) else ""
        raise OptionError(f"{first}{second}. Swap the two.")


def check_scenarios(scenarios: Sequence[Scenario], model: Synthesizer) -> None:
    """Hold every scenario against a model, before anything is drawn.

    Parameters
    ----------
    scenarios : sequence of Scenario
        As `read_scenarios` gives them.
    model : Synthesizer
        The model that they will be drawn from.

    Raises
    ------
    UnknownName, OptionError, PredicateError
        A column does not exist, SQL can not be understood, options contradict each other, or a condition is
        impossible; the message names scenario and field.

    Notes
    -----
    **Cost**: none that grows with rows. Whether a possible condition is too rare is found when it is drawn.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> model = sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0)
    >>> check_scenarios(read_scenarios([{"name": "x", "rows": 5, "where": "a = 2"}]), model)
    """
    table = model.table
    for one in scenarios:
        checks: dict[str, Callable[[Scenario], object]] = {
            "where": lambda s: require_possible(Predicate.parse(s.where or "", table), model.encodings),
            "balance": lambda s: read_margins(table, balance=s.balance),
            "bigger": lambda s: read_margins(table, bigger=s.bigger),
            "smaller": lambda s: read_margins(table, smaller=s.smaller),
            "fair": lambda s: read_parity(s.fair or {}, table),
            "shift": lambda s: read_shifts(s.shift or {}, table),
        }
        for name, check in checks.items():
            if name in one.touched:
                _try(check, one, name)
        _try(lambda s: Request(s.rows, **s.asked), one)
        _try(lambda s: read_margins(table, s.balance, s.bigger, s.smaller), one)
    if any(one.shift or one.mix for one in scenarios):
        Guarantees.of(table, model.encodings)


def _try(check: Callable[[Scenario], object], one: Scenario, name: str | None = None) -> None:
    try:
        check(one)
    except SimulacraError as error:
        raise _placed(error, one.name, name) from error.__cause__


def _placed(error: SimulacraError, scenario: str, name: str | None = None) -> SimulacraError:
    """Make the same error with scenario and field in front."""
    where = f"scenario {scenario!r}" + (f", field {name!r}" if name else "")
    return type(error)(f"{where}: {error}")
