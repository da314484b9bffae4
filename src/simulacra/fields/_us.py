"""Towns of the United States by state, so that town, state and postcode of a row agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.fields._faker import provider_of
from simulacra.fields._grammar import by_code
from simulacra.fields._words import Codes, Words

_POSTCODES = 50
_TOWNS = {
    "AL": "Birmingham, Huntsville, Mobile, Montgomery, Tuscaloosa", "AK": "Anchorage, Fairbanks, Juneau",
    "AZ": "Glendale, Mesa, Phoenix, Scottsdale, Tempe, Tucson", "AR": "Fayetteville, Fort Smith, Little Rock",
    "CA": "Anaheim, Bakersfield, Burbank, Fresno, Long Beach, Los Angeles, Modesto, Oakland, Pasadena, Riverside, "
    "Sacramento, San Diego, San Francisco, San Jose, Santa Ana, Stockton",
    "CO": "Aurora, Boulder, Colorado Springs, Denver, Pueblo", "CT": "Bridgeport, Hartford, New Haven, Stamford",
    "DE": "Dover, Wilmington", "DC": "Washington",
    "FL": "Gainesville, Jacksonville, Miami, Orlando, Pensacola, Tallahassee, Tampa", "GA": "Athens, Atlanta, Augusta, "
    "Macon, Savannah",
    "HI": "Hilo, Honolulu", "ID": "Boise, Idaho Falls, Nampa", "IL": "Chicago, Joliet, Naperville, Peoria, Rockford, "
    "Springfield",
    "IN": "Evansville, Fort Wayne, Indianapolis, South Bend", "IA": "Cedar Rapids, Davenport, Des Moines",
    "KS": "Lawrence, Topeka, Wichita", "KY": "Bowling Green, Lexington, Louisville",
    "LA": "Baton Rouge, Lafayette, New Orleans, Shreveport", "ME": "Bangor, Lewiston, Portland",
    "MD": "Annapolis, Baltimore, Frederick", "MA": "Boston, Cambridge, Lowell, Worcester",
    "MI": "Ann Arbor, Detroit, Flint, Grand Rapids, Lansing", "MN": "Duluth, Minneapolis, Rochester, Saint Paul",
    "MS": "Biloxi, Gulfport, Jackson", "MO": "Kansas City, Saint Louis", "MT": "Billings, Bozeman, Missoula",
    "NE": "Lincoln, Omaha", "NV": "Henderson, Las Vegas, Reno", "NH": "Concord, Manchester, Nashua",
    "NJ": "Jersey City, Newark, Paterson, Trenton", "NM": "Albuquerque, Las Cruces, Santa Fe",
    "NY": "Albany, Buffalo, New York, Syracuse, Yonkers", "NC": "Charlotte, Durham, Greensboro, Raleigh",
    "ND": "Bismarck, Fargo, Grand Forks", "OH": "Akron, Cincinnati, Cleveland, Columbus, Dayton, Toledo",
    "OK": "Norman, Oklahoma City, Tulsa", "OR": "Bend, Eugene, Salem",
    "PA": "Allentown, Erie, Philadelphia, Pittsburgh",
    "RI": "Cranston, Providence, Warwick", "SC": "Charleston, Columbia, Greenville", "SD": "Rapid City, Sioux Falls",
    "TN": "Chattanooga, Knoxville, Memphis, Nashville",
    "TX": "Amarillo, Arlington, Austin, Dallas, El Paso, Fort Worth, Garland, Houston, Irving, Laredo, Lubbock, Plano, "
    "San Antonio, Waco",
    "UT": "Ogden, Provo, Salt Lake City", "VT": "Burlington, Montpelier, Rutland",
    "VA": "Norfolk, Richmond, Virginia Beach", "WA": "Bellevue, Seattle, Spokane, Tacoma",
    "WV": "Huntington, Morgantown, Wheeling", "WI": "Green Bay, Madison, Milwaukee", "WY": "Casper, Cheyenne, Laramie",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Union:
    """States with their towns and postcodes.

    Parameters
    ----------
    codes, names : Words
        The states in two letters, and in full.
    towns : Words
        All towns.
    state : array
        The state of each town.
    ranges : array
        The first and the last postcode of each state.
    """

    codes: Words
    names: Words
    towns: Words
    state: Codes
    ranges: npt.NDArray[Any]

    @cached_property
    def places(self) -> Words:
        """Towns with their state and some of its postcodes: ``Austin, TX 75503``."""
        lines = []
        for town, state in zip(self.towns.texts, self.state):
            low, high = self.ranges[state]
            codes = np.unique(np.linspace(low, high, _POSTCODES).astype(np.int64))
            lines += [f"{town}, {self.codes.texts[state]} {code:05d}" for code in codes]
        return Words(tuple(lines))

    def find_states(self, texts: pl.Series, towns: bool, rng: np.random.Generator) -> Codes:
        """Find the state of each text: a town, or a state in full or in two letters; any state for what is none."""
        if towns:
            known = {text.casefold(): int(place) for text, place in zip(self.towns.texts, self.state)}
        else:
            known = {text.casefold(): place for place, text in enumerate(self.names.texts)}
            known |= {text.casefold(): place for place, text in enumerate(self.codes.texts)}
        different = texts.cast(pl.String).unique(maintain_order=True).drop_nulls()
        told = [known.get(text.strip().casefold(), len(self.codes)) for text in different]
        codes = texts.cast(pl.String).replace_strict(
            different, told, default=len(self.codes), return_dtype=pl.UInt32
        )
        found = codes.to_numpy()
        return np.where(found < len(self.codes), found, self.state[self.towns.draw(len(texts), rng)])

    def draw_towns(self, states: Codes, rng: np.random.Generator) -> pl.Series:
        """Draw a town of each state."""

        def draw(code: int, mine: Codes) -> pl.Series:
            own = np.flatnonzero(self.state == code)
            return self.towns.series.gather(own[rng.integers(len(own), size=len(mine))])

        return by_code(states, len(self.codes), draw)

    def draw_postcodes(self, states: Codes, rng: np.random.Generator) -> pl.Series:
        """Draw a postcode of each state."""
        low, high = self.ranges[states, 0], self.ranges[states, 1]
        return _five_digits().gather(low + (rng.random(len(states)) * (high - low + 1)).astype(np.int64))


@cache
def _five_digits() -> pl.Series:
    return pl.Series([f"{number:05d}" for number in range(100_000)])


@cache
def union() -> Union:
    """Return the states, with Faker's names and postcodes.

    Examples
    --------
    >>> len(union().codes), len(union().towns) > 150
    (51, True)
    """
    own = provider_of("en_US", "state")
    # Faker lists the names without the District of Columbia
    names = dict(zip([code for code in own.states_abbr if code != "DC"], own.states)) | {
        "DC": "District of Columbia"
    }
    codes = tuple(_TOWNS)
    towns = [(town, place) for place, code in enumerate(codes) for town in _TOWNS[code].split(", ")]
    return Union(
        Words(codes), Words(tuple(names[code] for code in codes)), Words(tuple(town for town, _ in towns)),
        np.array([place for _, place in towns], dtype=np.uint32),
        np.array([own.states_postcode[code] for code in codes], dtype=np.int64),
    )  # fmt: skip
