"""Language and country that values show: by names, streets, calling codes, domains and numbers of a country."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from simulacra.fakes.phones import COUNTRIES
from simulacra.fakes.vocabulary import FALLBACK, LOCALES, known_words
from simulacra.schema._identifier_forms import LOCALE_OF_DOMAIN, STREETS

_SAMPLE = 5_000
_LOCALE_OF_COUNTRY = {locale[3:]: locale for locale in LOCALES}


def share_locale(findings: Mapping[str, str | None]) -> str | None:
    """Find the locale that the columns of a table speak for together.

    Parameters
    ----------
    findings : mapping of str to (str or None)
        For each kind that was found, the locale that its values show.

    Returns
    -------
    str or None
        None where no column shows any.

    Examples
    --------
    >>> share_locale({"national_id.pl": "pl_PL", "person.name": "en_US", "email": None})
    'pl_PL'
    """
    votes: dict[str, int] = {}
    for kind, locale in findings.items():
        if locale is not None:
            weight = 4 if kind.startswith("national_id") else 1 if kind in {"email", "url", "ssn"} else 3
            votes[locale] = votes.get(locale, 0) + weight
    return max(sorted(votes), key=lambda locale: votes[locale], default=None)


def find_locale(texts: pl.Series, kind: str) -> str | None:
    """Find language and country that values of a kind show.

    Parameters
    ----------
    texts : Series
        Values, without nulls.
    kind : str
        What they identify.

    Returns
    -------
    str or None
        One of the locales of fakes; None where the values do not show any.

    Examples
    --------
    >>> find_locale(pl.Series(["+49 30 12345", "+49 89 55555"]), "phone")
    'de_DE'
    >>> find_locale(pl.Series(["Jürgen Müller", "Käthe Schulz"]), "person.name")
    'de_DE'
    """
    if kind.startswith("national_id."):
        return _LOCALE_OF_COUNTRY.get(kind[-2:].upper())
    if kind == "ssn":
        return FALLBACK
    values = some(texts.drop_nulls().unique(maintain_order=True).str.strip_chars())
    if not len(values):
        return None
    if kind == "phone":
        codes = values.str.extract(r"^(?:\+|00)(420|1|31|33|34|39|44|46|48|49|55|91)")
        american = values.str.contains(r"^\(?[2-9]\d\d[)\-. ]+\d{3}[\-. ]\d{4}")
        codes = codes.set(codes.is_null() & american, "1")
        return _commonest(codes.replace_strict(COUNTRIES, default=None, return_dtype=pl.String), 0.5)
    if kind in {"iban", "bic"}:
        return _commonest(_country(values.str.slice(0 if kind == "iban" else 4, 2)), 0.5)
    if kind in {"email", "url"}:
        ends = values.str.extract(r"(?i)^(?:https?://)?[^/?#]*\.([a-z]{2,})(?:[/?#:]|$)").str.to_lowercase()
        return _commonest(ends.replace_strict(LOCALE_OF_DOMAIN, default=None, return_dtype=pl.String), 0.5)
    if kind.startswith("person"):
        return _locale_of_names(values)
    if kind == "address":
        shares = {locale: share_of(values, pattern) for locale, pattern in STREETS.items()}
        best = max(shares, key=lambda locale: shares[locale])
        return best if shares[best] >= 0.3 else None
    if kind == "address.city":
        return _locale_of_words(values.str.to_lowercase(), "cities", 0.3)
    return None


def some(texts: pl.Series) -> pl.Series:
    """Take a sample of at most about 5,000 values that depends on the values alone, not on their order.

    Examples
    --------
    >>> len(some(pl.Series(range(3))))
    3
    """
    if len(texts) <= _SAMPLE:
        return texts
    every = -(-len(texts) // _SAMPLE)
    return texts.filter(texts.hash(7) % every == 0)


def share_of(texts: pl.Series, pattern: str) -> float:
    """Return the share of texts that a pattern is found in; where it is next to none, by the first 200.

    Examples
    --------
    >>> share_of(pl.Series(["a1", "b"]), r"\\d")
    0.5
    """
    few = texts.head(200)
    share = float(few.str.contains(pattern).mean() or 0)  # type: ignore[arg-type]
    if len(few) == len(texts) or 2 * share < 0.1:
        return share  # so few of a sample that the rest need not be looked at
    return float(texts.str.contains(pattern).mean() or 0)  # type: ignore[arg-type]


def _locale_of_names(texts: pl.Series) -> str | None:
    words = texts.str.to_lowercase().str.extract_all(r"\p{L}[\p{L}'’\-]+").explode().drop_nulls()
    scores = (
        pl.concat([_votes(words, "first"), _votes(words, "last")])
        .group_by("locale")
        .agg(pl.col("rows").sum())
    )
    return _best(scores, len(texts), 0.2)


def _locale_of_words(words: pl.Series, what: str, least: float) -> str | None:
    return _best(_votes(words, what), len(words), least)


def _votes(words: pl.Series, what: str) -> pl.DataFrame:
    """Count, for each locale, the words that it has."""
    counted = words.alias("word").value_counts(name="rows")
    return (
        known_words(what).join(counted, on="word").group_by("locale").agg(pl.col("rows").sum().cast(pl.Int64))
    )


def _best(scores: pl.DataFrame, total: int, least: float) -> str | None:
    # where two are about as good, the fallback is the better guess
    ranked = scores.with_columns(
        pl.col("rows") * pl.when(pl.col("locale") == FALLBACK).then(1.1).otherwise(1.0)
    ).sort("rows", "locale", descending=[True, False])
    return str(ranked["locale"][0]) if len(ranked) and ranked["rows"][0] >= least * total else None


def _country(codes: pl.Series) -> pl.Series:
    return codes.str.to_uppercase().replace_strict(_LOCALE_OF_COUNTRY, default=None, return_dtype=pl.String)


def _commonest(found: pl.Series, least: float) -> str | None:
    counts = (
        found.drop_nulls()
        .alias("locale")
        .value_counts(name="rows")
        .sort("rows", "locale", descending=[True, False])
    )
    return str(counts["locale"][0]) if len(counts) and counts["rows"][0] >= least * len(found) else None
