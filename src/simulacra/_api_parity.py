"""The verb `compare_fairness`: real rows and a model in, definitions of fairness side by side out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulacra._api_comparison import as_names
from simulacra._api_parity_figures import Scene, find_positive
from simulacra._api_schema import Contract, contract
from simulacra.dataset import Dataset, dataset
from simulacra.errors import OptionError, SimulacraError, unknown
from simulacra.estimation import require_room
from simulacra.fitting import fit_table
from simulacra.generator import Dense, Progress, silent
from simulacra.intake import Intake
from simulacra.metrics._learners import MOST_ROWS
from simulacra.modelfile import read_model, require_single
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import Streams, resolve_seed
from simulacra.report.parity import ParityReport, Treatment, percent
from simulacra.shares.parity import DEFINITIONS, TRANSFORMS, USES, read_parity, require_columns
from simulacra.synthesizer import Synthesizer, make_generator, restore

REAL, LEARNT = "real", "as learnt"


def compare_fairness(
    train: Any,
    model: Any = "trees",
    *,
    holdout: Any,
    target: str,
    group: str | Sequence[str],
    given: str | Sequence[str] | None = None,
    positive: str | None = None,
    definitions: Sequence[str] | None = None,
    rate: float | None = None,
    shares: Mapping[str, float] | None = None,
    rows: int | None = None,
    schema: Contract | None = None,
    seed: int = 0,
    title: str | None = None,
    progress: Progress = silent,
) -> ParityReport:
    """Show what each definition of fairness does to drawn rows, to the other definitions, and to a classifier.

    Parameters
    ----------
    train : path, frame or Dataset
        The real rows that the model learnt from.
    model : str, path or Synthesizer
        A fitted model (or its ``.sim`` file), or the name of one to fit here.
    holdout : path, frame or Dataset
        Real rows that no model saw: classifiers are tested on them.
    target : str
        The outcome, a category or a boolean.
    group : str or sequence of str
        The columns whose values, crossed, are the groups.
    given : str, sequence of str or None
        Columns that explain a difference: for ``conditional-independence``, and for the conditional gap of all.
    positive : str or None
        The level of the target whose rate counts; the rarest among real rows when None.
    definitions : sequence of str or None
        Which ones; None for all that the model and the columns allow (the report says why others are not there).
    rate : float or None
        The rate of the positive level that ``base-rates`` and ``relabel`` give every group; that of all rows when None.
    shares : mapping or None
        Group to share of the rows, for ``group-shares``; equal shares when None.
    rows : int or None
        Rows to draw under each definition; as many as `train` has, up to 30,000, when None.
    schema : Schema, mapping, path or None
        The contract of the real rows; guessed when None.
    seed : int
        The same seed gives the same report.
    title : str or None
        Heading of the report.
    progress : callable
        Told the share done.

    Returns
    -------
    ParityReport
        ``report["independence"].figures["auc"].value``; `frame`, `save`.

    Raises
    ------
    UnknownName
        A column, definition or level does not exist.
    OptionError
        The columns can not be compared so.
    DataError
        There are too few rows.

    Notes
    -----
    Every treatment gets as many rows. A boosted-tree classifier learns from them, all columns but the target are its
    features (the group too), and it is tested on the holdout, which is as unfair as the world that it came from:
    a loss of accuracy is a distance from that world, not from what is right. Intervals are 95 %, over the rows
    described and over the rows tested, for one draw.

    **Cost**: one draw and one classifier for each definition; ``no-direct-path`` and ``relabel`` ask the model for the
    density of every row, once for each level (and group).

    **Privacy**: aggregates of groups of at least 10 real rows; levels of a sensitive target are numbered.

    **Source**: Barocas, Hardt & Narayanan 2023, "Fairness and machine learning", chapter 3 (the criteria, and that they
    exclude each other); see `simulacra.shares.parity` for the definitions.

    Examples
    --------
    >>> import numpy as np, polars as pl, simulacra as sim
    >>> def people(rows, seed):
    ...     draws = np.random.Generator(np.random.Philox(seed)).random((3, rows))
    ...     sex = np.where(draws[0] < 0.5, "f", "m")
    ...     paid = draws[1] + draws[2] > np.where(sex == "f", 1.2, 0.8)
    ...     return pl.DataFrame({"sex": sex, "skill": draws[1].round(2), "paid": np.where(paid, "yes", "no")})
    >>> report = sim.compare_fairness(
    ...     people(2000, 1), "independent", holdout=people(500, 2), target="paid", group="sex",
    ...     definitions=["independence"],
    ... )
    >>> report.names, report["independence"].figures["parity_gap"].value < 0.01
    (('real', 'as learnt', 'independence'), True)
    """
    known = dataset(train, schema=contract(schema, train))
    seed = resolve_seed(seed)
    names, table = as_names(group), known.schema.table()
    explaining = as_names(given)
    require_columns((target, *names, *explaining), table)
    real = known.polars()
    outcome = find_positive(real, target, positive)
    stated = {"rate": rate, "shares": shares, "given": explaining or None}
    chosen = _choose(definitions, stated)
    binary = real[target].drop_nulls().n_unique() == 2
    left = {} if definitions is not None else _leave_out(stated, binary)
    asked = {
        one: {"target": target, "group": names, "definition": one, "positive": outcome}
        | {option: stated[option] for option in USES.get(one, ())}
        for one in chosen
        if one not in left
    }
    for fair in asked.values():
        read_parity(fair, table)
    n = min(len(known), MOST_ROWS) if rows is None else rows
    if n < 1:
        raise OptionError(f"rows is a whole number from 1, not {rows!r}.")
    progress(0.0, "model")
    fitted = _model(model, known, seed)
    control = dataset(holdout, schema=None)
    scene = Scene(known, control, target, names, explaining, outcome, seed, n)
    if definitions is None and not isinstance(fitted.generator, Dense):
        left |= dict.fromkeys(TRANSFORMS, f"model {fitted.model!r} can not tell how likely rows are.")
    steps = [REAL, LEARNT, *chosen]
    found: list[Treatment] = []
    for done, name in enumerate(steps):
        progress((done + 0.5) / len(steps), name)
        if name in left:
            found.append(Treatment(name, DEFINITIONS[name], error=left[name]))
        else:
            found.append(_treat(scene, fitted, name, asked.get(name)))
    progress(1.0, "done")
    said = title or f"Fairness of {target!r} by {' and '.join(map(repr, names))}"
    facts = {"rows": n, "seed": seed, "model": fitted.model, "holdout": len(control)}
    return ParityReport(said, target, scene.shown, names, explaining, tuple(found), facts)


def _choose(definitions: Sequence[str] | None, stated: Mapping[str, Any]) -> list[str]:
    chosen = list(DEFINITIONS) if definitions is None else list(as_names(definitions))
    for name in chosen:
        if name not in DEFINITIONS:
            raise unknown("definition of fairness", name, DEFINITIONS)
    for option in ("rate", "shares"):
        users = [name for name, options in USES.items() if option in options]
        if stated[option] is not None and not set(users) & set(chosen):
            raise OptionError(
                f"fair: {option!r} belongs to {' and '.join(map(repr, users))}, and none of them is asked for. "
                "Leave it out, or add the definition."
            )
    return chosen


def _leave_out(stated: Mapping[str, Any], binary: bool) -> dict[str, str]:
    """Say why definitions that nobody named are not compared."""
    left = {}
    if stated["given"] is None:
        left["conditional-independence"] = (
            "it needs a column that explains a difference. Name one with given."
        )
    if binary and stated["rate"] is None:
        left["base-rates"] = (
            "with two levels of the target and no stated rate it gives the same rows as 'independence'. "
            "State a rate, such as 0.3, to see another."
        )
    return left


def _model(model: Any, known: Dataset, seed: int) -> Synthesizer:
    if isinstance(model, Synthesizer):
        return model
    require_single(model)
    if str(model).lower().endswith(".sim"):
        return restore(read_model(Path(model)))
    intake = Intake.open(known, None)
    require_room(intake, make_generator(str(model), {}), None)
    learn = int(Streams(seed).at("compare fairness").stream("fit").integers(2**62))
    return fit_table(intake, model=str(model), options={}, seed=learn, holders=HOLDERS)


def _treat(scene: Scene, model: Synthesizer, name: str, fair: dict[str, Any] | None) -> Treatment:
    words = DEFINITIONS.get(
        name, "rows of the model, nothing done" if name == LEARNT else "the training rows"
    ) + _stated(fair or {}, hidden=any(scene.table[column].sensitive for column in scene.group))
    if name == REAL:
        return scene.describe(name, words, scene.real, ())
    own = Streams(scene.seed).at("compare fairness").key("rows", name) % 2**62
    try:
        drawn = model.sample(scene.n, seed=own, fair=fair)
        return scene.describe(name, words, drawn.polars(), drawn.notes)
    except SimulacraError as error:
        if name == LEARNT:
            raise
        return Treatment(name, words, error=str(error))


def _stated(fair: Mapping[str, Any], *, hidden: bool) -> str:
    """Put what the user stated into words."""
    if fair.get("rate") is not None:
        return f" (stated: {percent(fair['rate'])})"
    if fair.get("shares"):
        if hidden:
            return " (stated)"
        shares = ", ".join(f"{group} {percent(share)}" for group, share in fair["shares"].items())
        return f" (stated: {shares})"
    return ""
