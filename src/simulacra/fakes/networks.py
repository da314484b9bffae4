"""Network addresses: IPv4, IPv6 and hardware addresses, of ranges kept for examples, tests or local use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers, cut
from simulacra.fakes._writing import Bytes, to_texts
from simulacra.fakes.maker import Maker

_EXAMPLES = ((192, 0, 2), (198, 51, 100), (203, 0, 113))
_HEX = {"lower": b"0123456789abcdef", "upper": b"0123456789ABCDEF"}
_PRIVATE = r"^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|127\.)"


@dataclass(frozen=True)
class Networks(Maker):
    """Addresses that lead nowhere: RFC 5737, 2544 and 1112 for IPv4, RFC 3849 for IPv6, local bit set for hardware.

    Examples
    --------
    >>> maker = Networks("ip", "en_US")
    >>> maker.write(np.array([0, 300], dtype=np.uint64), "v4").to_list()
    ['192.0.2.0', '198.51.100.44']
    """

    kinds: ClassVar[tuple[str, ...]] = ("ip", "mac")

    @property
    def default(self) -> str:
        """IPv4; hardware addresses with colons."""
        return "v4" if self.kind == "ip" else "lower:"

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find the version, and whether an address is private; for hardware addresses case and sign between."""
        frame = pl.DataFrame({"t": texts.str.strip_chars()})
        style: pl.Expr
        text = pl.col("t")
        upper = text.str.contains("[A-F]")
        if self.kind == "ip":
            style = (
                pl.when(text.str.contains(":", literal=True))
                .then(pl.lit("v6"))
                .when(text.str.contains(_PRIVATE))
                .then(pl.lit("private"))
                .when(text.str.contains(r"^\d+\.\d+\.\d+\.\d+$"))
                .then(pl.lit("v4"))
            )
        else:
            mark = text.str.extract(r"^[0-9a-fA-F]{2,4}([:.\-])").fill_null("")
            style = pl.when(upper).then(pl.lit("upper")).otherwise(pl.lit("lower")) + mark
            style = pl.when(text.str.contains(r"^[0-9a-fA-F:.\-]{12,17}$")).then(style)
        return frame.select(style.alias("s"))["s"]

    def room(self, style: str) -> tuple[int, int]:
        """Count the addresses; public IPv4 ones go on in ranges that are never routed."""
        if style == "v4":
            return 768 + 2**17, 768 + 2**17 + 2**28
        if style == "private":
            return 2**24, 2**24
        return (2**62, 2**62) if style == "v6" else (2**40, 2**40)

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Write the numbers as addresses."""
        if style == "v6":
            return self._v6(numbers)
        if style not in {"v4", "private"}:
            return self._hardware(numbers, style)
        whole = numbers.astype(np.int64)
        address = whole + (10 << 24)
        if style == "v4":
            nets = np.array([(a << 24) + (b << 16) + (c << 8) for a, b, c in _EXAMPLES])
            address = np.where(
                whole < 768,
                nets[np.minimum(whole // 256, 2)] + whole % 256,
                np.where(
                    whole < 768 + 2**17,
                    (198 << 24) + (18 << 16) + whole - 768,
                    (240 << 24) + whole - 768 - 2**17,
                ),
            )
        table = pl.Series([str(part) for part in range(256)])
        parts = [table.gather((address >> shift) & 255).alias(str(shift)) for shift in (24, 16, 8, 0)]
        return pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=".").alias("made"))["made"]

    def _v6(self, numbers: Numbers) -> pl.Series:
        table = pl.Series([f"{part:x}" for part in range(2**16)])
        groups, rest = cut(numbers, [2**16] * 3)[:3], numbers >> np.uint64(48)
        parts = [
            table.gather(group).alias(str(i)) for i, group in enumerate([*groups, rest.astype(np.int64)])
        ]
        return pl.DataFrame(parts).select(
            pl.concat_str([pl.lit("2001:db8:0:0"), pl.all()], separator=":").alias("made")
        )["made"]

    def _hardware(self, numbers: Numbers, style: str) -> pl.Series:
        case, mark = style[:5], style[5:]
        letters = np.frombuffer(_HEX[case], dtype=np.uint8)
        digits: list[Bytes] = [letters[digit] for digit in cut(numbers, [16] * 10)[:10]][::-1]
        digits = [
            np.full(len(numbers), 48, dtype=np.uint8),
            np.full(len(numbers), 50, dtype=np.uint8),
            *digits,
        ]
        every = 4 if mark == "." else 2
        columns: list[Bytes] = []
        for place, digit in enumerate(digits):
            if mark and place and place % every == 0:
                columns.append(np.full(len(numbers), ord(mark), dtype=np.uint8))
            columns.append(digit)
        return to_texts(np.column_stack(columns))
