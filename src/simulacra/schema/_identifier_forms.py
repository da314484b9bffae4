"""The forms of what identifies people, as regular expressions, and what each is called."""

from __future__ import annotations

_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Rev|Herr|Frau|Mme|M)\.?"
_WORD = r"\p{L}[\p{L}'’.\-]*"
_CAPITAL = r"\p{Lu}[\p{L}'’.\-]*"

FORMS: dict[str, tuple[str, str]] = {
    "email": (r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$", "they have an @ and a domain"),
    "url": (r"^(https?|ftp)://\S+$|^www\.\S+\.\S+$", "they begin as such"),
    "mac": (
        r"^[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){4}$|^([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}$",
        "they have the form",
    ),
    "ip": (
        r"^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)$|^([0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}$",
        "they have the form",
    ),
    "ssn": (r"^\d{3}-\d{2}-\d{4}$", "they have the form"),
}
"""What is told by its form alone, and why."""

PHONE = r"^\+?[\d][\d\s().\-/]{5,18}\d( ?(x|ext\.?) ?\d+)?$|^\(\+?\d{1,5}\)[\d\s().\-/]{5,16}\d( ?(x|ext\.?) ?\d+)?$"
PHONE_MARKED = (
    r"^(\+\d{7,15}$|\+\d{1,3}[\s(\-]|\(\d{2,5}\)|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4}|"
    r"(\+?1-|001-)?\d{3}-\d{3}-\d{4}x\d+$)"
)
PERSON = rf"^{_CAPITAL}(?:,? (?:{_WORD}|\(.*\)|&))*$|^{_WORD}(?: {_WORD})*$"
TWO_WORDS = rf"^(?:{_TITLE} )?{_CAPITAL}(?:,? {_WORD})*,? {_CAPITAL}(?: \(.*\)?)?$"
ORGANISATION = (
    r"(?i)\b(inc|ltd|llc|gmbh|ag|corp|co|company|airlines?|airways|airport|field|university|college|school|hospital|"
    r"bank|group|hotel|restaurant|cafe|club|church|park|lake|port|mount|fort|saint|st|station|street|road|avenue|city|"
    r"county|association|foundation|services?|systems?|solutions|international|intl|rgnl|muni|s\.?a\.?|s\.?r\.?l\.?)\b"
)
STREET = (
    r"(?i)\b(street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|boulevard|blvd|place|pl|way|terrace|highway|hwy|"
    r"parkway|pkwy|square|close|crescent|gardens|grove|rue|chemin|allée|impasse|quai|calle|avenida|av|plaza|paseo|via|"
    r"viale|piazza|corso|vicolo|rua|travessa|alameda|ul|ulica|aleja|ulice|nám|náměstí|třída|apt|suite|po box|nagar|"
    r"marg)\b"
    r"|(straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|plein|gracht|vägen|gatan|stigen|gränd)\b"
)
STREETS = {
    "en_US": r"(?i)\b(street|st|avenue|ave|drive|dr|boulevard|blvd|parkway|pkwy|highway|apt|suite)\b\.?",
    "en_GB": r"(?i)\b(close|crescent|gardens|grove|mews|lane)\b|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b",
    "de_DE": r"(?i)(straße|strasse|str\.|weg|platz|allee|gasse)\b",
    "fr_FR": r"(?i)\b(rue|chemin|allée|impasse|quai)\b",
    "es_ES": r"(?i)\b(calle|avenida|paseo|plaza|camino)\b",
    "it_IT": r"(?i)\b(via|viale|piazza|corso|vicolo)\b",
    "nl_NL": r"(?i)(straat|laan|plein|gracht|singel)\b",
    "pt_BR": r"(?i)\b(rua|travessa|alameda|praça|estrada)\b",
    "pl_PL": r"(?i)\b(ul|ulica|aleja|al)\b\.?",
    "cs_CZ": r"(?i)\b(ulice|nám|náměstí|třída)\b",
    "sv_SE": r"(?i)(vägen|gatan|stigen|gränd)\b",
    "en_IN": r"(?i)\b(nagar|marg|chowk)\b",
}
LOCALE_OF_DOMAIN = {
    "uk": "en_GB", "de": "de_DE", "at": "de_DE", "ch": "de_DE", "fr": "fr_FR", "es": "es_ES",
    "it": "it_IT", "nl": "nl_NL", "br": "pt_BR", "pt": "pt_BR", "pl": "pl_PL", "cz": "cs_CZ",
    "se": "sv_SE", "in": "en_IN", "us": "en_US",
}  # fmt: skip
NAMES = {
    "address": "postal addresses",
    "address.city": "towns",
    "address.postcode": "postcodes",
    "bic": "codes of banks",
    "card": "numbers of payment cards",
    "email": "e-mail addresses",
    "iban": "bank account numbers",
    "ip": "network addresses",
    "licence": "numbers of driving licences",
    "mac": "hardware addresses",
    "national_id.br": "Brazilian tax numbers (CPF)",
    "national_id.cn": "Chinese resident numbers",
    "national_id.cz": "Czech birth numbers",
    "national_id.de": "German tax numbers",
    "national_id.es": "Spanish identity numbers (DNI, NIE)",
    "national_id.fr": "French social security numbers (NIR)",
    "national_id.gb": "British national insurance numbers",
    "national_id.in": "Indian Aadhaar numbers",
    "national_id.it": "Italian tax codes",
    "national_id.nl": "Dutch citizen numbers (BSN)",
    "national_id.pl": "Polish PESEL numbers",
    "national_id.se": "Swedish personal numbers",
    "passport": "passport numbers",
    "person.first": "first names of people",
    "person.last": "last names of people",
    "person.name": "names of people",
    "phone": "telephone numbers",
    "plate": "number plates",
    "ssn": "US social security numbers",
    "url": "web addresses",
    "username": "user names",
}
