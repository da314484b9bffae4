"""The .sim file: the same bytes, no pickle, and one clear error for whatever is not one."""

import io
import json
import zipfile

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import FileError, ModelFileError
from simulacra.modelfile import FORMAT


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    n = 600
    frame = pl.DataFrame({
        "n": rng.integers(0, 50, n), "x": rng.normal(size=n), "c": rng.choice(["a", "b", "c"], n),
        "flag": rng.random(n) < 0.3, "when": pl.Series(rng.integers(0, 10**9, n) * 10**6).cast(pl.Datetime("us")),
        "name": [f"Name{i} Family" for i in range(n)],
    }).with_columns(pl.when(pl.col("n") > 40).then(None).otherwise(pl.col("x")).alias("x"))  # fmt: skip
    return sim.fit(frame, "trees", seed=4)


@pytest.fixture
def path(fitted, tmp_path):
    return fitted.save(tmp_path / "m.sim")


def test_a_loaded_model_draws_the_same_bytes(fitted, path):
    assert sim.load(path).sample(500, seed=9).digest == fitted.sample(500, seed=9).digest


def test_saving_twice_gives_the_same_bytes(fitted, path, tmp_path):
    again = sim.load(path).save(tmp_path / "again.sim")
    assert path.read_bytes() == again.read_bytes()


def test_nothing_in_it_is_a_pickle(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            assert name.endswith((".json", ".npy"))
            if name.endswith(".npy"):
                np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


def rewrite(path, change):
    """Write the zip again with some members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def edit_manifest(**facts):
    def change(members):
        manifest = json.loads(members["manifest.json"])
        members["manifest.json"] = json.dumps(manifest | facts).encode()

    return change


def flip(members):
    name = next(n for n in members if n.endswith(".npy"))
    members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip, "damaged"),
        (edit_manifest(format=FORMAT + 1), "Upgrade"),
        (edit_manifest(members={}), "not those that its manifest lists"),
        (lambda members: members.pop("manifest.json"), "no manifest"),
        (lambda members: members.update({"extra.npy": b"x"}), "not those"),
        (lambda members: members.update({"manifest.json": b"[" * 100_000}), "not JSON"),
        (edit_manifest(model="nothing"), "no model named 'nothing'"),
    ],
)
def test_damaged_newer_and_hostile_files_get_one_clear_error(path, change, words):
    rewrite(path, change)
    with pytest.raises((ModelFileError, sim.errors.UnknownName), match=words):
        sim.load(path)


def test_a_truncated_file_is_refused_wherever_it_is_cut(path):
    data = path.read_bytes()
    for cut in range(0, len(data) - 1, max(len(data) // 40, 1)):
        path.write_bytes(data[:cut])
        with pytest.raises(ModelFileError):
            sim.load(path)


def test_a_file_that_unpacks_to_too_much_is_not_read(path, monkeypatch):
    monkeypatch.setattr("simulacra.modelfile.MOST_BYTES", 100)
    with pytest.raises(ModelFileError, match="more than a model may hold"):
        sim.load(path)


def test_other_files_and_folders_are_refused(tmp_path):
    other = tmp_path / "x.sim"
    other.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(ModelFileError, match="not a simulacra model"):
        sim.load(other)
    with pytest.raises(ModelFileError, match="folder"):
        sim.load(tmp_path)
    with pytest.raises(FileError, match=r"y\.sim"):
        sim.load(tmp_path / "y.sim")


def test_state_that_does_not_fit_its_schema_is_one_clear_error(path):
    def change(members):
        import hashlib

        state = json.loads(members["state.json"])
        state["encodings"].pop("n")
        members["state.json"] = json.dumps(state).encode()
        manifest = json.loads(members["manifest.json"])
        manifest["members"]["state.json"]["sha256"] = hashlib.sha256(members["state.json"]).hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()

    rewrite(path, change)
    with pytest.raises(ModelFileError, match="does not fit its schema"):
        sim.load(path)


def test_a_state_of_another_version_is_said_to_be_one(path):
    def change(members):
        import hashlib

        state = json.loads(members["state.json"])
        state["encodings"].pop("n")
        members["state.json"] = json.dumps(state).encode()
        manifest = json.loads(members["manifest.json"])
        manifest["simulacra"] = "99.1"
        manifest["members"]["state.json"]["sha256"] = hashlib.sha256(members["state.json"]).hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()

    rewrite(path, change)
    with pytest.raises(
        ModelFileError, match=r"was written by simulacra 99\.1, and simulacra .* can not read"
    ):
        sim.load(path)
