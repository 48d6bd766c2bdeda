"""Conditionally Gaussian models against brute force, against exact where they reduce to it.

The density is compared with that of y ~ N(X m0, X D^2 X' + Z S Z' + diag(v)), and the draws of
coefficients and group effects with that Gaussian's conditionals, both written out row by row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

import bayes_sf as sf
from bayes_sf.engines.fit import rows_of
from bayes_sf.engines.sampled import conditional, conditional_graph, hierarchical, nuts
from bayes_sf.engines.sampled.cells import Cells, build_cells
from bayes_sf.engines.sampled.conditional import draw_effects, given_sampled
from bayes_sf.engines.store import fit_saved
from bayes_sf.errors import BayesSFError, DataError, SpecError, UsageError
from bayes_sf.spec.rows import Rows

Floats = NDArray[np.float64]
Prior, Priors = sf.Prior, sf.Priors

HORSESHOE = Prior("horseshoe", scale=0.3, df=4.0, shape=1.5)
SPECS: Mapping[str, sf.ModelSpec] = {
    name: sf.ModelSpec("y", outcome_of, "g", **options)
    for name, (outcome_of, options) in {
        "varying": (("x", "z"), {"varying": ("z",)}),
        "varying_far": (("z", "far"), {"varying": ("far",)}),  # its zero is 32 sds from its mean
        "varying_located": (
            ("x", "z"),
            {
                "varying": ("x",),
                "repeats": "m",
                "priors": Priors(slope=Prior("normal", 0.7, location=2.0)),
            },
        ),
        "varying_dummy": (("d", "x"), {"varying": ("d",), "resid_by_group": True}),
        "resid_by_group": (("x",), {"resid_by_group": True}),
        "repeats": ((), {"repeats": "m"}),
        "known_se": (("x",), {"known_se": "se"}),
        "monotonic": (("x", "o", "z"), {"monotonic": ("o",)}),
        "monotonic_flat": (
            ("o", "x"),
            {
                "monotonic": ("o",),
                "resid_by_group": True,
                "priors": Priors(slope=Prior("flat"), intercept=Prior("flat")),
            },
        ),
        "pooled": (("x", "z", "d"), {"priors": Priors(slope=Prior("pooled-normal", 0.5))}),
        "horseshoe": (("x", "o"), {"monotonic": ("o",), "priors": Priors(slope=HORSESHOE)}),
        "r2d2": (
            ("x", "z"),
            {"varying": ("x",), "priors": Priors(slope=Prior("r2d2", 5.0, location=0.3))},
        ),
    }.items()
}


def frame(seed: int = 3, n: int = 48) -> pd.DataFrame:
    """Unequal groups, and a category of `o` that nobody chose."""
    rng = np.random.default_rng(seed)
    g = rng.choice(list("abcd"), size=n, p=[0.1, 0.2, 0.3, 0.4])
    x, z = 5 + 2 * rng.normal(size=n), rng.normal(size=n)
    answers = pd.Categorical(
        rng.choice(["little", "some", "much"], n),
        categories=["none", "little", "some", "much"],
        ordered=True,
    )
    y = 20 + 3 * (rng.normal(size=4)[np.unique(g, return_inverse=True)[1]] + 0.2 * x)
    return pd.DataFrame(
        {
            "y": y + 4 * rng.normal(size=n), "g": g, "x": x, "z": z, "far": 60 + x,
            "d": rng.choice(["no", "yes"], n), "o": answers,
            "m": rng.choice([1.0, 3.0, 20.0], n), "se": rng.uniform(1, 5, n),
        }
    )  # fmt: skip


@dataclass(frozen=True)
class Brute:
    """Mean and covariance of y, and conditionals of what is integrated out, row by row."""

    y: Floats
    x: Floats
    effects: Floats
    prior_mean: Floats
    prior_cov: Floats
    noise: Floats

    @property
    def all(self) -> Floats:
        return np.hstack([self.x, self.effects])

    def log_density(self) -> float:
        root = np.linalg.cholesky(self.all @ self.prior_cov @ self.all.T + np.diag(self.noise))
        away = np.linalg.solve(root, self.y - self.all @ self.prior_mean)
        return float(-0.5 * away @ away - np.log(np.diag(root)).sum())

    def conditional(self) -> tuple[Floats, Floats]:
        precision = np.linalg.inv(self.prior_cov)
        cov = np.linalg.inv(precision + self.all.T @ (self.all / self.noise[:, None]))
        mean = cov @ (precision @ self.prior_mean + self.all.T @ (self.y / self.noise))
        return mean, cov


def predictors(
    df: pd.DataFrame, spec: sf.ModelSpec, at: Mapping[str, Any]
) -> tuple[Floats, Floats]:
    """Standardised columns with a leading one, and the raw sds."""
    columns, sds = [np.ones(len(df))], []
    for name in spec.predictors:
        if name in spec.monotonic:
            score = df[name].cat.codes.to_numpy()
            value = 3 * np.concatenate([[0.0], np.cumsum(at["simplex_0"])])[score]  # D = 3
            sds.append(score.std(ddof=1))
        else:
            value = (df[name] == "yes").to_numpy(float) if name == "d" else df[name].to_numpy()
            sds.append(value.std(ddof=1))
        columns.append((value - value.mean()) / sds[-1])
    return np.column_stack(columns), np.array(sds)


def coefficient_sds(spec: sf.ModelSpec, at: Mapping[str, Any], k: int) -> Floats:
    """Prior sds, the intercept's first."""
    slope = spec.priors.slope
    sds = np.full(k - 1, slope.scale)
    if slope.family == "pooled-normal":
        sds = np.full(k - 1, at["sd_slopes"])
    elif slope.family == "r2d2":
        sds = at["sd_resid"] * np.sqrt(at["share"] * at["r2"] / (1 - at["r2"]))
    elif slope.family == "horseshoe":
        tl2, c2 = (at["global_scale"] * at["local_scale"]) ** 2, at["slab_variance"]
        sds = np.sqrt(c2 * tl2 / (c2 + tl2))
    elif slope.family == "flat":
        return np.full(k, 1e4)  # wide enough to be flat
    return np.concatenate([[2.5], sds])


def noise_of(
    df: pd.DataFrame, spec: sf.ModelSpec, at: Mapping[str, Any], code: NDArray[Any]
) -> Floats:
    """Residual variance of every row, standardised."""
    if spec.known_se:
        return (df["se"].to_numpy() / df["y"].std()) ** 2
    if spec.resid_by_group:
        return np.asarray(np.exp(2 * at["log_resid"])[code])
    if spec.repeats:
        return np.asarray(at["sd_resid"] ** 2 + at["sd_repeat"] ** 2 / df["m"].to_numpy())
    return np.full(len(df), at["sd_resid"] ** 2)


def brute(df: pd.DataFrame, spec: sf.ModelSpec, at: Mapping[str, Any]) -> Brute:
    """Write a model out, in standardised units, at sampled values."""
    x, x_sd = predictors(df, spec, at)
    k, groups = x.shape[1], sorted(set(df["g"]))
    code = df["g"].map(groups.index).to_numpy()
    sigma_u = np.array([[at["sd_group"] ** 2]])
    loadings = [np.ones(len(df))]
    if spec.varying:
        tau, omega, rho = at["sd_group"], at["sd_slope"], 2 * at["half_correlation"] - 1
        off = rho * tau * omega
        sigma_u = np.array([[tau**2, off], [off, omega**2]])
        (name,) = spec.varying
        raw = (df[name] == "yes").to_numpy(float) if name == "d" else df[name].to_numpy()
        loadings.append(raw / raw.std(ddof=1))  # not centred: effects are where it is zero
    r = len(loadings)
    effects = np.zeros((len(df), len(groups) * r))
    for i, j in enumerate(code):
        effects[i, j * r : (j + 1) * r] = [loading[i] for loading in loadings]
    cov = np.zeros((k + len(groups) * r, k + len(groups) * r))
    cov[:k, :k] = np.diag(coefficient_sds(spec, at, k) ** 2)
    cov[k:, k:] = np.kron(np.eye(len(groups)), sigma_u)
    mean = np.zeros(len(cov))
    if spec.priors.slope.family == "normal":
        mean[1:k] = (spec.priors.slope.location or 0.0) * x_sd / df["y"].std()
    y = ((df["y"] - df["y"].mean()) / df["y"].std()).to_numpy()
    return Brute(y, x, effects, mean, cov, noise_of(df, spec, at, code))


def points(cells: Cells, count: int) -> tuple[Any, list[dict[str, Any]]]:
    """The PyMC model, and random values of all that is sampled, with its marginal likelihood."""
    import pymc as pm
    import pytensor

    model = conditional_graph.conditional_model(cells.structure)
    with model:
        pm.set_data(conditional_graph.numbers_of(cells))
    free, made = model.free_RVs, model.deterministics
    outputs = [*made, model["marginal_likelihood"]]
    function = pytensor.function(free, outputs, mode="FAST_COMPILE", on_unused_input="ignore")
    rng, found = np.random.default_rng(7), []
    for _ in range(count):
        values = [draw(rng, str(v.name), cells) for v in free]
        names = [*(v.name for v in free), *(v.name for v in made), "marginal_likelihood"]
        found.append(dict(zip(names, [*values, *function(*values)], strict=True)))
    return model, found


def draw(rng: np.random.Generator, name: str, cells: Cells) -> Any:
    """A random value of a free variable."""
    slopes = cells.structure.n_coef - 1
    if name.startswith("simplex"):
        return rng.dirichlet(np.ones(3))
    if name == "share":
        return rng.dirichlet(np.ones(slopes))
    if name == "free_log_resid":
        return rng.normal(size=cells.structure.n_groups)
    if name.startswith("free"):
        return rng.normal()
    if name in {"half_correlation", "r2"}:
        return rng.uniform()
    return rng.gamma(2, 0.5, size=slopes if name == "local_scale" else None)


@pytest.mark.parametrize("name", SPECS)
def test_density_and_draws_are_those_of_the_model_written_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, df = SPECS[name], frame()
    cells = build_cells(Rows.from_frame(df, spec), spec)
    _, found = points(cells, 4)
    differences = [at["marginal_likelihood"] - brute(df, spec, at).log_density() for at in found]
    loose = spec.priors.slope.family == "flat"  # 1e4 sds are not quite flat
    for first, second in pairwise(differences):
        assert first == pytest.approx(second, abs=1e-5 if loose else 1e-8)

    n, at = 20_000, found[0]
    repeated = {key: np.tile(value, (n, *[1] * np.ndim(value))) for key, value in at.items()}
    repeated = {k: v.reshape(n, *np.shape(at[k])) for k, v in repeated.items()}
    monkeypatch.setattr(conditional, "_ROOM", 1_000_000)  # several rounds
    coef, effects = draw_effects(cells, given_sampled(cells, repeated), np.random.default_rng(11))
    draws = np.hstack([coef, effects.reshape(n, -1)])
    mean, cov = brute(df, spec, at).conditional()
    variance = np.diag(cov)
    # Monte Carlo errors of a mean and of a covariance of Gaussians, five of them
    assert (np.abs(draws.mean(axis=0) - mean) < 5 * np.sqrt(variance / n)).all()
    error = np.sqrt((np.outer(variance, variance) + cov**2) / n)
    assert (np.abs(np.cov(draws.T) - cov) < 5 * error).all()


@pytest.mark.parametrize("name", ["repeats", "resid_by_group", "varying_far", "monotonic"])
def test_draws_in_raw_units_predict_what_the_standardised_ones_do(name: str) -> None:
    """Every row, from raw columns without centring; sds are those of the same prediction."""
    import xarray as xr

    spec, df, shape = SPECS[name], frame(), (2, 3)
    rows = Rows.from_frame(df, spec)
    cells = build_cells(rows, spec)
    names = ["sd_group"] + ["sd_resid"] * (name != "resid_by_group")
    names += {"repeats": ["sd_repeat"], "varying_far": ["sd_slope", "half_correlation"],
              "monotonic": ["simplex_0"]}.get(name, [])  # fmt: skip
    rng = np.random.default_rng(2)
    sampled = {key: np.array([draw(rng, key, cells) for _ in range(6)]) for key in names}
    if name == "resid_by_group":
        sampled["log_resid"] = rng.normal(size=(6, 4))
        sampled["sd_resid"] = np.exp(sampled["log_resid"]).mean(axis=1)
    variables = {
        key: (("chain", "draw", *(["part"] * (v.ndim - 1))), v.reshape(*shape, *v.shape[1:]))
        for key, v in sampled.items()
    }
    stats_of = xr.Dataset({key: (("chain", "draw"), np.zeros(shape)) for key in nuts._STATS})
    trace = xr.DataTree.from_dict({"posterior": xr.Dataset(variables), "sample_stats": stats_of})
    tree = hierarchical._tree(cells, rows, trace, np.random.default_rng(11))
    found = {key: v.to_numpy().reshape(6, -1) for key, v in tree["posterior"].data_vars.items()}
    coef, effects = draw_effects(cells, given_sampled(cells, sampled), np.random.default_rng(11))

    code, y_sd = df["g"].map(sorted(set(df["g"])).index).to_numpy(), df["y"].std()
    for i in range(6):
        at = {key: value[i] for key, value in sampled.items()}
        x, x_sd = predictors(df, spec, at)
        raw = df[list(spec.predictors)].copy()
        if "o" in raw:  # a step up is as much as the simplex says, three on average
            raw["o"] = 3 * np.concatenate([[0], np.cumsum(at["simplex_0"])])[df["o"].cat.codes]
        expected = x @ coef[i] + effects[i, code, 0]
        ours = found["beta"][i, 0] + raw.to_numpy(float) @ found["beta"][i, 1:]
        ours += found["u"][i, code]
        if spec.varying:
            step = x_sd[spec.predictors.index(spec.varying[0])]
            expected += df[spec.varying[0]] / step * effects[i, code, 1]
            ours += df[spec.varying[0]] * found["u_slope"][i, code]
            assert found["sd_slope"][i] == pytest.approx(at["sd_slope"] * y_sd / step)
            assert found["correlation"][i] == pytest.approx(2 * at["half_correlation"] - 1)
        np.testing.assert_allclose(ours, df["y"].mean() + y_sd * expected, rtol=1e-9)
        for key in {"sd_group", "sd_resid", "sd_repeat"} & at.keys():
            assert found[key][i] == pytest.approx(at[key] * y_sd)
        if name == "resid_by_group":
            within = y_sd * np.exp(at["log_resid"])
            np.testing.assert_allclose(found["sd_resid_group"][i], within)


@pytest.mark.parametrize("name", ["resid_by_group", "repeats", "varying", "varying_far"])
def test_what_is_sampled_instead_has_the_prior_that_was_asked_for(name: str) -> None:
    """Log density of free variables = prior of what they make + log |Jacobian| (numerical)."""
    spec = SPECS[name]
    lkj = Prior("lkj", shape=1.6, autoscale=False)
    priors = Priors(sd_resid=Prior("gamma"), sd_repeat=Prior("exponential"), correlation=lkj)
    spec = replace(spec, priors=priors)
    cells = build_cells(Rows.from_frame(frame(), spec), spec)
    model, found = points(cells, 4)
    names = {"log_resid", "sd_resid", "sd_repeat", "sd_group", "half_correlation"}
    made = [d for d in model.deterministics if d.name in names]
    free = [v for v in model.free_RVs if v.name.startswith("free")]
    import pytensor

    maps = pytensor.function(model.free_RVs, made, mode="FAST_COMPILE", on_unused_input="ignore")
    log_density = model.compile_logp(mode="FAST_COMPILE")

    def value(at: Mapping[str, Any], shift: Floats) -> Floats:
        moved, place = [], 0
        for v in model.free_RVs:
            x = np.asarray(at[v.name], dtype=float)
            if v in free:
                x = x + shift[place : place + x.size].reshape(x.shape)
                place += x.size
            moved.append(x)
        return np.concatenate([np.ravel(m) for m in maps(*moved)])

    differences = []
    for at in found:
        size = sum(np.size(at[v.name]) for v in free)
        steps = np.eye(size) * 1e-6
        jacobian = np.array([(value(at, h) - value(at, -h)) / 2e-6 for h in steps])
        transformed = {
            model.rvs_to_values[v].name: at[v.name] if v in free else np.log(at[v.name])
            for v in model.free_RVs
        }
        ours = float(log_density(transformed)) - at["marginal_likelihood"]
        theirs = np.linalg.slogdet(jacobian)[1]
        half_t = stats.t(3).logpdf(at["sd_group"])
        half_t += 0.0 if spec.varying else np.log(at["sd_group"])
        if spec.varying:
            theirs += stats.beta(1.6, 1.6).logpdf(at["half_correlation"])
            theirs += stats.t(3).logpdf(at["sd_slope"]) + np.log(at["sd_slope"])
            theirs += stats.gamma(2).logpdf(at["sd_resid"]) + np.log(at["sd_resid"])
        elif name == "repeats":
            theirs += stats.gamma(2).logpdf(at["sd_resid"]) + stats.expon.logpdf(at["sd_repeat"])
        else:
            sigma, spread = at["sd_resid"], at["sd_log_resid"]
            theirs += stats.norm(np.log(sigma), spread).logpdf(at["log_resid"]).sum()
            theirs += stats.gamma(2).logpdf(sigma) + np.log(sigma)
            theirs += stats.norm(0, 0.5).logpdf(spread) + np.log(spread)
        differences.append(ours - theirs - half_t)
    for first, second in pairwise(differences):
        assert first == pytest.approx(second, abs=1e-5)


def agree(sampled: sf.Result, exact: sf.Result) -> None:
    """Means and sds within 4 MCSE, of every quantity that both report."""
    table = sampled.diagnostics()
    assert sampled.converged
    assert (table["r_hat"] < 1.01).all()
    theirs = {(row.term, row.group): row for row in exact.rows}
    names = {(t, ""): f"beta[{t}]" for t in exact.moments.terms}
    names |= {(t, ""): t for t in ("sd_group", "sd_resid", "icc")}
    names |= {("(Intercept)", g): f"u[{g}]" for g in exact.moments.groups}
    ours = {(row.term, row.group): row for row in sampled.rows}
    for key, name in names.items():
        mcse = table.loc[name, ["mcse_mean", "mcse_sd"]]
        assert abs(ours[key].estimate - theirs[key].estimate) < 4 * mcse["mcse_mean"], name
        assert abs(ours[key].sd - theirs[key].sd) < 4 * mcse["mcse_sd"], name


SMALL = {role: Prior("half-normal", scale=1e-4) for role in ("sd_slope", "sd_log_resid")}
PLAIN = sf.ModelSpec("y", ("x",), "g")


@pytest.mark.slow
@pytest.mark.nuts
def test_slopes_that_do_not_vary_are_the_plain_model(tmp_path: Path) -> None:
    """Also: what is saved is found again, and another unit of y only changes the unit."""
    spec, df = replace(PLAIN, varying=("x",), priors=Priors(sd_slope=SMALL["sd_slope"])), frame()
    sampled, resumed = fit_saved(spec, df, tmp_path, seed=2)
    agree(sampled, sf.fit(PLAIN, df))
    again, found = fit_saved(spec, df, tmp_path, seed=2)
    assert (resumed, found) == (False, True)
    pd.testing.assert_frame_equal(again.estimates, sampled.estimates)
    pd.testing.assert_frame_equal(again.diagnostics(), sampled.diagnostics())
    assert again.priors == sampled.priors
    assert again.data is not None
    _, other = fit_saved(spec, df.assign(y=df["y"] + df["x"]), tmp_path, seed=2)
    assert not other

    wide = replace(spec, priors=Priors())
    one = sf.fit(wide, df, engine="nuts", seed=1)
    hundred = sf.fit(wide, df.assign(y=100 * df["y"], x=df["x"] / 10), engine="nuts", seed=1)
    terms = [(row.term, row.group) for row in one.rows]
    assert terms[:8] == [
        (t, "")
        for t in ("(Intercept)", "x", "sd_group", "sd_resid", "icc", "sd_slope", "correlation")
    ] + [("(Intercept)", "a")]
    assert terms[-1] == ("x", "d")
    unit = {"x": 1000.0, "sd_slope": 1000.0, "icc": 1.0, "correlation": 1.0}
    for ours, theirs in zip(hundred.rows, one.rows, strict=True):
        factor = unit.get(ours.term, 100.0)
        assert ours.estimate == pytest.approx(factor * theirs.estimate, rel=1e-6, abs=1e-6)
        assert ours.sd == pytest.approx(factor * theirs.sd, rel=1e-6)


@pytest.mark.slow
@pytest.mark.nuts
def test_equal_residual_sds_are_the_plain_model() -> None:
    priors = Priors(sd_log_resid=SMALL["sd_log_resid"])
    spec = replace(PLAIN, resid_by_group=True, priors=priors)
    sampled = sf.fit(spec, frame(), engine="nuts", seed=2)
    agree(sampled, sf.fit(PLAIN, frame()))
    assert np.isnan(sampled.icc()["prior_median"])


@pytest.mark.slow
@pytest.mark.nuts
def test_exact_measurements_are_the_plain_model() -> None:
    spec = replace(PLAIN, repeats="m", priors=Priors(sd_repeat=Prior("half-normal", scale=1e-4)))
    agree(sf.fit(spec, frame(), engine="nuts", seed=2), sf.fit(PLAIN, frame()))


@pytest.mark.slow
@pytest.mark.nuts
def test_equal_steps_are_the_linear_model() -> None:
    priors = Priors(simplex=Prior("dirichlet", shape=1e6, autoscale=False))
    df = frame()
    spec = sf.ModelSpec("y", ("o", "x"), "g", monotonic=("o",), priors=priors)
    sampled = sf.fit(spec, df, engine="nuts", seed=2)
    scores = df.assign(o=df["o"].cat.codes.astype(float))
    agree(sampled, sf.fit(sf.ModelSpec("y", ("o", "x"), "g"), scores))
    steps = sampled.estimates.set_index("term")["estimate"]
    for step in ("none", "little", "some"):
        assert steps[f"simplex_o[>{step}]"] == pytest.approx(1 / 3, abs=1e-3)


SCHOOLS = pd.DataFrame(
    {
        "y": [28.0, 8, -3, 7, -1, 1, 18, 12],
        "se": [15.0, 10, 16, 11, 9, 11, 10, 18],
        "school": list("ABCDEFGH"),
    }
)


@pytest.mark.slow
@pytest.mark.nuts
def test_eight_schools_as_integrated_over_tau() -> None:
    """Rubin (1981), Gelman et al. (2013, section 5.5): one row a group, integrated over tau."""
    priors = Priors(
        intercept=Prior("normal", 20.0, location=0.0, autoscale=False),
        sd_group=Prior("half-t", 10.0, df=3.0, autoscale=False),
    )
    spec = sf.ModelSpec("y", group="school", known_se="se", priors=priors)
    result = sf.fit(spec, SCHOOLS, engine="nuts", seed=1)
    assert result.converged
    y, v = SCHOOLS["y"].to_numpy(), SCHOOLS["se"].to_numpy() ** 2

    def given(tau: float) -> tuple[float, float, float]:
        """Density of tau and the data, and mean and variance of the intercept given tau."""
        weight = 1 / (v + tau**2)
        variance = 1 / (weight.sum() + 20.0**-2)
        mean = variance * (weight @ y)
        cov = np.diag(v + tau**2) + 20.0**2
        density = np.exp(stats.multivariate_normal(np.zeros(8), cov).logpdf(y))
        return density * stats.t(3, scale=10).pdf(tau), mean, variance

    nodes = [(tau, *given(tau)) for tau in np.linspace(0, 400, 20_001)]
    tau, mass, mean, variance = np.array(nodes).T
    mass = mass / integrate.simpson(mass, x=tau)

    def moments(first: Floats, second: Floats) -> tuple[float, float]:
        centre = integrate.simpson(mass * first, x=tau)
        return centre, np.sqrt(integrate.simpson(mass * second, x=tau) - centre**2)

    table = result.diagnostics()
    truth = {
        "sd_group": moments(tau, tau**2),
        "beta[(Intercept)]": moments(mean, variance + mean**2),
    }
    shrink = tau[:, None] ** 2 / (tau[:, None] ** 2 + v)
    first = shrink * (y - mean[:, None])
    second = shrink * v + shrink**2 * variance[:, None] + first**2
    for j, school in enumerate("ABCDEFGH"):
        truth[f"u[{school}]"] = moments(first[:, j], second[:, j])
    for name, (centre, sd) in truth.items():
        row = table.loc[name]
        assert abs(row["mean"] - centre) < 4 * row["mcse_mean"], name
        assert abs(row["sd"] - sd) < 4 * row["mcse_sd"], name
    with pytest.raises(UsageError, match="has no ICC: its standard errors are known"):
        result.icc()
    assert not {"sd_resid", "icc"} & set(result.estimates["term"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"varying": ("o",)}, SpecError, "must be a number, or have two categories"),
        ({"priors": Priors(slope=HORSESHOE)}, SpecError, "horseshoe is a prior of several slopes"),
        (
            {"predictors": ("x", "z"), "known_se": "se", "priors": Priors(slope=Prior("r2d2"))},
            SpecError,
            "r2d2 needs a residual variance that is estimated",
        ),
        (
            {"predictors": ("x",), "varying": ("x",), "priors": Priors(sd_slope=Prior("flat"))},
            SpecError,
            "sd_slope: must be proper",
        ),
        ({"known_se": "se", "group": "one"}, DataError, "must have at least two levels"),
        ({"resid_by_group": True, "group": "each"}, DataError, "residual variance within"),
    ],
)
def test_models_that_cannot_be(
    options: dict[str, Any], error: type[BayesSFError], message: str
) -> None:
    df = frame().assign(one="1", each=[f"{i:02}" for i in range(48)])
    df["o"] = pd.Categorical(df["o"].astype(str))
    spec = sf.ModelSpec(**{"outcome": "y", "predictors": ("o",), "group": "g"} | options)
    if spec.priors.slope == HORSESHOE:
        spec = replace(spec, predictors=("x",))
    with pytest.raises(error, match=message):
        build_cells(Rows.from_frame(df, spec), spec)


def test_zero_of_the_varying_predictor_is_where_it_is_on_its_standardised_scale() -> None:
    df = frame()
    places = [
        build_cells(Rows.from_frame(df, spec), spec).zero
        for spec in (SPECS["varying"], replace(SPECS["varying"], varying=()))
    ]
    assert places == pytest.approx([-df["z"].mean() / df["z"].std(), 0.0])


def test_joint_priors_of_slopes_are_scipys() -> None:
    """What each samples beside the slopes, in the graph, with scales that are put in later."""
    import pymc as pm
    import pytensor

    at, half = np.array([0.2, 0.6]), 2.5
    expected: dict[str, dict[str, Any]] = {
        "pooled-normal": {"sd_slopes": stats.halfnorm(scale=0.3)},
        "r2d2": {"r2": stats.beta(0.3 * 5, 0.7 * 5)},
        "horseshoe": {
            "global_scale": stats.halfcauchy(scale=0.3),
            "slab_variance": stats.invgamma(half, scale=half * 1.7**2),
        },
    }
    densities, theirs = [], []
    for family, laws in expected.items():
        structure: Any = SimpleNamespace(n_coef=3, shrinkage=family)
        with pm.Model() as model:
            conditional_graph._shrunk(structure, {"sd_resid": np.ones(())})
            pm.set_data({"shrinkage": np.array([0.3, 5.0, 1.7])})
        densities += [pm.logp(model[name], value) for name in laws for value in at]
        theirs += [law.logpdf(value) for law in laws.values() for value in at]
    ours = pytensor.function([], densities, mode="FAST_COMPILE")()
    np.testing.assert_allclose(ours, theirs, rtol=1e-7)


@pytest.mark.nuts
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "q13_slopes", "q17_slopes", "null_resid", "q13_repeats", "q13_monotonic",
        "five_point_monotonic", "joint_normal", "joint_horseshoe", "joint_r2d2",
    ],
)  # fmt: skip
def test_analyses_of_the_replica_converge(name: str) -> None:
    replica = sf.load_sample("replica")
    for spec in sf.load_analysis(name).specs:
        assert rows_of(spec, replica) is not None
        result = sf.fit(spec, replica, engine="nuts", seed=1)
        assert result.converged, spec.key  # R-hat < 1.01, ESS >= 400, no divergence


@pytest.mark.parametrize("more", [-4, 0, 1, 3])
def test_scalars_or_a_triangle_give_the_same_reduction(more: int) -> None:
    """ln |A| and c - b'A^-1 b, by NumPy; few rows go by scalars, more by a triangle."""
    import pytensor.tensor as pt

    size = conditional_graph._SCALARS + more
    root = np.random.default_rng(size).normal(size=(size + 1, size + 1))
    whole = root @ root.T + np.eye(size + 1)
    a, b, c = whole[:-1, :-1], whole[:-1, -1], whole[-1, -1]
    parts = (pt.as_tensor(part) for part in (a, b, c))
    found = [part.eval(mode="FAST_COMPILE") for part in conditional_graph._reduced(*parts, size)]
    assert found == pytest.approx([np.linalg.slogdet(a)[1], c - b @ np.linalg.solve(a, b)])
