"""What sample asks of a model of several tables, and where its rows go."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulacra.cli._console import print_json, progress, say, tell
from simulacra.cli._places import require_free
from simulacra.databases.deposit import Deposit
from simulacra.databases.urls import conceal_url, is_database
from simulacra.dataset import Dataset
from simulacra.errors import FileError, OptionError, unknown
from simulacra.filing import source_for, write_csv
from simulacra.storage import require_writable

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


def require_target(output: str, model: str, form: str | None) -> None:
    """Refuse a target that can not be written, before anything is drawn."""
    if "://" in output and not is_database(output):
        raise OptionError(
            f"-o {output.partition('://')[0]}://... is no database that can be written. Use postgresql://, mysql://, "
            "sqlite:/// or duckdb:///, or name a folder."
        )
    if is_database(output):
        if form is not None:
            raise OptionError("--format is for the files of a folder, and -o names a database. Leave it out.")
        if "://" not in output:
            require_writable(output, inputs=[model])
        return
    path = Path(output)
    if form is not None:
        source_for(f"table.{form.lstrip('.')}")
    if path.suffix.lower() == ".sql" or (path.suffix and form is None):
        require_writable(output, inputs=[model])
    elif path.exists() and not path.is_dir():
        raise FileError(f"-o {output!r} is a file, and several tables go to a folder. Name a folder.")
    elif not path.resolve().parent.is_dir():
        raise FileError(
            f"the folder {str(path.parent)!r} for -o {output!r} is not there. Make it, or name another."
        )


def require_folder(
    output: str | None, form: str | None, tables: Sequence[str], if_exists: str = "replace"
) -> None:
    """Refuse a target that holds one table only where there are several, or what may not be replaced."""
    names, many = ", ".join(tables), len(tables) > 1
    if output is None and not many:
        return
    if output is None:
        raise OptionError(
            f"this model has {len(tables)} tables ({names}), and stdout takes the rows of one. Name a folder, a "
            "database URL, or a .sql or .xlsx file with -o."
        )
    suffix = Path(output).suffix.lower()
    if many and suffix and form is None and suffix not in {".sql", ".xlsx"} and not is_database(output):
        raise OptionError(
            f"this model has {len(tables)} tables ({names}), and {output!r} is a file of one. Name a folder (with "
            f"--format {suffix[1:]} for such files), a database URL, or a .sql or .xlsx file with -o."
        )
    require_free(output, tables, if_exists)


def read_sizes(texts: Sequence[str], tables: Sequence[str]) -> int | dict[str, int] | None:
    """Read ``1000``, or ``customers=1000`` once or more.

    Examples
    --------
    >>> read_sizes(["1_000"], []), read_sizes(["a=3", "b=4"], ["a", "b"]), read_sizes([], [])
    (1000, {'a': 3, 'b': 4}, None)
    """
    if not texts:
        return None
    sizes: dict[str, int] = {}
    for text in texts:
        table, sign, number = text.rpartition("=")
        if sign and table not in tables:
            raise unknown("table", table, tables)
        if not re.fullmatch(r"\d[\d_]*", number.strip()):
            form = "a whole number from 0" if not sign else "TABLE=ROWS with a whole number from 0"
            raise OptionError(f"-n takes {form}, not {text!r}.")
        if table in sizes:
            whose = f"for {table!r} " if sign else ""
            raise OptionError(f"-n is given twice {whose}({sizes[table]} and {number}). Give it once.")
        sizes[table] = int(number)
    if "" not in sizes:
        return sizes
    if len(sizes) > 1:
        raise OptionError("-n is given with and without a table. Give TABLE=ROWS for each of them.")
    return sizes[""]


def read_conditions(
    texts: Sequence[str], tables: Sequence[str], default: str | None = None
) -> dict[str, str] | None:
    """Read ``customers: state = 'OH'``, once or more; several on one table must all hold.

    What names no table is about the rows of a log, which is the one table that a user knows of.

    Examples
    --------
    >>> read_conditions(["a: x > 1", "a: y = 'b:c'"], ["a"])
    {'a': "(x > 1) and (y = 'b:c')"}
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        table = next((name for name in tables if re.match(rf"{re.escape(name)}\s*:", text)), None)
        if table is None and default is not None:
            table, text = default, f"{default}: {text}"
        if table is None:
            raise OptionError(
                f"--where names a table of this model first, as in \"{tables[0]}: COLUMN = 'VALUE'\", and {text!r} "
                f"does not. Tables: {', '.join(tables)}."
            )
        found.setdefault(table, []).append(text[len(table) :].lstrip()[1:].strip())
    joined = {
        table: said[0] if len(said) == 1 else " and ".join(f"({one})" for one in said)
        for table, said in found.items()
    }
    return joined or None


def draw_database(
    fitted: DatabaseSynthesizer,
    *,
    rows: Sequence[str],
    scale: float | None,
    where: Sequence[str],
    seed: int | None,
    quiet: bool,
    **begun: Any,
) -> Dataset:
    """Draw the tables that the options ask for, from rows that are there already if there are any."""
    names = fitted.schema.names
    asked: dict[str, Any] = {}
    conditions = read_conditions(where, names, names[-1] if fitted.log is not None else None)
    if conditions is not None:
        asked["where"] = conditions
    sizes = read_sizes(rows, names)
    if sizes is not None and scale is not None:
        raise OptionError("-n and --scale both say how many rows. Give one of them.")
    if isinstance(sizes, int) and len(fitted.roots) > 1:
        raise OptionError(
            f"this model has {len(fitted.roots)} tables whose rows belong to no other's: {', '.join(fitted.roots)}. "
            f"Say which: -n {fitted.roots[0]}={sizes}, or --scale 2 for twice as many of all."
        )
    with progress("drawing", quiet=quiet) as report:
        return fitted.sample(sizes, scale=scale, seed=seed, progress=report, **asked, **begun)


def put(
    drawn: Dataset, output: str, *, form: str | None, if_exists: Any, dialect: str | None
) -> tuple[str, ...]:
    """Write what was drawn, and return what is to be told about it."""
    written = drawn.write(output, format=form, if_exists=if_exists, dialect=dialect)
    return written.notes if isinstance(written, Deposit) else ()


def summarise(
    drawn: Dataset, output: str | None, notes: Sequence[str], start: float, *, as_json: bool, quiet: bool
) -> None:
    """Tell what was drawn, and where it is."""
    took = round(time.perf_counter() - start, 2)
    place = None if output is None else conceal_url(output)
    if as_json:
        counts: Mapping[str, int] = {name: len(frame) for name, frame in drawn.frames.items()}
        facts = {"rows": len(drawn), "tables": counts, "file": place, "sha256": drawn.digest, "seconds": took}
        print_json({**facts, "notes": list(notes)})
    elif not quiet:
        tell(list(notes))
        tables = f" of {len(drawn.frames)} tables" if len(drawn.frames) > 1 else ""
        if len(drawn.frames) > 1:
            for name, frame in drawn.frames.items():
                say(f"  {name}: {len(frame):,} rows")
        say(f"drew {len(drawn):,} rows{tables} in {took:.1f} s" + (f"; wrote {place}" if place else ""))


def refuse(fitted: DatabaseSynthesizer, options: Mapping[str, Any]) -> None:
    """Say which options ask something of one table only."""
    given = [f"--{name}" for name, value in options.items() if value]
    if given:
        kind = "histories" if fitted.log is not None else f"{len(fitted.schema.tables)} tables"
        raise OptionError(
            f"{' and '.join(given)} can be asked of a model of one table, and this is one of {kind}. Leave it out; "
            'for a database, --where "TABLE: CONDITION" and -n TABLE=ROWS say what is wanted.'
        )


def refuse_rules(where: Sequence[str], shares: Mapping[str, Sequence[str]]) -> None:
    """Refuse what rules can not be asked for: they are changed instead."""
    asked = next((name for name, values in {"where": where, **shares}.items() if values), None)
    if asked is not None:
        raise OptionError(f"--{asked} is for models that are learnt. Change the rule of the column instead.")


def give_out(
    drawn: Dataset, output: str | None, how: Mapping[str, Any], start: float, *, as_json: bool, quiet: bool
) -> None:
    """Write all tables where they go, the only one to stdout where nothing is named, and say what was done."""
    notes = drawn.notes
    if output is not None:
        notes += put(drawn, output, **how)
    else:
        write_csv(iter([drawn.polars()]), sys.stdout, drawn.schema.table())
    summarise(drawn, output, notes, start, as_json=as_json, quiet=quiet)
