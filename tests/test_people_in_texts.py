"""Names of people, addresses and numbers in free texts do not come out again; other texts come out as ever."""

import re

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.dataset import dataset
from simulacra.encodings._people import fill_marks, mark_people
from simulacra.encodings.text import Text
from simulacra.fakes.vocabulary import known_words
from simulacra.schema.identifiers import list_names
from simulacra.schema.types import Column

ROWS = 1_200
FIRST = ["Ada", "Quorra", "Zibeth", "Thomas", "Velmo", "Susan", "Mark", "Ixchela", "Grace", "Orwic"]
LAST = ["Brown", "Zorvath", "Quillfen", "Smith", "Vexley", "Taylor", "Drumblat", "Price", "Nuxworth", "Green"]
INVENTED = {
    "Quorra",
    "Zibeth",
    "Velmo",
    "Ixchela",
    "Orwic",
    "Zorvath",
    "Quillfen",
    "Vexley",
    "Drumblat",
    "Nuxworth",
}


def words_of(texts):
    return set(re.findall(r"[^\W\d_]+", " ".join(texts)))


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(5)
    first, last = (rng.choice(names, ROWS).tolist() for names in (FIRST, LAST))
    towns = rng.choice(["Dayton", "Akron", "Canton"], ROWS).tolist()
    ends = rng.choice(
        ["please mark it as done", "it was green and the price is fine", "will pay later this week"], ROWS
    ).tolist()
    notes = [
        f"{f} {g} of {t} called, file {i % 7 + 330}, phone +1 555 010 {i % 5 + 1000}, mail help.desk@firm.com; {e}"
        for i, (f, g, t, e) in enumerate(zip(first, last, towns, ends, strict=True))
    ]
    notes[::4] = [
        f'Mr {g.upper()} wrote: "{f}\'s order is late", {e}'
        for f, g, e in list(zip(first, last, ends, strict=True))[::4]
    ]
    return pl.DataFrame({"first_name": first, "last_name": last, "spend": range(ROWS), "notes": notes})


@pytest.fixture(scope="module")
def drawn(people):
    schema = sim.infer(people)
    table = schema.table()
    assert (table["first_name"].identifying, table["notes"].kind) == ("person.first", "text")
    return sim.fit(people, "independent", schema=schema, seed=3).sample(2_000, seed=4).frame


def test_no_name_of_the_table_is_in_the_texts(drawn):
    found = {word.title() for word in words_of(drawn["notes"])}
    assert not found & INVENTED
    # the fakes have last names of their own, but no invented ones
    assert {"Dayton", "Akron", "Canton", "Called"} <= found


def test_names_that_the_lists_know_are_as_rare_as_among_all_fakes(drawn):
    texts = pl.Series(drawn["notes"].to_list())
    for name in FIRST + LAST:
        if name not in INVENTED:
            assert texts.str.contains(rf"\b{name}\b").mean() < 0.05, name
    names = words_of(drawn["notes"]) & {word.title() for word in known_words("first")["word"]}
    assert len(names) > 100


def test_words_that_only_look_like_names_stay(drawn):
    assert {"mark", "green", "price", "will", "done"} <= words_of(drawn["notes"])


def test_capitals_and_signs_stay(drawn):
    notes = drawn["notes"]
    assert notes.str.contains(r"\b\p{Lu}{3,}\b").any()
    assert notes.str.contains(r"\"\p{Lu}\p{Ll}+'s").any()


def test_numbers_and_addresses_are_made_anew(people, drawn):
    notes = drawn["notes"]
    assert not notes.str.contains("help.desk", literal=True).any()
    assert notes.str.contains(r"\S+@example\.(com|org|net)").any()
    numbers = set(re.findall(r"\d{3,}", " ".join(notes)))
    # six in a thousand are as before by chance
    assert len(numbers) > 300
    assert not notes.str.contains(r"\+1 555 010 100").any()


def test_the_same_seed_gives_the_same_names(people, drawn):
    schema = sim.infer(people)
    again = sim.fit(people, "independent", schema=schema, seed=3).sample(2_000, seed=4).frame
    assert again.equals(drawn)


def test_texts_without_people_are_not_touched():
    texts = [
        "The weather will be fine until Monday 2024-05-01, say May or june",
        "price of a green house",
    ] * 20
    assert mark_people(texts, {}, 5).texts == texts
    assert fill_marks(texts, "en_US", np.random.default_rng(0)) == texts


def test_names_from_the_lists_are_found_without_columns_beside():
    texts = ["Customer Ada Brown asked for the brown Vase", "then Herr Koch wrote to Anna-Lena Quosdorf"] * 20
    marked = mark_people(texts, {}, 5).texts
    assert not words_of(marked) & {"Ada", "Brown", "Koch", "Anna", "Lena", "Quosdorf"}
    assert {"Customer", "brown", "Vase", "Herr", "wrote"} <= words_of(marked)


def test_texts_in_small_letters_hide_names_too():
    marked = mark_people(["ada brown called about zorvath again"] * 20, {"zorvath": "last"}, 5).texts
    assert not words_of(marked) & {"ada", "brown", "zorvath"}
    assert {"called", "about", "again"} <= words_of(marked)


def test_short_texts_keep_no_name():
    column = Column("remark", "text")
    values = pl.Series("remark", [f"call {name} back" for name in FIRST for _ in range(20)])
    told = {name.lower(): "first" for name in FIRST}
    made = Text.fit_beside(values, column, people=told, holders=5)
    drawn = made.decode((np.zeros(200, np.int64),), rng=np.random.default_rng(0))
    assert not words_of(drawn) & INVENTED


def test_names_of_columns_are_listed():
    names = pl.Series(["Maria de la Cruz", "Quorra O'Zorv"])
    assert list_names(names, "person.name") == {
        "cruz": "last",
        "maria": "first",
        "o'zorv": "last",
        "quorra": "first",
    }
    assert list_names(pl.Series(["4111111111111111"]), "card") == {}
    many = pl.Series([f"info.{word}@x.org" for word in ("zorv", "vex", "quil", "orwic", "velmo", "nux")])
    assert "info" not in list_names(many, "email")


def test_a_database_hides_the_names_of_its_people(people):
    customers = people.with_row_index("customer_id").cast({"customer_id": pl.Int64})
    orders = pl.DataFrame({"order_id": range(900), "customer_id": [i % 700 for i in range(900)]})
    model = sim.fit(dataset({"customers": customers, "orders": orders}), "independent", seed=1)
    notes = model.sample(seed=2).frames["customers"]["notes"]
    assert len(notes) > 1_000
    assert not {word.title() for word in words_of(notes)} & INVENTED
