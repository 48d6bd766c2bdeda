"""Intervals of single outcomes: the gate's short cut finds what whole linear programs find."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from bayes_sf.disclosure.learnt import releases
from bayes_sf.disclosure.learnt.bounds import is_wide
from bayes_sf.disclosure.learnt.knowledge import Knowledge
from bayes_sf.inputs import sample as samples
from bayes_sf.spec.analysis import load_analysis
from tests.studies import gate


def whole_width(
    at: int, weights: NDArray[np.float64], half: NDArray[np.float64], y: NDArray[np.float64],
    *, other: int, low: float,
) -> float:  # fmt: skip
    """The interval as the attacker of the tests has it: two programs over all outcomes."""
    printed = np.round(weights @ y / (2 * half)) * 2 * half
    matrix, most = np.vstack([weights, -weights]), np.append(printed + half, half - printed)
    bounds = [(low, None)] * len(y)
    bounds[other] = (y[other], y[other])
    ends = []
    for sign in (1.0, -1.0):
        solved = linprog(sign * np.eye(len(y))[at], A_ub=matrix, b_ub=most, bounds=bounds)
        if solved.status == 3:
            return np.inf
        assert solved.x is not None
        ends.append(float(solved.x[at]))
    return ends[1] - ends[0]


@pytest.mark.parametrize("low", [0.0, -np.inf])
def test_an_interval_is_that_of_linear_programs(low: float) -> None:
    """Of outcomes of which a third is zero, told by more figures or fewer than there are."""
    rng = np.random.default_rng(8)
    finite = 0
    for _ in range(40):
        n, k = int(rng.integers(4, 14)), int(rng.integers(2, 30))
        y = np.where(rng.random(n) < 1 / 3, 0.0, rng.gamma(1.5, 3.0, n))
        weights = rng.normal(1.0, 1.0, (k, n)) / n
        half = 10.0 ** rng.integers(-3, 0, k) / 2
        known = Knowledge.of_spread(float(y.std()), n).after(weights, half)
        at = int(known.spread().argmin())
        width = whole_width(at, weights, half, y, other=int(known.tellers[at]), low=low)
        finite += np.isfinite(width)
        asked = [0.499 * width, 0.501 * width] if np.isfinite(width) else [1e3]
        found = [is_wide(at, known, weights, half, y, least=one, low=low) for one in asked]
        assert found == [True, False][: len(asked)]
    assert finite > 15


@pytest.mark.slow
def test_who_is_far_out_is_not_known_by_what_others_cannot_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A workplace five sds out had been known to half of what may be: no other is below zero."""
    monkeypatch.setattr(samples, "INVENTED", "")
    monkeypatch.setattr(releases, "main_specs", lambda: list(load_analysis("null").specs))
    assert min(gate.attack(*gate.project(55), on=True)) > 1
    monkeypatch.setattr(releases, "_NEAR", 0.0)  # nobody is looked at
    assert min(gate.attack(*gate.project(55), on=True)) < 0.6
