"""The command that lists fields."""

from __future__ import annotations

import json

from click.testing import CliRunner

from simulacra.cli import group


def ask(*words: str) -> str:
    done = CliRunner().invoke(group, ["fields", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_fields_are_listed_with_examples() -> None:
    text = ask("person", "--locale", "de_DE")
    assert "person.name" in text and "first and last name" in text and "iban" not in text
    rows = json.loads(ask("--json"))
    assert len(rows) >= 85 and {"name", "summary", "kind", "inputs", "aliases", "values", "example"} == set(
        rows[0]
    )
    assert json.loads(ask("zip", "code", "--json"))[0]["name"] == "address.postcode"


def test_locales_and_methods_of_faker_are_listed() -> None:
    assert "ja_JP" in ask("--locales").split()
    assert "faker.century" in ask("--all", "century")


def test_an_unknown_locale_is_refused() -> None:
    done = CliRunner().invoke(group, ["fields", "--locale", "xx_DE"])
    assert done.exit_code != 0
