"""Posteriors from printed figures: t's against closed forms, coverage as the study records it."""

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from bayes_sf.analysis.comparison import _coefficient_rows
from bayes_sf.analysis.summary_posterior import degrees_of_freedom, summary_posterior
from bayes_sf.recovery.region import Region, coefficient_region

STUDY = Path(__file__).parents[1] / "studies" / "summary_t.csv"


def test_degrees_of_freedom() -> None:
    """Both ends of an intercept's; a split that is all between or all within is one of them."""
    assert degrees_of_freedom(90, 7, 3) == (80, 80)
    assert degrees_of_freedom(90, 7, 3, intercept=True) == (6, 80)
    for share, df in ((1.0, 6.0), (0.0, 80.0)):
        found = degrees_of_freedom(90, 7, 3, intercept=True, between=share)
        assert found == pytest.approx((df, df))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_satterthwaite_matches_the_variance_of_a_sum(share: float) -> None:
    """Chi-squares over their df, weighted: 2 E^2/Var of the sum."""
    low, high = 5, 501
    variance = 2 * share**2 / low + 2 * (1 - share) ** 2 / high
    df, _ = degrees_of_freedom(high + 6 + 9, 6, 9, intercept=True, between=share)
    assert df == pytest.approx(2 / variance)


@pytest.mark.parametrize("df", [3.0, 5.0, 501.0])
def test_the_posterior_is_a_t(df: float) -> None:
    """Printed to many digits, so that the region is a point."""
    region = coefficient_region((0.6999999, 0.7000001), (0.2999999, 0.3000001))
    found = summary_posterior(region, df, 0.9)
    density = stats.t(df, 0.7, 0.3)
    assert (found.lower, found.upper) == pytest.approx(density.ppf([0.05, 0.95]), abs=1e-6)
    assert found.p_direction == pytest.approx(density.sf(0), abs=1e-6)
    second = integrate.quad(lambda b: (b - 0.7) ** 2 * density.pdf(b), -np.inf, np.inf)[0]
    assert found.sd == pytest.approx(np.sqrt(second), rel=1e-5)
    assert np.isnan(summary_posterior(region, 2.0, 0.9).sd)


def test_what_rounding_leaves_open_adds_the_variances_of_uniforms() -> None:
    """Estimate and standard error known to an interval each, and to nothing between them."""
    corners = np.array([[0.1, 0.2], [0.1, 0.5], [0.9, 0.2], [0.9, 0.5]])
    region = Region(corners)
    found = summary_posterior(region, np.inf, 0.95)
    opened = [stats.uniform(*ends).var() for ends in ((0.1, 0.8), (0.2, 0.3))]
    assert found.sd == pytest.approx(np.sqrt(0.35**2 + sum(opened)))


def test_rows_of_printed_models_are_t_s_by_hand() -> None:
    """Of models that are not fitted; percentage points, whatever the table's unit."""
    rows = list(islice(_coefficient_rows({}, "exact", 0.8, summary=True), 8))
    assert {row.prob for row in rows} == {0.8}
    first = [row for row in rows if (row.table, row.question) == (rows[0].table, rows[0].question)]
    assert first[0].n is not None, "or nothing is known of the fewest"
    assert len(first) < len(rows), "the model is there in full"
    within = first[0].n - 6 - (len(first) - 1)
    assert {row.df for row in first if row is not first[0]} == {within}
    assert (first[0].df, first[0].df_most) == (5, within)
    for row in rows:
        unit = 100.0 if row.unit == "fraction" else 1.0
        b, s = (unit * float(text) for text in (row.estimate, row.se))
        ends = [(row.df, row.lower, row.upper), (row.df_most, row.lower_most, row.upper_most)]
        for df, low, high in ends if row.df_most == row.df_most else ends[:1]:  # NaN: they are one
            wanted = b + s * stats.t(df).ppf([0.1, 0.9])
            assert [low, high] == pytest.approx(wanted, abs=0.1 * unit / 100 + 0.1 * s)
        assert row.lower < row.mean < row.upper
        assert (row.reml_estimate, row.reml_se) == pytest.approx((b, s), abs=0.06)


def test_intervals_cover_as_recorded() -> None:
    """Slopes: 95 %. Intercepts: the two ends lie on either side, Satterthwaite's df between them.

    Tolerances are four standard errors of a share of the data sets.
    """
    table = pd.read_csv(STUDY).set_index(["tau", "term", "reference"])
    error = 4 * np.sqrt(0.05 * 0.95 / table["data_sets"].min())
    for tau in table.index.levels[0]:
        for slope in ("x1", "x2"):
            assert table.loc[(tau, slope, "t, most df"), "coverage"] == pytest.approx(
                0.95, abs=error
            )
        by = table.loc[(tau, "(Intercept)"), "coverage"]
        assert by["t, most df"] <= 0.95 + error
        assert by["t, fewest df"] >= 0.95 - error
        assert by["normal"] <= by["t, Satterthwaite"] <= by["t, fewest df"]
        assert by["t, Satterthwaite"] == pytest.approx(0.95, abs=error)
    assert table.loc[(1.0, "(Intercept)", "normal"), "coverage"] < 0.95 - error / 2
