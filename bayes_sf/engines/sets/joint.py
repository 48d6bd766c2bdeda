"""The joint model of a frame with gaps: the outcome's model, and one of every predictor with gaps.

The outcome's model is the one that is asked for, so that what is imputed agrees with it
(congenial), interactions included: its columns are products of predictors, linear in each number
with gaps, and with one column for each kind of a category. Every predictor with gaps has a
two-level model, given the columns without gaps and those predictors with fewer gaps. Of numbers it
is normal,

    x_k = W_k gamma_k + v_k[g] + e_k,  v_k ~ N(0, tau_k^2),  e_k ~ N(0, sigma_k^2);

of truth values, of two categories and of ordered ones a cumulative probit: x_k is the number of
cutpoints 0 = c_1 < c_2 < ... that such a variable, of sigma_k = 1, is above (Albert & Chib 1993,
Journal of the American Statistical Association 88, 669-679); of other categories a multinomial
probit: x_k is the kind whose such variable (utility) is the largest, each with coefficients, group
effects and residuals of its own, the first kind's being residuals alone.

References
----------
Ibrahim, Chen & Lipsitz (2002), Biometrika 89, 155-165 (a product of univariate models); Enders, Du
& Keller (2020), Psychological Methods 25, 88-112 (interactions, imputed given the outcome's model).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, SpecError, UsageError
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.terms.columns import (
    categories,
    code_groups,
    expand,
    is_category,
    is_numeric,
    numeric,
)  # fmt: skip
from bayes_sf.spec.terms.evaluation import evaluate, fixed_columns, terms_of, values_of
from bayes_sf.spec.terms.formula import Formula
from bayes_sf.spec.terms.gaps import has_gap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Gappy", "Joint", "Terms", "read_joint"]


#: Where columns are evaluated to see how they depend on a predictor.
_PLACES = (1.0, 2.0, 3.0)
#: Combinations of kinds that columns are evaluated at, at most.
_MOST_CELLS = 100


@dataclass(frozen=True)
class Gappy:
    """A predictor with gaps.

    Parameters
    ----------
    name : str
        Its column.
    n_kinds : int
        2 of truth values, as many as there are of a category, 0 of numbers.
    ordered : bool
        Whether kinds are cut out of one latent variable: where they are two, or ordered.
    labels : tuple of str
        Of a category, whose values are places among these; none of truth values.
    """

    name: str
    n_kinds: int = 0
    ordered: bool = False
    labels: tuple[str, ...] = ()

    @property
    def n_latent(self) -> int:
        """How many latent variables it has; of numbers 1, itself."""
        return 1 if self.ordered or not self.n_kinds else self.n_kinds

    def expand(self, values: Floats) -> Floats:
        """Its columns, (n,) -> (n, d): itself, or one of 0 and 1 for each kind of a category."""
        if not self.labels:
            return values[:, None]
        return np.asarray(values[:, None] == np.arange(self.n_kinds), dtype=float)


@dataclass(frozen=True, eq=False)
class Terms:
    """Columns of the outcome's model, as products.

    Parameters
    ----------
    names : tuple of str
        The intercept first.
    base : (n, p) array
        What each column has from predictors without gaps.
    gappy : tuple of Gappy
        The K predictors with gaps.
    uses : (p, D) bool array
        Which of their D columns (`Gappy.expand`) it is multiplied by.
    """

    names: tuple[str, ...]
    base: Floats = field(repr=False)
    gappy: tuple[Gappy, ...]
    uses: NDArray[np.bool_]

    def columns(self, x: Floats) -> Floats:
        """Columns at values of the predictors with gaps, (n, K) -> (n, p)."""
        return self._product(x, list(range(x.shape[1])))

    def along(self, x: Floats, k: int) -> Floats:
        """How columns change with number k, (n, p): their derivative, 0 for those without it."""
        others = [other for other in range(x.shape[1]) if other != k]
        return self._product(x, others) * self.uses[:, self._places(k).start]

    def _product(self, x: Floats, chosen: Sequence[int]) -> Floats:
        made = self.base
        for k in chosen:
            values = self.gappy[k].expand(x[:, k])
            for place, column in zip(self._places(k), values.T, strict=True):
                made = made * np.where(self.uses[:, place], column[:, None], 1.0)
        return made

    def _places(self, k: int) -> range:
        """Which of the D columns are of predictor k."""
        sizes = [max(len(one.labels), 1) for one in self.gappy]
        return range(sum(sizes[:k]), sum(sizes[: k + 1]))


@dataclass(frozen=True, eq=False)
class Joint:
    """Data with gaps, and the structure of their model; made by `read_joint`.

    Parameters
    ----------
    outcome, group : str
        Columns.
    y : (n,) array
        The outcome, NaN where it is missing.
    x : (n, K) array
        Predictors with gaps, NaN where they are missing; those with the fewest first. Of categories
        the place among their labels.
    gappy : tuple of Gappy
        What they are.
    terms : Terms
        Of the outcome's model.
    units : (K, 2) array
        Mean and sd of what is known of numbers, which other predictors are imputed from in these
        units; 0 and 1 of the others.
    known : (n, q) array
        Columns without gaps that predictors are imputed from, standardised, without intercept.
    groups : tuple of str
        Names of the groups.
    code : (n,) int array
        Place of every row's group.
    """

    outcome: str
    group: str
    y: Floats = field(repr=False)
    x: Floats = field(repr=False)
    gappy: tuple[Gappy, ...]
    terms: Terms
    units: Floats
    known: Floats = field(repr=False)
    groups: tuple[str, ...]
    code: NDArray[np.intp] = field(repr=False)

    def columns(self, x: Floats, k: int) -> Floats:
        """Columns that predictor k is imputed from: intercept, those without gaps, those before.

        Of categories the first kind is the reference.
        """
        before = [
            one.expand(x[:, i])[:, 1:] if one.labels else one.expand((x[:, i] - mid) / unit)
            for i, (one, (mid, unit)) in enumerate(zip(self.gappy[:k], self.units[:k], strict=True))
        ]  # fmt: skip
        return np.hstack([np.ones((len(x), 1)), self.known, *before])


def read_joint(frame: "pd.DataFrame", formula: Formula, auxiliary: Sequence[str]) -> Joint:
    """Read data and structure, and refuse what cannot be imputed.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the formula's columns and the auxiliary ones.
    formula : Formula
        With one random intercept.
    auxiliary : sequence of str
        Columns without gaps that help to impute predictors and are not in the model.

    Raises
    ------
    UsageError
        For a model of another form.
    DataError
        For gaps that are not of numbers or the outcome, and no gaps at all.
    """
    outcome, group = _form(formula)
    holes = {str(name): has_gap(frame[name]) for name in frame.columns}
    for name in (group, *auxiliary):
        if holes[name].any():
            raise DataError(
                f"column {name!r}", "must have no gaps: predictors and outcome are imputed from it",
                got=f"{int(holes[name].sum())} missing", fix="drop those rows first",
            )  # fmt: skip
    predictors = [name for name in formula.evaluated if name != outcome]
    names = [name for name in predictors if holes[name].any()]
    if not names and not holes[outcome].any():
        rule = "must have gaps in the model's columns to be imputed"
        raise DataError("data", rule, got="none", fix="leave missing out")
    names.sort(key=lambda name: (holes[name].sum(), predictors.index(name)))
    read = [_read(frame, name, formula) for name in (*names, outcome)]
    gappy = tuple(one for one, _ in read[:-1])
    x = np.column_stack([values for _, values in read[:-1]] or [np.empty((len(frame), 0))])
    others = {
        name: values_of(frame, name, formula) for name in predictors if name not in names
    } | {outcome: np.ones(len(frame))}  # fmt: skip
    terms = _structure(formula, others, gappy, len(frame))
    free = ~terms.uses.any(axis=1)
    known = [terms.base[:, free][:, 1:]]
    known += [values[:, None] for name in auxiliary for _, values in expand(frame, name)]
    columns = np.hstack(known)
    columns = (columns - columns.mean(axis=0)) / np.maximum(columns.std(axis=0), 1e-300)
    groups, code = code_groups(frame, group)
    units = np.array([
        (0.0, 1.0) if one.n_kinds else (np.nanmean(values), np.nanstd(values))
        for one, values in read[:-1]
    ]).reshape(-1, 2)  # fmt: skip
    return Joint(outcome, group, read[-1][1], x, gappy, terms, units, columns, groups, code)


def _form(formula: Formula) -> tuple[str, str]:
    """Outcome and group of a random intercept of a column as it is."""
    outcome = formula.response.strip("`")
    varying = terms_of(formula)[1]
    plain = len(formula.random) == 1 and varying[0] == (INTERCEPT,)
    if not plain or formula.random[0].factor not in formula.columns:
        raise UsageError(
            "missing='model'", "is for one random intercept, (1 | g)", got=formula.text,
            fix="complete the frame by other means, and pass the sets",
        )  # fmt: skip
    if outcome not in formula.columns or "offset(" in formula.text:
        raise UsageError(
            "missing='model'", "is for an outcome that is a column as it is, without offset",
            got=formula.text, fix="make a column of it",
        )  # fmt: skip
    return outcome, formula.random[0].factor


def _read(frame: "pd.DataFrame", name: str, formula: Formula) -> tuple[Gappy, Floats]:
    """What a column with gaps is, and its values, NaN where there are gaps."""
    gap = has_gap(frame[name])
    known = frame[~gap].reset_index(drop=True)
    if not len(known):
        raise DataError(f"column {name!r}", "must be known in some rows", got="none")
    values = np.full(len(frame), np.nan)
    outcome = name == formula.response.strip("`")
    if is_category(known, name) and not outcome:
        found = categories(known, name)
        values[~gap] = found.codes
        labels = tuple(map(str, found.categories))
        return Gappy(
            name, len(labels), _is_ordered(frame[name]) or len(labels) == 2, labels
        ), values
    kinds = known[name].nunique()
    if is_numeric(known, name) and name not in formula.coded:
        values[~gap] = numeric(known, name)
        if outcome or kinds > 2:
            return Gappy(name), values
        if np.unique(values[~gap]).tolist() == [0.0, 1.0]:
            return Gappy(name, 2, ordered=True), values
    raise DataError(
        f"column {name!r}", "must be numbers, truth values of both kinds (0 and 1) or a category "
        "to be imputed, the outcome numbers", got=f"{int(gap.sum())} missing",
        fix="make codes a column of categories, drop these rows, or complete it by other means",
    )  # fmt: skip


def _is_ordered(column: "pd.Series[Any]") -> bool:
    """Whether categories were declared to have an order."""
    return bool(hasattr(column, "cat") and column.cat.ordered)


def _structure(
    formula: Formula, others: Mapping[str, Any], gappy: tuple[Gappy, ...], rows: int
) -> Terms:
    """How the columns depend on the predictors with gaps: evaluated at a few of their values."""
    import pandas as pd

    def at(values: Sequence[float | Floats]) -> tuple[tuple[str, ...], Floats]:
        filled = dict(others)
        for one, value in zip(gappy, values, strict=True):
            spread = np.broadcast_to(value, rows)
            filled[one.name] = spread if not one.labels else pd.Categorical.from_codes(
                spread.astype(int), categories=pd.Index(one.labels), ordered=True
            )  # fmt: skip
        ordered = {name: filled[name] for name in formula.evaluated}
        made = evaluate(f"{formula.response} ~ {formula.common}", ordered, formula)
        names, columns, _ = fixed_columns(made.common, rows)
        return names, columns

    numbers = [k for k, one in enumerate(gappy) if not one.labels]
    cells = _cells(gappy)
    rng = np.random.default_rng(0)  # any values that vary
    some = np.column_stack([
        rng.integers(one.n_kinds, size=rows) + 0.0 if one.labels else rng.uniform(1, 3, rows)
        for one in gappy
    ] or [np.empty((rows, 0))])  # fmt: skip
    named = [one.name for one in gappy]
    try:
        names = at(cells[0])[0]
        there = np.array([at(cell)[1] for cell in cells])
        active = np.abs(there).max(axis=1) > 0  # (cells, p)
        first = active.argmax(axis=0)

        def moved(k: int, place: float) -> Floats:
            made = np.array([at([*cell[:k], place, *cell[k + 1 :]])[1] for cell in cells])
            return np.asarray(np.take_along_axis(made, first[None, None, :], axis=0)[0])

        base = np.take_along_axis(there, first[None, None, :], axis=0)[0]
        seen = {(k, place): moved(k, place) for k in numbers for place in _PLACES[1:]}
        varied = at(list(some.T))[1]
    except (DataError, SpecError) as error:
        raise _not_linear(named, error.rule) from None
    if names[:1] != (INTERCEPT,):
        raise UsageError("missing='model'", "is for models with an intercept", got=formula.text)
    uses: list[NDArray[np.bool_]] = []
    for k, one in enumerate(gappy):
        if one.labels:
            kinds = np.array([cell[k] for cell in cells])
            at_kind = np.array([active[kinds == kind].any(axis=0) for kind in range(one.n_kinds)])
            uses += list(at_kind & (at_kind.sum(axis=0) == 1))
        else:
            uses.append(_multiplied(one.name, base, {v: seen[k, v] for v in _PLACES[1:]}))
    terms = Terms(names, base, gappy, np.array(uses, dtype=bool).reshape(-1, len(names)).T)
    if varied.shape != base.shape or not np.allclose(varied, terms.columns(some)):
        raise _not_linear(named, "their terms are not products")
    return terms


def _cells(gappy: Sequence[Gappy]) -> list[tuple[float, ...]]:
    """Every combination of kinds, numbers being 1."""
    cells = list(product(*(range(one.n_kinds) if one.labels else (1.0,) for one in gappy)))
    if len(cells) > _MOST_CELLS:
        raise UsageError(
            "missing='model'", f"is for categories with gaps of at most {_MOST_CELLS} combinations",
            got=len(cells), fix="complete some of them by other means",
        )  # fmt: skip
    return cells


def _multiplied(name: str, base: Floats, moved: Mapping[float, Floats]) -> NDArray[np.bool_]:
    """Which columns are multiplied by a number: they follow it to every place, others stay."""
    found = []
    for place, now in moved.items():
        same = np.isclose(now, base).all(axis=0)
        found.append(np.isclose(now, place * base).all(axis=0) & ~same)
        if not (same | found[-1]).all() or (found[-1] != found[0]).any():
            raise _not_linear([name], "it is transformed")
    return found[0]


def _not_linear(names: Sequence[str], why: str) -> UsageError:
    return UsageError(
        f"missing='model': {', '.join(names)}", "must enter the model as columns or in products "
        "with others: only then is what is missing normal given the rest", got=why,
        fix="make a column of it, which is then imputed as such, or complete it by other means",
    )  # fmt: skip
