"""What a fitted model with a graph can do besides: interventions and counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulacra.counterfactuals import Whole, imagine
from simulacra.dataset import Dataset
from simulacra.generator import Progress, silent
from simulacra.interventions import M, intervene
from simulacra.randomness import resolve_seed


class Acting:
    """The verbs of a `Synthesizer` that act on the graph of its model."""

    def intervene(self: M, do: str | Mapping[str, Any]) -> M:
        """Return the model after columns are set from outside; see `simulacra.interventions.intervene`.

        Parameters
        ----------
        do : str or mapping
            What is set: ``{"smoking": "no"}``, or SQL with a term for each column.

        Returns
        -------
        Synthesizer
            Another model, to sample from or to save; its rows come with notes on what was done.

        Raises
        ------
        OptionError
            The model has no graph, or a column can not be set.
        PredicateError
            `do` can not be understood, or the model never draws such a value.

        Notes
        -----
        What follows in the graph from a column that is set follows from its new value; what it follows from keeps its
        distribution. That is the effect of a cause only where the arrows of the graph are causes: give your own with
        ``edges=``.

        **Source**: Pearl 2009, "Causality", section 3.2.

        Examples
        --------
        >>> import polars as pl, simulacra as sim
        >>> frame = pl.DataFrame({"rain": ["yes", "no", "no", "no"] * 200, "wet": ["yes", "no", "no", "yes"] * 200})
        >>> model = sim.fit(frame, "bayes-net", edges=[("rain", "wet")], seed=0)
        >>> model.intervene({"wet": "yes"}).sample(1000, seed=1).frame["rain"].eq("yes").mean() < 0.3
        True
        """
        return intervene(self, do)

    def _after(self: M, asked: dict[str, Any]) -> tuple[M, dict[str, Any]]:
        """Return the model that a request is for, after what it asks to be done, and the rest of the request."""
        do = asked.get("do")
        rest = {name: value for name, value in asked.items() if name != "do"}
        return (self if do is None else intervene(self, do)), rest

    def counterfactual(
        self: Whole,
        rows: Any,
        do: str | Mapping[str, Any],
        *,
        seed: int | None = None,
        progress: Progress = silent,
    ) -> Dataset:
        """Tell what rows would have been, had columns been set; see `simulacra.counterfactuals.imagine`.

        Parameters
        ----------
        rows : path, frame, Dataset or mapping of columns to values
            The rows as they were. Columns that they lack are drawn first, given all that is known.
        do : str or mapping
            What is set, as for `intervene`.
        seed : int or None
            The same seed gives the same bytes. None draws a fresh one, which stands in the result's notes.
        progress : callable
            Told the share done.

        Returns
        -------
        Dataset
            The rows in their order; what nothing reaches that was set is as it was.

        Notes
        -----
        Each row keeps what made it, its noise, and follows the graph from there. Other kinds of noise fit data equally
        well, so a counterfactual of one row is an assumption on top of the graph.

        **Privacy**: what does not change is given back as it is: the result is no synthetic table.

        **Source**: Pearl 2009, "Causality", section 7.1; Oberst and Sontag 2019.

        Examples
        --------
        >>> import polars as pl, simulacra as sim
        >>> days = {"rain": ["yes", "no"] * 400, "wet": ["yes", "no"] * 400, "day": ["a", "b", "b", "a"] * 200}
        >>> model = sim.fit(pl.DataFrame(days), "bayes-net", edges=[("rain", "wet")], seed=0)
        >>> model.counterfactual({"rain": ["no"], "wet": ["no"], "day": ["a"]}, {"rain": "yes"}, seed=1).frame.row(0)
        ('yes', 'yes', 'a')
        """
        return imagine(self, rows, do, seed=resolve_seed(seed), told=seed is not None, progress=progress)
