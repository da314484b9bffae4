"""What `sample` and `verify` say of parts and of workbooks, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import simulacra as sim
from simulacra.cli import group
from simulacra.errors import DataError, OptionError

RULES = """
tables:
  customers:
    rows: 30
    columns:
      id: sequence
      sex: {choice: {F: 0.5, M: 0.5}}
      born: {uniform: [1940-01-01, 2005-12-31]}
      group: {formula: "case when sex = 'F' then 'one' else 'two' end", kind: category}
  orders:
    columns:
      id: {sequence: 1001}
      customer_id: {reference: {to: customers, children: {poisson: 3}}}
      amount: {lognormal: [25, 0.9], decimals: 2}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(RULES)
    return path


def run(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(group, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def test_several_tables_are_the_sheets_of_a_workbook(rules: Path, tmp_path: Path) -> None:
    whole = sim.load(rules).sample(seed=1)
    book = tmp_path / "shop.xlsx"
    run("sample", rules, "--seed", 1, "-o", book)
    for name, frame in whole.frames.items():
        assert sim.read(f"{book}#{name}").frame.rows() == frame.rows()
    first = book.read_bytes()
    whole.write(book)
    assert book.read_bytes() == first


def test_a_table_whose_name_is_that_of_no_sheet_is_refused(tmp_path: Path) -> None:
    frame = sim.read({"a/b": _frame(), "c": _frame()})
    with pytest.raises(DataError, match="'a/b' can not be a sheet of that name"):
        frame.write(tmp_path / "book.xlsx")
    assert not list(tmp_path.iterdir())


def _frame() -> object:
    return sim.generate({"id": "sequence"}, 3, seed=1).frame


def test_a_folder_of_workbooks_is_written_at_once(rules: Path, tmp_path: Path) -> None:
    run("sample", rules, "--seed", 1, "--format", "xlsx", "-o", tmp_path / "shop")
    assert {path.name for path in (tmp_path / "shop").iterdir()} == {
        "customers.xlsx",
        "orders.xlsx",
        "schema.yaml",
    }


def test_the_digest_of_the_whole_is_told(rules: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    digest = json.loads(run("sample", rules, "--seed", 1, "-o", folder, "--json").stdout)["sha256"]
    assert len(digest) == 64
    line = f"digest {digest}"
    assert line in run("sample", rules, "--seed", 1, "-o", tmp_path / "other").stderr.splitlines()
    assert line in run("verify", folder).stderr.splitlines()
    assert json.loads(run("verify", folder, "--json").stdout)["digest"] == digest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--workers", 0), "whole number from 1, not 0"),
        (("--memory", 1), "Give an amount such as '1GB'"),
        (("--partition", "nothing"), "there is id, sex, born, group, customer_id, amount."),
    ],
)
def test_options_that_can_not_be_kept_are_refused(
    words: tuple[object, ...], told: str, rules: Path, tmp_path: Path
) -> None:
    refused = run("sample", rules, "-o", tmp_path / "shop", *words, code=1).exception
    assert isinstance(refused, OptionError)
    assert told in str(refused)
    assert not (tmp_path / "shop").exists()


def test_parts_read_back_as_their_schema_says(rules: Path, tmp_path: Path) -> None:
    run("sample", rules, "--seed", 1, "-o", tmp_path / "shop")
    back = sim.read(tmp_path / "shop")
    kinds = {column.name: column.kind for column in back.schema.table("customers").columns}
    assert kinds == {"id": "key", "sex": "category", "born": "date", "group": "category"}
    whole = sim.load(rules).sample(seed=1)
    assert back.digest == whole.digest
