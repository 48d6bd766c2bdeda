"""Completed data sets: a list of frames, or one long frame with a column ``.imp``.

``.imp`` is what `mice::complete(imp, "long", include = TRUE)` calls it: 0 for the incomplete
original, which is left out, and 1 ... m for the sets. Amelia's and miceforest's sets are lists.

Examples
--------
>>> import pandas as pd
>>> long = pd.DataFrame({".imp": [0, 0, 1, 1, 2, 2], "y": [1, None, 1, 2.0, 1, 3.0]})
>>> found = read_sets(long)
>>> str(found), [frame["y"].tolist() for frame in found.frames]
('2 completed sets (the original, 2 rows with .imp 0, is left out)', [[1.0, 2.0], [1.0, 3.0]])
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.own_table import IMP
from bayes_sf.inputs.register.connection import quietly
from bayes_sf.spec.terms.sums import is_remote, open_table

__all__ = ["IMP", "Sets", "are_sets", "check_one", "read_sets"]


@dataclass(frozen=True)
class Sets:
    """Completed data sets.

    Parameters
    ----------
    n_sets : int
        m.
    n_original : int
        Rows of the incomplete original, which are left out; 0 where it is not there.
    frames : tuple of data frames
        The sets, of the kind that was given.
    original : data frame or None
        The incomplete original, where it is there.
    """

    n_sets: int
    n_original: int = 0
    frames: tuple[Any, ...] = field(default=(), repr=False, compare=False)
    original: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """How many there are, and what is left out."""
        left = f" (the original, {self.n_original} rows with {IMP} 0, is left out)"
        return f"{self.n_sets} completed sets{left if self.n_original else ''}"


def are_sets(data: Any, columns: Collection[str]) -> bool:
    """Whether data are completed data sets: a list, or a frame with several values of ``.imp``.

    Parameters
    ----------
    data
        Anything that `fit` takes.
    columns : collection of str
        The model's: where ``.imp`` is among them, it is a column like any other.
    """
    import narwhals as nw

    if isinstance(data, list | tuple):
        return True
    if IMP in columns:
        return False
    try:
        frame = open_table(data) if isinstance(data, str | Path) else (
            nw.from_native(data, pass_through=True)
        )  # fmt: skip
        if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
            return False
        lazy = isinstance(frame, nw.LazyFrame)  # a schema would look at every column's cells
        names = frame.collect_schema().names() if lazy else frame.columns
    except nw.exceptions.DuplicateError:  # columns are checked where they are read
        return False
    return IMP in names and len(_numbers(frame).unique()) > 1


def check_one(what: str, data: Any, columns: Collection[str] = ()) -> None:
    """Refuse completed data sets where one frame is meant: their rows would be counted many times.

    Parameters
    ----------
    what : str
        What is asked for.
    data, columns
        As `are_sets` has them.

    Raises
    ------
    UsageError
        For completed data sets.
    """
    if are_sets(data, columns):
        rule = "is of one data set, and not of completed ones"
        raise UsageError(
            what, rule, got=f"a list, or several {IMP}", fix=f"pass the rows with {IMP} 0"
        )


def read_sets(data: Any) -> Sets:
    """Take completed data sets apart.

    Parameters
    ----------
    data : list of data frames, or one with ``.imp``
        Of which `are_sets` is true.

    Raises
    ------
    UsageError
        For fewer than two sets.
    DataError
        For ``.imp`` that is no whole number from 0 up in every row.
    """
    import narwhals as nw

    if isinstance(data, list | tuple):
        _check_two(len(data))
        return Sets(len(data), 0, tuple(data))
    frame = open_table(data) if is_remote(data) else nw.from_native(data, eager_only=True)
    found = _numbers(frame)
    try:
        numbers = found.astype(float).to_numpy()
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not ((numbers >= 0) & (numbers == np.floor(numbers))).all():
        raise DataError(
            f"column {IMP!r}", "must number the completed sets in every row: 0 for the original, "
            "then 1, 2, ...", got=str(found.dtype), fix="write it as mice::complete does",
        )  # fmt: skip
    there = sorted(set(found[numbers > 0]), key=float)
    _check_two(len(there))
    sets = tuple(frame.filter(nw.col(IMP) == value).to_native() for value in there)
    zeros = sorted(set(found[numbers == 0]), key=float)
    original = frame.filter(nw.col(IMP).is_in(zeros)).to_native() if zeros else None
    return Sets(len(there), int((numbers == 0).sum()), sets, original)


def _numbers(frame: Any) -> Any:
    """The column ``.imp``."""
    with quietly():
        return frame.lazy().select(IMP).collect("pyarrow").to_pandas()[IMP]


def _check_two(n: int) -> None:
    if n < 2:
        raise UsageError(
            "data", "must be at least two completed data sets", got=n,
            fix="of one frame pass the frame itself",
        )  # fmt: skip
