"""Other outcomes: the marginal likelihood by brute force, ICCs by simulation, what is refused."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats
from scipy.special import expit

import bayes_sf as sf
from bayes_sf.engines.outcomes.marginal import Marginal
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.outcomes.shares import Shares
from bayes_sf.errors import BayesSFError, ConvergenceError, DataError, UsageError
from bayes_sf.spec.family import family_of
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.matrices import Factor, Matrices
from tests.engines.lme4_references import GLMER, data


def marginal(formula: str, frame: pd.DataFrame, family: str, nodes: int) -> Marginal:
    made = Matrices.from_frame(frame, read_formula(formula), family=family_of(family))
    return Marginal.build(made, family_of(family), nodes)


@cache
def binary() -> OutcomeResult:
    found = sf.fit(
        "y ~ x + (1 | g)", data("binary", GLMER).head(150), family="bernoulli", engine="ml"
    )
    assert isinstance(found, OutcomeResult)
    return found


# The likelihood -----------------------------------------------------------------------------------

DENSITIES: dict[str, Callable[[pd.DataFrame, Any], Any]] = {
    "bernoulli": lambda rows, eta: stats.bernoulli.logpmf(rows["y"], expit(eta)),
    "binomial": lambda rows, eta: stats.binom.logpmf(rows["y"], rows["n"], expit(eta)),
    "poisson": lambda rows, eta: stats.poisson.logpmf(rows["y"], np.exp(eta)),
}


@pytest.mark.parametrize("family", DENSITIES)
def test_one_random_intercept_by_brute_force(family: str) -> None:
    """Every level's integral by an adaptive rule of scipy's, from scipy's densities."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"g": np.repeat(list("abc"), [3, 1, 6]), "x": rng.normal(size=10)})
    frame["n"] = rng.integers(2, 9, 10)
    frame["y"] = rng.integers(0, 2, 10)
    left = "p(y, n)" if family == "binomial" else "y"
    function = marginal(f"{left} ~ x + offset(x) + (1 | g)", frame, family, 25)
    tau, b = 1.3, np.array([-0.4, 0.7])
    total = 0.0
    for _, rows in frame.groupby("g"):
        fixed = b[0] + (b[1] + 1) * rows["x"].to_numpy()

        def height(u: float, rows: pd.DataFrame = rows, fixed: Any = fixed) -> float:
            return float(
                np.exp(DENSITIES[family](rows, fixed + u).sum()) * stats.norm.pdf(u, 0, tau)
            )

        total += np.log(integrate.quad(height, -15, 15, epsabs=0, epsrel=1e-10, limit=200)[0])
    found = -0.5 * function(np.array([[tau, *b]]))[0] + function.density.constant
    assert found == pytest.approx(total, abs=2e-8)  # 25 nodes


def test_random_effects_alone_have_the_sd_of_the_highest_integral() -> None:
    """No coefficient at all: log odds are around 0; a sum over a fine grid is the likelihood."""
    frame = data("binary", GLMER).head(60)
    found = sf.fit("y ~ 0 + (1 | g)", frame, family="bernoulli", engine="ml", nAGQ=15)
    assert found.fixef().empty
    counts = frame.groupby("g")["y"].agg(["sum", "size"]).to_numpy()
    u = np.linspace(-8, 8, 401)

    def deviance(sd: float) -> float:
        heights = stats.norm.pdf(u) * (u[1] - u[0])
        yes, no = expit(sd * u), expit(-sd * u)
        return float(-sum(np.log((yes**k * no ** (n - k) * heights).sum()) for k, n in counts))

    highest = optimize.minimize_scalar(deviance, bounds=(0, 5), method="bounded").x
    assert found.varcorr()["sdcor"].iloc[0] == pytest.approx(highest, abs=1e-4)


def test_slopes_by_brute_force() -> None:
    """Two correlated effects of a level, a sum over a fine grid."""
    frame = data("binary", GLMER).head(60)
    function = marginal("y ~ x + (1 + x | g)", frame, "bernoulli", 15)
    theta, b = np.array([0.8, -0.3, 0.6]), np.array([-0.2, 0.4])
    half = function.turn[0] @ function.shape.lower(theta[None])[0][0]
    axis = np.linspace(-7, 7, 201)
    u = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    log_prior = stats.norm.logpdf(u).sum(axis=1) + 2 * np.log(axis[1] - axis[0])
    total = 0.0
    for _, rows in frame.groupby("g"):
        z = np.column_stack([np.ones(len(rows)), rows["x"]])
        eta = z @ b + (u @ half.T) @ z.T
        heights = stats.bernoulli.logpmf(rows["y"].to_numpy(), expit(eta)).sum(axis=1)
        total += np.log(np.exp(heights + log_prior).sum())
    found = -0.5 * function(np.array([[*theta, *b]]))[0]
    assert found == pytest.approx(total, abs=1e-6)


@pytest.mark.parametrize(
    ("formula", "nodes"),
    [("y ~ x + (1 | g)", 5), ("y ~ x + (1 + x | g)", 4), ("y ~ x + (1 | g) + (1 | h)", 1)],
)
def test_derivatives_are_those_of_the_criterion(formula: str, nodes: int) -> None:
    function = marginal(formula, data("counts", GLMER), "poisson", nodes)
    point = np.concatenate([0.7 * function.shape.start + 0.1, [0.3, 0.2]])
    steps = point + 1e-30j * np.eye(len(point))
    exact = function(steps).imag / 1e-30
    for slope, own in zip(exact, 1e-5 * np.eye(len(point)), strict=True):
        rise = (function((point + own)[None])[0] - function((point - own)[None])[0]) / 2e-5
        assert slope == pytest.approx(rise, rel=1e-6, abs=1e-5)


def test_frequencies_are_repeated_rows() -> None:
    frame = data("trials", GLMER).head(60)
    counts = np.arange(len(frame)) % 3
    long = frame.loc[np.repeat(frame.index, counts)]
    short, whole = (
        sf.fit("p(y, n) ~ x + (1 | g)", df, family="binomial", engine="ml", **more)
        for df, more in ((frame.assign(k=counts), {"frequencies": "k"}), (long, {}))
    )
    columns = ["estimate", "sd"]
    np.testing.assert_allclose(short.estimates[columns], whole.estimates[columns], rtol=1e-6)
    assert short.log_lik == pytest.approx(whole.log_lik)
    assert short.bic == pytest.approx(whole.bic)


def test_trials_are_rows_of_0_and_1() -> None:
    frame = pd.DataFrame({"y": [3, 1, 4, 0, 2, 5], "n": [5, 4, 6, 3, 5, 6], "g": list("aabbcc")})
    rows = [(1.0 * (i < y), g) for y, n, g in frame.to_numpy() for i in range(n)]
    binomial = sf.fit("prop(y, n) ~ 1 + (1 | g)", frame, family="binomial", engine="ml")
    bernoulli = sf.fit(
        "y ~ 1 + (1 | g)", pd.DataFrame(rows, columns=["y", "g"]), family="bernoulli", engine="ml"
    )
    np.testing.assert_allclose(
        binomial.fixef()[["estimate", "sd"]], bernoulli.fixef()[["estimate", "sd"]], rtol=1e-6
    )


def test_units_of_measurement() -> None:
    frame = data("binary", GLMER).head(150)
    moved = sf.fit(
        "y ~ x + (1 | g)", frame.assign(x=1e3 * frame["x"] + 1e6), family="bernoulli", engine="ml"
    )
    assert moved.fixef().loc["x", "estimate"] == pytest.approx(
        binary().fixef().loc["x", "estimate"] / 1e3, rel=1e-6
    )
    assert moved.log_lik == pytest.approx(binary().log_lik, abs=1e-8)


# ICC ----------------------------------------------------------------------------------------------

GIVEN = {"kappa": 4.0, "alpha": 1.5, "psi": 0.7, "sigma": 0.6}


def shares(family: str, sds: tuple[float, ...], eta: float, rows: int = 2) -> Shares:
    """One draw of a model whose rows all have one linear predictor."""
    ones = np.ones((rows, 1))
    factors = tuple(
        Factor(name, ("1", "2"), np.arange(rows) % 2, ("(Intercept)",), ones, ((0,),))
        for name, _ in zip("gh", sds, strict=False)
    )
    made = Matrices("y", ("(Intercept)",), np.zeros(rows), ones, factors)
    given = {
        name: np.array([GIVEN[name]]) for name in family_of(family).parameters if name in GIVEN
    }
    covariances = tuple(np.array([[[sd**2]]]) for sd in sds)
    return Shares(made, family_of(family), np.array([[eta]]), covariances, given)


@pytest.mark.parametrize("eta", [-1.2, 0.4])
def test_a_beta_s_own_variance_on_the_link_is_that_at_its_mean(eta: float) -> None:
    """1/(m (1 - m) (1 + kappa)): m by an adaptive rule over both effects."""
    between, rest = shares("beta", (0.8, 0.6), eta)._latent(0)
    assert between == pytest.approx([0.64, 0.36])
    mean = integrate.quad(lambda u: expit(eta + u) * stats.norm.pdf(u), -9, 9)[0]
    assert rest == pytest.approx(1 / (mean * (1 - mean) * (1 + GIVEN["kappa"])), rel=1e-6)


def simulated(family: str, eta: Any, rng: np.random.Generator) -> Any:
    """Responses of linear predictors."""
    share, mean = expit(eta), np.exp(eta)
    kappa, alpha, psi, sigma = (GIVEN[name] for name in ("kappa", "alpha", "psi", "sigma"))
    some = rng.random(eta.shape) < psi
    return {
        "bernoulli": lambda: rng.binomial(1, share),
        "beta_binomial": lambda: rng.binomial(1, rng.beta(kappa * share, kappa * (1 - share))),
        "poisson": lambda: rng.poisson(mean),
        "negativebinomial": lambda: rng.poisson(mean * rng.gamma(alpha, 1 / alpha, eta.shape)),
        "beta": lambda: rng.beta(kappa * share, kappa * (1 - share)),
        "hurdle_gamma": lambda: some * rng.gamma(alpha, mean / alpha),
        "hurdle_lognormal": lambda: some * np.exp(eta + rng.normal(0, sigma, eta.shape)),
    }[family]()


@pytest.mark.parametrize(
    "family",
    ["bernoulli", "beta_binomial", "poisson", "negativebinomial", "beta", "hurdle_gamma",
     "hurdle_lognormal"],
)  # fmt: skip
def test_icc_of_the_response_is_what_is_simulated(family: str) -> None:
    """Covariance of two responses with the same effect over the variance of one."""
    rng = np.random.default_rng(11)
    eta = 0.4 + 0.6 * rng.normal(size=(400_000, 1))
    y = simulated(family, np.tile(eta, 2), rng).astype(float)
    correlation = np.corrcoef(y.T)[0, 1]
    _, found = shares(family, (0.6,), 0.4).of("response")
    assert found[0] == pytest.approx(correlation, abs=0.012)  # heavy tails: four standard errors


def test_icc_of_crossed_factors_is_what_is_simulated() -> None:
    """Pairs that share one factor, pairs that share both."""
    rng = np.random.default_rng(12)
    g, h = 0.9 * rng.normal(size=(400_000, 2)), 0.5 * rng.normal(size=(400_000, 2))
    parts, whole = shares("bernoulli", (0.9, 0.5), 0.4).of("response")
    for found, eta in (
        (parts[0], 0.4 + g[:, :1] + h), (parts[1], 0.4 + g + h[:, :1]),
        (whole, np.tile(0.4 + g[:, :1] + h[:, :1], 2)),
    ):  # fmt: skip
        y = rng.binomial(1, expit(eta))
        assert found[0] == pytest.approx(np.corrcoef(y.T)[0, 1], abs=0.006)


def test_latent_icc_of_nakagawa_johnson_and_schielzeth() -> None:
    """Closed forms; of a count the variance of the log, which its mean does not change much."""
    tau2, mean = 0.36, np.exp(0.4 + 0.18)
    rest = {
        "bernoulli": np.pi**2 / 3, "binomial": np.pi**2 / 3, "cumulative": np.pi**2 / 3,
        "poisson": np.log1p(1 / mean), "negativebinomial": np.log1p(1 / mean + 1 / 1.5),
        "hurdle_gamma": np.log1p(1 / 1.5), "hurdle_lognormal": 0.36,
    }  # fmt: skip
    for family, own in rest.items():
        parts, whole = shares(family, (0.6,), 0.4).of("latent")
        assert parts[0][0] == whole[0] == pytest.approx(tau2 / (tau2 + own)), family
    latent = 0.6 * np.random.default_rng(1).normal(size=(200_000, 1))
    latent = latent + np.random.default_rng(2).logistic(size=(200_000, 2))
    found = shares("cumulative", (0.6,), 0.4).of("latent")[1][0]
    assert found == pytest.approx(np.corrcoef(latent.T)[0, 1], abs=0.01)
    with pytest.raises(UsageError, match="no numbers"):
        shares("cumulative", (0.6,), 0.4).of("response")


# Results ------------------------------------------------------------------------------------------


def test_methods_of_a_result() -> None:
    result = binary()
    fixed = result.fixef()
    assert list(fixed.columns) == ["estimate", "sd", "lower", "upper", "z", "p"]
    np.testing.assert_allclose(fixed["p"], 2 * stats.norm.sf(abs(fixed["estimate"] / fixed["sd"])))
    pd.testing.assert_frame_equal(result.confint(), fixed[["lower", "upper"]])
    assert list(result.varcorr()["factor"]) == ["g"]
    assert result.icc("g") == result.icc()
    tau2 = result.varcorr().loc[0, "vcov"]
    assert result.icc()["estimate"] == pytest.approx(tau2 / (tau2 + np.pi**2 / 3))
    table = result.estimates
    assert set(table["unit"]) == {"log odds", ""}
    assert (table.loc[table["term"] == "icc", "unit"] == "").all()
    assert "25 nodes" in result.summary()
    assert "AIC" in result.summary()
    assert "bernoulli, ml" in repr(result)
    assert result.aic == pytest.approx(6 - 2 * result.log_lik)
    assert result.priors is None


def test_categories_of_a_bernoulli_are_named() -> None:
    frame = data("binary", GLMER).head(150)
    named = frame.assign(y=np.where(frame["y"] == 1, "yes", "no"))
    with pytest.raises(DataError, match="a category that some row has"):
        sf.fit("y['yess'] ~ x + (1 | g)", named, family="bernoulli", engine="ml")
    found = sf.fit("y['yes'] ~ x + (1 | g)", named, family="bernoulli", engine="ml")
    assert found.log_lik == pytest.approx(binary().log_lik)
    with pytest.raises(BayesSFError, match="which category counts as 1"):
        sf.fit("y ~ x + (1 | g)", named, family="bernoulli", engine="ml")


# What is refused ----------------------------------------------------------------------------------

FRAME = data("binary", GLMER).head(120)
COUNTS = data("counts", GLMER)
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "typo": ("y ~ x + (1 | g)", {"family": "bernouli"}, "did you mean 'bernoulli'"),
    "another package's name": ("y ~ x + (1 | g)", {"family": "nbinom2"}, "'negativebinomial'"),
    "reml": ("y ~ x + (1 | g)", {"family": "bernoulli", "engine": "reml"}, "'nuts' or 'ml'"),
    "exact": ("y ~ x + (1 | g)", {"family": "poisson", "engine": "exact"}, "'nuts' or 'ml'"),
    "ml of a beta": ("y ~ x + (1 | g)", {"family": "beta", "engine": "ml"}, "use engine 'nuts'"),
    "no groups": ("y ~ x", {"family": "bernoulli", "engine": "ml"}, "must have a random term"),
    "two factors": (
        "y ~ x + (1 | g) + (1 | h)", {"family": "bernoulli", "engine": "ml", "nAGQ": 5},
        "must be 1 .Laplace's approximation. for several",
    ),
    "no nodes": ("y ~ x + (1 | g)", {"family": "bernoulli", "engine": "ml", "nAGQ": 0}, "from 1"),
    "nodes beyond what can be computed": (
        "y ~ x + (1 | g)", {"family": "bernoulli", "engine": "ml", "nAGQ": 500}, "from 1 to 200",
    ),
    "many nodes": (
        "y ~ x + (1 + x | g)", {"family": "bernoulli", "engine": "ml", "nAGQ": 50}, "at most 1000",
    ),
    "nodes of nuts": ("y ~ x + (1 | g)", {"family": "bernoulli", "nAGQ": 5}, "of engine 'ml'"),
    "nodes of a gaussian": ("y ~ x + (1 | g)", {"engine": "ml", "nAGQ": 5}, "of engine 'ml'"),
    "weights": (
        "y ~ x + (1 | g)", {"family": "bernoulli", "engine": "ml", "weights": "h"}, "precisions",
    ),
    "trials": ("y ~ x + (1 | g)", {"family": "binomial", "engine": "ml"}, "successes, trials"),
    "trials of a bernoulli": (
        "p(y, 2) ~ x + (1 | g)", {"family": "bernoulli", "engine": "ml"}, "use family 'binomial'",
    ),
    "trials of a gaussian": ("p(y, 2) ~ x + (1 | g)", {"engine": "ml"}, "say the family"),
    "trials on the right": ("y ~ p(x, 2) + (1 | g)", {"engine": "ml"}, "must be a known function"),
    "R's cbind": ("cbind(y, x) ~ x + (1 | g)", {"family": "binomial"}, r"p\(successes, trials\)"),
    "a prior of one correlation of three": (
        "y ~ x + (1 + x + k2 | g)",
        {"family": "bernoulli", "priors": {"cor_x.(Intercept)|g": "lkj(4)"}}, "have one prior",
    ),
    "a correlation's prior of a sd": (
        "y ~ x + (x | g)", {"family": "bernoulli", "priors": {"sd_x|g": "lkj(4)"}}, "half-t",
    ),
    "a sd's prior of a correlation": (
        "y ~ x + (x | g)",
        {"family": "bernoulli", "priors": {"cor_x.(Intercept)|g": "half-t(3, 0, 1)"}}, "lkj",
    ),
    "a prior of correlations that are not there": (
        "y ~ x + (x || g)",
        {"family": "bernoulli", "priors": sf.Priors(correlation=sf.Prior("lkj", autoscale=False))},
        "correlation: is about something",
    ),
    "frequencies": (
        "y ~ x + (1 | g)", {"family": "bernoulli", "frequencies": "k"}, "repeat the rows",
    ),
    "a prior of nothing": (
        "y ~ x + (1 | g)", {"family": "bernoulli", "priors": {"xx": "normal(0, 1)"}},
        "must name a coefficient, sd or correlation",
    ),
    "a prior of a sd": (
        "y ~ x + (1 | g)",
        {"family": "bernoulli", "priors": {"sd_(Intercept)|g": "normal(0, 1)"}}, "half-t",
    ),
    "a prior that is none": (
        "y ~ x + (1 | g)", {"family": "bernoulli", "priors": {"x": "cauchy(0, 1)"}},
        "must be written as",
    ),
    "a prior of residuals": (
        "y ~ x + (1 | g)",
        {"family": "bernoulli", "priors": sf.Priors(sd_resid=sf.Prior("half-normal"))}, "sd_resid",
    ),
    "draws of ml": (
        "y ~ x + (1 | g)", {"family": "bernoulli", "engine": "ml", "draws": 500}, "does not sample",
    ),
    "few draws": ("y ~ x + (1 | g)", {"engine": "nuts", "draws": 5}, "from 100"),
    "an acceptance of 1": ("y ~ x + (1 | g)", {"engine": "nuts", "target_accept": 1}, "0.999"),
    "a name with a slash": (
        "y ~ x + (0 + I(x / 2) | g)", {"family": "bernoulli"}, "must hold no /",
    ),
    "the same of a gaussian": ("x ~ 1 + (0 + I(y / 2) | g)", {"engine": "nuts"}, "must hold no /"),
    "a name of ours": ("y ~ kappa + (1 | g)", {"family": "beta_binomial"}, "must be p"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    formula, options, said = REFUSED[name]
    frame = FRAME.assign(k=1.0, kappa=FRAME["x"], k2=FRAME["x"] ** 2)
    if options.get("family") == "beta":
        frame = frame.assign(y=0.2 + 0.5 * frame["y"])
    with pytest.raises(BayesSFError, match=said) as error:
        sf.fit(formula, frame, **options)
    assert "\n" not in str(error.value)


HALVES = np.where(np.arange(240) % 2, 0.25, 0.5)
IMPOSSIBLE: dict[str, tuple[str, Any, str]] = {
    "two": ("bernoulli", COUNTS["y"], "must be 0 or 1"),
    "negative": ("poisson", COUNTS["y"] - 3, "whole numbers from 0 up"),
    "parts": ("negativebinomial", COUNTS["y"] + 0.5, "240 of 240 rows"),
    "zero": ("beta", HALVES - 0.25, "above 0 and below 1"),
    "below": ("hurdle_gamma", HALVES - 1, "numbers from 0 up"),
    "no order": ("cumulative", np.array(list("abc") * 80), "ordered=True"),
    "parts of grades": ("cumulative", HALVES, "categories in order"),
    "two grades": ("cumulative", 2 * (HALVES > 0.3), "at least three"),
    "all the same": ("bernoulli", np.ones(240), "must vary"),
    "more than trials": ("binomial", COUNTS["y"] + 5, "successes"),
    "without end": ("poisson", np.where(HALVES > 0.3, np.inf, 1.0), "must be a finite number"),
    "less than none": ("binomial", COUNTS["y"].clip(upper=5) - 1, "successes out of trials"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_responses_that_a_family_cannot_have(name: str) -> None:
    family, values, said = IMPOSSIBLE[name]
    left = "p(y, 5)" if family == "binomial" else "y"
    with pytest.raises(BayesSFError, match=said):
        sf.fit(f"{left} ~ x + (1 | g)", COUNTS.assign(y=values), family=family)


def test_a_response_that_is_computed_is_finite() -> None:
    frame = COUNTS.assign(y=np.arange(240.0) % 3)
    with pytest.raises(DataError, match="80 of 240 rows"), np.errstate(divide="ignore"):
        sf.fit("I(1 / y) ~ x + (1 | g)", frame, family="hurdle_gamma")


def test_thresholds_cannot_be_left_out() -> None:
    frame = COUNTS.assign(y=np.arange(240) % 4)
    with pytest.raises(BayesSFError, match="must have an intercept"):
        sf.fit("y ~ 0 + x + (1 | g)", frame, family="cumulative")


def test_an_effect_for_every_row_of_counts_alone() -> None:
    """Counts have a spread of their own, a truth value has none."""
    frame = COUNTS.head(40).assign(row=[f"r{i:02d}" for i in range(40)])
    found = sf.fit("y ~ x + (1 | row)", frame, family="poisson", engine="ml")
    assert found.fitted.covariances[0][0, 0] > 0
    with pytest.raises(DataError, match="fewer than rows"):
        sf.fit("y ~ x + (1 | row)", frame.assign(y=frame["y"] > 2), family="bernoulli", engine="ml")


def test_predictors_that_tell_the_outcome() -> None:
    """All of it, and of one category only."""
    frame = FRAME.assign(
        x=FRAME["y"] * 3.0 + np.arange(120) % 2,
        c=np.where((FRAME["y"] == 1) & (FRAME["x"] > 2), "top", FRAME["c"].replace("top", "low")),
    )
    for term in ("x", "c"):
        with pytest.raises(ConvergenceError, match="tells the outcome without error"):
            sf.fit(f"y ~ {term} + (1 | g)", frame, family="bernoulli", engine="ml")


def test_what_a_posterior_alone_or_a_maximum_alone_has() -> None:
    with pytest.raises(UsageError, match="no Monte Carlo error"):
        binary().diagnostics()
    with pytest.raises(UsageError, match="no posterior"):
        binary().draws()
    with pytest.raises(UsageError, match="must be wald"):
        binary().confint(method="profile")
    with pytest.raises(UsageError, match="scale"):
        binary().icc(scale="observed")
    with pytest.raises(UsageError, match="factor"):
        binary().icc("h")


def test_families_are_of_formulas() -> None:
    with pytest.raises(BayesSFError, match="written as a formula"):
        sf.ModelSpec("y", ("x",), group="g", family="bernoulli")
    spec = sf.ModelSpec.from_formula("y ~ x + (1 | g)", family="bernoulli")
    assert spec.engines == ("nuts", "ml")
    assert spec.digest != sf.ModelSpec.from_formula("y ~ x + (1 | g)", family="poisson").digest
    with pytest.raises(UsageError, match="goes with a formula"):
        sf.fit(spec, FRAME, family="bernoulli", engine="ml")
    assert sf.fit(spec, FRAME, engine="ml", nAGQ=7).fitted.nodes == 7
    with pytest.raises(UsageError, match="data frame"):
        sf.fit(spec, sf.Moments.from_frame(COUNTS, outcome="time", group="g"), engine="ml")
