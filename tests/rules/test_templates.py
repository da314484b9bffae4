"""Templates: every one makes whole databases in which keys, references, dates and sums are as they should be."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import simulacra as sim
from simulacra.cli import group
from simulacra.rules.templates import TEMPLATES, summarise_template, template_text
from simulacra.schema.validation import validate

SCALES = [0.05, 1]
each = pytest.mark.parametrize("name", TEMPLATES)
each_scale = pytest.mark.parametrize("scale", SCALES)

# in these tables the second column is never before the first
ORDERED = {
    "shop": {"shipments": ["shipped_at", "delivered_at"], "order_lines": [], "customers": ["born", "joined"]},
    "bank": {"customers": ["born", "since"], "loan_payments": ["due", "paid_on"]},
    "hospital": {
        "patients": ["born", "registered", "died"],
        "conditions": ["onset", "treated_from", "ended"],
        "medications": ["started", "stopped"],
        "encounters": ["began", "ended"],
    },
    "telecom": {"lines": ["activated", "ended"], "tickets": ["opened_at", "closed_at"]},
    "school": {
        "terms": ["starts", "ends"],
        "classes": ["starts", "ends"],
        "enrolments": ["enrolled", "starts"],
    },
    "logistics": {"shipments": ["registered_at", "delivered_at"]},
}
# (child, its reference, the child's date, the parent's date): the first is never before the second
AFTER = {
    "shop": [
        ("orders", "customer_id", "ordered_at", "joined"), ("payments", "order_id", "paid_at", "ordered_at"),
        ("shipments", "order_id", "shipped_at", "ordered_at"), ("reviews", "order_line_id", "written", "ordered_at"),
    ],
    "bank": [
        ("accounts", "customer_id", "opened", "since"), ("cards", "account_id", "issued", "opened"),
        ("loans", "customer_id", "started", "since"), ("loan_payments", "loan_id", "due", "started"),
    ],
    "hospital": [
        ("conditions", "patient_id", "onset", "born"), ("encounters", "patient_id", "began", "registered"),
        ("observations", "encounter_id", "at", "began"), ("medications", "condition_id", "started", "onset"),
    ],
    "telecom": [("lines", "customer_id", "activated", "since"), ("call_records", "line_id", "began_at", "activated")],
    "school": [("assessments", "enrolment_id", "date", "starts")],
    "logistics": [("events", "shipment_id", "at", "registered_at")],
}  # fmt: skip
BEFORE = {"hospital": [(table, key, at, "died") for table, key, at in (
    ("conditions", "patient_id", "onset"), ("encounters", "patient_id", "began"), ("observations", "patient_id", "at"),
    ("medications", "patient_id", "started"))]}  # fmt: skip


@cache
def made(name: str, scale: float) -> sim.Dataset:
    return sim.generate(name, scale=scale, seed=1)


def late(earlier: pl.Series, later: pl.Series) -> int:
    return int((later.cast(pl.Datetime("us")) < earlier.cast(pl.Datetime("us"))).sum())


@each
def test_a_template_tells_what_it_is(name: str) -> None:
    text = template_text(name)
    assert summarise_template(name).endswith(".")
    assert f"simulacra new {name} -o {name}.yaml" in text


@each
@each_scale
def test_keys_are_unique_and_references_lead_somewhere(name: str, scale: float) -> None:
    data = made(name, scale)
    assert len(data.schema.tables) >= 6
    for table in data.schema.tables:
        rows = data.polars(table.name)
        assert table.key
        assert not rows.select(table.key).is_duplicated().any()
        assert not rows.select(pl.any_horizontal(pl.col(table.key).is_null())).to_series().any()
        for reference in table.references:
            known = data.polars(reference.table)[reference.to[0]]
            keys = rows[reference.columns[0]].drop_nulls()
            assert keys.is_in(known.implode()).all(), (table.name, reference)
    asked = sim.compose(name)
    for root, rows_of in asked.sizes(scale=scale).items():
        assert data.polars(root).height == rows_of


@each
@each_scale
def test_rows_keep_to_their_schema(name: str, scale: float) -> None:
    data = made(name, scale)
    for table in data.schema.tables:
        assert validate(data.polars(table.name), table) == []


@each
@each_scale
def test_dates_are_in_order(name: str, scale: float) -> None:
    data = made(name, scale)
    for table, columns in ORDERED[name].items():
        rows = data.polars(table)
        for number, first in enumerate(columns):
            assert all(late(rows[first], rows[second]) == 0 for second in columns[number + 1 :]), (
                table,
                first,
            )
    for pairs, sign in ((AFTER[name], 1), (BEFORE.get(name, []), -1)):
        for table, key, own, theirs in pairs:
            reference = next(r for r in data.schema.table(table).references if r.columns == (key,))
            other = data.polars(reference.table).select(
                pl.col(reference.to[0]).alias(key), pl.col(theirs).alias("other")
            )
            joined = data.polars(table).select(key, pl.col(own).alias("own")).join(other, on=key)
            first, second = ("other", "own") if sign == 1 else ("own", "other")
            assert late(joined[first], joined[second]) == 0, (table, own, theirs)


@each
def test_the_same_seed_gives_the_same_rows_and_another_one_others(name: str) -> None:
    once, again, other = (sim.generate(name, scale=0.02, seed=seed) for seed in (7, 7, 8))
    for table in once.schema.names:
        assert once.polars(table).equals(again.polars(table), null_equal=True)
    assert any(not once.polars(t).equals(other.polars(t), null_equal=True) for t in once.schema.names)


@each
def test_a_copy_makes_the_same_rows(name: str, tmp_path: Path) -> None:
    copy = tmp_path / f"{name}.yaml"
    done = CliRunner().invoke(group, ["new", name, "-o", str(copy)])
    assert done.exit_code == 0, done.output
    ours, theirs = sim.generate(name, scale=0.02, seed=3), sim.load(copy).sample(scale=0.02, seed=3)
    for table in ours.schema.names:
        assert ours.polars(table).equals(theirs.polars(table), null_equal=True)


@each
def test_no_identifier_could_be_a_real_one(name: str) -> None:
    data = made(name, 1)
    for table in data.schema.tables:
        rows = data.polars(table.name)
        for column in table.names:
            texts = rows[column]
            if column == "email":
                assert texts.drop_nulls().str.contains(r"(@example\.(com|org|net)|\.example)$").all()
            if column == "ssn":
                assert texts.drop_nulls().str.starts_with("9").all()
            if column == "iban":
                assert texts.str.slice(4, 4).is_in(["9999"]).all()
            if column == "tac":
                assert texts.str.starts_with("00").all()


def test_shop_adds_up() -> None:
    data = made("shop", 1)
    orders, lines = data.polars("orders"), data.polars("order_lines")
    sums = lines.group_by("order_id").agg(pl.col("amount").sum().alias("sum"))
    joined = orders.join(sums, left_on="id", right_on="order_id", how="left")
    assert (joined["goods"] - joined["sum"]).abs().max() < 0.005
    assert (orders["goods"] + orders["shipping"] - orders["total"]).abs().max() < 0.005
    shipped = data.polars("shipments")["order_id"]
    cancelled = orders.filter(pl.col("status") == "cancelled")
    assert cancelled.height > 50
    assert not cancelled["id"].is_in(shipped.implode()).any()
    bought = lines.select("id", "product_id").join(
        data.polars("reviews").select("order_line_id", pl.col("product_id").alias("reviewed")),
        left_on="id", right_on="order_line_id",
    )  # fmt: skip
    assert (bought["product_id"] == bought["reviewed"]).all()


def test_bank_balances_follow_from_bookings() -> None:
    data = made("bank", 1)
    rows = data.polars("transactions").join(
        data.polars("accounts").select("id", "opening_balance", pl.col("balance").alias("last")),
        left_on="account_id", right_on="id",
    )  # fmt: skip
    summed = pl.col("opening_balance") + pl.col("amount").cum_sum().over("account_id")
    assert rows.select((summed - pl.col("balance")).abs().max()).item() < 0.01
    assert rows.group_by("account_id").agg(
        (pl.col("balance").last() - pl.col("last").last()).abs().alias("gap")
    )["gap"].max() < 0.01  # fmt: skip
    assert rows.select((pl.col("booked_at").diff().over("account_id") >= pl.duration()).all()).item()
    loans = data.polars("loans").join(
        data.polars("loan_payments").group_by("loan_id").agg(pl.col("remaining").last().alias("left"), pl.len()),
        left_on="id", right_on="loan_id",
    )  # fmt: skip
    assert (loans["remaining"] - loans["left"]).abs().max() < 0.01
    assert loans.filter(pl.col("len") == pl.col("months"))["left"].abs().max() < 0.01


def with_onsets(data: sim.Dataset) -> pl.DataFrame:
    """Patients, with the day on which each condition began and its treatment did."""
    rows, patients = data.polars("conditions"), data.polars("patients")
    for state in rows["state"].unique().sort():
        first = rows.filter(pl.col("state") == state).group_by("patient_id").agg(
            pl.col("onset").min().alias(state), pl.col("treated_from").min().alias(f"{state} treated")
        )  # fmt: skip
        patients = patients.join(first, left_on="id", right_on="patient_id", how="left")
    return patients


def test_hospital_twins_are_consistent() -> None:
    data = made("hospital", 1)
    conditions, patients = data.polars("conditions"), with_onsets(data)
    ill = patients.filter(pl.col("diabetes").is_not_null())
    assert ill.height > 50
    assert (ill["prediabetes"] <= ill["diabetes"]).all()
    assert ill["prediabetes"].null_count() == 0
    chronic = conditions.filter(~pl.col("state").is_in(["depression", "prediabetes"]))
    assert not chronic.select("patient_id", "state").is_duplicated().any()
    # sugar follows from what a patient has and takes, and differs between patients: sd 0.2, 1.1 and 1.2
    values = data.polars("observations").filter(pl.col("loinc") == "4548-4")
    known = values.join(patients, left_on="patient_id", right_on="id")
    at, treated = pl.col("at").dt.date(), pl.col("diabetes treated")
    groups = {
        (5.3, 0.2): known.filter(pl.col("prediabetes").is_null()),
        (6.7, 1.1): known.filter(at > treated),
        (8.0, 1.2): known.filter((at > pl.col("diabetes")) & treated.is_null()),
    }
    for (mean, sd), found in groups.items():
        each = found.group_by("patient_id").agg(pl.col("value").mean())["value"]
        assert len(each) > 10
        assert each.mean() == pytest.approx(mean, abs=4 * np.hypot(sd, 0.25) / np.sqrt(len(each)))
    admitted = data.polars("encounters").filter(pl.col("state") == "heart admission")
    on = admitted.join(patients, left_on="patient_id", right_on="id")
    assert on.height > 5
    assert (on["day"] == on["heart attack"]).all()
    after = patients.filter(pl.col("heart attack") >= pl.col("registered"))
    assert after.height == on.height


# where a follow-up goes, by what it is for
CARE = {
    "E11.9": ("Endocrinology", ["diabetes"]), "I10": ("Internal Medicine", ["hypertension"]),
    "E78.5": ("Primary Care", ["hyperlipidemia"]), "J45.909": ("Pulmonology", ["asthma"]),
    "J44.9": ("Pulmonology", ["copd"]), "N18.30": ("Internal Medicine", ["kidney disease"]),
    "I25.2": ("Cardiology", ["heart attack"]), "Z86.73": ("Internal Medicine", ["stroke"]),
    "F32.A": ("Psychiatry", ["depression"]), "Z09": ("Primary Care", []),
}  # fmt: skip


def test_hospital_follow_ups_are_for_what_patients_have() -> None:
    data = made("hospital", 1)
    visits = data.polars("encounters").filter(pl.col("state") == "follow-up")
    visits = visits.join(
        data.polars("departments").select(pl.col("id").alias("department_id"), "name"), on="department_id"
    )
    assert set(visits.select("reason", "name").unique().iter_rows()) == {
        (reason, name) for reason, (name, _) in CARE.items()
    }
    known = visits.join(with_onsets(data), left_on="patient_id", right_on="id")
    for reason, (_, states) in CARE.items():
        for state in states:
            mine = known.filter(pl.col("reason") == reason)
            assert mine.height and (mine[state] <= mine["day"]).all(), reason
    # psychiatry sees who takes sertraline, from the day of the prescription to the end
    moods = visits.filter(pl.col("reason") == "F32.A").select("id", "patient_id", "day")
    episodes = data.polars("conditions").filter(
        (pl.col("state") == "depression") & pl.col("treated_from").is_not_null()
    )
    end = pl.coalesce("ended", pl.date(2024, 12, 31))
    held = moods.join(episodes.select("patient_id", "treated_from", "ended"), on="patient_id").filter(
        (pl.col("day") >= pl.col("treated_from")) & (pl.col("day") <= end)
    )
    assert set(held["id"]) == set(moods["id"])


def test_hospital_drugs_begin_when_they_were_there_and_end_with_the_life() -> None:
    data = sim.generate("hospital", {"patients": 3000}, seed=4)
    rows = data.polars("medications").join(
        data.polars("patients").select("died", "born", pl.col("id").alias("patient_id")), on="patient_id"
    )
    there = {
        "metformin": 1995,
        "lisinopril": 1987,
        "amlodipine": 1992,
        "simvastatin": 1991,
        "clopidogrel": 1997,
    }
    for drug, year in there.items():
        mine = rows.filter(pl.col("description").str.starts_with(drug))
        assert mine.height > 20 and mine["started"].dt.year().min() >= year, drug
    assert (rows["started"] > rows["born"]).all()
    dead = rows.filter(pl.col("died").is_not_null())
    assert dead.height > 100 and (dead["stopped"] <= dead["died"]).all()
    months = rows.group_by(pl.col("started").dt.truncate("1mo")).len()["len"]
    assert months.max() < 0.02 * rows.height


def test_hospital_insurance_follows_the_age_on_the_day() -> None:
    data = made("hospital", 1)
    visits = data.polars("encounters")
    assert (visits.filter(pl.col("age") < 64.9)["insurance"] != "Medicare").all()
    later = visits.filter(pl.col("age") >= 65.1)["insurance"]
    assert (later != "Medicaid").all()
    share = visits.filter(pl.col("age") >= 65.1).group_by("patient_id").agg(
        (pl.col("insurance") == "Medicare").all().alias("medicare")
    )["medicare"]  # fmt: skip
    assert share.mean() == pytest.approx(0.94, abs=4 * np.sqrt(0.94 * 0.06 / len(share)))
    assert visits.group_by("patient_id").agg(pl.col("insurance").n_unique())["insurance"].max() == 2


def test_hospital_shares_are_near_those_published() -> None:
    patients = with_onsets(sim.generate("hospital", {"patients": 3000}, seed=5))
    day = pl.date(2019, 7, 1)
    alive = patients.filter(
        (pl.col("registered") <= day) & (pl.col("died").is_null() | (pl.col("died") > day))
    )
    alive = alive.with_columns(((day - pl.col("born")).dt.total_days() / 365.25).alias("age"))

    def share(state: str, low: float, high: float) -> float:
        rows = alive.filter(pl.col("age").is_between(low, high, closed="left"))
        return rows.select((pl.col(state) <= day).fill_null(False).mean()).item()

    # about 400 to 700 patients in each group: two standard errors are 0.02 to 0.05; ages within a group are those of
    # patients, not of the nation
    assert share("hypertension", 40, 60) == pytest.approx(0.545, abs=0.07)
    assert share("hypertension", 60, 120) == pytest.approx(0.745, abs=0.07)
    assert share("diabetes", 18, 45) == pytest.approx(0.048, abs=0.03)
    assert share("diabetes", 45, 65) == pytest.approx(0.189, abs=0.055)
    assert share("diabetes", 65, 120) == pytest.approx(0.292, abs=0.1)


def test_telecom_invoices_follow_from_records() -> None:
    data = made("telecom", 1)
    lines = data.polars("lines").join(data.polars("plans"), left_on="plan_id", right_on="id", suffix="_plan")
    used = data.polars("call_records").group_by("line_id").agg(pl.col("minutes", "megabytes").sum())
    joined = lines.join(used, left_on="id", right_on="line_id")
    assert (joined["minutes_used"] == joined["minutes_right"]).all()
    assert (joined["data_used_mb"] - joined["megabytes"]).abs().max() < 0.06
    kinds = joined.join(data.polars("customers").select("id", "kind"), left_on="customer_id", right_on="id")
    assert (kinds["segment"] == kinds["kind"]).all()
    ended = lines.filter(pl.col("status") == "cancelled")["id"]
    assert not data.polars("invoices")["line_id"].is_in(ended.implode()).any()
    records = data.polars("call_records")
    assert records.select((pl.col("began_at").diff().over("line_id") >= pl.duration()).all()).item()


def test_school_grades_follow_from_scores() -> None:
    data = made("school", 1)
    rows = data.polars("enrolments")
    assert not rows.select("student_id", "slot").is_duplicated().any()
    marks = data.polars("assessments").group_by("enrolment_id").agg(
        (pl.col("score") * pl.col("weight")).sum().alias("sum"), pl.col("weight").sum()
    )  # fmt: skip
    done = rows.filter(pl.col("status") == "completed").join(marks, left_on="id", right_on="enrolment_id")
    assert done["weight"].is_between(0.999, 1.001).all()
    assert (done["score"] - done["sum"]).abs().max() < 0.06
    classes = rows.join(data.polars("classes"), left_on="class_id", right_on="id", suffix="_class")
    assert (classes["term"] == classes["term_id"]).all()
    gpa = rows.group_by("student_id").agg(pl.col("points").mean()).join(
        data.polars("students"), left_on="student_id", right_on="id"
    )  # fmt: skip
    assert (gpa["points"] - gpa["gpa"]).abs().max() < 0.006


def test_logistics_events_follow_each_other() -> None:
    data = made("logistics", 1)
    events = data.polars("events")
    machine = sim.compose("logistics").book.tables["events"].reference("shipment_id").machines[0]
    allowed = {(state, target) for state, moves in machine.moves.items() for target in moves.targets}
    seen = set(events.drop_nulls("before").select("before", "state").unique().iter_rows())
    assert seen <= allowed
    assert events.select((pl.col("at").diff().over("shipment_id") > pl.duration()).all()).item()
    assert events.filter(pl.col("number") == 1)["state"].unique().to_list() == ["registered"]
    last = events.group_by("shipment_id").agg(pl.col("state").last().alias("last"))
    joined = data.polars("shipments").join(last, left_on="id", right_on="shipment_id")
    assert (joined["status"] == joined["last"]).all()
    assert (joined.filter(pl.col("status") == "delivered")["delivered_at"].is_not_null()).all()


def test_new_lists_templates_and_prints_one() -> None:
    run = CliRunner()
    listed = run.invoke(group, ["new"])
    assert listed.exit_code == 0
    assert all(f"{name} " in listed.output for name in TEMPLATES)
    assert run.invoke(group, ["new", "bank"]).output == template_text("bank")


def test_new_overwrites_only_when_told(tmp_path: Path) -> None:
    run, target = CliRunner(), tmp_path / "mine.yaml"
    target.write_text("mine")
    with pytest.raises(sim.errors.FileError, match="--force"):
        run.invoke(group, ["new", "shop", "-o", str(target)], catch_exceptions=False)
    assert target.read_text() == "mine"
    assert run.invoke(group, ["new", "shop", "-o", str(target), "--force"]).exit_code == 0
    assert target.read_text() == template_text("shop")
    with pytest.raises(sim.errors.UnknownName, match="did you mean 'shop'"):
        run.invoke(group, ["new", "shp"], catch_exceptions=False)
