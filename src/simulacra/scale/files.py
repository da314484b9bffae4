"""Parts as files: in a folder or an object store, with a plan beside them until a manifest takes its place."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from simulacra._filing_parts import KIND
from simulacra.errors import FileError
from simulacra.filing import SCHEMA_FILE
from simulacra.scale.digest import digest_unit
from simulacra.scale.formats import bare_table, encode, part_by
from simulacra.scale.manifest import MANIFEST_FILE, File, Manifest, Record, Units, write_manifest
from simulacra.scale.plan import PLAN_FILE, RECORDS, Part, Plan, folder_name
from simulacra.scale.store import Store
from simulacra.scale.target import IfExists, Target
from simulacra.schema.files import format_schema
from simulacra.schema.types import Schema

_OURS = re.compile(r"(^|/)part-\d+\.[a-z.]+$|^_simulacra/")


class Files(Target):
    """Files in a store.

    Parameters
    ----------
    schema : Schema
        The tables.
    store : Store
        Where the files go.
    """

    def __init__(self, schema: Schema, store: Store) -> None:
        super().__init__(schema, store.place)
        self.store = store
        self.shared = store.shared

    def begin(self, plan: Plan, if_exists: IfExists, *, check: bool) -> tuple[Plan, list[Record]]:
        """Make the folder, or go on with the run that it holds; see `Target.begin`."""
        self.store.prepare()
        self.store.tidy()
        sizes = self.store.sizes()
        found = self._find(sizes)
        if found is not None and _is_replanned(found, plan, if_exists):
            self._clear(sizes)
            self.store.put(PLAN_FILE, plan.to_bytes())
            return plan, []
        if found is not None and if_exists != "replace":
            old, records = found
            self._require_same(old, plan, if_exists)
            kept = [record for record in records if self._is_whole(record, sizes, check)]
            if MANIFEST_FILE in sizes and len(kept) < len(records):
                self._reopen(old, kept)
            return old, kept
        strangers = [name for name in sorted(sizes) if not _OURS.search(name) and name != SCHEMA_FILE]
        if found is None and (strangers or (sizes and if_exists != "replace")):
            # what a run that was replacing another one has left is taken away by the next that does so
            named = strangers or sorted(sizes)
            shown = ", ".join(map(repr, named[:3])) + (", ..." if len(named) > 3 else "")
            raise FileError(
                f"folder {self.place!r} holds other files ({shown}), and parts go to a folder of their own. Name a new "
                "one, or empty it."
            )
        self._clear(sizes)
        self.store.put(PLAN_FILE, plan.to_bytes())
        return plan, []

    def _find(self, sizes: Mapping[str, int]) -> tuple[Plan, list[Record]] | None:
        """Return what is there of a run, finished or not."""
        if MANIFEST_FILE in sizes:
            content = self._json(MANIFEST_FILE)
            if content.get("kind") != KIND:
                return None
            manifest = Manifest.load(content, self.place)
            return manifest.plan, list(manifest.records)
        if PLAN_FILE not in sizes:
            return None
        plan = Plan.load(self._json(PLAN_FILE), self.place)
        names = sorted(name for name in sizes if name.startswith(RECORDS))
        contents = zip(names, self.store.read_all(names), strict=True)
        return plan, [Record.load(self._parse(name, data)) for name, data in contents]

    def _json(self, name: str) -> Any:
        return self._parse(name, self.store.read(name))

    def _parse(self, name: str, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise FileError(
                f"{name!r} in {self.place!r} is damaged. Start anew: if_exists='replace' (--if-exists replace)."
            ) from error

    def _require_same(self, old: Plan, new: Plan, if_exists: IfExists) -> None:
        """Refuse to go on with another job, or in another format."""
        advice = "Say if_exists='replace' (--if-exists replace), or name another folder."
        if if_exists == "error":
            raise FileError(f"folder {self.place!r} holds parts already; nothing was changed. {advice}")
        if old.identity != new.identity:
            raise FileError(
                f"folder {self.place!r} holds parts of other rows: another model, request, seed or version made them. "
                f"{advice}"
            )
        if (old.form, dict(old.partition)) != (new.form, dict(new.partition)):
            how = (
                f" parted by {', '.join(c for p in old.partition.values() for c in p)}"
                if old.partition
                else ""
            )
            raise FileError(f"folder {self.place!r} holds these rows as {old.form}{how}. {advice}")

    def _is_whole(self, record: Record, sizes: Mapping[str, int], check: bool) -> bool:
        """Tell whether all files of a part are there as they were written."""
        if any(sizes.get(file.name) != file.bytes for file in record.files):
            return False
        return not check or all(
            hashlib.sha256(self.store.read(file.name)).hexdigest() == file.sha256 for file in record.files
        )

    def _reopen(self, plan: Plan, kept: Sequence[Record]) -> None:
        """Turn a finished folder of which parts are gone into one that is not finished."""
        for record in kept:
            self.store.put(record.name, record.to_bytes())
        self.store.put(PLAN_FILE, plan.to_bytes())
        self.store.remove(MANIFEST_FILE)

    def _clear(self, sizes: Mapping[str, int]) -> None:
        """Take away an older run, its manifest first: that one never names what is not there."""
        for name in (MANIFEST_FILE, PLAN_FILE, SCHEMA_FILE):
            if name in sizes:
                self.store.remove(name)
        self.store.remove_all(name for name in sizes if _OURS.search(name))

    def save(
        self, plan: Plan, part: Part, frames: Mapping[str, Sequence[pl.DataFrame]], units: Mapping[str, Units]
    ) -> Record:
        """Write the files of a part, and then its record."""
        files: list[File] = []
        size = 0
        for name in units:
            size += sum(int(frame.estimated_size()) for frame in frames[name])
            files += self._write_table(plan, part, name, frames[name])
        record = Record(part.group, part.number, part.first, units, tuple(files), size)
        self.store.put(record.name, record.to_bytes())
        return record

    def _write_table(self, plan: Plan, part: Part, name: str, frames: Sequence[pl.DataFrame]) -> list[File]:
        table = self.schema.table(name)
        folder = f"{folder_name(name)}/" if len(self.schema.tables) > 1 else ""
        columns = plan.partition.get(name, ())
        if not columns or not any(map(len, frames)):
            return [self._write(table.name, f"{folder}{part.name}.{plan.form}", frames, plan.form)]
        written = []
        for values, rows in part_by(pl.concat(frames), table, columns):
            file = self._write(name, f"{folder}{values}{part.name}.{plan.form}", [rows], plan.form)
            written.append(replace(file, values=digest_unit(rows, bare_table(table, columns))))
        return written

    def _write(self, table: str, name: str, frames: Sequence[pl.DataFrame], form: str) -> File:
        data = encode(frames, self.schema.table(table), form)
        self.store.put(name, data)
        rows = sum(map(len, frames))
        return File(table, name, rows, len(data), hashlib.sha256(data).hexdigest())

    def finish(self, manifest: Manifest) -> Manifest:
        """Write schema and manifest, and remove plan and records."""
        self.store.put(SCHEMA_FILE, format_schema(self.schema).encode())
        self.store.put(MANIFEST_FILE, write_manifest(manifest))
        self.store.remove_all(record.name for record in manifest.records)
        self.store.remove(PLAN_FILE)
        return manifest


def _is_replanned(found: tuple[Plan, Sequence[Record]], new: Plan, if_exists: IfExists) -> bool:
    """Tell whether the same rows were to be parted otherwise, and no part of them was finished."""
    old, records = found
    same = (old.form, dict(old.partition)) == (new.form, dict(new.partition))
    return if_exists == "resume" and not records and not same and old.identity == new.identity
