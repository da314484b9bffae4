"""YAML in and out: the safe part of YAML 1.2, without aliases, where `no` is a word and every key is text."""

from __future__ import annotations

import json
import math
import re
import textwrap
from typing import Any

import yaml

from simulacra.errors import SchemaError

MAX_BYTES = 50 * 2**20
_MAX_DEPTH = 16
_WIDTH = 110
_TEXT_LISTS = {"levels", "key"}
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    (
        "float",
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$",
        list("-+0123456789."),
    ),
)


class _Loader(_Base):
    """A safe loader with the scalars of YAML 1.2: `no`, `on`, 1:30 and 2013-01-01 are text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _tag, _pattern, _starts in _SCALARS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _starts)


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise SchemaError(f"line {line}: a name must be text, not a list or a mapping.")
        key = key_node.value
        if key in result:
            raise SchemaError(f"line {line}: {key!r} stands there twice. Keep one.")
        if key in _TEXT_LISTS and isinstance(value_node, yaml.SequenceNode):
            # levels and keys are text, whatever they look like: [1, 1.50, no]
            items = [
                item.value if isinstance(item, yaml.ScalarNode) else loader.construct_object(item, deep=True)
                for item in value_node.value
            ]
            result[key] = items
        else:
            result[key] = loader.construct_object(value_node, deep=True)
    return result


def _sequence(loader: Any, node: yaml.SequenceNode) -> list[Any]:
    return [loader.construct_object(item, deep=True) for item in node.value]


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    if len(node.value) > 400:
        raise SchemaError(
            f"line {node.start_mark.line + 1}: a number of {len(node.value):,} digits is too long."
        )
    return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _sequence)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def load_yaml(text: str) -> Any:
    """Read YAML text.

    Raises
    ------
    SchemaError
        It is no YAML, or uses aliases, tags of its own, several documents, or nests too deep; with the line.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SchemaError(
            f"the text is longer than {MAX_BYTES // 2**20} MB. A schema is short; is this the right file?"
        )
    try:
        _refuse_tricks(text)
        return yaml.load(text, Loader=_Loader)  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = " ".join((error.problem or error.context or "not YAML").split())
        raise SchemaError(f"{place}not valid YAML ({problem}). Correct this line.") from error
    except yaml.reader.ReaderError as error:
        raise SchemaError(
            "a character that YAML does not allow is in the text. Is this a text file?"
        ) from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, SchemaError):
            raise
        raise SchemaError(f"a value can not be read ({error}). Put it in quotes.") from error


def _refuse_tricks(text: str) -> None:
    """Refuse what a schema never needs before anything is built: aliases explode, nesting overflows."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise SchemaError(
                f"line {line}: aliases (*name) are not allowed in a schema. Write the value again."
            )
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise SchemaError(
                f"line {line}: nested more than {_MAX_DEPTH} deep. A schema is not; is this the right file?"
            )


def write_scalar(value: Any) -> str:
    """Write one value so that YAML 1.1 and 1.2 read the same."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SchemaError("a number in the schema is infinite or not a number. Use a finite one.")
        text = repr(value)
        # YAML 1.1 wants a point and a sign: 1e+20 is text there, 1.0e+20 a number
        if "e" in text:
            digits, _, power = text.partition("e")
            digits = digits if "." in digits else f"{digits}.0"
            text = f"{digits}e{power if power[0] in '+-' else '+' + power}"
        return text
    return _write_text(str(value))


def _write_text(text: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_](?:[\w .+/<>=()-]*[\w.+/<>=()-])?", text)
    if plain and len(text) < 100 and _is_text(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(
        "[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda match: f"\\u{ord(match[0]):04x}",
        quoted,
    )


def _is_text(text: str) -> bool:
    resolvers: tuple[dict[Any, Any], ...] = (
        yaml.SafeLoader.yaml_implicit_resolvers,
        _Loader.yaml_implicit_resolvers,
    )
    for table in resolvers:
        for _, pattern in [*table.get(text[0], ()), *table.get(None, ())]:
            if pattern.match(text):
                return False
    return True


def write_flow(value: Any, indent: int = 0) -> str:
    """Write nested lists and mappings in one line, or wrapped where the line would be too long."""
    if isinstance(value, dict):
        inside = [f"{_write_text(str(key))}: {write_flow(item, indent)}" for key, item in value.items()]
        opening, closing = "{", "}"
    elif isinstance(value, (list, tuple)):
        inside = [write_flow(item, indent) for item in value]
        opening, closing = "[", "]"
    else:
        return write_scalar(value)
    line = ", ".join(inside)
    if len(line) + indent <= _WIDTH:
        return f"{opening}{line}{closing}"
    lines, current = [], ""
    for item in inside:
        if current and len(current) + len(item) + indent + 4 > _WIDTH:
            lines.append(current)
            current = ""
        current += f"{' ' if current else ''}{item},"
    margin = "\n" + " " * (indent + 2)
    return f"{opening}{margin}{margin.join([*lines, current[:-1]])}{closing}"


def write_fields(fields: dict[str, Any], indent: int) -> str:
    """Write a mapping after its name: in one line if it fits, else one field to a line."""
    line = write_flow(fields, 0)
    if "\n" not in line and len(line) + indent <= _WIDTH:
        return f" {line}"
    margin = "\n" + " " * (indent + 2)
    return "".join(
        f"{margin}{_write_text(name)}: {write_flow(item, indent + 2)}" for name, item in fields.items()
    )


def write_comment(text: str, indent: int) -> str:
    """Write a comment, wrapped; line breaks of the text are spaces."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    margin = " " * indent
    return "\n".join(
        textwrap.wrap(clean, _WIDTH, initial_indent=f"{margin}# ", subsequent_indent=f"{margin}#   ")
    )
