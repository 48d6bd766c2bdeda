"""What tables 12 to 45 say of the answers: how many of each industry gave which.

Table 29 prints rounded percentages and no counts; the totals of table 11 and the industry sizes
leave one set of integers each (anything else is refused).
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import DONT_KNOW, NOT_ASKED, load_codebook
from bayes_sf.inputs.published import DECIMALS, published_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bayes_sf.inputs.variables import Item

__all__ = ["DONT_KNOW", "NOT_ASKED", "Question", "industry_sizes", "questions"]

_PERCENT_TABLE = "29"


@dataclass(frozen=True)
class Question:
    """One single-answer question, or one option of a multi-response question.

    Parameters
    ----------
    key : str
        Column of the survey file.
    codes : (C,) int array
        The codebook's code of each printed category; `NOT_ASKED` also holds the few who were asked
        and did not know, which tables 35-37 and 39 print together.
    counts : (6, C) int array
        Workplaces per industry and category, of all surveyed.
    """

    key: str
    codes: "NDArray[np.int64]"
    counts: "NDArray[np.int64]"

    @property
    def answered(self) -> "NDArray[np.bool_]":
        """Which categories are answers, (C,)."""
        return self.codes < DONT_KNOW


@cache
def industry_sizes() -> "NDArray[np.int64]":
    """Return the number of surveyed workplaces of each industry (table 1), (6,)."""
    table = published_table("1").set_index("industry")["count"]
    return np.array([int(table[industry.key]) for industry in load_codebook().industries])


def _percent_counts(rows: "pd.DataFrame") -> "NDArray[np.int64]":
    """Counts (6, options) that fit both the rounded percentages and the totals of table 11."""
    table = published_table("11")
    totals = table[table["question"] == rows["question"].iloc[0]].set_index("category")["count"]
    half = 0.5 * 10.0 ** -DECIMALS[_PERCENT_TABLE]
    found = []
    for category, cells in rows.groupby("category", sort=False):
        choices = [
            [count for count in range(n + 1) if abs(100 * count / n - float(percent)) <= half]
            for n, percent in zip(industry_sizes(), cells["percent"], strict=True)
        ]
        fitting = [row for row in product(*choices) if sum(row) == int(totals[category])]
        if len(fitting) != 1:
            where = f"table {_PERCENT_TABLE}, {category}"
            raise DataError(
                where, "percentages and total must leave one set of counts", got=fitting
            )
        found.append(fitting[0])
    return np.array(found).T


def _counts(rows: "pd.DataFrame") -> "NDArray[np.int64]":
    """Counts (6, C) of one table, columns in the order printed."""
    if rows["count"].isna().any():
        return _percent_counts(rows)
    table = rows.pivot_table("count", "industry", "category", sort=False)
    order = [industry.key for industry in load_codebook().industries]
    return table.loc[order].to_numpy().astype(np.int64)


def _code(item: "Item", printed: str) -> int:
    """Code of a printed category."""
    not_asked = [answer for answer in item.missing if answer.code == NOT_ASKED]
    if any(printed in answer.printed for answer in not_asked):
        return NOT_ASKED
    return item.category(printed).code


@cache
def questions() -> dict[str, Question]:
    """Read tables 12 to 45.

    Returns
    -------
    dict
        By column of the survey file, in the order of the tables.

    Examples
    --------
    >>> questions()["q16.1"].counts[:, 0].tolist()
    [38, 47, 28, 71, 58, 43]
    """
    book = load_codebook()
    by_printed = {item.printed_key: item for item in book.items.values() if item.parent is None}
    found: dict[str, Question] = {}
    for printed_key, rows in published_table("by_industry").groupby("question", sort=False):
        item, counts = by_printed[str(printed_key)], _counts(rows)
        categories = list(dict.fromkeys(rows["category"]))
        if item.kind != "multi":
            codes = np.array([_code(item, category) for category in categories])
            found[item.key] = Question(item.key, codes, counts)
            continue
        for column, category in enumerate(categories):
            option = [a.code for a in item.categories if category in a.printed]
            if option:
                key = f"{item.key}.{option[0]}"
                pair = np.stack([counts[:, column], industry_sizes() - counts[:, column]], axis=1)
                found[key] = Question(key, np.array([1, 0]), pair)
    return found
