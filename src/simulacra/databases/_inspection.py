"""Keys, references and checks of a table, as SQLAlchemy's inspector tells them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import StaticPool

from simulacra.databases.described import Described, Field
from simulacra.schema.types import Reference


class Inspection:
    """An inspector of one database.

    Parameters
    ----------
    driver : str
        What SQLAlchemy calls it: ``"postgresql+pg8000"``.
    creator : callable
        Opens a connection of the driver. So no URL with a password is ever made.
    namespace : str or None
        The schema to look into.
    among : tuple of str
        Several that are looked into, so that names of tables begin with theirs.
    """

    def __init__(
        self,
        driver: str,
        creator: Callable[[], Any],
        namespace: str | None = None,
        among: tuple[str, ...] = (),
    ) -> None:
        self._among = among
        self._engine = create_engine(f"{driver}://", creator=creator, poolclass=StaticPool)
        self._namespace = namespace
        self._inspector = inspect(self._engine)

    def names(self) -> list[str]:
        """List the tables."""
        return sorted(self._inspector.get_table_names(schema=self._namespace))

    def describe(
        self, name: str, fields: tuple[Field, ...], actions: Sequence[str] | None = None
    ) -> Described:
        """Add what the inspector tells to the columns of a table; what its references do may be known already."""
        look, place = self._inspector, {"schema": self._namespace}
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of types and expressions that SQLAlchemy does not know, none is used
            key = look.get_pk_constraint(name, **place)["constrained_columns"]
            found = look.get_foreign_keys(name, **place)
            uniques = look.get_unique_constraints(name, **place)
            checks = look.get_check_constraints(name, **place)
            indexes = look.get_indexes(name, **place)
        references, notes = [], []
        lost = list(actions or ())
        for facts in found:
            space = facts["referred_schema"] or self._namespace
            if space not in {self._namespace, *self._among}:
                notes.append(
                    f"table {name!r}: a reference into the namespace {space!r}, which is not read, is left out."
                )
                continue
            lost += _list_actions(facts) if actions is None else []
            references.append(
                Reference(
                    tuple(facts["constrained_columns"]),
                    f"{space}.{facts['referred_table']}" if self._among else facts["referred_table"],
                    tuple(facts["referred_columns"]),
                )
            )
        if lost:
            notes.append(
                f"table {name!r}: what its references do when rows are deleted or changed is not carried, and not "
                f"declared where rows are written: {', '.join(lost)}. Add it there with ALTER TABLE."
            )
        different = [tuple(facts["column_names"]) for facts in uniques]
        different += [
            tuple(facts["column_names"])
            for facts in indexes
            if facts["unique"] and all(facts["column_names"]) and not _is_partial(facts)
        ]
        own = [one for one in dict.fromkeys(different) if set(one) != set(key)]
        held = tuple(str(facts["sqltext"]) for facts in checks)
        return Described(name, fields, tuple(key), tuple(references), tuple(own), held, tuple(notes))

    def close(self) -> None:
        """Let go of the connection."""
        self._engine.dispose()


def _list_actions(reference: Any) -> list[str]:
    """List what a reference is told to do, as far as that is more than refusing."""
    options = reference.get("options") or {}
    columns = ", ".join(reference["constrained_columns"])
    found = list_actions(columns, str(options.get("ondelete") or ""), str(options.get("onupdate") or ""))
    return found + ([f"{columns} DEFERRABLE"] if options.get("deferrable") else [])


def list_actions(columns: str, delete: str, update: str) -> list[str]:
    """List what a reference does when the row that it leads to is deleted or changed, beside refusing.

    Examples
    --------
    >>> list_actions("order_id", "CASCADE", "NO ACTION")
    ['order_id ON DELETE CASCADE']
    """
    said = {"DELETE": delete.upper(), "UPDATE": update.upper()}
    return [
        f"{columns} ON {what} {do}" for what, do in said.items() if do not in {"", "NO ACTION", "RESTRICT"}
    ]


def _is_partial(index: Any) -> bool:
    return any(
        key.endswith("_where") and value is not None
        for key, value in (index.get("dialect_options") or {}).items()
    )
