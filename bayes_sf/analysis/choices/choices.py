"""What of the surveyed workplaces changes with an analyst's choices: outcomes, codings, rows.

Outcomes are made anew from the quarters for each definition and last quarter. Controls are those of
the report, over the whole period, whatever the last quarter is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.contrast import Contrast, find_contrast
from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, SpecError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.design import score
from bayes_sf.inputs.register.quarters import quarter_name, quarter_range
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.multiverse import NONE, Multiverse
from bayes_sf.spec.rows import Rows

__all__ = ["Workplaces"]

#: Name -> column, (N,): of an item or a control, one for each coefficient.
type _Columns = dict[str, Floats]

_UNKNOWN = "dont_know"


@dataclass(frozen=True, eq=False)
class Workplaces:
    """All surveyed workplaces, N of them, with every column that a multiverse needs.

    Parameters
    ----------
    contrast : Contrast
        How far the item moves.
    groups : (N,) array of str
        Industries.
    item : mapping
        Coding of don't know -> columns; the item's own is the first.
    controls : mapping
        Control -> columns.
    outcomes : mapping
        (definition, last quarter) -> outcome in pp and number of observed quarters, (N,) each.
    """

    contrast: Contrast
    groups: NDArray[Any] = field(repr=False)
    item: Mapping[str, _Columns] = field(repr=False)
    controls: Mapping[str, _Columns] = field(repr=False)
    outcomes: Mapping[tuple[str, str], tuple[Floats, Floats]] = field(repr=False)

    @classmethod
    def of(cls, asked: Multiverse, sample: AnalysisSample) -> "Workplaces":
        """Compute every column once.

        Parameters
        ----------
        asked : Multiverse
            Choices and options.
        sample : AnalysisSample
            Workplaces and their quarters.

        Raises
        ------
        SpecError
            For a last quarter that is outside the sample's period.
        UsageError
            For an item with more than two answers that have no order, or a contrast that the item
            does not have.
        """
        frame, choices = sample.frame, asked.choices
        contrast, item = _code_item(asked, sample)
        wanted = dict.fromkeys(name for names in choices["controls"] for name in names)
        controls = {name: _columns(frame, name) for name in wanted}
        book = load_codebook()
        groups = frame[book.group].to_numpy(dtype=str)
        if not book.register:
            always = np.full(len(frame), np.inf)
            asked_of = choices["outcome"]
            there = {(name, ""): (frame[name].to_numpy(float), always) for name in asked_of}
            return cls(contrast, groups, item, controls, there)
        rates, days = _by_quarter(sample, "absence"), _by_quarter(sample, "contracted_days")
        names = _quarters(sample)
        outcomes = {}
        for last in choices["last_quarter"]:
            if last not in names:
                where = f"multiverse {asked.name}: choices.last_quarter"
                raise SpecError(where, f"must lie in {names[0]} to {names[-1]}", got=last)
            stop = names.index(last) + 1
            for kind in choices["outcome"]:
                outcomes[kind, last] = _outcome(kind, rates[:, :stop], days[:, :stop])
        return cls(contrast, groups, item, controls, outcomes)

    def moments(self, one: Mapping[str, Any]) -> tuple[Moments, float]:
        """Sufficient statistics of one combination, and the contrast in units of its item.

        Parameters
        ----------
        one : mapping
            Choice -> option, as `Multiverse.specifications` has them.

        Raises
        ------
        DataError
            When no row is left, or the item is to be standardised and does not vary.
        """
        rows, size, _ = self.rows(one)
        return rows.moments, size

    def rows(self, one: Mapping[str, Any]) -> tuple[Rows, float, NDArray[np.bool_]]:
        """Rows of one combination, the contrast, and which workplaces they are of, (N,).

        Parameters
        ----------
        one : mapping

        Raises
        ------
        DataError
            As `moments`.
        """
        kept, table, columns = self._choose(one)
        if not kept.any():
            where = "workplaces" if load_codebook().register else "rows"
            raise DataError(where, "must be left", got="none that meet all choices")
        data = table[kept]
        # An answer that nobody gave has no coefficient, as in `build_design`.
        used = data.any(axis=0) | [not name.endswith("]") for name in (*columns, "")]
        used[[0, -1]] = True
        unit = 1.0
        if one["scale"] == "standardised":
            unit = float(data[:, 0].std(ddof=1)) if len(data) > 1 else 0.0
            if not unit > 0:
                raise DataError(f"column {self.contrast.term}", "must vary to be standardised")
            data[:, 0] = (data[:, 0] - data[:, 0].mean()) / unit
        groups, code = np.unique(self.groups[kept], return_inverse=True)
        terms = tuple(name for name, has in zip(columns, used, strict=False) if has)
        book = load_codebook()
        outcome = "absence_mean" if book.register else one["outcome"]
        rows = Rows(
            outcome, book.group, terms, tuple(map(str, groups)), data[:, -1],
            data[:, used][:, :-1], code,
        )  # fmt: skip
        return rows, self.contrast.size / unit, kept

    def kept(self, one: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Which workplaces a combination is of, (N,).

        Parameters
        ----------
        one : mapping
        """
        return self._choose(one)[0]

    def _choose(self, one: Mapping[str, Any]) -> tuple[NDArray[np.bool_], Floats, _Columns]:
        """Workplaces of a combination, and everybody's columns."""
        y, quarters = self.outcomes[one["outcome"], one.get("last_quarter", "")]
        columns = dict(self.item[one.get("dont_know", "missing")])
        for name in one["controls"]:
            columns |= self.controls[name]
        table = np.column_stack([*columns.values(), y])
        kept = np.isfinite(table).all(axis=1) & (quarters >= one.get("min_quarters", 0))
        if one["without"] != NONE:
            kept &= self.groups != one["without"]
        return kept, table, columns


def _columns(frame: Any, name: str) -> _Columns:
    """Score an item or a control: one column, or one for each answer but the reference."""
    import pandas as pd

    column = score(frame, name)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return {name: np.asarray(column, dtype=float)}
    there = column.notna().to_numpy()
    return {
        f"{name}[{level}]": np.where(there, (column == level).to_numpy(dtype=float), np.nan)
        for level in column.cat.categories[1:]
    }


def _code_item(asked: Multiverse, sample: AnalysisSample) -> tuple[Contrast, dict[str, _Columns]]:
    """How far the item moves, and its columns by the coding of don't know."""
    book = load_codebook()
    columns = _columns(sample.frame, asked.item)
    if not book.register:
        return _code_own(asked, columns)
    item = book.item(asked.item)
    own = columns.pop(f"{asked.item}[{_UNKNOWN}]", None)
    if len(columns) != 1:
        where = f"multiverse {asked.name}: item"
        raise UsageError(where, "must have ordered answers, or two", got=list(columns))
    ((term, values),) = columns.items()
    contrast = find_contrast(term, asked.contrast)
    unknown = (sample.frame[asked.item] == _UNKNOWN).to_numpy()
    codes = [0.0, 1.0] if own is not None or "[" in term else [a.code for a in item.categories]
    low, high = float(min(codes)), float(max(codes))
    if term.endswith("[no]"):  # no is the lowest answer, and the column counts it
        low, high = high, low
    scores = {"missing": np.nan, "lowest": low, "middle": 0.5 * (low + high), "highest": high}
    coded = {key: {term: np.where(unknown, code, values)} for key, code in scores.items()}
    answered = {term: np.where(unknown, float(min(codes)), values)}  # the reference
    extra = {f"{asked.item}[{_UNKNOWN}]": unknown.astype(float)}
    return contrast, {**coded, "category": {**answered, **extra}}


def _code_own(asked: Multiverse, columns: _Columns) -> tuple[Contrast, dict[str, _Columns]]:
    """The same of a study of one's own: whoever did not answer is left out."""
    if len(columns) != 1:
        where = f"multiverse {asked.name}: item"
        raise UsageError(where, "must be numbers, or have ordered answers or two", got=[*columns])
    return find_contrast(next(iter(columns)), asked.contrast), {"missing": columns}


def _quarters(sample: AnalysisSample) -> list[str]:
    """Quarters of the sample's period."""
    return [quarter_name(index) for index in quarter_range(*sample.period)]


def _by_quarter(sample: AnalysisSample, name: str) -> Floats:
    """A figure of every workplace and quarter of the period, (N, T); NaN where there is none."""
    wide = sample.quarters.set_index(["workplace", "quarter"])[name].unstack()  # noqa: PD010  # no two
    wide = wide.reindex(index=sample.frame["workplace"], columns=_quarters(sample))
    return np.asarray(wide.to_numpy(dtype=float))


def _outcome(kind: str, rates: Floats, days: Floats) -> tuple[Floats, Floats]:
    """One definition of a workplace's absence, in pp, and its observed quarters, (N,) each."""
    seen = np.isfinite(rates)
    count = seen.sum(axis=1)
    y, some = np.full(len(rates), np.nan), count > 0
    if kind == "median":
        y[some] = np.nanmedian(rates[some], axis=1)
    else:
        weight = np.where(seen, days if kind == "weighted mean" else 1.0, 0.0)[some]
        y[some] = (weight * np.where(seen, rates, 0.0)[some]).sum(axis=1) / weight.sum(axis=1)
    return y, count.astype(float)
