"""Flat, narrow and far priors on small frames: right by brute force, or refused by name."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.joint import check_reach
from bayes_sf.engines.sampled.nuts import Sampled
from bayes_sf.errors import ConvergenceError, DataError, SpecError, UsageError
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.prior import LOCATION_FAMILIES, SCALE_FAMILIES
from bayes_sf.spec.priors import Prior, Priors

ROLES = ("intercept", "slope", "sd_resid", "sd_group")


def frame(rng: np.random.Generator) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A few rows in a few groups, with predictors of every kind."""
    groups = int(rng.integers(2, 6))
    n = int(rng.integers(groups + 1, 15))
    code = np.concatenate([np.arange(groups), rng.integers(0, groups, n - groups)])
    made: dict[str, object] = {"g": np.array(list("pqrst"))[code]}
    kinds = {
        "number": rng.normal(size=n),
        "answer": np.array(["low", "middle", "high"])[rng.integers(0, 3, n)],
        "of_group": rng.normal(size=groups)[code],
    }
    chosen = tuple(rng.choice(list(kinds), int(rng.integers(0, 3)), replace=False).tolist())
    made |= {name: kinds[name] for name in chosen}
    level = rng.normal(size=groups) * rng.choice([0, 1, 20])
    made["y"] = rng.normal(size=n) + level[code]
    return pd.DataFrame(made), chosen


def any_prior(rng: np.random.Generator, families: tuple[str, ...], widest: float) -> Prior:
    """Any family, any scale that a prior may have at all and many that it may not."""
    extra: dict[str, float | bool] = {"autoscale": bool(rng.random() < 0.5)}
    family = str(rng.choice(families))
    if family == "half-t":
        extra["df"] = float(rng.choice([1, 3, 30]))
    if family == "gamma":
        extra["shape"] = float(rng.choice([0.5, 2, 9]))
    if family == "normal" and rng.random() < 0.3:
        extra["location"] = float(rng.normal() * 10 ** rng.uniform(0, 5))
    return Prior(family, scale=float(10 ** rng.uniform(-widest, widest)), **extra)


def any_priors(rng: np.random.Generator, widest: float) -> Priors:
    if rng.random() < 0.2:
        return Priors.flat()
    families = (LOCATION_FAMILIES, LOCATION_FAMILIES, SCALE_FAMILIES, SCALE_FAMILIES)
    kept = {
        role: any_prior(rng, allowed, widest)
        for role, allowed in zip(ROLES, families, strict=True)
        if rng.random() < 0.5
    }
    return Priors(**kept)


def try_some(seeds: range) -> tuple[int, int]:
    """Fit, and count what is fitted and what is refused; anything else is raised."""
    fitted = refused = 0
    for seed in seeds:
        rng = np.random.default_rng([7, seed])
        data, predictors = frame(rng)
        widest = float(rng.choice([1.5, 8, 90]))
        try:
            priors = any_priors(rng, widest)
            result = sf.fit(sf.ModelSpec("y", predictors, group="g", priors=priors), data)
            rows = result.rows
        except (DataError, SpecError, ConvergenceError):
            refused += 1
            continue
        limits = np.array([(row.lower, row.upper) for row in rows])
        assert np.isfinite(limits).all(), seed
        assert (limits[:, 0] <= limits[:, 1]).all(), seed
        fitted += 1
    return fitted, refused


def test_nothing_but_answers_and_refusals() -> None:
    fitted, refused = try_some(range(12))
    assert min(fitted, refused) > 2


@pytest.mark.slow
def test_nothing_but_answers_and_refusals_of_many() -> None:
    fitted, refused = try_some(range(12, 800))
    assert min(fitted, refused) > 100


# Against brute force ------------------------------------------------------------------------------

SIX = pd.DataFrame(
    {
        "y": [10.88, -2.9, -115.9, 21.6, -106.3, 45.5, 3.0, 8.0],
        "x": ["k0", "k0", "k0", "k2", "k3", "k1", "k2", "k1"],
        "g": list("bcbbaaca"),
    }
)


def log_density(prior: Prior, value: np.ndarray) -> np.ndarray:
    """Of a standard deviation, by scipy."""
    scale = prior.scale
    return {
        "flat": lambda: np.zeros_like(value),
        "half-t": lambda: stats.t.logpdf(value / scale, prior.df),
        "half-normal": lambda: stats.norm.logpdf(value / scale),
        "exponential": lambda: stats.expon.logpdf(value, scale=scale),
    }[prior.family]()


def brute_force(
    data: pd.DataFrame,
    design: np.ndarray,
    priors: Priors,
    ranges: Mapping[str, tuple[float, float]],
) -> dict[str, np.ndarray]:
    """Means and sds: rows' covariance written out, on a fine grid of (ln sigma, ln tau).

    Columns of the design are not centred but for the intercept's prior, which is at their means.
    """
    y = data["y"].to_numpy(dtype=float)
    member = data["g"].to_numpy()[:, None] == np.unique(data["g"])
    value, vector = np.linalg.eigh(member.astype(float) @ member.T)
    centre = design[:, 1:].mean(axis=0)
    x = np.column_stack([np.ones(len(y)), design[:, 1:] - centre])
    precision, location = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    precision[0], location[0] = priors.intercept.scale**-2, priors.intercept.location or 0.0
    unit = y.std(ddof=1) / x[:, 1:].std(axis=0, ddof=1)
    precision[1:] = (priors.slope.scale * unit) ** -2.0
    u = np.linspace(*np.log(ranges["sd_group"]), 601)[:, None]
    t = np.linspace(*np.log(ranges["sd_resid"]), 241)
    weight = 1 / (np.exp(2 * t)[..., None] + np.exp(2 * u)[..., None] * value)
    xv, yv = vector.T @ x, vector.T @ y
    q = np.einsum("abn,ni,nj->abij", weight, xv, xv) + np.diag(precision)
    b = np.einsum("abn,ni,n->abi", weight, xv, yv) + precision * location
    cov = np.linalg.inv(q)
    mean = np.einsum("abij,abj->abi", cov, b)
    log_mass = 0.5 * (
        np.log(weight).sum(axis=-1) - np.linalg.slogdet(q)[1] - weight @ yv**2
        + (b * mean).sum(axis=-1)
    )  # fmt: skip
    log_mass = log_mass + u + t + log_density(priors.sd_group, np.exp(u + 0 * t))
    log_mass = log_mass + log_density(priors.sd_resid, np.exp(t + 0 * u))
    mass = np.exp(log_mass - log_mass.max())
    mass /= mass.sum()
    back = np.eye(x.shape[1])
    back[0, 1:] = -centre
    mean = mean @ back.T
    var = np.einsum("ij,abjk,ik->abi", back, cov, back)
    total = np.einsum("ab,abi->i", mass, mean)
    spread = np.sqrt(np.einsum("ab,abi->i", mass, (mean - total) ** 2 + var))
    tau = np.exp(u + 0 * t)
    sd_group = (mass * tau).sum()
    return {
        "coef": np.column_stack([total, spread]),
        "sd_group": np.array([sd_group, np.sqrt((mass * (tau - sd_group) ** 2).sum())]),
    }


@pytest.mark.parametrize(
    "priors",
    [
        Priors(),
        Priors(sd_resid=Prior("half-normal", scale=1e-3)),
        Priors(sd_group=Prior("half-normal", scale=1e-5)),
        Priors(intercept=Prior("normal", scale=1e-4, location=3.0)),
        Priors(slope=Prior("normal", scale=1e-5), sd_group=Prior("exponential", scale=30.0)),
    ],
    ids=["defaults", "narrow sd_resid", "narrow sd_group", "narrow intercept", "narrow slope"],
)
def test_dummies_in_a_small_frame_against_brute_force(priors: Priors) -> None:
    """A combination of the dummies is constant within groups: that cost a Cholesky factor."""
    result = sf.fit(sf.ModelSpec("y", ("x",), group="g", priors=priors), SIX)
    quantiles = {
        name: tuple(result.fitted.quantile(name, [1e-9, 1 - 1e-8]))
        for name in ("sd_group", "sd_resid")
    }
    design = np.column_stack([np.ones(len(SIX)), *(SIX["x"] == f"k{i}" for i in (1, 2, 3))])
    expected = brute_force(SIX, design.astype(float), result.priors, quantiles)
    fixed = result.fixef()
    sd = expected["coef"][:, 1]
    np.testing.assert_allclose(fixed["estimate"], expected["coef"][:, 0], atol=2e-4 * sd.min())
    np.testing.assert_allclose(fixed["sd"], sd, rtol=1e-3)
    found = result.estimates.set_index("term").loc["sd_group"]
    # the grid ends where 1e-8 of the mass is left, which a tail of tau^-4 notices in the sd
    np.testing.assert_allclose(found["estimate"], expected["sd_group"][0], rtol=2e-4)


# What does not exist, and what is improper --------------------------------------------------------


def moments(sizes: tuple[int, ...], seed: int = 1) -> Moments:
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(len(sizes)), sizes)
    y = rng.normal(size=len(code)) + rng.normal(size=len(sizes))[code]
    data = pd.DataFrame({"y": y, "g": np.array(list("abcdefgh"))[code]})
    return Moments.from_frame(data, outcome="y", group="g")


@pytest.mark.parametrize(
    ("sizes", "existing"),
    [((2, 2, 2), (0, 2)), ((1, 1, 1, 3), (1, 2)), ((1, 1, 2), (0, 0)), ((9, 9, 9, 9, 9), (2, 2))],
)
def test_moments_that_exist_under_flat_priors(
    sizes: tuple[int, ...], existing: tuple[int, int]
) -> None:
    """tau^-(J - 1) for tau alone, r^-(n - 1) for both together: a moment p needs p + 1, p + 2."""
    posterior = fit_exact(moments(sizes), Priors.flat())
    assert tuple(posterior.spread_moments(name) for name in ("sd_group", "sd_resid")) == existing
    assert np.isnan(posterior.coef.sd()[0]) == (existing[0] < 2)


@pytest.mark.parametrize(("sizes", "existing"), [((2, 2, 2), (1, 2)), ((1, 1, 2), (1, 1))])
def test_a_flat_tau_leaves_a_coefficient_that_its_prior_holds_all_moments(
    sizes: tuple[int, ...], existing: tuple[int, int]
) -> None:
    """Three groups: tau itself has one moment; an intercept with a prior does not follow it."""
    held = replace(Priors.flat(), intercept=Prior("normal", scale=2.0))
    posterior = fit_exact(moments(sizes), held)
    assert tuple(posterior.spread_moments(name) for name in ("sd_group", "sd_resid")) == existing
    assert 0 < posterior.coef.sd()[0] < 2 * posterior.data.scale[-1]


def test_moments_of_a_flat_sigma_are_those_that_few_rows_leave() -> None:
    """sigma^-(n - 1) of four rows: one moment; tau's own prior holds tau."""
    posterior = fit_exact(moments((1, 1, 2)), replace(Priors.flat(), sd_group=Prior("half-t")))
    assert tuple(posterior.spread_moments(name) for name in ("sd_group", "sd_resid")) == (2, 1)


def test_an_improper_posterior_is_refused_by_the_prior_that_makes_it_so() -> None:
    with pytest.raises(
        SpecError, match=r"priors\.sd_group: flat .* from 3 groups .*got '2 groups'"
    ):
        fit_exact(moments((5, 5)), Priors.flat())
    proper = fit_exact(moments((5, 5)), Priors(sd_group=Prior("flat"), sd_resid=Prior("flat")))
    assert proper.spread_moments("sd_group") == 0
    assert np.isfinite(proper.coef.sd()).all()  # its own prior is proper


@pytest.mark.parametrize(
    ("priors", "blamed"),
    [
        (Priors(intercept=Prior("normal", scale=1e-6, location=-900.0)), "intercept"),
        (Priors(sd_group=Prior("half-normal", scale=1e-9)), "sd_group"),
        (Priors(sd_resid=Prior("gamma", scale=1e-40)), "sd_resid"),
        (Priors(sd_resid=Prior("exponential", scale=1e60)), "sd_resid"),
        (Priors(intercept=Prior("normal", scale=1.0, location=1e30)), "intercept"),
    ],
)
def test_a_prior_that_cannot_be_used_is_named(priors: Priors, blamed: str) -> None:
    with pytest.raises(SpecError, match=rf"priors\.{blamed}: must"):
        fit_exact(moments((4, 4, 4)), priors)


def test_slopes_too_narrow_for_their_predictor() -> None:
    data = SIX.assign(z=[1.0, 2, 3, 4, 5, 6, 7, 9])
    priors = Priors(slope=Prior("normal", scale=1e-80, autoscale=False))
    with pytest.raises(SpecError, match=r"priors\.slope: must have a scale between"):
        sf.fit(sf.ModelSpec("y", ("z",), group="g", priors=priors), data)


@pytest.mark.parametrize("value", [1e120, 1e155, -1e250])
@pytest.mark.parametrize("engine", ["ols", "reml", "exact"])
@pytest.mark.parametrize("column", ["y", "z"])
def test_values_whose_squares_are_no_numbers(value: float, engine: str, column: str) -> None:
    data = SIX.assign(z=[1.0, 2, 3, 4, 5, 6, 7, 9])
    data.loc[2, column] = value
    with pytest.raises(DataError, match=f"column '{column}': must have values that differ"):
        sf.fit(sf.ModelSpec("y", ("z",), group="g"), data, engine=engine)


def test_a_long_tail_has_an_end() -> None:
    """tau^-2.1, which has a mean and no sd: quantiles are there."""
    posterior = fit_exact(moments((3, 3)), Priors(Prior("flat"), sd_group=Prior("half-t", df=0.1)))
    assert posterior.spread_moments("sd_group") == 1
    assert np.isfinite(posterior.ranef.quantile([0.025, 0.975])).all()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True])
def test_a_seed_that_no_generator_takes(seed: int) -> None:
    with pytest.raises(UsageError, match="seed"):
        sf.fit(sf.ModelSpec("y", group="g"), SIX, seed=seed)
    with pytest.raises(UsageError, match="seed"):
        sf.fit(sf.ModelSpec("y", group="g"), SIX).draws(8, seed=seed)


# The sampler has the same rule --------------------------------------------------------------------


def test_draws_are_no_proof_that_a_moment_exists() -> None:
    """Two groups, Cauchy sd, flat intercept: NaN where `exact` says so, from draws made by hand."""
    priors = Priors(Prior("flat"), sd_group=Prior("half-t", df=1.0))
    posterior = fit_exact(moments((6, 9)), priors)
    result = sf.fit(sf.ModelSpec("y", group="g", priors=priors), moments((6, 9)))
    tree = result.draws(400)
    sampled = {
        (row.term, row.group): row
        for row in Sampled(posterior.moments, posterior.priors, tree).rows(0.95)
    }
    for row in result.rows:
        other = sampled[row.term, row.group]
        assert np.isnan(row.sd) == np.isnan(other.sd), row.term
        assert np.isnan(row.estimate) == np.isnan(other.estimate), row.term
        assert np.isfinite([other.lower, other.upper]).all()
    assert np.isnan(sampled["(Intercept)", ""].sd)
    assert np.isfinite(sampled["sd_resid", ""].sd)


def test_flat_priors_leave_no_scales_to_put_in() -> None:
    from bayes_sf.engines.sampled.graph import put_in

    class Graph:
        def with_data(self, **numbers: np.ndarray) -> set[str]:
            return set(numbers)

    numbers = {"scales": np.ones(2), "sizes": np.ones(3)}
    assert put_in(Graph(), numbers, [("flat", 0.0), ("flat", 0.0)]) == {"sizes"}
    assert put_in(Graph(), numbers, [("flat", 0.0), ("half-t", 3.0)]) == {"scales", "sizes"}


@pytest.mark.slow
def test_nuts_under_flat_priors_agrees_with_exact() -> None:
    spec = sf.ModelSpec("y", group="g", priors=Priors.flat())
    data = moments((6, 6, 6, 6, 6, 6, 6, 6))
    exact, nuts = (sf.fit(spec, data, engine=engine) for engine in ("exact", "nuts"))
    table = nuts.diagnostics()
    assert nuts.converged
    assert table["exact_mcse"].abs().max() < 4
    assert exact.fixef()["estimate"].iloc[0] == pytest.approx(
        nuts.fixef()["estimate"].iloc[0], abs=4 * table["mcse_mean"].iloc[0]
    )


def test_the_ends_that_a_message_names_are_the_ends() -> None:
    """Of scales and of locations: at them a prior is taken, beyond them it is not."""
    with pytest.raises(SpecError) as caught:
        check_reach("slope", 0.0, "sd(y)")
    low, high = map(float, re.findall(r"between (\S+) and (\S+) times", str(caught.value))[0])
    with pytest.raises(SpecError) as caught:
        check_reach("slope", 1.0, "sd(y)", 1e300)
    far = float(re.findall(r"within (\S+) sd", str(caught.value))[0])
    for scale, location in ((low, 0.0), (high, 0.0), (1.0, far), (1.0, -far)):
        check_reach("slope", scale, "sd(y)", location)
    for scale, location, flat in (
        (0.99 * low, 0.0, False), (1.01 * high, 0.0, True), (1.0, 1.01 * far, None),
        (1.0, -1.01 * far, None),
    ):  # fmt: skip
        with pytest.raises(SpecError, match=r"priors\.slope") as caught:
            check_reach("slope", scale, "sd(y)", location)
        assert flat is None or ("make it flat" in str(caught.value)) == flat
