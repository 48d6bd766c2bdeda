"""What bambi builds of other outcomes, without sampling: its density against scipy's, its names."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.special import expit

import bayes_sf as sf
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.outcomes.correlated import Block
from bayes_sf.engines.outcomes.graph import OutcomeGraph, outcome_graph
from bayes_sf.engines.outcomes.pointwise import row_datasets
from bayes_sf.engines.outcomes.prior import outcome_priors, stated
from bayes_sf.engines.outcomes.response import moments
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.outcomes.sampled import OutcomeSampled, outcome_tree
from bayes_sf.engines.result import Provenance
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.spec.family import family_of
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.terms.matrices import Matrices

RNG = np.random.default_rng(1)
N = 48
FRAME = pd.DataFrame({
    "x": RNG.normal(3, 1, N), "w": RNG.normal(0, 0.1, N),
    "g": np.array(list("abcdef"))[RNG.permutation(N) % 6], "n": RNG.integers(4, 9, N),
})  # fmt: skip
SOME = RNG.integers(0, 2, N)
RESPONSES: dict[str, Any] = {
    "bernoulli": SOME, "binomial": RNG.integers(0, 5, N), "beta_binomial": RNG.integers(0, 5, N),
    "poisson": RNG.poisson(2, N), "negativebinomial": RNG.poisson(2, N),
    "beta": RNG.uniform(0.1, 0.9, N), "cumulative": RNG.permutation(N) % 4 + 1,
    "hurdle_gamma": SOME * RNG.gamma(2, 1, N), "hurdle_lognormal": SOME * RNG.gamma(2, 1, N),
}  # fmt: skip
#: Values at which densities are compared: bambi's names of what the families have.
B, UX, TAUS = np.array([-0.3, 0.6]), 0.4, (0.8, 0.5)
GIVEN = {"kappa": 4.0, "alpha": 1.5, "psi": 0.7, "sigma": 0.6}
CUTS = np.array([-1.2, 0.1, 1.4])
EFFECTS = RNG.normal(size=(2, 6))
LKJ = sf.Prior("lkj", shape=3.0, autoscale=False)


def built(name: str, **options: Any) -> tuple[Matrices, OutcomeGraph, Mapping[str, Any]]:
    family = family_of(name)
    left = "p(y, n)" if family.counted else "y"
    spec = ModelSpec.from_formula(f"{left} ~ x + offset(w) + (x || g)", family=name, **options)
    made = Matrices.from_frame(FRAME.assign(y=RESPONSES[name]), spec.parsed, family=family)
    priors = outcome_priors(made, family, spec)
    return made, outcome_graph(made, family, priors), priors


def density(name: str, y: Any, eta: Any) -> Any:
    """Log density of every row, by scipy."""
    n, share, mean = FRAME["n"], expit(eta), np.exp(eta)
    kappa, alpha, psi, sigma = (GIVEN[key] for key in ("kappa", "alpha", "psi", "sigma"))
    below = np.column_stack([np.zeros(N), expit(CUTS - eta[:, None]), np.ones(N)])
    with np.errstate(divide="ignore"):
        hurdle = np.where(y > 0, np.log(psi), np.log1p(-psi))
        above = {
            "hurdle_gamma": stats.gamma.logpdf(y, alpha, scale=mean / alpha),
            "hurdle_lognormal": stats.lognorm.logpdf(y, sigma, scale=mean),
        }.get(name, 0.0)
    if name.startswith("hurdle"):
        return hurdle + np.where(y > 0, above, 0.0)
    return {
        "bernoulli": lambda: stats.bernoulli.logpmf(y, share),
        "binomial": lambda: stats.binom.logpmf(y, n, share),
        "beta_binomial": lambda: stats.betabinom.logpmf(y, n, kappa * share, kappa * (1 - share)),
        "poisson": lambda: stats.poisson.logpmf(y, mean),
        "negativebinomial": lambda: stats.nbinom.logpmf(y, alpha, alpha / (alpha + mean)),
        "beta": lambda: stats.beta.logpdf(y, kappa * share, kappa * (1 - share)),
        "cumulative": lambda: np.log(
            np.take_along_axis(np.diff(below, axis=1), y[:, None] - 1, axis=1)[:, 0]
        ),
    }[name]()


def logp(graph: OutcomeGraph, values: Mapping[str, Any]) -> dict[str, float]:
    """Log density of every variable at untransformed values, by PyTensor's own interpreter."""
    import pymc as pm
    from pytensor.compile.mode import Mode

    model = graph.model.backend.model
    bare = pm.model.transform.conditioning.remove_value_transforms(model)
    terms = bare.free_RVs + bare.observed_RVs + bare.potentials
    function = bare.compile_fn(
        bare.logp(vars=terms, sum=False),
        mode=Mode(linker="py", optimizer=None),
        on_unused_input="ignore",
    )
    named = {key: np.asarray(value, dtype=float) for key, value in values.items()}
    return {v.name: float(np.sum(found)) for v, found in zip(terms, function(named), strict=True)}


@pytest.mark.parametrize("name", RESPONSES)
def test_the_density_is_scipy_s(name: str) -> None:
    """Likelihood and priors, at any point: what parameters mean, centring, offset, effects."""
    made, graph, priors = built(name)
    family = family_of(name)
    x = FRAME["x"].to_numpy()
    codes = made.factors[0].code
    tau, slope_sd = TAUS
    eta = B[1] * x + FRAME["w"] + tau * EFFECTS[0][codes] + slope_sd * EFFECTS[1][codes] * x
    eta = eta.to_numpy() + (0.0 if family.ordered else B[0])
    own = dict(zip(graph.coefficients, B[2 - len(graph.coefficients) :], strict=True))
    shift = B[1] * x.mean()
    if not family.ordered:
        own["Intercept"] = B[0] + shift  # at the mean of x
    values: dict[str, Any] = {**own, **{key: GIVEN[key] for key in graph.more if key in GIVEN}}
    if family.ordered:
        values["threshold"] = CUTS - shift
    for number, effect in enumerate(graph.effects[0]):
        values |= {f"{effect}_sigma": TAUS[number], f"{effect}_offset": EFFECTS[number]}
    found = logp(graph, values)
    y = np.asarray(RESPONSES[name])
    assert found[graph.model.backend.model.observed_RVs[0].name] == pytest.approx(
        density(name, y, eta).sum(), rel=1e-6
    )
    slope = graph.coefficients[-1]
    assert found[slope] == pytest.approx(stats.norm.logpdf(B[1], 0, 2.5 / x.std()))
    assert found["1|f0_sigma"] == pytest.approx(np.log(2) + stats.t.logpdf(tau, 3))
    assert found[f"{graph.effects[0][1]}_sigma"] == pytest.approx(
        np.log(2) + stats.t.logpdf(slope_sd, 3, scale=1 / x.std())
    )
    if not family.ordered:
        prior = priors["(Intercept)"]
        assert found["Intercept"] == pytest.approx(
            stats.norm.logpdf(own["Intercept"], prior.location, 2.5)
        )
    else:
        assert found["threshold"] == pytest.approx(
            stats.norm.logpdf(CUTS - shift, [-2, 0, 2], 2.5).sum()
        )


def at_point(name: str, size: int) -> tuple[dict[str, xr.Dataset], Matrices, Any]:
    """Groups about rows of draws that are all the same, and linear predictors."""
    family = family_of(name)
    left = "p(y, n)" if family.counted else "y"
    spec = ModelSpec.from_formula(f"{left} ~ x + offset(w) + (x || g)", family=name)
    made = Matrices.from_frame(FRAME.assign(y=RESPONSES[name]), spec.parsed, family=family)
    base = ("chain", "draw")
    values = {
        "beta": ((*base, "term"), B[2 - len(made.terms) :]), "threshold": ((*base, "cut"), CUTS),
        "(Intercept)|g": ((*base, "level"), EFFECTS[0]), "x|g": ((*base, "level"), EFFECTS[1]),
    } | {key: (base, np.asarray(value)) for key, value in GIVEN.items()}  # fmt: skip
    posterior = xr.Dataset({
        key: (dims, np.broadcast_to(value, (1, size, *value.shape)))
        for key, (dims, value) in values.items()
    })  # fmt: skip
    x, codes = FRAME["x"].to_numpy(), made.factors[0].code
    eta = B[1] * x + FRAME["w"].to_numpy() + EFFECTS[0][codes] + EFFECTS[1][codes] * x
    groups = row_datasets(posterior, made, family, seed=1)
    return groups, made, eta + (0.0 if family.ordered else B[0])


@pytest.mark.parametrize("name", RESPONSES)
def test_the_density_of_rows_is_scipy_s(name: str) -> None:
    groups, _, eta = at_point(name, 2)
    found = groups["log_likelihood"]["y"].to_numpy()
    expected = density(name, np.asarray(RESPONSES[name]), eta)
    assert found == pytest.approx(np.broadcast_to(expected, (1, 2, N)), rel=1e-9)


@pytest.mark.parametrize("name", RESPONSES)
def test_replications_are_of_the_density(name: str) -> None:
    """Mean and variance of every row against the family's, in Monte Carlo errors."""
    draws = 4000
    groups, made, eta = at_point(name, draws)
    drawn_ = groups["posterior_predictive"]["y"].to_numpy()[0]
    if name == "cumulative":
        shares = np.array([np.exp(density(name, np.full(N, k), eta)) for k in (1, 2, 3, 4)])
        mean = np.arange(4) @ shares
        variance = np.arange(4) ** 2 @ shares - mean**2
    else:
        mean, variance = moments(family_of(name), eta, GIVEN)
    trials = np.ones(N) if made.trials is None else made.trials
    mean, variance = trials * mean, trials * variance
    if name == "beta_binomial":
        variance = variance * (GIVEN["kappa"] + trials) / (GIVEN["kappa"] + 1)
    # Of 48 rows the largest of such deviations is below 4.5 errors in all but one of 3000.
    assert np.abs((drawn_.mean(axis=0) - mean) / np.sqrt(variance / draws)).max() < 4.5
    ratio = drawn_.var(axis=0) / variance
    assert np.median(ratio) == pytest.approx(1, abs=0.03)  # heavy tails: rows by themselves vary
    assert {"level|g", "offset"} <= set(groups["constant_data"])


def test_priors_by_role_and_by_name() -> None:
    more = {
        "sd_x|g": sf.Prior.read("gamma(shape 3, scale 0.2)"),
        "(Intercept)": sf.Prior.read("flat"),
    }
    stated_ = sf.Priors(
        slope=sf.Prior("normal", scale=0.5, autoscale=False), sd_group=sf.Prior("exponential"),
        terms=more,
    )  # fmt: skip
    _, graph, priors = built("hurdle_gamma", priors=stated_)
    said = stated(priors, graph.more)
    assert said == (
        "(Intercept) flat; x normal(0, 0.5); sd_(Intercept)|g exponential(mean 1); "
        "sd_x|g gamma(shape 3, scale 0.2); alpha HalfCauchy(beta 1); psi Beta(alpha 2, beta 2)"
    )
    _, graph, priors = built("cumulative")
    assert "threshold Normal(mu -2 to 2, sigma 2.5, in order)" in stated(priors, graph.more)
    for text in ("half-t(3, 1, 1)", "normal(0)", "normal", "half-t(3, 0, 1) + 1", ""):
        with pytest.raises(SpecError):
            sf.Prior.read(text)
    for prior in priors.values():
        assert str(sf.Prior.read(str(prior))) == str(prior)


def drawn(name: str) -> OutcomeResult:
    """A result whose draws are invented: what is made of draws, without sampling any."""
    made, graph, priors = built(name)
    family = family_of(name)
    rng = np.random.default_rng(5)
    base = ("chain", "draw")
    posterior = {own: (base, rng.normal(0.5, 0.1, (4, 200))) for own in graph.coefficients}
    for own in graph.effects[0]:
        posterior[f"{own}_sigma"] = (base, rng.gamma(20, 0.04, (4, 200)))
        posterior[own] = ((*base, "f0__factor_dim"), rng.normal(0, 0.3, (4, 200, 6)))
    for own in graph.more:
        posterior[own] = (base, rng.uniform(0.4, 0.6, (4, 200)))
    if family.ordered:
        cuts = CUTS + rng.normal(0, 0.1, (4, 200, 3))
        posterior["threshold"] = ((*base, "threshold_dim"), cuts)
    stats_ = {"energy": rng.normal(size=(4, 200)), "diverging": np.zeros((4, 200), dtype=bool)}
    whole = ("depth", "maxdepth_reached", "n_steps", "step_size", "mean_tree_accept", "logp")
    stats_ |= {key: np.ones((4, 200)) for key in whole}
    trace = xr.DataTree.from_dict({
        "posterior": xr.Dataset(posterior, coords={"chain": range(4), "draw": range(200)}),
        "sample_stats": xr.Dataset({key: (base, value) for key, value in stats_.items()}),
    })  # fmt: skip
    tree = outcome_tree(trace, graph, made, family)
    fitted = OutcomeSampled(made, family, priors, graph.more, tree, {})
    left = "p(y, n)" if family.counted else "y"
    spec = ModelSpec.from_formula(f"{left} ~ x + offset(w) + (x || g)", family=name)
    return OutcomeResult(
        spec, "nuts", fitted, 0.95, Provenance("", "", "frame", 1, 0.0), matrices=made
    )


@pytest.mark.parametrize("name", ["negativebinomial", "cumulative"])
def test_draws_become_a_result(name: str) -> None:
    result = drawn(name)
    draws = result.draws()["posterior"]
    slope = draws["beta"].sel(term="x").to_numpy()
    assert result.fixef().loc["x", "estimate"] == pytest.approx(slope.mean())
    if name == "cumulative":
        table = result.estimates.set_index("term")
        cuts = table.loc[["threshold[1|2]", "threshold[2|3]", "threshold[3|4]"], "estimate"]
        np.testing.assert_allclose(cuts, CUTS + slope.mean() * FRAME["x"].mean(), atol=0.02)
        assert list(result.fixef().index) == ["x"]
    else:
        intercept = draws["beta"].sel(term="(Intercept)").to_numpy()
        at_mean = intercept + slope * FRAME["x"].mean()  # what was sampled
        assert at_mean.mean() == pytest.approx(0.5, abs=0.01)
        assert at_mean.std() == pytest.approx(0.1, rel=0.1)
        assert result.icc(scale="response")["lower"] < result.icc(scale="response")["median"]
    effects = result.ranef("g")
    assert effects.index.names == ["group", "term"]
    assert effects.loc[("c", "x"), "estimate"] == pytest.approx(
        float(draws["x|g"].sel({"level|g": "c"}).mean())
    )
    assert list(result.varcorr()["term"]) == ["(Intercept)", "x"]
    shares = result.icc()
    assert 0 < shares["lower"] < shares["median"] < shares["upper"] < 1
    assert "beta[x]" in result.diagnostics().index
    assert "Priors: " in result.summary()
    assert result.converged
    with pytest.raises(Exception, match="highest likelihood"):
        result.aic  # noqa: B018
    with pytest.raises(Exception, match="for reml and ml"):
        result.confint()


def test_without_bambi_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bambi", None)
    with pytest.raises(UsageError, match=r"install bayes-sf\[outcomes\]"):
        sf.fit("y ~ x + (1 | g)", FRAME.assign(y=SOME), family="bernoulli")


def test_names_that_users_give_are_never_bambi_s() -> None:
    """Columns called as bambi's variables, and as parts of a formula."""
    frame = FRAME.assign(
        y=RESPONSES["bernoulli"], **{"x0": FRAME["x"], "f0": FRAME["g"], "my x": FRAME["w"]}
    )
    spec = ModelSpec.from_formula("y ~ x0 + `my x` + (1 | f0)", family="bernoulli")
    family = family_of("bernoulli")
    made = Matrices.from_frame(frame, spec.parsed, family=family)
    graph = outcome_graph(made, family, outcome_priors(made, family, spec))
    assert made.terms == ("(Intercept)", "x0", "my x")
    assert graph.coefficients == ("Intercept", "x1", "x2")


#: Formula of what varies, zero far from the mean of x or not, priors of the sds at zero.
CORRELATED = {
    "near": ("(x | g)", 0.0, {}),
    "far": ("(x | g)", 40.0, {"sd_(Intercept)|g": "gamma(shape 3, scale 9)"}),
    "three": ("(x + w | g)", 40.0, {"sd_(Intercept)|g": "exponential(mean 20)"}),
}


def correlated(case: str) -> tuple[Matrices, OutcomeGraph, Mapping[str, Any]]:
    random, far, stated_ = CORRELATED[case]
    family, frame = family_of("poisson"), FRAME.assign(y=RESPONSES["poisson"], x=FRAME["x"] + far)
    named = {name: sf.Prior.read(text) for name, text in stated_.items()}
    spec = ModelSpec.from_formula(
        f"y ~ x + {random}", family="poisson", priors=sf.Priors(correlation=LKJ, terms=named)
    )
    made = Matrices.from_frame(frame, spec.parsed, family=family)
    priors = outcome_priors(made, family, spec)
    return made, outcome_graph(made, family, priors), priors


@pytest.mark.parametrize(
    "case", ["three", *(pytest.param(case, marks=pytest.mark.slow) for case in ("near", "far"))]
)
def test_correlated_effects_have_their_prior_where_columns_are_zero(case: str) -> None:
    """Against LKJ's density of the matrix and the sds' at zero, with a numerical Jacobian.

    What is compared is how the density differs between two points: LKJ's constant is left out.
    """
    made, graph, priors = correlated(case)
    ((block,),) = graph.blocks
    x = made.x[:, 1]
    (factor,) = made.factors
    k = len(factor.columns)
    pairs, rng = [(i, j) for j in range(k) for i in range(j)], np.random.default_rng(3)

    def posterior(free: Any) -> xr.Dataset:
        """What is sampled: logs of sds, logits of shares."""
        base = ("chain", "draw")
        values = {f"{name}_sigma": np.exp(free[at]) for at, name in enumerate(block.names)}
        parts = np.split(expit(free[k:]), np.cumsum(range(1, k))[:-1])
        found = {key: (base, np.full((1, 1), value)) for key, value in values.items()}
        for name, part in zip(block.names[1:], parts, strict=True):
            found[f"{name}_partial"] = ((*base, f"of {name}"), part[None, None])
        return xr.Dataset(found)

    def at_zero(free: Any) -> Any:
        """Sds and correlations where columns are zero."""
        sds, matrix = block.spreads(posterior(free))
        return np.array([*sds[0, 0], *(matrix[0, 0, i, j] for i, j in pairs)])

    def expected(free: Any, effects: Any) -> float:
        found = at_zero(free)
        matrix = np.eye(k)
        for (i, j), value in zip(pairs, found[k:], strict=True):
            matrix[i, j] = matrix[j, i] = value
        step = 1e-5 * np.eye(len(free))
        jacobian = [(at_zero(free + one) - at_zero(free - one)) / 2e-5 for one in step]
        names = sd_names(factor)[0]
        density_ = sum(priors[name].log_density(sd) for name, sd in zip(names, found, strict=False))
        density_ += (LKJ.shape - 1) * np.linalg.slogdet(matrix)[1]
        covariance = matrix * np.outer(found[:k], found[:k])
        mean = np.exp(1 + 0.1 * (x - x.mean()) + (
            factor.z * effects.T[factor.code]).sum(axis=1))  # fmt: skip
        likelihood = stats.poisson.logpmf(RESPONSES["poisson"], mean).sum()
        levels = stats.multivariate_normal.logpdf(effects.T, cov=covariance).sum()
        return density_ + np.linalg.slogdet(np.array(jacobian))[1] + levels + likelihood

    def found(free: Any, effects: Any) -> float:
        """The model's, of the same effects, and what is sampled of them."""
        sampled = posterior(free)
        pivoted = effects.copy()
        pivoted[0] += block.pivot @ effects
        sds, matrix = Block(block.names, 0 * block.pivot, 1.0, block.first).spreads(sampled)
        half = np.linalg.cholesky(matrix[0, 0] * np.outer(sds[0, 0], sds[0, 0]))
        values = {"Intercept": 1.0, "x1": 0.1}
        for name, offset in zip(block.names, np.linalg.solve(half, pivoted), strict=True):
            values |= {f"{name}_offset": offset, f"{name}_sigma": sampled[f"{name}_sigma"].item()}
        for name in block.names[1:]:
            values[f"{name}_partial"] = sampled[f"{name}_partial"].to_numpy()[0, 0]
        parts = logp(graph, values)
        of_logs = free[:k].sum() + sum(np.log(expit(v)) + np.log(expit(-v)) for v in free[k:])
        # effects from offsets, level by level
        return sum(parts.values()) + of_logs - 6 * np.log(np.diag(half)).sum()

    assert block.pivot.any() == (case != "near")
    ways = []
    for _ in range(2):
        free = rng.normal(0, 0.4, k + len(pairs))
        effects = rng.normal(0, 0.1, (k, 6))
        effects[0] -= block.pivot @ effects
        ways.append((found(free, effects), expected(free, effects)))
    (ours, theirs), (ours_too, theirs_too) = ways
    assert ours - ours_too == pytest.approx(theirs - theirs_too, rel=1e-5)
