"""Which FHIR R4 resource each row of a hospital's tables becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from simulacra.fhir._json import Leaf, day, instant, number, plain, text, write

COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "patients": {
        "id": pl.Int64, "mrn": pl.String, "sex": pl.String, "name": pl.String, "born": pl.Date, "ssn": pl.String,
        "phone": pl.String, "street": pl.String, "city": pl.String, "state": pl.String, "postcode": pl.String,
        "died": pl.Date,
    },
    "encounters": {
        "id": pl.Int64, "patient_id": pl.Int64, "class": pl.String, "began": pl.Datetime("us"),
        "ended": pl.Datetime("us"), "department_id": pl.Int64, "practitioner_id": pl.Int64, "reason": pl.String,
        "reason_text": pl.String,
    },
    "conditions": {
        "id": pl.Int64, "patient_id": pl.Int64, "code": pl.String, "description": pl.String, "onset": pl.Date,
        "ended": pl.Date,
    },
    "medications": {
        "id": pl.Int64, "patient_id": pl.Int64, "condition_id": pl.Int64, "rxnorm": pl.String, "description": pl.String,
        "dose": pl.String, "started": pl.Date, "stopped": pl.Date,
    },
    "observations": {
        "id": pl.Int64, "patient_id": pl.Int64, "encounter_id": pl.Int64, "at": pl.Datetime("us"), "loinc": pl.String,
        "description": pl.String, "value": pl.Float64, "unit": pl.String,
    },
}  # fmt: skip
"""The columns that are read, table by table; others stay behind."""
STAFF: Mapping[str, Mapping[str, Any]] = {
    "departments": {"id": pl.Int64, "name": pl.String},
    "practitioners": {"id": pl.Int64, "name": pl.String, "number": pl.String},
}  # fmt: skip
"""The same of the tables that belong to no patient: they are read whole, and told in encounters."""

_TERMS = "http://terminology.hl7.org/CodeSystem/"
_ICD, _RXNORM = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.nlm.nih.gov/research/umls/rxnorm"
_LOINC, _UCUM = "http://loinc.org", "http://unitsofmeasure.org"
_SYSTOLIC, _DIASTOLIC, _PRESSURE = "8480-6", "8462-4", "85354-9"
_VITAL = ["8867-4", "8310-5", "2708-6", "29463-7", "39156-5"]


def write_patients(rows: pl.DataFrame) -> pl.DataFrame:
    """Write one Patient a row.

    Examples
    --------
    >>> row = {name: None for name in COLUMNS["patients"]} | {"id": 1, "sex": "F", "name": "Ada Lovelace"}
    >>> write_patients(pl.DataFrame([row], schema=COLUMNS["patients"]))["json"][0][-19:]
    '"gender":"female"}}'
    """
    family = pl.col("name").str.extract(r"(\S+)$")
    given = pl.col("name").str.extract(r"^(.*\S)\s+\S+$")
    sex = pl.col("sex").replace_strict({"F": "female", "M": "male"}, default="unknown")
    address = {
        "line": [text("street")], "city": text("city"), "state": text("state"), "postalCode": text("postcode"),
    }  # fmt: skip
    return _write(rows.with_columns(owner="id"), "patient", {
        "resourceType": "Patient",
        "id": _name("patient", "id"),
        "identifier": [
            {"type": _concept(f"{_TERMS}v2-0203", "MR", "Medical record number"),
             "system": "http://hospital.example/mrn", "value": text("mrn")},
            {"type": _concept(f"{_TERMS}v2-0203", "SS", "Social Security number"),
             "system": "http://hl7.org/fhir/sid/us-ssn", "value": text("ssn")},
        ],
        "name": [{"use": "official", "text": text("name"), "family": text(family), "given": [text(given)]}],
        "telecom": [{"system": "phone", "value": text("phone")}],
        "gender": text(sex),
        "birthDate": day("born"),
        "deceasedDateTime": day("died"),
        "address": [address],
    })  # fmt: skip


def name_staff(encounters: pl.DataFrame, staff: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Add to encounters the names of those who give care.

    Parameters
    ----------
    encounters : DataFrame
        Rows of the table.
    staff : mapping of str to DataFrame
        The tables of `STAFF`, whole.

    Examples
    --------
    >>> rows = pl.DataFrame({"department_id": [2], "practitioner_id": [1]})
    >>> staff = {"departments": pl.DataFrame({"id": [2], "name": ["Emergency"]}),
    ...          "practitioners": pl.DataFrame({"id": [1], "name": ["Ada Lovelace"], "number": ["PR-1000"]})}
    >>> name_staff(rows, staff).select("department_name", "practitioner_number").row(0)
    ('Emergency', 'PR-1000')
    """
    for name, rows in staff.items():
        kind = name.removesuffix("s")
        told = rows.unique("id", keep="first").select(pl.all().name.prefix(f"{kind}_"))
        encounters = encounters.join(told, on=f"{kind}_id", how="left", maintain_order="left")
    return encounters


def write_encounters(rows: pl.DataFrame) -> pl.DataFrame:
    """Write one Encounter a row; one that has no end is in progress.

    Whom and where it was with is told by identifier and name, since a bundle has the resources of one patient only.
    """
    shown = {"AMB": "ambulatory", "EMER": "emergency", "IMP": "inpatient encounter"}
    state = pl.when(pl.col("ended").is_null()).then(pl.lit("in-progress")).otherwise(pl.lit("finished"))
    display = pl.col("class").replace_strict(shown, default=None)
    return _write(rows.with_columns(owner="patient_id"), "encounter", {
        "resourceType": "Encounter",
        "id": _name("encounter", "id"),
        "status": text(state),
        "class": {"system": f"{_TERMS}v3-ActCode", "code": text("class"), "display": text(display)},
        "subject": _reference("Patient", "patient_id"),
        "participant": [{
            "individual": {
                "type": "Practitioner",
                "identifier": {"system": "http://hospital.example/practitioner", "value": text("practitioner_number")},
                "display": text("practitioner_name"),
            },
        }],
        "period": {"start": instant("began"), "end": instant("ended")},
        "reasonCode": [_coded(_ICD, "reason", "reason_text")],
        "serviceProvider": {
            "type": "Organization",
            "identifier": {"system": "http://hospital.example/department", "value": text("department_id")},
            "display": text("department_name"),
        },
    })  # fmt: skip


def write_conditions(rows: pl.DataFrame) -> pl.DataFrame:
    """Write one Condition a row; one that has an end is resolved."""
    state = pl.when(pl.col("ended").is_null()).then(pl.lit("active")).otherwise(pl.lit("resolved"))
    return _write(rows.with_columns(owner="patient_id"), "condition", {
        "resourceType": "Condition",
        "id": _name("condition", "id"),
        "clinicalStatus": {"coding": [{"system": f"{_TERMS}condition-clinical", "code": text(state)}]},
        "verificationStatus": _concept(f"{_TERMS}condition-ver-status", "confirmed", "Confirmed"),
        "category": [_concept(f"{_TERMS}condition-category", "problem-list-item", "Problem List Item")],
        "code": _coded(_ICD, "code", "description"),
        "subject": _reference("Patient", "patient_id"),
        "onsetDateTime": day("onset"),
        "abatementDateTime": day("ended"),
    })  # fmt: skip


def write_medications(rows: pl.DataFrame) -> pl.DataFrame:
    """Write one MedicationRequest a row; one that has an end is completed."""
    state = pl.when(pl.col("stopped").is_null()).then(pl.lit("active")).otherwise(pl.lit("completed"))
    return _write(rows.with_columns(owner="patient_id"), "medication", {
        "resourceType": "MedicationRequest",
        "id": _name("medication", "id"),
        "status": text(state),
        "intent": "order",
        "medicationCodeableConcept": _coded(_RXNORM, "rxnorm", "description"),
        "subject": _reference("Patient", "patient_id"),
        "authoredOn": day("started"),
        "reasonReference": [_reference("Condition", "condition_id")],
        "dosageInstruction": [{"text": text("dose")}],
        "dispenseRequest": {"validityPeriod": {"start": day("started"), "end": day("stopped")}},
    })  # fmt: skip


def write_observations(rows: pl.DataFrame) -> pl.DataFrame:
    """Write one Observation a row, but the two blood pressures of an encounter as one with two components."""
    rows = rows.with_columns(owner="patient_id")
    low = rows.filter(pl.col("loinc") == _DIASTOLIC).select(
        "encounter_id", low="value", low_text="description"
    )
    pressures = (
        rows.filter(pl.col("loinc") == _SYSTOLIC)
        .unique("encounter_id", keep="first", maintain_order=True)
        .join(low.unique("encounter_id", keep="first"), on="encounter_id", how="left", maintain_order="left")
    )
    vital = pl.col("loinc").is_in(_VITAL)
    category = pl.when(vital).then(pl.lit("vital-signs")).otherwise(pl.lit("laboratory"))
    others = rows.filter(~pl.col("loinc").is_in([_SYSTOLIC, _DIASTOLIC]))
    single = _observation(
        {"coding": [{"system": f"{_TERMS}observation-category", "code": text(category)}]}
    ) | {
        "code": _coded(_LOINC, "loinc", "description"),
        "valueQuantity": _quantity("value", text("unit")),
    }
    panel = _observation(_concept(f"{_TERMS}observation-category", "vital-signs", "Vital Signs")) | {
        "code": _concept(_LOINC, _PRESSURE, "Blood pressure panel with all children optional"),
        "component": [
            {"code": _coded(_LOINC, "loinc", "description"), "valueQuantity": _quantity("value", text("unit"))},
            {"code": {"coding": [{"system": _LOINC, "code": _DIASTOLIC, "display": text("low_text")}]},
             "valueQuantity": _quantity("low", text(pl.when(pl.col("low").is_not_null()).then(pl.col("unit"))))},
        ],
    }  # fmt: skip
    both = pl.concat([_write(pressures, "observation", panel), _write(others, "observation", single)])
    return both.sort("owner", "number", maintain_order=True)


WRITERS = {
    "patients": write_patients,
    "encounters": write_encounters,
    "conditions": write_conditions,
    "medications": write_medications,
    "observations": write_observations,
}
"""What writes each table, in the order of a bundle."""


def _write(rows: pl.DataFrame, kind: str, template: Mapping[str, Any]) -> pl.DataFrame:
    """Give, for each row, the entry of the bundle, and whose it is."""
    url = f"http://hospital.example/fhir/{template['resourceType']}/{kind}-"
    entry = {"fullUrl": plain(url, "id"), "resource": dict(template)}
    return rows.select("owner", pl.col("id").alias("number")).with_columns(write(entry, rows).alias("json"))


def _observation(category: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": _name("observation", "id"),
        "status": "final",
        "category": [category],
        "subject": _reference("Patient", "patient_id"),
        "encounter": _reference("Encounter", "encounter_id"),
        "effectiveDateTime": instant("at"),
    }


def _name(kind: str, column: str) -> Leaf:
    return plain(f"{kind}-", column)


def _reference(resource: str, column: str) -> dict[str, Any]:
    return {"reference": _name(f"{resource}/{resource.lower()}", column)}


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _coded(system: str, code: str, display: str) -> dict[str, Any]:
    return {
        "coding": [{"system": system, "code": text(code), "display": text(display)}],
        "text": text(display),
    }


def _quantity(value: str, unit: Leaf) -> dict[str, Any]:
    return {"value": number(value), "unit": unit, "system": _UCUM, "code": unit}
