"""The joint model of a frame with gaps: the outcome's model, and one of every predictor with gaps.

The outcome's model is the one that is asked for, so that what is imputed agrees with it
(congenial), interactions included: its columns are products of predictors, linear in each predictor
with gaps. Every one of these has a two-level normal model, given the columns without gaps and
those predictors with fewer gaps,

    x_k = W_k gamma_k + v_k[g] + e_k,  v_k ~ N(0, tau_k^2),  e_k ~ N(0, sigma_k^2);

of truth values it is a probit model: x_k = 1 where such a variable, of sigma_k = 1, is above 0
(Albert & Chib 1993, Journal of the American Statistical Association 88, 669-679).

References
----------
Ibrahim, Chen & Lipsitz (2002), Biometrika 89, 155-165 (a product of univariate models); Enders, Du
& Keller (2020), Psychological Methods 25, 88-112 (interactions, imputed given the outcome's model).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, SpecError, UsageError
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.terms.columns import code_groups, expand, is_numeric, numeric
from bayes_sf.spec.terms.formula import Formula
from bayes_sf.spec.terms.gaps import has_gap
from bayes_sf.spec.terms.matrices import evaluate, fixed_columns, terms_of, values_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Joint", "Terms", "read_joint"]


#: Where columns are evaluated to see how they depend on a predictor.
_PLACES = (1.0, 2.0, 3.0)


@dataclass(frozen=True, eq=False)
class Terms:
    """Columns of the outcome's model, as products.

    Parameters
    ----------
    names : tuple of str
        The intercept first.
    base : (n, p) array
        What each column has from predictors without gaps.
    uses : (p, K) bool array
        Which predictors with gaps it is multiplied by.
    """

    names: tuple[str, ...]
    base: Floats = field(repr=False)
    uses: NDArray[np.bool_]

    def columns(self, x: Floats) -> Floats:
        """Columns at values of the predictors with gaps, (n, K) -> (n, p)."""
        return self._product(x, list(range(x.shape[1])))

    def along(self, x: Floats, k: int) -> Floats:
        """How columns change with predictor k, (n, p): their derivative, 0 for those without it."""
        others = [other for other in range(x.shape[1]) if other != k]
        return self._product(x, others) * self.uses[:, k]

    def _product(self, x: Floats, chosen: Sequence[int]) -> Floats:
        made = self.base
        for k in chosen:
            made = made * np.where(self.uses[:, k], x[:, [k]], 1.0)
        return made


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
        Predictors with gaps, NaN where they are missing; those with the fewest first.
    gappy : tuple of str
        Their names.
    binary : (K,) bool array
        Which of them are truth values.
    terms : Terms
        Of the outcome's model.
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
    gappy: tuple[str, ...]
    binary: NDArray[np.bool_]
    terms: Terms
    known: Floats = field(repr=False)
    groups: tuple[str, ...]
    code: NDArray[np.intp] = field(repr=False)


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
    gappy = [name for name in predictors if holes[name].any()]
    if not gappy and not holes[outcome].any():
        rule = "must have gaps in the model's columns to be imputed"
        raise DataError("data", rule, got="none", fix="leave missing out")
    for name in (*gappy, outcome):
        _check_imputable(frame, name, formula)
    gappy.sort(key=lambda name: (holes[name].sum(), predictors.index(name)))
    x = np.column_stack([_with_gaps(frame, name) for name in gappy] or [np.empty((len(frame), 0))])
    others = {
        name: values_of(frame, name, formula) for name in predictors if name not in gappy
    } | {outcome: np.ones(len(frame))}  # fmt: skip
    terms = _structure(formula, others, gappy, len(frame))
    free = ~terms.uses.any(axis=1)
    known = [terms.base[:, free][:, 1:]]
    known += [values[:, None] for name in auxiliary for _, values in expand(frame, name)]
    columns = np.hstack(known)
    columns = (columns - columns.mean(axis=0)) / np.maximum(columns.std(axis=0), 1e-300)
    groups, code = code_groups(frame, group)
    binary = np.array([_is_binary(x[:, k]) for k in range(len(gappy))], dtype=bool)
    return Joint(
        outcome, group, _with_gaps(frame, outcome), x, tuple(gappy), binary, terms,
        columns, groups, code,
    )  # fmt: skip


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


def _check_imputable(frame: "pd.DataFrame", name: str, formula: Formula) -> None:
    """Numbers of a normal model: no categories, no truth values."""
    column = frame[name]
    known = column[~has_gap(column)]
    if not len(known):
        raise DataError(f"column {name!r}", "must be known in some rows", got="none")
    numbers = is_numeric(frame, name) and name not in formula.coded
    few = numbers and known.nunique() <= 2 and name != formula.response.strip("`")
    if not numbers or (few and not _is_binary(_with_gaps(frame, name))):
        raise DataError(
            f"column {name!r}", "must be numbers, or truth values of both kinds (0 and 1), to be "
            "imputed: categories are not yet", got=f"{int(has_gap(column).sum())} missing",
            fix="leave it out, drop these rows, or complete it by other means",
        )  # fmt: skip


def _is_binary(values: Floats) -> bool:
    """Whether what is known is 0 and 1."""
    return bool(np.unique(values[~np.isnan(values)]).tolist() == [0.0, 1.0])


def _with_gaps(frame: "pd.DataFrame", name: str) -> Floats:
    """A column of numbers, NaN where there are gaps."""
    gap = has_gap(frame[name])
    values = np.full(len(frame), np.nan)
    values[~gap] = numeric(frame[~gap].reset_index(drop=True), name)
    return values


def _structure(
    formula: Formula, others: Mapping[str, Any], gappy: Sequence[str], rows: int
) -> Terms:
    """How the columns depend on the predictors with gaps: evaluated at a few of their values."""

    def at(values: Mapping[str, float | Floats]) -> tuple[tuple[str, ...], Floats]:
        filled = {**others, **{n: np.broadcast_to(values.get(n, 1.0), rows) for n in gappy}}
        ordered = {name: filled[name] for name in formula.evaluated}
        made = evaluate(f"{formula.response} ~ {formula.common}", ordered, formula)
        names, columns, _ = fixed_columns(made.common, rows)
        return names, columns

    some = np.random.default_rng(0).uniform(1, 3, (rows, len(gappy)))  # any values that vary
    try:
        names, base = at({})
        moved = {(name, v): at({name: v})[1] for name in gappy for v in _PLACES[1:]}
        varied = at({name: some[:, k] for k, name in enumerate(gappy)})[1]
    except (DataError, SpecError) as error:
        raise _not_linear(gappy, error.rule) from None
    if names[:1] != (INTERCEPT,):
        raise UsageError("missing='model'", "is for models with an intercept", got=formula.text)
    uses = np.zeros((len(names), len(gappy)), dtype=bool)
    for k, name in enumerate(gappy):
        for place in _PLACES[1:]:
            now = moved[name, place]
            same = np.isclose(now, base).all(axis=0)
            linear = np.isclose(now, place * base).all(axis=0) & ~same
            if not (same | linear).all() or (place > _PLACES[1] and (linear != uses[:, k]).any()):
                raise _not_linear([name], "it is transformed")
            uses[:, k] = linear
    terms = Terms(names, base, uses)
    if varied.shape != base.shape or not np.allclose(varied, terms.columns(some)):
        raise _not_linear(gappy, "their terms are not products")
    return terms


def _not_linear(names: Sequence[str], why: str) -> UsageError:
    return UsageError(
        f"missing='model': {', '.join(names)}", "must enter the model as columns or in products "
        "with others: only then is what is missing normal given the rest", got=why,
        fix="make a column of it, which is then imputed as such, or complete it by other means",
    )  # fmt: skip
