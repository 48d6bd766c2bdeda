"""Sufficient statistics of a Gaussian random-intercept model.

OLS, REML and the exact posterior see the data only through each group's size and means and the
pooled within-group cross products. They are kept centred (Chan, Golub & LeVeque 1983), so that a
predictor with mean 1e6 and sd 1 loses no digits, and merging is associative: they can come from a
data frame, from a query, from shards, or from a published table.

Examples
--------
>>> import pandas as pd
>>> df = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 1.0, 0.0], "g": list("aabb")})
>>> m = Moments.from_frame(df, outcome="y", predictors=["x"], group="g")
>>> m.n_obs, m.terms, m.groups
(4, ('(Intercept)', 'x'), ('a', 'b'))
>>> float(m.means[0, -1])
1.5
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError
from bayes_sf.spec.names import INTERCEPT, check_columns, check_list, check_names
from bayes_sf.spec.outcome import warn_of_outcome, what_else
from bayes_sf.spec.terms.columns import check_there, code_groups, expand, frame_from, numeric
from bayes_sf.spec.terms.sums import design_columns, first_values, open_table, sum_columns

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

__all__ = ["INTERCEPT", "Moments", "check_squares"]


#: What rounding may leave of products, as a share of the columns' own sums of squares.
_ROUNDED = 1e-6
_BY_ROWS = "Moments.from_frame makes them of rows"


@dataclass(frozen=True, eq=False)
class Moments:
    """Group sizes, group means and pooled within-group cross products of [x1 ... xp y].

    Parameters
    ----------
    outcome : str
        Name of the outcome.
    predictors : tuple of str
        Names of the p columns of X beside the intercept.
    groups : tuple of str
        Names of the J groups.
    sizes : (J,) float array
        Rows per group, at least one each.
    means : (J, p + 1) float array
        Group means of the predictors and, last, of the outcome.
    within : (p + 1, p + 1) float array
        Sum over groups and rows of the outer products of deviations from the group's means.
    group : str
        Name of the grouping factor.
    n_rows : int or None
        Number of rows where they are weighted: `sizes` are then sums of weights, means and cross
        products weighted. None for rows that count one each.
    """

    outcome: str
    predictors: tuple[str, ...]
    groups: tuple[str, ...]
    sizes: Floats
    means: Floats
    within: Floats
    group: str = "group"
    n_rows: int | None = None

    def __post_init__(self) -> None:
        """Refuse names that a result could not tell apart."""
        check_names(self.predictors, self.groups, self.group)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients, the intercept first."""
        return (INTERCEPT, *self.predictors)

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return round(float(self.sizes.sum())) if self.n_rows is None else self.n_rows

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.groups)

    @cached_property
    def grand_mean(self) -> Floats:
        """Mean of every column over all rows, (p + 1,)."""
        return np.asarray(self.sizes @ self.means / self.sizes.sum())

    @cached_property
    def spread(self) -> Floats:
        """Standard deviation of every column over all rows, (p + 1,)."""
        deviation = self.means - self.grand_mean
        total = np.diag(self.within) + self.sizes @ deviation**2
        return np.asarray(np.sqrt(total / (self.sizes.sum() - 1)))

    @cached_property
    def digest(self) -> str:
        """Short fingerprint of names and numbers, the same for the same data."""
        sha = hashlib.sha256(repr((self.outcome, self.predictors, self.groups)).encode())
        for array in (self.sizes, self.means, self.within):
            sha.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return sha.hexdigest()[:16]

    @classmethod
    def from_frame(
        cls, df: "IntoFrame", *, outcome: str, predictors: Sequence[str] = (), group: str
    ) -> "Moments":
        """Moments of a data frame's columns.

        Parameters
        ----------
        df : pandas.DataFrame or anything Narwhals reads
            One row per unit. A categorical or text predictor with L levels becomes L - 1
            columns named ``x[level]``; its first level is the reference.
        outcome, group : str
            Column names.
        predictors : sequence of str
            Column names.

        Raises
        ------
        SpecError
            For names that are empty or used twice.
        DataError
            For a missing column, a value that is missing, infinite or no number, an empty frame,
            or names that a result could not tell apart. Whether the model can be fitted (levels,
            ranks, rows) is the engines' question.

        Warns
        -----
        OutcomeWarning
            Where the outcome is not what a Gaussian model is for.
        """
        chosen = check_list("predictors", predictors)
        check_columns(outcome, chosen, group)
        frame = frame_from(df, [outcome, *chosen, group])
        response = numeric(frame, outcome)
        warn_of_outcome(what_else(response), outcome)
        design = [column for name in chosen for column in expand(frame, name)]
        groups, code = code_groups(frame, group)
        return cls.from_arrays(
            np.column_stack([*(values for _, values in design), response]),
            code,
            outcome=outcome,
            predictors=tuple(label for label, _ in design),
            groups=groups,
            group=group,
        )

    @classmethod
    def from_table(
        cls, table: Any, *, outcome: str, predictors: Sequence[str] = (), group: str
    ) -> "Moments":
        """Moments of a table that stays where it is (`bayes_sf.spec.terms.sums`).

        Parameters
        ----------
        table : path or lazy table
            A Parquet file, a DuckDB relation, a Polars LazyFrame, a Spark DataFrame or an Ibis
            table. Its rows do not come to Python.
        outcome, predictors, group
            As in `from_frame`.

        Raises
        ------
        DataError, SpecError
            As `from_frame`.

        Examples
        --------
        >>> import duckdb
        >>> table = duckdb.sql("select * from (values (1.0, 'a'), (2.0, 'a'), (4.0, 'b')) t(y, g)")
        >>> m = Moments.from_table(table, outcome="y", group="g")
        >>> m.groups, m.sizes, m.means[:, 0], m.within
        (('a', 'b'), array([2., 1.]), array([1.5, 4. ]), array([[0.5]]))
        """
        chosen = check_list("predictors", predictors)
        check_columns(outcome, chosen, group)
        opened = open_table(table)
        check_there([outcome, *chosen, group], opened.collect_schema().names())
        columns = dict(
            column for name in chosen for column in design_columns(opened, name, coded=False)
        )
        columns |= design_columns(opened, outcome, coded=False, is_outcome=True)
        found = sum_columns(opened, group, columns)
        warn_of_outcome(what_else(first_values(opened, outcome)), outcome)
        labels = [column.label for column in columns]
        return cls(
            outcome, tuple(labels[:-1]), found.groups, found.sizes, found.means + found.shift,
            found.within, group,
        )  # fmt: skip

    @classmethod
    def from_arrays(
        cls,
        data: Floats,
        code: NDArray[np.intp],
        *,
        outcome: str,
        predictors: tuple[str, ...],
        groups: tuple[str, ...],
        group: str = "group",
        weights: Floats | None = None,
    ) -> "Moments":
        """Moments of columns [x1 ... xp y] with rows coded 0 ... J - 1 by group.

        Parameters
        ----------
        data : (n, p + 1) float array
            Predictors and, last, the outcome.
        code : (n,) int array
            Group of each row; every group has a row.
        outcome, predictors, groups, group
            Names, as in `Moments`.
        weights : (n,) float array, optional
            Precisions of the rows relative to each other, where residual variances differ:
            Var(e_i) = sigma^2/weight_i.

        Raises
        ------
        DataError
            For a column whose squares no floating-point number holds.

        Examples
        --------
        >>> table, code = np.array([[1.0], [4.0]]), np.array([0, 0])
        >>> named = {"outcome": "y", "predictors": (), "groups": ("a",)}
        >>> m = Moments.from_arrays(table, code, weights=np.array([2.0, 1.0]), **named)
        >>> m.sizes, m.means[0], m.n_obs
        (array([3.]), array([2.]), 2)
        """
        weight = np.ones(len(code)) if weights is None else weights
        sizes = np.bincount(code, weights=weight, minlength=len(groups))
        with np.errstate(over="ignore", invalid="ignore"):
            shift = data.mean(axis=0)
        centred = data - shift
        check_squares(centred, (*predictors, outcome))
        sums = [
            np.bincount(code, weights=weight * column, minlength=len(groups))
            for column in centred.T
        ]
        means = np.column_stack(sums) / sizes[:, None]
        deviation = centred - means[code]
        within = (weight[:, None] * deviation).T @ deviation
        rows = None if weights is None else len(code)
        return cls(outcome, predictors, groups, sizes, means + shift, within, group, rows)

    def check(self) -> None:
        """Refuse numbers that no rows have: of moments that somebody typed, before they are fitted.

        Raises
        ------
        DataError
            For arrays of other shapes; for a size that is not above zero, a number that is not
            finite, squares below zero or smaller than their products allow.

        Examples
        --------
        >>> sizes, means = np.array([5.0, 5.0]), np.array([[1.0], [2.0], [4.0]])
        >>> Moments("y", (), ("a", "b"), sizes, means, np.array([[9.0]])).check()
        Traceback (most recent call last):
            ...
        bayes_sf.errors.DataError: moments: means: must have the shape (2, 1), ... (got '(3, 1)')
        """
        columns = len(self.predictors) + 1
        for name, shape in {
            "sizes": (self.n_groups,), "means": (self.n_groups, columns),
            "within": (columns, columns),
        }.items():  # fmt: skip
            array = getattr(self, name)
            if not isinstance(array, np.ndarray):
                raise DataError(f"moments: {name}", "must be an array", got=type(array).__name__)
            if array.shape != shape:
                rule = f"must have the shape {shape}, of groups, predictors and the outcome"
                raise DataError(f"moments: {name}", rule, got=str(array.shape))
            if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
                raise DataError(f"moments: {name}", "must be finite numbers", fix=_BY_ROWS)
        if not (self.sizes > 0).all():
            raise DataError("moments: sizes", "must be above zero", fix="leave empty groups out")
        if self.n_rows is None and (self.sizes != np.round(self.sizes)).any():
            rule, fix = "must be whole numbers of rows", "n_rows is for rows that are weighted"
            raise DataError("moments: sizes", rule, fix=fix)
        own = np.maximum(self.within.diagonal(), 0.0)
        scale = np.sqrt(own + self.sizes @ (self.means - self.grand_mean) ** 2)
        rounded, root = _ROUNDED * scale[:, None] * scale, np.sqrt(own)
        is_odd = np.abs(self.within) > root[:, None] * root + rounded
        if is_odd.any() or (np.abs(self.within - self.within.T) > rounded).any():
            rule = "must be sums of products: symmetric, none larger than its squares allow"
            raise DataError("moments: within", rule, fix=_BY_ROWS)

    def merge(self, other: "Moments") -> "Moments":
        """Moments of the rows of both; associative, and commutative up to rounding.

        Raises
        ------
        DataError
            When the two do not describe the same columns.

        Examples
        --------
        >>> import pandas as pd
        >>> df = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "g": list("aabb")})
        >>> parts = [Moments.from_frame(df[i::2], outcome="y", group="g") for i in (0, 1)]
        >>> both = parts[0].merge(parts[1])
        >>> both.sizes, both.means[:, 0], both.within
        (array([2., 2.]), array([1.5, 3.5]), array([[1.]]))
        """
        mine = (self.outcome, self.predictors, self.group)
        theirs = (other.outcome, other.predictors, other.group)
        if mine != theirs:
            raise DataError("moments", f"must have the columns {mine} to be merged", got=theirs)
        groups = tuple(sorted({*self.groups, *other.groups}))
        (n_a, mean_a), (n_b, mean_b) = _aligned(self, groups), _aligned(other, groups)
        sizes = n_a + n_b
        gap = mean_b - mean_a
        means = mean_a + (n_b / sizes)[:, None] * gap
        within = self.within + other.within + gap.T @ ((n_a * n_b / sizes)[:, None] * gap)
        weighted = self.n_rows is not None or other.n_rows is not None
        rows = self.n_obs + other.n_obs if weighted else None
        return Moments(
            self.outcome, self.predictors, groups, sizes, means, within, self.group, rows
        )


#: Deviations from the mean must be within these: products of two columns are then numbers.
_SMALL, _LARGE = 1e-70, 1e70


def check_squares(centred: Floats, names: tuple[str, ...]) -> None:
    """Refuse columns whose cross products overflow, or vanish.

    Parameters
    ----------
    centred : (n, k) array
        Deviations from the mean.
    names : tuple of str
        Of the columns.
    """
    reach = np.abs(centred).max(axis=0, initial=0.0)
    for name, most in zip(names, reach, strict=True):
        if most > _LARGE or 0 < most < _SMALL or np.isnan(most):
            raise DataError(
                f"column {name!r}",
                f"must have values that differ by {_SMALL:g} to {_LARGE:g}",
                got=f"up to {most:.0e} from their mean",
                fix="write it in another unit, or look for a wrong value",
            )


def _aligned(moments: Moments, groups: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Sizes and means in the order of `groups`, zero where a group is absent."""
    sizes = np.zeros(len(groups))
    means = np.zeros((len(groups), moments.means.shape[1]))
    place = np.searchsorted(groups, moments.groups)
    sizes[place], means[place] = moments.sizes, moments.means
    return sizes, means
