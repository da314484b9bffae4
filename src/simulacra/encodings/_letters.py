"""Letters and words drawn from counts that many rows share, so that no text comes out as it went in."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from simulacra.domain import Array

LOWER = string.ascii_lowercase
RUN = re.compile(r"[A-Z]+|[a-z]+|[0-9]+|[^A-Za-z0-9]", flags=re.DOTALL)
SOUNDS = (
    "mira", "tolan", "berit", "kasel", "norem", "lidan", "savor", "helim", "radon", "vesta", "orlin", "jarek", "pelin",
    "damor", "silva", "torben", "alen", "rikard", "morena", "liska", "hanso", "kelde", "brana", "wister", "galen",
) * 4  # fmt: skip
"""Made-up words for letters to follow where there are no real texts to learn from."""

CLASSES = {"A": string.ascii_uppercase, "a": string.ascii_lowercase, "9": string.digits}


Item = TypeVar("Item", bound=Hashable)


def count_shared(
    found: Iterable[Iterable[Item]], holders: int, owners: Sequence[int] | None = None
) -> Counter[Item]:
    """Count what rows hold, and keep what enough holders hold.

    Parameters
    ----------
    found : iterable of iterables
        For each row, what it holds.
    holders : int
        Rows that must hold a thing; owners of rows, where these are given.
    owners : sequence of int or None
        Whose row each is.

    Returns
    -------
    Counter
        Rows that hold each, however many are of one owner.

    Notes
    -----
    **Cost**: linear in rows and in what *different objects* hold: what repeats had better come as one object, as a
    cached function gives it.

    Examples
    --------
    >>> count_shared([["a"], ["a"], ["b"], ["b"]], 2, [1, 1, 1, 2])
    Counter({'b': 2})
    """
    held: dict[int, Iterable[Item]] = {}
    rows: Counter[int] = Counter()
    whose: dict[int, set[int]] = {}
    for place, items in enumerate(found):
        which = id(items)
        if which not in held:
            held[which] = items
            whose[which] = set()
        rows[which] += 1
        # k of them are enough to know
        if owners is not None and len(whose[which]) < holders:
            whose[which].add(owners[place])
    counts: Counter[Item] = Counter()
    known: dict[Item, set[int]] = {}
    for which, items in held.items():
        for item in items:
            counts[item] += rows[which]
            if owners is not None and len(own := known.setdefault(item, set())) < holders:
                own |= whose[which]
    if owners is None:
        return Counter({item: count for item, count in counts.items() if count >= holders})
    return Counter({item: count for item, count in counts.items() if len(known[item]) >= holders})


def letter_chain(texts: Iterable[str], holders: int, owners: Sequence[int] | None = None) -> Array:
    """Count which letter follows which, over texts in lower case.

    Parameters
    ----------
    texts : iterable of str
        One text a row.
    holders : int
        A pair counts only if at least this many rows hold it.
    owners : sequence of int or None
        Whose row each text is: these are the holders then, and not rows.

    Returns
    -------
    array of float64, shape (27, 26)
        Cumulated probabilities of the next letter; row 26 is for the first letter of a run.
    """
    # one pseudo-count a cell keeps every letter possible, also where no pair has enough holders
    table = np.ones((27, 26))
    for pair, count in count_shared(map(cache(_letter_pairs), texts), holders, owners).items():
        table[26 if pair[0] == "^" else ord(pair[0]) - 97, ord(pair[1]) - 97] += count
    chain = table.cumsum(axis=1)
    return chain / chain[:, -1:]


def _letter_pairs(text: str) -> set[str]:
    pairs = set()
    for run in re.findall("[a-z]+", text.lower()):
        pairs.add("^" + run[0])
        pairs.update(run[i : i + 2] for i in range(len(run) - 1))
    return pairs


def draw_letters(chain: Array, lengths: Array, rng: np.random.Generator) -> list[str]:
    """Draw one run of lower-case letters of each length."""
    n, longest = len(lengths), int(lengths.max(initial=0))
    signs = np.zeros((n, max(longest, 1)), dtype=np.uint32)
    last = np.full(n, 26)
    for place in range(longest):
        last = (chain[last] < rng.random(n)[:, None]).sum(axis=1).clip(max=25)
        signs[:, place] = np.where(place < lengths, last + 97, 0)
    return signs.view(f"U{max(longest, 1)}").ravel().tolist()


def draw_digits(lengths: Array, rng: np.random.Generator) -> list[str]:
    """Draw one run of digits of each length."""
    longest = max(int(lengths.max(initial=0)), 1)
    signs = rng.integers(48, 58, size=(len(lengths), longest)).astype(np.uint32)
    signs[np.arange(longest)[None, :] >= lengths[:, None]] = 0
    return signs.view(f"U{longest}").ravel().tolist()


def exact_shape(text: str) -> str:
    """Write every letter and digit as its class: ``Ab-12`` is ``Aa-99``.

    Examples
    --------
    >>> exact_shape("Ab-12")
    'Aa-99'
    """
    escaped = re.sub(r"([+\\])", r"\\\1", text)
    return re.sub("[a-z]", "a", re.sub("[A-Z]", "A", re.sub("[0-9]", "9", escaped)))


def loose_shape(text: str) -> str:
    """Write every run of a class once, whatever its length: ``Anna Berg`` is ``A+a+ A+a+``.

    Examples
    --------
    >>> loose_shape("Anna Berg")
    'A+a+ A+a+'
    """
    return re.sub(r"([Aa9])\1*", r"\1+", exact_shape(text))


def template(text: str, common: set[str]) -> str:
    """Keep the words that many rows share and write the others as loose shapes: ``9+ A+a+ Street``.

    A text of such words alone would come out as it went in, and one without any has no word to keep: both are
    written as their exact shape.

    Examples
    --------
    >>> template("12 Elm Street", {"Street"}), template("Elm Street", {"Elm", "Street"})
    ('9+ A+a+ Street', 'Aaa Aaaaaa')
    """
    words = text.split(" ")
    kept = [word in common for word in words]
    if all(kept) or not any(kept):
        return exact_shape(text)
    return " ".join(
        literal(word) if keep else loose_shape(word) for word, keep in zip(words, kept, strict=True)
    )


def literal(word: str) -> str:
    """Write a word so that `fill_shape` gives it back."""
    return re.sub(r"([Aa9+\\])", r"\\\1", word)


def literal_words(shape: str) -> set[str]:
    """List the words that stand for themselves in a template.

    Examples
    --------
    >>> literal_words("9+ A+a+ Street")
    {'Street'}
    """
    words = set()
    for word in shape.split(" "):
        plain = re.sub(r"\\(.)", r"\1", word)
        if plain.isalpha() and not re.search("[Aa9]", re.sub(r"\\.", "", word)):
            words.add(plain)
    return words


def fill_shape(
    shape: str, n: int, chain: Array, runs: dict[str, Array], rng: np.random.Generator
) -> list[str]:
    """Draw n texts of one shape.

    Parameters
    ----------
    shape : str
        As `exact_shape`, `loose_shape` or `template` writes it; a backslash makes a character stand for itself.
    n : int
        How many.
    chain : array
        As `letter_chain` gives it.
    runs : dict
        For each class, lengths to draw from where the shape leaves the length open.
    rng : Generator
        Where randomness comes from.
    """
    parts: list[list[str]] = []
    for run in re.findall(r"\\.|A\+|a\+|9\+|A+|a+|9+|.", shape, flags=re.DOTALL):
        if run[0] == "\\":
            parts.append([run[-1]] * n)
            continue
        sign, open_length = run[0], run[1:] == "+"
        if sign not in CLASSES or (len(run) > 1 and run[1] not in "+" + sign):
            parts.append([run] * n)
            continue
        lengths = rng.choice(runs[sign], size=n) if open_length else np.full(n, len(run))
        if sign == "9":
            parts.append(draw_digits(lengths, rng))
        else:
            letters = draw_letters(chain, lengths, rng)
            parts.append([text.upper() for text in letters] if sign == "A" else letters)
    return ["".join(pieces) for pieces in zip(*parts, strict=True)] if parts else [""] * n


def run_lengths(texts: Iterable[str], holders: int, owners: Sequence[int] | None = None) -> dict[str, Array]:
    """List, for each class, the run lengths that enough runs have (with repeats, at most 1,000 of them)."""
    shared = count_shared(map(cache(_runs), texts), holders, owners)
    out = {}
    for sign in CLASSES:
        kept = {length: count for (own, length), count in shared.items() if own == sign} or {4: 1}
        share = 1000 / max(sum(kept.values()), 1000)
        out[sign] = np.array(
            [length for length, c in sorted(kept.items()) for _ in range(max(round(c * share), 1))]
        )
    return out


def _runs(text: str) -> list[tuple[str, int]]:
    return [(run[0], len(run)) for run in RUN.findall(exact_shape(text)) if run[0] in CLASSES]


Counted = TypeVar("Counted", str, tuple[str, str])


def commonest(counts: Counter[Counted], most: int) -> list[tuple[Counted, int]]:
    """List what was counted most, ties in their own order: a counter fed with sets keeps none."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def word_counts(texts: Sequence[str], holders: int, owners: Sequence[int] | None = None) -> dict[str, Any]:
    """Count words, and which word follows which, each only where enough rows (or their owners) hold it.

    Returns
    -------
    dict
        ``words`` (list), ``weights`` (array: rows that hold each), ``follows`` (array of shape (pairs, 3): word,
        next word, rows).
    """
    singles = count_shared(map(cache(_words), texts), holders, owners)
    pairs = count_shared(map(cache(_word_pairs), texts), holders, owners)
    kept = commonest(singles, 20_000)
    index = {word: i for i, (word, _) in enumerate(kept)}
    rows = [
        (index[a], index[b], count)
        for (a, b), count in commonest(pairs, 200_000)
        if a in index and b in index
    ]
    return {
        "words": [word for word, _ in kept],
        "weights": np.array([count for _, count in kept], dtype=np.float64),
        "follows": np.array(sorted(rows), dtype=np.int64).reshape(-1, 3),
    }


def _words(text: str) -> set[str]:
    return set(text.split())


def _word_pairs(text: str) -> set[tuple[str, str]]:
    return set(pairwise(text.split()))


def draw_words(vocabulary: dict[str, Any], lengths: Array, rng: np.random.Generator) -> list[str]:
    """Draw texts of given numbers of words.

    A word follows the one before it by the counts of pairs, but only every second time; otherwise it is drawn from
    all words. So neighbours look natural, while no run of three words can be read off the training texts.
    """
    words, weights, follows = vocabulary["words"], vocabulary["weights"], vocabulary["follows"]
    any_word = np.cumsum(weights) / weights.sum()
    starts = np.searchsorted(follows[:, 0], np.arange(len(words) + 1))
    running = np.concatenate([[0.0], np.cumsum(follows[:, 2], dtype=np.float64)])
    n, longest = len(lengths), int(lengths.max(initial=0))
    chosen = np.zeros((n, max(longest, 1)), dtype=np.int64)
    for place in range(longest):
        fresh = np.searchsorted(any_word, rng.random(n)).clip(max=len(words) - 1)
        if place % 2:
            last = chosen[:, place - 1]
            low, high = running[starts[last]], running[starts[last + 1]]
            point = low + rng.random(n) * (high - low)
            pair = np.searchsorted(running, point, side="right") - 1
            pair = pair.clip(0, max(len(follows) - 1, 0))
            fresh = np.where(high > low, follows[pair, 1] if len(follows) else fresh, fresh)
        chosen[:, place] = fresh
    return [" ".join(words[w] for w in row[:length]) for row, length in zip(chosen, lengths, strict=True)]
