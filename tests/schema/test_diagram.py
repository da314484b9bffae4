"""The picture of a schema: everything stands in it once, nothing overlaps, and any names can be drawn."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as xml
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest

from simulacra.cli import run
from simulacra.schema._diagram_layout import WIDTH, lay_out
from simulacra.schema.diagram import draw_diagram, format_diagram
from simulacra.schema.integrity import check_references
from simulacra.schema.types import Column, Schema, Table

SVG = "{http://www.w3.org/2000/svg}"


def table(name: str, *columns: str) -> Table:
    return Table(
        name, tuple(Column(c, "key", integer=True, nullable=c != "id") for c in ("id", *columns)), ("id",)
    )


def chain(size: int) -> Schema:
    """Tables of which each refers to two earlier ones, one to itself and the first to the last."""
    schema = Schema(tuple(table(f"t{n}", "a", "b", "c") for n in range(size)))
    for n in range(1, size):
        schema = schema.with_reference(f"t{n}", "a", f"t{n // 2}").with_reference(f"t{n}", "b", f"t{n // 3}")
    if size > 1:
        schema = schema.with_reference("t0", "c", f"t{size - 1}").with_reference("t1", "c", "t1")
    return schema


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_every_table_and_reference_is_drawn_once_and_boxes_do_not_overlap(size: int) -> None:
    schema = chain(size)
    root = xml.fromstring(draw_diagram(schema, {f"t{n}": n for n in range(size)}))
    assert len(root.findall(f".//{SVG}rect")) == size
    lines = [path for path in root.iter(f"{SVG}path") if "line" in path.get("class", "")]
    assert len(lines) == sum(len(t.references) for t in schema.tables)
    layout = lay_out(schema)
    for one, other in combinations(layout.boxes.values(), 2):
        beside = abs(one.x - other.x) >= WIDTH
        above = one.y + one.height <= other.y or other.y + other.height <= one.y
        assert beside or above, (one.table.name, other.table.name)
    assert all(b.x >= 0 and b.x + WIDTH <= layout.width for b in layout.boxes.values())
    assert all(b.y >= 0 and b.y + b.height <= layout.height for b in layout.boxes.values())


def test_tables_stand_right_of_what_they_refer_to() -> None:
    schema = Schema((table("c", "b"), table("b", "a"), table("a"), table("alone")))
    schema = schema.with_reference("c", "b", "b").with_reference("b", "a", "a")
    boxes = lay_out(schema).boxes
    assert boxes["a"].x < boxes["b"].x < boxes["c"].x
    assert boxes["alone"].y > max(boxes[name].y for name in "abc")


def test_any_name_can_be_drawn() -> None:
    name = "<b>&\"'\u00e4 " + "x" * 60
    root = xml.fromstring(draw_diagram(Schema((Table(name, (Column("<c>", "key"),), ("<c>",)),))))
    assert name in "".join(root.itertext())


def test_a_circle_without_a_beginning_is_written_and_drawn() -> None:
    schema = (
        Schema((table("x", "y"), table("y", "x"))).with_reference("x", "y", "y").with_reference("y", "x", "x")
    )
    lines = format_diagram(schema).splitlines()
    assert sum(line.lstrip("└─ ").startswith(("x:", "y:")) for line in lines) == 2
    assert sum("->" in line for line in lines) == 2
    assert xml.fromstring(draw_diagram(schema)) is not None


def test_orphans_are_told_in_both() -> None:
    schema = Schema((table("people"), table("pets", "owner"))).with_reference("pets", "owner", "people")
    frames = {"people": pl.DataFrame({"id": [1, 2]}), "pets": pl.DataFrame({"id": [1, 2], "owner": [1, 5]})}
    facts = check_references(frames, schema)
    text = format_diagram(schema, {"people": 2, "pets": 2}, facts)
    assert "owner -> people(id): 0 to 1 row for each, 0.5 in the mean; 1 orphan (50.0 %)" in text
    assert "50.0% orphans" in draw_diagram(schema, None, facts)


# --- the command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop").mkdir()
    pl.DataFrame({"id": range(1, 51), "state": ["OH", "CA"] * 25}).write_csv(tmp_path / "shop/customers.csv")
    orders = pl.DataFrame(
        {
            "order_id": range(1, 201),
            "customer_id": [i % 60 + 1 for i in range(200)],
            "points": [i % 50 + 1 for i in range(200)],
        }
    )
    orders.write_csv(tmp_path / "shop/orders.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_inspect_shows_links_writes_them_and_draws_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", "shop", "-o", "shop.yaml", "--diagram", "shop.svg"]) == 0
    out = capsys.readouterr()
    assert "└─ orders: 200 rows, child, key order_id" in out.out
    assert "orders.customer_id -> customers(id): 50 of 60 values" in out.out
    assert "not in the schema, but possible: orders.points -> customers(id)" in out.err
    assert "references:" in (folder / "shop.yaml").read_text(encoding="utf-8")
    assert re.match(r"<svg .*</svg>\n$", (folder / "shop.svg").read_text(encoding="utf-8"), re.DOTALL)
    assert run(["inspect", "shop", "--schema", "shop.yaml"]) == 0


def test_inspect_gives_facts_and_proposals_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", "shop", "-o", "shop.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (facts,) = told["references"]
    assert (facts["orphans"], facts["first_orphans"][0]) == (30, 51)
    assert "named after the table" in facts["evidence"]
    text = (folder / "shop.yaml").read_text(encoding="utf-8")
    without = re.sub(r"    references:\n(      .*\n)*?(?=    columns:)", "", text)
    without = without.replace("customer_id: {kind: key,", "customer_id: {kind: number,")
    (folder / "shop.yaml").write_text(without, encoding="utf-8")
    assert run(["inspect", "shop", "--schema", "shop.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["references"] == []
    assert "customer_id" in {link["columns"][0] for link in told["proposed_references"]}


def test_inspect_does_not_draw_over_its_data(folder: Path) -> None:
    assert run(["inspect", "shop", "--diagram", "shop.png"]) == 2
    assert run(["inspect", "shop", "--diagram", "nowhere/shop.svg"]) == 2
