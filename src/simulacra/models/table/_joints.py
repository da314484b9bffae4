"""What joins the levels of columns: fitted, read back, and the optional package that vines need."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from simulacra.domain import Array
from simulacra.errors import MissingExtra
from simulacra.models.table._elliptical import Elliptical, profile_df
from simulacra.models.table._laws import Law
from simulacra.models.table._scores import Margin
from simulacra.randomness import Streams
from simulacra.registry import install_advice

PAIRS = ("independence", "gaussian", "t", "clayton", "gumbel", "frank", "joe")
"""Copulas that a pair of a vine may have."""
_LEAF = "simulacra.models.table._vines"


class Joint(Protocol):
    """A joint distribution of scores, drawn one after the other."""

    @property
    def order(self) -> tuple[int, ...]:
        """The places of the axes in the order in which they are drawn."""
        ...

    def law(self, past: Mapping[Any, Array], place: int, rows: int) -> Law:
        """Return what the next score is drawn from, given what is remembered of those before."""
        ...

    def put(self, past: dict[Any, Array], place: int, told: Array) -> None:
        """Remember what was drawn."""
        ...

    def say(self) -> str:
        """Say in a sentence how scores hang together."""
        ...

    def list_pairs(self) -> list[dict[str, Any]]:
        """Say the copulas of pairs, where there are any."""
        ...

    def dump(self) -> dict[str, Any]:
        """Return the state."""
        ...


def load_vines() -> Any:
    """Import what vines need, which is heavy and optional.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    try:
        return importlib.import_module(_LEAF)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyvinecopulib":
            raise
        raise MissingExtra(
            f"family 'vine' of model 'copula' needs 'pyvinecopulib'. Install it with: {install_advice('pyvinecopulib')}"
        ) from error


def fit_joint(
    correlation: Array,
    margins: Sequence[Margin],
    codes: Sequence[Array],
    weights: Array,
    /,
    *,
    rng: Streams,
    known: int,
    family: str,
    df: float | None,
    vine: str,
    truncate: int | None,
    pairs: Sequence[str] | str | None,
    **others: Any,
) -> Joint:
    """Fit what joins columns, by the options of a copula.

    Parameters
    ----------
    correlation : array, shape (axes, axes)
        Correlations of the normals behind the columns.
    margins : sequence of Margin
        The columns.
    codes : sequence of array, shape (rows,)
        Their codes.
    weights : array, shape (rows,)
        Weights of the rows, of sum 1.
    rng : Streams
        Where randomness comes from.
    known : int
        So many first columns are known before the others are drawn.
    family, df, vine, truncate, pairs
        As in `Copula`.
    **others
        Options of a copula that mean nothing here.
    """
    if family == "vine":
        made: Joint = load_vines().Vine.fit(
            correlation,
            margins,
            codes,
            weights,
            known=known,
            kind=vine,
            truncate=truncate,
            families=read_pairs(pairs),
            rng=rng.at("vine"),
        )
        return made
    if family == "t":
        df = float(df or profile_df(correlation, margins, codes, weights, rng.at("df")))
    return Elliptical.of(correlation, df if family == "t" else None)


def restore_joint(family: str, state: Mapping[str, Any]) -> Joint:
    """Make a joint distribution from what its `dump` gave."""
    made: Joint = (load_vines().Vine if family == "vine" else Elliptical).restore(state)
    return made


def read_pairs(pairs: Sequence[str] | str | None) -> tuple[str, ...]:
    """Read a list of names, which may be one text with commas; all when None.

    Examples
    --------
    >>> read_pairs("clayton, frank")
    ('clayton', 'frank')
    """
    if pairs is None:
        return PAIRS
    listed = pairs.split(",") if isinstance(pairs, str) else pairs
    return tuple(str(name).strip() for name in listed)
