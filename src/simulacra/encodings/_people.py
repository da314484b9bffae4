"""People in free texts: names, addresses and numbers are marked before words are learnt, and made up when drawn."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from simulacra.encodings._everyday import EVERYDAY, TITLES
from simulacra.fakes.making import make_fakes
from simulacra.fakes.vocabulary import known_words

# signs that Unicode keeps for the use inside of programs: no text of people holds them
FIRST, LAST = "\ufdd0\ufdd1\ufdd2", "\ufdd3\ufdd4\ufdd5"
MAIL, DIGIT = "\ufdd6", "\ufdd7"
_MARKS = re.compile(f"[\ufdd0-\ufdd6]|{DIGIT}+")

_RUN = re.compile(r"[^\W\d_]+(?:['’](?!s\b)[^\W\d_]+)*")
_MAIL = re.compile(r"[^\s@<>(),;:\"']+@[^\s@<>(),;:\"']*[^\W_]")
_DATE = r"(?<!\d)(?:\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d))(?!\d)"
_YEAR = r"(?<!\d)(?:19|20)\d\d(?!\d)"
_PHONE = r"\+?\(?\d[\d ()./-]{5,}\d"
_NUMBER = re.compile(rf"({_DATE}|{_YEAR})|{_PHONE}|\d{{3,}}")
_ENDS = (".", ",", ";", ":", "!", "?", ")")
_DIGITS = 7
"""From so many digits in a row, with signs between them, they are a telephone number."""
_MANY = 20
"""So many known last names in a column are names also where none stands beside a first name."""


@dataclass(frozen=True)
class Marked:
    """Texts in which marks stand for people.

    Parameters
    ----------
    texts : list of str
        The texts given; where people are in one, its words with marks in their place.
    names : list of str
        The words taken for names.
    """

    texts: list[str]
    names: list[str]


def mark_people(texts: list[str], told: Mapping[str, str], holders: int) -> Marked:
    """Put marks for names, e-mail addresses, telephone numbers and other numbers of three digits or more.

    Parameters
    ----------
    texts : list of str
        One a row.
    told : mapping of str to str
        Names that the columns beside hold, in small letters, with ``"first"`` or ``"last"``.
    holders : int
        So many must share a word for it to be learnt.

    Notes
    -----
    **Cost**: a few seconds for a million words.

    Examples
    --------
    >>> mark_people(["Ada Zorv called"], {"zorv": "last"}, 5).names
    ['ada', 'zorv']
    """
    texts = list(map(cache(_mark_numbers), texts))
    repeats = Counter(texts)
    counts: Counter[str] = Counter()
    for text, times in repeats.items():
        for token in text.split():
            counts[token] += times
    words = _Words.of(counts, told)
    if not (words.sure or words.doubtful or words.titles):
        return Marked(texts, [])
    names = words.sure | _promoted(repeats, words, holders)
    always = {token: marked for token in counts if (marked := words.mark(token, names)) != token}
    perhaps = {
        token: marked
        for token in counts
        if token not in always and (marked := words.mark(token, words.doubtful)) != token
    }
    touched = always.keys() | perhaps.keys()
    marked_as = {
        text: text
        if touched.isdisjoint(tokens := text.split())
        else _write(tokens, always, perhaps, words.titles)
        for text in repeats
    }
    out = [marked_as[text] for text in texts]
    return Marked(out, sorted(names))


def fill_marks(texts: list[str], locale: str, rng: np.random.Generator) -> list[str]:
    """Put fakes in the place of marks.

    Parameters
    ----------
    texts : list of str
        Texts with marks.
    locale : str
        Language and country of the fakes.
    rng : Generator
        Where randomness comes from.

    Examples
    --------
    >>> fill_marks(["nobody"], "en_US", np.random.default_rng(0))
    ['nobody']
    """
    found: Counter[str] = Counter()
    for text in texts:
        found.update(_MARKS.findall(text))
    digits = sum(len(mark) * count for mark, count in found.items() if mark[0] == DIGIT)
    spare = "".join(map(str, rng.integers(10, size=digits).tolist()))
    fakes = {mark: iter(_make(mark, found[mark], locale, rng)) for mark in FIRST + LAST + MAIL if found[mark]}
    taken = 0

    def put(match: re.Match[str]) -> str:
        nonlocal taken
        mark = match[0]
        if mark[0] != DIGIT:
            return next(fakes[mark])
        taken += len(mark)
        return spare[taken - len(mark) : taken]

    return [_MARKS.sub(put, text) for text in texts]


@dataclass(frozen=True)
class _Words:
    """What the words of a column may be, by their small letters."""

    told: Mapping[str, str]
    capitals: Counter[str]
    small: Counter[str]
    plain: bool
    sure: set[str]
    doubtful: set[str]
    titles: set[str]

    @classmethod
    def of(cls, counts: Counter[str], told: Mapping[str, str]) -> _Words:
        capitals: Counter[str] = Counter()
        small: Counter[str] = Counter()
        titles = set()
        for token, count in counts.items():
            if token.rstrip(".") in TITLES:
                titles.add(token)
            for run in _RUN.findall(token):
                (capitals if run[0].isupper() else small)[run.lower()] += count
        # where nobody writes capitals, they can not tell a name from a word
        plain = capitals.total() * 100 < small.total()
        if plain:
            capitals, small = capitals + small, Counter()
        first, last = _known("first"), _known("last")
        may = {word for word in capitals if len(word) > 1 and (word in told or word in first or word in last)}
        may -= TITLES_SMALL
        cities = _known("cities")
        sure = {
            word
            for word in may
            if small[word] <= capitals[word]
            and word not in EVERYDAY
            and (word in told or (word in first and word not in cities and len(word) > 2))
        }
        return cls(told, capitals, small, plain, sure, may - sure, titles)

    def mark(self, token: str, names: set[str]) -> str:
        """Put marks for the names in one word."""

        def put(match: re.Match[str]) -> str:
            run = match[0]
            word = run.lower()
            if word not in names or not (run[0].isupper() or self.plain or word in self.sure):
                return run
            marks = FIRST if self.is_first(word) else LAST
            return marks[2 if run[0].islower() else 1 if len(run) > 1 and run.isupper() else 0]

        return _RUN.sub(put, token)

    def is_first(self, word: str) -> bool:
        return self.told[word] == "first" if word in self.told else word in _known("first")


def _promoted(texts: Mapping[str, int], words: _Words, holders: int) -> set[str]:
    """List the words that are names by where they stand: beside first names or titles."""
    beside: Counter[str] = Counter()
    behind: Counter[str] = Counter()
    for before, after, times in _neighbours(texts, words):
        left, right = _end(before), _start(after)
        stop = before.endswith(_ENDS) and before not in words.titles
        if left in words.doubtful and right in words.sure and (not stop or before.endswith(",")):
            beside[left] += times
        if stop or not (right and after[0].isupper() | words.plain):
            continue
        named = before in words.titles or left in words.sure
        if right in words.doubtful and (named or (left in words.doubtful and _full(left, right))):
            beside[right] += times
            beside[left] += times * (left in words.doubtful)
        elif named and not words.plain:
            behind[right] += times
    lasts = {
        word
        for word in words.doubtful
        if word in _known("last") and word not in EVERYDAY
        and words.small[word] < words.capitals[word] >= holders
    }  # fmt: skip
    found = {word for word, count in beside.items() if 10 * count >= words.capitals[word]}
    found |= {
        word
        for word, count in behind.items()
        if count > 1 and len(word) > 1 and 2 * count >= words.capitals[word] > words.small[word]
    }
    return found | (lasts if len(lasts) >= _MANY else set())


def _neighbours(texts: Mapping[str, int], words: _Words) -> Iterator[tuple[str, str, int]]:
    """Give the pairs of words of which one may be a name, and how often; texts without any are passed over."""
    known = words.sure | words.doubtful
    hot: dict[str, bool] = {}
    for text, times in texts.items():
        tokens = text.split()
        warm = []
        for token in tokens:
            if token not in hot:
                hot[token] = token in words.titles or any(run.lower() in known for run in _RUN.findall(token))
            warm.append(hot[token])
        if any(warm):
            for place, pair in enumerate(pairwise(tokens)):
                if warm[place] or warm[place + 1]:
                    yield *pair, times


def _write(tokens: list[str], always: Mapping[str, str], perhaps: Mapping[str, str], titles: set[str]) -> str:
    out = [always.get(token, token) for token in tokens]
    for place, token in enumerate(tokens):
        if token not in perhaps:
            continue
        before = tokens[place - 1] if place else ""
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        named = before in titles or (before in always and not before.endswith(_ENDS))
        if named or (after in always and not token.endswith(_ENDS)):
            out[place] = perhaps[token]
    return " ".join(out)


def _mark_numbers(text: str) -> str:
    if "@" in text:
        text = _MAIL.sub(MAIL, text)
    return _NUMBER.sub(_hide, text)


def _hide(match: re.Match[str]) -> str:
    # days and years are public: many rows share them, or they are not learnt
    if match[1]:
        return match[0]
    found = match[0]
    least = r"\d" if sum(sign.isdigit() for sign in found) >= _DIGITS else r"\d{3,}"
    return re.sub(least, lambda run: DIGIT * len(run[0]), found)


def _make(mark: str, n: int, locale: str, rng: np.random.Generator) -> Sequence[str]:
    kind = "email" if mark == MAIL else "person.first" if mark in FIRST else "person.last"
    made: list[str] = make_fakes(kind, rng.integers(2**64, size=n, dtype=np.uint64), locale=locale).to_list()
    case: Callable[[str], str] = (str, str.upper, str.lower)[(FIRST + LAST + "\0").find(mark) % 3]
    return made if mark == MAIL else [case(name) for name in made]


def _known(what: str) -> frozenset[str]:
    if what not in _SETS:
        _SETS[what] = frozenset(known_words(what)["word"].to_list())
    return _SETS[what]


_SETS: dict[str, frozenset[str]] = {}
TITLES_SMALL = {title.lower() for title in TITLES}


def _full(left: str, right: str) -> bool:
    return left in _known("first") and right in _known("last")


def _start(token: str) -> str:
    found = _RUN.search(token)
    return found[0].lower() if found else ""


def _end(token: str) -> str:
    runs = _RUN.findall(token)
    return runs[-1].lower() if runs else ""
