"""A database in two parts: whole entities, no torn reference, the same parts for the same seed."""

from __future__ import annotations

import polars as pl
from shop import SHOP, make_shop

from simulacra.dataset import dataset
from simulacra.lineage import MISSING, ORPHAN, resolve
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Reference, Schema, Table
from simulacra.splitting import split_database


def test_entities_go_with_all_that_belongs_to_them() -> None:
    shop = make_shop(500, 1)
    train, held = split_database(SHOP, shop, 0.2, Streams(0))
    assert (len(train["customers"]), len(held["customers"])) == (400, 100)
    assert set(train["customers"]["customer"]).isdisjoint(held["customers"]["customer"])
    assert train["regions"].equals(shop["regions"])
    assert held["regions"].equals(shop["regions"])
    for name in ("orders", "lines"):
        assert len(train[name]) + len(held[name]) == len(shop[name])
    for part in (train, held):
        rows = resolve(SHOP, part)
        assert all((found != ORPHAN).all() for found in rows.values())
        owners = set(part["customers"]["customer"])
        theirs = shop["orders"].filter(pl.col("customer").is_in(list(owners)))
        assert set(theirs["order"]) <= set(part["orders"]["order"])
    # orders of nobody are drawn by themselves, lines with their orders
    strays = len(held["orders"].filter(pl.col("customer").is_null()))
    assert strays == round(0.2 * shop["orders"]["customer"].null_count())


def test_the_same_seed_gives_the_same_parts() -> None:
    shop = make_shop(100, 1)
    one, again, other = (split_database(SHOP, shop, 0.3, Streams(seed))[1]["orders"] for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_a_dataset_of_several_tables_is_split_so() -> None:
    train, held = dataset(make_shop(100, 1), schema=SHOP).split(0.2, seed=1)
    assert (len(train.polars("customers")), len(held.polars("customers"))) == (80, 20)
    assert held.polars("orders")["customer"].drop_nulls().is_in(held.polars("customers")["customer"]).all()


def _key(name: str, *, nullable: bool = False) -> Column:
    return Column(name, "key", integer=True, nullable=nullable)


def test_shared_parents_stand_in_both_parts_and_those_of_nobody_in_one() -> None:
    schema = Schema(
        (
            Table("accounts", (_key("account"),), ("account",)),
            Table("clients", (_key("client"),), ("client",)),
            Table(
                "holders",
                (_key("account"), _key("client")),
                ("account", "client"),
                references=(Reference("account", "accounts"), Reference("client", "clients")),
                role="link",
            ),
            Table("cards", (_key("account"),), references=(Reference("account", "accounts"),), role="child"),
        )
    )
    frames = {
        "accounts": pl.DataFrame({"account": range(40)}),
        # client 99 holds all accounts, 100 none, the others one each
        "clients": pl.DataFrame({"client": [*range(40), 99, 100]}),
        "holders": pl.DataFrame({"account": [*range(40)] * 2, "client": [*range(40), *[99] * 40]}),
        "cards": pl.DataFrame({"account": [*range(40)] * 3}),
    }
    train, held = split_database(schema, frames, 0.25, Streams(1))
    assert len(held["accounts"]) == 10
    assert set(held["clients"]["client"]) & set(train["clients"]["client"]) == {99}
    assert (100 in held["clients"]["client"].to_list()) != (100 in train["clients"]["client"].to_list())
    for part in (train, held):
        assert all((rows >= 0).all() for rows in resolve(schema, part).values())


def test_rows_that_refer_to_their_own_table_stay_with_their_top_and_rings_end() -> None:
    schema = Schema(
        (
            Table(
                "people",
                (_key("id"), _key("boss", nullable=True)),
                ("id",),
                references=(Reference("boss", "people"),),
            ),
        )
    )
    # ten trees of a chain of 30, and one ring of three
    boss = [None if i % 30 == 0 else i - 1 for i in range(300)] + [302, 300, 301]
    people = pl.DataFrame({"id": range(303), "boss": boss})
    train, held = split_database(schema, {"people": people}, 0.3, Streams(0))
    for part in (train, held):
        rows = resolve(schema, part)["people", 0]
        assert not (rows == ORPHAN).any()
        assert (rows == MISSING).sum() * 30 == part["people"].filter(pl.col("id") < 300).height
    assert not set(train["people"]["id"].filter(train["people"]["id"] < 300)) & set(held["people"]["id"])


def test_orphans_of_one_absent_parent_stay_together() -> None:
    schema = Schema(
        (
            Table("planes", (_key("tail"),), ("tail",)),
            Table("flights", (_key("tail"),), references=(Reference("tail", "planes"),), role="child"),
        )
    )
    frames = {
        "planes": pl.DataFrame({"tail": range(20)}),
        "flights": pl.DataFrame({"tail": [t for t in range(60) for _ in range(5)]}),
    }
    train, held = split_database(schema, frames, 0.25, Streams(0))
    assert set(train["flights"]["tail"]).isdisjoint(held["flights"]["tail"])
    assert len(train["flights"]) + len(held["flights"]) == 300
    # 40 absent planes: 10 of them are away
    assert len(set(held["flights"]["tail"]) - set(range(20))) == 10
