"""Tell what a column identifies: by its form, check digits, name, and the names of people in it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from simulacra.fakes.validity import RULES, find_valid
from simulacra.fakes.vocabulary import known_words
from simulacra.schema._identifier_forms import (
    FORMS,
    NAMES,
    ORGANISATION,
    PERSON,
    PHONE,
    PHONE_MARKED,
    STREET,
    TWO_WORDS,
)
from simulacra.schema._identifier_names import named_kinds, says_birth, says_name, says_place
from simulacra.schema._names import split_name
from simulacra.schema.locales import find_locale, share_of, some

MOSTLY = 0.95
"""Share of values that must look like an identifier."""

_FEW = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What a column identifies, and how that is known.

    Parameters
    ----------
    kind : str
        As in `Column.identifying`.
    evidence : str
        For people, such as ``"check digits of payment cards are right"``.
    share : float
        Share of the different values that look so.
    locale : str or None
        Language and country, where the values show them.
    """

    kind: str
    evidence: str
    share: float
    locale: str | None = None

    @property
    def reason(self) -> str:
        """One sentence for a schema: what it is, why, and what becomes of it."""
        where = f" ({self.locale})" if self.locale else ""
        return f"{NAMES[self.kind]}{where}, because {self.evidence}; replaced and never learnt"


def find_identifier(values: pl.Series, name: str, *, rows: int | None = None) -> Finding | None:
    """Find what the values of a column identify, if nearly all of them (95 %) do.

    Parameters
    ----------
    values : Series
        Texts or whole numbers. Nulls are left out, repeats looked at once.
    name : str
        The column's name: half of the evidence where the form alone does not tell.
    rows : int or None
        Rows that hold a value, if `values` are only the different ones.

    Returns
    -------
    Finding or None
        None where nothing shows that single people could be found by the values.

    Notes
    -----
    **Cost**: linear for the different values; from 5,000 of them a sample is judged.

    Names of cities, products and firms and codes of few levels are not taken for identifiers: a name of people needs a
    column's name that says so, or first and last names that are known. Numbers need right check digits.

    Examples
    --------
    >>> find_identifier(pl.Series(["4111111111111111", "5555555555554444", "378282246310005"]), "cc_num").kind
    'card'
    >>> find_identifier(pl.Series(["Paris", "Rome", "Oslo"]), "destination") is None
    True
    """
    held = values.drop_nulls()
    rows = len(held) if rows is None else rows
    whole = held.dtype.is_integer()
    if not whole and held.dtype != pl.String:
        return None
    distinct = held if len(held) < 3 else held.unique(maintain_order=True)
    if len(distinct) < 3:
        return None
    texts = some(distinct).cast(pl.String).str.strip_chars()
    words = split_name(name)
    case = _Case(texts, words, named_kinds(words), len(distinct), rows)
    tests = (_by_digits, _by_phone) if whole else (_by_form, _by_digits, _by_phone, _by_people, _by_place)
    for test in tests:
        found = test(case)
        if found is not None:
            return found
    return None


def says_postcode(name: str) -> bool:
    """Tell whether the name of a column is that of postcodes.

    Examples
    --------
    >>> says_postcode("zip_code"), says_postcode("PLZ"), says_postcode("zipped")
    (True, True, False)
    """
    return "address.postcode" in named_kinds(split_name(name))


def find_hint(name: str, kind: str) -> str:
    """Say what a column tells of people though it names nobody: a date of birth, a place on earth.

    Parameters
    ----------
    name : str
        The column's name.
    kind : str
        Its kind.

    Returns
    -------
    str
        A remark for the reason of the column; empty where there is none.

    Examples
    --------
    >>> find_hint("date_of_birth", "date")
    'a date of birth: with place and sex it can single people out'
    """
    words = split_name(name)
    if kind in {"date", "datetime"} and says_birth(words):
        return "a date of birth: with place and sex it can single people out"
    if kind == "number" and says_place(words):
        return "a place on earth: where it is somebody's home, it can single people out"
    return ""


def list_names(values: pl.Series, kind: str) -> dict[str, str]:
    """List the words of names in a column that identifies people, so that texts beside it need not hold them.

    Parameters
    ----------
    values : Series
        Its values.
    kind : str
        What they identify, as in `Column.identifying`.

    Returns
    -------
    dict of str to str
        Words in small letters, each with ``"first"`` or ``"last"``; none where the column holds no names. Words that
        one in five addresses holds are none.

    Examples
    --------
    >>> list_names(pl.Series(["Zorv, Ada", "Ann van Dyk"]), "person.name")
    {'ada': 'first', 'ann': 'first', 'dyk': 'last', 'zorv': 'last'}
    >>> list_names(pl.Series(["ada.zorv7@firm.com"]), "email")
    {'ada': 'last', 'zorv': 'last'}
    """
    if kind not in {"person.name", "person.first", "person.last", "email", "username"}:
        return {}
    texts = values.cast(pl.String).drop_nulls().unique().str.replace(r"@.*$", "")
    called = kind.startswith("person")
    # a comma puts the last name first
    texts = texts.str.replace(r"^([^,]+), *(.+)$", "$2 $1") if kind == "person.name" else texts
    runs = texts.str.extract_all(r"\p{L}+(?:['’]\p{L}+)*" if called else r"\p{L}{3,}")
    words = pl.DataFrame({"word": runs}).with_columns(place=pl.int_ranges(pl.col("word").list.len()))
    words = words.explode("word", "place").drop_nulls()
    # "van" and "de" have small letters where names have capitals
    capitals = words["word"].str.contains(r"^\p{Lu}")
    if called and 2 * int(capitals.sum()) > len(words):
        words = words.filter(capitals)
    first = {"person.first": pl.lit(True), "person.name": pl.col("place") == 0}.get(kind, pl.lit(False))
    told = (
        words.select(word=pl.col("word").str.to_lowercase(), first=first)
        .group_by("word")
        .agg(rows=pl.len(), first=pl.col("first").mean())
        .filter(
            (pl.col("word").str.len_chars() > 1) & (pl.lit(called) | (pl.col("rows") * 5 < len(texts) + 5))
        )
        .sort("word")
    )
    return {word: "first" if share > 0.5 else "last" for word, _, share in told.iter_rows()}


@dataclass(frozen=True, slots=True)
class _Case:
    texts: pl.Series
    words: tuple[str, ...]
    named: set[str]
    distinct: int
    rows: int

    @property
    def repeats(self) -> bool:
        """Whether values stand for groups of rows rather than for single ones."""
        return 2 * self.distinct < self.rows

    def found(self, kind: str, share: float, evidence: str) -> Finding:
        by_name = " and the column's name says so" if kind in self.named else ""
        return Finding(kind, evidence + by_name, round(share, 4), find_locale(self.texts, kind))


def _by_form(case: _Case) -> Finding | None:
    for kind, (pattern, evidence) in FORMS.items():
        share = share_of(case.texts, pattern)
        # a few pages or hosts that many rows share are a category
        if share >= MOSTLY and not (kind in {"url", "ip"} and case.distinct * 10 < case.rows):
            return case.found(kind, share, evidence)
    return None


def _by_digits(case: _Case) -> Finding | None:
    """Try the numbers that the name speaks of, then all that chance can not give."""
    plain = case.texts.head(50).str.replace_all(r"[ .\-/]", "").str.to_uppercase()
    for kind, rule in RULES.items():
        named = kind in case.named
        if (
            not named
            and (case.distinct < _FEW or rule.chance > 0.1 or kind in {"national_id.nl"})
            and kind != "iban"
        ):
            continue
        if 2 * int(plain.str.contains(f"^(?:{rule.form})$").sum()) < len(plain) and not (
            named and kind == "ssn"
        ):
            continue
        texts = case.texts.str.zfill(9) if kind == "ssn" else case.texts
        share = float(find_valid(kind, texts).mean() or 0)  # type: ignore[arg-type]
        if share >= MOSTLY and (named or not _counted(case, kind)):
            evidence = "they have the form" if rule.chance == 1 else "form and check digits are right"
            if kind == "national_id.gb":
                evidence = "they have the form"
            return case.found(kind, share, evidence)
    for kind in ("passport", "licence", "plate"):
        if (
            kind in case.named
            and not case.repeats
            and share_of(case.texts, r"^[\p{Lu}\d][\p{Lu}\d \-]{3,13}$") >= MOSTLY
        ):
            return case.found(kind, 1.0, "they have the form")
    if "ssn" in case.named and share_of(case.texts, r"^\d{3}[- ]?\d{2}[- ]?\d{4}$") >= MOSTLY:
        return case.found("ssn", 1.0, "they have the form")
    return None


def _counted(case: _Case, kind: str) -> bool:
    """Tell whether values that only have a form (no check digit) are spread too little to be told by it."""
    return kind == "national_id.gb" and case.repeats


def _by_phone(case: _Case) -> Finding | None:
    share = share_of(case.texts, PHONE)
    if share < MOSTLY:
        return None
    if "phone" in case.named:
        digits = case.texts.str.count_matches(r"\d")
        return case.found("phone", share, "they have the form") if (digits >= 7).mean() >= MOSTLY else None  # type: ignore[operator]
    marked = share_of(case.texts, PHONE_MARKED)
    return case.found("phone", marked, "they are written as such") if marked >= MOSTLY else None


def _by_people(case: _Case) -> Finding | None:
    texts, named = case.texts, case.named
    if "username" in named and not case.repeats and share_of(texts, r"^[\p{L}\d._\-]{2,32}$") >= MOSTLY:
        return case.found("username", 1.0, "they are single words")
    if share_of(texts, ORGANISATION) > 0.1:
        return None
    for kind in ("person.first", "person.last", "person.name"):
        share = share_of(texts, PERSON)
        if kind in named and share >= MOSTLY and _first_names(texts) + _last_names(texts) > 0.02:
            return case.found(kind, share, "they are written as names")
        if kind in named and share >= MOSTLY and case.distinct >= _FEW and not case.repeats:
            return case.found(kind, share, "they are written as names")
    share = share_of(texts, TWO_WORDS)
    if share < MOSTLY:
        return None
    first, last = _first_names(texts), _last_names(texts)
    told = says_name(case.words) and first >= 0.15 and (last >= 0.05 or first >= 0.3)
    if told or (first >= 0.5 and last >= 0.2 and not case.repeats):
        return case.found("person.name", share, f"{first:.0%} begin with a known first name")
    return None


def _by_place(case: _Case) -> Finding | None:
    """Find addresses; cities and postcodes only where they seldom repeat, for else they are categories."""
    texts = case.texts
    digits = share_of(texts, r"\d")
    streets = share_of(texts, STREET)
    if digits >= 0.5 and streets >= 0.5 and not case.repeats:
        return case.found("address", streets, f"{streets:.0%} hold a word for a street and most a number")
    if (
        "address" in case.named
        and digits >= 0.5
        and share_of(texts, r"\p{L}{2,}.*[ ,]") >= 0.8
        and not case.repeats
    ):
        return case.found("address", digits, "they are words and numbers")
    if case.repeats:
        return None
    if (
        "address.postcode" in case.named
        and share_of(texts, r"^[A-Z\d][A-Z\d \-]{2,9}$") >= MOSTLY
        and digits >= MOSTLY
    ):
        return case.found("address.postcode", 1.0, "they have the form")
    if (
        "address.city" in case.named
        and share_of(texts, r"^\p{L}[\p{L}'’. \-]*$") >= MOSTLY
        and case.distinct >= _FEW
    ):
        return case.found("address.city", 1.0, "they are words that seldom repeat")
    return None


def _first_names(texts: pl.Series) -> float:
    """Return the share of texts that begin with a known first name, or have one behind a comma and a title."""
    bare = texts.str.replace(r"^[^,]+, ", "").str.replace(
        r"^(?:(?:Mrs?|Ms|Miss|Master|Dr|Prof|Herr|Frau|Mme)\.? )+", ""
    )
    return _known(bare.str.extract(r"^(\p{L}[\p{L}'’]*(?:-\p{L}+)?)"), "first")


def _last_names(texts: pl.Series) -> float:
    before = texts.str.extract(r"^([^,]+), ")
    last = texts.str.extract(r"(\p{L}[\p{L}'’\-]*)\.?$")
    return _known(before.fill_null(last), "last")


def _known(words: pl.Series, what: str) -> float:
    known = known_words(what)["word"].unique().implode()
    return float(words.str.to_lowercase().is_in(known).fill_null(False).mean() or 0)  # type: ignore[arg-type]
