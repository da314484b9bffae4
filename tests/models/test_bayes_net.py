"""Bayesian networks: graphs, chances, interventions, counterfactuals and conditions, against closed forms."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import simulacra as sim
from simulacra.cli import group
from simulacra.domain import Array, Axis, Block, Domain, Support
from simulacra.errors import ImpossibleCondition, OptionError, PredicateError, UnknownName
from simulacra.figures import Cells, Chances, Figures
from simulacra.generator import Causal, Designed, Exhibiting
from simulacra.models.table._networks import Features, Parent, Scorer
from simulacra.models.table._noise import follow_levels, follow_order
from simulacra.models.table.bayes_net import BayesNet
from simulacra.randomness import Streams
from simulacra.testing._causality import check_actions

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""
STUDY = [("gene", "smoking"), ("smoking", "tar"), ("tar", "cancer"), ("gene", "cancer")]
"""A confounded study: what one sees of smokers is not what smoking does."""
GENE, SMOKES, TAR = 0.3, (0.3, 0.8), (0.1, 0.9)
CANCER = ((0.05, 0.35), (0.35, 0.65))
"""By gene, then by tar."""


def near(found: float, wanted: float, n: float, more: float = math.inf) -> bool:
    """Whether a share is within its sampling error; `more` are the rows that the model was fitted on."""
    return abs(found - wanted) <= SIGMAS * math.sqrt(wanted * (1 - wanted) * (1 / n + 1 / more)) + 1e-12


def study(rows: int = 40_000) -> pl.DataFrame:
    draw = Streams(11).stream("study").random((4, rows))
    gene = draw[0] < GENE
    smoking = draw[1] < np.where(gene, SMOKES[1], SMOKES[0])
    tar = draw[2] < np.where(smoking, TAR[1], TAR[0])
    cancer = draw[3] < np.array(CANCER)[gene.astype(int), tar.astype(int)]
    return pl.DataFrame(
        {
            name: np.where(values, "yes", "no")
            for name, values in {"gene": gene, "smoking": smoking, "tar": tar, "cancer": cancer}.items()
        }
    )


def cancer_after(smoking: bool) -> float:
    """The chance of cancer after do(smoking), by truncated factorisation (Pearl 2009, section 3.2.1)."""
    return sum(
        (GENE if gene else 1 - GENE) * (TAR[smoking] if tar else 1 - TAR[smoking]) * CANCER[gene][tar]
        for gene, tar in itertools.product((0, 1), repeat=2)
    )


@pytest.fixture(scope="module")
def model() -> sim.Synthesizer:
    fitted = sim.fit(study(), "bayes-net", edges=STUDY, seed=1)
    assert isinstance(fitted, sim.Synthesizer)
    return fitted


def coded(**columns: Array) -> Block:
    axes = tuple(Axis(name, name, size=int(values.max()) + 1) for name, values in columns.items())
    return Block(Domain(axes), tuple(values.astype(np.uint8) for values in columns.values()))


def edges_of(net: BayesNet) -> set[tuple[str, str]]:
    return {(source, target) for source, target, _ in net.exhibits()[0].detail.rows()}


# --- graphs -----------------------------------------------------------------------------------------------------


def test_a_tree_finds_the_chain_that_made_the_rows() -> None:
    draw = Streams(3).stream("flips").random((5, 8_000))
    a = (draw[0] < 0.5).astype(int)
    b = a ^ (draw[1] < 0.1)
    c = b ^ (draw[2] < 0.15)
    d = b ^ (draw[3] < 0.2)
    e = (draw[4] < 0.3).astype(int)
    net = BayesNet(structure="tree").fit(coded(d=d, a=a, e=e, c=c, b=b), rng=Streams(1))
    found = {frozenset(edge) for edge in edges_of(net)}
    assert {frozenset("ab"), frozenset("bc"), frozenset("bd")} <= found
    # what is apart from all others is tied to one of them by chance at most
    assert len(found) <= 4


@pytest.mark.parametrize("score", ["mi", "bdeu"])
def test_greedy_edges_tell_what_two_parents_tell_only_together(score: str) -> None:
    draw = Streams(4).stream("flips").random((4, 6_000))
    a, b = (draw[0] < 0.5).astype(int), (draw[1] < 0.4).astype(int)
    c = (draw[2] < np.array([[0.1, 0.5], [0.6, 0.95]])[a, b]).astype(int)
    net = BayesNet(score=score).fit(coded(a=a, b=b, c=c), rng=Streams(1))
    fake = net.sample(40_000, rng=Streams(2))
    for i, j in itertools.product((0, 1), repeat=2):
        own, made = (a == i) & (b == j), (fake.columns[0] == i) & (fake.columns[1] == j)
        assert near(fake.columns[2][made].mean(), c[own].mean(), made.sum(), own.sum())


def test_required_edges_are_there_and_forbidden_ones_are_not() -> None:
    frame = study(4_000)
    how: dict[str, Any] = {
        "required": "cancer -> gene",
        "forbidden": [("smoking", "tar"), ("tar", "smoking")],
    }
    net = sim.fit(frame, "bayes-net", seed=1, **how).generator
    assert isinstance(net, BayesNet)
    found = edges_of(net)
    assert ("cancer", "gene") in found
    assert not {("smoking", "tar"), ("tar", "smoking")} & found


def test_a_given_graph_is_the_whole_graph_and_no_axis_is_drawn_before_its_parents() -> None:
    net = BayesNet(edges="d -> a, a -> c").fit(
        coded(**{name: np.arange(400) // k % 2 for name, k in zip("abcd", (1, 2, 3, 5))}), rng=Streams(1)
    )
    assert edges_of(net) == {("d", "a"), ("a", "c")} and net.assumed
    order = net.order
    assert order.index(3) < order.index(0) < order.index(2)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (
            {"edges": "gene -> tar, tar -> cancer, cancer -> gene"},
            OptionError,
            "gene -> tar -> cancer -> gene",
        ),
        ({"edges": [("gene", "gone")]}, UnknownName, "no column for edges of model 'bayes-net' named 'gone'"),
        ({"edges": [("gene", "gene")]}, OptionError, "from 'gene' to itself"),
        ({"edges": ["gene"]}, OptionError, "pairs of columns"),
        ({"edges": STUDY, "structure": "tree"}, OptionError, "structure is 'given'"),
        ({"required": "gene -> tar", "structure": "tree"}, OptionError, "are for structure 'greedy'"),
        ({"required": "gene -> tar", "forbidden": "gene -> tar"}, OptionError, "both required and forbidden"),
        ({"structure": "three"}, OptionError, "did you mean 'tree'"),
        ({"score": "bic"}, OptionError, "no score"),
        ({"max_parents": 0}, OptionError, "max_parents is a whole number from 1"),
        ({"backoff": -1.0}, OptionError, "backoff is a number from 0"),
    ],
)
def test_what_is_no_graph_is_said_in_one_sentence(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        sim.fit(study(300), "bayes-net", seed=1, **options)


def test_the_scores_are_those_of_the_papers() -> None:
    parent, own = np.array([0, 0, 0, 1, 1, 1, 1, 0]), np.array([0, 0, 1, 1, 1, 1, 0, 0])
    features = Features([[(parent, 2)], [(own, 2)]], [(parent, 2), (own, 2)])
    bdeu = Scorer(features, "bdeu")
    lines = [(3, 1), (1, 3)]
    told = sum(
        math.lgamma(0.5)
        - math.lgamma(0.5 + sum(line))
        + sum(math.lgamma(0.25 + n) - math.lgamma(0.25) for n in line)
        for line in lines
    )
    assert bdeu.worth(1, bdeu.join(bdeu.blank, Parent(0, 0))) == pytest.approx(told)
    information = math.log(2) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)
    # the bias of a table of 2 x 2 cells is 1 / (2 n)
    assert Scorer(features, "mi").information(1, 0) == pytest.approx(8 * information - 0.5)


# --- chances ----------------------------------------------------------------------------------------------------


def test_combinations_that_few_rows_hold_are_not_heeded() -> None:
    a = np.repeat([0, 1, 1], [500, 491, 9])
    b = np.repeat([0, 0, 1], [500, 491, 9])
    c = np.repeat([0, 1, 0], [500, 491, 9])
    net = BayesNet(edges="a -> c, b -> c").fit(coded(a=a, b=b, c=c), rng=Streams(1))
    rows = Block(net.domain_, tuple(np.array(v, np.uint8) for v in ([1, 1], [0, 1], [0, 0])))
    usual, rare = np.exp(net.log_density(rows)[:, 2])
    assert usual < 0.001
    # 9 of 500 rows: what is told of a = 1 alone, with as much of the whole column as Witten and Bell give it
    assert rare == pytest.approx((500 * 9 / 500 + 2 * 509 / 1000) / 502)


def test_few_rows_back_off_to_fewer_parents_as_witten_and_bell_say() -> None:
    a, c = np.repeat([0, 1], [980, 20]), np.concatenate([np.zeros(980), np.repeat([0, 1], 10)])
    block = coded(a=a, c=c)
    told = {}
    for backoff in (0.0, 1.0):
        net = BayesNet(edges="a -> c", backoff=backoff).fit(block, rng=Streams(1))
        told[backoff] = math.exp(net.log_density(block.take(slice(999, 1000)))[0, 1])
    assert told[0.0] == pytest.approx(0.5)
    assert told[1.0] == pytest.approx((20 * 0.5 + 2 * 0.01) / 22)


def test_numbers_follow_groups_of_numbers_and_stay_on_their_spikes() -> None:
    stream = Streams(5).stream("numbers")
    x = stream.normal(size=20_000)
    y = np.where(stream.random(20_000) < 0.4, 0.0, np.exp(x + stream.normal(size=20_000) / 4))
    axes = tuple(Axis(name, name, holders=10) for name in "xy")
    net = BayesNet().fit(Block(Domain(axes), (x, y)), rng=Streams(1))
    fake = net.sample(20_000, rng=Streams(2))
    assert near((fake.columns[1] == 0).mean(), (y == 0).mean(), 20_000, 20_000)
    made = fake.columns[1] > 0
    told = np.corrcoef(fake.columns[0][made], np.log(fake.columns[1][made]))[0, 1]
    # 1 / sqrt(1 + 1/16) = .970, less what groups lose
    assert 0.92 < told < 0.98


def test_a_vocabulary_of_thousands_takes_no_table_of_rows_by_levels() -> None:
    stream = Streams(6).stream("many")
    codes = np.minimum((stream.pareto(0.8, 20_000) * 30).astype(np.int64), 4_999)
    axes = (Axis("city", "city", size=5_000), Axis("size", "size"))
    block = Block(Domain(axes), (codes.astype(np.uint16), codes + stream.normal(size=20_000)))
    tracemalloc.start()
    try:
        fake = BayesNet().fit(block, rng=Streams(1)).sample(20_000, rng=Streams(2))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100e6, "a table of rows by levels would be 800 MB"
    for level in (0, 10, 30):
        assert near((fake.columns[0] == level).mean(), (codes == level).mean(), 20_000, 20_000)


# --- interventions ----------------------------------------------------------------------------------------------


def test_doing_is_not_seeing(model: sim.Synthesizer) -> None:
    n, rows = 40_000, 40_000
    for level, smoking in (("yes", True), ("no", False)):
        done = model.sample(n, do={"smoking": level}, seed=1).frame
        assert done["smoking"].unique().to_list() == [level]
        assert near(done["gene"].eq("yes").mean(), GENE, n, rows)
        assert near(done["cancer"].eq("yes").mean(), cancer_after(smoking), n, rows / 4)
    seen = model.sample(n, where={"smoking": "yes"}, seed=1).frame["cancer"].eq("yes").mean()
    assert seen - cancer_after(True) > 0.05


def test_a_condition_is_asked_of_what_follows_the_intervention(model: sim.Synthesizer) -> None:
    done = model.sample(20_000, do="smoking = 'yes'", where="cancer = 'yes'", seed=2)
    frame = done.frame
    assert set(frame["smoking"]) == {"yes"} and set(frame["cancer"]) == {"yes"}
    ill = sum((TAR[1] if tar else 1 - TAR[1]) * CANCER[1][tar] for tar in (0, 1))
    assert near(frame["gene"].eq("yes").mean(), GENE * ill / cancer_after(True), 20_000, 10_000)
    assert any("probability of about" in note for note in done.notes)


def test_the_last_column_can_be_set_without_an_effect_on_what_it_follows_from(model: sim.Synthesizer) -> None:
    done = model.sample(20_000, do={"cancer": "yes", "tar": "no"}, seed=3).frame
    assert near(done["smoking"].eq("yes").mean(), GENE * 0.8 + (1 - GENE) * 0.3, 20_000, 40_000)


def test_a_range_is_set_in_the_proportions_of_the_column() -> None:
    stream = Streams(8).stream("ages")
    age = np.floor(stream.random(5_000) * 40) + 20
    pay = np.round(100 * age + stream.normal(size=5_000) * 50)
    model = sim.fit(pl.DataFrame({"age": age, "pay": pay}), "bayes-net", edges="pay -> age", seed=1)
    done = model.sample(5_000, do="age between 30 and 39", seed=2).frame
    assert done["age"].min() == 30 and done["age"].max() == 39
    assert near((done["age"] < 35).mean(), 0.5, 5_000, 1_200)
    assert abs(np.corrcoef(done["age"], done["pay"])[0, 1]) < SIGMAS / math.sqrt(5_000)


def test_what_can_not_be_set_is_said_in_one_sentence(model: sim.Synthesizer) -> None:
    with pytest.raises(PredicateError, match=r"^do .*'maybe' is neither true nor false"):
        model.sample(5, do={"smoking": "maybe"})
    with pytest.raises(PredicateError, match="no column named 'smokes'"):
        model.sample(5, do={"smokes": "yes"})
    with pytest.raises(OptionError, match="reads 2 columns, and each column is set by itself"):
        model.sample(5, do="gene = smoking")
    with pytest.raises(OptionError, match="names nothing to set"):
        model.sample(5, do={})
    with pytest.raises(ImpossibleCondition, match="'smoking'"):
        model.sample(5, do="smoking = 'yes' and smoking = 'no'")
    plain = sim.fit(study(300), "independent", seed=1)
    for act in (
        lambda: plain.sample(5, do={"gene": "no"}),
        lambda: plain.counterfactual(study(5), {"gene": "no"}),
    ):
        with pytest.raises(OptionError, match="model 'independent' has no graph"):
            act()


def test_rows_say_whether_the_graph_was_learnt(model: sim.Synthesizer) -> None:
    learnt = sim.fit(study(2_000), "bayes-net", seed=1)
    for fitted, told in ((model, False), (learnt, True)):
        notes = fitted.sample(10, do={"gene": "no"}, seed=1).notes
        assert any("after do(" in note for note in notes)
        assert any("not known to be causes" in note for note in notes) is told
    assert model.sample(10, seed=1).notes == ()


def test_a_model_after_an_intervention_can_be_kept(model: sim.Synthesizer, tmp_path: Path) -> None:
    after = model.intervene({"smoking": "no"})
    kept = sim.load(after.save(tmp_path / "after.sim"))
    same = model.sample(500, do={"smoking": "no"}, seed=4)
    assert kept.sample(500, seed=4).digest == same.digest == after.sample(500, seed=4).digest
    assert kept.sample(5, seed=4).notes == same.notes[:1]
    written = model.write(tmp_path / "after.csv", 500, seed=4, do={"smoking": "no"})
    assert (written.digest, written.notes) == (same.digest, same.notes)
    assert next(model.chunks(500, seed=4, do={"smoking": "no"})).equals(same.polars())
    again = kept.sample(2_000, do={"gene": "yes"}, seed=1).frame
    assert set(again["smoking"]) == {"no"} and set(again["gene"]) == {"yes"}


def test_exact_relations_are_cut_kept_or_refused_but_never_in_silence() -> None:
    stream = Streams(9).stream("sums")
    zone = stream.integers(0, 12, 3_000)
    net, tax = stream.integers(100, 900, 3_000), stream.integers(10, 90, 3_000)
    frame = pl.DataFrame({
        "zone": [f"z{k}" for k in zone], "state": [f"s{k % 3}" for k in zone],
        "net": net, "tax": tax, "total": net + tax,
    })  # fmt: skip
    model = sim.fit(frame, "bayes-net", edges="zone -> state, zone -> net", seed=1)
    cut = model.sample(400, do={"state": "s1"}, seed=1)
    assert set(cut.frame["state"]) == {"s1"} and cut.frame["zone"].n_unique() == 12
    assert any("relation is cut" in note for note in cut.notes)
    kept = model.sample(400, do={"zone": "z4"}, seed=1)
    assert set(kept.frame["state"]) == {"s1"}
    assert any("relation is kept" in note for note in kept.notes)
    rebuilt = {target for relation in model.relations for target in relation.targets} & {
        "net",
        "tax",
        "total",
    }
    (name,) = rebuilt
    with pytest.raises(OptionError, match=f"rebuilds '{name}' by an exact relation"):
        model.sample(5, do={name: 300})


# --- counterfactuals --------------------------------------------------------------------------------------------


def test_a_row_stays_where_nothing_reaches_it(model: sim.Synthesizer) -> None:
    rows = study(2_000)
    told = model.counterfactual(rows, {"smoking": "no"}, seed=1)
    frame = told.frame
    assert frame["gene"].equals(rows["gene"]) and set(frame["smoking"]) == {"no"}
    already = rows["smoking"] == "no"
    assert frame.filter(already).equals(rows.filter(already))
    assert told.digest == model.counterfactual(rows, {"smoking": "no"}, seed=1).digest


def test_counterfactuals_of_all_rows_are_distributed_as_after_the_intervention(
    model: sim.Synthesizer,
) -> None:
    rows = study()
    told = model.counterfactual(rows, {"smoking": "yes"}, seed=1).frame
    assert near(told["cancer"].eq("yes").mean(), cancer_after(True), 40_000, 10_000)
    assert near(told["tar"].eq("yes").mean(), TAR[1], 40_000, 10_000)
    # a cause that only adds to a chance takes nothing away from who was ill without it
    ill = rows["cancer"] == "yes"
    assert told.filter(ill)["cancer"].eq("yes").all()


def test_noise_of_numbers_is_their_rank() -> None:
    stream = Streams(12).stream("ranks")
    treated = stream.integers(0, 2, 8_000)
    noise = stream.integers(0, 15, 8_000)
    frame = pl.DataFrame({"treated": np.where(treated == 1, "b", "a"), "score": 100 + 7 * treated + noise})
    model = sim.fit(frame, "bayes-net", edges="treated -> score", seed=1)
    rows = frame.filter(pl.col("treated") == "a").head(500)
    told = model.counterfactual(rows, {"treated": "b"}, seed=1).frame
    # equal ranks: every score moves by the effect, up to the sampling error of 15 levels of 270 rows each
    assert (told["score"] - rows["score"] - 7).abs().max() <= 1
    assert (told["score"] - rows["score"] == 7).mean() > 0.6


def test_a_number_between_bins_keeps_its_rank_too() -> None:
    stream = Streams(14).stream("doses")
    dose = stream.integers(0, 2, 20_000)
    frame = pl.DataFrame({"dose": [f"d{k}" for k in dose], "level": 3.0 * dose + stream.normal(size=20_000)})
    model = sim.fit(frame, "bayes-net", edges="dose -> level", seed=1)
    rows = frame.filter(pl.col("dose") == "d0").head(1_000)
    told = model.counterfactual(rows, {"dose": "d1"}, seed=1).frame
    # the densest half: quantiles of 10,000 rows have an error of about .02 there, bins are some .02 wide
    middle = (rows["level"].abs() < 0.7).to_numpy()
    moved = (told["level"] - rows["level"]).to_numpy()[middle]
    assert np.abs(moved - 3.0).max() < 0.25


def test_ranks_and_gumbel_noise_keep_what_they_promise() -> None:
    stream = Streams(13).stream("noise")
    before, after = (np.repeat(stream.dirichlet(np.ones(5))[None], 60_000, axis=0) for _ in range(2))
    codes = stream.choice(5, 60_000, p=before[0])
    inside, noise = stream.random(60_000), stream.random((60_000, 5))
    ranked, place = follow_order(before, after, codes, inside)
    chosen = follow_levels(before, after, codes, noise)
    assert (follow_order(before, before, codes, inside)[0] == codes).all()
    assert (follow_levels(before, before, codes, noise) == codes).all()
    for code in range(5):
        assert near((ranked == code).mean(), after[0, code], 60_000)
        assert near((chosen == code).mean(), after[0, code], 60_000)
    assert (np.diff((ranked + place)[np.argsort(codes + inside, kind="stable")]) >= -1e-9).all()
    # who had the code whose odds rose most against all others keeps it
    rose = int((after[0] / before[0]).argmax())
    assert (chosen[codes == rose] == rose).all()


def test_columns_that_rows_lack_are_drawn_given_the_others(model: sim.Synthesizer) -> None:
    told = model.counterfactual({"smoking": ["yes"] * 4_000}, {"tar": "no"}, seed=1).frame
    assert set(told["smoking"]) == {"yes"} and set(told["tar"]) == {"no"}
    carriers = GENE * 0.8 / (GENE * 0.8 + (1 - GENE) * 0.3)
    assert near(told["gene"].eq("yes").mean(), carriers, 4_000, 15_000)


class Powerless(BayesNet):
    def intervene(self, supports: Any) -> Powerless:
        return self


class Restless(BayesNet):
    def counterfactual(self, block: Block, supports: Any, **how: Any) -> Block:
        return self.intervene(supports).sample(len(block), rng=how["rng"])


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [(Powerless, "a value outside what it was set to"), (Restless, "must stay as it is")],
)
def test_the_contract_finds_a_model_that_acts_wrongly(broken: type[BayesNet], complaint: str) -> None:
    stream = Streams(15).stream("contract")
    block = coded(a=stream.integers(0, 4, 400), b=stream.integers(0, 2, 400))
    sets = {0: Support(levels=np.array([1.0, 1.0, 0.0, 0.0]))}
    check_actions(BayesNet().fit(block, rng=Streams(1)), block, sets, 1)
    with pytest.raises(AssertionError, match=complaint):
        check_actions(broken().fit(block, rng=Streams(1)), block, sets, 1)


# --- from figures, and for the eye ------------------------------------------------------------------------------


def test_a_network_is_made_of_tables_alone() -> None:
    rain, wet = np.array([0.8, 0.2]), np.array([[0.9, 0.1, 0.0], [0.05, 0.15, 0.8]])
    axes = (Axis("wet", "wet", size=3), Axis("rain", "rain", size=2))
    figures = Figures(
        cells=(Cells(rain @ wet), Cells(rain)), told=("", ""), chances=(Chances((1,), wet), Chances((), rain))
    )
    net = BayesNet()
    assert isinstance(net, Designed) and isinstance(net, Causal) and isinstance(net, Exhibiting)
    net.design(Domain(axes), figures, rng=Streams(1))
    assert net.order == (1, 0) and edges_of(net) == {("rain", "wet")} and net.assumed
    rows = Block(net.domain_, (np.array([0, 1, 2, 2], np.uint8), np.array([0, 1, 1, 0], np.uint8)))
    assert np.exp(net.log_density(rows)[:, 0]) == pytest.approx([0.9, 0.15, 0.8, 1e-12])
    fake = BayesNet().restore(net.dump()).sample(20_000, rng=Streams(2))
    assert near((fake.columns[0] == 2).mean(), 0.16, 20_000)
    soaked = net.intervene({1: Support(levels=np.array([0.0, 1.0]))}).sample(20_000, rng=Streams(2))
    assert near((soaked.columns[0] == 2).mean(), 0.8, 20_000)


def test_strengths_are_shares_of_what_is_explained() -> None:
    a = np.arange(4_000) % 4
    net = BayesNet(edges="a -> b").fit(coded(a=a, b=a // 2, c=np.arange(4_000) // 4 % 2), rng=Streams(1))
    strength = net.exhibits()[0].detail.row(0, named=True)["strength"]
    assert strength == pytest.approx(1.0, abs=0.01)
    assert net.describe(1) == "from its frequencies given 'a'"
    assert net.describe(2) == "from its own frequencies"
    assert "not known to be causes" in BayesNet().fit(coded(a=a, b=a), rng=Streams(1)).exhibits()[0].text


# --- the command line -------------------------------------------------------------------------------------------


def test_interventions_and_counterfactuals_on_the_command_line(
    model: sim.Synthesizer, tmp_path: Path
) -> None:
    file, rows, out = tmp_path / "study.sim", tmp_path / "rows.csv", tmp_path / "out.csv"
    model.save(file)
    study(50).write_csv(rows)
    runner = CliRunner()
    told = runner.invoke(
        group,
        ["sample", str(file), "-n", "40", "--seed", "1", "--do", "smoking = 'no'", "--do", "tar = 'yes'"],
    )
    assert told.exit_code == 0, told.output
    assert "after do(" in told.stderr
    made = pl.read_csv(told.stdout.encode())
    assert len(made) == 40 and set(made["smoking"]) == {"no"} and set(made["tar"]) == {"yes"}
    done = runner.invoke(
        group,
        ["counterfactual", str(file), str(rows), "--do", "smoking = 'no'", "-o", str(out), "--seed", "1"],
    )
    assert done.exit_code == 0, done.output
    model.counterfactual(rows, "smoking = 'no'", seed=1).write(tmp_path / "same.csv")
    assert out.read_bytes() == (tmp_path / "same.csv").read_bytes()
