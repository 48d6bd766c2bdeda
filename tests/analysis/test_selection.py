"""Case selection: the report's rule by plain sorting, and the posterior against brute force."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_sf.analysis.choices.selection import (
    LISTS,
    quarter_noise,
    select_cases,
    shrink,
    yearly_rates,
)
from bayes_sf.errors import DataError, UsageError

N, YEARS = 90, (2017, 2020)


@pytest.fixture(scope="module")
def study() -> tuple[pd.DataFrame, pd.Series]:
    """Two industries of workplaces with a level, a slope and noise falling with size."""
    rng = np.random.default_rng(3)
    rows, sizes = [], {}
    for i in range(2 * N):
        name, size = f"w{i:03d}", rng.uniform(10, 120)
        sizes[name] = size
        level, slope = rng.normal(6, 1.5), rng.normal(0, 0.4)
        for year in range(2017, 2021):
            for quarter in range(1, 5):
                noise = rng.normal(0, 12 / np.sqrt(size))
                absence = level + slope * (year - 2017) + (quarter == 1) + noise
                seen = rng.random() < 0.9
                name_of = f"{year}Q{quarter}"
                rows.append(
                    ("ict" if i < N else "care", name, name_of, absence if seen else np.nan)
                )
    frame = pd.DataFrame(rows, columns=["industry", "workplace", "quarter", "absence"])
    return frame, pd.Series(sizes)


@pytest.fixture(scope="module")
def lists(study: tuple[pd.DataFrame, pd.Series]) -> pd.DataFrame:
    return select_cases(*study, years=YEARS)


def yearly(quarters: pd.DataFrame) -> pd.DataFrame:
    year = quarters["quarter"].str[:4].astype(int)
    keys = [quarters["industry"], quarters["workplace"], year]
    return quarters.groupby(keys)["absence"].mean().unstack()  # noqa: PD010


def test_lists_by_rule_are_those_of_plain_sorting(
    study: tuple[pd.DataFrame, pd.Series], lists: pd.DataFrame
) -> None:
    quarters, sizes = study
    rates = yearly(quarters).loc["ict"]
    table = pd.DataFrame({"mean": rates.mean(axis=1), "sd": rates.std(axis=1)})
    table["change"] = rates[2020] - rates[2017]
    by_level = table.sort_values(["mean", "sd"])
    large = sizes.reindex(by_level.index) > 50
    expected = {
        LISTS[0]: set(table["change"].dropna().nsmallest(40).index),
        LISTS[1]: {*by_level[large].index[:20], *by_level[~large].index[:20]},
        LISTS[2]: set(table[table["sd"] <= 2].sort_values("mean").index[-40:]),
    }
    chosen = lists[(lists["industry"] == "ict") & lists["chosen"]]
    for name, workplaces in expected.items():
        assert set(chosen.loc[chosen["list"] == name, "workplace"]) == workplaces


def test_as_many_truly_belong_as_are_chosen(lists: pd.DataFrame) -> None:
    strata = lists.groupby(["list", "industry", "stratum"])
    np.testing.assert_allclose(
        strata["prob_top"].sum(), strata["chosen"].sum().astype(float), rtol=1e-9
    )
    assert (lists.groupby("list")["prob_top"].max() < 1 + 1e-12).all()


def test_luck_is_taken_out_of_the_extremes(lists: pd.DataFrame) -> None:
    falls = lists[lists["list"] == LISTS[0]]
    top = falls[falls["rank"] <= 10]
    assert (top["posterior_mean"] > top["observed"]).all()
    assert top["observed"].mean() < 1.3 * top["posterior_mean"].mean()


def test_shrink_is_the_posterior_of_brute_force() -> None:
    y, v = np.array([0.0, 1.0, -2.0, 6.0, 0.5]), np.array([1.0, 4.0, 2.0, 3.0, 0.5])
    spread = 4 * np.std(y, ddof=1)
    tau = (np.arange(500) + 0.5) / 500 * spread
    mu = np.linspace(-30, 30, 601)
    total = v + tau[:, None, None] ** 2
    density = stats.norm.logpdf(y, mu[None, :, None], np.sqrt(total)).sum(axis=2)
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    keep = tau[:, None, None] ** 2 / total
    mean = (weight[..., None] * (keep * y + (1 - keep) * mu[None, :, None])).sum(axis=(0, 1))
    got = shrink(y, v, seed=1, n_draws=40_000)
    np.testing.assert_allclose(got.mean, mean, rtol=2e-3, atol=2e-3)
    error = got.sd / np.sqrt(40_000)
    assert (np.abs(got.draws.mean(axis=0) - got.mean) < 5 * error).all()
    np.testing.assert_allclose(got.draws.std(axis=0), got.sd, rtol=0.05)


def test_probabilities_are_calibrated() -> None:
    """Over simulated industries, as many of those given p are truly at the top as p says."""
    rng = np.random.default_rng(11)
    given, true = [], []
    for seed in range(60):
        theta = rng.normal(0, 1, 40)
        v = rng.uniform(0.3, 3, 40)
        given.append(shrink(rng.normal(theta, np.sqrt(v)), v, seed=seed, n_draws=800).prob_top(10))
        true.append(np.argsort(np.argsort(-theta)) < 10)
    p, belongs = np.concatenate(given), np.concatenate(true)
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.01)):
        bin_ = (p >= low) & (p < high)
        error = np.sqrt((p[bin_] * (1 - p[bin_])).sum()) / bin_.sum()
        assert abs(belongs[bin_].mean() - p[bin_].mean()) < 4 * error


def test_noise_is_found_again_without_season_and_yearly_change() -> None:
    rng = np.random.default_rng(7)
    size = rng.uniform(10, 100, 400)
    years, seasons = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    means = rng.normal(6, 2, (400, 1)) + np.repeat(rng.normal(0, 1, (400, 4)), 4, axis=1)
    noise = rng.normal(0, np.sqrt(50 / size)[:, None], (400, 16))
    absence = means + 2.0 * (seasons == 0) + noise
    absence[rng.random(absence.shape) < 0.2] = np.nan
    got = quarter_noise(absence, size, years, seasons)
    np.testing.assert_allclose(got * size, np.full(400, (got * size)[0]))
    assert (got * size)[0] == pytest.approx(50, rel=0.06)


def test_a_year_without_quarters_has_no_rate() -> None:
    absence = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 2.0]])
    rate, count = yearly_rates(absence, np.array([2017, 2017, 2018]), 2017)
    assert rate[0] == 1.0
    assert np.isnan(rate[1])
    assert count.tolist() == [1.0, 0.0]


def test_years_outside_the_register_are_refused(study: tuple[pd.DataFrame, pd.Series]) -> None:
    with pytest.raises(UsageError, match="quarters in 2021"):
        select_cases(*study)


@pytest.mark.parametrize("v", [np.ones(3), np.array([1.0, 1.0, 0.0, 1.0])])
def test_a_posterior_needs_four_figures_with_noise(v: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least four"):
        shrink(np.zeros(len(v)), v, seed=1)
