"""Register covariates and risk items such that tables 3 and 5 print their standard errors.

Given the residual spread, standard errors depend on the design only: se_i = sigma sqrt(M_ii) with
M = (X' V^-1 X)^-1. Two steps reach the printed ones:

1. *Exchange* of answers to q13, q17 and the risk items between two workplaces of one industry and stratum.
   No table of counts and no bivariate design notices; correlations between the columns do.
2. *Newton* on the continuous covariates (women's and seniors' share, employees), the change of least
   norm that makes the linearised standard errors right. With W = V^-1 X M, the derivative of M_ii with
   respect to X_rc is -2 M_ic W_ri.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.replica.recover import change_moments
from bayes_sf.inputs.replica.strata import Stratum, workplaces
from bayes_sf.inputs.replica.targets import Target, targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_sf.inputs.replica.respondents import Traits

    type Array = NDArray[np.float64]
    type Codes = NDArray[np.int64]

__all__ = ["REGISTER", "RISKS", "Covariates", "change_design", "draw_covariates", "mean_design", "tune"]

REGISTER = ("women_share", "senior_share", "n_employees")
RISKS = ("q5r1", "q5r2", "q5r3", "q5r4", "q5r5")

# Residual standard deviations, in pp, that the two models are designed for: table 3's follows from the
# standard error of q13 (0.091 here, 0.101 in figure 5), table 5's is that of the whole 420. The ratio of
# variances in table 3 is free within what the intercept's standard error allows.
_MEAN_SIGMA, _CHANGE_SIGMA, _MEAN_RATIO = 2.3, 5.42, 0.5
_PROPOSALS = 30_000
_NEWTON_STEPS = 40
# Women's share by industry on the logit scale, and spreads within: invented, but for the order.
_WOMEN_LOGIT = (-2.3, -0.9, -1.1, 1.7, 2.3, 1.1)
_WOMEN_SPREAD, _SENIOR_LOGIT, _SENIOR_SPREAD = 0.95, -0.85, 0.7
_EMPLOYEES_LOG = (3.0, 3.0, 3.0, 3.6, 3.0, 3.6)
_EMPLOYEES_SPREAD, _FEWEST = 0.75, 5
_LOWEST_SHARE = 0.004
_DECIMALS = 6


@dataclass(frozen=True)
class Covariates:
    """Register covariates of all 605; only those of linked workplaces come to be observed.

    Parameters
    ----------
    women_share, senior_share : (605,) float array
    n_employees : (605,) float array
        Whole numbers.
    ratio : float
        lambda of table 3 that goes with the design.
    """

    women_share: "Array"
    senior_share: "Array"
    n_employees: "Array"
    ratio: float


def _target(table: str) -> Target:
    (found,) = (target for target in targets() if target.table == table)
    return found


def mean_design(covariates: Covariates, answers: dict[str, "Codes"]) -> "Array":
    """Design of table 3 for all 605 workplaces, (605, 10)."""
    columns = [answers["q13"], *(getattr(covariates, name) for name in REGISTER)]
    columns += [answers[key] for key in RISKS]
    return np.column_stack([np.ones(len(columns[0])), *columns]).astype(float)


def change_design(covariates: Covariates, answers: dict[str, "Codes"], rows: "NDArray[np.bool_]") -> "Array":
    """Design of table 5 for `rows`, (n, 10): register covariates standardised over those rows."""
    register = np.column_stack([getattr(covariates, name)[rows] for name in REGISTER])
    register = (register - register.mean(axis=0)) / register.std(axis=0, ddof=1)
    risks = np.column_stack([answers[key][rows] for key in RISKS])
    return np.column_stack([np.ones(len(register)), answers["q17"][rows] == 2, register, risks]).astype(float)


def draw_covariates(rng: np.random.Generator, traits: "Traits") -> Covariates:
    """Draw plausible covariates: logistic shares by industry, log-normal numbers of employees."""
    industry = workplaces().industry
    noise = rng.standard_normal((2, len(industry)))
    women = np.array(_WOMEN_LOGIT)[industry] + _WOMEN_SPREAD * noise[0]
    senior = _SENIOR_LOGIT + _SENIOR_SPREAD * noise[1]
    size = np.array(_EMPLOYEES_LOG)[industry] + _EMPLOYEES_SPREAD * traits.values[:, 2]
    return Covariates(
        1 / (1 + np.exp(-women)),
        1 / (1 + np.exp(-senior)),
        np.maximum(np.round(np.exp(size)), _FEWEST),
        _MEAN_RATIO,
    )


def _precision(design: "Array", industry: "NDArray[np.intp]", ratio: float) -> "Array":
    """V^-1 X with V = I + ratio Z Z', (n, k)."""
    size = np.bincount(industry)
    totals = np.zeros((len(size), design.shape[1]))
    np.add.at(totals, industry, design)
    return design - (ratio / (1 + size * ratio))[industry, None] * totals[industry]


@dataclass(frozen=True)
class _Frame:
    """The two samples: rows of the 516 and, among them, of the 403."""

    rows: "NDArray[np.intp]"
    industry: "NDArray[np.intp]"
    change: "NDArray[np.bool_]"


def _frame() -> _Frame:
    places = workplaces()
    rows = np.flatnonzero(places.full)
    return _Frame(rows, places.industry[rows], places.stratum[rows] == Stratum.CHANGE)


def _errors(covariates: Covariates, answers: dict[str, "Codes"], frame: _Frame) -> tuple["Array", "Array"]:
    """Standard errors of tables 3 and 5, (10,) each."""
    found = []
    mean = mean_design(covariates, answers)[frame.rows]
    change = change_design(covariates, answers, _mask(frame))
    for design, industry, ratio, sigma in (
        (mean, frame.industry, covariates.ratio, _MEAN_SIGMA),
        (change, frame.industry[frame.change], 0.0, _CHANGE_SIGMA),
    ):
        inverse = np.linalg.inv(design.T @ _precision(design, industry, ratio))
        found.append(sigma * np.sqrt(np.diag(inverse)))
    return found[0], found[1]


def _mask(frame: _Frame) -> "NDArray[np.bool_]":
    return workplaces().stratum == Stratum.CHANGE


def _outside(value: "Array", target: Target) -> "Array":
    """Signed distance of standard errors from their ranges, (k,)."""
    return np.maximum(value - target.se_high, 0) - np.maximum(target.se_low - value, 0)


def _implied_mean(design: "Array", se: "Array") -> tuple[float, "Array"]:
    """Mean outcome of the workplaces without union representatives that table 5 implies.

    Least squares with an indicator of them leaves their residuals a sum of zero, so their mean is that of
    their fitted values. Coefficients are the printed t's times the design's standard errors `se`. Also
    the derivative by the design's standardised columns, (3, n).
    """
    coefficient = _target("5").t * se
    weight = design[:, 1] / design[:, 1].sum()
    return float(weight @ design @ coefficient), coefficient[2:5, None] * weight


def _mean_gap(
    covariates: Covariates, answers: dict[str, "Codes"], frame: _Frame, change: "Array"
) -> float:
    """Distance of that mean from table 4's, which has the same workplaces (`respondents`)."""
    four, moments = _target("4"), change_moments()
    rows = workplaces().change
    n, ones = int(rows.sum()), int((answers["q17"][rows] == 2).sum())
    sigma = np.sqrt(moments.total / (n - 2 + four.t[1] ** 2))
    se = sigma * np.sqrt([1 / (n - ones), 1 / ones + 1 / (n - ones)])
    design = change_design(covariates, answers, _mask(frame))
    mean, _ = _implied_mean(design, change)
    return mean - float(four.t @ se)


def _cost(covariates: Covariates, answers: dict[str, "Codes"], frame: _Frame) -> float:
    """What the exchange lowers: the discrete columns of table 3, and all of table 5."""
    mean, change = _errors(covariates, answers, frame)
    mean_gap = _mean_gap(covariates, answers, frame, change)
    three, five = _target("3"), _target("5")
    wanted = (three.se_low + three.se_high) / 2
    discrete = np.r_[1, 5:10]
    gap = np.log(mean[discrete] / wanted[discrete]) / 0.002
    return float((gap**2).sum() + (mean_gap / 0.02) ** 2 + ((_outside(change, five) / five.se_high / 0.005) ** 2).sum())


def _exchange(
    rng: np.random.Generator, covariates: Covariates, answers: dict[str, "Codes"], frame: _Frame
) -> None:
    """Exchange answers between workplaces, in place, while that brings the errors closer."""
    places = workplaces()
    keys = ("q13", "q17", *RISKS)
    cost = _cost(covariates, answers, frame)
    for _ in range(_PROPOSALS):
        codes = answers[keys[rng.integers(len(keys))]]
        first = frame.rows[rng.integers(len(frame.rows))]
        same = np.flatnonzero(
            (places.industry == places.industry[first]) & (places.stratum == places.stratum[first])
        )
        second = same[rng.integers(len(same))]
        if codes[first] == codes[second]:
            continue
        codes[[first, second]] = codes[[second, first]]
        proposed = _cost(covariates, answers, frame)
        if proposed < cost:
            cost = proposed
        else:
            codes[[first, second]] = codes[[second, first]]


def _sensitivities(
    covariates: Covariates, answers: dict[str, "Codes"], frame: _Frame
) -> "Array":
    """Derivatives by the register covariates of the 516, (21, 3, 516).

    Of the log standard errors of tables 3 and 5, and of the mean that table 5 implies.
    """
    columns = slice(2, 5)
    mean = mean_design(covariates, answers)[frame.rows]
    precision = _precision(mean, frame.industry, covariates.ratio)
    inverse = np.linalg.inv(mean.T @ precision)
    share = inverse[:, columns] / np.diag(inverse)[:, None]
    by_mean = -share[:, :, None] * (precision @ inverse).T[:, None, :]

    rows = _mask(frame)
    change = change_design(covariates, answers, rows)
    inverse = np.linalg.inv(change.T @ change)
    share = inverse[:, columns] / np.diag(inverse)[:, None]
    inner = -share[:, :, None] * (change @ inverse).T[:, None, :]
    se = _CHANGE_SIGMA * np.sqrt(np.diag(inverse))
    inner = np.concatenate([inner, _implied_mean(change, se)[1][None]])
    # Through the standardisation z = (x - mean) / sd of the rows.
    z = change[:, columns].T
    raw = np.array([getattr(covariates, name)[rows] for name in REGISTER])
    inner = inner - inner.mean(axis=2, keepdims=True)
    inner = inner - z * (z * inner).sum(axis=2, keepdims=True) / (z.shape[1] - 1)
    by_change = np.zeros((len(inner), *by_mean.shape[1:]))
    by_change[:, :, frame.change] = inner / raw.std(axis=1, ddof=1)[:, None]
    return np.concatenate([by_mean, by_change])


def _newton(
    covariates: Covariates, answers: dict[str, "Codes"], frame: _Frame, scale: "Array"
) -> Covariates:
    """Change the covariates until table 3 has its standard errors and table 5 is in range.

    `scale` (3,) is the relative freedom of the three covariates; steps are taken on logit and log scales.
    """
    three, five = _target("3"), _target("5")
    wanted = (three.se_low + three.se_high) / 2
    for _ in range(_NEWTON_STEPS):
        mean, change = _errors(covariates, answers, frame)
        gap = np.concatenate(
            [
                np.log(mean / wanted),
                np.log(change / np.clip(change, five.se_low, five.se_high)),
                [_mean_gap(covariates, answers, frame, change)],
            ]
        )
        if np.abs(gap).max() < 1e-7:
            break
        values = np.array([getattr(covariates, name)[frame.rows] for name in REGISTER])
        natural = np.stack([values[0] * (1 - values[0]), values[1] * (1 - values[1]), values[2]])
        jacobian = _sensitivities(covariates, answers, frame) * (natural * scale[:, None])
        jacobian = jacobian.reshape(len(gap), -1)[gap != 0]
        step = jacobian.T @ np.linalg.lstsq(jacobian @ jacobian.T, -gap[gap != 0], rcond=1e-12)[0]
        step = step.reshape(values.shape) * scale[:, None]
        step = step * min(1.0, 0.5 / np.abs(step).max())
        updated = {name: getattr(covariates, name).copy() for name in REGISTER}
        for name, value, change_of in zip(REGISTER[:2], values[:2], step[:2], strict=True):
            odds = value / (1 - value) * np.exp(change_of)
            updated[name][frame.rows] = np.maximum(odds / (1 + odds), _LOWEST_SHARE)
        updated["n_employees"][frame.rows] = values[2] * np.exp(step[2])
        covariates = Covariates(**updated, ratio=covariates.ratio)
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
    frame = _frame()
    _exchange(rng, covariates, answers, frame)
    covariates = _newton(covariates, answers, frame, np.array([1.0, 1.0, 0.5]))
    whole = np.maximum(np.round(covariates.n_employees), _FEWEST)
    covariates = Covariates(
        covariates.women_share, covariates.senior_share, whole, covariates.ratio
    )
    covariates = _newton(covariates, answers, frame, np.array([1.0, 1.0, 0.0]))
    return Covariates(
        covariates.women_share.round(_DECIMALS),
        covariates.senior_share.round(_DECIMALS),
        whole,
        covariates.ratio,
    )
