"""The words of statistics and privacy that a report can not do without, explained."""

from __future__ import annotations

import re

TERMS: dict[str, tuple[str, str]] = {
    "95 % interval": (
        r"95 % interval",
        "the range in which the figure would lie in 95 of 100 repetitions with other rows of the same kind. A "
        "short interval means that many rows speak for the figure.",
    ),
    "AUC": (
        r"\bAUCs?\b",
        "how well a test tells two kinds of rows apart: .5 is guessing, 1 is never wrong. It is the chance "
        "that a row of one kind gets a higher mark than a row of the other.",
    ),
    "TPR at 1 % FPR": (
        r"\bTPR\b|\bFPR\b|1 % false",
        "of the true members, the share that an attacker finds (true-positive rate) while wrongly accusing 1 "
        "of 100 others (false-positive rate). An attacker who guesses finds 1 %.",
    ),
    "member": (
        r"\bmembers?\b|\bmembership\b",
        "a person whose row the generator learnt from. A membership attack tries to tell members from other "
        "people.",
    ),
    "unseen real rows": (
        r"holdout|unseen|held.out",
        "real rows that the generator never saw (the holdout). They are the control: what an attack finds on "
        "them can not come from the generator.",
    ),
    "real data get": (
        r"real data get|ceiling",
        "the same figure with unseen real rows in place of the synthetic ones: the ceiling. No generator is "
        "asked to do better.",
    ),
    "nat": (
        r"\bnats?\b",
        "a unit of surprise. A row that is one nat less likely is 2.7 times less likely.",
    ),
    "boosted trees": (
        r"boosted trees?",
        "a strong learning method for tables: many small decision trees, each mending the faults of those "
        "before.",
    ),
    "distance (KS, total variation)": (
        r"\bKS\b|total variation|\bTVD\b|mean distance",
        "the largest gap between two distributions: 0 is equal, 1 is entirely different. The share of rows "
        "that would have to change.",
    ),
    "Wasserstein distance": (
        r"Wasserstein",
        "how far values would have to be moved, on average, to turn one distribution into the other.",
    ),
    "quasi-identifier": (
        r"quasi.identifiers?",
        "something that others may know about a person, such as age, sex and postcode; together they can "
        "single a person out.",
    ),
    "k-map": (
        r"k-map|k map",
        "how many people share the same quasi-identifiers. Where k is 1, one person is singled out.",
    ),
    "singling out": (
        r"singl(?:e|ing)[ -]out",
        "finding a description that fits exactly one person of the table.",
    ),
    "near copy": (
        r"near cop(?:y|ies)",
        "a synthetic row with the categories of a real row and every number within half a per cent of the "
        "column's range.",
    ),
    "isolated records": (
        r"isolated",
        "the real rows that are least like all others. They are the easiest to recognise, so attacks on them "
        "are told apart.",
    ),
    "pMSE": (
        r"\bpMSE\b",
        "how far the mean squared chances that a model gives to rows of being synthetic are from an even "
        "guess.",
    ),
    "precision, recall, coverage": (
        r"\brecall\b|\bprecision\b|\bcoverage\b",
        "precision: synthetic rows look like some real row. Recall and coverage: every kind of real row has a "
        "synthetic one like it.",
    ),
    "demographic parity": (
        r"parity",
        "a model says yes equally often in every group.",
    ),
    "entity": (
        r"entit(?:y|ies)",
        "a row that others belong to, with all of them: a customer with all orders. What is said of entities looks at "
        "them as a whole.",
    ),
    "orphan": (
        r"\borphans?\b|lead nowhere",
        "a row that names a row of another table that is not there.",
    ),
    "hop": (
        r"\bhops?\b|grandparent",
        "one reference followed: an order and its customer are one hop apart, an order and the customer's town two.",
    ),
    "PPV": (
        r"\bPPV\b",
        "of those to whom a model says yes, the share for whom it is right (positive predictive value).",
    ),
}  # fmt: skip


def used(text: str) -> list[tuple[str, str]]:
    """Return the terms that occur in a text, with their explanations, by name.

    Examples
    --------
    >>> [term for term, _ in used("An AUC of .6")]
    ['AUC']
    """
    found = [
        (term, said) for term, (pattern, said) in TERMS.items() if re.search(pattern, text, re.IGNORECASE)
    ]
    return sorted(found, key=lambda entry: entry[0].lower())
