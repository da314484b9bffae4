"""FHIR bundles: valid by a library of others, true to the tables, and made in slices of patients."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from fhir.resources.R4B.bundle import Bundle

import simulacra as sim
from simulacra.cli import group
from simulacra.errors import DataError
from simulacra.fhir.bundles import NOTICE, make_bundles, write_bundles


@cache
def hospital() -> sim.Dataset:
    return sim.generate("hospital", {"patients": 40}, seed=2)


@cache
def bundles() -> dict[int, dict[str, Any]]:
    whole = pl.concat(make_bundles(hospital()))
    return {number: json.loads(text) for number, text in whole.select("id", "json").iter_rows()}


def resources(kind: str) -> list[dict[str, Any]]:
    found = (entry["resource"] for bundle in bundles().values() for entry in bundle["entry"])
    return [resource for resource in found if resource["resourceType"] == kind]


def test_bundles_are_valid() -> None:
    for bundle in list(bundles().values())[:6]:
        Bundle.model_validate(bundle)


def test_there_is_a_bundle_for_each_patient_and_a_resource_for_each_row() -> None:
    data = hospital()
    assert sorted(bundles()) == data.polars("patients")["id"].to_list()
    observations = data.polars("observations")
    diastolic = observations.filter(pl.col("loinc") == "8462-4").height
    expected = {
        "Patient": data.polars("patients").height,
        "Encounter": data.polars("encounters").height,
        "Condition": data.polars("conditions").height,
        "MedicationRequest": data.polars("medications").height,
        "Observation": observations.height - diastolic,  # in one resource with the systolic pressure
    }
    assert {kind: len(resources(kind)) for kind in expected} == expected


def test_references_lead_to_resources_of_the_same_bundle() -> None:
    for bundle in bundles().values():
        names = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]}
        assert len(names) == len(bundle["entry"])
        told = json.dumps(bundle)
        links = {part.split('"')[0] for part in told.split('"reference": "')[1:]}
        # the name of a reference has the kind of resource twice: Condition/condition-1
        assert links
        assert links <= names


def test_encounters_tell_who_saw_the_patient_and_where() -> None:
    data = hospital()
    names = data.polars("encounters").select("id", "department_id", "practitioner_id")
    for kind, table in (("department", "departments"), ("practitioner", "practitioners")):
        known = data.polars(table).select(pl.all().name.prefix(f"{kind}_"))
        names = names.join(known, on=f"{kind}_id")
    rows = {f"encounter-{row['id']}": row for row in names.iter_rows(named=True)}
    found = resources("Encounter")
    assert len(found) == len(rows)
    for one in found:
        row, person = rows[one["id"]], one["participant"][0]["individual"]
        assert one["serviceProvider"]["display"] == row["department_name"]
        assert (person["display"], person["identifier"]["value"]) == (
            row["practitioner_name"],
            row["practitioner_number"],
        )


def test_values_are_those_of_the_tables() -> None:
    data = hospital()
    patient = data.polars("patients").row(0, named=True)
    made = bundles()[patient["id"]]["entry"][0]["resource"]
    assert made["birthDate"] == patient["born"].isoformat()
    assert made["name"][0]["text"] == patient["name"]
    assert made["gender"] == {"F": "female", "M": "male"}[patient["sex"]]
    pressures = [one for one in resources("Observation") if "component" in one]
    rows = data.polars("observations").filter(pl.col("loinc").is_in(["8480-6", "8462-4"]))
    assert (
        sum(c["valueQuantity"]["value"] for one in pressures for c in one["component"]) == rows["value"].sum()
    )
    died = data.polars("patients")["died"].drop_nulls().len()
    assert sum("deceasedDateTime" in one for one in resources("Patient")) == died
    resolved = sum(one["clinicalStatus"]["coding"][0]["code"] == "resolved" for one in resources("Condition"))
    assert resolved == data.polars("conditions")["ended"].drop_nulls().len()


def test_codes_are_of_the_three_systems_and_their_notices_are_there() -> None:
    told = json.dumps(list(bundles().values()))
    for system in (
        "http://loinc.org",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
    ):
        assert system in told
    assert "snomed" not in told.lower()
    for bundle in bundles().values():
        assert bundle["meta"]["extension"][0]["valueString"] == NOTICE
        assert bundle["meta"]["security"][0]["code"] == "HTEST"
    assert "LOINC" in NOTICE
    assert "National Library of Medicine" in NOTICE


def test_texts_are_escaped() -> None:
    data = hospital()
    odd = 'Ada "the\\first"\nLovelace'
    patients = data.polars("patients").with_columns(name=pl.lit(odd))
    frames = {**{name: data.polars(name) for name in data.schema.names}, "patients": patients}
    first = json.loads(next(make_bundles(sim.Dataset(data.schema, frames, {})))["json"][0])
    assert first["entry"][0]["resource"]["name"][0]["text"] == odd.replace("\n", " ")


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_slices_and_files_give_the_same_bundles(tmp_path: Path, form: str) -> None:
    model = sim.compose("hospital")
    model.sample({"patients": 40}, seed=2, to=tmp_path / "rows", format=form, workers=1)
    told = pl.concat(make_bundles(tmp_path / "rows", patients=7))
    assert {number: json.loads(text) for number, text in told.select("id", "json").iter_rows()} == bundles()


def test_files_and_folders(tmp_path: Path) -> None:
    written = write_bundles(hospital(), tmp_path / "all.ndjson")
    lines = (tmp_path / "all.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(bundles().values())
    assert written.bundles == 40
    assert written.resources == sum(len(bundle["entry"]) for bundle in bundles().values())
    write_bundles(hospital(), tmp_path / "each")
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == sorted(
        f"patient-{n}.json" for n in bundles()
    )


def test_what_is_no_hospital_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no table 'patients'"):
        write_bundles(sim.generate("shop", scale=0.02, seed=1), tmp_path / "a.ndjson")
    assert not (tmp_path / "a.ndjson").exists()
    data = hospital()
    frames = {name: data.polars(name) for name in data.schema.names}
    mixed = {**frames, "conditions": frames["conditions"].reverse()}
    with pytest.raises(DataError, match="'conditions': the rows are not in the order"):
        list(make_bundles(sim.Dataset(data.schema, mixed, {})))
    fewer = {**frames, "patients": frames["patients"].head(5)}
    with pytest.raises(DataError, match="who are not in the table 'patients'"):
        list(make_bundles(sim.Dataset(data.schema, fewer, {})))


def test_the_command(tmp_path: Path) -> None:
    hospital().write(tmp_path / "hospital")
    done = CliRunner().invoke(
        group,
        ["export", str(tmp_path / "hospital"), "-o", str(tmp_path / "b.ndjson"), "--json"],
        catch_exceptions=False,
    )
    assert json.loads(done.stdout)["bundles"] == 40
    assert len((tmp_path / "b.ndjson").read_text(encoding="utf-8").splitlines()) == 40
