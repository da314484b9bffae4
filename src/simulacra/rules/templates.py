"""Templates: schemas of whole databases that come with the package, to use as they are or to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulacra.errors import unknown
from simulacra.schema._yaml import load_yaml

_FOLDER = Path(__file__).parent / "library"
TEMPLATES = tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))
"""Their names."""


def is_template(name: object) -> bool:
    """Tell whether something is the name of a template.

    Examples
    --------
    >>> is_template("shop"), is_template("shop.yaml")
    (True, False)
    """
    return str(name) in TEMPLATES


def template_text(name: str) -> str:
    """Return the text of a template, with its comments.

    Parameters
    ----------
    name : str
        One of `TEMPLATES`.

    Raises
    ------
    UnknownName
        There is no such template.

    Examples
    --------
    >>> "tables:" in template_text("shop")
    True
    """
    if name not in TEMPLATES:
        raise unknown("template", name, TEMPLATES)
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def read_template(name: str) -> dict[str, Any]:
    """Read a template.

    Examples
    --------
    >>> "customers" in read_template("shop")["tables"]
    True
    """
    content: dict[str, Any] = load_yaml(template_text(name))
    return content


def summarise_template(name: str) -> str:
    """Return the first line of a template: what it is, in a sentence.

    Examples
    --------
    >>> summarise_template("shop").endswith(".")
    True
    """
    return template_text(name).partition("\n")[0].removeprefix("#").strip()
