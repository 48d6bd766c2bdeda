"""Leave-one-out: exact against refits and against PSIS; groups left out; comparisons; checks."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.checks.calibration import uniform_p
from bayes_sf.analysis.checks.loo import compare_models, leave_group_out, loo
from bayes_sf.analysis.checks.pit import loo_pit
from bayes_sf.analysis.checks.predictive_check import check_predictions, summarise_replicates
from bayes_sf.engines.sampled.nuts import Sampled
from bayes_sf.engines.sampled.pointwise import Given, given_draws
from bayes_sf.errors import DataError, UsageError
from bayes_sf.spec.rows import Rows
from tests.engines.lme4_references import data

SPEC = sf.ModelSpec("y", ("x",), "g")


def frame(seed: int = 2, n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = rng.choice(list("abcd"), n)
    u = 2 * rng.normal(size=4)[np.unique(g, return_inverse=True)[1]]
    x = rng.normal(size=n)
    return pd.DataFrame({"y": 10 + 0.5 * x + u + rng.normal(size=n), "x": x, "g": g})


@pytest.fixture(scope="module")
def fitted() -> sf.Result:
    return sf.fit(SPEC, frame())


def fixed(result: sf.Result) -> sf.ModelSpec:
    """The model with the priors that all rows gave, also those of the slope."""
    priors = result.priors
    assert priors is not None
    scale = priors.slope.scale * frame()["y"].std() / frame()["x"].std()
    slope = sf.Prior("normal", scale=scale, autoscale=False, location=0.0)
    return replace(result.spec, priors=replace(priors, slope=slope))


@pytest.mark.parametrize("row", [0, 11, 39])
def test_exact_is_what_a_refit_without_the_row_predicts(fitted: sf.Result, row: int) -> None:
    """Predictive density of the row: t-like, averaged over 40,000 draws of the refit."""
    df = frame()
    rows = fitted.data
    assert rows is not None
    kept = np.arange(len(df)) != row
    spec = fixed(fitted)
    refit = sf.fit(spec, rows.take(kept))
    left = rows.take(~kept)
    draws = refit.draws(40_000, seed=5, rows=False)
    density = np.exp(given_draws(draws, left, spec).log_likelihood().ravel())
    assert left.n_obs == 1
    error = density.std() / np.sqrt(density.size)
    assert abs(np.exp(loo(fitted).pointwise[row]) - density.mean()) < 5 * error
    below = (given_draws(draws, left, spec).replicate(seed=6).ravel() <= left.y[0]).mean()
    assert loo_pit(fitted)[row] == pytest.approx(below, abs=4 * np.sqrt(0.25 / density.size))


def test_density_of_a_row_and_its_replications_are_those_of_scipy() -> None:
    rng = np.random.default_rng(4)
    y, mean, sd = rng.normal(size=5), rng.normal(size=(2, 3, 5)), rng.gamma(3, 1, (2, 3, 5))
    df = 0.5 + rng.gamma(2, 3, (2, 3, 1))
    for given, law in (
        (Given(y, mean, sd), stats.norm(mean, sd)),
        (Given(y, mean, sd, df), stats.t(df, mean, sd)),
    ):
        np.testing.assert_allclose(given.log_likelihood(), law.logpdf(y), rtol=1e-10)
        other = rng.normal(size=mean.shape)
        np.testing.assert_allclose(given.log_density(other), law.logpdf(other), rtol=1e-10)
    wide = (4, 500, 5)
    mean, sd = rng.normal(size=wide), rng.gamma(3, 1, wide)
    df = rng.choice([1.0, 3.0, 30.0], (4, 500, 1))
    for given, law in (
        (Given(y, mean, sd), stats.norm(mean, sd)),
        (Given(y, mean, sd, df), stats.t(df, mean, sd)),
    ):
        below = law.cdf(given.replicate(seed=3)).ravel()
        # at this seed; a right sampler has a p value below 0.001 once in a thousand
        assert stats.kstest(below, "uniform").pvalue > 0.001


def test_exact_agrees_with_psis_of_the_same_model(fitted: sf.Result) -> None:
    found = loo(fitted)
    draws = fitted.draws(4000, rows=False)
    values = given_draws(draws, fitted.data, SPEC).log_likelihood().reshape(4000, -1)
    lppd = np.logaddexp.reduce(values, axis=0) - np.log(4000)
    np.testing.assert_allclose(found.full, lppd, atol=0.02)  # Monte Carlo, sd about 0.003
    plain = -(np.logaddexp.reduce(-values, axis=0) - np.log(4000))
    np.testing.assert_allclose(found.pointwise, plain, atol=0.1)  # without smoothing
    assert found.kind == "exact"
    assert found.p_loo == pytest.approx(5, abs=2)  # four group means and a slope
    assert found.se == pytest.approx(np.sqrt(40) * found.pointwise.std())
    assert found.bad == 0


def test_pit_is_even_where_the_model_is_right_and_is_refused_without_an_exact_one() -> None:
    """Of 400 rows that the model itself makes; squared, they are skewed."""
    right = frame(seed=4, n=400)
    ranks = [
        np.minimum((100 * loo_pit(sf.fit(SPEC, df))).astype(int), 99)
        for df in (right, right.assign(y=np.exp(right["y"])))
    ]
    assert uniform_p(ranks[0], 100) > 0.05
    assert uniform_p(ranks[1], 100) < 0.001
    with pytest.raises(UsageError, match="no posterior"):
        loo_pit(sf.fit(SPEC, frame(), engine="reml"))


def test_psis_of_sampled_models(fitted: sf.Result) -> None:
    """Of independent draws: whether the sampler gives such is tested elsewhere."""
    assert fitted.priors is not None
    chains = Sampled(fitted.moments, fitted.priors, fitted.draws(4000, seed=2, rows=False))
    sampled = replace(fitted, engine="nuts", fitted=chains)
    found, exact = loo(sampled), loo(fitted)
    assert found.kind == "psis"
    assert found.pareto_k is not None
    trusted = found.pareto_k <= found.good_k
    assert found.bad == (~trusted).sum() <= 2  # of 40 rows, one can weigh too much
    np.testing.assert_allclose(found.pointwise[trusted], exact.pointwise[trusted], atol=0.1)
    assert found.elpd == pytest.approx(exact.elpd, abs=0.3)
    assert found.p_loo == pytest.approx(exact.p_loo, abs=0.3)
    table = compare_models({"nuts": sampled, "exact": fitted, "null": null()})
    assert table.index[-1] == "null"
    assert table.loc["null", "elpd_diff"] == pytest.approx(
        loo(null()).elpd - max(found.elpd, exact.elpd)
    )


def null() -> sf.Result:
    return sf.fit(sf.ModelSpec("y", (), "g"), frame())


def test_a_unit_shifts_every_density_by_its_log(fitted: sf.Result) -> None:
    other = sf.fit(SPEC, frame().assign(y=lambda d: 100 * d["y"]))
    expected = loo(fitted).pointwise - np.log(100)
    np.testing.assert_allclose(loo(other).pointwise, expected, atol=1e-8)


def test_rows_in_another_order(fitted: sf.Result) -> None:
    order = np.random.default_rng(1).permutation(40)
    other = sf.fit(SPEC, frame().iloc[order])
    np.testing.assert_allclose(loo(other).pointwise, loo(fitted).pointwise[order], atol=1e-9)


def test_a_group_left_out_is_predicted_as_a_new_one(fitted: sf.Result) -> None:
    table = leave_group_out(fitted)
    assert list(table.index) == list("abcd")
    rows = fitted.data
    assert rows is not None
    refit = sf.fit(fixed(fitted), rows.take(rows.code != 0))
    # By hand: the row's marginal given (beta, tau, sigma) is N(x beta, tau^2 + sigma^2).
    draws = refit.draws(20_000, seed=3, rows=False)["posterior"].to_dataset()
    left = rows.take(rows.code == 0)
    beta = draws["beta"].to_numpy().reshape(-1, 2)
    sd = np.hypot(draws["sd_group"].to_numpy().ravel(), draws["sd_resid"].to_numpy().ravel())
    mean = beta[:, :1] + beta[:, 1:] * left.x[:, 0]
    by_hand = np.log(stats.norm.pdf(left.y, mean, sd[:, None]).mean(axis=0)).sum()
    # 4,000 draws of u each; the slope's prior differs a little
    assert table.loc["a", "elpd"] == pytest.approx(by_hand, rel=0.02)
    assert (table["lower"] < table["predicted"]).all()
    assert table.loc["a", "mean"] == pytest.approx(frame().query("g == 'a'")["y"].mean())
    two = sf.fit(SPEC, frame().query("g in ('a', 'b')"))
    with pytest.raises(DataError, match="three levels"):
        leave_group_out(two)


def test_models_of_different_rows_are_refused(fitted: sf.Result) -> None:
    fewer = sf.fit(SPEC, frame().iloc[1:])
    with pytest.raises(UsageError, match="same outcome of the same rows") as refused:
        compare_models({"all": fitted, "fewer": fewer})
    assert not re.search(r"\d", str(refused.value)), "one workplace may be the difference"
    with pytest.raises(UsageError, match="at least two"):
        compare_models({"all": fitted})
    with pytest.raises(UsageError, match="no posterior predictive"):
        loo(sf.fit(SPEC, frame(), engine="reml"))
    with pytest.raises(UsageError, match="none in memory"):
        loo(sf.fit(SPEC, Rows.from_frame(frame(), SPEC).moments))


def test_a_check_finds_what_the_model_cannot_make(fitted: sf.Result) -> None:
    good = check_predictions(fitted)
    assert good.loc[("", "mean"), "p_above"] == pytest.approx(0.5, abs=0.1)
    assert set(good.index.get_level_values("group")) == {"", *"abcd"}
    df = frame()
    df.loc[3, "y"] += 40
    bad = check_predictions(sf.fit(SPEC, df))
    assert bad.loc[("", "max"), "p_above"] < 0.01
    assert bad.loc[("", "max"), "observed"] == df["y"].max()


def test_ties_count_half() -> None:
    table = summarise_replicates(
        np.array([0.0, 1.0]), np.array([[0.0, 1.0], [0.0, 2.0]]), {"": np.arange(2)}, prob=0.5
    )
    assert table.loc[("", "max"), "p_above"] == 0.75
    assert table.loc[("", "share <= 0"), "p_above"] == 0.5


def test_replicates_are_summed_up_by_name() -> None:
    """Every figure from NumPy's own, for other probabilities and for a group of one."""
    rng = np.random.default_rng(3)
    y, drawn = rng.normal(size=7), rng.normal(size=(400, 7))
    members = {"all": np.arange(7), "some": np.array([1, 4, 5]), "one": np.array([6])}
    table = summarise_replicates(y, drawn, members, prob=0.8)
    for name, rows in members.items():
        by_hand = {
            "mean": (y[rows].mean(), drawn[:, rows].mean(axis=1)),
            "min": (y[rows].min(), drawn[:, rows].min(axis=1)),
            "max": (y[rows].max(), drawn[:, rows].max(axis=1)),
            "share <= 0": ((y[rows] <= 0).mean(), (drawn[:, rows] <= 0).mean(axis=1)),
        }
        if len(rows) > 1:
            by_hand["sd"] = (np.std(y[rows], ddof=1), np.std(drawn[:, rows], ddof=1, axis=1))
        else:
            assert table.loc[(name, "sd")].drop("n").isna().all()
        for statistic, (observed, values) in by_hand.items():
            row = table.loc[(name, statistic)]
            assert row["n"] == len(rows)
            assert row["observed"] == pytest.approx(observed)
            limits = np.quantile(values, [0.1, 0.5, 0.9])
            assert list(row[["lower", "median", "upper"]]) == pytest.approx(limits)
            above = (values > observed).mean() + 0.5 * (values == observed).mean()
            assert row["p_above"] == pytest.approx(above)


def test_several_random_terms_are_compared() -> None:
    """PSIS of a model that has a closed form by the other route; two factors beside one."""
    rows = data("crossed")
    one = sf.fit("y ~ x + (1 | a)", rows)
    same = sf.fit("y ~ I(x) + (1 | a)", rows)
    assert loo(same).elpd == pytest.approx(loo(one).elpd, abs=0.3)
    two = sf.fit("y ~ x + z + (1 | a) + (1 | b)", rows)
    table = sf.compare_models({"one": one, "two": two})
    assert list(table.index) == ["two", "one"]
    assert table["elpd"]["one"] == pytest.approx(loo(one).elpd)
    assert table["kind"].to_dict() == {"one": "exact", "two": "psis"}
    with pytest.raises(UsageError, match="same rows"):
        sf.compare_models({"one": one, "two": sf.fit("y ~ I(x) + (1 | a)", rows[:200])})
    counted = sf.fit("y ~ x + (1 | a)", rows.assign(f=1), frequencies="f")
    with pytest.raises(UsageError, match="counted rows"):
        loo(counted)
