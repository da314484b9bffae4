"""What a column's name says of people, in several languages."""

from __future__ import annotations

import unicodedata

from simulacra.schema._names import says_person, says_phone

_WORDS: dict[str, str] = {
    "email": (
        "email mail emailaddress emailaddres mailadresse courriel correo correoelectronico epost emailadres poczta"
    ),
    "phone": (
        "telefon telefono telefone telefoon telephone handy handynummer mobil mobilnummer mobilni mobiele cellulare "
        "celular gsm fon phonenumber mobilephone phoneno telefonnummer telnr teleco tlf numtel"
    ),
    "person.first": (
        "firstname forename vorname prenom givenname fname rufname imie voornaam fornamn primeironome primernombre "
        "krestnijmeno middlename secondname firstnm christianname nombrepila"
    ),
    "person.last": (
        "lastname surname familyname lname nachname familienname nomdefamille nomfamille apellido cognome sobrenome "
        "prijmeni nazwisko achternaam efternamn maidenname geburtsname lastnm primerapellido segundoapellido"
    ),
    "person.name": (
        "fullname personname customername nomcomplet nombrecompleto nomecompleto nomeecognome vollername celejmeno "
        "kundenname nomclient nombrecliente nomecliente cardholder accountholder kontoinhaber titulaire titular "
        "patientname employeename contactname nameoncard beneficiary signatory"
    ),
    "username": (
        "username login loginname userlogin nickname nick screenname handle benutzername benutzer utilisateur "
        "nomutilisateur usuario utente uzivatel uzytkownik gebruikersnaam"
    ),
    "address": (
        "address addres street streetaddress streetaddres addressline strasse anschrift adresse rue direccion calle "
        "indirizzo endereco rua adresa ulice adres ulica adress addr straat gata homeaddress mailingaddress "
        "postaladdress billingaddress shippingaddress straat residence domicilio wohnadresse addressone streetname"
    ),
    "address.city": (
        "city town stadt wohnort ville ciudad citta cidade mesto miasto plaats woonplaats stad comune localidad"
    ),
    "address.postcode": (
        "zip zipcode postcode postalcode postal plz postleitzahl codepostal codigopostal cep psc kodpocztowy"
    ),
    "card": (
        "card cardnumber cardno creditcard creditcardnumber ccnumber ccnum cc pan kreditkarte kreditkartennummer "
        "cartebancaire tarjeta numerotarjeta cartadicredito cartao kartennummer debitcard"
    ),
    "iban": "iban",
    "bic": "bic swift swiftcode biccode swiftbic",
    "ssn": "ssn socialsecurity socialsecuritynumber socialsecuritynum socsec ssnumber",
    "national_id.gb": "nino nationalinsurance nationalinsurancenumber ninumber",
    "national_id.fr": "nir numerosecu secu securitesociale numsecu nss numeross",
    "national_id.de": "steuerid idnr steueridentifikationsnummer steueridnr steuernummer",
    "national_id.es": "dni nie nif documentoidentidad",
    "national_id.it": "codicefiscale codfiscale cf codfisc",
    "national_id.br": "cpf",
    "national_id.cn": "residentid residentidnumber idcard idcardnumber shenfenzheng citizenid",
    "national_id.in": "aadhaar aadhar aadhaarnumber uidai uid",
    "national_id.cz": "rodnecislo rc birthnumber rodcislo",
    "national_id.pl": "pesel",
    "national_id.nl": "bsn burgerservicenummer sofinummer",
    "national_id.se": "personnummer personnr pnr",
    "passport": (
        "passport passportnumber passportno passeport reisepass reisepassnummer pasaporte passaporto passaporte "
        "paspoort numeropasaporte"
    ),
    "licence": (
        "driverslicense driverlicense driverslicence driverlicence drivinglicence drivinglicense licensenumber "
        "fuehrerschein fuhrerschein permisdeconduire permisconduire carnetconducir patente rijbewijs prawojazdy"
    ),
    "plate": (
        "plate licenseplate licenceplate numberplate platenumber plateno kennzeichen kfzkennzeichen immatriculation "
        "matricula targa placa spz kenteken registrationplate vehicleregistration"
    ),
}  # fmt: skip
_BY_NAME: dict[str, str] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_GENERIC = {"name", "person", "author", "nom", "nombre", "nome", "jmeno", "naam", "namn"}
_BIRTH = {
    "dob", "birthdate", "dateofbirth", "birthday", "geburtsdatum", "geburtstag", "datenaissance", "datedenaissance",
    "fechanacimiento", "fechadenacimiento", "datanascita", "datadinascita", "datanascimento", "datadenascimento",
    "datumnarozeni", "dataurodzenia", "geboortedatum", "birthdt", "bornon", "birth", "born",
}  # fmt: skip
_PLACE = {
    "lat", "latitude", "lon", "lng", "long", "longitude", "breitengrad", "laengengrad", "latitud", "longitud",
    "latitudine", "longitudine",
}  # fmt: skip
_NOT_PEOPLE = {
    "product",
    "item",
    "company",
    "brand",
    "file",
    "host",
    "domain",
    "class",
    "city",
    "country",
    "table",
}


def plain_word(word: str) -> str:
    """Write a word without accents.

    Examples
    --------
    >>> plain_word("příjmení"), plain_word("straße")
    ('prijmeni', 'strasse')
    """
    return "".join(
        sign
        for sign in unicodedata.normalize("NFKD", word.replace("ß", "ss"))
        if not unicodedata.combining(sign)
    )


def named_kinds(words: tuple[str, ...]) -> set[str]:
    """List the kinds of identifier that a column's name speaks of.

    Parameters
    ----------
    words : tuple of str
        As `split_name` gives them.

    Examples
    --------
    >>> sorted(named_kinds(("customer", "e", "mail"))), sorted(named_kinds(("vorname",)))
    (['email'], ['person.first'])
    """
    plain = [plain_word(word) for word in words]
    found = {
        _BY_NAME[joined]
        for size in (1, 2, 3, 4)
        for at in range(len(plain) - size + 1)
        if (joined := "".join(plain[at : at + size])) in _BY_NAME
    }
    if says_phone(words):
        found.add("phone")
    if says_person(words) and not {"person.first", "person.last", "username"} & found:
        found.add("person.name")
    return found - {kind for kind in found if kind.startswith("person") and _NOT_PEOPLE & set(plain)}


def says_name(words: tuple[str, ...]) -> bool:
    """Tell whether a name ends in a word for name, of whatever."""
    return bool(words) and plain_word(words[-1]) in _GENERIC and not _NOT_PEOPLE & set(words)


def says_birth(words: tuple[str, ...]) -> bool:
    """Tell whether a name is that of a date of birth."""
    plain = [plain_word(word) for word in words]
    return bool(_BIRTH & {*plain, "".join(plain)})


def says_place(words: tuple[str, ...]) -> bool:
    """Tell whether a name is that of a geographic coordinate."""
    return bool(_PLACE & {plain_word(word) for word in words})
