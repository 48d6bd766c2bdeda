"""The published models on the replica's rows: designs, fits, derivatives by the outcomes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.replica.controls import Covariates, change_design, mean_design
from bayes_sf.replica.published.recover import scores
from bayes_sf.replica.published.reml import Fit, Sums, fit, sums
from bayes_sf.replica.published.targets import Target, targets
from bayes_sf.replica.survey.answers import questions
from bayes_sf.replica.survey.strata import Stratum, workplaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]
    type Codes = NDArray[np.int64]

__all__ = ["Model", "figures", "fit_model", "models", "null_model", "sensitivities"]

_N_INDUSTRIES = 6


@dataclass(frozen=True)
class Model:
    """Rows and design of one model.

    Parameters
    ----------
    rows : (n,) int array
        Positions among the 605.
    design : (n, k) float array
    industry : (n,) int array
    target : Target or None
        What is printed of it; None for the model without predictors.
    """

    rows: "NDArray[np.intp]"
    design: "Array"
    industry: "NDArray[np.intp]"
    target: Target | None


def _model(keep: "NDArray[np.bool_]", design: "Array", target: Target | None) -> Model:
    """Model of the workplaces to keep, with their design (n, k)."""
    rows = np.flatnonzero(keep)
    return Model(rows, design, workplaces().industry[rows], target)


def _item_design(key: str, codes: "Codes", n_terms: int) -> "Array":
    """Design of a bivariate model, (605, k); NaN where the row drops out."""
    question = questions()[key]
    table = dict(zip(question.codes.tolist(), scores(question, n_terms), strict=True))
    nothing = np.full(n_terms - 1, np.nan)
    columns = np.array([table.get(code, nothing) for code in codes.tolist()])
    return np.column_stack([np.ones(len(codes)), columns])


def null_model(keep: "NDArray[np.bool_]") -> Model:
    """Model with the intercept alone."""
    return _model(keep, np.ones((int(keep.sum()), 1)), None)


def models(outcome: str, answers: dict[str, "Codes"], covariates: Covariates) -> list[Model]:
    """List the published models of one outcome.

    Parameters
    ----------
    outcome : {"absence_mean", "absence_change"}
    answers : dict
        Codes by item, (605,).
    covariates : Covariates

    Returns
    -------
    list of Model
        In the order of `targets`.
    """
    places = workplaces()
    samples = {"46": places.linked, "47": places.change, "4": places.change, "figure5": places.mean}
    found = []
    for target in targets():
        if target.outcome != outcome:
            continue
        if target.table == "3":
            rows = places.full
            found.append(_model(rows, mean_design(covariates, answers, rows), target))
        elif target.table == "5":
            rows = places.stratum == Stratum.CHANGE
            found.append(_model(rows, change_design(covariates, answers, rows), target))
        else:
            design = _item_design(target.question, answers[target.question], len(target.t))
            keep = samples[target.table] & ~np.isnan(design).any(axis=1)
            found.append(_model(keep, design[keep], target))
    return found


def fit_model(model: Model, outcome: "Array") -> Fit:
    """Fit one model to the outcomes of the 605."""
    return fit(sums(model.design, outcome[model.rows], model.industry, _N_INDUSTRIES))


def figures(fitted: Fit) -> "Array":
    """The figures that are solved for: t values and logarithms of standard errors, (..., 2 k)."""
    return np.concatenate([fitted.t, np.log(fitted.se)], axis=-1)


def variances(fitted: Fit) -> "Array":
    """Logarithms of the variances between and within, (..., 2)."""
    return np.log(np.stack([fitted.ratio * fitted.within, fitted.within], axis=-1))


def sensitivities(model: Model, outcome: "Array") -> tuple["Array", "Array"]:
    """Figures of a model and their derivatives by every outcome.

    The figures depend on y through few sums: per industry, with each column, and of squares. These
    are varied numerically, and the chain rule gives the rest.

    Returns
    -------
    figures : (m,) array
        Of `figures`, or of `variances` where the model has no target.
    jacobian : (m, n) array
        By the outcomes of `model.rows`.
    """
    take = variances if model.target is None else figures
    y = outcome[model.rows]
    base = sums(model.design, y, model.industry, _N_INDUSTRIES)
    k = model.design.shape[1]
    spread = float(y.std())
    size = base.groups[:, 0]
    groups, products, steps = [], [], []
    for industry in range(_N_INDUSTRIES):
        for sign in (1, -1):
            step = 1e-4 * spread * max(size[industry], 1.0)
            g, p = base.groups.copy(), base.products.copy()
            g[industry, k] += sign * step
            p[0, k] += sign * step
            p[k, 0] += sign * step
            groups.append(g)
            products.append(p)
        steps.append(step)
    for column in range(1, k + 1):
        for sign in (1, -1):
            p = base.products.copy()
            length = p[k, k] if column == k else np.sqrt(p[column, column] * len(y)) * spread
            step = 1e-4 * (spread**2 * len(y) if column == k else length)
            p[column, k] += sign * step
            if column < k:
                p[k, column] += sign * step
            groups.append(base.groups)
            products.append(p)
        steps.append(step)
    groups.append(base.groups)
    products.append(base.products)
    values = take(fit(Sums(np.array(groups), np.array(products))))
    slopes = (values[:-1:2] - values[1:-1:2]) / 2 / np.array(steps)[:, None]
    by_row = np.zeros((values.shape[1], len(y)))
    by_row += slopes[:_N_INDUSTRIES].T[:, model.industry]
    by_row += slopes[_N_INDUSTRIES:-1].T @ model.design[:, 1:].T
    by_row += slopes[-1][:, None] * 2 * y
    return values[-1], by_row
