"""Columns of a model from any data frame: numbers as they are, categories as dummies.

What is taken for what: numbers and truth values (0 and 1) of any type are numbers; text and
categories are categories. Categories keep the order that they are declared in (pandas categories,
polars enums, ordered dictionaries), whose first is the reference; of text, and of categories that
are an encoding only (polars' Categorical, Arrow's dictionaries), it is the first of the alphabet.
Ordered categories are coded in the same way: a dummy each, no polynomials. Dates, complex numbers,
bytes and columns of mixed types are refused.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError
from bayes_sf.inputs.register.connection import quietly

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame

__all__ = [
    "OF_A_GROUP", "categories", "check_there", "code_groups", "column_names", "expand",
    "frame_from", "is_category", "is_numeric", "is_plain", "missing_category", "numeric",
]  # fmt: skip


#: Kinds of columns, as `_kind` has them, that are numbers; and those that can name a category.
_NUMBERS = ("boolean", "integer", "floating", "mixed-integer-float", "decimal", "empty")
_NAMES = (
    "string", *_NUMBERS, "date", "datetime", "datetime64", "time", "timedelta", "period",
    "interval",
)  # fmt: skip


def _opened(df: Any) -> Any:
    """A frame as Narwhals has it."""
    import narwhals as nw

    try:
        return nw.from_native(df)
    except (TypeError, nw.exceptions.DuplicateError) as error:
        raise DataError(
            "data", "must be a data frame whose columns have different names",
            got=type(df).__name__,
            fix="pass pandas, polars, pyarrow or anything else Narwhals reads",
        ) from error  # fmt: skip


def column_names(df: Any) -> list[str]:
    """Return the names of all columns of anything Narwhals reads.

    Raises
    ------
    DataError
        For something that is no data frame.
    """
    return list(map(str, _opened(df).collect_schema().names()))


def frame_from(df: "IntoFrame", names: Sequence[str]) -> "pd.DataFrame":
    """Return a pandas frame with the named columns of anything Narwhals reads.

    Raises
    ------
    DataError
        For something that is no data frame, or that lacks a named column, or has it twice.
    """
    import narwhals as nw
    import pandas as pd
    import pyarrow as pa

    wanted = list(dict.fromkeys(names))
    if isinstance(df, pd.DataFrame | pa.Table):  # which may have a name twice
        check_there(names, list(df.columns if isinstance(df, pd.DataFrame) else df.column_names))
    if isinstance(df, pd.DataFrame):
        frame = df[wanted]
    else:
        native = _opened(df.select(wanted) if isinstance(df, pa.Table) else df)
        check_there(names, native.collect_schema().names())
        chosen = native.select(wanted)
        with quietly():
            eager = chosen.collect() if isinstance(chosen, nw.LazyFrame) else chosen
        try:
            frame = eager.to_pandas()
        except pa.ArrowException as error:
            rule = "must have columns of types that pandas knows"
            raise DataError("data", rule, got=f"{error}", fix="convert them first") from error
        declared = _declared_in_pandas(df)
        encoded = [name for name, kind in eager.schema.items() if kind == nw.Categorical]
        for name in (name for name in encoded if name not in declared):
            frame[name] = _by_alphabet(frame[name])
        for name in (name for name, kind in eager.schema.items() if kind == nw.Date):
            frame[name] = _as_dates(frame[name])  # whose names have no midnight
    if len(frame) == 0:
        raise DataError("data", "must have rows", got="none")
    frame = frame.reset_index(drop=True)
    encoded = [name for name, kind in frame.dtypes.items() if _is_dictionary(kind)]
    return frame.assign(**{name: _categories_of(frame[name]) for name in encoded})


def check_there(names: Sequence[str], there: Sequence[Any]) -> None:
    """Every named column is there, once."""
    counted = Counter(column for column in there if isinstance(column, str))
    for name in names:
        times = counted[name]
        if times > 1:
            raise DataError(
                f"column {name!r}", "must be in the data once", got=f"{times} columns of that name",
                fix="drop or rename the others",
            )  # fmt: skip
        if not times:
            raise DataError(
                f"column {name!r}",
                "is not in the data",
                got=", ".join(map(str, there[:20])),
                fix="check the spelling",
            )


def _declared_in_pandas(df: Any) -> set[str]:
    """Columns of an Arrow table whose categories a pandas frame has declared."""
    import pyarrow as pa

    about = (isinstance(df, pa.Table) and df.schema.pandas_metadata) or {}
    kinds = {each["name"]: each["pandas_type"] for each in about.get("columns", ())}
    return {name for name, kind in kinds.items() if kind == "categorical"}


def _by_alphabet(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Categories in alphabetical order, unless they are ordered."""
    if column.cat.ordered:
        return column
    return column.cat.reorder_categories(sorted(column.cat.categories))


def _as_dates(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Days as days: polars hands them over as times at midnight."""
    return column.dt.date if column.dtype.kind == "M" else column


def _is_dictionary(kind: Any) -> bool:
    """Whether a type is an Arrow dictionary in pandas, which takes it for no categories."""
    import pandas as pd
    import pyarrow as pa

    return isinstance(kind, pd.ArrowDtype) and pa.types.is_dictionary(kind.pyarrow_dtype)


def _categories_of(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """An Arrow dictionary as pandas' categories."""
    return _by_alphabet(column.array.__arrow_array__().to_pandas())


def is_plain(column: "pd.Series[Any] | pd.Index[Any]") -> bool:
    """Whether a column is an array of numbers or truth values, and can be nothing else."""
    return isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub"


def _kind(column: "pd.Series[Any] | pd.Index[Any]") -> str:
    """What a column holds beside gaps, in pandas' words: ``string``, ``integer``, ``mixed``, ..."""
    from pandas.api.types import infer_dtype

    return "empty" if column.isna().all() else str(infer_dtype(column, skipna=True))


def numeric(frame: "pd.DataFrame", name: str) -> Floats:
    """Column as floats, (n,); text is never read as a number.

    Raises
    ------
    DataError
        For what is no number, and for a gap, with its place.
    """
    return _numbers(frame[name], name)


def _numbers(column: "pd.Series[Any]", name: str) -> Floats:
    """Column as floats, (n,)."""
    if not _is_numeric(column):
        kind = "category" if hasattr(column, "cat") else _kind(column)
        raise DataError(
            f"column {name!r}", "must hold numbers", got=_SAID.get(kind, kind),
            fix="convert it to numbers first",
        )  # fmt: skip
    try:
        values = column.to_numpy(dtype=float, na_value=np.nan)
    except OverflowError as error:
        rule = "must hold numbers that a float can hold"
        raise DataError(f"column {name!r}", rule, got="larger ones") from error
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        missing = column.isna().to_numpy()
        raise DataError(
            f"column {name!r}, row {bad[0]}",
            "must be a finite number in every row",
            got=f"{missing.sum()} missing" if missing.any() else f"inf ({bad.size} such rows)",
            fix="drop or impute those rows first",
        )
    return np.asarray(values)


#: Kinds of columns as an error says them, where pandas' word is none of everyday.
_SAID = {
    "string": "text", "category": "categories", "mixed": "values of mixed types",
    "mixed-integer": "values of mixed types", "datetime64": "dates", "datetime": "dates",
    "complex": "complex numbers", "unknown-array": "values of no type",
    "timedelta64": "lengths of time", "timedelta": "lengths of time",
}  # fmt: skip


def expand(frame: "pd.DataFrame", name: str, *, coded: bool = False) -> list[tuple[str, Floats]]:
    """Return a predictor's columns: itself, or a dummy ``x[level]`` per level but the first.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of `frame_from`.
    name : str
        The predictor.
    coded : bool
        Whether numbers are codes of categories.

    Raises
    ------
    DataError
        For a gap, for categories that are fewer than two, or that have the same name.
    """
    column = frame[name]
    if not (coded or _is_category(column)):
        return [(name, _numbers(column, name))]
    labels, code = _levels(column, name)
    _check_several(labels, name)
    return [(f"{name}[{label}]", (code == i).astype(float)) for i, label in enumerate(labels)][1:]


def is_category(frame: "pd.DataFrame", name: str) -> bool:
    """Whether a column is taken for a category and not for numbers."""
    return _is_category(frame[name])


def _is_category(column: "pd.Series[Any]") -> bool:
    return not is_plain(column) and (hasattr(column, "cat") or _kind(column) == "string")


def is_numeric(frame: "pd.DataFrame", name: str) -> bool:
    """Whether a column is taken for numbers: of dates, say, neither this nor a category is true."""
    return _is_numeric(frame[name])


def _is_numeric(column: "pd.Series[Any]") -> bool:
    return is_plain(column) or (not hasattr(column, "cat") and _kind(column) in _NUMBERS)


def categories(frame: "pd.DataFrame", name: str) -> Any:
    """Return a category's values as `pandas.Categorical`: those in use, by name, in their order.

    Raises
    ------
    DataError
        As `expand`.
    """
    import pandas as pd

    labels, code = _levels(frame[name], name)
    _check_several(labels, name)
    # Ordered, so that formulae keeps their order: of others it takes the alphabet's.
    return pd.Categorical.from_codes(code, categories=pd.Index(labels), ordered=True)


def _check_several(labels: Sequence[str], name: str) -> None:
    """A category that is a predictor has at least two values."""
    if len(labels) < 2:
        raise DataError(
            f"column {name!r}",
            "must have at least two categories",
            got=f"{len(labels)}",
            fix="leave this predictor out",
        )


def code_groups(frame: "pd.DataFrame", group: str) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Names of the groups in alphabetical order, and the place of every row's among them, (n,).

    Raises
    ------
    DataError
        Where a row has no group, or groups have no name of their own.
    """
    labels, code = _levels(frame[group], group, *OF_A_GROUP)
    order = np.array(sorted(range(len(labels)), key=labels.__getitem__), dtype=np.intp)
    place = np.empty(len(labels), dtype=np.intp)
    place[order] = np.arange(len(labels))
    return tuple(labels[i] for i in order), place[code]


#: Rule of a category and of a group in every row, and what to do about those that have none.
_OF_A_CATEGORY = ("must hold a category in every row", "drop those rows")
OF_A_GROUP = ("must name a group in every row", "drop or label those rows")


def missing_category(
    name: str, missing: int, rule: str = _OF_A_CATEGORY[0], fix: str = _OF_A_CATEGORY[1]
) -> DataError:
    """What rows without a category, or without a group, are refused with.

    Parameters
    ----------
    name : str
        The column.
    missing : int
        How many rows.
    rule, fix : str
        Of a category, or `OF_A_GROUP`.
    """
    return DataError(f"column {name!r}", rule, got=f"{missing} missing", fix=f"{fix} first")


def _levels(
    column: "pd.Series[Any]", name: str, rule: str = _OF_A_CATEGORY[0], fix: str = _OF_A_CATEGORY[1]
) -> tuple[list[str], NDArray[np.intp]]:
    """Names of the categories that there are, in their order, and each row's place among them.

    Values of different types may be written alike, as 1 and "1" are: such a column is refused, as
    is one whose names cannot be told apart where they are written.
    """
    # of Arrow's floats pandas takes NaN for no gap
    is_float = column.dtype.kind == "f"
    gaps = np.isnan(column.to_numpy(float, na_value=np.nan)) if is_float else column.isna()
    missing = int(gaps.sum())
    if missing:
        raise missing_category(name, missing, rule, fix)
    if not hasattr(column, "cat"):
        kind = _kind(column)
        _check_kind(kind, name)
        if kind == "string":  # pandas has no text that cannot be written
            _check_text([str(value) for value in column.unique()], name)
        column = column.astype("category")
    column = column.cat.remove_unused_categories()
    values = column.cat.categories
    _check_kind(_kind(values), name)
    labels = [str(value) for value in values]
    _check_text(labels, name)
    if not all(map(str.strip, labels)):
        raise DataError(
            f"column {name!r}", rule, got="an empty text in some",
            fix=f"it may stand for a missing value: {fix} first",
        )  # fmt: skip
    if len({normalize("NFC", label) for label in labels}) < len(labels):
        raise DataError(
            f"column {name!r}", "must give different values different names",
            got="two that are written alike", fix="make them one, or give them other names",
        )  # fmt: skip
    return labels, np.asarray(column.cat.codes, dtype=np.intp)


def _check_text(labels: list[str], name: str) -> None:
    """Text that has letters; of a control character outputs show its escape."""
    try:
        "".join(labels).encode()
    except UnicodeEncodeError:
        raise DataError(
            f"column {name!r}", "must hold text that can be written", got="half of a surrogate"
        ) from None


def _check_kind(kind: str, name: str) -> None:
    """Values of one type that has names."""
    if kind not in _NAMES:
        raise DataError(
            f"column {name!r}", "must hold text or numbers, all of one type",
            got=_SAID.get(kind, kind), fix="convert it to text first",
        )  # fmt: skip
