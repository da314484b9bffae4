"""The verb `play`: a model and a file of scenarios in, the rows of each out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulacra._scenarios_drawing import Director
from simulacra.errors import OptionError, unknown
from simulacra.generator import Progress, silent
from simulacra.modelfile import read_model, require_single
from simulacra.randomness import resolve_seed
from simulacra.report.scenarios import Outcome, Outcomes
from simulacra.scenarios import check_scenarios, read_scenarios, require_order
from simulacra.synthesizer import Synthesizer, restore


def play(
    model: Synthesizer | str | Path,
    scenarios: str | Path | Mapping[str, Any] | Sequence[Any],
    *,
    seed: int | None = None,
    only: str | Sequence[str] | None = None,
    title: str | None = None,
    progress: Progress = silent,
) -> Outcomes:
    """Draw the rows of named scenarios from one model.

    Parameters
    ----------
    model : Synthesizer or path
        A fitted model, or its ``.sim`` file.
    scenarios : path, mapping or sequence
        A YAML file of scenarios, what stands in it, or a list of them: each has a ``name`` and ``rows``, and may have
        ``says``, ``where``, ``balance``, ``bigger``, ``smaller``, ``fair`` (as for `Synthesizer.sample`), ``shift``
        (SQL by column), ``mix`` and ``output``.
    seed : int or None
        The same seed gives the same bytes. None draws one, which stands in the result.
    only : str, sequence of str or None
        Names of the scenarios to draw; all when None.
    title : str or None
        Heading of the report.
    progress : callable
        Told the share done.

    Returns
    -------
    Outcomes
        A mapping of names to data sets with notes; ``write(folder)`` and ``save("report.html")``.

    Raises
    ------
    OptionError, UnknownName, PredicateError
        The file can not be understood, or the model has no such rows; the message names scenario and field, and all
        scenarios are checked before the first one is drawn.

    Notes
    -----
    Each scenario has random streams of its own, by its name: others may be added, changed or left out without changing
    a byte of it. Conditions and shares hold for rows as they are drawn; shifts are computed from these, all at once,
    and what then breaks a constraint is mended or drawn anew.

    **Cost**: that of the draws; all rows are held in memory until they are written.

    **Privacy**: as any rows of the model.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> model = sim.fit(pl.DataFrame({"pay": [10, 20] * 50, "sex": ["f", "m"] * 50}), "independent", seed=0)
    >>> drawn = sim.play(model, {"scenarios": [
    ...     {"name": "women", "rows": 4, "where": "sex = 'f'"},
    ...     {"name": "more pay", "rows": 4, "shift": {"pay": "pay + 5"}},
    ... ]}, seed=1)
    >>> list(drawn), drawn["women"].frame["sex"].unique().to_list()
    (['women', 'more pay'], ['f'])
    """
    require_order(model, scenarios)
    require_single(model)
    fitted = model if isinstance(model, Synthesizer) else restore(read_model(Path(model)))
    found = read_scenarios(scenarios)
    check_scenarios(found, fitted)
    known = {one.name: one for one in found}
    chosen = list(known) if only is None else [only] if isinstance(only, str) else list(only)
    for name in chosen:
        if name not in known:
            raise unknown("scenario", name, known)
    if not chosen:
        raise OptionError("only names no scenario, so there is nothing to draw. Leave it out to draw all.")
    director = Director(fitted, known, resolve_seed(seed))
    outcomes = []
    for place, name in enumerate(one for one in known if one in chosen):
        progress(place / len(chosen), name)
        drawn = director.draw(known[name])
        outcomes.append(Outcome(known[name], drawn.data, drawn.kinds, drawn.moves))
    progress(1.0, "done")
    said = title or f"Scenarios of {fitted.table.name}"
    return Outcomes(said, tuple(outcomes), fitted, director.seed)
