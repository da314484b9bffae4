"""Bayesian network: each column given a few others, in a graph that is learnt, or given by the user.

A graph without circles says which columns each column is drawn by: a tree (Chow and Liu), edges that are worth most by
a score (greedy), or the user's own graph. Columns are seen in codes: exact values that enough rows hold, or bins. An
axis is drawn in two stages: a coarse code given groups of its parents' codes, then a fine code within it given fewer of
them; where rows are few, a draw backs off to fewer parents. It learns what few parents tell. It can not learn relations
of many columns at once, nor those finer than the groups in which parents are seen; of large vocabularies, all but the
most frequent levels are one group. Fitting is linear in rows; a search for edges is quadratic in columns, a given graph
linear. Conditions are drawn axis by axis, without rejection.

The graph can be acted upon: interventions ``do(smoking = no)`` and counterfactuals of rows. That they tell of causes is
true only where the arrows are causes: of a learnt graph they are not known to be.

Source: Pearl 1988, "Probabilistic reasoning in intelligent systems", chapter 3; Chow and Liu 1968, "Approximating
discrete probability distributions with dependence trees"; Heckerman, Geiger and Chickering 1995, "Learning Bayesian
networks: the combination of knowledge and statistical data"; Witten and Bell 1991, "The zero-frequency problem"; Pearl
2009, "Causality", chapters 3 and 7; Oberst and Sontag 2019, "Counterfactual off-policy evaluation with Gumbel-max
structural causal models".
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Block, Domain, Support, code_dtype
from simulacra.errors import ImpossibleCondition, OptionError, unknown
from simulacra.exhibit import Exhibit
from simulacra.figures import Chances, Figures
from simulacra.generator import Progress, part, silent
from simulacra.models.table._coded import Coded
from simulacra.models.table._codes import UNSEEN, Draft, log_of
from simulacra.models.table._designs import view_of
from simulacra.models.table._edges import read_edges, refuse_circles
from simulacra.models.table._learning import Rows, Wanted, learn, room_of, work_of
from simulacra.models.table._nodes import MARKS, Node, explain_table, sort_nodes
from simulacra.models.table._twins import Twin
from simulacra.randomness import Streams

STRUCTURES = ("greedy", "tree", "given")
SCORES = ("mi", "bdeu")


@dataclass(kw_only=True)
class BayesNet(Coded):
    """Bayesian network over codes.

    Parameters
    ----------
    structure : str or None
        ``"greedy"``: the edges that are worth most by `score`, up to `max_parents` for each axis. ``"tree"``: the
        tree of most mutual information. ``"given"``: `edges` and nothing else. When None, ``"given"`` if there are
        edges, else ``"greedy"``.
    edges : sequence of (str, str), or str
        The whole graph, as pairs of columns from cause to effect: ``[("smoking", "tar"), ("tar", "cancer")]`` or
        ``"smoking -> tar, tar -> cancer"``. A column of several axes has the edges at all of them.
    required, forbidden : sequence of (str, str), or str
        Edges that a greedy graph has, and has not.
    score : str
        ``"mi"``, mutual information less its bias, or ``"bdeu"``, which finds fewer edges.
    max_parents : int
        Parents of an axis at most in a greedy graph; required ones may be more.
    min_rows : int
        Rows that a combination of parents must have to be heeded; never fewer than k of the protection.
    backoff : float
        How readily a draw heeds fewer parents; 0 never does where rows suffice.
    max_codes : int
        Exact values and bins of a real axis at most.

    Notes
    -----
    **Cost.** Linear in rows. A search scores each pair of axes, and some fifty sets of parents for each axis, on at
    most 40,000 rows, fewer where there are more than 50 columns.

    **Privacy.** The state holds, for combinations of parents that at least `min_rows` rows share, how many rows have
    each code. There is no formal guarantee.

    **Source.** Chow and Liu 1968; Heckerman, Geiger and Chickering 1995; Witten and Bell 1991; Pearl 2009.

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> rain = np.arange(800, dtype=np.uint8) % 2
    >>> wet = rain ^ (np.arange(800) % 10 == 0).astype(np.uint8)
    >>> domain = Domain((Axis("rain", "rain", size=2), Axis("wet", "wet", size=2)))
    >>> model = BayesNet(edges=[("rain", "wet")]).fit(Block(domain, (rain, wet)), rng=Streams(1))
    >>> dry = model.intervene({0: Support(levels=np.array([1.0, 0.0]))}).sample(1000, rng=Streams(2))
    >>> bool(abs(dry.columns[1].mean() - 0.2) < 0.06), model.assumed
    (True, True)
    """

    structure: str | None = None
    edges: Any = ()
    required: Any = ()
    forbidden: Any = ()
    score: str = "mi"
    max_parents: int = 4
    min_rows: int = 10
    backoff: float = 1.0
    max_codes: int = 255

    def __post_init__(self) -> None:
        for name in ("edges", "required", "forbidden"):
            setattr(self, name, read_edges(getattr(self, name), name))
        if self.structure is None:
            self.structure = "given" if self.edges else "greedy"
        if self.structure not in STRUCTURES:
            raise OptionError(str(unknown("structure of model 'bayes-net'", str(self.structure), STRUCTURES)))
        if self.score not in SCORES:
            raise OptionError(str(unknown("score of model 'bayes-net'", str(self.score), SCORES)))
        for name, least in (("max_parents", 1), ("min_rows", 1), ("max_codes", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise OptionError(f"model 'bayes-net': {name} is a whole number from {least}, not {value!r}.")
        if not 0 <= self.backoff < float("inf"):
            raise OptionError(f"model 'bayes-net': backoff is a number from 0, not {self.backoff!r}.")
        self._check_edges()

    def _check_edges(self) -> None:
        if self.edges and self.structure != "given":
            raise OptionError(
                f"model 'bayes-net': edges are the whole graph, so structure is 'given', not {self.structure!r}. "
                "Name edges that a greedy graph must have with required."
            )
        if (self.required or self.forbidden) and self.structure != "greedy":
            raise OptionError(
                "model 'bayes-net': required and forbidden edges are for structure 'greedy', not "
                f"{self.structure!r}. Leave them out."
            )
        both = sorted(set(self.required) & set(self.forbidden))
        if both:
            raise OptionError(
                f"model 'bayes-net': the edge {' -> '.join(both[0])} is both required and forbidden. "
                "Leave one of them out."
            )
        refuse_circles(self.edges, "edges")
        refuse_circles(self.required, "required")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        codes = self._learn_views(block, context, max_codes=self.max_codes)
        progress(0.1, "columns read")
        wanted = Wanted(
            str(self.structure), self.edges, self.required, self.forbidden, self.score, self.max_parents,
            self.min_rows, self.backoff,
        )  # fmt: skip
        rows = Rows(self.views_, codes, self._inputs, block.weights, block.owners)
        found = learn(wanted, rows, rng.stream("rows"), part(progress, 0.1, 1.0))
        self._set(found.order, found.nodes, found.shares, assumed=self.structure == "given")
        progress(1.0, "columns counted")
        return self

    def design(self, domain: Domain, figures: Figures, *, rng: Streams) -> Self:
        """Take tables of chances for what `fit` would have learnt of rows; see `Designed.design`."""
        self.domain_, self.context_ = domain, None
        self.views_ = [view_of(axis, cells) for axis, cells in zip(domain.axes, figures.cells)]
        margins = [cells.chances() for cells in figures.cells]
        told = figures.chances or tuple(Chances((), own) for own in margins)
        nodes = {
            axis: Node.told(own.parents, np.asarray(own.table, np.float64), margins[axis])
            for axis, own in enumerate(told)
        }
        shares = np.zeros((len(domain), len(domain)))
        for axis, own in enumerate(told):
            parts = explain_table(np.asarray(own.table, np.float64), [margins[p] for p in own.parents])
            shares[axis, list(own.parents)] = parts
        self._set(sort_nodes(nodes), nodes, shares, assumed=True)
        return self

    @property
    def order(self) -> tuple[int, ...]:
        """Positions of the axes in the order in which they are drawn; see `Sequential.order`."""
        self._require_fitted()
        return tuple(place - self._inputs for place in self.order_)

    @property
    def assumed(self) -> bool:
        """Whether the graph was given; see `Causal.assumed`."""
        return bool(getattr(self, "assumed_", self.structure == "given"))

    def step(
        self,
        draft: Draft,
        axis: int,
        *,
        support: Support | None = None,
        given: Array | None = None,
        held: Array | None = None,
        rng: Streams,
    ) -> Array:
        """Draw the next axis of every row, or set it; see `Sequential.step`.

        Notes
        -----
        **Cost.** A few look-ups for each row; with a support, rows times codes of the axis.
        """
        if axis in self.cuts_:
            return self._step_cut(draft, axis, support, given, held, rng)
        if support is not None:
            return super().step(draft, axis, support=support, given=given, held=held, rng=rng)
        view, node = self._view(axis), self._node(axis)
        groups = self._groups(draft, axis)
        codes = node.draw(groups, rng.stream("draw", view.axis.name).random((MARKS, len(draft))))
        log = np.zeros(len(draft))
        if given is not None:
            known = draft.set_known(axis, given, held)
            codes[known] = view.encode(given[known])
            log[known] = log_of(np.minimum(node.weigh([own[known] for own in groups], codes[known]), 1.0))
        draft.codes[axis] = codes.astype(code_dtype(max(view.size, 1)))
        return log

    def log_density(self, block: Block, *, context: Block | None = None) -> Array:
        """Return the log-probability of every value; see `Dense.log_density`.

        A value that the model can not draw gets the log of 1e-12.
        """
        draft = self.start(len(block), context=context)
        for axis, values in enumerate(block.columns):
            draft.codes[axis] = self._view(axis).encode(values)
        found = np.empty((len(block), len(self.domain_)))
        for axis in self.order:
            codes = draft.codes[axis].astype(np.int64)
            chance = self._node(axis).weigh(self._groups(draft, axis), codes)
            if axis in self.cuts_:
                chance = chance * self.cuts_[axis].holds(block.columns[axis])
            found[:, axis] = np.log(np.maximum(chance / self._view(axis).volume()[codes], UNSEEN))
        return found

    def intervene(self, supports: Mapping[int, Support]) -> Self:
        """Return the model in which axes are set, whatever comes before them; see `Causal.intervene`.

        What is set already can be narrowed, and not undone.
        """
        self._require_fitted()
        found = copy.copy(self)
        found.cuts_ = {**self.cuts_, **supports}
        found.nodes_, found.shares_ = dict(self.nodes_), self.shares_.copy()
        for axis, support in supports.items():
            chances = self._node(axis).margin() * self._view(axis).share(support)
            if not chances.sum() > 0:
                raise ImpossibleCondition(
                    f"do: axis {self.domain_.axes[axis].name!r} never has a value that is asked for in this model. "
                    "Ask for one that it has."
                )
            chances = chances / chances.sum()
            found.nodes_[axis + self._inputs] = Node.told((), chances, chances)
            found.shares_[axis] = 0.0
        return found

    def counterfactual(
        self, block: Block, supports: Mapping[int, Support], *, context: Block | None = None, rng: Streams
    ) -> Block:
        """Return what rows would have been; see `Causal.counterfactual`."""
        return Twin(self, block, supports, context).rows(rng)

    def importances(self) -> Array:
        """Return what each axis explains of each; see `Explained.importances`."""
        self._require_fitted()
        return self.shares_

    def describe(self, axis: int) -> str:
        """Say how an axis is drawn; see `Explained.describe`."""
        node = self._node(axis)
        if axis in self.cuts_:
            return "as it was set, whatever comes before"
        if not node.parents:
            return "from its own frequencies"
        names = dict.fromkeys(self.views_[place].axis.column for place in node.parents)
        listed = ", ".join(repr(name) for name in names)
        few = len(names) > 1 and node.smoothed
        last = ", the last of them left out first where rows are few" if few else ""
        return f"from its frequencies given {listed}{last}"

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show the graph; see `Exhibiting.exhibits`."""
        self._require_fitted()
        names = [view.axis.name for view in self.views_]
        edges = [
            (names[parent], names[place], float(self.shares_[place - self._inputs, parent]))
            for place in self.order_
            for parent in self._node(place - self._inputs).parents
        ]
        origin = (
            "The graph was given."
            if self.assumed_
            else "The graph was learnt from associations, so its arrows are not known to be causes."
        )
        told = f"What each column is drawn by; the strength is the share of its spread that is explained. {origin}"
        schema = {"source": pl.String, "target": pl.String, "strength": pl.Float64}
        return (Exhibit("Network", told, pl.DataFrame(edges, schema=schema, orient="row")),)

    def work(self, rows: int, axes: int) -> float:
        """Return how much work fitting is; see `Generator.work`."""
        return work_of(rows, axes, self.max_parents)

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block; see `Generator.room`."""
        return 1e8 + room_of(rows, axes)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            **self._dump_views(),
            "order": list(self.order_),
            "nodes": [self.nodes_[place].dump() for place in self.order_],
            "shares": self.shares_,
            "assumed": self.assumed_,
            "cuts": [
                {"axis": axis, "levels": cut.levels, "ranges": cut.ranges, "missing": cut.missing}
                for axis, cut in self.cuts_.items()
            ],
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_views(state)
        nodes = {
            place: Node.restore(item) for place, item in zip(state["order"], state["nodes"], strict=True)
        }
        self._set(state["order"], nodes, state["shares"], assumed=bool(state["assumed"]))
        for cut in state["cuts"]:
            self.cuts_[cut["axis"]] = Support(cut["levels"], cut["ranges"], cut["missing"])
        return self

    def _set(self, order: list[int], nodes: dict[int, Node], shares: Array, *, assumed: bool) -> None:
        self.order_, self.nodes_, self.shares_, self.assumed_ = list(order), nodes, shares, assumed
        self.cuts_: dict[int, Support] = {}

    def _chances(self, draft: Draft, axis: int, rows: slice) -> Array:
        groups = [own[rows] for own in self._groups(draft, axis)]
        return self._node(axis).chances(groups, len(range(*rows.indices(len(draft)))))

    def _node(self, axis: int) -> Node:
        self._require_fitted()
        return self.nodes_[axis + self._inputs]

    def _groups(self, draft: Draft, axis: int) -> list[Array]:
        """Return the groups of an axis' parents in every row."""
        node = self._node(axis)
        return node.see([draft.codes[place - self._inputs] for place in node.parents])

    def _step_cut(
        self,
        draft: Draft,
        axis: int,
        support: Support | None,
        given: Array | None,
        held: Array | None,
        rng: Streams,
    ) -> Array:
        """Set an axis within what an intervention leaves: its values are settled at once, and then allowed or not."""
        view, node, cut = self._view(axis), self._node(axis), self.cuts_[axis]
        name, rows = view.axis.name, len(draft)
        codes = node.draw([], rng.stream("draw", name).random((MARKS, rows)))
        values = view.decode_within(codes.astype(code_dtype(max(view.size, 1))), cut, rng.stream("set", name))
        mass = np.ones(rows)
        if support is not None:
            mass *= support.holds(values)
            if support.bias is not None:
                lines = np.atleast_2d(support.bias)
                mass *= lines[0 if support.lines is None else support.lines, codes]
        if given is not None:
            known = np.ones(rows, bool) if held is None else held
            values = np.where(known, given, values).astype(values.dtype)
            codes[known] = view.encode(given[known])
            mass[known] = node.weigh([], codes[known]) * cut.holds(given[known])
        draft.codes[axis] = codes.astype(code_dtype(max(view.size, 1)))
        draft.set_known(axis, values, None)
        return log_of(mass)
