"""The region of (estimate, se) against brute force: every pair that prints as the table prints."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bayes_sf.recovery.region import NORMAL_QUANTILE, Interval, Region, coefficient_region

FIGURES = ("t", "ci_low", "ci_high")


def printed(b: float, s: float) -> dict[str, float]:
    return {"t": b / s, "ci_low": b - NORMAL_QUANTILE * s, "ci_high": b + NORMAL_QUANTILE * s}


def interval(value: float, decimals: int = 3) -> Interval:
    middle, half = round(value, decimals), 0.5 * 10.0**-decimals
    return middle - half, middle + half


def region_of(b: float, s: float, decimals: int = 3) -> Region:
    figures = {name: interval(value, decimals) for name, value in printed(b, s).items()}
    return coefficient_region(interval(b, decimals), interval(s, decimals), **figures)


estimates = st.floats(-0.5, 0.5)
errors = st.floats(0.0006, 0.3)


@given(estimates, errors)
def test_the_true_pair_is_allowed_and_its_region_is_no_larger_than_the_box(
    b: float, s: float
) -> None:
    region = region_of(b, s)
    assert region.contains(b, s)
    for axis, value in ((region.estimate, b), (region.se, s)):
        low, high = interval(value)
        assert low - 1e-9 <= axis[0] <= value + 1e-9
        assert value - 1e-9 <= axis[1] <= high + 1e-9


@settings(max_examples=50, deadline=None)
@given(estimates, errors, st.integers(0, 2**32 - 1))
def test_membership_is_the_rounding_of_every_figure(b: float, s: float, seed: int) -> None:
    region = region_of(b, s)
    rng = np.random.default_rng(seed)
    pairs = np.column_stack([rng.uniform(*interval(b), 400), rng.uniform(*interval(s), 400)])
    pairs = pairs[pairs[:, 1] > 0]
    target = printed(b, s)
    for pair in pairs:
        figures = printed(*pair)
        gaps = [
            min(figures[f] - interval(target[f])[0], interval(target[f])[1] - figures[f])
            for f in FIGURES
        ]
        if min(map(abs, gaps)) > 1e-9:
            assert region.contains(*pair) == (min(gaps) > 0)


@settings(max_examples=50, deadline=None)
@given(estimates, errors)
def test_corners_are_convex_and_meet_every_figure(b: float, s: float) -> None:
    region = region_of(b, s)
    edges = np.roll(region.vertices, -1, axis=0) - region.vertices
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    assert (turns >= -1e-15).all()
    for corner in region.vertices:
        assume(corner[1] > 1e-6)
        for name, value in printed(*corner).items():
            low, high = interval(printed(b, s)[name])
            slack = 1e-9 * max(1.0, abs(value)) / min(1.0, corner[1])
            assert low - slack <= value <= high + slack


@given(estimates, errors, st.sampled_from(FIGURES), st.sampled_from([-1, 1]))
def test_a_figure_that_no_pair_of_the_box_gives_empties_the_region(
    b: float, s: float, name: str, sign: int
) -> None:
    (b_low, b_high), (s_low, s_high) = interval(b), interval(s)
    assume(s_low > 0)
    corners = [printed(bb, ss)[name] for bb in (b_low, b_high) for ss in (s_low, s_high)]
    value = max(corners) + 0.002 if sign > 0 else min(corners) - 0.002
    region = coefficient_region(
        (b_low, b_high), (s_low, s_high), **{name: (value - 0.001, value + 0.001)}
    )
    assert region.empty
    assert np.isnan(region.estimate).all()
    assert not region.contains(b, s)


def test_without_further_figures_the_region_is_the_box() -> None:
    region = coefficient_region((1.0, 2.0), (0.5, 0.7))
    assert (region.estimate, region.se) == ((1.0, 2.0), (0.5, 0.7))
    assert len(region.vertices) == 4


def test_a_standard_error_printed_as_zero_is_not_negative() -> None:
    assert coefficient_region((0.0, 1.0), (-0.0005, 0.0005)).se == (0.0, 0.0005)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_only_rescale_the_region(scale: float) -> None:
    def rescale(limits: Interval) -> Interval:
        return scale * limits[0], scale * limits[1]

    plain = region_of(0.236, 0.101)
    figures = {name: interval(value) for name, value in printed(0.236, 0.101).items()}
    scaled = coefficient_region(
        rescale(interval(0.236)),
        rescale(interval(0.101)),
        t=figures["t"],
        ci_low=rescale(figures["ci_low"]),
        ci_high=rescale(figures["ci_high"]),
    )
    np.testing.assert_allclose(scaled.vertices, scale * plain.vertices, rtol=1e-9)
