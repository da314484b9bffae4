"""The verb `compare_fairness`: real rows and a model in, definitions of fairness side by side out."""

from __future__ import annotations

from collections.abc import Sequence
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
from simulacra.modelfile import read_model
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import Streams, resolve_seed
from simulacra.report.parity import ParityReport, Treatment
from simulacra.shares.parity import DEFINITIONS, TRANSFORMS, read_parity
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
        Which ones; None for all that the model and the columns allow.
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
    for name in (target, *names, *explaining):
        table[name]
    real = known.polars()
    outcome = find_positive(real, target, positive)
    asked = [
        {"target": target, "group": names, "definition": one, "positive": outcome}
        | ({"given": explaining} if one == "conditional-independence" else {})
        for one in _choose(definitions, bool(explaining), real[target].drop_nulls().n_unique() == 2)
    ]
    for fair in asked:
        read_parity(fair, table)
    n = min(len(known), MOST_ROWS) if rows is None else rows
    if n < 1:
        raise OptionError(f"rows is a whole number from 1, not {rows!r}.")
    progress(0.0, "model")
    fitted = _model(model, known, seed)
    control = dataset(holdout, schema=None)
    scene = Scene(known, control, target, names, explaining, outcome, seed, n)
    steps = [REAL, LEARNT, *(str(fair["definition"]) for fair in asked)]
    found: list[Treatment] = []
    for done, name in enumerate(steps):
        progress((done + 0.5) / len(steps), name)
        unable = name in TRANSFORMS and not isinstance(fitted.generator, Dense)
        if unable and definitions is None:
            continue
        found.append(_treat(scene, fitted, name, asked[done - 2] if done > 1 else None))
    progress(1.0, "done")
    said = title or f"Fairness of {target!r} by {' and '.join(map(repr, names))}"
    facts = {"rows": n, "seed": seed, "model": fitted.model, "holdout": len(control)}
    return ParityReport(said, target, scene.shown, names, explaining, tuple(found), facts)


def _choose(definitions: Sequence[str] | None, explained: bool, binary: bool) -> list[str]:
    if definitions is None:
        # with two levels, one rate in all groups is independence: the same rows
        own = {"conditional-independence": explained, "base-rates": not binary}
        return [name for name in DEFINITIONS if own.get(name, True)]
    chosen = list(as_names(definitions))
    for name in chosen:
        if name not in DEFINITIONS:
            raise unknown("definition of fairness", name, DEFINITIONS)
    return chosen


def _model(model: Any, known: Dataset, seed: int) -> Synthesizer:
    if isinstance(model, Synthesizer):
        return model
    if str(model).lower().endswith(".sim"):
        return restore(read_model(Path(model)))
    intake = Intake.open(known, None)
    require_room(intake, make_generator(str(model), {}), None)
    learn = int(Streams(seed).at("compare fairness").stream("fit").integers(2**62))
    return fit_table(intake, model=str(model), options={}, seed=learn, holders=HOLDERS)


def _treat(scene: Scene, model: Synthesizer, name: str, fair: dict[str, Any] | None) -> Treatment:
    words = DEFINITIONS.get(
        name, "rows of the model, nothing done" if name == LEARNT else "the training rows"
    )
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
