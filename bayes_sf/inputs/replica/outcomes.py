"""Outcomes per workplace such that all published models print as published.

Each step fits every model, takes the derivatives of its t values and standard errors by the outcomes, and
makes the smallest change that mends them together: with J the stacked derivatives, g the gaps, D the
freedom of each outcome and T the tolerances,

    dy = -D J' (J D J' + T)^-1 g

(a Gauss-Newton step with a Gaussian penalty). Gaps of standard errors are distances from the range that
all printed figures of the coefficient allow.
"""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.published import rounding_interval
from bayes_sf.inputs.published import published_table
from bayes_sf.inputs.replica.models import Model, sensitivities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]

__all__ = ["solve"]

# Tolerance (standard deviation) of a t value, and of the log of a standard error or variance that is in
# its range already or not yet.
_T, _HELD, _SOUGHT = 1e-4, 0.003, 1e-4


def _gaps(model: Model, values: "Array") -> tuple["Array", "Array"]:
    """Distance of figures from what is printed, and tolerances, (m,) each."""
    if model.target is None:
        logs = []
        scalars = published_table("scalars").set_index("name")["value"]
        for name in ("var_between", "var_within"):
            low, high = np.log(1e4 * np.array(rounding_interval(scalars[name])))
            logs.append((low * 0.8 + high * 0.2, low * 0.2 + high * 0.8))
        low, high = np.array(logs).T
        gap = values - np.clip(values, low, high)
        return gap, np.full(len(gap), _SOUGHT)
    k = len(model.target.t)
    low, high = np.log(model.target.se_low), np.log(model.target.se_high)
    t_gap = values[:k] - model.target.t
    se_gap = values[k:] - np.clip(values[k:], low, high)
    se_tolerance = np.where(se_gap == 0, np.minimum(_HELD, 0.3 * (high - low)), _SOUGHT)
    return np.r_[t_gap, se_gap], np.r_[np.full(k, _T), se_tolerance]


def solve(
    outcome: "Array", models: list[Model], freedom, steps: int, *, log_scale: bool, longest: float, trace=None
) -> "Array":
    """Change outcomes until the models print as published."""
    for step in range(steps):
        rows, gaps, tolerances = [], [], []
        for model in models:
            values, by_row = sensitivities(model, outcome)
            gap, tolerance = _gaps(model, values)
            full = np.zeros((len(values), len(outcome)))
            full[:, model.rows] = by_row
            rows.append(full)
            gaps.append(gap)
            tolerances.append(tolerance)
        J, gap, tolerance = np.concatenate(rows), np.concatenate(gaps), np.concatenate(tolerances)
        if trace: trace(step, gap, tolerance, outcome)
        scale = freedom(outcome)
        A = J * scale
        soft = np.maximum(tolerance, 0.3 * np.sqrt((gap**2).mean()))
        inner = A @ A.T + np.diag(soft**2)
        change = -scale * (A.T @ np.linalg.solve(inner, gap))
        change *= min(1.0, longest / np.abs(change[scale > 0] / scale[scale > 0]).max())
        outcome = outcome * np.exp(change / outcome) if log_scale else outcome + change
    return outcome
