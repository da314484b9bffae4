"""The verbs `mask` and `subset`: real data with identifying values replaced, and a part in which references hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulacra._api_schema import Contract, contract
from simulacra.dataset import Dataset, dataset
from simulacra.generator import Progress, silent
from simulacra.masking._planning import Texts, Wishes
from simulacra.masking.masking import Masked, mask_tables
from simulacra.masking.secret import Secret
from simulacra.masking.subsets import take_subset
from simulacra.randomness import resolve_seed


def mask(
    data: Any,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    keys: bool = False,
    texts: Texts = "replace",
    shift_dates: int | None = None,
    locale: str | None = None,
    key: bytes | str | None = None,
    schema: Contract | None = None,
    progress: Progress = silent,
) -> Masked:
    """Replace what identifies people, the same way in all tables, and keep everything else.

    Parameters
    ----------
    data : path, frame, mapping or Dataset
        One or more tables.
    columns : sequence of str, mapping or None
        More columns to replace: ``"column"`` of any table, or ``"table.column"``. A mapping says by what: a kind of
        fake (``"email"``, ``"person.name"``, ``"phone"``, ``"iban"``, ...), ``"code"`` (other letters and digits in
        the same places, whole numbers with as many digits), ``"text"`` (made-up words) or ``"blank"``.
    keep : sequence of str
        Columns and tables that stay as they are.
    keys : bool
        Replace keys too, and what refers to them. Line numbers, years and the codes of small lists stay.
    texts : {"replace", "blank", "keep"}
        What happens to free texts, in which anybody may be named.
    shift_dates : int or None
        Move dates by up to so many days: by the same number for all rows that belong to one person (or to one row that
        belongs to nobody), so that order and gaps stay, and within the bounds of each column. Instants that are finer
        than a minute and seldom shared move by up to 12 hours besides. Notes say whose rows move together.
    locale : str or None
        Where names, addresses and numbers are to be from, such as ``"de_DE"``.
    key : bytes, str or None
        At least 16 bytes or characters; the environment variable ``SIMULACRA_MASK_KEY`` when None, and else a
        fresh one that is forgotten. The same key gives the same values, also in another run or database.
    schema : Schema, mapping, path or None
        The contract; inferred when None. A column is identifying if its `identifying` says so.
    progress : callable
        Told the share done.

    Returns
    -------
    Masked
        A `Dataset` of the same rows in the same order, with `replaced` (what was done to each column), `remains`
        (how many rows the other columns still single out) and `to_dict`.

    Raises
    ------
    UnknownName
        There is no such column, table or kind.
    SchemaError
        A column can not be replaced so, or one is kept that refers to one that is replaced.
    OptionError
        The key is too short, or another argument is out of its range.

    Notes
    -----
    Equal values stay equal, in all columns of a kind and in the columns that refer to them; different values stay
    different; missing ones stay missing. Codes are permuted, so that they depend on the key alone. A fake that is taken
    already gives way to the next: with other data, such a value may get another, under the same key too. Of names,
    cards and accounts that is next to none; where fakes are scarce it is many (of 100,000 phones, nearly half).
    References that nobody declared are followed where names and values leave no doubt; notes name them, and those in
    doubt. Whole names and e-mails are made of the fakes of first and last names, where these stand in the same rows.
    Tables of the role "reference" stay as they are, unless columns of them are named.

    **Cost**: a few microseconds for every different value; linear in rows.

    **Privacy**: the result is pseudonymised, not anonymous. It has the real rows, and values that stay (a birth
    date, a place, a rare illness) can give a person away; the gaps between a person's dates, the order of rows and
    how often a value occurs stay too. For data that tell of nobody, draw them from a model (`fit`). The key undoes
    permutations: it is never written or shown.

    **Source**: Black and Rogaway 2002, "Ciphers with arbitrary finite domains"; NIST SP 800-38G (rounds);
    regulation (EU) 2016/679, article 4(5), for the word.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> people = pl.DataFrame({"mail": ["ann@firm.com", "bo@firm.com"] * 10, "age": range(20, 40)})
    >>> done = sim.mask(people, columns={"mail": "email"}, key="a key that nobody knows")
    >>> done.frame["mail"].n_unique(), done.frame["mail"].str.contains("@example").all()
    (2, True)
    """
    wishes = Wishes(columns, keep, keys, texts, shift_dates, locale)
    secret = Secret.make(key)
    return mask_tables(dataset(data, schema=contract(schema, data)), wishes, secret, progress=progress)


def subset(
    data: Any,
    *,
    n: int | None = None,
    share: float | None = None,
    table: str | None = None,
    where: str | Mapping[str, Any] | None = None,
    seed: int | None = None,
    schema: Contract | None = None,
) -> Dataset:
    """Choose rows of one table, with all rows that belong to them and all rows that any of these refers to.

    Parameters
    ----------
    data : path, frame, mapping or Dataset
        One or more tables.
    n : int or None
        How many rows of `table` to choose.
    share : float or None
        Which share of them, above 0 and up to 1.
    table : str or None
        The table to choose from; may be left out where there is one, or one that others refer to.
    where : str, mapping or None
        A SQL predicate on its rows; alone, or to choose `n` or `share` among the rows that satisfy it. It may read
        other tables, and name its own: ``"customers: state = 'OH' and (select count(*) from orders) > 1"``.
    seed : int or None
        The same seed chooses the same rows. None draws one; it stands in the notes.
    schema : Schema, mapping, path or None
        The contract, with the references; inferred when None.

    Returns
    -------
    Dataset
        The rows kept, in their order; the notes count them.

    Raises
    ------
    OptionError, UnknownName, PredicateError, SchemaError
        What to choose is not said, or not understood.
    DataError
        No row satisfies the predicate.

    Notes
    -----
    Every reference leads to a row, if it did before. Rows that refer to nothing, or to a row that was not there, stay
    as they are. References that nobody declared are followed where names and values leave no doubt; notes name them.
    People come with the managers above them, and not with those below. Tables of the role "reference", and
    tables that no reference connects with the chosen one, are kept whole.

    **Cost**: linear in rows, and a sort for each reference.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> data = sim.read({
    ...     "people": pl.DataFrame({"id": [1, 2, 3]}),
    ...     "orders": pl.DataFrame({"order_id": [7, 8, 9], "person": [3, 1, 3]}),
    ... })
    >>> schema = data.schema.with_key("id", table="people").with_reference("orders", "person", "people")
    >>> part = sim.subset(data, table="people", where="id = 3", schema=schema)
    >>> {name: len(frame) for name, frame in part.frames.items()}
    {'people': 1, 'orders': 2}
    """
    used = resolve_seed(seed)
    given = dataset(data, schema=contract(schema, data))
    return take_subset(given, n=n, share=share, table=table, where=where, seed=used, told=seed is not None)
