"""Columns of a model from any data frame: numbers as they are, categories as dummies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_sf.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame

__all__ = ["code_groups", "expand", "frame_from", "numeric"]

_Floats = NDArray[np.float64]


def frame_from(df: "IntoFrame", names: Sequence[str]) -> "pd.DataFrame":
    """Return a pandas frame with the named columns of anything Narwhals reads.

    Raises
    ------
    DataError
        For something that is no data frame, or that lacks a named column.
    """
    import narwhals as nw
    import pandas as pd

    if isinstance(df, pd.DataFrame):
        frame = df
    else:
        try:
            native = nw.from_native(df)
            eager = native.collect() if isinstance(native, nw.LazyFrame) else native
            frame = eager.to_pandas()
        except TypeError as error:
            raise DataError(
                "data",
                "must be a data frame",
                got=type(df).__name__,
                fix="pass pandas, polars, pyarrow or anything else Narwhals reads",
            ) from error
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            f"column {missing[0]!r}",
            "is not in the data",
            got=", ".join(map(str, frame.columns[:20])),
            fix="check the spelling",
        )
    if len(frame) == 0:
        raise DataError("data", "must have rows", got="none")
    return frame


def numeric(frame: "pd.DataFrame", name: str) -> _Floats:
    """Column as floats, (n,); text is never read as a number.

    Raises
    ------
    DataError
        For text, and for a gap, with its place.
    """
    import pandas as pd

    column = frame[name].infer_objects()
    if not pd.api.types.is_numeric_dtype(column):
        raise DataError(
            f"column {name!r}",
            "must hold numbers",
            got=column.iloc[0],
            fix="convert it to numbers first",
        )
    values = column.to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"column {name!r}, row {frame.index[bad[0]]}",
            "must be a finite number in every row",
            got=f"{values[bad[0]]} ({bad.size} such rows)",
            fix="drop or impute those rows first",
        )
    return np.asarray(values)


def expand(frame: "pd.DataFrame", name: str) -> dict[str, _Floats]:
    """Return a predictor's columns: itself, or a dummy ``x[level]`` per level but the first.

    Raises
    ------
    DataError
        For a gap, and for categories that are fewer than two.
    """
    import pandas as pd

    column = frame[name]
    text = isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column)
    if not text:
        return {name: numeric(frame, name)}
    if column.isna().any():
        raise DataError(
            f"column {name!r}",
            "must hold a category in every row",
            got=f"{int(column.isna().sum())} missing",
            fix="drop those rows first",
        )
    levels = column.astype("category").cat.remove_unused_categories().cat.categories
    if len(levels) < 2:
        raise DataError(
            f"column {name!r}",
            "must have at least two categories",
            got=list(levels),
            fix="leave this predictor out",
        )
    return {f"{name}[{level}]": (column == level).to_numpy(dtype=float) for level in levels[1:]}


def code_groups(frame: "pd.DataFrame", group: str) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Names of the groups in alphabetical order, and the place of every row's among them, (n,).

    Raises
    ------
    DataError
        Where a row has no group.
    """
    unlabelled = int(frame[group].isna().sum())
    if unlabelled:
        raise DataError(
            f"column {group!r}",
            "must name a group in every row",
            got=f"{unlabelled} missing",
            fix="drop or label those rows first",
        )
    groups, code = np.unique(frame[group].to_numpy(dtype=str), return_inverse=True)
    return tuple(groups.tolist()), np.asarray(code, dtype=np.intp)
