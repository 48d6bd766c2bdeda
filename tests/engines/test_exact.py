"""The exact posterior against brute force with dense matrices, and against itself."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.special import logsumexp

from bayes_sf.engines.gaussian.exact import ExactPosterior, fit_exact
from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.engines.gaussian.posterior import SPREADS, Posterior
from bayes_sf.errors import DataError, SpecError
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Prior, Priors

PROBS = np.array([0.005, 0.025, 0.25, 0.5, 0.75, 0.975, 0.995])


def frame(
    sizes: tuple[int, ...], tau: float, sigma: float = 1.0, seed: int = 0, *, by_group: bool = False
) -> pd.DataFrame:
    """Outcome, one predictor (constant within groups if `by_group`) and groups."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(len(sizes)), sizes)
    x = 3 + 1.2 * (rng.normal(size=len(sizes))[code] if by_group else rng.normal(size=len(code)))
    effect = tau * rng.normal(size=len(sizes))
    y = 5 + 0.3 * x + effect[code] + sigma * rng.normal(size=len(code))
    return pd.DataFrame({"y": y, "x": x, "g": [f"{c:04d}" for c in code]})


def moments(df: pd.DataFrame, predictors: tuple[str, ...] = ("x",)) -> Moments:
    return Moments.from_frame(df, outcome="y", predictors=predictors, group="g")


# Brute force: n x n covariances on an even grid of (ln sigma, ln tau/sigma) -----------------------


class Brute:
    """Posterior of raw coefficients, effects and variances without any of the package's algebra."""

    def __init__(self, df: pd.DataFrame, priors: Priors) -> None:
        self.u, self.r = np.linspace(-2.0, 4.0, 121), np.linspace(-18.0, 9.0, 181)
        u, r = (grid.ravel() for grid in np.meshgrid(self.u, self.r, indexing="ij"))
        sigma, tau = np.exp(u), np.exp(u + r)
        y, x = df["y"].to_numpy(), df["x"].to_numpy()
        Z = pd.get_dummies(df["g"]).to_numpy(float)
        X = np.column_stack([np.ones_like(x), x - x.mean()])
        precision, mean = self.coefficients(priors, x, y)
        V = sigma[:, None, None] ** 2 * np.eye(len(y)) + tau[:, None, None] ** 2 * (Z @ Z.T)
        inverse, log_det = np.linalg.inv(V), np.linalg.slogdet(V)[1]
        Q = X.T @ inverse @ X + np.diag(precision)
        b = np.einsum("ni,gnm,m->gi", X, inverse, y) + precision * mean
        self.cov = np.linalg.inv(Q)
        self.coef = np.einsum("gij,gj->gi", self.cov, b)
        quad = np.einsum("n,gnm,m->g", y, inverse, y) + mean @ (precision * mean)
        quad -= np.einsum("gi,gi->g", b, self.coef)
        likelihood = -0.5 * (len(y) * np.log(2 * np.pi) + log_det + np.linalg.slogdet(Q)[1] + quad)
        likelihood += 0.5 * np.log(precision[precision > 0]).sum()
        likelihood += 0.5 * (precision == 0).sum() * np.log(2 * np.pi)
        unit = y.std(ddof=1)
        density = likelihood + self.scale(priors.sd_resid, unit, sigma) + u
        density += self.scale(priors.sd_group, unit, tau) + u + r  # Jacobian of both logarithms
        area = (self.u[1] - self.u[0]) * (self.r[1] - self.r[0])
        self.log_evidence = float(logsumexp(density) + np.log(area))
        self.weight = np.exp(density - logsumexp(density))
        self.values = {"sd_group": tau, "sd_resid": sigma, "icc": tau**2 / (tau**2 + sigma**2)}
        # u | y = tau^2 Z' V^-1 (y - X beta), with the uncertainty of beta carried through.
        gain = tau[:, None, None] ** 2 * (Z.T @ inverse)
        self.effect = np.einsum("gjn,gn->gj", gain, y - self.coef @ X.T)
        held = np.eye(Z.shape[1]) / tau[:, None, None] ** 2 + Z.T @ Z / sigma[:, None, None] ** 2
        own = np.diagonal(np.linalg.inv(held), axis1=1, axis2=2)
        through = gain @ X
        self.effect_var = own + np.einsum("gji,gik,gjk->gj", through, self.cov, through)
        self.x_mean = x.mean()

    @staticmethod
    def coefficients(priors: Priors, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Precisions and means at the predictor's mean, raw units."""
        precision, mean = np.zeros(2), np.zeros(2)
        units = (y.std(ddof=1), y.std(ddof=1) / x.std(ddof=1))
        for i, prior in enumerate((priors.intercept, priors.slope)):
            if prior.family == "normal":
                precision[i] = (prior.scale * (units[i] if prior.autoscale else 1)) ** -2
                default = (y.mean(), 0)[i]
                mean[i] = default if prior.location is None else prior.location
        return precision, mean

    @staticmethod
    def scale(prior: Prior, unit: float, value: np.ndarray) -> np.ndarray:
        """Log prior density of a standard deviation, by scipy."""
        scale = prior.scale * (unit if prior.autoscale else 1)
        return {
            "flat": lambda: np.zeros_like(value),
            "half-t": lambda: np.log(2) + stats.t.logpdf(value, prior.df, scale=scale),
            "half-normal": lambda: stats.halfnorm.logpdf(value, scale=scale),
            "exponential": lambda: stats.expon.logpdf(value, scale=scale),
            "gamma": lambda: stats.gamma.logpdf(value, prior.shape, scale=scale),
        }[prior.family]()

    def linear(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and sds, (m, G), of the raw intercept, the slope and the group effects."""
        load = np.array([1.0, -self.x_mean])
        means = np.column_stack([self.coef @ load, self.coef[:, 1], self.effect])
        intercept = np.einsum("i,gij,j->g", load, self.cov, load)
        return means.T, np.sqrt(np.column_stack([intercept, self.cov[:, 1, 1], self.effect_var]).T)

    def spread_cdf(self, name: str, value: np.ndarray) -> np.ndarray:
        """Distribution functions through splines of the density on the grid."""
        mass = self.weight.reshape(len(self.u), len(self.r))
        if name == "sd_resid":
            return self._integral(self.u, mass.sum(axis=1))(np.log(value))
        if name == "icc":
            return self._integral(self.r, mass.sum(axis=0))(0.5 * np.log(value / (1 - value)))
        inner = self._integral(self.r, mass, axis=1)
        at = np.log(value)[:, None] - self.u  # ln tau/sigma below which tau is below value
        return np.array([sum(inner(r)[i] for i, r in enumerate(row)) for row in at])

    @staticmethod
    def _integral(grid: np.ndarray, mass: np.ndarray, axis: int = 0) -> CubicSpline:
        return CubicSpline(grid, mass / (grid[1] - grid[0]), axis=axis).antiderivative()


SMALL = frame((2, 3, 4, 5), 0.8, seed=3)
FAMILIES = {
    "default": Priors(),
    "half-normal": Priors(sd_group=Prior("half-normal"), sd_resid=Prior("half-normal", scale=2)),
    "exponential": Priors(sd_group=Prior("exponential", scale=0.7), sd_resid=Prior("exponential")),
    "gamma": Priors(sd_group=Prior("gamma", scale=0.5), sd_resid=Prior("gamma", scale=0.5)),
    "gamma 1.5": Priors(sd_group=Prior("gamma", shape=1.5)),
    "half-t 7": Priors(sd_group=Prior("half-t", df=7, scale=0.4, autoscale=False)),
    "flat slope": Priors(slope=Prior("flat")),
    "flat coefficients": Priors(intercept=Prior("flat"), slope=Prior("flat")),
    "flat residual": Priors(sd_resid=Prior("flat")),
    "stated": Priors(
        intercept=Prior("normal", scale=0.5, autoscale=False, location=4.0),
        slope=Prior("normal", scale=0.2, autoscale=False, location=-0.5),
    ),
}


@pytest.fixture(scope="module", params=FAMILIES)
def both(request: pytest.FixtureRequest) -> tuple[ExactPosterior, Brute]:
    priors = FAMILIES[request.param]
    return fit_exact(moments(SMALL), priors), Brute(SMALL, priors)


# The even grid integrates analytic densities that vanish at its ends to about 1e-8; its ends cut
# off a tail of tau of that order.
BRUTE = 1e-6


def test_linear_quantities_are_brute_force(both: tuple[ExactPosterior, Brute]) -> None:
    exact, brute = both
    means, sds = brute.linear()
    mean = means @ brute.weight
    sd = np.sqrt(((means - mean[:, None]) ** 2 + sds**2) @ brute.weight)
    parts = (exact.coef, exact.ranef)
    np.testing.assert_allclose(
        np.concatenate([p.mean() for p in parts]), mean, atol=BRUTE * sd.min()
    )
    np.testing.assert_allclose(np.concatenate([p.sd() for p in parts]), sd, rtol=BRUTE)
    found = np.concatenate([part.quantile(PROBS) for part in parts])
    score = (found[:, :, None] - means[:, None, :]) / sds[:, None, :]
    reached = stats.norm.cdf(score) @ brute.weight
    np.testing.assert_allclose(reached, np.broadcast_to(PROBS, reached.shape), atol=3 * BRUTE)


@pytest.mark.parametrize("name", SPREADS)
def test_standard_deviations_and_icc_are_brute_force(
    both: tuple[ExactPosterior, Brute], name: str
) -> None:
    exact, brute = both
    posterior, value = Posterior((exact,)), brute.values[name]
    mean = value @ brute.weight
    sd = np.sqrt((value - mean) ** 2 @ brute.weight)
    assert posterior.mean(name) == pytest.approx(mean, abs=BRUTE * sd)
    assert posterior.sd(name) == pytest.approx(sd, rel=10 * BRUTE)  # tails of tau count most here
    reached = brute.spread_cdf(name, posterior.quantile(name, PROBS))
    np.testing.assert_allclose(reached, PROBS, atol=1e-5)  # cubic splines of the grid's density


def test_marginal_likelihood_is_brute_force(both: tuple[ExactPosterior, Brute]) -> None:
    exact, brute = both
    priors = exact.priors
    families = [priors.intercept, priors.slope, priors.sd_resid, priors.sd_group]
    if any(prior.family == "flat" for prior in families):
        assert np.isnan(exact.log_evidence)
    else:
        assert exact.log_evidence == pytest.approx(brute.log_evidence, abs=BRUTE)


# Convergence --------------------------------------------------------------------------------------

SIX = (75, 82, 88, 146, 62, 119)
UNEQUAL = tuple(np.random.default_rng(0).integers(1, 40, 1100).tolist())
TINY = tuple(np.random.default_rng(0).integers(1, 4, 1200).tolist())
FIVE = (4, 5, 6, 7, 8)

CASES: dict[str, tuple[pd.DataFrame, Priors]] = {
    "six industries": (frame(SIX, 1.5, 2.9), Priors()),
    "boundary": (frame(SIX, 0.0, 2.9, seed=2), Priors()),
    "ICC near 1": (frame((5, 6, 7, 8), 100.0, 0.01), Priors()),
    "two groups": (frame((10, 14), 1.0), Priors()),
    "1100 unequal groups": (frame(UNEQUAL, 0.5), Priors()),
    "1200 groups of 1 to 3": (frame(TINY, 0.5), Priors()),
    "1200 groups, boundary": (frame(TINY, 0.0), Priors()),
    "groups of one row": (frame((1,) * 10 + (2, 2), 1.0), Priors()),
    "five rows": (frame((3, 1, 1), 1.0), Priors()),
    "predictor of groups": (frame(FIVE, 1.0, by_group=True), Priors()),
    "flat slope of groups": (
        frame((28, 21, 18, 40), 5.0, by_group=True),
        Priors(sd_group=Prior("flat"), slope=Prior("flat")),
    ),
    "exponential": (frame(FIVE, 0.5), Priors(sd_group=Prior("exponential"))),
    "narrow exponential": (frame(FIVE, 0.5), Priors(sd_group=Prior("exponential", scale=0.02))),
    "gamma": (frame(FIVE, 0.0, seed=2), Priors(sd_group=Prior("gamma"))),
    "gamma of shape 1.5": (frame(FIVE, 0.0, seed=2), Priors(sd_group=Prior("gamma", shape=1.5))),
    "gamma of shape 0.7": (frame(FIVE, 0.0, seed=2), Priors(sd_group=Prior("gamma", shape=0.7))),
    "narrow prior, large effect": (frame(SIX, 1.5), Priors(sd_group=Prior("half-t", scale=0.01))),
    "flat": (frame((5, 6, 7, 8), 1.5), Priors.flat()),
    "half-Cauchy, flat intercept": (
        frame((6, 9), 1.0),
        Priors(sd_group=Prior("half-t", df=1), intercept=Prior("flat")),
    ),
}


def summaries(exact: ExactPosterior) -> dict[str, np.ndarray]:
    """Mean, sd and quantiles, (m, 2 + len(PROBS)), of every quantity; of 4 groups where many."""
    posterior = Posterior((exact,))
    found = {"coef": linear(exact.coef)}
    some = np.unique(np.linspace(0, exact.moments.n_groups - 1, 4).astype(int)).tolist()
    found["ranef"] = linear(exact._groups(0.0, 0.0, some))
    found["group_means"] = linear(exact._groups(1.0, float(exact.data.centre[-1]), some))
    for name in SPREADS:
        moment = [posterior.mean(name), posterior.sd(name)]
        found[name] = np.array([[*moment, *posterior.quantile(name, PROBS)]])
    return found


def linear(mixture: NormalMixture) -> np.ndarray:
    return np.column_stack([mixture.mean(), mixture.sd(), mixture.quantile(PROBS)])


@pytest.mark.parametrize("case", CASES)
def test_doubling_the_nodes_moves_nothing(case: str) -> None:
    df, priors = CASES[case]
    data = moments(df)
    exact = fit_exact(data, priors)
    n_z, n_t = exact.grid.weight.shape
    finer = summaries(fit_exact(data, priors, nodes=(2 * n_t, 2 * n_z)))
    for name, coarse in summaries(exact).items():
        fine = finer[name]
        iqr = (fine[:, 6] - fine[:, 4]) / 1.35  # where the sd does not exist
        sd = np.where(np.isnan(fine[:, 1]), iqr, fine[:, 1])
        moved = np.abs(coarse - fine) / sd[:, None]
        assert np.nanmax(moved) < 1e-6, name
        np.testing.assert_array_equal(np.isnan(coarse), np.isnan(fine))


# The mode under flat priors -----------------------------------------------------------------------


def flat_density(data: Moments) -> Callable[[np.ndarray], float]:
    """-ln p(sigma, tau | y) under flat priors, of (ln sigma, z), standardised units."""
    standard = standardise(data)
    joint = Joint.build(standard, resolve_priors(Priors.flat(), standard))

    def minus_log(point: np.ndarray) -> float:
        t, z = point[:1], point[1:]
        # d(sigma, tau)/d(t, z) is taken out again: the mode belongs to (sigma, tau).
        jacobian = np.exp(2 * t) * 4 * z**3 * np.cosh(z**4) / joint.root_size
        return -float(joint.log_density(t, z)[0, 0] - np.log(jacobian[0]))

    return minus_log


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mode_under_flat_priors_is_reml(seed: int) -> None:
    data = moments(frame(FIVE, 1.5, seed=seed))
    reml = fit_reml(data)
    best = minimize(
        flat_density(data),
        [-0.5, 1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-13},
    )
    sigma = np.exp(best.x[0]) * standardise(data).scale[-1]
    tau = sigma * np.sinh(best.x[1] ** 4) / np.sqrt(data.sizes.mean())
    # A maximum is found to the root of the precision of the function.
    np.testing.assert_allclose([sigma, tau], [reml.sd_resid, reml.sd_group], rtol=1e-6)


def test_mode_under_flat_priors_is_reml_at_the_boundary() -> None:
    data = moments(frame(FIVE, 0.0, seed=2))
    reml = fit_reml(data)
    assert reml.boundary
    minus_log = flat_density(data)
    sigma = np.log(reml.sd_resid / standardise(data).scale[-1])
    # At every tau the best sigma; the density falls all the way from tau = 0 ...
    profile = [
        minimize(lambda t, z=z: minus_log(np.array([t[0], z])), [sigma], tol=1e-12)
        for z in (1e-3, 0.3, 0.5, 0.7, 0.9, 1.1, 1.4)
    ]
    heights = [best.fun for best in profile]
    assert heights == sorted(heights)
    assert profile[0].x[0] == pytest.approx(sigma, abs=1e-6)  # ... where sigma is REML's


# Units --------------------------------------------------------------------------------------------

EQUIVARIANT = [Priors(), Priors(sd_group=Prior("exponential")), Priors(sd_group=Prior("gamma"))]


@pytest.mark.parametrize("priors", EQUIVARIANT, ids=["half-t", "exponential", "gamma"])
@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_units_change_the_scale_and_nothing_else(priors: Priors, tau: float) -> None:
    df = frame(FIVE, tau)
    moved = df.assign(y=100 * df["y"] + 700, x=df["x"] / 8)
    a, b = fit_exact(moments(df), priors), fit_exact(moments(moved), priors)
    before, after = summaries(a), summaries(b)
    before["coef"] = before["coef"] * np.array([[100], [800]])
    shift = np.array([1.0, 0.0, *np.ones(len(PROBS))]) * 700
    before["coef"][0] += shift
    before["group_means"] = 100 * before["group_means"] + shift
    for name in ("ranef", "sd_group", "sd_resid"):
        before[name] = 100 * before[name]
    for name, rows in before.items():
        tolerance = 1e-10 * np.abs(rows).max(axis=1, keepdims=True)
        assert (np.abs(after[name] - rows) <= tolerance).all(), name
    assert b.log_evidence == pytest.approx(a.log_evidence - len(df) * np.log(100), abs=1e-9)
    for role, unit in product(("sd_group", "sd_resid", "intercept"), (100,)):
        scales = [getattr(post.priors, role).scale for post in (a, b)]
        assert scales[1] == pytest.approx(unit * scales[0], rel=1e-12)


# Existence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "priors"),
    [
        ((4, 5), Priors.flat()),
        ((4, 5), Priors(sd_group=Prior("flat"), intercept=Prior("flat"))),
        ((2, 1), Priors(sd_group=Prior("flat"), sd_resid=Prior("flat"))),
    ],
)
def test_improper_posteriors_are_refused(sizes: tuple[int, ...], priors: Priors) -> None:
    df = frame(sizes, 1.0)
    with pytest.raises((SpecError, DataError), match=r"proper|more rows|residual variance"):
        fit_exact(moments(df), priors)


def test_a_flat_prior_is_proper_from_three_groups_on() -> None:
    # tau has a tail of tau^-(J - 1): no mean with three groups, no sd with four.
    means, sds = [], []
    for groups in (3, 4, 5):
        exact = fit_exact(moments(frame((5,) * groups, 1.0)), Priors.flat())
        posterior = Posterior((exact,))
        means.append(posterior.mean("sd_group"))
        sds.append(posterior.sd("sd_group"))
        assert np.isfinite(posterior.quantile("sd_group", PROBS)).all()
        # Effects and intercept inherit the tail; slope, ICC, sigma and group means do not.
        assert np.isnan(exact.coef.mean()).tolist() == [groups < 4, False]
        assert np.isnan(exact.coef.sd()).tolist() == [groups < 5, False]
        assert np.isnan(exact.ranef.sd()).all() == (groups < 5)
        for finite in (exact.group_means.sd(), posterior.sd("icc"), posterior.sd("sd_resid")):
            assert np.isfinite(finite).all()
    assert np.isnan(means).tolist() == [True, False, False]
    assert np.isnan(sds).tolist() == [True, True, False]


def test_a_flat_slope_of_a_group_predictor_takes_one_group() -> None:
    priors = Priors(sd_group=Prior("flat"), slope=Prior("flat"), intercept=Prior("flat"))
    with pytest.raises(SpecError, match="proper posterior"):
        fit_exact(moments(frame((5, 5, 5), 1.0, by_group=True)), priors)
    exact = fit_exact(moments(frame((5, 5, 5, 5), 1.0, by_group=True)), priors)
    assert np.isnan(exact.coef.mean()).all()


def test_infinite_variance_prior_has_quantiles_and_no_sd() -> None:
    priors = Priors(sd_group=Prior("half-t", df=1.0), intercept=Prior("flat"))
    posterior = Posterior((fit_exact(moments(frame((6, 9), 1.0)), priors),))
    assert np.isnan(posterior.sd("sd_group"))
    assert np.isfinite(posterior.quantile("sd_group", PROBS)).all()


# Averages over data sets --------------------------------------------------------------------------


def test_average_over_data_sets_is_the_mixture() -> None:
    parts = tuple(fit_exact(moments(frame(FIVE, 1.0, seed=seed))) for seed in (1, 2, 3))
    posterior, alone = Posterior(parts), [Posterior((part,)) for part in parts]
    for name in SPREADS:
        found = posterior.quantile(name, PROBS)
        reached = np.mean([one.cdf(name, found) for one in alone], axis=0)
        np.testing.assert_allclose(reached, PROBS, atol=1e-10)
        means, sds = np.array([[one.mean(name), one.sd(name)] for one in alone]).T
        assert posterior.mean(name) == pytest.approx(means.mean(), rel=1e-12)
        total = np.sqrt((sds**2).mean() + means.var())
        assert posterior.sd(name) == pytest.approx(total, rel=1e-10)
    value = posterior.coef.mean()
    reached = np.mean([part.coef.cdf(value) for part in parts], axis=0)
    np.testing.assert_allclose(posterior.coef.cdf(value), reached, rtol=1e-12)
    evidence = [part.log_evidence for part in parts]
    assert posterior.log_evidence == pytest.approx(np.log(np.mean(np.exp(evidence))), rel=1e-12)


def test_average_keeps_the_groups_that_all_parts_have() -> None:
    df = frame(FIVE, 1.0)
    parts = (fit_exact(moments(df)), fit_exact(moments(df[df["g"] != "0001"])))
    posterior = Posterior(parts)
    assert posterior.groups == ("0000", "0002", "0003", "0004")
    by_hand = parts[0].ranef.mean()[[0, 2, 3, 4]] + parts[1].ranef.mean()
    np.testing.assert_allclose(posterior.ranef.mean(), by_hand / 2, rtol=1e-12)
