"""The rows of one model: what moments leave out, and what sampled models and LOO need.

Examples
--------
>>> import pandas as pd
>>> df = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 1.0, 0.0], "g": list("aabb")})
>>> rows = Rows.from_frame(df, ModelSpec("y", ("x",), group="g"))
>>> rows.terms, rows.x.shape, rows.moments.n_obs
(('(Intercept)', 'x'), (4, 1), 4)
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.design import ROUNDING
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT, Moments
from bayes_sf.spec.names import BEYOND, QUANTITIES, check_names, predictor_of
from bayes_sf.spec.terms.gaps import Gaps
from bayes_sf.spec.terms.table import Table, Whole

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame

__all__ = ["Rows", "check_made", "check_options", "check_varies"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Outcome, predictors and group of every row.

    Parameters
    ----------
    outcome, group : str
        Names.
    predictors : tuple of str
        Names of the p columns of `x`.
    groups : tuple of str
        Names of the J groups.
    y : (n,) float array
        The outcome.
    x : (n, p) float array
        Predictors without the intercept; a monotonic one has a column ``x[>level]`` of 0 and 1 for
        each of its D steps.
    code : (n,) int array
        Place of each row's group among `groups`.
    steps : mapping
        Columns of each monotonic predictor.
    repeats, known_se : (n,) float array or None
        Number of repeated measurements behind each outcome; its known standard error.
    whole : Whole or None
        Rows of the frame that they were made of, in memory only; None where they come from none.
    names : tuple of str
        Columns of that frame that the model has.
    """

    outcome: str
    group: str
    predictors: tuple[str, ...]
    groups: tuple[str, ...]
    y: Floats = field(repr=False)
    x: Floats = field(repr=False)
    code: NDArray[np.intp] = field(repr=False)
    steps: Mapping[str, slice] = field(default_factory=dict)
    repeats: Floats | None = field(default=None, repr=False)
    known_se: Floats | None = field(default=None, repr=False)
    whole: Whole | None = field(default=None, repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse names that a result could not tell apart."""
        check_names(self.predictors, self.groups, self.group)

    @property
    def frame(self) -> "pd.DataFrame | None":
        """The columns that they were made of."""
        return None if self.whole is None else self.whole.frame[list(self.names)]

    @property
    def gaps(self) -> Gaps | None:
        """Rows of the frame that were left out; None where they come from no frame."""
        return None if self.whole is None else self.whole.gaps

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the columns, the intercept first."""
        return (INTERCEPT, *self.predictors)

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the model's coefficients: a monotonic predictor has one, its average step."""
        names: list[str] = [INTERCEPT]
        at = {steps.start: (name, steps.stop) for name, steps in self.steps.items()}
        column = 0
        while column < len(self.predictors):
            name, column = at.get(column, (self.predictors[column], column + 1))
            names.append(name)
        return tuple(names)

    @cached_property
    def moments(self) -> Moments:
        """Sufficient statistics of the Gaussian random-intercept model on the same columns."""
        return Moments.from_arrays(
            np.column_stack([self.x, self.y]), self.code, outcome=self.outcome,
            predictors=self.predictors, groups=self.groups, group=self.group,
        )  # fmt: skip

    @cached_property
    def digest(self) -> str:
        """Short fingerprint, the same in whatever order the rows come."""
        more = [part for part in (self.repeats, self.known_se) if part is not None]
        table = np.column_stack([self.code, self.y, self.x, *more]).astype("<f8")
        table = table[np.lexsort(table.T[::-1])]
        named = repr((self.outcome, self.predictors, self.groups))
        return hashlib.sha256(named.encode() + table.tobytes()).hexdigest()[:16]

    def take(self, chosen: NDArray[np.bool_]) -> "Rows":
        """Some of the rows, (n,) bool; groups without rows are gone.

        Examples
        --------
        >>> rows = Rows("y", "g", (), ("a", "b"), np.ones(3), np.ones((3, 0)), np.array([0, 1, 1]))
        >>> rows.take(np.array([False, True, True])).groups
        ('b',)
        """
        left, code = np.unique(self.code[chosen], return_inverse=True)
        return replace(
            self, groups=tuple(self.groups[j] for j in left), y=self.y[chosen], x=self.x[chosen],
            code=code,
            repeats=None if self.repeats is None else self.repeats[chosen],
            known_se=None if self.known_se is None else self.known_se[chosen],
            whole=None if self.whole is None else self.whole.take(chosen, self.names),
        )  # fmt: skip

    @classmethod
    def from_frame(cls, df: "IntoFrame | Table", spec: ModelSpec) -> "Rows":
        """Rows of a data frame.

        Parameters
        ----------
        df : Table, pandas.DataFrame or anything Narwhals reads
            One row per unit, with the specification's columns. Text and categorical predictors
            become dummies (see `columns`); a monotonic one must be an ordered categorical, whose
            categories declare its steps, also those that no row has. Rows with a gap in one of
            these columns are left out, or refused where the model's `missing` is ``error``.
        spec : ModelSpec
            The model.

        Raises
        ------
        UsageError
            For options that only the study's survey, register or report can answer.
        DataError
            For a missing column, a value that is no number, a frame without a whole row, gaps that
            are not to be dropped, a monotonic predictor without declared order, a count or
            standard error that is not positive.
        """
        check_options(spec)
        table = df if isinstance(df, Table) else Table(df, spec.columns)
        whole = table.whole(spec.columns, spec.group, missing=spec.missing)
        y = whole.numbers(spec.outcome)
        groups, code = whole.groups(spec.group)
        columns: list[tuple[str, Floats]] = []
        steps: dict[str, slice] = {}
        for name in spec.predictors:
            added = _columns(whole, name, spec, code)
            if name in spec.monotonic:
                steps[name] = slice(len(columns), len(columns) + len(added))
            columns += added
            check_made(name, [label for label, _ in added], spec)
        if not spec.plain:
            labels = tuple(label for label, _ in columns)
            check_names(labels, groups, spec.group, (*QUANTITIES, *BEYOND))
        x = np.column_stack([values for _, values in columns]) if columns else np.empty((len(y), 0))
        return cls(
            spec.outcome, spec.group, tuple(label for label, _ in columns), groups, y, x, code,
            steps, _positive(whole, spec.repeats), _positive(whole, spec.known_se), whole,
            spec.columns,
        )  # fmt: skip


def check_options(spec: ModelSpec) -> None:
    """Refuse what a frame cannot answer: what the survey, the register or the report would say."""
    if spec.formula:
        raise UsageError(
            f"model {spec.name!r}", "is a formula that only sf.fit carries out", got=spec.formula,
            fix="for this analysis write a random intercept of columns: y ~ x + (1 | g)",
        )  # fmt: skip
    asked = {
        "nested": (spec.nested, "centre it among those who were asked, and give the others 0"),
        "min_quarters": (
            spec.min_quarters != ModelSpec.min_quarters and spec.min_quarters,
            "choose the rows yourself",
        ),
        "table": (spec.table, "leave it out: a frame answers no published table"),
        "missing": (spec.models_gaps and spec.missing, "use drop, or impute those rows first"),
    }
    for key, (value, fix) in asked.items():
        if value:
            rule = "is about the study's survey and register: a data frame cannot answer it"
            raise UsageError(f"model {spec.name!r}: {key}", rule, got=value, fix=fix)


def check_made(name: str, labels: Sequence[str], spec: ModelSpec) -> None:
    """Refuse a predictor whose dummies or parts would be taken for another one's."""
    if name in spec.monotonic and ("/" in name or spec.group == f"{name}_step"):
        raise DataError(
            f"predictor {name!r}",
            "gives draws a variable and a dimension of its steps: its name must hold no /, and the "
            f"group must not be called {name}_step",
            fix="rename the column",
        )
    other = {predictor_of(label, spec.predictors) for label in labels} - {name}
    if other:
        raise DataError(
            f"predictor {name!r}", "must not give columns that read as another predictor's",
            got=sorted(other), fix="rename one of the columns",
        )  # fmt: skip


def _columns(
    whole: Whole, name: str, spec: ModelSpec, code: NDArray[np.intp]
) -> list[tuple[str, Floats]]:
    """One predictor's columns, as the specification has it enter."""
    if name in spec.monotonic:
        return _thresholds(whole.frame[name], name)
    found = whole.columns(name, coded=name in spec.categorical)
    if name in spec.standardize:
        found = [(name, _standardised(found, name))]
    if name not in spec.within_between:
        return found
    split: list[tuple[str, Floats]] = []
    sizes = np.bincount(code)
    for label, values in found:
        means = (np.bincount(code, weights=values) / sizes)[code]
        for part, way in ((values - means, "within"), (means - means.mean(), "between")):
            check_varies(part, values, name, f"{way} groups to be split into within and between")
        split += [(f"{label}[within]", values - means), (f"{label}[between]", means)]
    return split


def _standardised(found: list[tuple[str, Floats]], name: str) -> Floats:
    """A predictor's numbers less their mean, in standard deviations (n - 1) of these rows."""
    label, values = found[0]
    if label != name:
        rule = "must hold numbers to be standardised"
        raise DataError(f"column {name!r}", rule, got="categories", fix="leave it out")
    centred = values - values.mean()
    check_varies(centred, values, name, "to be standardised")
    return np.asarray(centred / values.std(ddof=1))


def check_varies(deviation: Floats, values: Floats, name: str, why: str) -> None:
    """Deviations are more than rounding: brought to unit scale, noise would be a predictor."""
    if not np.abs(deviation).max() > ROUNDING * np.abs(values).max():
        raise DataError(f"column {name!r}", f"must vary {why}", fix="leave that option out")


def _thresholds(column: "pd.Series[float]", name: str) -> list[tuple[str, Floats]]:
    """Whether a monotonic predictor lies above each category but the last."""
    import pandas as pd

    kind = column.dtype
    if not isinstance(kind, pd.CategoricalDtype) or not kind.ordered or len(kind.categories) < 2:
        raise DataError(
            f"column {name!r}",
            "must be an ordered categorical to be monotonic: its categories declare the steps",
            got=str(kind),
            fix="use pandas.Categorical(values, categories=[...], ordered=True)",
        )
    codes = column.cat.codes.to_numpy()
    if (codes < 0).any():
        raise DataError(
            f"column {name!r}", "must hold a category in every row",
            got=f"{int((codes < 0).sum())} missing", fix="drop those rows first",
        )  # fmt: skip
    levels = kind.categories[:-1]
    return [(f"{name}[>{level}]", (codes > i).astype(float)) for i, level in enumerate(levels)]


#: Counts and standard errors beyond this are wrong values.
_MOST = 1e70


def _positive(whole: Whole, name: str) -> Floats | None:
    """Counts or standard errors: a column of positive numbers; None where none is named."""
    if not name:
        return None
    values = whole.numbers(name)
    if (values <= 0).any():
        raise DataError(
            f"column {name!r}", "must be positive in every row", got=f"{(values <= 0).sum()} others"
        )
    if values.max() > _MOST or values.min() < 1 / _MOST:
        rule = f"must lie between {1 / _MOST:g} and {_MOST:g}"
        raise DataError(f"column {name!r}", rule, fix="write it in another unit")
    return values
