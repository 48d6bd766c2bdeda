"""Design matrices of a formula on a data frame: response, fixed columns, columns of every factor.

Examples
--------
>>> import pandas as pd
>>> df = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 5.0], "x": [0.0, 1.0, 1.0, 0.0, 2.0],
...                    "g": list("aabbb")})
>>> from bayes_sf.spec.terms.formula import read_formula
>>> found = Matrices.from_frame(df, read_formula("y ~ x + (1 + x | g)"))
>>> found.terms, found.factors[0].columns, found.factors[0].blocks, found.factors[0].levels
(('(Intercept)', 'x'), ('(Intercept)', 'x'), ((0, 1),), ('a', 'b'))
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, SpecError
from bayes_sf.spec.family import GAUSSIAN, Family
from bayes_sf.spec.moments import check_squares
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.terms.columns import code_groups, frame_from, numeric
from bayes_sf.spec.terms.evaluation import (
    check_finite,
    evaluate,
    fixed_columns,
    spare_name,
    values_of,
    varying_part,
)
from bayes_sf.spec.terms.formula import Formula, RandomTerm, spelt
from bayes_sf.spec.terms.gaps import Gaps, drop_gaps
from bayes_sf.spec.terms.response import Response, ordered_response, response_of

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame

__all__ = ["Factor", "Matrices", "factor_levels", "precisions", "with_place"]

#: A column counts as a combination of others, or as constant, below this share of its length.
_COLLINEAR = 1e-7


@dataclass(frozen=True, eq=False)
class Factor:
    """A grouping factor and what varies by its levels.

    Parameters
    ----------
    name : str
        ``g``, or ``a:b``.
    levels : tuple of str
        In alphabetical order.
    code : (n,) int array
        Place of each row's level.
    columns : tuple of str
        Names of the k columns whose coefficients vary.
    z : (n, k) float array
        These columns.
    blocks : tuple of tuple of int
        Columns whose coefficients are correlated, together.
    """

    name: str
    levels: tuple[str, ...]
    code: NDArray[np.intp] = field(repr=False)
    columns: tuple[str, ...]
    z: Floats = field(repr=False)
    blocks: tuple[tuple[int, ...], ...]

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Columns that are correlated, as pairs (first, second)."""
        return tuple((i, j) for block in self.blocks for j in block for i in block if i < j)


@dataclass(frozen=True, eq=False)
class Matrices:
    """Response, fixed columns and factors of one model.

    Parameters
    ----------
    response : str
        As written in the formula.
    terms : tuple of str
        Names of the fixed columns, ``(Intercept)`` first where there is one.
    y : (n,) float array
        The response; of a Gaussian model less the offset.
    x : (n, p) float array
        Fixed columns.
    factors : tuple of Factor
        In the order of the formula.
    weights : (n,) float array or None
        Precisions: Var(e_i) = sigma^2/weight_i.
    counts : (n,) float array or None
        How many rows each row stands for.
    frame : pandas.DataFrame or None
        The columns that it was made of, in memory only.
    offset : (n,) float array or None
        What the linear predictor has beside its terms; a Gaussian `y` is less it.
    trials : (n,) float array or None
        Where `y` is successes.
    levels : tuple of str
        Where `y` is the place of a category in order: the categories.
    gaps : Gaps or None
        Rows of the frame that were left out; None where they come from no frame.
    """

    response: str
    terms: tuple[str, ...]
    y: Floats = field(repr=False)
    x: Floats = field(repr=False)
    factors: tuple[Factor, ...]
    weights: Floats | None = field(default=None, repr=False)
    counts: Floats | None = field(default=None, repr=False)
    frame: "pd.DataFrame | None" = field(default=None, repr=False)
    offset: Floats | None = field(default=None, repr=False)
    trials: Floats | None = field(default=None, repr=False)
    levels: tuple[str, ...] = ()
    gaps: Gaps | None = field(default=None, repr=False)

    @property
    def n_obs(self) -> int:
        """Number of rows, each as often as it counts."""
        return len(self.y) if self.counts is None else round(float(self.counts.sum()))

    @property
    def has_intercept(self) -> bool:
        """Whether the first column is the intercept."""
        return self.terms[:1] == (INTERCEPT,)

    @cached_property
    def digest(self) -> str:
        """Short fingerprint, the same in whatever order the rows come."""
        given = (self.weights, self.counts, self.offset, self.trials)
        more = [part for part in given if part is not None]
        parts = [self.y, self.x, *(f.code for f in self.factors), *(f.z for f in self.factors)]
        table = np.column_stack([*parts, *more]).astype("<f8")
        table = table[np.lexsort(table.T[::-1])]
        named = repr((self.response, self.terms, [(f.name, f.levels) for f in self.factors]))
        return hashlib.sha256(named.encode() + table.tobytes()).hexdigest()[:16]

    @classmethod
    def from_frame(
        cls,
        df: "IntoFrame",
        formula: Formula,
        *,
        weights: str = "",
        frequencies: str = "",
        family: Family = GAUSSIAN,
        missing: str = "drop",
    ) -> "Matrices":
        """Evaluate a formula on a data frame.

        Parameters
        ----------
        df : pandas.DataFrame or anything Narwhals reads
            One row per unit. Numbers and truth values are numbers, text and categories categories
            (see `columns`).
        formula : Formula
            Of `read_formula`.
        weights : str
            Column of precisions, as lme4's ``weights``: Var(e_i) = sigma^2/weight_i.
        frequencies : str
            Column of counts: a row stands for so many equal rows; 0 leaves it out.
        family : Family
            Of the response.
        missing : {"drop", "error"}
            What becomes of rows with a gap in one of the columns that are named.

        Raises
        ------
        DataError
            For a response that the family cannot have, a column that is not there, gaps that are
            not to be dropped, a frame without a whole row, a term that is not finite or constant,
            columns that are combinations of others, more columns than rows, a factor with one level
            or with as many effects as rows, weights that are not positive.
        SpecError
            For a term that formulae cannot evaluate, and a coefficient that varies twice by one
            factor.
        """
        more = [name for name in (weights, frequencies) if name]
        try:
            read = frame_from(df, [*formula.columns, *more])
        except DataError as error:
            raise with_place(error, formula, df) from None
        factors_of = [formula.parts(term.factor) for term in formula.random]
        frame, gaps = drop_gaps(read, factors_of, missing=missing)
        counts = _counts(frame, frequencies)
        if counts is not None:
            kept = counts > 0
            frame, counts = frame[kept].reset_index(drop=True), counts[kept]
        values = {name: values_of(frame, name, formula) for name in formula.evaluated}
        left = spare_name(values) if family.ordered else formula.response
        if family.ordered:
            values[left] = np.ones(len(frame))
        evaluated = evaluate(f"{left} ~ {formula.common}", values, formula)
        terms, x, offset = fixed_columns(evaluated.common, len(frame))
        factors = tuple(_factors(formula, frame, values))
        kept_apart = {"offset": offset} if family is GAUSSIAN or offset.any() else {}
        if family is GAUSSIAN:
            found = Response(_response(evaluated, formula) - offset)
        elif family.ordered:
            found = ordered_response(frame, formula, family)
        else:
            found = response_of(evaluated, formula, family)
        made = cls(
            formula.response, terms, found.y, x, factors, precisions(frame, weights), counts, frame,
            trials=found.trials, levels=found.levels, gaps=gaps, **kept_apart,
        )  # fmt: skip
        _check_fixed(made)
        for factor in factors:
            _check_factor(factor, made.n_obs, spreads=family.spreads)
        return made.without_intercept() if family.ordered else made

    def without_intercept(self) -> "Matrices":
        """The same model whose intercept is its thresholds'.

        Raises
        ------
        SpecError
            For a model that has none: thresholds cannot be left out.
        """
        if not self.has_intercept:
            rule = "must have an intercept: the thresholds between categories stand for it"
            raise SpecError("formula", rule, fix="leave 0 or -1 out")
        return replace(self, terms=self.terms[1:], x=self.x[:, 1:])


def with_place(error: DataError, formula: Formula, df: Any) -> DataError:
    """Say where in the formula the column is that is not in the data.

    Parameters
    ----------
    error : DataError
        What a frame was refused for.
    formula : Formula
    df : data frame
    """
    name = error.where.removeprefix("column ").strip("'\"")
    if error.rule != "is not in the data" or name not in formula.columns:
        return error
    import narwhals as nw

    try:
        known = nw.from_native(df).collect_schema().names()
    except TypeError:  # no frame of the user's: a study's own columns have their own message
        return error
    fix = spelt(name, map(str, known)) or "check the spelling"
    return DataError(formula.place(name), error.rule, got=error.got, fix=fix)


def _response(evaluated: Any, formula: Formula) -> Floats:
    """The outcome, (n,)."""
    if evaluated.response.kind != "numeric":
        raise SpecError(
            "formula: response", "must be a number in every row", got=formula.response,
            fix="say the family of other outcomes: family='bernoulli', 'binomial', 'cumulative'",
        )  # fmt: skip
    y = np.asarray(evaluated.response.design_matrix, dtype=float)
    if y.ndim != 1:
        y = y[:, 0] if y.shape[1] == 1 else y
    if y.ndim != 1:
        raise SpecError("formula: response", "must be one column", got=formula.response)
    check_finite(y, formula.response)
    return y


def _factors(
    formula: Formula, frame: "pd.DataFrame", values: Mapping[str, Any]
) -> Iterator[Factor]:
    """Every grouping factor with all that varies by it, in the formula's order."""
    found: dict[str, Factor] = {}
    for term in formula.random:
        columns, z, categorical = _varying(term, values, formula, len(frame))
        old = found.get(term.factor)
        _check_once(term, columns, () if old is None else old.columns)
        if not term.correlated and categorical:
            raise SpecError(
                term.bar.place, "does not say how the levels of a category are to be uncorrelated",
                got=categorical, fix="write (1 | g) + (0 + x | g), or make columns of 0 and 1",
            )  # fmt: skip
        start = 0 if old is None else len(old.columns)
        places = range(start, start + len(columns))
        blocks = (tuple(places),) if term.correlated else tuple((place,) for place in places)
        if old is None:
            levels, code = factor_levels(frame, term.factor, formula)
            found[term.factor] = Factor(term.factor, levels, code, columns, z, blocks)
        else:
            found[term.factor] = replace(
                old, columns=(*old.columns, *columns), z=np.column_stack([old.z, z]),
                blocks=(*old.blocks, *blocks),
            )  # fmt: skip
    yield from found.values()


def _check_once(term: RandomTerm, columns: Sequence[str], before: Sequence[str]) -> None:
    twice = sorted(set(columns) & set(before))
    if twice:
        raise SpecError(
            term.bar.place, f"must not let a coefficient vary twice by {term.factor!r}", got=twice,
            fix=f"write (1 + x | {term.factor}) for correlated coefficients, "
            f"(1 | {term.factor}) + (0 + x | {term.factor}) for others",
        )  # fmt: skip


def _varying(
    term: RandomTerm, values: Mapping[str, Any], formula: Formula, rows: int
) -> tuple[tuple[str, ...], Floats, str]:
    """Names and columns of what varies by a term, and the name of a category among it."""
    common = varying_part(term, values, formula)
    names, z, _ = fixed_columns(common, rows)
    if not names:
        raise SpecError(term.bar.place, "must have something that varies", got=term.left)
    kinds = {t.name: t.kind for t in common.terms.values()}
    category = next((name for name, kind in kinds.items() if kind == "categoric"), "")
    return names, z, category


def factor_levels(
    frame: "pd.DataFrame", name: str, formula: Formula
) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Levels of a factor, or of a combination of factors, those that there are.

    Parameters
    ----------
    frame : pandas.DataFrame
    name : str
        ``g``, or ``a:b``.
    formula : Formula
        It is a factor of.
    """
    first, *others = formula.parts(name)
    levels, code = code_groups(frame, first)
    for part in others:
        more, other = code_groups(frame, part)
        both, code = np.unique(code * len(more) + other, return_inverse=True)
        levels = tuple(f"{levels[i // len(more)]}:{more[i % len(more)]}" for i in both)
        if len(set(levels)) < len(levels):
            raise DataError(
                f"factor {name!r}", "must give every combination a name of its own",
                fix="rename levels that hold a colon",
            )  # fmt: skip
    return levels, code


def _counts(frame: "pd.DataFrame", name: str) -> Floats | None:
    """How many rows each row stands for."""
    if not name:
        return None
    values = numeric(frame, name)
    if (values < 0).any() or (values != values.round()).any() or not values.any():
        raise DataError(
            f"frequencies {name!r}", "must be whole numbers from 0 up, and not all zero",
            got="all zero" if not values.any() else f"{(values < 0).sum()} negative ones"
            if (values < 0).any() else "fractions", fix="use weights= for precisions",
        )  # fmt: skip
    return values


def precisions(frame: "pd.DataFrame", name: str) -> Floats | None:
    """Precision weights of the rows; None where no column is named.

    Parameters
    ----------
    frame : pandas.DataFrame
    name : str
        Their column.
    """
    if not name:
        return None
    values = numeric(frame, name)
    if (values <= 0).any():
        bad = int((values <= 0).sum())
        said = "all zero" if not values.any() else f"{bad} that are not"
        raise DataError(
            f"weights {name!r}", "must be positive in every row", got=said,
            fix="leave out rows without weight",
        )  # fmt: skip
    if values.max() / values.min() > 1 / np.finfo(float).eps:
        raise DataError(f"weights {name!r}", "must be of one order", got="more than 1e15 apart")
    return values


def _check_fixed(made: Matrices) -> None:
    """More rows than columns, no column a combination of others, an outcome that varies."""
    where = f"model of {made.response!r}"
    rows, columns = made.x.shape
    if made.n_obs <= columns:
        raise DataError(
            where, "needs more rows than fixed columns",
            got=f"{made.n_obs} rows, {columns} columns",
            fix="use fewer terms",
        )  # fmt: skip
    y = made.y if made.trials is None else made.y / made.trials
    both = np.column_stack([made.x, y])
    check_squares(both - both.mean(axis=0), (*made.terms, made.response))
    if not np.abs(y - y.mean()).max() > 1e-13 * np.abs(y).max():
        raise DataError(f"response {made.response!r}", "must vary", got="a constant")
    basis = np.empty((rows, 0))
    for name, column in zip(made.terms, made.x.T, strict=True):
        length = np.linalg.norm(column)
        inner = column if made.has_intercept is False or name == INTERCEPT else (
            column - column.mean()
        )  # fmt: skip
        left = inner - basis @ (basis.T @ inner)
        left = left - basis @ (basis.T @ left)
        if np.linalg.norm(left) <= max(_COLLINEAR * np.linalg.norm(inner), 1e-13 * length):
            raise DataError(
                f"{where}: column {name!r}",
                "must vary, and be no combination of those before it",
                got=", ".join(made.terms[: made.terms.index(name)]), fix="leave one of them out",
            )  # fmt: skip
        basis = np.column_stack([basis, left / np.linalg.norm(left)])


def _check_factor(factor: Factor, rows: int, *, spreads: bool) -> None:
    """At least two levels, fewer effects than rows, columns that vary and can be told apart.

    Where the response has a spread of its own (counts), there may be an effect for every row.
    """
    where = f"random effects by {factor.name!r}"
    if factor.n_levels < 2:
        raise DataError(where, "need at least two levels", got=list(factor.levels))
    for block in factor.blocks:
        if factor.n_levels * len(block) >= rows + spreads:
            raise DataError(
                where, "must be fewer than rows: they cannot be told from the residuals",
                got=f"{factor.n_levels} levels x {len(block)}, {rows} rows",
                fix="leave a term out, or group by another column",
            )  # fmt: skip
    check_squares(factor.z - factor.z.mean(axis=0), factor.columns)
    for place, name in enumerate(factor.columns):
        column = factor.z[:, place]
        if name != INTERCEPT and np.ptp(column) <= 1e-13 * np.abs(column).max():
            raise DataError(
                where, f"cannot have slopes of {name!r}, which is constant",
                fix="leave it out of the parentheses",
            )  # fmt: skip
    gram = factor.z / np.linalg.norm(factor.z, axis=0)
    if np.linalg.matrix_rank(gram, tol=_COLLINEAR) < len(factor.columns):
        raise DataError(where, "must be of columns that can be told apart",
                        got=list(factor.columns), fix="leave one of them out")  # fmt: skip
