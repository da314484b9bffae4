"""The contract that a model fulfils."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from simulacra.domain import Array, Block, Domain, Support
from simulacra.exhibit import Exhibit
from simulacra.figures import Figures
from simulacra.randomness import Streams

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and a word for the present step."""


def silent(share: float, step: str) -> None:
    """Report progress to nobody."""


def part(progress: Progress, start: float, stop: float) -> Progress:
    """Make the progress of a part of the work, whose own 0 to 1 is from start to stop of the whole.

    Examples
    --------
    >>> part(lambda share, step: print(share, step), 0.5, 1.0)(0.5, "halfway through the second half")
    0.75 halfway through the second half
    """
    return lambda share, step: progress(start + share * (stop - start), step)


@dataclass(kw_only=True)
class Generator(ABC):
    """A model of the rows of one block.

    A generator is a keyword-only dataclass. Its fields are its hyperparameters; what `fit` learns is kept in
    attributes whose names end in ``_``. `fit` may be called again and forgets what it learnt before.

    Every generator works with any number of rows from one, with constant axes, with axes of one code, with real
    axes that are all NaN, and with no axis at all; `sample(0)` gives an empty block of the same domain. What it
    gives back lies in the domain: codes below `size`, whole numbers on a lattice, NaN only where `missing`.
    """

    stores_rows: ClassVar[bool] = False
    """True if the fitted state holds training rows (bootstrap, noise): saving such a model must be allowed."""

    relates: ClassVar[bool] = True
    """False for a model that takes every column by itself: exact relations between columns are then not kept."""

    symmetric: ClassVar[bool] = False
    """True for a model in which the order of drawing means nothing: every column is explained by all others."""

    @abstractmethod
    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row.

        Parameters
        ----------
        block : Block
            The training rows.
        context : Block or None
            More columns of the same rows, known beforehand when sampling.
        rng : Streams
            Where randomness comes from; ask for streams by name.
        progress : callable
            Told the share done, 0 to 1.
        """

    @abstractmethod
    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows. The same `n`, `context` and `rng` give the same rows."""

    @abstractmethod
    def dump(self) -> dict[str, Any]:
        """Return the fitted state: nested dicts and lists of JSON values and NumPy arrays, nothing else."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave, on a new object with the same hyperparameters."""

    def work(self, rows: int, axes: int) -> float:
        """Return how much work it is to fit so many rows and axes, in any unit: only ratios count.

        `simulacra.estimation` fits a few rows and scales their time by this. It is linear in both, unless a model knows
        better.
        """
        return float(rows * axes)

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block itself."""
        return 8.0 * rows * axes

    def options(self) -> dict[str, Any]:
        """Return the hyperparameters by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.name.endswith("_")}


class Draft(Protocol):
    """Rows of which some axes are drawn."""

    def __len__(self) -> int: ...

    def take(self, index: Array) -> Self:
        """Return some of the rows; one may be taken several times."""
        ...


@runtime_checkable
class Sequential(Protocol):
    """Ability: rows are drawn axis by axis, and each draw can be restricted.

    Conditions, imputation and related tables stand on it: a draw from the restricted model is a draw of `step` after
    `step`, each row weighted by the product of the masses (sequential Monte Carlo, Doucet and Johansen 2009, "A
    tutorial on particle filtering and smoothing", section 4).

    A model draws codes: those of a coded axis are usually the axis' own, those of a real axis are its exact values and
    bins. A value inside a bin is drawn when it is asked for, by `read` or by `finish`.
    """

    @property
    def order(self) -> tuple[int, ...]:
        """Positions, in the domain, of the axes in the order in which they are drawn."""
        ...

    def cells(self, axis: int) -> int:
        """Return the number of the model's own codes of an axis: the length of a `Support.bias`."""
        ...

    def start(self, n: int, *, context: Block | None = None) -> Draft:
        """Return n rows of which nothing is drawn yet."""
        ...

    def step(
        self,
        draft: Any,
        axis: int,
        *,
        support: Support | None = None,
        given: Array | None = None,
        held: Array | None = None,
        rng: Streams,
    ) -> Array:
        """Draw the next axis of every row, or set it, and return the log of the chance of what was allowed.

        Parameters
        ----------
        draft : Draft
            What `start` gave; changed in place. Axes come in the order of `order`.
        axis : int
            Position of the axis in the domain.
        support : Support or None
            What may be drawn; None allows everything. A code is drawn with a probability in proportion to p x share
            x bias: its chance p, the share of its values that is allowed, and the support's bias.
        given : array or None
            Values that are known, shape (rows,).
        held : array of bool or None
            The rows in which they are known; all when None. The others are drawn.
        rng : Streams
            Where randomness comes from.

        Returns
        -------
        array, shape (rows,)
            Log of the probability, given what was drawn before, that an unrestricted draw is allowed: of the sum of
            p x share x bias over all codes, so 0 without a support. Of a row in which the value is known, log p of its
            code, whatever the support says. Minus infinity where it can not be: then the row is worth nothing, and
            its value may be any.
        """
        ...

    def codes(self, draft: Any, axis: int) -> Array:
        """Return the model's code of every row, 0 to `cells` - 1, for an axis already drawn; shape (rows,)."""
        ...

    def read(self, draft: Any, axis: int, rng: Streams) -> Array:
        """Settle the values of an axis already drawn, and return them; shape (rows,).

        Values inside bins are drawn now, within the support that the axis was drawn with. From then on they belong to
        the rows: another `read` and `finish` give the same values, also after `take`.
        """
        ...

    def finish(self, draft: Any, rng: Streams) -> Block:
        """Return the rows once every axis is drawn; what `read` has settled stays."""
        ...


@runtime_checkable
class Resuming(Protocol):
    """Ability: rows stay between draws, so that only what changes of their context is filled in anew.

    Histories stand on it: a context has many axes, and from one step to the next few of them change.
    """

    def start(self, n: int, *, context: Block | None = None) -> Draft:
        """Return n rows of which nothing is drawn yet."""
        ...

    def refill(self, draft: Any, rows: int, axes: Sequence[int], columns: Sequence[Array]) -> None:
        """Give the first rows of a draft new values of some axes of the context."""
        ...

    def redraw(self, draft: Any, rows: int, rng: Streams) -> Block:
        """Draw all axes of the first rows anew."""
        ...


@runtime_checkable
class Reorderable(Sequential, Protocol):
    """Ability: any axes can be drawn first, so that the others are drawn given what is known of those.

    Conditions and gaps are then met without particles being lost. The rows of another order are those of the same model
    as far as it has learnt to be consistent.
    """

    def ordered(self, first: Sequence[int]) -> Reorderable:
        """Return the fitted model with some axes drawn first, in this order, and then the others as before."""
        ...


@runtime_checkable
class Tabled(Protocol):
    """Ability of a `Sequential` model: tells what its codes stand for, and takes a bias with a line for each row."""

    def table(self, axis: int) -> tuple[Array, Array]:
        """Return values of each code of an axis, and whether they are all of them.

        Returns
        -------
        points : array, shape (cells, points)
            Values spread over the bin of the code, NaN for "no value".
        exact : array of bool, shape (cells,)
            Whether the code stands for one value only.
        """
        ...


@runtime_checkable
class Dense(Protocol):
    """Ability: tells how likely a row is."""

    def log_density(self, block: Block, *, context: Block | None = None) -> Array:
        """Return the log-probability of every value, given those before it in `order`; shape (rows, axes).

        The sum over axes is that of the row. A value drawn from a bin counts by its share of the bin: per step of a
        lattice, or per unit of a continuous axis.
        """
        ...


@runtime_checkable
class Explained(Protocol):
    """Ability: tells by what each axis is drawn. Explanations stand on it."""

    def importances(self) -> Array:
        """Return the share of every axis' spread that each axis explains; shape (axes, context axes + axes).

        A row sums to what is explained in all, at most 1; an axis explains nothing of itself.
        """
        ...

    def describe(self, axis: int) -> str:
        """Say in words, without a capital or a full stop, how an axis is drawn."""
        ...


@runtime_checkable
class Exhibiting(Protocol):
    """Ability: shows in a report what was learnt, and how."""

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Return what to show of the fitted model; axes are called by their names."""
        ...


@runtime_checkable
class Designed(Protocol):
    """Ability: can be made from figures, with no rows at all."""

    def design(self, domain: Domain, figures: Figures, *, rng: Streams) -> Self:
        """Take figures for what `fit` would have learnt of rows, and forget what was learnt before.

        Parameters
        ----------
        domain : Domain
            The axes.
        figures : Figures
            What is told of them: checked already.
        rng : Streams
            Where randomness comes from.
        """
        ...


@runtime_checkable
class Causal(Protocol):
    """Ability: axes are drawn along the arrows of a graph that can be acted upon.

    Interventions and counterfactuals stand on it (Pearl 2009, "Causality", chapters 3 and 7).
    """

    @property
    def assumed(self) -> bool:
        """Whether the graph was given, and so may mean causes; one learnt from data tells of associations only."""
        ...

    def intervene(self, supports: Mapping[int, Support]) -> Generator:
        """Return the model in which axes are set: cut off from what they were drawn by, all else as it was.

        Parameters
        ----------
        supports : mapping of int to Support
            By axis: what it is set to. Where that is more than one value, they are drawn in the proportions of the
            whole column.

        Raises
        ------
        ImpossibleCondition
            An axis is never so in this model.
        """
        ...

    def counterfactual(
        self, block: Block, supports: Mapping[int, Support], *, context: Block | None = None, rng: Streams
    ) -> Block:
        """Return what rows would have been had axes been set, everything else that made them being equal.

        The noise of each axis is inferred from the row; axes after those that were set are drawn anew with it. A value
        that is within what it is set to stays, and so does one of which nothing before it has changed.
        """
        ...


@runtime_checkable
class Choosing(Exhibiting, Protocol):
    """Ability: tries several models, and hands the best one over, which takes its place."""

    def chosen(self) -> tuple[str, Generator]:
        """Return the registered name of the chosen model, and the fitted model."""
        ...
