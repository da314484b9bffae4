"""A policy: thresholds, requirements and questions that a house sets once, in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from simulacra.database_evaluation import choose as choose_linking
from simulacra.errors import CheckFailed, OptionError, SchemaError, SimulacraError, unknown
from simulacra.evaluation import choose
from simulacra.report import requirements
from simulacra.report.document import Report
from simulacra.schema._yaml import load_yaml
from simulacra.storage import read_bytes

MAX_BYTES = 2**20
_NAMES = ("target", "groups", "sensitive", "quasi_identifiers", "metrics")
_EXAMPLE = 'thresholds: {fidelity/detection: [0.6, 0.75]}, require: ["privacy/copies <= 0.01"]'


@dataclass(frozen=True)
class Policy:
    """What a house asks of synthetic data, whoever makes them.

    Parameters
    ----------
    thresholds : mapping
        For any score, the limits of pass and look on its own scale.
    require : tuple of str
        What must hold: ``"privacy/copies <= 0.01"``.
    fail_if : tuple of str
        What must not hold.
    target, groups, sensitive, quasi_identifiers : tuple of str
        The columns that the questions are about, as in `evaluate`.
    queries : mapping
        Questions in SQL by name.
    metrics : tuple of str
        The metrics or families to run; all when empty.
    file : str
        The name of the file that it was read from, without its folder.
    sha256 : str
        Of the file's bytes: which wording of the policy it was.

    Examples
    --------
    >>> read_policy({"require": ["privacy/copies <= 0.01"]}).require
    ('privacy/copies <= 0.01',)
    """

    thresholds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    require: tuple[str, ...] = ()
    fail_if: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    quasi_identifiers: tuple[str, ...] = ()
    queries: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    file: str = ""
    sha256: str = ""


_KEYS = tuple(entry.name for entry in fields(Policy) if entry.name not in {"file", "sha256"})


def read_policy(given: Policy | Mapping[str, Any] | str | Path) -> Policy:
    """Read a policy from a YAML file, or take one as a mapping.

    Parameters
    ----------
    given : Policy, mapping, str or Path
        The policy, its entries, or the file that holds them.

    Returns
    -------
    Policy
        Checked: all entries known, all expressions understood.

    Raises
    ------
    FileError
        The file can not be read.
    OptionError
        It is no policy; the message has the line or the entry.
    UnknownName
        An entry does not exist.

    Notes
    -----
    **Cost**: none. **Privacy**: a policy holds no data; the report names its file and hash.

    Examples
    --------
    >>> read_policy({"thresholds": {"fidelity/detection": [0.6, 0.75]}}).thresholds
    {'fidelity/detection': (0.6, 0.75)}
    """
    if isinstance(given, Policy):
        return given
    if isinstance(given, Mapping):
        text = json.dumps(given, sort_keys=True, default=str).encode()
        return _parse(given, "policy", "", hashlib.sha256(text).hexdigest())
    path = Path(given)
    raw = read_bytes(path)
    place = f"policy {path.name!r}"
    if len(raw) > MAX_BYTES:
        raise OptionError(f"{place} is larger than any policy. Is this the right file?")
    try:
        entries = load_yaml(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OptionError(f"{place} is no text in UTF-8. Save it as one.") from error
    except SchemaError as error:
        raise OptionError(f"{place}: {error}") from error
    return _parse(entries, place, path.name, hashlib.sha256(raw).hexdigest())


def _parse(entries: Any, place: str, file: str, sha256: str) -> Policy:
    if not isinstance(entries, Mapping):
        raise OptionError(f"{place} is not a list of entries with names. Write e.g. {_EXAMPLE}.")
    for key in entries:
        if key not in _KEYS:
            raise unknown(f"entry of a {place}" if file else "entry of a policy", str(key), _KEYS)
    made: dict[str, Any] = {key: _texts(entries.get(key), f"{place}, {key}") for key in _NAMES}
    for key in ("require", "fail_if"):
        made[key] = _texts(entries.get(key), f"{place}, {key}")
        for expression in made[key]:
            requirements.parse(expression)
    thresholds = _mapping(entries.get("thresholds"), f"{place}, thresholds")
    made["thresholds"] = {name: _limits(name, pair, place) for name, pair in thresholds.items()}
    made["queries"] = _mapping(entries.get("queries"), f"{place}, queries")
    for name, sql in made["queries"].items():
        if not isinstance(sql, str):
            raise OptionError(f"{place}, query {name!r} is not a text. Write SQL: select avg(age) from data.")
    return Policy(**made, file=file, sha256=sha256)


def _texts(value: Any, place: str) -> tuple[str, ...]:
    if value is None:
        return ()
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, Sequence) or not all(isinstance(item, str) for item in listed):
        raise OptionError(f"{place} is not a text or a list of texts. Write it as [one, two].")
    return tuple(dict.fromkeys(listed))


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise OptionError(f"{place} has no names. Write each entry as NAME: VALUE.")
    return {str(name): item for name, item in value.items()}


def _limits(name: str, pair: Any, place: str) -> tuple[float, float]:
    numbers = isinstance(pair, (list, tuple)) and all(
        isinstance(limit, (int, float)) and not isinstance(limit, bool) for limit in pair
    )
    if not numbers or len(pair) != 2:
        raise OptionError(f"{place}, threshold {name!r} needs two numbers: [limit of pass, limit of look].")
    return float(pair[0]), float(pair[1])


def require_known(expressions: Iterable[str], metrics: Sequence[str] | None) -> None:
    """Refuse expressions on scores that will not be there, before the work starts and not after.

    Parameters
    ----------
    expressions : iterable of str
        As `Report.require` takes them.
    metrics : sequence of str or None
        What will be run; None for all.

    Examples
    --------
    >>> require_known(["privacy/copies <= 0.01"], None)
    """
    # links between tables are asked about where there are several; nobody knows that yet
    run = (*choose_linking(metrics or None)[0], *(choose_linking(metrics)[1] if metrics else choose(None)))
    for expression in expressions:
        for part in requirements.parse(expression):
            metric = "/".join(part.name.partition("@")[0].split("/")[:2])
            if metric not in run:
                raise unknown("metric of this evaluation", metric, run)


def hold(report: Report, policy: Policy) -> Report:
    """Return a report that says which policy judged it, and what the policy found.

    Parameters
    ----------
    report : Report
        Any report.
    policy : Policy
        What is asked.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> report = Report("t", Evaluation((), pl.DataFrame(), {}, {}, ()))
    >>> hold(report, read_policy({})).policy["requirements"]
    []
    """
    found = {"file": policy.file, "sha256": policy.sha256, "requirements": judge(report, policy)}
    return replace(report, provenance={**report.provenance, "policy": found})


def judge(report: Report, policy: Policy) -> list[dict[str, Any]]:
    """Tell for every requirement of a policy whether a report keeps it.

    Parameters
    ----------
    report : Report
        Any report.
    policy : Policy
        What is asked.

    Returns
    -------
    list of dict
        ``kind`` (``require`` or ``fail_if``), ``text``, ``met`` and ``said``: the figures. A score that was not
        computed, or is not there, breaks every requirement on it: nobody can tell.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> from simulacra.metric import Score
    >>> report = Report("t", Evaluation((Score("privacy/copies", 0.2),), pl.DataFrame(), {}, {}, ()))
    >>> judge(report, read_policy({"require": "privacy/copies <= 0.01"}))[0]["met"]
    False
    """
    asked = [("require", text, report.require) for text in policy.require]
    asked += [("fail_if", text, report.forbid) for text in policy.fail_if]
    found = []
    for kind, text, check in asked:
        try:
            check(text)
            met, said = True, _figures(report, text)
        except CheckFailed:
            met, said = False, _figures(report, text)
        except SimulacraError as error:
            met, said = False, str(error)
        found.append({"kind": kind, "text": text, "met": met, "said": said})
    return found


def _figures(report: Report, text: str) -> str:
    names = dict.fromkeys(part.name for part in requirements.parse(text))
    return "; ".join(requirements.describe(report[name]) for name in names)
