"""Fidelity by statistics and classifiers against closed forms, another tool's figures, and planted defects."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_wine
from sklearn.metrics import roc_auc_score

from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._cellwise import cut, together
from simulacra.metrics._correlations import correlations, ranks
from simulacra.metrics._exchange import Excess, Exchange
from simulacra.metrics._joint import choose_sets
from simulacra.metrics._shapes import range_coverage, wasserstein
from simulacra.metrics.fidelity.detection import Detection
from simulacra.metrics.fidelity.logistic import Logistic
from simulacra.metrics.fidelity.marginals import Marginals
from simulacra.metrics.fidelity.pairs import Pairs
from simulacra.metrics.fidelity.triples import Triples
from simulacra.metrics.fidelity.violations import Violations
from simulacra.randomness import Streams
from simulacra.schema.types import Check, Column, Table

TABLE = Table(
    "staff",
    (
        Column("age", "number", integer=True),
        Column("pay", "number"),
        Column("grade", "category"),
        Column("town", "category"),
        Column("joined", "date"),
    ),
)


def staff(rows: int, seed: int) -> pl.DataFrame:
    """Make rows in which pay hangs on age and grade, and age alone on when somebody joined."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 66, rows)
    grade = rng.choice(["a", "b", "c", "d"], rows, p=[0.5, 0.3, 0.12, 0.08])
    return pl.DataFrame(
        {
            "age": age,
            "pay": 20.0 + age + 10.0 * (grade == "a") + rng.normal(0, 4, rows),
            "grade": grade,
            "town": rng.choice(["x", "y", "z"], rows),
            "joined": [
                date(2020, 1, 1) + timedelta(days=int(d)) for d in (age - 18) * 20 + rng.integers(0, 30, rows)
            ],
        }
    )


TRAIN, HOLDOUT, FRESH = staff(4_000, 1), staff(3_000, 2), staff(4_000, 3)


def scores(metric: type[Metric], fake: pl.DataFrame, **changes: object) -> dict[str, Score]:
    """Score one synthetic frame; names without their family."""
    case = Comparison(TABLE, TRAIN, fake, HOLDOUT, streams=Streams(7))
    return {s.name.removeprefix("fidelity/"): s for s in metric().score(replace(case, **changes))}  # type: ignore[arg-type]


def shuffle(frame: pl.DataFrame) -> pl.DataFrame:
    """Shuffle each column on its own."""
    rng = np.random.default_rng(4)
    return pl.DataFrame([s.gather(rng.permutation(frame.height)) for s in frame.get_columns()])


def wine() -> tuple[Table, pl.DataFrame, pl.DataFrame]:
    """Cut scikit-learn's wine into two samples, with categories beside the numbers."""
    data = load_wine()
    names = ["alcohol", "malic_acid", "ash", "hue", "proline"]
    frame = pl.DataFrame({n: data.data[:, data.feature_names.index(n)] for n in names}).with_columns(
        cultivar=pl.Series([f"kind {t}" for t in data.target]),
        strong=pl.when(pl.col("alcohol") > 13).then(pl.lit("yes")).otherwise(pl.lit("no")),
        hued=pl.Series([f"{x:.1f}" for x in data.data[:, data.feature_names.index("hue")]]),
    )
    columns = [Column(n, "number") for n in names]
    columns += [Column(n, "category") for n in ("cultivar", "strong", "hued")]
    rows = pl.int_range(pl.len())
    return Table("wine", tuple(columns)), frame.filter(rows % 2 == 0), frame.filter(rows % 3 == 1)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detect with fewer trees, where only the explanation is asked."""
    monkeypatch.setattr("simulacra.metrics.fidelity.detection.ROUNDS", 10)


SHAPES, NUMBERS, LEVELS = 0.91266, 0.95699, 0.85216
"""What SDMetrics 0.32.0 gives for the two samples of `wine`: the mean of KSComplement and TVComplement over columns, of
CorrelationSimilarity (Pearson) over pairs of numbers, of ContingencySimilarity over pairs of categories. It does not
allow pandas 3 and can not be installed beside this library's tests, so its figures are written down here."""


def test_shapes_and_trends_agree_with_sdmetrics() -> None:
    table, real, fake = wine()
    case = Comparison(table, real, fake)
    shapes = 1 - Marginals().score(case)[0].detail["distance"]
    assert shapes.mean() == pytest.approx(SHAPES, abs=1e-3)
    pairs = Pairs().score(case)[0].detail
    numbers = pairs.filter(pl.col("pearson_real").is_not_null())
    levels = pairs.filter(pl.col("pearson_real").is_null() & pl.col("trend").is_not_null())
    assert (numbers.height, levels.height) == (10, 3)
    assert numbers["trend"].mean() == pytest.approx(NUMBERS, abs=1e-3)
    assert levels["trend"].mean() == pytest.approx(LEVELS, abs=1e-3)


def test_correlations_are_the_textbook_ones_where_values_are_missing() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3)) * 1e-3 + 1e6
    whole = correlations(values)
    np.testing.assert_allclose(whole, np.corrcoef(values.T), atol=1e-6)
    assert correlations(ranks(values))[0, 1] == pytest.approx(spearmanr(values[:, 0], values[:, 1]).statistic)
    values[:50, 1] = np.nan
    assert correlations(values)[0, 1] == pytest.approx(
        np.corrcoef(values[50:, 0], values[50:, 1])[0, 1], abs=1e-6
    )


def test_one_outlier_explodes_neither_distance_nor_coverage() -> None:
    real = np.arange(1_001.0)
    fake = np.append(real[:-1], 1e15)
    # it counts as one range beyond the real maximum: 1,000 / 1,001 rows
    assert wasserstein(fake, real) == pytest.approx(1_000 / 1_001)
    assert range_coverage(fake, real) == 1.0
    assert range_coverage(real[:500], real) < 0.5


def test_detail_of_columns_names_its_measure_and_its_ceiling() -> None:
    detail = scores(Marginals, FRESH.filter(pl.col("grade") != "d"))["marginals"].detail
    rows = {row["column"]: row for row in detail.iter_rows(named=True)}
    assert rows["grade"]["measure"] == "TVD"
    assert rows["pay"]["measure"] == "KS"
    assert rows["grade"]["category_coverage"] == 0.75
    assert rows["grade"]["category_coverage_baseline"] == 1.0
    assert rows["joined"]["unit"] == "days"
    assert rows["pay"]["range_coverage_baseline"] > 0.95
    assert rows["pay"]["wasserstein_baseline"] < 1


@pytest.mark.parametrize(
    "defect",
    [
        pl.col("age") + 4,
        pl.col("pay") * 1_000,
        (pl.col("pay") / 10).round(0) * 10,
        pl.when(pl.col("grade") == "d").then(pl.lit("c")).otherwise("grade").alias("grade"),
    ],
    ids=["constant added", "times 1,000", "spikes", "level dropped"],
)
def test_a_defect_of_one_column_is_seen(defect: pl.Expr) -> None:
    worst = scores(Marginals, FRESH.with_columns(defect))["marginals/worst"]
    assert worst.verdict != "pass"
    assert worst.interval[0] <= worst.value <= worst.interval[1]


def test_shuffled_columns_fail_for_pairs_and_triples_and_not_for_the_blind_test() -> None:
    fake = shuffle(TRAIN)
    assert scores(Marginals, fake)["marginals"].verdict == "pass"
    worst = scores(Pairs, fake)["pairs/worst"]
    assert worst.verdict == "fail"
    assert "'age'" in worst.words
    assert "'joined'" in worst.words
    triples = scores(Triples, fake)["triples"]
    assert triples.verdict == "fail"
    assert triples.detail["excess"].is_sorted(descending=True)
    blind = scores(Logistic, fake)["logistic"]
    assert blind.verdict == "pass"
    assert blind.value < 0.56
    assert "blind" in blind.words


@pytest.mark.usefixtures("quick")
def test_real_rows_pass_everything() -> None:
    # each score calls one real table in 10,000 wrong; 27 scores here, so a failure is no accident
    for seed in range(3):
        train, fake, holdout = (staff(150, 100 + 3 * seed + k) for k in range(3))
        case = Comparison(TABLE, train, fake, holdout, streams=Streams(seed))
        for metric in (Marginals, Pairs, Triples, Logistic, Violations):
            for score in metric().score(case):
                assert score.verdict in {"pass", "not computed"}, score.words
    assert {s.verdict for s in scores(Detection, FRESH).values()} == {"pass", "info"}


def test_exchange_knows_how_large_chance_is() -> None:
    # difference of two shares of 1,000 rows each: standard error sqrt(2 p (1 - p) / 1,000)
    rng = np.random.default_rng(1)
    codes = [(rng.random(1_000) < 0.3).astype(np.int64) for _ in range(2)]
    one, other = Exchange.plan(1_000, 1_000, Streams(0).stream("x")).shares(*codes, 2)
    spread = (one - other)[:, 1].std()
    # 400 draws tell a standard deviation within 3.5 %; 100 groups on a side within 7 %
    assert spread == pytest.approx(np.sqrt(2 * 0.3 * 0.7 / 1_000), rel=0.25)
    assert Excess(0.2, 0.01).judge((0.02, 0.1)) == "fail"
    assert Excess(0.2, 0.10).judge((0.02, 0.1)) == "pass"


def test_sets_of_columns_are_drawn_without_repetition() -> None:
    sets, total = choose_sets(60, 3, 200, Streams(0).stream("triples"))
    assert total == 34_220
    assert len(set(sets)) == 200
    assert all(a < b < c for a, b, c in sets)
    assert choose_sets(4, 2, 200, Streams(0).stream("pairs"))[0][0] == (0, 1)


def test_gain_of_a_pair_is_what_only_both_tell() -> None:
    # synthetic rows hold x = y, real ones x != y: either alone is guessing, both together are certain
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 2_000).astype(float)
    fake = np.arange(2_000) < 1_000
    y = np.where(fake, x, 1 - x)
    (one, wide), (two, high) = cut(x, 12), cut(y, 12)
    gain = together((one, two), (wide, high), fake, rng.permutation(2_000) % 5, 5)
    assert gain.together == 1.0
    # guessing: standard error 1 / sqrt(6 * 1,000) = 0.013
    assert gain.apart == pytest.approx(0.5, abs=0.05)
    # without dependence the joint ratio is no better than the sum
    free = rng.integers(0, 2, 2_000).astype(float)
    (three, deep) = cut(free, 12)
    assert together((one, three), (wide, deep), fake, rng.permutation(2_000) % 5, 5).value < 0.05
    assert roc_auc_score(fake, x == y) == 1.0


@pytest.mark.usefixtures("quick")
def test_rules_name_the_defect_in_words_with_support_on_both_sides() -> None:
    fake = FRESH.with_columns(
        joined=pl.when(pl.col("grade") == "a").then(pl.lit(date(2031, 5, 1))).otherwise("joined"),
        town=pl.when(pl.col("age") < 26).then(pl.lit("x")).otherwise("town"),
    )
    found = scores(Detection, fake)
    rules = found["detection/rules"]
    texts = rules.detail["rule"].to_list()
    assert any("joined" in text and ("2022" in text or "2031" in text) for text in texts), texts
    first = rules.detail.row(0, named=True)
    # half of all synthetic rows were planted, 0 real ones: shown as 10 of 1,500, in words "under"
    assert first["synthetic"] == pytest.approx(0.5, abs=0.05)
    assert first["real"] == pytest.approx(10 / 1_500)
    assert "under" in first["support"]
    assert rules.value == pytest.approx(0.5, abs=0.1)
    assert rules.interval[0] <= rules.value <= rules.interval[1]
    assert rules.baseline == 0.0
    assert set(rules.private["rows"]) >= {"synthetic"}
    assert rules.private["rule"].is_in(texts).all()
    pairs = found["detection/pairs"].detail
    assert pairs["gain"].is_sorted(descending=True)


@pytest.mark.usefixtures("quick")
def test_rules_leave_sensitive_columns_out() -> None:
    fake = FRESH.with_columns(joined=pl.lit(date(2031, 5, 1)), pay=pl.col("pay") * 2)
    rules = scores(Detection, fake, sensitive=("joined",))["detection/rules"]
    assert rules.detail.height
    assert not rules.detail["rule"].str.contains("joined").any()


def test_violations_count_rows_that_break_any_rule() -> None:
    table = replace(
        TABLE.with_column("age", bounds=(18, 65), declared=True).with_column("pay", bounds=(0.0, 70.0)),
        constraints=(Check("pay >= age"),),
        key=("age", "pay"),
    )
    fake = FRESH.with_columns(
        age=pl.when(pl.int_range(pl.len()) < 80).then(99).otherwise("age"),
        pay=pl.when(pl.int_range(pl.len()) < 40).then(1.0).otherwise("pay"),
    )
    found = scores(Violations, fake, table=table)
    rows = found["violations"]
    assert rows.value == pytest.approx(80 / 4_000)
    assert rows.baseline == 0.0
    assert rows.verdict == "fail"
    # the bounds of pay were only read off the data, and are no rule
    assert rows.detail["rule"].to_list()[:2] == ["between 18 and 65", "pay >= age"]
    assert not rows.detail["rule"].str.contains("70").any()
    keys = found["violations/keys"]
    # 40 rows hold (99, 1.0); 3,000 of 4,000 rows are looked at: 30 on average, with a standard error of 2.7
    assert 16 <= keys.value * 3_000 <= 39
    assert keys.verdict != "pass"
