"""All fields by name, with the names that people type for them."""

from __future__ import annotations

from functools import cache

import polars as pl

from simulacra.errors import unknown
from simulacra.fakes.vocabulary import FALLBACK
from simulacra.field import Field
from simulacra.fields import contacts, documents, moments, network, people, places, words, work
from simulacra.fields._faker import VERSION, gather, resolve_faker_locale
from simulacra.fields.harvested import PREFIX, Harvested, find_faker, list_offered, write_value
from simulacra.randomness import Streams

_THEMES = (people, contacts, places, work, documents, network, words, moments)

ALIASES: dict[str, str] = {
    "name": "person.name", "full_name": "person.name", "person": "person.name",
    "first": "person.first", "first_name": "person.first", "firstname": "person.first", "given_name": "person.first",
    "last": "person.last", "last_name": "person.last", "lastname": "person.last", "surname": "person.last",
    "family_name": "person.last", "prefix": "person.prefix", "person.title": "person.prefix", "sex": "person.sex",
    "gender": "person.sex", "e-mail": "email", "mail": "email", "email_address": "email", "user": "username",
    "user_name": "username", "login": "username", "telephone": "phone", "phone_number": "phone", "tel": "phone",
    "mobile": "phone", "street": "address.street", "street_address": "address.street", "city": "address.city",
    "town": "address.city", "state": "address.state", "province": "address.state", "region": "address.state",
    "state_abbr": "address.state_code", "state_code": "address.state_code", "zip": "address.postcode",
    "zipcode": "address.postcode", "zip_code": "address.postcode", "postcode": "address.postcode",
    "postal_code": "address.postcode", "country": "address.country", "country_code": "address.country_code",
    "latitude": "address.latitude", "lat": "address.latitude", "longitude": "address.longitude",
    "lon": "address.longitude", "lng": "address.longitude", "house_number": "address.house",
    "company_name": "company", "firm": "company", "catch_phrase": "company.catchphrase", "bs": "company.slogan",
    "company_email": "company.email", "job_title": "job", "occupation": "job", "profession": "job",
    "product_name": "product", "category": "product.category", "car": "vehicle",
    "social_security_number": "ssn", "license_plate": "plate", "licence_plate": "plate", "number_plate": "plate",
    "license": "licence", "driver_license": "licence", "driving_licence": "licence", "drivers_license": "licence",
    "passport_number": "passport", "credit_card": "card", "card_number": "card", "credit_card_number": "card",
    "credit_card_provider": "card.provider", "credit_card_expire": "card.expiry", "expiry": "card.expiry",
    "cvv": "card.code", "cvc": "card.code", "swift": "bic", "vat_id": "tax_id", "ein": "tax_id",
    "ip_address": "ip", "ipv4": "ip", "ip6": "ipv6", "mac_address": "mac", "website": "url", "uri": "url",
    "domain_name": "domain", "hostname": "host", "browser": "user_agent", "guid": "uuid", "uuid4": "uuid",
    "mime_type": "mime", "file_name": "file.name", "filename": "file.name", "file_extension": "file.extension",
    "word": "text.word", "sentence": "text.sentence", "paragraph": "text.paragraph", "text": "text.paragraph",
    "color": "colour", "color_name": "colour", "color.hex": "colour.hex", "hex_color": "colour.hex",
    "currency_code": "currency", "currency_name": "currency.name", "time_zone": "timezone", "isbn13": "isbn",
    "ean13": "ean", "barcode": "ean", "language_name": "language", "language_code": "language.code",
    "birth_date": "birthdate", "date_of_birth": "birthdate", "dob": "birthdate", "timestamp": "datetime",
    "date_time": "datetime", "month_name": "month", "day_of_week": "weekday",
}  # fmt: skip
"""Other names of fields."""


@cache
def _all() -> dict[str, Field]:
    return {field.name: field for theme in _THEMES for field in theme.fields()}


def find_field(name: str) -> Field:
    """Find a field by its name or another one that people type for it.

    Parameters
    ----------
    name : str
        Such as ``"person.first"`` or ``"zip"``, or ``"faker.METHOD"`` for any other method of Faker; capitals do not
        count.

    Raises
    ------
    UnknownName
        There is no such field; the message says the nearest.
    OptionError
        It is a method of Faker whose values could be a real person's, or hang on today's date.

    Examples
    --------
    >>> find_field("zip").name
    'address.postcode'
    """
    wanted = name.strip().casefold().replace(" ", "_")
    known = _all()
    wanted = ALIASES.get(wanted, wanted)
    if wanted in known:
        return known[wanted]
    if wanted.startswith(PREFIX):
        own = ALIASES.get(wanted.removeprefix(PREFIX), wanted.removeprefix(PREFIX))
        return known[own] if own in known else find_faker(wanted)
    raise unknown("field", name, [*known, *ALIASES])


def list_fields(locale: str | None = None) -> list[Field]:
    """List all fields in the order of their themes.

    Parameters
    ----------
    locale : str or None
        With one, the methods of Faker that it has are listed too, as ``faker.METHOD``.

    Examples
    --------
    >>> "person.name" in [field.name for field in list_fields()]
    True
    """
    known = _all()
    if locale is None:
        return list(known.values())
    taken = {*known, *ALIASES}
    more = [method for method in list_offered(resolve_faker_locale(locale)) if method not in taken]
    return [*known.values(), *(find_faker(PREFIX + method) for method in more)]


def tell_version() -> str:
    """Say which vocabularies fields draw from: with another version of Faker a seed gives other values.

    Examples
    --------
    >>> tell_version().startswith("faker ")
    True
    """
    return f"faker {VERSION}"


def show_example(field: Field, locale: str = FALLBACK) -> str:
    """Write one value of a field, always the same one of a locale.

    Examples
    --------
    >>> show_example(find_field("ssn")).startswith("9")
    True
    """
    if isinstance(field, Harvested):
        return write_value(gather(resolve_faker_locale(locale), field.method, 1)[0])
    drawn = field.draw(1, Streams(1).stream("example", field.name), {"locale": locale})
    return str(drawn.values.cast(pl.String)[0])
