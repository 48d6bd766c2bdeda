"""Register covariates, and the designs of the two models that have controls (tables 3 and 5)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.replica.survey.strata import workplaces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_sf.replica.survey.respondents import Traits

    type Array = NDArray[np.float64]
    type Codes = NDArray[np.int64]
    type Mask = NDArray[np.bool_]

__all__ = [
    "FEWEST",
    "REGISTER",
    "RISKS",
    "Covariates",
    "change_design",
    "draw_covariates",
    "mean_design",
]

REGISTER = ("women_share", "senior_share", "n_employees")
RISKS = ("q5r1", "q5r2", "q5r3", "q5r4", "q5r5")
FEWEST = 5
"""Employees of the smallest workplaces."""

# Shares on the logit scale and employees on the log scale, by industry or for all, and their
# spreads within: invented, but for the three industries of figure 3 where most are women.
_WOMEN, _WOMEN_SPREAD = (-2.3, -0.9, -1.1, 1.7, 2.3, 1.1), 0.95
_SENIOR, _SENIOR_SPREAD = -0.85, 0.7
_EMPLOYEES, _EMPLOYEES_SPREAD = (3.0, 3.0, 3.0, 3.6, 3.0, 3.6), 0.75


@dataclass(frozen=True)
class Covariates:
    """Register covariates of all 605; only those of linked workplaces come to be observed.

    Parameters
    ----------
    women_share, senior_share : (605,) float array
    n_employees : (605,) float array
    """

    women_share: "Array"
    senior_share: "Array"
    n_employees: "Array"

    def values(self, rows: "Mask") -> "Array":
        """All three for some workplaces, (n, 3)."""
        return np.column_stack([getattr(self, name)[rows] for name in REGISTER])


def draw_covariates(rng: np.random.Generator, traits: "Traits") -> Covariates:
    """Draw plausible covariates: logistic shares, log-normal numbers of employees."""
    industry = workplaces().industry
    noise = rng.standard_normal((2, len(industry)))
    women = np.array(_WOMEN)[industry] + _WOMEN_SPREAD * noise[0]
    senior = _SENIOR + _SENIOR_SPREAD * noise[1]
    size = np.array(_EMPLOYEES)[industry] + _EMPLOYEES_SPREAD * traits.size
    return Covariates(
        1 / (1 + np.exp(-women)),
        1 / (1 + np.exp(-senior)),
        np.maximum(np.round(np.exp(size)), FEWEST),
    )


def _risks(answers: dict[str, "Codes"], rows: "Mask") -> "Array":
    """Risk items of some workplaces, (n, 5)."""
    return np.column_stack([answers[key][rows] for key in RISKS]).astype(float)


def mean_design(covariates: Covariates, answers: dict[str, "Codes"], rows: "Mask") -> "Array":
    """Design of table 3 for some workplaces, (n, 10)."""
    item = answers["q13"][rows]
    register = covariates.values(rows)
    return np.column_stack([np.ones(len(item)), item, register, _risks(answers, rows)])


def change_design(covariates: Covariates, answers: dict[str, "Codes"], rows: "Mask") -> "Array":
    """Design of table 5, (n, 10): register covariates are standardised over its rows."""
    without = answers["q17"][rows] == 2
    register = covariates.values(rows)
    register = (register - register.mean(axis=0)) / register.std(axis=0, ddof=1)
    return np.column_stack([np.ones(len(without)), without, register, _risks(answers, rows)])
