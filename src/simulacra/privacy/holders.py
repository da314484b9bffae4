"""Who holds a value: each row for itself, or the entities that rows belong to.

One person may have fifty rows. What they hold in all of them has fifty rows and one holder, so rows that belong to
entities come with their owners, and whatever asks for k holders counts those.
"""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array


def count_holders(codes: Array, size: int, owners: Array | None = None) -> Array:
    """Count the holders of each code.

    Parameters
    ----------
    codes : array of int, shape (rows,)
        Codes from 0 to size - 1.
    size : int
        Number of codes.
    owners : array of int or None
        Whose row each is, from 0; every row is a holder when None.

    Returns
    -------
    array of int, shape (size,)
        Rows that hold each code, or owners of such rows.

    Notes
    -----
    **Cost**: one count, or one sort.

    Examples
    --------
    >>> count_holders(np.array([0, 0, 0, 1]), 2).tolist()
    [3, 1]
    >>> count_holders(np.array([0, 0, 0, 1]), 2, np.array([5, 5, 6, 6])).tolist()
    [2, 1]
    """
    held = codes if owners is None else list_holders(codes, owners)[0]
    return np.bincount(held, minlength=size)


def list_holders(codes: Array, owners: Array) -> tuple[Array, Array]:
    """List each code with each of its owners once, in the order of codes.

    Examples
    --------
    >>> [side.tolist() for side in list_holders(np.array([1, 0, 1]), np.array([4, 3, 4]))]
    [[0, 1], [3, 4]]
    """
    base = int(owners.max(initial=0)) + 1
    keys = np.sort(codes.astype(np.int64) * base + owners)
    new = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
    codes, owners = np.divmod(keys[new], base)
    return codes, owners


def count_owners(owners: Array) -> int:
    """Count different owners.

    Examples
    --------
    >>> count_owners(np.array([7, 7, 2]))
    2
    """
    return int((np.bincount(owners) > 0).sum())


def find_ends(values: Array, holders: int, owners: Array | None = None) -> tuple[float, float] | None:
    """Find the values beyond which fewer than k holders have one: the k-th from each end.

    Parameters
    ----------
    values : array, shape (rows,)
        Without NaN.
    holders : int
        k.
    owners : array of int or None
        Whose row each is; every row is a holder when None.

    Returns
    -------
    (low, high) or None
        None if fewer than k hold any value. Where the k-th from below is above the k-th from above, rows give the two
        in order, and owners one value for both: their rows may be many, and no range between holds k at each end.

    Notes
    -----
    **Cost**: a partial sort for each end.

    Examples
    --------
    >>> find_ends(np.arange(100), 10)
    (9, 90)
    >>> find_ends(np.arange(100), 10, np.arange(100) // 5)
    (45, 54)
    """
    if len(values) < holders or not holders:
        return None
    if owners is None:
        places = (holders - 1, len(values) - holders)
        low, high = (np.partition(values, p)[p].item() for p in places)
        return min(low, high), max(low, high)
    if count_owners(owners) < holders:
        return None
    low, high = _reach(values, holders, owners), -_reach(-values, holders, owners)
    return low, max(low, high)


def _reach(values: Array, holders: int, owners: Array) -> float:
    """Return the smallest value up to which there are k owners; there are so many."""
    size = 2 * holders
    while True:
        size = min(size, len(values))
        least = np.argpartition(values, size - 1)[:size]
        least = least[np.argsort(values[least], kind="stable")]
        firsts = np.sort(np.unique(owners[least], return_index=True)[1])
        if len(firsts) >= holders:
            found: float = values[least[firsts[holders - 1]]].item()
            return found
        size *= 8
