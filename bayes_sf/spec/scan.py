"""Moments of models from a table that stays where it is, by one query for all of them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.outcome import warn_of_outcome, what_else
from bayes_sf.spec.rows import check_made, check_options, check_varies
from bayes_sf.spec.terms.columns import check_there
from bayes_sf.spec.terms.gaps import Gaps, count_gaps, gaps_by_group, whole_rows
from bayes_sf.spec.terms.sums import (
    Column,
    Columns,
    Sums,
    design_columns,
    first_values,
    open_table,
    sum_columns,
)

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["Scan"]


class Scan:
    """A table that stays where it is, and the moments of models on it.

    Parameters
    ----------
    data : path or lazy table
        A Parquet file, a DuckDB relation, a Polars LazyFrame, a Spark DataFrame or an Ibis table.
    specs : sequence of ModelSpec
        Gaussian random-intercept models of its columns: one query answers all of them that have
        the same grouping factor, when the first is asked for.

    Examples
    --------
    >>> import duckdb
    >>> table = duckdb.sql("select * from (values (1.0, 'a'), (2.0, 'a'), (4.0, 'b')) t(y, g)")
    >>> spec = ModelSpec("y", group="g")
    >>> moments = Scan(table, [spec]).moments(spec)
    >>> moments.groups, moments.sizes, moments.means[:, 0], moments.within
    (('a', 'b'), array([2., 1.]), array([1.5, 4. ]), array([[0.5]]))
    """

    def __init__(self, data: Any, specs: Sequence[ModelSpec]) -> None:
        self.table = open_table(data)
        self._specs = specs
        self._found: dict[str, tuple[Moments, Gaps]] = {}

    def gaps(self, spec: ModelSpec) -> Gaps:
        """Rows that one of the models leaves out for a gap in one of its columns."""
        return self._answer(spec)[1]

    def moments(self, spec: ModelSpec) -> Moments:
        """Moments of one of the models, of its rows without gaps.

        Sums are taken in the order in which the engine comes by the rows: their last digits may
        differ from run to run.

        Raises
        ------
        DataError
            As `Moments.from_frame`.
        UsageError
            For options that a table of columns cannot answer.

        Warns
        -----
        OutcomeWarning
            Where the first rows of an outcome are not what a Gaussian model is for.
        """
        return self._answer(spec)[0]

    def _answer(self, spec: ModelSpec) -> tuple[Moments, Gaps]:
        if spec.digest not in self._found:
            alike = [each for each in self._specs if each.plain and each.group == spec.group]
            self._scan(alike)
        return self._found[spec.digest]

    def _scan(self, specs: Sequence[ModelSpec]) -> None:
        """Answer all models; those whose columns have the same gaps have the same rows."""
        for spec in specs:
            check_options(spec)
        names = list(dict.fromkeys(name for spec in specs for name in _named(spec)))
        check_there(names, self.table.collect_schema().names())
        n_rows, gaps = count_gaps(self.table, names)
        alike: dict[tuple[str, ...], list[ModelSpec]] = {}
        for spec in specs:
            alike.setdefault(tuple(n for n in _named(spec) if n in gaps), []).append(spec)
        for gappy, together in alike.items():
            mine = {name: gaps[name] for name in gappy}
            found = gaps_by_group(self.table, mine, n_rows, specs[0].group)
            for spec in together:
                found.check(spec.missing)
            table = whole_rows(self.table, gappy)
            columns = _columns(table, together)
            sums = sum_columns(table, specs[0].group, columns)
            for outcome in dict.fromkeys(spec.outcome for spec in together):
                warn_of_outcome(what_else(first_values(table, outcome)), outcome)
            for spec in together:
                self._found[spec.digest] = _moments(sums, columns, spec), found


def _named(spec: ModelSpec) -> tuple[str, ...]:
    """A model's columns, in an order of their own: the same columns are the same rows."""
    return tuple(sorted({spec.outcome, *spec.predictors, spec.group}))


def _columns(table: "nw.LazyFrame[Any]", specs: Sequence[ModelSpec]) -> Columns:
    """Columns of all models; a predictor may be in one as numbers and in another as codes."""
    asked = {(spec.outcome, False): None for spec in specs}
    for spec in specs:
        asked |= {(name, name in spec.categorical): None for name in spec.predictors}
    outcomes = {spec.outcome for spec in specs}
    return dict(
        column
        for name, coded in asked
        for column in design_columns(table, name, coded=coded, is_outcome=name in outcomes)
    )


def _moments(sums: Sums, columns: Columns, spec: ModelSpec) -> Moments:
    """One model's moments, with what it asks of its predictors done to them."""
    place = {column: i for i, column in enumerate(columns)}
    made: list[tuple[str, int, Floats, float]] = []  # name, column, means by group, scale within
    for name in spec.predictors:
        mine = [c for c in columns if (c.name, c.coded) == (name, name in spec.categorical)]
        added = [part for column in mine for part in _as_asked(sums, place[column], column, spec)]
        check_made(name, [label for label, *_ in added], spec)
        made += added
    outcome = place[Column(spec.outcome, coded=False, label=spec.outcome)]
    made.append((spec.outcome, outcome, sums.means[:, outcome] + sums.shift[outcome], 1.0))
    labels, chosen, means, scale = zip(*made, strict=True)
    within = np.outer(scale, scale) * sums.within[np.ix_(chosen, chosen)]
    return Moments(
        spec.outcome, labels[:-1], sums.groups, sums.sizes, np.column_stack(means), within,
        spec.group,
    )  # fmt: skip


def _as_asked(
    sums: Sums, i: int, column: Column, spec: ModelSpec
) -> Iterator[tuple[str, int, Floats, float]]:
    """A column as it is, standardised, or split into its parts within and between groups."""
    n, away, raw = sums.sizes.sum(), sums.means[:, i], sums.means[:, i] + sums.shift[i]
    means, scale = raw, 1.0
    away = away - sums.sizes @ away / n
    if column.name in spec.standardize:
        if column.label != column.name:
            rule = "must hold numbers to be standardised"
            fix = "leave it out"
            raise DataError(f"column {column.name!r}", rule, got="categories", fix=fix)
        sd = np.sqrt((sums.within[i, i] + sums.sizes @ away**2) / (n - 1))
        check_varies(np.array([sd]), raw, column.name, "to be standardised")
        means, scale = away / sd, 1 / sd
    if column.name not in spec.within_between:
        yield column.label, i, means, scale
        return
    inside = np.array([np.sqrt(sums.within[i, i] / n)])
    for part, way in ((inside, "within"), (away, "between")):
        why = f"{way} groups to be split into within and between"
        check_varies(part, raw, column.name, why)
    yield f"{column.label}[within]", i, np.zeros_like(means), scale
    yield f"{column.label}[between]", i, means, 0.0
