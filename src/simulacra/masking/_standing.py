"""Distinct values replaced by distinct ones: plausible fakes by a keyed hash, or codes of the same shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import DataError
from simulacra.fakes.maker import Maker
from simulacra.fakes.making import maker
from simulacra.masking._checks import code_cards, code_ibans
from simulacra.masking._codes import code_texts
from simulacra.masking._cycles import LISTED, turn_words
from simulacra.masking._documents import replace_documents
from simulacra.masking._identities import WHOLES, Identities
from simulacra.masking.secret import Secret

TRIES = 8
"""Fakes that a value is offered before it becomes a code of its own shape."""
PROPOSALS = 3
"""Times that a value is put together of what goes with it, with more digits behind, before it is made by itself."""
_LAST = 60
"""Codes that it is offered then."""
_SPARE = 4
"""Fakes of a style that there must be for each value that needs one."""

Codes = Callable[..., list[str]]
_CODES: dict[str, Codes] = {"card": code_cards, "iban": code_ibans}


@dataclass(frozen=True, eq=False)
class Values:
    """The different values of all columns that are replaced alike.

    Parameters
    ----------
    texts : Series
        Sorted, without missing ones.
    widths : array of int64
        How many signs what replaces each may have.
    whole : array of bool
        Which stand in a column of whole numbers, as what replaces them must.
    locales : Series
        Where each is from.
    """

    texts: pl.Series
    widths: Array
    whole: Array
    locales: pl.Series


def replace_texts(values: Values, what: str, secret: Secret, people: Identities) -> tuple[pl.Series, int]:
    """Find what replaces every value.

    Parameters
    ----------
    values : Values
        What there is.
    what : str
        What the values identify, ``"code"`` or ``"text"``.
    secret : Secret
        The key.
    people : Identities
        Whose names and addresses go together.

    Returns
    -------
    texts : Series
        One for each value, all different; where that can be, none that was there before.
    codes : int
        How many values of a kind that has fakes became codes of their own shape, for want of fakes.

    Raises
    ------
    DataError
        There are not enough different texts as short as the values.
    """
    if what == "code":
        return pl.Series(code_texts(values.texts.to_list(), secret, "code"), dtype=pl.String), 0
    made: Array = np.full(len(values.texts), None, dtype=object)
    pending = np.arange(len(made))
    taken = pl.Series([], dtype=pl.String)
    for number in range(-PROPOSALS, TRIES + _LAST):
        if number < 0:
            if what not in (*WHOLES, *LISTED):
                continue
            offered = _propose(values, what, PROPOSALS + number, secret, people).gather(pending)
        elif number < TRIES:
            offered = _offer(values, pending, what, number, secret)
        else:
            if number == TRIES:
                short = len(pending)
            offered = _as_codes(values.texts.gather(pending).to_list(), what, number - TRIES, secret)
        # the last codes may be values that were there: of one letter, all may be
        barred = taken if number < 0 or number > TRIES + _LAST // 2 else pl.concat([taken, values.texts])
        good = (
            _fits(offered, values, pending) & ~offered.is_in(barred.implode()) & offered.is_first_distinct()
        )
        if number < 0:
            # a name put together of fakes may be another's, as in life, but not the same one's
            good &= offered != values.texts.gather(pending)
        keep = good.fill_null(False).to_numpy()
        made[pending[keep]] = offered.filter(pl.Series(keep)).to_list()
        taken = pl.concat([taken, offered.filter(pl.Series(keep))])
        pending = pending[~keep]
        if not len(pending):
            return pl.Series(made.tolist(), dtype=pl.String), 0 if number < TRIES else short
    raise DataError(
        f"{len(pending):,} values of kind {what!r} are so short that no other text is left for them. "
        "Widen the columns, or take them out with keep (--keep)."
    )


def _propose(values: Values, what: str, number: int, secret: Secret, people: Identities) -> pl.Series:
    """Turn words of lists, or put together what goes with fakes of other columns; null where neither can be."""
    if what in LISTED:
        return turn_words(values.texts, what, values.locales, secret)
    codes = secret.hash_texts(values.texts.str.to_lowercase().to_list(), what, "whole")[:, 0]
    return people.propose(what, values.texts, codes, number)


def _offer(values: Values, rows: Array, what: str, number: int, secret: Secret) -> pl.Series:
    """Make one fake for each of some values; null where there is none."""
    texts = values.texts.gather(rows)
    if what == "text":
        return pl.Series(replace_documents(texts.to_list(), secret, number), dtype=pl.String)
    # one address is one, however it is written
    codes = secret.hash_texts(texts.str.to_lowercase().to_list(), what, number)[:, 0]
    locales = pl.DataFrame({"locale": values.locales.gather(rows)}).with_row_index("row")
    parts = [pl.DataFrame(schema={"row": pl.UInt32, "made": pl.String})]
    for (locale,), group in locales.group_by("locale", maintain_order=True):
        at = group["row"]
        made = _by_style(maker(what, str(locale)), texts.gather(at), codes[at.to_numpy()], number)
        parts.append(pl.DataFrame({"row": at, "made": made}))
    return locales.join(pl.concat(parts), on="row", how="left", maintain_order="left")["made"]


def _by_style(made_by: Maker, texts: pl.Series, codes: Array, number: int) -> pl.Series:
    """Write fakes in the style of each text; odd ones are only made where the plain ones run out."""
    styles = pl.DataFrame({"style": made_by.find_styles(texts)}).with_row_index("row")
    parts = [pl.DataFrame(schema={"row": pl.UInt32, "made": pl.String})]
    for (style,), group in styles.drop_nulls().group_by("style", maintain_order=True):
        plain, most = made_by.room(str(style))
        if most < _SPARE * len(group):
            continue
        # plain words of a list are taken by other words of it
        near = number < 2 and made_by.kind not in LISTED
        room = plain if near else min(plain * 1_000, most) if number < 5 else most
        at = group["row"].to_numpy()
        made = made_by.write(codes[at] % np.uint64(room), str(style))
        parts.append(pl.DataFrame({"row": group["row"], "made": made}))
    return styles.join(pl.concat(parts), on="row", how="left", maintain_order="left")["made"]


def _as_codes(texts: list[str], what: str, number: int, secret: Secret) -> pl.Series:
    return pl.Series(_CODES.get(what, code_texts)(texts, secret, what, number), dtype=pl.String)


def _fits(offered: pl.Series, values: Values, rows: Array) -> pl.Series:
    short = offered.str.len_chars() <= pl.Series(values.widths[rows])
    whole = pl.Series(values.whole[rows])
    return short & (~whole | offered.str.contains(r"^[1-9]\d{0,17}$"))
