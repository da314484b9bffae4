"""64-bit codes sorted, in memory where they fit and else in files by their leading bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np

from simulacra.domain import Array

_MIX = np.uint64(0x9E3779B97F4A7C15)
_GUESSED_ROWS = 1 << 26
_MOST_FILES = 256
MOST_SUSPECTS = 1_000_000
"""Codes that are kept of those that repeat."""


class Spill:
    """Codes that are taken piece by piece and then sorted.

    Parameters
    ----------
    rows : int or None
        How many there will be at most, if that is known.
    memory : int
        Bytes that may be used.
    folder : Path
        Where files go that hold what does not fit.

    Examples
    --------
    >>> import tempfile
    >>> spill = Spill(None, 10**6, Path(tempfile.mkdtemp()))
    >>> spill.add(np.array([7, 9, 7]))
    >>> spill.count_repeated()
    1
    """

    def __init__(self, rows: int | None, memory: int, folder: Path) -> None:
        self._memory, self._folder = memory, folder
        self._held: list[Array] = []
        self._filled = 0
        self._whole: Array | None = (
            np.empty(rows, dtype=np.int64) if rows is not None and 8 * rows <= memory else None
        )
        self._files: list[Path] = []
        self._bits = 0
        self.suspects: Array | None = None
        """Codes that repeat, sorted; the first million of them."""
        self.repeated_codes = 0
        if self._whole is None and rows is not None:
            self._open(rows)

    @property
    def whole(self) -> Array | None:
        """All codes in order, if they are in memory; with repetitions."""
        return None if self._files else self._whole

    def add(self, codes: Array) -> None:
        """Take some codes."""
        if self._files:
            self._scatter(codes)
        elif self._whole is not None:
            self._whole[self._filled : self._filled + len(codes)] = codes
            self._filled += len(codes)
        else:
            self._held.append(np.ascontiguousarray(codes))
            self._filled += len(codes)
            # joining them needs the same again
            if 16 * self._filled > self._memory:
                self._open(max(4 * self._filled, _GUESSED_ROWS))
                for held in self._held:
                    self._scatter(held)
                self._held.clear()

    def count_repeated(self) -> int:
        """Sort the codes, and count those that have an equal one before them."""
        repeated, kept, room = 0, [], MOST_SUSPECTS
        for codes in self._sort():
            same = codes[1:] == codes[:-1]
            count = int(np.count_nonzero(same))
            repeated += count
            if count and room > 0:
                again = np.unique(codes[1:][same])
                self.repeated_codes += len(again)
                kept.append(again[:room])
                room -= len(kept[-1])
        self.suspects = np.sort(np.concatenate(kept)) if kept else None
        return repeated

    def split(self, codes: Array) -> Array:
        """Tell which file each code belongs to."""
        if not self._bits:
            return np.zeros(len(codes), dtype=np.int64)
        return ((codes.view(np.uint64) * _MIX) >> np.uint64(64 - self._bits)).astype(np.int64)

    def alike(self) -> Spill:
        """Make another one that puts equal codes into files of the same numbers."""
        other = Spill(0, self._memory, self._folder)
        other._whole = None
        other._open_bits(self._bits)
        return other

    def parts(self) -> Iterator[Array]:
        """Give the codes of one file after the other, as they came or as they were sorted."""
        for file in self._files:
            yield np.fromfile(file, dtype=np.int64)

    def _open(self, rows: int) -> None:
        parts = 1
        # a part is read and sorted: twice its size, with room for uneven ones
        while 24 * rows / parts > self._memory and parts < _MOST_FILES:
            parts *= 2
        self._open_bits(parts.bit_length() - 1)

    def _open_bits(self, bits: int) -> None:
        self._bits = bits
        name = uuid4().hex
        self._files = [self._folder / f"{name}-{part}" for part in range(1 << bits)]
        for file in self._files:
            file.touch()

    def _scatter(self, codes: Array) -> None:
        part = self.split(codes)
        order = np.argsort(part, kind="stable")
        bounds = np.searchsorted(part[order], np.arange(len(self._files) + 1))
        ordered = codes[order]
        for place, file in enumerate(self._files):
            if bounds[place + 1] > bounds[place]:
                with file.open("ab") as out:
                    ordered[bounds[place] : bounds[place + 1]].tofile(out)

    def _sort(self) -> Iterator[Array]:
        if not self._files:
            if self._whole is None:
                self._whole = np.concatenate(self._held) if self._held else np.empty(0, dtype=np.int64)
                self._held.clear()
            self._whole = self._whole[: self._filled]
            self._whole.sort()
            yield self._whole
            return
        for codes, file in zip(self.parts(), self._files, strict=True):
            codes.sort()
            codes.tofile(file)
            yield codes
