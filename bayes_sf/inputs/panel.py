"""Quarters within workplaces within industries: the data of the panel model, gaps and all.

Nothing is left out here: a quarter without a figure, a share that the register does not have and an
answer "don't know" are marked as missing, and the panel model says what they may have been. "Not
asked" is an answer of its own and is never imputed, so items with a filter cannot be predictors.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.design import score
from bayes_sf.inputs.register.quarters import quarter_name, quarter_range
from bayes_sf.inputs.sample import AnalysisSample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Choice", "Panel", "build_panel"]

_Ints = NDArray[np.intp]

#: Scales on which register variables are imputed.
SCALES: Final = {"women_share": "logit", "senior_share": "logit", "n_employees": "log"}


@dataclass(frozen=True, eq=False)
class Choice:
    """A predictor that is one answer out of several, unknown for some workplaces.

    Parameters
    ----------
    name : str
        The item.
    columns : tuple of int
        Its m columns among the predictors: one of scores, or a dummy per category but the first.
    values : (K, m) array
        What these columns hold for each category.
    answer : (N,) int array
        Category of each workplace, -1 where unknown.
    """

    name: str
    columns: tuple[int, ...]
    values: Floats
    answer: _Ints


@dataclass(frozen=True, eq=False)
class Panel:
    """Absence by workplace and quarter, with workplaces' predictors; missing is NaN.

    Parameters
    ----------
    workplaces : tuple of str
        Pseudonyms of the N workplaces.
    industries : tuple of str
        Names of the J industries.
    code : (N,) int array
        Industry of each workplace.
    quarters : tuple of str
        The T quarters, one after the other: "2016Q1", ...
    y : (N, T) array
        Absence in pp.
    days : (N, T) array
        Contracted days.
    predictors : tuple of str
        Names of the k columns of `x`; the first belongs to the item whose effect is asked for.
    x : (N, k) array
        Predictors.
    scales : mapping
        Column -> "logit" or "log": the scale on which a numeric column is imputed.
    choices : tuple of Choice
        Items of which an answer is missing somewhere.
    linked : (N,) bool array
        Whether the workplace is in the register at all.
    """

    workplaces: tuple[str, ...]
    industries: tuple[str, ...]
    code: _Ints
    quarters: tuple[str, ...]
    y: Floats
    days: Floats
    predictors: tuple[str, ...]
    x: Floats
    scales: dict[int, str]
    choices: tuple[Choice, ...]
    linked: NDArray[np.bool_]

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Which quarters have a figure, (N, T)."""
        return np.isfinite(self.y)

    @cached_property
    def digest(self) -> str:
        """Short fingerprint of all figures."""
        sha = hashlib.sha256(repr((self.industries, self.quarters, self.predictors)).encode())
        order = np.lexsort(np.column_stack([self.code, np.nan_to_num(self.y, nan=-1.0)]).T)
        for array in (self.code, self.y, self.days, self.x, *(c.answer for c in self.choices)):
            sha.update(np.ascontiguousarray(array[order].astype("<f8")).tobytes())
        return sha.hexdigest()[:16]


def build_panel(
    sample: AnalysisSample, predictors: Sequence[str], *, unlinked: bool = False
) -> Panel:
    """Build the panel of a sample's linked workplaces.

    Parameters
    ----------
    sample : AnalysisSample
        Read from files, or the replica.
    predictors : sequence of str
        Items and controls; the first is the one whose effect is asked for.
    unlinked : bool
        Whether to include surveyed workplaces that the register does not have.

    Raises
    ------
    UsageError
        For a predictor that is not in the sample, or an item that not everybody was asked.
    DataError
        For a register variable that is missing and has no scale to be imputed on.
    """
    frame = sample.frame if unlinked else sample.frame[sample.frame["linked"]]
    frame = frame.reset_index(drop=True)
    names = tuple(quarter_name(index) for index in quarter_range(*sample.period))
    groups, code = np.unique(frame["industry"].to_numpy(dtype=str), return_inverse=True)
    columns: dict[str, Floats] = {}
    scales: dict[int, str] = {}
    choices: list[Choice] = []
    for name in predictors:
        start = len(columns)
        found = _predictor(frame, name)
        columns |= found.columns
        if found.choice is not None:
            values, answer = found.choice
            choices.append(Choice(name, tuple(range(start, len(columns))), values, answer))
        elif np.isnan(next(iter(found.columns.values()))).any():
            if name not in SCALES:
                raise DataError(
                    f"column {name!r}", f"can be imputed only for {', '.join(SCALES)}",
                    got="missing values", fix="leave it out",
                )  # fmt: skip
            scales[start] = SCALES[name]
            values = next(iter(found.columns.values()))
            if SCALES[name] == "log" and (values <= 0).any():
                raise DataError(
                    f"column {name!r}", "must be above zero: it is imputed on the log scale",
                    fix="correct it, or leave it out",
                )  # fmt: skip
    x = np.column_stack([*columns.values()]) if columns else np.empty((len(frame), 0))
    return Panel(
        tuple(frame["workplace"]), tuple(groups.tolist()), np.asarray(code, dtype=np.intp), names,
        _wide(sample.quarters, "absence", frame, names),
        _wide(sample.quarters, "contracted_days", frame, names),
        tuple(columns), x, scales, tuple(choices), frame["linked"].to_numpy(dtype=bool),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Predictor:
    """Columns of a predictor; values and answers where it is an item with gaps."""

    columns: dict[str, Floats]
    choice: tuple[Floats, _Ints] | None


def _predictor(frame: "pd.DataFrame", name: str) -> _Predictor:
    """Columns of an item or of a register variable, NaN where unknown."""
    import pandas as pd

    values = score(frame, name)
    book = load_codebook()
    if name not in book.items:
        return _Predictor({name: np.array(values, dtype=float)}, None)
    item = book.item(name)
    if item.asked_if is not None:
        raise UsageError(
            f"predictor {name!r}", 'must have been asked of everybody: "not asked" is not imputed',
            got=f"asked of those with {item.asked_if.item}", fix="choose another item",
        )  # fmt: skip
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = list(values.cat.categories)
        answer = values.cat.codes.to_numpy().astype(np.intp)
        table = np.eye(len(levels))[:, 1:]
        labels = [f"{name}[{level}]" for level in levels[1:]]
    else:
        scores = sorted({float(a.code) for a in item.categories})
        table, labels = np.array(scores)[:, None], [name]
        answer = np.array([scores.index(v) if v > 0 else -1 for v in values], dtype=np.intp)
    filled = np.where(answer[:, None] >= 0, table[answer], np.nan)
    choice = (table, answer) if (answer < 0).any() else None
    columns: dict[str, Floats] = dict(zip(labels, filled.T, strict=True))
    return _Predictor(columns, choice)


def _wide(
    quarters: "pd.DataFrame", name: str, frame: "pd.DataFrame", columns: tuple[str, ...]
) -> Floats:
    """One figure by workplace and quarter, (N, T)."""
    table = quarters.pivot_table(index="workplace", columns="quarter", values=name, aggfunc="first")
    return table.reindex(index=list(frame["workplace"]), columns=list(columns)).to_numpy(
        dtype=float
    )
