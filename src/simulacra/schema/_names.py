"""What a column's name says about its values."""

from __future__ import annotations

import re

_KEY = {"id", "key", "uuid", "guid", "identifier", "index", "idx"}
_KEY_LAST = _KEY | {"number", "no", "nr", "num"}
_ENTITIES = (
    "account|client|customer|device|employee|invoice|item|member|order|passenger|patient|person|product|record|row|"
    "sample|session|store|student|subject|ticket|transaction|trip|user"
)
_GLUED = re.compile(rf"^({_ENTITIES})(id|key|no|nr)$")
_CODE_WORDS = (
    "branch browser carrier cat category channel class cluster code country county department dept "
    "district flag gender group kind label method mode outcome plan postal postcode race region sector "
    "segment sex state status store system target type zip zipcode zone"
)
_MEASURE_WORDS = (
    "age amount amt balance count day distance duration height hour income length minute month pct "
    "percent population price qty quantity rate ratio salary score second size sum temperature time "
    "timestamp total value volume week weight width year"
)
_DATES = {"date", "day", "dt", "ymd", "yyyymmdd", "dob"}
_PHONES = {"phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "msisdn"}
_PEOPLE_WORDS = (
    "applicant author client contact customer employee family first full given guest last maiden manager "
    "member middle owner passenger patient person student user"
)
_PERSON_WORDS = {"firstname", "lastname", "fullname", "surname", "forename"}
_CODES = _KEY | set(_CODE_WORDS.split())
_MEASURES = set(_MEASURE_WORDS.split())
_PEOPLE = set(_PEOPLE_WORDS.split())


def split_name(name: str) -> tuple[str, ...]:
    """Split a name into lower-case words in the singular.

    Examples
    --------
    >>> split_name("OperatingSystems")
    ('operating', 'system')
    >>> split_name("ZIP_codes2")
    ('zip', 'code')
    """
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+", name)
    words = []
    for part in parts:
        word = part.lower()
        if len(word) > 3 and word.endswith("s") and not word.endswith("ss") and word != "status":
            word = word[:-1]
        words.append(word)
    return tuple(words)


def says_key(words: tuple[str, ...], *, strict: bool = False) -> bool:
    """Tell whether a name is that of a key; strictly, only ``id``, ``key`` and the like count."""
    if not words:
        return False
    if _KEY & set(words) or any(_GLUED.match(word) for word in words):
        return True
    return not strict and words[-1] in _KEY_LAST


def says_code(words: tuple[str, ...]) -> bool:
    """Tell whether a name is that of a code: a number that is not a quantity."""
    if not words or words[-1] in _MEASURES or words[-1] in {"num", "number", "no", "nr"}:
        return False
    return bool(_CODES & set(words)) or any(_GLUED.match(word) for word in words)


def says_measure(words: tuple[str, ...]) -> bool:
    """Tell whether a name is that of a quantity or of a part of a date."""
    return bool(_MEASURES & set(words))


def says_date(words: tuple[str, ...]) -> bool:
    """Tell whether a name is that of a date."""
    return any(word in _DATES or word.endswith("date") for word in words)


def says_phone(words: tuple[str, ...]) -> bool:
    """Tell whether a name is that of a telephone number."""
    return bool(_PHONES & set(words))


def says_person(words: tuple[str, ...]) -> bool:
    """Tell whether a name is that of people's names."""
    return bool(_PERSON_WORDS & set(words)) or ("name" in words and bool(_PEOPLE & set(words)))
