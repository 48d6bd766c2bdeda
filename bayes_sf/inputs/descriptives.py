"""Tables 11 to 45 again, from the answers of a sample, in the columns of `data/published/`.

A table's rows are those that the report prints, in its order. Where a table prints one of "don't
know" and "not asked" but not the other, it counts both in that row (tables 11, 35-37 and 39); an
answer that a table has no row for, and a missing one, is added below and so never lost.
"""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.codebook import Codebook, Item, load_codebook
from bayes_sf.inputs.published import published_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["count_missing", "describe_all", "describe_by_industry"]

UNIVARIATE = "11"
MISSING = "(missing)"
#: What a workplace's quarter can be, as `AnalysisSample.missingness` says it.
STATES = ("observed", "no absence", "no row")


def describe_by_industry(
    frame: "pd.DataFrame", weight: "pd.Series[float] | None" = None
) -> "pd.DataFrame":
    """Count the answers to every item by industry: tables 12 to 45.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `AnalysisSample.frame`: all surveyed, linked or not.
    weight : pandas.Series, optional
        Of each workplace, such as its employees; then there is a column `weight`, their sum.

    Returns
    -------
    pandas.DataFrame
        `table, question, category, industry, count, percent` (of the industry's workplaces, not
        rounded), in the order of `data/published/by_industry.csv`.
    """
    import pandas as pd

    book = load_codebook()
    keys = [industry.key for industry in book.industries]
    codes = pd.Categorical(frame[book.group], categories=keys).codes
    ones = np.ones(len(frame))
    each = ones if weight is None else np.asarray(weight.fillna(0.0), dtype=float)

    def sums(who: "NDArray[np.bool_]", values: "NDArray[np.float64]") -> list[float]:
        """Sum of some workplaces' values by industry."""
        who = who & (codes >= 0)
        return np.bincount(codes[who], values[who], minlength=len(keys)).tolist()

    sizes = sums(ones > 0, ones)
    records = []
    for table, item in _tables(book):
        for category, chosen in _rows(item, table, frame, book).items():
            who = chosen.to_numpy()
            lines = zip(keys, sums(who, ones), sizes, sums(who, each), strict=True)
            for key, count, size, sum_of_weights in lines:
                percent = 100 * count / size if size else float("nan")
                line = (table, item.printed_key, category, key, int(count), percent)
                records.append((*line, sum_of_weights))
    columns = ["table", "question", "category", "industry", "count", "percent", "weight"]
    described = pd.DataFrame(records, columns=columns)
    return described.drop(columns="weight") if weight is None else described


def describe_all(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Count the answers to every item: table 11.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `AnalysisSample.frame`.

    Returns
    -------
    pandas.DataFrame
        `table, question, category, count, percent` (of all workplaces, not rounded), in the order
        of `data/published/univariate.csv`.
    """
    import pandas as pd

    book = load_codebook()
    records = []
    for question, item in _questions(book):
        for category, who in _rows(item, UNIVARIATE, frame, book).items():
            count = int(who.sum())
            percent = 100 * count / len(frame)
            table = UNIVARIATE if book.register else "answers"
            records.append((table, question, category, count, percent))
    return pd.DataFrame(records, columns=["table", "question", "category", "count", "percent"])


def _questions(book: Codebook) -> list[tuple[str, Item]]:
    """Items of table 11 in its order; of a study of one's own all that it states."""
    if not book.register:
        return list(book.items.items())
    by_question = {
        item.printed_key: item
        for item in book.items.values()
        if UNIVARIATE in item.tables and item.parent is None
    }
    asked = published_table(UNIVARIATE)["question"].unique()
    return [(question, by_question[question]) for question in asked]


def _tables(book: Codebook) -> list[tuple[str, Item]]:
    """Pair the tables by industry with their items, in the report's order."""
    if not book.register:
        return list(book.items.items())
    items = [item for item in book.items.values() if item.parent is None]
    pairs = [(table, item) for item in items for table in item.tables]
    return sorted(
        ((table, item) for table, item in pairs if table.isdigit() and 12 <= int(table) <= 45),
        key=lambda pair: int(pair[0]),
    )


def _rows(
    item: Item, table: str, frame: "pd.DataFrame", book: Codebook
) -> "dict[str, pd.Series[bool]]":
    """Who stands in each row of a table of one item, by the row's printed category."""
    answers = _answers(item, frame, book)
    unanswered = ~reduce(or_, answers.values())
    if not book.register:
        return answers | ({MISSING: unanswered} if unanswered.any() else {})
    printed = published_table(table)
    names = printed.loc[printed["question"] == item.printed_key, "category"].unique()
    keys = {name: item.category(name).key for name in names}
    rows = {name: answers[key].copy() for name, key in keys.items()}
    missing = {answer.key for answer in item.missing}
    for key, who in answers.items():
        if key in keys.values():
            continue
        shared = [name for name, other in keys.items() if key in missing and other in missing]
        if shared:
            rows[shared[0]] |= who
        elif who.any():
            answer = item.category(key)
            rows[answer.printed[0] if answer.printed else answer.label_nb] = who
    if item.kind != "multi" and unanswered.any():
        rows[MISSING] = unanswered
    return rows


def _answers(item: Item, frame: "pd.DataFrame", book: Codebook) -> "dict[str, pd.Series[bool]]":
    """Who gave each answer; of a multi-response item, who chose each option."""
    categories = (*item.categories, *item.missing)
    if item.kind != "multi":
        return {answer.key: frame[item.key] == answer.key for answer in categories}
    options = [option for option in book.items.values() if option.parent == item.key]
    chosen = {
        answer.key: frame[option.key] == "chosen"
        for answer, option in zip(item.categories, options, strict=True)
    }
    not_asked = frame[options[0].key] == "not_asked"
    return {**chosen, **{answer.key: not_asked for answer in item.missing}}


def count_missing(picture: "pd.DataFrame") -> "pd.DataFrame":
    """Count workplaces by what the register has of them in each quarter.

    Parameters
    ----------
    picture : pandas.DataFrame
        As `AnalysisSample.missingness()`.

    Returns
    -------
    pandas.DataFrame
        `industry, quarter, observed, no_absence, no_row`; the counts of a line add up to the
        industry's linked workplaces.
    """
    import pandas as pd

    order = [industry.key for industry in load_codebook().industries]
    ordered = picture.assign(industry=pd.Categorical(picture["industry"], order))
    counts = pd.crosstab([ordered["industry"], ordered["quarter"]], ordered["state"])
    counts = counts.reindex(columns=list(STATES), fill_value=0)
    return counts.rename(columns=lambda state: state.replace(" ", "_")).reset_index()
