"""Gauss-Newton for many problems at once: derivatives by hand, optima of SciPy."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares

from bayes_sf.recovery.least_squares import gauss_newton, jacobian

type Floats = NDArray[np.float64]
TIME = np.linspace(0, 2, 9)


def curve(point: Floats) -> Floats:
    """Residuals of a exp(-b t) + c, with data of their own; (L, 3) to (L, 9)."""
    a, b, c = point.T[..., None]
    return np.asarray(a * np.exp(-b * TIME) + c - (3 * np.exp(-1.3 * TIME) + 0.5 + 0.1 * TIME**2))


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_jacobian_is_that_of_the_formula(size: float) -> None:
    """Three problems, three coordinates, nine residuals: no two lengths can be exchanged."""
    rng = np.random.default_rng(1)
    point = rng.uniform(0.5, 2.0, (4, 3)) * [size, 1.0, size]
    value, slopes = jacobian(curve, point)
    assert slopes.shape == (4, 9, 3)
    np.testing.assert_array_equal(value, curve(point))
    a, b, _ = point.T[..., None]
    e = np.exp(-b * TIME)
    by_hand = np.stack([e, -a * TIME * e, np.ones_like(e)], axis=2)
    # forward differences of step 1e-5 |x|: an error of half the step times the second derivative
    np.testing.assert_allclose(slopes, by_hand, atol=2e-5 * size)


def test_at_zero_there_is_a_step_as_well() -> None:
    """Steps are relative, but not where there is nothing to be relative to."""
    x = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]])
    _, slopes = jacobian(lambda point: point @ x.T + 1, np.zeros((2, 2)))
    np.testing.assert_allclose(slopes, np.broadcast_to(x, (2, 3, 2)), atol=1e-9)


def test_a_linear_problem_takes_one_step() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(8, 2)), rng.normal(size=8)
    found = gauss_newton(lambda point: point @ x.T - y, rng.normal(size=(3, 2)), steps=1)
    np.testing.assert_allclose(found, np.tile(np.linalg.lstsq(x, y)[0], (3, 1)), atol=1e-5)


def test_optima_are_those_of_scipy() -> None:
    """From near and far starts, each problem on its own."""
    start = np.array([[1.0, 1.0, 0.0], [6.0, 0.3, 2.0], [2.5, 3.0, 0.1]])
    found = gauss_newton(curve, start, steps=30)
    theirs = least_squares(lambda p: curve(p[None])[0], start[0], xtol=1e-14, ftol=1e-14).x
    np.testing.assert_allclose(found, np.broadcast_to(theirs, (3, 3)), atol=1e-4)


def test_no_step_goes_uphill() -> None:
    """A residual whose Newton step is far too long: halved, or not taken."""
    start = np.array([[3.0], [20.0], [-8.0]])
    cost = np.inf
    for steps in range(1, 8):
        point = gauss_newton(np.arctan, start, steps=steps)
        new = float((np.arctan(point) ** 2).sum())
        assert new <= cost
        cost = new
    np.testing.assert_array_equal(gauss_newton(np.arctan, start, steps=0), start)
    assert abs(gauss_newton(np.arctan, start[:1], steps=12)[0, 0]) < 1e-6
