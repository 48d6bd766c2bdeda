"""From a sample's frame to the rows and columns of one model, and how many were left out and why.

Ordinal items become scores, items with categories become categoricals whose first level is the
codebook's reference, options of multi-response items become 0 and 1. "Don't know", "not asked" and
missing never become numbers: those rows are left out, and `flow` counts them.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.codebook import load_codebook

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ROUNDING", "build_design", "count_flow", "follow_rules", "score"]

ALL = "all"
#: Stands for "not asked" among the scores of a nested item until it becomes 0.
_NOT_ASKED = float("inf")

#: Deviations below this share of the largest value are rounding errors of its mean.
ROUNDING = 1e-13


def score(frame: "pd.DataFrame", name: str) -> "pd.Series[float]":
    """Give one column of a model, missing where there is no answer that counts.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `AnalysisSample.frame`.
    name : str
        An item ("q13", "q14.1", "q17"), or an outcome or control ("women_share").

    Returns
    -------
    pandas.Series
        Floats (scores 1 to 5, or 0 and 1), or categories with the reference first.

    Raises
    ------
    UsageError
        If there is no such variable.
    """
    import pandas as pd

    book = load_codebook()
    if name not in book.items:
        known = [variable.key for variable in book.derived if variable.key in frame]
        if name not in frame or frame[name].dtype.kind != "f":
            items = [] if book.register else [*book.items]
            fix = f"use {'an item such as q13, or ' * bool(book.register)}one of "
            fix += ", ".join([*known, *items])
            raise UsageError("model", "must use a variable of the sample", got=name, fix=fix)
        return frame[name]
    item = book.item(name)
    if item.kind == "multi" or item.role == "group":
        fix = f"use its options, such as {name}.1" if item.kind == "multi" else "it is the group"
        raise UsageError("model", "must use a single answer", got=name, fix=fix)
    if item.kind in {"ordinal", "option"}:
        return frame[name].map({answer.key: float(answer.code) for answer in item.categories})
    levels = sorted((a.key for a in item.categories), key=lambda level: level != item.reference)
    answers = frame[name].where(frame[name].isin(levels))  # "don't know" is none of them
    return pd.Series(pd.Categorical(answers, categories=levels), index=frame.index, name=name)


def build_design(
    frame: "pd.DataFrame",
    *,
    outcome: str,
    predictors: Sequence[str] = (),
    min_quarters: int = 3,
    standardize: Sequence[str] = (),
    categorical: Sequence[str] = (),
    monotonic: Sequence[str] = (),
    nested: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> "pd.DataFrame":
    """Build the data of one model: complete rows only.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `AnalysisSample.frame`.
    outcome : str
        "absence_mean", "absence_change" or "absence_trend".
    predictors : sequence of str
        Items and controls.
    min_quarters : int
        Observed quarters that a workplace must have.
    standardize : sequence of str
        Predictors to centre and divide by their standard deviation (n - 1) over these rows.
    categorical, monotonic : sequence of str
        Items with scores that become categories instead; of a monotonic one they are ordered, and
        all that the codebook declares.
    nested : sequence of str
        Items whose "not asked" becomes 0, with scores centred among those asked.
    keep : sequence of str
        Register variables to add, such as "n_quarters".

    Returns
    -------
    pandas.DataFrame
        What tells rows apart and the group (`workplace`, `industry`; of a study of one's own the
        columns that its codebook names), the outcome and the predictors, ready for
        `Moments.from_frame`.

    Raises
    ------
    DataError
        If no row is left, or a column to standardise does not vary.
    """
    import pandas as pd

    columns = _columns(frame, (outcome, *predictors), categorical, monotonic, nested)
    kept = pd.Series(True, index=frame.index)
    for _, met in _rules(frame, columns, outcome, min_quarters):
        kept &= met
    if not kept.any():
        fix = "see the sample's flow"
        raise DataError(f"model of {outcome}", "must have rows", got="none left", fix=fix)
    added = [name for name in keep if name not in columns]
    book = load_codebook()
    rows = pd.concat([frame[[book.unit, book.group, *added]], pd.DataFrame(columns)], axis=1)
    rows = rows[kept]
    for name in predictors:
        if isinstance(rows[name].dtype, pd.CategoricalDtype) and name not in monotonic:
            rows[name] = _drop_empty_levels(rows[name])
    for name in nested:
        asked = rows[name] != _NOT_ASKED
        rows[name] = (rows[name] - rows.loc[asked, name].mean()).where(asked, 0.0)
    for name in standardize:
        spread = rows[name].std()
        if not spread > ROUNDING * rows[name].abs().max():
            raise DataError(f"column {name}", "must vary to be standardised")
        rows[name] = (rows[name] - rows[name].mean()) / spread
    return rows.reset_index(drop=True)


def count_flow(
    frame: "pd.DataFrame", *, outcome: str, predictors: Sequence[str] = (), min_quarters: int = 3
) -> "pd.DataFrame":
    """Count the workplaces that are left after each rule, in the order that rules are applied.

    Parameters
    ----------
    frame, outcome, predictors, min_quarters
        As in `build_design`.

    Returns
    -------
    pandas.DataFrame
        `step`, one column of counts per industry in the report's order, and `all`; the last row is
        the model's N.
    """
    import pandas as pd

    book = load_codebook()
    industries = [industry.key for industry in book.industries]
    records = []
    for step, kept in follow_rules(
        frame, outcome=outcome, predictors=predictors, min_quarters=min_quarters
    ):
        counts = frame.loc[kept, book.group].value_counts()
        by_industry = {name: int(counts.get(name, 0)) for name in industries}
        records.append({"step": step, **by_industry, ALL: int(kept.sum())})
    return pd.DataFrame(records)


def follow_rules(
    frame: "pd.DataFrame",
    *,
    outcome: str,
    predictors: Sequence[str] = (),
    min_quarters: int = 3,
    categorical: Sequence[str] = (),
    monotonic: Sequence[str] = (),
    nested: Sequence[str] = (),
) -> "Iterator[tuple[str, pd.Series[bool]]]":
    """Say who is left after each rule, in the order that rules are applied.

    Parameters
    ----------
    frame, outcome, predictors, min_quarters, categorical, monotonic, nested
        As in `build_design`.

    Yields
    ------
    step : str
    kept : Series of bool
        Whether each workplace is left; the last are the model's.
    """
    import pandas as pd

    columns = _columns(frame, (outcome, *predictors), categorical, monotonic, nested)
    kept = pd.Series(True, index=frame.index)
    for step, met in _rules(frame, columns, outcome, min_quarters):
        kept = kept & met
        yield step, kept


def _columns(
    frame: "pd.DataFrame",
    names: Sequence[str],
    categorical: Sequence[str],
    monotonic: Sequence[str],
    nested: Sequence[str],
) -> "dict[str, pd.Series[Any]]":
    """Outcome and predictors of every workplace, missing where they are not known."""
    columns: dict[str, pd.Series[Any]] = {name: score(frame, name) for name in names}
    for name in (*categorical, *monotonic):
        columns[name] = _categories(frame, name, columns[name], ordered=name in monotonic)
    for name in nested:
        columns[name] = columns[name].mask(frame[name] == "not_asked", _NOT_ASKED)
    return columns


def _rules(
    frame: "pd.DataFrame", columns: "dict[str, pd.Series[Any]]", outcome: str, min_quarters: int
) -> "Iterator[tuple[str, pd.Series[bool]]]":
    """Name every rule of the sample, with who meets it."""
    import pandas as pd

    book = load_codebook()
    yield "surveyed" if book.register else "all rows", pd.Series(True, index=frame.index)
    if book.register:
        yield "linked to the register", frame["linked"]
        yield f"at least {min_quarters} observed quarters", frame["n_quarters"] >= min_quarters
    for name, column in columns.items():
        word = "observed" if name == outcome else "answered" if name in book.items else "known"
        yield f"{name} {word}", column.notna()


def _categories(
    frame: "pd.DataFrame", name: str, column: "pd.Series[Any]", *, ordered: bool
) -> "pd.Series[Any]":
    """Answers of an item as categories, all that are declared, from the lowest score up."""
    import pandas as pd

    book = load_codebook()
    if name not in book.items or book.item(name).kind != "ordinal":
        rule = "must be an item with ordered answers to be categorical or monotonic"
        raise UsageError(f"model: {name}", rule, got=str(column.dtype))
    levels = [answer.key for answer in sorted(book.item(name).categories, key=lambda a: a.code)]
    answers = frame[name].where(frame[name].isin(levels))  # "don't know" is none of them
    values = pd.Categorical(answers, categories=levels, ordered=ordered)
    return pd.Series(values, index=frame.index, name=name)


def _drop_empty_levels(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Drop levels that no row has, but never the reference: a model without it is another model."""
    empty = [level for level in column.cat.categories[1:] if not (column == level).any()]
    return column.cat.remove_categories(empty)
