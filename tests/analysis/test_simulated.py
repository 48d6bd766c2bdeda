"""The test of a variance against RLRsim, the bootstrap against lme4's, moments against rows."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.simulated import _studies
from bayes_sf.errors import UsageError
from bayes_sf.spec.moments import Moments

REFERENCES = Path(__file__).parents[1] / "references"
MODELS = {
    "few": ("robust/few.csv", "y ~ x + w + (1 | g)"),
    "alone": ("robust/few.csv", "y ~ 1 + (1 | g)"),
    "singular": ("mixed/data/singular.csv", "y ~ x + (1 | g)"),
}
SLOPES = ("slopes/data/simulated.csv", "y ~ x + (x | g)")


@cache
def fitted(model: str) -> sf.Result:
    file, formula = MODELS[model]
    return sf.fit(formula, pd.read_csv(REFERENCES / file), engine="reml")


@cache
def recorded(model: str, quantity: str) -> "pd.Series[float]":
    table = pd.read_csv(REFERENCES / "robust" / "simulated.csv", keep_default_na=False)
    chosen = table[(table["model"] == model) & (table["quantity"] == quantity)]
    return chosen.set_index("term")["value"].astype(float)


@pytest.mark.parametrize("model", MODELS)
def test_the_variance_is_tested_as_rlrsim_does(model: str) -> None:
    found = sf.variance_test(fitted(model), draws=40_000)
    assert found["statistic"] == pytest.approx(recorded(model, "statistic").item(), rel=1e-5)
    p = recorded(model, "p_value").item()  # of a million
    # five standard errors of a share of 40,000, and the sample itself counts as one
    assert abs(found["p_value"] - p) < 5 * np.sqrt(p * (1 - p) / 40_000) + 1.01 / 40_001
    assert found["p_value"] >= 1 / 40_001


def test_a_variance_of_zero_is_no_evidence() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"g": list("abcdefgh") * 6, "y": rng.normal(size=48)})
    frame["y"] -= frame.groupby("g")["y"].transform("mean")  # groups are all alike
    found = sf.variance_test(sf.fit("y ~ 1 + (1 | g)", frame, engine="reml"))
    assert found[["statistic", "p_value", "p_mixture"]].tolist() == [0, 1, 1]


def test_levels_are_held_where_chi_square_is_wrong() -> None:
    """Six groups without differences: p below 0.1 in a tenth of studies, and zeros as it says."""
    rng = np.random.default_rng(4)
    found = []
    for _ in range(80):
        frame = pd.DataFrame({"g": list("abcdef") * 9, "y": rng.normal(size=54)})
        result = sf.fit("y ~ 1 + (1 | g)", frame, engine="reml")
        found.append((sf.variance_test(result, draws=300), result.fitted.boundary))
    small = sum(test["p_value"] <= 0.1 for test, _ in found)
    assert 1 <= small <= 18  # of 80 at 10 %: probability 0.999
    share = np.mean([zero for _, zero in found])
    at_zero = np.mean([test["at_zero"] for test, _ in found])
    assert abs(share - at_zero) < 4 * np.sqrt(0.25 / 80)


def test_the_bootstrap_s_limits_are_lme4s() -> None:
    """Both are simulated: a limit's error, sqrt(pq/n)/density, is some 0.13 sd for 400."""
    found = sf.bootstrap(fitted("few"), draws=400, seed=3)
    names = {"sd_group": ".sig01", "sd_resid": ".sigma"}
    for term in ("(Intercept)", "x", "w", "sd_group", "sd_resid"):
        for side in ("lower", "upper"):
            theirs = recorded("few", side)[names.get(term, term)]
            assert abs(found.loc[term, side] - theirs) < 0.6 * found.loc[term, "std_error"]
    # coefficients of a balanced-enough design: the Wald's standard errors
    own = fitted("few").fixef()["sd"]
    assert found.loc["x", "std_error"] == pytest.approx(own["x"], rel=0.15)
    assert found.loc["sd_group", "lower"] == 0 == recorded("few", "lower")[".sig01"]
    assert 0.01 < found.attrs["at_zero"] < 0.11  # 113 of lme4's first 2,000
    pd.testing.assert_frame_equal(found.iloc[:0], sf.bootstrap(fitted("few"), draws=2).iloc[:0])


@pytest.mark.slow
def test_the_bootstrap_of_slopes_has_lme4s_limits() -> None:
    """Both simulated a thousand studies: a limit is good to some 0.1 sd, where few are, to more."""
    file, formula = SLOPES
    result = sf.fit(formula, pd.read_csv(REFERENCES / file), engine="reml")
    found = sf.bootstrap(result, draws=1_000, seed=4)
    for side in ("lower", "upper"):
        for term, theirs in recorded("slopes", side).items():
            own = found.loc["sd_resid" if term == "sigma" else term]
            assert abs(own[side] - theirs) < 0.35 * own["std_error"], (term, side)
    assert found.attrs["failed"] == 0
    assert found.loc["icc", "lower"] < result.icc()["estimate"] < found.loc["icc", "upper"]


def test_studies_of_several_terms_are_of_the_estimates() -> None:
    """Crossed factors: each study is its own seed's, by the engine; sds spread as they should."""
    frame = pd.read_csv(REFERENCES / "mixed" / "data" / "crossed.csv")
    result = sf.fit("y ~ x + c + (1 | a) + (1 | b)", frame, engine="ml")
    found = sf.bootstrap(result, draws=40, seed=1)
    assert list(found.index) == [*result.estimates.query("group == ''")["term"]]
    pd.testing.assert_series_equal(
        found["estimate"], result.estimates.query("group == ''").set_index("term")["estimate"]
    )
    # 40 studies: a mean is within 4.5 of its errors, an sd within half of Wald's
    assert (found["bias"].abs() < 4.5 * found["std_error"] / np.sqrt(40))[["x", "c[mid]"]].all()
    ratio = found["std_error"][result.fixef().index] / result.fixef()["sd"]
    assert ratio.between(0.6, 1.5).all()


def test_simulated_moments_are_those_of_simulated_rows() -> None:
    """Means and covariances of every moment over 1,600 studies made from moments, and from rows."""
    fit = fitted("few").fitted
    frame = pd.read_csv(REFERENCES / "robust" / "few.csv")
    rng = np.random.default_rng(7)
    code = frame["g"].astype("category").cat.codes.to_numpy()
    mean = fit.coef @ np.vstack([np.ones(len(frame)), frame[["x", "w"]].to_numpy().T])

    def numbers(moments: Moments) -> np.ndarray:
        return np.concatenate([moments.means[:, -1], moments.within[:, -1]])

    def by_rows() -> np.ndarray:
        noise = fit.sd_group * rng.normal(size=6)[code] + fit.sd_resid * rng.normal(size=len(code))
        y = mean + noise
        columns = np.column_stack([frame[["x", "w"]].to_numpy(), y])
        made = Moments.from_arrays(
            columns, code, outcome="y", predictors=("x", "w"), groups=tuple("abcdef"), group="g"
        )
        return numbers(made)

    n = 800
    ours = np.array([numbers(study) for study in _studies(fit, n, rng)])
    theirs = np.array([by_rows() for _ in range(n)])
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / n) + 1e-12
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 5 * error).all()
    sds = ours.std(axis=0), theirs.std(axis=0)
    kept = sds[1] > 1e-9
    assert (np.abs(sds[0][kept] / sds[1][kept] - 1) < 6 / np.sqrt(n)).all()
    assert (sds[0][~kept] < 1e-9).all()


def test_what_is_refused() -> None:
    result = fitted("few")
    for ask in (sf.bootstrap, sf.variance_test):
        with pytest.raises(UsageError, match=r"by engine.*exact"):
            ask(sf.fit(result.spec, result.moments))
        for draws in (0, 10**9, 2.5, True):
            with pytest.raises(UsageError, match=r"draws: must be a whole number from .* to 10?0"):
                ask(result, draws=draws)
        with pytest.raises(UsageError, match=r"must be what sf\.fit returns"):
            ask("few")
    frame = pd.read_csv(REFERENCES / "robust" / "few.csv").assign(v=1.5)
    several = sf.fit("y ~ x + (x | g)", frame, engine="reml")
    with pytest.raises(UsageError, match="several random terms"):
        sf.variance_test(several)
    counted = sf.fit("y ~ x + (x | g)", frame.assign(n=2), engine="ml", frequencies="n")
    with pytest.raises(UsageError, match="no counted rows"):
        sf.bootstrap(counted)
    yes = sf.fit("v ~ x + (1 | g)", frame.assign(v=frame["y"] > 1), family="bernoulli", engine="ml")
    with pytest.raises(UsageError, match=r"Gaussian outcomes.*bernoulli"):
        sf.bootstrap(yes)


def test_a_study_that_cannot_be_fitted_is_counted() -> None:
    """Who drew x with the same seed has residuals of the first study that are x, fitted exactly."""
    n, g = 120, np.repeat(np.arange(12), 10)
    rng = np.random.default_rng(5)
    x = rng.normal(5, 2, n)
    y = 50 + rng.normal(0, 3, 12)[g] + x + rng.normal(0, 6, n)
    df = pd.DataFrame({"y": y, "x": x, "g": g.astype(str)})
    result = sf.fit("y ~ x + (x | g)", df, engine="reml")
    found = sf.bootstrap(result, draws=25, seed=5)
    assert found.attrs["failed"] == 1
    assert np.isfinite(found.loc["x", ["lower", "upper"]].to_numpy(float)).all()
