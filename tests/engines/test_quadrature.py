"""Series, inversion and the search for the box, on densities whose integrals are known."""

import numpy as np
import pytest
from scipy import stats

from bayes_sf.engines.gaussian.quadrature import (
    Axis,
    Box,
    cumulative,
    find_box,
    invert,
    series,
    unresolved,
)
from bayes_sf.errors import ConvergenceError

PROBS = np.array([1e-4, 0.025, 0.5, 0.9, 0.9999])

DENSITIES = {
    "normal": (stats.norm(), -8.0, 8.0, 64),
    "t": (stats.t(3), -40.0, 40.0, 500),
    "gamma": (stats.gamma(3), 0.0, 45.0, 64),
    "exponential": (stats.expon(), 0.0, 40.0, 64),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_series_is_the_distribution_function(name: str) -> None:
    law, low, high, n = DENSITIES[name]
    axis = Axis.over(low, high, n)
    mass = law.pdf(axis.nodes) * axis.weights
    value = np.linspace(low, high, 77)
    found = cumulative(series(mass), axis.unit(value))
    # The series stops where `unresolved` says that its terms are that small.
    error = 10 * unresolved(mass[:, None], 0) + 1e-12
    assert error < 1e-6
    np.testing.assert_allclose(found, law.cdf(value) - law.cdf(low), atol=error)


def test_series_of_many_columns() -> None:
    axis = Axis.over(-9.0, 9.0, 80)
    centres = np.array([-1.0, 0.0, 0.5])
    mass = stats.norm.pdf(axis.nodes[:, None], centres) * axis.weights[:, None]
    for rows in (4, 400):  # few values and many take different ways
        value = np.linspace(-3, 3, 3 * rows).reshape(rows, 3)
        found = cumulative(series(mass), axis.unit(value))
        np.testing.assert_allclose(found, stats.norm.cdf(value, centres), atol=1e-11)


def test_too_few_nodes_show() -> None:
    coarse, fine = (Axis.over(-8.0, 8.0, n) for n in (24, 64))
    errors = [unresolved((stats.norm.pdf(a.nodes) * a.weights)[None, :], 1) for a in (coarse, fine)]
    assert errors[0] > 1e-4
    assert errors[1] < 1e-10


def test_unit_is_clipped_to_the_interval() -> None:
    axis = Axis.over(1.0, 3.0, 5)
    np.testing.assert_array_equal(
        axis.unit(np.array([-9, 1.0, 2.0, 3.0, np.inf])), [-1, -1, 0, 1, 1]
    )


@pytest.mark.parametrize("name", DENSITIES)
def test_inversion(name: str) -> None:
    law, low, high, _ = DENSITIES[name]
    found = invert(law.cdf, PROBS, low, high)
    # The search ends at 1e-12 in probability.
    np.testing.assert_allclose(law.cdf(found), PROBS, atol=1e-12)


def test_inversion_of_steep_and_flat_functions() -> None:
    steep = invert(lambda x: np.clip((x - 0.3) * 1e6, 0, 1), PROBS, 0.0, 1.0)
    np.testing.assert_allclose(steep, 0.3 + PROBS * 1e-6, atol=1e-14)
    flat = invert(lambda x: 0.5 + 4 * (x - 0.5) ** 3, np.array([0.4, 0.5, 0.6]), 0.0, 1.0)
    np.testing.assert_allclose(4 * (flat - 0.5) ** 3, [-0.1, 0, 0.1], atol=1e-12)


def log_normal_density(t: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Two independent normals, (Z, T); z is cut off at 0."""
    return -0.5 * ((t - 7.0) / 0.01) ** 2 - 0.5 * ((z[:, None] - 1.0) / 0.3) ** 2


def test_area_of_a_box() -> None:
    """That of its edges' product: narrow in one way, it shrinks by what is cut off there."""
    assert Box(-1, 2, 1, 5).area == 12
    assert Box(0, 0.01, 0, 3).area == pytest.approx(0.5 * Box(0, 0.02, 0, 3).area)


@pytest.mark.parametrize(
    "start", [Box(-2, 0.5, 0, 1.6), Box(6.99, 7.0, 0.9, 1.0), Box(0, 900, 0, 4)]
)
def test_box_holds_the_mass_and_little_else(start: Box) -> None:
    box = find_box(log_normal_density, lambda t, z: np.zeros((len(z), len(t))), start)
    reach = np.sqrt(2 * 30)  # standard deviations to e^-30 of the peak
    assert box.z_low < 1e-8
    for centre, sd, low, high in (
        (7.0, 0.01, box.t_low, box.t_high),
        (1.0, 0.3, -np.inf, box.z_high),
    ):
        for distance in (centre - low, high - centre):
            assert distance >= reach * sd
            assert np.isinf(distance) or distance < 1.5 * reach * sd  # a last step gains < 20 %


def test_mass_without_end_is_an_error_as_soon_as_it_is_seen() -> None:
    tried: list[float] = []

    def endless(t: np.ndarray, z: np.ndarray) -> np.ndarray:
        tried.append(float(z[-1]))
        return -(t**2) + 0 * z[:, None]

    with pytest.raises(ConvergenceError, match="where the posterior"):
        find_box(endless, lambda t, z: np.zeros((len(z), len(t))), Box(-1, 1, 0, 1))
    assert tried == sorted(set(tried))  # each box is higher, and beyond the highest is nothing
