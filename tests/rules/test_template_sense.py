"""Templates: what somebody who knows such a business would find odd at first sight does not happen in them."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.rules.templates import TEMPLATES
from simulacra.schema.validation import validate

YEAR = 365.25


@cache
def made(name: str) -> sim.Dataset:
    return sim.generate(name, scale=0.4, seed=3)


def joined(name: str, table: str, key: str, other: str) -> pl.DataFrame:
    """Rows of a table beside those that they refer to, whose columns begin with their table."""
    beside = made(name).polars(other).select(pl.all().name.prefix(f"{other}."))
    return made(name).polars(table).join(beside, left_on=key, right_on=f"{other}.id")


@pytest.mark.parametrize("name", ["bank", "telecom"])
def test_customers_are_adults(name: str) -> None:
    rows = made(name).polars("customers")
    assert (rows["since"] - rows["born"]).dt.total_days().min() >= 18 * YEAR - 1


def test_bank_students_are_young_and_instalments_can_be_paid() -> None:
    people = made("bank").polars("customers")
    students = people.filter(pl.col("work") == "student")
    assert students.height and students["born"].dt.year().min() >= 1997
    loans = joined("bank", "loans", "customer_id", "customers")
    paid = made("bank").polars("loan_payments").join(loans, left_on="loan_id", right_on="id")
    assert (paid["amount"] / paid["customers.income"]).max() < 0.4


def test_bank_pays_by_card_where_there_is_one_and_mostly_at_home() -> None:
    rows = made("bank").polars("transactions").filter(pl.col("kind") == "card")
    assert rows["account_id"].is_in(made("bank").polars("cards")["account_id"].implode()).all()
    shops = made("bank").polars("merchants").select(merchant_id="id", shop="country")
    owners = joined("bank", "accounts", "customer_id", "customers").select("id", "customers.country")
    known = rows.join(shops, on="merchant_id").join(owners, left_on="account_id", right_on="id")
    assert known.height == rows.height
    assert (known["shop"] == known["country"]).all()
    # one in ten, of 20,000
    assert (known["shop"] != known["customers.country"]).mean() == pytest.approx(0.1, abs=0.02)


def test_bank_balances_are_rarely_below_the_overdraft() -> None:
    rows = joined("bank", "transactions", "account_id", "accounts")
    assert (rows["balance"] < -rows["accounts.overdraft"]).mean() < 0.001


def test_school_has_no_teacher_room_or_form_in_two_classes_at_once() -> None:
    classes = joined("school", "classes", "teacher_id", "teachers")
    assert classes.height == made("school").polars("classes").height
    for column in ("teacher_id", "room", "form_id"):
        assert not classes.select(column, "slot").is_duplicated().any()
    taught = classes.join(made("school").polars("courses"), left_on="course_id", right_on="id")
    assert (taught["department_id"] == taught["teachers.department_id"]).all()


def test_school_takes_each_course_once_in_classes_that_do_not_grow() -> None:
    rows = joined("school", "enrolments", "class_id", "classes")
    assert not rows.select("student_id", "classes.course_id").is_duplicated().any()
    assert (rows["term"] == rows["classes.term_id"]).all() and (rows["slot"] == rows["classes.slot"]).all()
    larger = sim.generate("school", scale=1.5, seed=3)
    for enrolments in (rows, larger.polars("enrolments")):
        sizes = enrolments.group_by("class_id").len()["len"]
        assert 14 < sizes.mean() < 19 and sizes.max() <= 20


def test_telecom_lines_are_used_at_home_but_for_some_days() -> None:
    rows = joined("telecom", "call_records", "line_id", "lines")
    areas = made("telecom").polars("areas").select(area="id", seen="state")
    towers = made("telecom").polars("towers").select(tower_id="id", area="area_id").join(areas, on="area")
    homes = made("telecom").polars("customers").select("id", home="state")
    known = rows.join(towers, on="tower_id").join(homes, left_on="lines.customer_id", right_on="id")
    assert known.height == rows.height
    assert (known["roaming"] == (known["seen"] != known["home"])).all()
    assert 0.005 < known["roaming"].mean() < 0.06
    assert known.group_by("line_id").agg(pl.col("seen").n_unique())["seen"].max() == 2


def test_logistics_delivers_on_working_days_with_vehicles_of_the_depot() -> None:
    events = made("logistics").polars("events")
    days = events.filter(pl.col("state") == "out for delivery")["at"].dt.weekday().value_counts()
    assert sorted(days["at"]) == [1, 2, 3, 4, 5, 6]
    assert days["count"].max() < 2 * days["count"].min()
    for key, other in (("vehicle_id", "vehicles"), ("driver_id", "drivers")):
        rows = joined("logistics", "events", key, other)
        assert rows.height > 1000 and (rows["depot_id"] == rows[f"{other}.depot_id"]).all()
    rows = joined("logistics", "events", "vehicle_id", "vehicles")
    assert ((rows["vehicles.kind"] == "truck") == (rows["state"] == "in transit")).all()


def test_hospital_clinics_are_as_busy_on_every_working_day() -> None:
    visits = made("hospital").polars("encounters").filter(pl.col("class") == "AMB")
    days = visits["day"].dt.weekday().value_counts()
    assert sorted(days["day"]) == [1, 2, 3, 4, 5]
    share = days["count"] / visits.height
    assert (share - 0.2).abs().max() < 4 * np.sqrt(0.16 / visits.height)


def test_hospital_diseases_of_adults_begin_with_adults() -> None:
    rows = joined("hospital", "conditions", "patient_id", "patients")
    rows = rows.with_columns(age=(pl.col("onset") - pl.col("patients.born")).dt.total_days() / YEAR)
    first = dict(rows.group_by("state").agg(pl.col("age").min()).iter_rows())
    sensible = {"diabetes": 18, "hypertension": 18, "hyperlipidemia": 20, "kidney disease": 25, "copd": 25}
    assert {
        state
        for state, age in ({**sensible, "heart attack": 30, "stroke": 25}).items()
        if first[state] < age - 0.01
    } == set()


def test_hospital_values_follow_the_reason_of_a_stay() -> None:
    rows = joined("hospital", "observations", "encounter_id", "encounters")
    mean = {
        (code, reason): value
        for code, reason, value in rows.group_by("loinc", "encounters.reason")
        .agg(pl.col("value").mean())
        .iter_rows()
    }
    assert mean["2160-0", "N17.9"] > 2
    assert mean["8310-5", "A41.9"] > 38.4 and mean["8480-6", "A41.9"] < 105 and mean["8867-4", "A41.9"] > 95
    assert mean["2708-6", "J44.9"] < 94.5 and mean["2708-6", "J18.9"] < 94
    assert mean["2708-6", "Z00.00"] > 96.5


def test_hospital_pressures_lie_apart_and_metformin_is_for_kidneys_that_work() -> None:
    rows = made("hospital").polars("observations")
    high, low = (
        rows.filter(pl.col("loinc") == code).select("encounter_id", value="value")
        for code in ("8480-6", "8462-4")
    )
    both = high.join(low, on="encounter_id", suffix="_low")
    assert (both["value"] - both["value_low"]).min() >= 20
    taken = made("hospital").polars("medications").filter(pl.col("description").str.starts_with("metformin"))
    kidneys = joined("hospital", "observations", "encounter_id", "encounters").filter(
        (pl.col("loinc") == "2160-0") & ~pl.col("encounters.reason").is_in(["N17.9", "A41.9"])
    )
    people = made("hospital").polars("patients").select("sex", patient_id="id")
    known = kidneys.join(taken.select("patient_id").unique(), on="patient_id").join(people, on="patient_id")
    # CKD-EPI 2021, where creatinine is above its usual value
    man = pl.col("sex") == "M"
    rate = (
        142
        * (pl.col("value") / pl.when(man).then(0.9).otherwise(0.7)) ** -1.2
        * 0.9938 ** pl.col("encounters.age")
        * pl.when(man).then(1.0).otherwise(1.012)
    )
    assert known.height > 200
    assert known.select(rate.min()).item() >= 30


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_of_next_to_nothing_has_empty_tables(name: str) -> None:
    data = sim.generate(name, scale=0.0001, seed=1)
    for table in data.schema.tables:
        assert validate(data.polars(table.name), table) == []
    assert any(not data.polars(table).height for table in data.schema.names)
