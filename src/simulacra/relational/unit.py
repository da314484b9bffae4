"""One table, or tables drawn together, of a database model: its fitted model and what must be known to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulacra.domain import Array
from simulacra.modelfile import ModelFile
from simulacra.relational.anchors import restore_anchors
from simulacra.relational.histories.baselines import Baseline
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.histories import Histories
from simulacra.relational.histories.relative import Relative
from simulacra.schema.types import Column
from simulacra.synthesizer import Synthesizer, restore


@dataclass(frozen=True)
class Unit:
    """A fitted unit of a plan.

    Parameters
    ----------
    name : str
        Its table.
    rows : int
        Rows of the data.
    model : Synthesizer, Histories or None
        The model: of rows by themselves, or of rows that a parent draws. None for a table without rows.
    nulls : int
        Rows that refer to nothing where the parent would draw them.
    lost : array of int
        Rows of each orphan's group.
    kept_counts : array or None
        Where the parent is kept as it is: how many rows each of its rows draws.
    kept_ends : (array, array) or None
        And where their histories start, and how long they are.
    pooled : mapping
        By column: public values that few refer to, the first of which stands for all in the model.
    """

    name: str
    rows: int
    model: Synthesizer | Histories | None
    nulls: int
    lost: Array
    kept_counts: Array | None = None
    kept_ends: tuple[Array, Array] | None = None
    pooled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def synthesizer(self) -> Synthesizer | None:
        """The model of a row."""
        return self.model.rows if isinstance(self.model, Histories) else self.model

    def dump(self) -> dict[str, Any]:
        """Return the state: nested dicts of JSON values and arrays."""
        state: dict[str, Any] = {"name": self.name, "rows": self.rows, "nulls": self.nulls, "lost": self.lost}
        if self.kept_counts is not None:
            state["kept_counts"] = self.kept_counts
        if self.kept_ends is not None:
            state["kept_ends"] = list(self.kept_ends)
        if self.pooled:
            state["pooled"] = {name: list(values) for name, values in self.pooled.items()}
        own = self.synthesizer
        if own is not None:
            state["model"] = _dump_synthesizer(own)
        if isinstance(self.model, Histories):
            state["histories"] = {
                "holders": self.model.holders, "least": self.model.least,
                "last": self.model.last if np.isfinite(self.model.last) else None, "sibling": self.model.sibling,
                "together": self.model.together, "relatives": [relative.dump() for relative in self.model.relatives],
                "baseline": self.model.baseline.dump(),
                "within": self.model.within,
                "anchors": [None if anchor is None else anchor.dump() for anchor in self.model.anchors],
            }  # fmt: skip
            if self.model.clock is not None:
                state["histories"]["clock"] = self.model.clock.dump()
            if self.model.timing is not None:
                state["timing"] = _dump_synthesizer(self.model.timing)
        return state

    @classmethod
    def restore(cls, state: Mapping[str, Any], columns: Mapping[str, Column]) -> Unit:
        """Make the unit from what `dump` gave; `columns` are those of its table."""
        model: Synthesizer | Histories | None = None
        if "model" in state:
            model = _restore_synthesizer(state["model"])
            if "histories" in state:
                facts = state["histories"]
                clock = facts.get("clock")
                timing = _restore_synthesizer(state["timing"]) if "timing" in state else None
                ready = Clock.restore(clock, columns[clock["column"]]) if clock is not None else None
                model = Histories(model, timing, ready, int(facts["holders"]), float(facts["least"]),
                    tuple(Relative.restore(item) for item in facts["relatives"]), facts["sibling"],
                    bool(facts["together"]),
                    Baseline.restore(facts["baseline"]),
                    float("inf") if facts["last"] is None else float(facts["last"]),
                    bool(facts["within"]), restore_anchors(facts["anchors"]),)  # fmt: skip
        lost = np.asarray(state["lost"], np.int64)
        return cls(
            str(state["name"]), int(state["rows"]), model, int(state["nulls"]), lost,
            state.get("kept_counts"), tuple(state["kept_ends"]) if "kept_ends" in state else None,
            {name: tuple(values) for name, values in state.get("pooled", {}).items()},
        )  # fmt: skip


def _dump_synthesizer(model: Synthesizer) -> dict[str, Any]:
    file = model.dump()
    return {
        "model": file.model, "options": file.options, "stores_rows": file.stores_rows, "schema": file.schema,
        "state": file.state,
    }  # fmt: skip


def _restore_synthesizer(state: Mapping[str, Any]) -> Synthesizer:
    return restore(
        ModelFile(
            state["model"], state["options"], bool(state["stores_rows"]), state["schema"], state["state"]
        )
    )
