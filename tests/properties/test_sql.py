"""Any condition gives the same three-valued answers here as in SQLite."""

from __future__ import annotations

import sqlite3

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

TABLE = Table(
    "t",
    (
        Column("a", "number", integer=True, nullable=True),
        Column("b", "number", integer=True, nullable=True),
        Column("x", "number", nullable=True),
        Column("s", "text", nullable=True),
        Column("odd-name", "category", nullable=True, levels=("", "A", "a", "b%", "b_c", "é", "xyz")),
    ),
)
# halves and small whole numbers: sums and products are exact, so both engines compute the same figures
WHOLES = st.integers(-5, 5)
HALVES = st.integers(-10, 10).map(lambda i: i / 2)
TEXTS = st.sampled_from(["", "A", "a", "b%", "b_c", "é", "xyz"])
ROWS = st.lists(
    st.tuples(*(st.none() | values for values in (WHOLES, WHOLES, HALVES, TEXTS, TEXTS))),
    min_size=1,
    max_size=8,
)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def bracket(form: str):
    return lambda parts: "(" + form.format(*parts) + ")"


NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "x", "A", "null"]) | WHOLES.map(str) | HALVES.map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(bracket("{} {} {}")),
        st.tuples(inner, inner).map(bracket("({} * 1.0) / {}")),
        st.tuples(st.sampled_from(["a", "b", "7", "-7"]), st.sampled_from(["a", "b", "3", "-3", "0"])).map(
            bracket("{} % {}")
        ),
        inner.map(lambda e: f"(- {e})"),
        inner.map(lambda e: f"abs({e})"),
        inner.map(lambda e: f"round({e})"),
        st.tuples(inner, inner).map(lambda p: f"coalesce({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"nullif({p[0]}, {p[1]})"),
    ),
    max_leaves=4,
)
STRINGS = st.recursive(
    st.sampled_from(["s", '"odd-name"', "`odd-name`", "null"]) | TEXTS.map(quoted),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(bracket("{} || {}")),
        inner.map(lambda e: f"substr({e}, 2, 1)"),
        st.tuples(inner, TEXTS).map(lambda p: f"coalesce({p[0]}, {quoted(p[1])})"),
        st.tuples(inner, inner).map(lambda p: f"case when {p[0]} = 'a' then {p[1]} end"),
    ),
    max_leaves=3,
)
COMPARE = st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"])
PATTERNS = st.text(st.sampled_from("abA%_!c"), max_size=4).filter(
    lambda p: p.rstrip("!").count("!") == 0 and p[-1:] != "!"
)
NOT = st.sampled_from(["", "not "])


def simple(side: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(side, COMPARE, side).map(bracket("{} {} {}")),
        st.tuples(side, NOT, side, side).map(bracket("{} {}between {} and {}")),
        st.tuples(side, NOT, st.lists(side, min_size=1, max_size=4).map(", ".join)).map(
            bracket("{} {}in ({})")
        ),
        st.tuples(side, NOT).map(bracket("{} is {}null")),
    )


CONDITIONS = st.recursive(
    simple(NUMBERS)
    | simple(STRINGS)
    | st.tuples(STRINGS, NOT, PATTERNS.map(quoted)).map(bracket("{} {}like {} escape '!'"))
    | st.sampled_from(["true", "false"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(bracket("{} and {}")),
        st.tuples(inner, inner, inner).map(bracket("{} or {} and {}")),
        inner.map(lambda e: f"not {e}"),
        st.tuples(inner, inner, inner).map(bracket("case when {} then {} else {} end")),
        st.tuples(inner, st.sampled_from(["true", "false", "not true", "not false"])).map(
            bracket("{} is {}")
        ),
    ),
    max_leaves=5,
)


def ask_sqlite(condition: str, rows: list[tuple]) -> list[bool | None]:
    base = sqlite3.connect(":memory:")
    try:
        base.execute("pragma case_sensitive_like = on")
        base.execute('create table t (a integer, b integer, x real, s text, "odd-name" text)')
        base.executemany("insert into t values (?, ?, ?, ?, ?)", rows)
        answers = [row[0] for row in base.execute(f"select {condition} from t order by rowid")]
    finally:
        base.close()
    return [None if answer is None else bool(answer) for answer in answers]


def frame_of(rows: list[tuple]) -> pl.DataFrame:
    types = {"a": pl.Int64, "b": pl.Int64, "x": pl.Float64, "s": pl.String, "odd-name": pl.String}
    return pl.DataFrame(rows, schema=types, orient="row")


@settings(max_examples=250, deadline=None, derandomize=True)
@given(CONDITIONS, ROWS)
def test_conditions_answer_as_sqlite_does(condition: str, rows: list[tuple]) -> None:
    assert Predicate.parse(condition, TABLE).evaluate(frame_of(rows)).to_list() == ask_sqlite(condition, rows)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(CONDITIONS, min_size=1, max_size=4), ROWS)
def test_the_terms_of_a_condition_are_equal_to_it(conditions: list[str], rows: list[tuple]) -> None:
    whole = Predicate.parse(" and ".join(conditions), TABLE)
    frame = frame_of(rows)
    # each term is read again from its own text: the text alone carries the meaning
    answers = [Predicate.parse(str(term), TABLE).evaluate(frame) for term in whole.terms()]
    assert [term.evaluate(frame).to_list() for term in whole.terms()] == [a.to_list() for a in answers]
    joined = (
        pl.DataFrame({str(i): a for i, a in enumerate(answers)})
        .select(pl.all_horizontal(pl.all()))
        .to_series()
    )
    assert joined.to_list() == whole.evaluate(frame).to_list()
