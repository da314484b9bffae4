"""From the nodes of a parsed condition to typed values, refusing whatever does not look at one row alone."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from sqlglot import exp

from simulacra.errors import PredicateError
from simulacra.schema import _functions as functions
from simulacra.schema._literals import like_regex, parse_interval, parse_number, shorten
from simulacra.schema._refusals import flatten, refuse, resolve_name
from simulacra.schema._values import Value, boolean, compare, constant, contained, missed_level
from simulacra.schema.types import Table

_COMPARISONS = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "is not distinct from", exp.NullSafeNEQ: "is distinct from",
}  # fmt: skip
_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_FIELD_FUNCTIONS = (exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.Hour, exp.Minute, exp.Second)
# facts that the parser notes on a node and that change nothing here
_NOISE = {"safe", "typed", "_type", "is_numeric", "big_int"}


class Compiler:
    """Compiles one condition against one table, and notes the columns and unknown levels that it meets."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns: dict[str, None] = {}
        self.missed: dict[tuple[str, str], None] = {}

    def compile(self, node: exp.Expression) -> Value:
        """Compile a node and all below it."""
        while isinstance(node, exp.Paren):
            node = node.this
        kind = type(node)
        if kind in _COMPARISONS:
            self._only(node, "this", "expression")
            return self._compare(_COMPARISONS[kind], self.compile(node.this), self.compile(node.expression))
        if kind in _ARITHMETIC:
            self._only(node, "this", "expression")
            return functions.arithmetic(
                _ARITHMETIC[kind], self.compile(node.this), self.compile(node.expression)
            )
        if kind in {exp.And, exp.Or}:
            self._only(node, "this", "expression")
            parts = [boolean(self.compile(part)).expr for part in flatten(node)]
            # Polars joins these as SQL does: FALSE AND NULL is FALSE
            return Value("boolean", pl.all_horizontal(parts) if kind is exp.And else pl.any_horizontal(parts))
        if isinstance(node, _FIELD_FUNCTIONS):
            self._only(node, "this")
            return functions.extract(kind.__name__, self.compile(node.this))
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise refuse(node)
        method, arguments = handler
        self._only(node, *arguments.split(), "negate")
        value = method(self, node)
        return Value("boolean", ~boolean(value).expr) if node.args.get("negate") else value

    def _only(self, node: exp.Expression, *known: str) -> None:
        for name, value in node.args.items():
            if name not in known and name not in _NOISE and value not in (None, False, [], ""):
                if isinstance(value, exp.Query):
                    raise refuse(value)
                word = shorten(node.sql(dialect="postgres"), 60)
                raise PredicateError(
                    f"{word!r} has a part ({name!r}) that is not understood here. Write it more plainly."
                )

    def _compare(self, test: str, left: Value, right: Value) -> Value:
        if test not in {"<", "<=", ">", ">="}:
            self._note(left, right)
            self._note(right, left)
        return compare(test, left, right)

    def _note(self, value: Value, option: Value) -> None:
        missed = missed_level(value, option)
        if missed is not None:
            self.missed[missed] = None

    def _column(self, node: exp.Expression) -> Value:
        qualifier = node.args.get("table")
        named = node.name
        if qualifier is not None and qualifier.name.lower() != self.table.name.lower():
            # a row may have columns of other tables in reach, under names such as customers.country
            named = f"{qualifier.name}.{node.name}"
            if named.lower() not in {name.lower() for name in self.table.names}:
                raise PredicateError(
                    f"{named!r} is of a table {qualifier.name!r}, and this is {self.table.name!r}. Write the column's "
                    "name alone."
                )
        name = resolve_name(named, self.table, quoted=node.this.args.get("quoted", False))
        self.columns[name] = None
        column = self.table[name]
        kind: str = column.kind
        if kind == "key":
            kind = "number" if column.integer else "text"
        kind = "text" if kind == "category" else kind
        return Value(kind, pl.col(name), column.integer, column.timezone, column)

    def _constant(self, node: exp.Expression) -> Value:
        if node.args.get("is_string"):
            return constant("text", node.this, node.this)
        return constant("number", parse_number(node.this), node.this)

    def _boolean(self, node: exp.Expression) -> Value:
        return constant("boolean", bool(node.this), str(bool(node.this)))

    def _null(self, node: exp.Expression) -> Value:
        return Value("null", pl.lit(None), constant=True)

    def _not(self, node: exp.Expression) -> Value:
        return Value("boolean", ~boolean(self.compile(node.this)).expr)

    def _negative(self, node: exp.Expression) -> Value:
        return functions.negate(self.compile(node.this))

    def _between(self, node: exp.Expression) -> Value:
        value = self.compile(node.this)
        low = compare(">=", value, self.compile(node.args["low"]))
        high = compare("<=", value, self.compile(node.args["high"]))
        return Value("boolean", low.expr & high.expr)

    def _in(self, node: exp.Expression) -> Value:
        if not node.expressions:
            raise PredicateError("IN needs a list of at least one value: state IN ('OH', 'NY').")
        value = self.compile(node.this)
        options = [self.compile(option) for option in node.expressions]
        for option in options:
            self._note(value, option)
        return contained(value, options)

    def _is(self, node: exp.Expression) -> Value:
        value, other = self.compile(node.this), node.expression
        if isinstance(other, exp.Null):
            return Value("boolean", value.expr.is_null())
        if not isinstance(other, exp.Boolean):
            raise PredicateError(
                "IS is followed by NULL, TRUE, FALSE or DISTINCT FROM. Use '=' for anything else."
            )
        return Value("boolean", boolean(value).expr.eq_missing(pl.lit(bool(other.this))))

    def _like(self, node: exp.Expression, escape: str | None = None) -> Value:
        name = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
        text = functions.as_text(name, self.compile(node.this))
        pattern = self._text(name, node.expression)
        return Value("boolean", text.expr.str.contains(like_regex(pattern, escape, fold=name == "ILIKE")))

    def _escape(self, node: exp.Expression) -> Value:
        if not isinstance(node.this, (exp.Like, exp.ILike)):
            raise refuse(node)
        escape = self._text("ESCAPE", node.expression)
        if len(escape) != 1:
            raise PredicateError(f"ESCAPE is followed by one character, not by {escape!r}.")
        self._only(node.this, "this", "expression", "negate")
        value = self._like(node.this, escape)
        return Value("boolean", ~value.expr) if node.this.args.get("negate") else value

    def _regexp(self, node: exp.Expression) -> Value:
        pattern = self._text("a regular expression", node.expression)
        flag = node.args.get("flag")
        flags = (
            "i"
            if isinstance(node, exp.RegexpILike)
            else self._text("a flag", flag)
            if flag is not None
            else ""
        )
        if flags.strip("ims"):
            raise PredicateError(f"{flags!r} are no flags of a regular expression. Use 'i', 'm' or 's'.")
        return functions.matches(self.compile(node.this), f"(?{flags}){pattern}" if flags else pattern)

    def _case(self, node: exp.Expression) -> Value:
        base = node.args.get("this")
        branches = []
        for branch in node.args["ifs"]:
            condition = self.compile(branch.this)
            if base is not None:
                condition = self._compare("=", self.compile(base), condition)
            branches.append((condition, self.compile(branch.args["true"])))
        default = node.args.get("default")
        return functions.choose(branches, self._null(node) if default is None else self.compile(default))

    def _coalesce(self, node: exp.Expression) -> Value:
        return functions.coalesce([self.compile(part) for part in (node.this, *node.expressions)])

    def _null_if(self, node: exp.Expression) -> Value:
        value, other = self.compile(node.this), self.compile(node.expression)
        self._note(value, other)
        return functions.null_if(value, other)

    def _concatenate(self, node: exp.Expression) -> Value:
        return functions.concatenate([self.compile(part) for part in flatten(node)])

    def _magnitude(self, node: exp.Expression) -> Value:
        name = type(node).__name__.upper()
        value = functions.as_number(name, self.compile(node.this))
        if isinstance(node, exp.Abs):
            return Value("number", value.expr.abs(), value.integer)
        if value.integer:
            return Value("number", value.expr, integer=True)
        return Value("number", value.expr.floor() if name == "FLOOR" else value.expr.ceil())

    def _round(self, node: exp.Expression) -> Value:
        value = functions.as_number("ROUND", self.compile(node.this))
        digits = node.args.get("decimals")
        places = 0 if digits is None else self._count("ROUND", digits, 15)
        if value.integer:
            return Value("number", value.expr, integer=True)
        return Value("number", value.expr.round(places, mode="half_away_from_zero"))

    def _length(self, node: exp.Expression) -> Value:
        text = functions.as_text("LENGTH", self.compile(node.this))
        return Value("number", text.expr.str.len_chars().cast(pl.Int64), integer=True)

    def _case_fold(self, node: exp.Expression) -> Value:
        text = functions.as_text(type(node).__name__.upper(), self.compile(node.this)).expr.str
        return Value("text", text.to_lowercase() if isinstance(node, exp.Lower) else text.to_uppercase())

    def _trim(self, node: exp.Expression) -> Value:
        text = functions.as_text("TRIM", self.compile(node.this)).expr.str
        letters = node.args.get("expression")
        unwanted = " " if letters is None else self._text("TRIM", letters)
        side = str(node.args.get("position") or "BOTH").upper()
        strip = {
            "BOTH": text.strip_chars,
            "LEADING": text.strip_chars_start,
            "TRAILING": text.strip_chars_end,
        }[side]
        return Value("text", strip(unwanted))

    def _substring(self, node: exp.Expression) -> Value:
        text = functions.as_text("SUBSTRING", self.compile(node.this))
        start = self._count("SUBSTRING", node.args["start"])
        if start < 1:
            raise PredicateError("SUBSTRING counts from 1: the first character is number 1.")
        length = node.args.get("length")
        return Value(
            "text",
            text.expr.str.slice(start - 1, None if length is None else self._count("SUBSTRING", length)),
        )

    def _end(self, node: exp.Expression) -> Value:
        name = type(node).__name__.upper()
        text = functions.as_text(name, self.compile(node.this)).expr.str
        count = self._count(name, node.expression)
        return Value("text", text.head(count) if name == "LEFT" else text.tail(count))

    def _extract(self, node: exp.Expression) -> Value:
        return functions.extract(node.this.name, self.compile(node.expression))

    def _cast(self, node: exp.Expression) -> Value:
        target = node.args["to"]
        if target.expressions:
            raise PredicateError(
                "CAST takes a type without a length here. Use ROUND or LEFT to shorten values."
            )
        return functions.cast(getattr(target.this, "value", str(target.this)), self.compile(node.this))

    def _date(self, node: exp.Expression) -> Value:
        return functions.cast("DATE", self.compile(node.this))

    def _interval(self, node: exp.Expression) -> Value:
        unit = node.args.get("unit")
        if not isinstance(node.this, exp.Literal) or (unit is not None and not isinstance(unit, exp.Var)):
            raise PredicateError("an INTERVAL is a constant: write INTERVAL '3 days'.")
        written = node.this.this
        name = None if unit is None else unit.name
        return constant("interval", parse_interval(written, name), f"{written} {name or ''}".strip())

    def _text(self, name: str, node: exp.Expression) -> str:
        value = self.compile(node)
        if value.kind != "text" or not value.constant:
            raise PredicateError(f"{name} needs a constant text here, not {value}.")
        return str(value.literal)

    def _count(self, name: str, node: exp.Expression, limit: int = 2**31) -> int:
        value = self.compile(node)
        if not value.constant or not isinstance(value.literal, int) or not 0 <= value.literal <= limit:
            raise PredicateError(
                f"{name} needs a constant whole number from 0 to {limit:,} here, not {value}."
            )
        return value.literal


_Handler = tuple[Callable[[Compiler, exp.Expression], Value], str]
_HANDLERS: dict[type, _Handler] = {
    exp.Column: (Compiler._column, "this table"),
    exp.Literal: (Compiler._constant, "this is_string"),
    exp.Boolean: (Compiler._boolean, "this"),
    exp.Null: (Compiler._null, ""),
    exp.Not: (Compiler._not, "this"),
    exp.Neg: (Compiler._negative, "this"),
    exp.Between: (Compiler._between, "this low high"),
    exp.In: (Compiler._in, "this expressions"),
    exp.Is: (Compiler._is, "this expression"),
    exp.Like: (Compiler._like, "this expression"),
    exp.ILike: (Compiler._like, "this expression"),
    exp.Escape: (Compiler._escape, "this expression"),
    exp.RegexpLike: (Compiler._regexp, "this expression flag"),
    exp.RegexpILike: (Compiler._regexp, "this expression"),
    exp.Case: (Compiler._case, "this ifs default"),
    exp.Coalesce: (Compiler._coalesce, "this expressions"),
    exp.Nullif: (Compiler._null_if, "this expression"),
    exp.DPipe: (Compiler._concatenate, "this expression"),
    exp.Abs: (Compiler._magnitude, "this"),
    exp.Floor: (Compiler._magnitude, "this"),
    exp.Ceil: (Compiler._magnitude, "this"),
    exp.Round: (Compiler._round, "this decimals"),
    exp.Length: (Compiler._length, "this"),
    exp.Lower: (Compiler._case_fold, "this"),
    exp.Upper: (Compiler._case_fold, "this"),
    exp.Trim: (Compiler._trim, "this expression position"),
    exp.Substring: (Compiler._substring, "this start length"),
    exp.Left: (Compiler._end, "this expression"),
    exp.Right: (Compiler._end, "this expression"),
    exp.Extract: (Compiler._extract, "this expression"),
    exp.Cast: (Compiler._cast, "this to"),
    exp.Date: (Compiler._date, "this"),
    exp.Interval: (Compiler._interval, "this unit"),
}
