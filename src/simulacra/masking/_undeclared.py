"""References that nobody declared: their columns are replaced alike where that is certain, and named where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulacra.dataset import Dataset
from simulacra.lineage import Linked, link_undeclared, name_links
from simulacra.masking._planning import Place, Wishes, find_kept
from simulacra.schema.links import Link
from simulacra.schema.types import Schema


def link_keys(data: Dataset, wishes: Wishes) -> Linked:
    """Add the references to keys that nobody declared, so that what refers is replaced as the key is.

    Parameters
    ----------
    data : Dataset
        The tables.
    wishes : Wishes
        A column that the user keeps is not tied to one that is replaced.

    Returns
    -------
    Linked
        Links to columns that are no keys are left out: equal values of one kind become equal ones without them.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.dataset import dataset
    >>> link_keys(dataset(pl.DataFrame({"a": [1, 2]})), Wishes()).used
    ()
    """
    found = link_undeclared(data.schema, data.frames)
    kept = find_kept(data.schema, wishes)
    used = tuple(
        link
        for link in found.used
        if _leads_to_key(data.schema, link) and not kept & {*_own(link), *_other(link)}
    )
    schema = data.schema
    for link in used:
        r = link.reference
        schema = schema.with_reference(link.table, r.columns, r.table, r.to, name=r.name)
    left = (link for link in (*found.used, *found.doubtful) if link not in used)
    return Linked(schema, used, tuple(link for link in left if _leads_to_key(data.schema, link)))


def say_links(linked: Linked, planned: Mapping[Place, str]) -> Iterator[str]:
    """Say which columns follow a key without a declared reference, and which may no longer lead where they did."""
    if tied := [link for link in linked.used if planned.keys() & set(_own(link))]:
        yield (
            f"no reference is declared for {name_links(tied)}, but names and values agree: these columns are replaced "
            "as the keys in brackets are."
        )
    if torn := [link for link in linked.doubtful if _is_torn(link, planned)]:
        yield (
            f"{name_links(torn)} may refer to the keys in brackets, and no reference is declared: one is replaced and "
            "the other stays, so that rows may seem to name others than they did. If they do refer, declare it in the "
            "schema, or name both columns in columns or in keep (--columns, --keep)."
        )


def _leads_to_key(schema: Schema, link: Link) -> bool:
    table = schema.table(link.reference.table)
    return set(link.reference.to) <= set(table.key) or all(table[c].kind == "key" for c in link.reference.to)


def _is_torn(link: Link, planned: Mapping[Place, str]) -> bool:
    pairs = zip(_own(link), _other(link), strict=True)
    return any(planned.get(own) != planned.get(other) for own, other in pairs)


def _own(link: Link) -> list[Place]:
    return [(link.table, column) for column in link.reference.columns]


def _other(link: Link) -> list[Place]:
    return [(link.reference.table, column) for column in link.reference.to]
