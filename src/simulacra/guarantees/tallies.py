"""What keeping constraints took: rows drawn, mended and drawn anew; and when to give up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from simulacra.errors import RareCondition

HOPELESS = 400_000
"""Rows drawn anew without one that fits before a request is given up."""
PATIENCE = 30
"""Turns without a new low of the rows that lack before a request is given up."""
MOST_DRAWS = 20_000_000
"""Rows that a request may need in all, judged by the rows drawn last."""
ONCE_MENDED = "the condition, once mended"
DRY = 20_000
"""Rows drawn in a row, none of which fits, before what they say of the others is heard."""
MOVED = 0.05
"""Share of the rows drawn anew from which on it is said what that does to other columns."""
MOVES = "; rows are drawn given the rule, so other columns move with it"


@dataclass
class Tally:
    """Counts of rows, by constraint. Blocks are drawn in threads; sums do not depend on their order.

    Parameters
    ----------
    drawn : int
        Rows drawn.
    mended, broken : Counter of str
        Rows that were changed so that they keep a constraint, and rows that could not be given, by its words.
    led : dict of str to float
        Share of the rows drawn without it that break a constraint within which rows are drawn.

    Examples
    --------
    >>> tally = Tally(drawn=200)
    >>> tally.lose('"a < b"', 3)
    >>> tally.notes()
    ['"a < b": 1.5 % of the rows drawn broke it and were drawn anew.']
    """

    drawn: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    led: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def draw(self, rows: int) -> None:
        """Count rows that were drawn."""
        with self._lock:
            self.drawn += rows

    def mend(self, what: str, rows: int) -> None:
        """Count rows that were changed so that they keep a constraint."""
        if rows:
            with self._lock:
                self.mended[what] += rows

    def lose(self, what: str, rows: int) -> None:
        """Count rows that could not be given for a reason."""
        if rows:
            with self._lock:
                self.broken[what] += rows

    def lead(self, what: str, share: float) -> None:
        """Say that rows are drawn within a constraint, and how many would break it; the largest share stays."""
        if share:
            with self._lock:
                self.led[what] = max(share, self.led.get(what, 0.0))

    def notes(self) -> list[str]:
        """Tell what was done, in sentences."""
        told = [
            f"{what}: {_share(count, self.drawn)} of the rows drawn were changed so that they keep it."
            for what, count in self.mended.most_common()
        ]
        told += [
            f"{what}: about {100 * share:.2g} % of the rows drawn without it break it{MOVES}."
            for what, share in sorted(self.led.items(), key=lambda one: (-one[1], one[0]))
            if share > MOVED
        ]
        told += [
            f"{what}: {_share(count, self.drawn)} of the rows drawn broke it and were drawn anew{self._moved(count)}."
            for what, count in self.broken.most_common()
        ]
        return told

    def _moved(self, rows: int) -> str:
        return MOVES if rows > MOVED * self.drawn else ""


@dataclass
class Hope:
    """Whether a request is worth going on with, by the rows drawn last.

    Parameters
    ----------
    words : str
        How to speak of the request.
    tally : Tally
        Says what most rows broke.
    drawn, kept : float
        Rows drawn lately, and those of them that could stay.
    budget : int
        Rows that it may need in all.
    found : str
        What is found so far, if there is something to say.
    """

    words: str
    tally: Tally
    drawn: float = 0.0
    kept: float = 0.0
    budget: int = MOST_DRAWS
    found: str = ""
    _dry: int = 0
    _lowest: int | None = None
    _waited: int = 0

    def add(self, drawn: int, kept: int, lacking: int) -> None:
        """Count a turn.

        Raises
        ------
        RareCondition
            What lacks would take more draws than are allowed.
        """
        self.drawn += drawn
        self.kept += kept
        self._dry = 0 if kept else self._dry + drawn
        # no success in N draws: the 95 % upper limit of the probability is 3 / N
        if self._dry >= DRY and lacking * self._dry / 3 > self.budget:
            raise RareCondition(self._sentence(lacking))
        if not lacking or self.drawn < HOPELESS:
            return
        needed = lacking * self.drawn / max(self.kept, 0.5)
        if self.kept < 1 or needed > self.budget:
            raise RareCondition(self._sentence(lacking))
        # what was drawn long ago says little: values that may not repeat run out
        self.drawn, self.kept = self.drawn / 2, self.kept / 2

    def wait(self, lacking: int) -> None:
        """Count a turn in which all rows were settled anew, so that as many may lack after it as before.

        Raises
        ------
        RareCondition
            It has not become fewer for `PATIENCE` turns.
        """
        better = self._lowest is None or lacking < self._lowest
        self._waited = 0 if better else self._waited + 1
        self._lowest = lacking if self._lowest is None else min(lacking, self._lowest)
        if lacking and self._waited >= PATIENCE:
            raise RareCondition(self._sentence(lacking))

    def factor(self) -> float:
        """Return how many rows to draw for each that lacks."""
        return 1.1 * (self.drawn + 1) / (self.kept + 1)

    def _sentence(self, lacking: int) -> str:
        worst = self.tally.broken.most_common(1)
        most = f"; most of the others break {worst[0][0]}" if worst else ""
        if worst and worst[0][0] == ONCE_MENDED:
            most += "".join(f" to keep {what}" for what, _ in self.tally.mended.most_common(1))
        still = f"{lacking:,} {'row lacks' if lacking == 1 else 'rows lack'} still"
        mend = "Ask for fewer rows, or loosen the condition or the constraint."
        if self.found and self._dry:
            return f"{self.words}: {self.found}, the {self._dry:,} rows drawn last gave none more, and {still}. {mend}"
        return (
            f"{self.words}: of the {self.drawn:,.0f} rows drawn last, {self.kept:,.0f} keep all constraints, and "
            f"{still}{most}. {mend}"
        )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %" if whole else "none"
