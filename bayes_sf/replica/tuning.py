"""Answers and covariates such that tables 3 and 5 print their standard errors.

Given the residual spread, standard errors depend on the design only: se_i = sigma sqrt(M_ii) with
M = (X' V^-1 X)^-1. Two steps reach the printed ones:

1. *Exchange* of answers to q13, q17 and the risk items between two workplaces of one industry and
   stratum. No table of counts and no bivariate design notices; correlations of the columns do.
2. *Newton* on the continuous covariates (women's and seniors' share, employees): the change of
   least norm that makes the linearised standard errors right. With W = V^-1 X M, the derivative of
   M_ii by X_rc is -2 M_ic W_ri.

Table 5 must also leave the workplaces without union representatives the mean that table 4 gives
them: the same workplaces are in both.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.replica.controls import (
    FEWEST,
    RISKS,
    Covariates,
    change_design,
    mean_design,
)
from bayes_sf.replica.published.recover import change_moments
from bayes_sf.replica.published.targets import Target, targets
from bayes_sf.replica.survey.strata import Stratum, workplaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]
    type Codes = NDArray[np.int64]
    type Mask = NDArray[np.bool_]

__all__ = ["tune"]

# Residual standard deviations, in pp, that the two models are designed for: table 3's follows from
# the standard error of q13 (0.091 here, 0.101 in figure 5), table 5's is that of the whole 420.
# Table 3's ratio of variances is free within what the intercept's standard error allows.
_MEAN_SIGMA, _CHANGE_SIGMA, _MEAN_RATIO = 2.3, 5.42, 0.5
# Gaps that cost one, in the exchange: logarithms of standard errors that must be met and of those
# that have a range, and the mean without union representatives, in pp.
_MET, _RANGED, _MEAN_SCALE = 0.002, 0.005, 0.02
_PROPOSALS = 30_000
_NEWTON_STEPS, _LONGEST, _SETTLED = 40, 0.5, 1e-7
# Columns of both designs: those the exchange moves in table 3, and the register covariates.
_DISCRETE, _REGISTER = (1, 5, 6, 7, 8, 9), slice(2, 5)
# Freedom of the three covariates while employees may be fractions, and once they are whole.
_FREE, _WHOLE = np.array([1.0, 1.0, 0.5]), np.array([1.0, 1.0, 0.0])
_DECIMALS = 6


def _target(table: str) -> Target:
    """The one model of a table."""
    (found,) = (target for target in targets() if target.table == table)
    return found


def _precision(design: "Array", industry: "NDArray[np.intp]", ratio: float) -> "Array":
    """V^-1 X with V = I + ratio Z Z', (n, k)."""
    size = np.bincount(industry)
    totals = np.zeros((len(size), design.shape[1]))
    np.add.at(totals, industry, design)
    return np.asarray(design - (ratio / (1 + size * ratio))[industry, None] * totals[industry])


@dataclass(frozen=True)
class _Task:
    """The two models: answers, and which of the 605 table 3 and table 5 use."""

    answers: dict[str, "Codes"]
    mean_rows: "Mask"
    change_rows: "Mask"
    three: Target
    five: Target

    def inverses(self, covariates: Covariates) -> list[tuple["Array", "Array", "Array"]]:
        """Design, V^-1 X and M of tables 3 and 5, without sigma."""
        mean = mean_design(covariates, self.answers, self.mean_rows)
        industry = workplaces().industry[self.mean_rows]
        change = change_design(covariates, self.answers, self.change_rows)
        return [
            (design, precision, np.linalg.inv(design.T @ precision))
            for design, precision in (
                (mean, _precision(mean, industry, _MEAN_RATIO)),
                (change, change),
            )
        ]

    def gaps(self, covariates: Covariates) -> "Array":
        """Logarithmic gaps of table 3's and table 5's standard errors, and of the mean, (21,)."""
        (_, _, inner), (design, _, outer) = self.inverses(covariates)
        mean = _MEAN_SIGMA * np.sqrt(np.diag(inner))
        change = _CHANGE_SIGMA * np.sqrt(np.diag(outer))
        wanted = (self.three.se_low + self.three.se_high) / 2
        within = np.clip(change, self.five.se_low, self.five.se_high)
        implied = _without_representatives(design) @ design @ (self.five.t * change)
        return np.concatenate(
            [np.log(mean / wanted), np.log(change / within), [implied - self.mean_without()]]
        )

    def mean_without(self) -> float:
        """Mean of the 420's workplaces without union representatives: table 4's two estimates."""
        four, moments = _target("4"), change_moments()
        codes = self.answers["q17"][workplaces().change]
        n, without = len(codes), int((codes == 2).sum())
        sigma = np.sqrt(moments.total / (n - 2 + four.t[1] ** 2))
        se = sigma * np.sqrt([1 / (n - without), 1 / without + 1 / (n - without)])
        return float(four.t @ se)

    def sensitivities(self, covariates: Covariates) -> "Array":
        """Derivatives of `gaps` by the register covariates of table 3's rows, (21, 3, 516)."""
        by = [
            -(inverse[:, _REGISTER] / np.diag(inverse)[:, None])[:, :, None]
            * (precision @ inverse).T[:, None, :]
            for _, precision, inverse in self.inverses(covariates)
        ]
        _, (design, _, inverse) = self.inverses(covariates)
        coefficient = self.five.t * _CHANGE_SIGMA * np.sqrt(np.diag(inverse))
        of_mean = coefficient[_REGISTER, None] * _without_representatives(design)
        inner = np.concatenate([by[1], of_mean[None]])
        # Through the standardisation z = (x - mean) / sd of table 5's rows.
        z, spread = design[:, _REGISTER].T, covariates.values(self.change_rows).std(axis=0, ddof=1)
        inner = inner - inner.mean(axis=2, keepdims=True)
        inner = inner - z * (z * inner).sum(axis=2, keepdims=True) / (z.shape[1] - 1)
        by_change = np.zeros((len(inner), *by[0].shape[1:]))
        by_change[:, :, self.change_rows[self.mean_rows]] = inner / spread[:, None]
        return np.concatenate([by[0], by_change])

    def cost(self, covariates: Covariates) -> float:
        """What the exchange lowers: what it can move of table 3, and all of table 5."""
        gaps, k = self.gaps(covariates), len(self.three.t)
        discrete, ranged, mean = gaps[list(_DISCRETE)] / _MET, gaps[k:-1] / _RANGED, gaps[-1]
        return float((discrete**2).sum() + (ranged**2).sum() + (mean / _MEAN_SCALE) ** 2)


def _without_representatives(design: "Array") -> "Array":
    """Weights that average over the workplaces without union representatives, (n,).

    Least squares with an indicator of them leaves their residuals a sum of zero: the mean of their
    fitted values is the mean of their outcomes.
    """
    return np.asarray(design[:, 1] / design[:, 1].sum())


def _exchange(rng: np.random.Generator, covariates: Covariates, task: _Task) -> None:
    """Exchange answers between workplaces, in place, while that lowers the cost."""
    places = workplaces()
    rows = np.flatnonzero(task.mean_rows)
    peers = [
        np.flatnonzero((places.industry == industry) & (places.stratum == stratum))
        for industry, stratum in zip(places.industry[rows], places.stratum[rows], strict=True)
    ]
    keys = ("q13", "q17", *RISKS)
    cost = task.cost(covariates)
    for _ in range(_PROPOSALS):
        codes, one = task.answers[keys[rng.integers(len(keys))]], rng.integers(len(rows))
        pair = [rows[one], peers[one][rng.integers(len(peers[one]))]]
        if codes[pair[0]] == codes[pair[1]]:
            continue
        codes[pair] = codes[pair[::-1]]
        proposed = task.cost(covariates)
        if proposed < cost:
            cost = proposed
        else:
            codes[pair] = codes[pair[::-1]]


def _newton(covariates: Covariates, task: _Task, freedom: "Array") -> Covariates:
    """Change the covariates until no gap is left: shares by logits, employees by logarithms."""
    rows = task.mean_rows
    for _ in range(_NEWTON_STEPS):
        gaps = task.gaps(covariates)
        if np.abs(gaps).max() < _SETTLED:
            break
        values = covariates.values(rows).T
        natural = np.vstack([values[:2] * (1 - values[:2]), values[2:]])
        jacobian = task.sensitivities(covariates) * natural * freedom[:, None]
        jacobian = jacobian.reshape(len(gaps), -1)[gaps != 0]
        inner = jacobian @ jacobian.T
        step = jacobian.T @ np.linalg.lstsq(inner, -gaps[gaps != 0], rcond=1e-12)[0]
        step = step.reshape(values.shape) * freedom[:, None]
        step = step * min(1.0, _LONGEST / np.abs(step).max())
        odds = values[:2] / (1 - values[:2]) * np.exp(step[:2])
        women, senior, employees = (
            covariates.women_share.copy(),
            covariates.senior_share.copy(),
            covariates.n_employees.copy(),
        )
        women[rows], senior[rows] = odds / (1 + odds)
        employees[rows] = values[2] * np.exp(step[2])
        covariates = Covariates(women, senior, employees)
    return covariates


def tune(
    rng: np.random.Generator, covariates: Covariates, answers: dict[str, "Codes"]
) -> Covariates:
    """Bring the standard errors of tables 3 and 5 to print.

    Parameters
    ----------
    rng : numpy.random.Generator
    covariates : Covariates
        Drawn.
    answers : dict
        Codes by item; those to q13, q17 and the risk items are exchanged in place.

    Returns
    -------
    Covariates
        Shares rounded to six decimals, employees to whole numbers.
    """
    places = workplaces()
    full = places.stratum == Stratum.CHANGE
    task = _Task(answers, places.full, full, _target("3"), _target("5"))
    _exchange(rng, covariates, task)
    found = _newton(covariates, task, _FREE)
    whole = np.maximum(np.round(found.n_employees), FEWEST)
    found = _newton(Covariates(found.women_share, found.senior_share, whole), task, _WHOLE)
    return Covariates(
        found.women_share.round(_DECIMALS), found.senior_share.round(_DECIMALS), whole
    )
