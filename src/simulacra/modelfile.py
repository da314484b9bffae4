"""The .sim file: a zip of a manifest, a schema, a state and plain arrays; no pickle, nothing executed when read."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import simulacra
from simulacra.domain import Array
from simulacra.errors import ModelFileError, OptionError
from simulacra.packing import pack, unpack
from simulacra.schema.types import Schema
from simulacra.storage import atomic_path, open_error

FORMAT = 2
"""Version of the file format; files of a later one are refused."""
MOST_BYTES = 4 * 2**30
"""Largest size, unpacked, of a file that is read."""
MOST_MEMBERS = 100_000
SAME_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Parameters
    ----------
    model : str
        Registered name of the generator.
    options : dict
        Its hyperparameters.
    stores_rows : bool
        Whether training rows are inside.
    schema : dict
        As `simulacra.schema.files.dump_schema` gives it.
    state : dict
        Nested dicts and lists of JSON values and arrays.
    notes : tuple of str
        What protection did.
    provenance : dict
        What made the model.
    version : str
        That of simulacra which wrote the file; empty where it is not written yet.
    """

    model: str
    options: dict[str, Any]
    stores_rows: bool
    schema: dict[str, Any]
    state: dict[str, Any]
    notes: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    version: str = ""


def write_model(file: ModelFile, path: Path, *, allow_rows: bool = False) -> Path:
    """Write a model file beside its target and rename it.

    Parameters
    ----------
    file : ModelFile
        What to write.
    path : Path
        Where to.
    allow_rows : bool
        Allow training rows inside.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ModelFileError
        It holds training rows and `allow_rows` is false.
    FileError
        The path can not be written.

    Notes
    -----
    The same model gives the same bytes: members are sorted and carry one fixed date.
    """
    if file.stores_rows and not allow_rows:
        raise ModelFileError(
            f"model {file.model!r} keeps training rows, so its file would give them away. "
            "Save it with allow_rows=True (--allow-rows) only if whoever gets the file may see the data."
        )
    arrays: list[Array] = []
    members: dict[str, bytes] = {
        "schema.json": _json(file.schema),
        "state.json": _json(pack(file.state, arrays)),
    }
    for number, array in enumerate(arrays):
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
        members[f"arrays/{number}.npy"] = buffer.getvalue()
    manifest = {
        "format": FORMAT,
        "simulacra": simulacra.__version__,
        "model": file.model,
        "options": file.options,
        "stores_rows": file.stores_rows,
        "notes": list(file.notes),
        "provenance": file.provenance,
        "members": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
        },
    }
    with atomic_path(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"manifest.json": _json(manifest), **members}.items():
            entry = zipfile.ZipInfo(name, SAME_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=6)
    return path


def read_model(path: Path) -> ModelFile:
    """Read and check a model file.

    Parameters
    ----------
    path : Path
        A file that `write_model` wrote.

    Returns
    -------
    ModelFile
        Its contents, every member checked against its length and SHA-256.

    Raises
    ------
    FileError
        The file can not be opened.
    ModelFileError
        It is no model file, damaged, of a newer format, or larger than a model may be.

    Notes
    -----
    **Privacy**: nothing in the file is executed or unpickled, so a file from a stranger can at worst be refused. The
    checksums find damage, not forgery: they are not a signature.
    """
    if path.is_dir():
        raise ModelFileError(f"{str(path)!r} is a folder, not a model file. Name the .sim file.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ModelFileError(
            f"{path.name!r} is not a simulacra model file, or it is damaged. "
            "Copy it again, or make it with: simulacra fit DATA -o MODEL.sim"
        ) from error
    except OSError as error:
        raise open_error(path, error) from error


def _read(archive: zipfile.ZipFile, path: Path) -> ModelFile:
    infos = {info.filename: info for info in archive.infolist()}
    if "manifest.json" not in infos:
        raise ModelFileError(
            f"{path.name!r} is a zip file, but not of a simulacra model: it has no manifest."
        )
    if len(infos) > MOST_MEMBERS or sum(info.file_size for info in infos.values()) > MOST_BYTES:
        raise ModelFileError(f"{path.name!r} unpacks to more than a model may hold (4 GiB). It was not read.")
    manifest = _parse(_bytes(archive, infos["manifest.json"], path), "manifest.json", path)
    version = manifest.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise ModelFileError(
            f"{path.name!r} has format {version!r}, written by simulacra {manifest.get('simulacra')!r}; "
            f"this one reads up to format {FORMAT}. Upgrade simulacra."
        )
    listed = manifest.get("members")
    if not isinstance(listed, dict) or set(listed) != set(infos) - {"manifest.json"}:
        raise ModelFileError(f"{path.name!r} is damaged: its parts are not those that its manifest lists.")
    data = {}
    for name, facts in listed.items():
        data[name] = _bytes(archive, infos[name], path)
        if hashlib.sha256(data[name]).hexdigest() != facts.get("sha256"):
            raise ModelFileError(
                f"{path.name!r} is damaged: {name!r} is not what was written. Copy it again."
            )
    try:
        arrays = [
            np.load(io.BytesIO(data[f"arrays/{number}.npy"]), allow_pickle=False)
            for number in range(sum(name.startswith("arrays/") for name in data))
        ]
        return ModelFile(
            model=str(manifest["model"]),
            options=dict(manifest["options"]),
            stores_rows=bool(manifest["stores_rows"]),
            schema=_parse(data["schema.json"], "schema.json", path),
            state=unpack(_parse(data["state.json"], "state.json", path), arrays),
            notes=tuple(map(str, manifest["notes"])),
            provenance=dict(manifest["provenance"]),
            version=str(manifest.get("simulacra") or ""),
        )
    except (KeyError, ValueError, TypeError, IndexError, EOFError) as error:
        raise ModelFileError(f"{path.name!r} is damaged: a part of it can not be understood.") from error


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    """Read one member, never more than the directory of the zip says."""
    try:
        with archive.open(info) as member:
            data = member.read(info.file_size + 1)
    except (RuntimeError, zlib.error) as error:
        raise ModelFileError(f"{path.name!r} is damaged: {info.filename!r} can not be unpacked.") from error
    if len(data) != info.file_size:
        raise ModelFileError(f"{path.name!r} is damaged: {info.filename!r} has not the size it should have.")
    return data


def _parse(data: bytes, name: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path.name!r} is damaged: {name!r} is not JSON.") from error
    if not isinstance(value, dict):
        raise ModelFileError(f"{path.name!r} is damaged: {name!r} is not what it should be.")
    return value


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def require_single(model: object) -> None:
    """Refuse a fitted model of several tables, or of a log, where one of a single table is needed.

    Raises
    ------
    OptionError
        It is one; anything that is no fitted model is left to others.

    Examples
    --------
    >>> require_single("adult.sim")
    """
    schema = getattr(model, "schema", None)
    if isinstance(schema, Schema) and len(schema.tables) != 1:
        raise several_tables(schema, log=getattr(model, "log", None) is not None)


def several_tables(schema: Schema, *, log: bool = False) -> OptionError:
    """Say that a model of several tables, or of a log, was given where one of a single table is needed."""
    if log:
        return OptionError(
            f"this is a model of histories ({' and '.join(schema.names)}), and this can be asked of a model of single "
            "rows. Fit the rows without entity= and order= (--entity, --order)."
        )
    names = ", ".join(schema.names)
    return OptionError(
        f"this is a model of {len(schema.tables)} tables ({names}), and this can be asked of a model of one. Fit that "
        f"table alone: data.select({schema.names[-1]!r}) (simulacra fit ... --table {schema.names[-1]})."
    )
