"""Means of repeated measurements, exactly: against brute force, limits, symmetries and NUTS."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.checks.loo import loo
from bayes_sf.engines.gaussian import repeated
from bayes_sf.engines.gaussian.repeated import RepeatedPosterior, fit_repeated
from bayes_sf.errors import ConvergenceError, SpecError, UsageError
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.rows import Rows

Floats = np.ndarray

#: Light tails, so that a grid over the standard deviations has an end.
PRIORS = sf.Priors(
    sd_resid=sf.Prior("half-normal"),
    sd_group=sf.Prior("half-normal"),
    sd_repeat=sf.Prior("half-normal", scale=2.0),
)
SPEC = sf.ModelSpec("y", ("x",), group="g", repeats="m", priors=PRIORS)
PLAIN = replace(SPEC, repeats="", priors=replace(PRIORS, sd_repeat=None))


def frame(n: int = 30, seed: int = 4) -> pd.DataFrame:
    """Three groups; few and many measurements."""
    rng = np.random.default_rng(seed)
    m = rng.choice([1.0, 2.0, 5.0, 20.0], size=n)
    code = np.arange(n) % 3
    x = rng.normal(size=n)
    y = 0.8 * x + np.array([-1.0, 0.0, 1.5])[code] + rng.normal(size=n) * np.sqrt(0.3 + 2 / m)
    return pd.DataFrame({"y": y, "x": x, "m": m, "g": np.array(list("abc"))[code]})


def posterior(df: pd.DataFrame, spec: sf.ModelSpec = SPEC) -> RepeatedPosterior:
    """The exact posterior."""
    return fit_repeated(Rows.from_frame(df, spec), spec)


def brute_force(df: pd.DataFrame) -> dict[str, float]:
    """Posterior means and sds by a grid over the three sds, full covariance matrices inverted."""
    y, n = df["y"].to_numpy(), len(df)
    y_sd, x_sd = df["y"].std(), df["x"].std()
    columns = np.column_stack([np.ones(n), df["x"] - df["x"].mean()])
    prior = np.diag([(2.5 * y_sd) ** 2, (2.5 * y_sd / x_sd) ** 2])
    centre = np.array([y.mean(), 0.0])
    same = (df["g"].to_numpy()[:, None] == df["g"].to_numpy()).astype(float)
    x, w = np.polynomial.legendre.leggauss(36)
    nodes, weights = 0.5 * (x + 1), 0.5 * w
    # half-normal(0, s) has 1e-10 of its mass beyond 6.5 s; the likelihood ends before
    tops = {"resid": 2.2 * y_sd, "group": 6.0 * y_sd, "repeat": 4.5 * y_sd}
    grid = {name: top * nodes for name, top in tops.items()}
    scales = {"resid": y_sd, "group": y_sd, "repeat": 2 * y_sd}
    priors = {name: stats.halfnorm(scale=s).pdf(grid[name]) for name, s in scales.items()}
    total, sums = 0.0, np.zeros(10)
    for sigma, w1 in zip(grid["resid"], weights * priors["resid"], strict=True):
        for repeat, w2 in zip(grid["repeat"], weights * priors["repeat"], strict=True):
            tau = grid["group"]
            base = np.diag(sigma**2 + repeat**2 / df["m"].to_numpy())
            v = base + tau[:, None, None] ** 2 * same
            marginal = v + columns @ prior @ columns.T
            inverse = np.linalg.inv(marginal)
            off = y - columns @ centre
            log_density = -0.5 * (
                np.linalg.slogdet(marginal)[1]
                + np.einsum("i,zij,j->z", off, inverse, off)
                + n * np.log(2 * np.pi)
            )
            density = np.exp(log_density) * priors["group"]
            mass = density * weights * w1 * w2 * np.prod(list(tops.values()))
            gain = prior @ columns.T @ inverse  # (Z, 2, n)
            mean = centre + gain @ off
            var = prior - gain @ columns @ prior
            slope, slope_var = mean[:, 1], var[:, 1, 1]
            icc = tau**2 / (tau**2 + sigma**2)
            total += mass.sum()
            sums += np.array(
                [
                    (mass * slope).sum(), (mass * (slope**2 + slope_var)).sum(),
                    (mass * sigma).sum(), (mass * sigma**2).sum(),
                    (mass * repeat).sum(), (mass * repeat**2).sum(),
                    (mass * tau).sum(), (mass * tau**2).sum(),
                    (mass * icc).sum(), (mass * icc**2).sum(),
                ]
            )  # fmt: skip
    first, second = sums[::2] / total, sums[1::2] / total
    names = ("slope", "sd_resid", "sd_repeat", "sd_group", "icc")
    found = dict(zip(names, first, strict=True))
    spread = zip(names, np.sqrt(second - first**2), strict=True)
    return found | {f"{name}_sd": value for name, value in spread} | {"evidence": np.log(total)}


def test_brute_force_over_the_three_standard_deviations() -> None:
    """Means, sds and the marginal likelihood; the grid is good to 1e-5."""
    df = frame()
    theirs, ours = brute_force(df), posterior(df)
    assert ours.log_evidence == pytest.approx(theirs["evidence"], abs=1e-5)
    assert ours.coef.mean()[1] == pytest.approx(theirs["slope"], rel=1e-5)
    assert ours.coef.sd()[1] == pytest.approx(theirs["slope_sd"], rel=1e-5)
    for name in ("sd_resid", "sd_repeat", "sd_group", "icc"):
        assert ours.mean(name) == pytest.approx(theirs[name], rel=1e-5), name
        assert ours.sd(name) == pytest.approx(theirs[f"{name}_sd"], rel=1e-4), name


def test_quantiles_are_those_of_the_distribution_function_and_of_draws() -> None:
    """Quantiles invert the distribution function; draws have the same quantiles."""
    ours = posterior(frame())
    result = sf.fit(SPEC, frame(), engine="exact")
    draws = result.draws(40_000, seed=2, rows=False)["posterior"].to_dataset()
    probs = np.array([0.025, 0.5, 0.975])
    for name in ("sd_group", "sd_resid", "icc", "sd_repeat"):
        quantiles = ours.quantile(name, probs)
        assert ours.cdf(name, quantiles) == pytest.approx(probs, abs=1e-9)
        below = (draws[name].to_numpy().ravel()[:, None] <= quantiles).mean(axis=0)
        # five standard errors of a share of 40,000
        assert (np.abs(below - probs) < 5 * np.sqrt(probs * (1 - probs) / 40_000)).all(), name
    slope = draws["beta"].sel(term="x").to_numpy().ravel()
    assert slope.mean() == pytest.approx(ours.coef.mean()[1], abs=5 * ours.coef.sd()[1] / 200)
    assert slope.std() == pytest.approx(ours.coef.sd()[1], rel=0.025)


def test_icc_of_a_mean_counts_what_is_left_of_its_noise() -> None:
    """The ICC of means of four, against draws; of infinitely many, the model's own."""
    ours = posterior(frame())
    draws = (
        sf.fit(SPEC, frame(), engine="exact")
        .draws(40_000, seed=3, rows=False)["posterior"]
        .to_dataset()
    )
    within = draws["sd_resid"] ** 2 + draws["sd_repeat"] ** 2 / 4
    theirs = (draws["sd_group"] ** 2 / (draws["sd_group"] ** 2 + within)).to_numpy().ravel()
    found = ours.icc_of_mean(4, 0.9)
    assert found.estimate == pytest.approx(theirs.mean(), abs=5 * theirs.std() / 200)
    assert found.sd == pytest.approx(theirs.std(), rel=0.025)
    inside = ((theirs > found.lower) & (theirs < found.upper)).mean()
    assert inside == pytest.approx(0.9, abs=5 * np.sqrt(0.09 / 40_000))
    assert ours.icc_of_mean(np.inf, 0.9).estimate == pytest.approx(ours.mean("icc"))


def test_without_noise_of_measurements_it_is_the_plain_model() -> None:
    """A prior that holds sd_repeat at zero: all rows count the same."""
    df = frame()
    held = replace(SPEC, priors=replace(PRIORS, sd_repeat=sf.Prior("half-normal", scale=1e-5)))
    plain = sf.fit(PLAIN, df, engine="exact")
    terms = ["estimate", "sd", "lower", "upper"]
    ours = sf.fit(held, df, engine="exact").estimates.set_index(["term", "group"])
    theirs = plain.estimates.set_index(["term", "group"])
    np.testing.assert_allclose(ours.loc[theirs.index, terms], theirs[terms], rtol=2e-5, atol=1e-6)


def test_equal_numbers_leave_the_total_variance_to_the_data() -> None:
    """With m everywhere the same, sd_resid^2 + sd_repeat^2/m is what the plain model calls sigma^2.

    Its prior differs, so that the two agree only as far as 300 rows outweigh it.
    """
    df = frame(300).assign(m=4.0)
    both = sf.fit(SPEC, df, engine="exact").draws(8000, rows=False)["posterior"].to_dataset()
    total = np.sqrt(both["sd_resid"] ** 2 + both["sd_repeat"] ** 2 / 4).to_numpy()
    plain = sf.fit(PLAIN, df, engine="exact").fitted
    assert total.mean() == pytest.approx(plain.mean("sd_resid"), rel=0.005)
    assert total.std() == pytest.approx(plain.sd("sd_resid"), rel=0.05)


def test_rows_groups_and_units_change_nothing_but_the_scale() -> None:
    """Row order and names of groups; the outcome times 100 and moved, the predictor over 10."""
    df, columns = frame(), ["estimate", "sd", "lower", "upper"]
    base = sf.fit(SPEC, df, engine="exact").estimates.set_index(["term", "group"])[columns]
    shuffled = df.sample(frac=1, random_state=1)
    again = sf.fit(SPEC, shuffled, engine="exact").estimates.set_index(["term", "group"])[columns]
    np.testing.assert_allclose(again, base, rtol=1e-8, atol=1e-10)
    named = df.assign(g=df["g"].map({"a": "z", "b": "y", "c": "x"}))
    other = sf.fit(SPEC, named, engine="exact").estimates.set_index(["term", "group"])[columns]
    for old, new in {"a": "z", "b": "y", "c": "x"}.items():
        key = ("(Intercept)", old), ("(Intercept)", new)
        np.testing.assert_allclose(other.loc[key[1]], base.loc[key[0]], rtol=1e-8, atol=1e-10)
    scaled = df.assign(y=100 * df["y"], x=df["x"] / 10)
    large = sf.fit(SPEC, scaled, engine="exact").estimates.set_index(["term", "group"])[columns]
    np.testing.assert_allclose(large.loc[("x", "")], 1000 * base.loc[("x", "")], rtol=1e-8)
    for term in ("sd_group", "sd_resid", "sd_repeat"):
        np.testing.assert_allclose(large.loc[(term, "")], 100 * base.loc[(term, "")], rtol=1e-7)
    np.testing.assert_allclose(large.loc[("icc", "")], base.loc[("icc", "")], rtol=1e-7)


def test_whole_weights_are_rows_that_are_there_several_times() -> None:
    """Weighted moments are those of repeated rows; only the number of rows is not."""
    df = frame()
    times = np.arange(len(df)) % 3 + 1
    code = np.unique(df["g"], return_inverse=True)[1]
    named = {"outcome": "y", "predictors": ("x",), "groups": ("a", "b", "c"), "group": "g"}
    table = df[["x", "y"]].to_numpy()
    weighted = Moments.from_arrays(table, code, weights=times.astype(float), **named)
    copied = Moments.from_arrays(table.repeat(times, axis=0), code.repeat(times), **named)
    np.testing.assert_allclose(weighted.sizes, copied.sizes)
    np.testing.assert_allclose(weighted.means, copied.means)
    np.testing.assert_allclose(weighted.within, copied.within)
    assert (weighted.n_obs, copied.n_obs) == (len(df), times.sum())
    half = len(df) // 2
    parts = [
        Moments.from_arrays(table[part], code[part], weights=times[part].astype(float), **named)
        for part in (slice(half), slice(half, None))
    ]
    merged = parts[0].merge(parts[1])
    np.testing.assert_allclose(merged.within, weighted.within)
    assert merged.n_obs == len(df)


def test_angles_are_taken_where_the_mass_is_and_as_many_as_it_takes() -> None:
    """A narrow normal is integrated; a jump is not, and the error says with how many nodes."""

    def narrow(angle: float, *_: object) -> tuple[float, None]:
        return -0.5 * ((angle - 1.1) / 0.003) ** 2, None

    axis, found = repeated._resolve_angle(narrow)  # type: ignore[arg-type]
    total = np.exp([height for height, _ in found]) @ axis.weights
    assert total == pytest.approx(0.003 * np.sqrt(2 * np.pi), rel=1e-9)
    reach = np.abs(axis.nodes - 1.1).max() / 0.003
    assert np.sqrt(2 * 30) < reach < 4 * np.sqrt(2 * 30)  # e^-30 of the peak, and a step
    tried: list[float] = []

    def jump(angle: float, _: object, nodes: object) -> tuple[float, None]:
        tried.extend([angle] * (nodes is None))  # those before look for the mass
        return 0.0 if angle < 0.4 else -3.0, None

    with pytest.raises(ConvergenceError, match="with 121 nodes"):
        repeated._resolve_angle(jump)  # type: ignore[arg-type]
    assert len(tried) == 16 + 24 + 36 + 54 + 81 + 121


def test_who_may_fit_it() -> None:
    """REML cannot; a slope that varies is sampled; sd_repeat needs a proper prior."""
    df = frame()
    with pytest.raises(UsageError, match=r"use engine 'exact' or 'nuts'"):
        sf.fit(SPEC, df, engine="reml")
    with pytest.raises(UsageError, match="use engine 'nuts'"):
        sf.fit(replace(SPEC, varying=("x",)), df, engine="exact")
    flat = replace(SPEC, priors=replace(PRIORS, sd_repeat=sf.Prior("flat")))
    with pytest.raises(SpecError, match=r"sd_repeat.*must be proper"):
        sf.fit(flat, df, engine="exact")
    with pytest.raises(UsageError, match="no Monte Carlo error"):
        sf.fit(SPEC, df, engine="exact").diagnostics()


def test_draws_serve_leave_one_out() -> None:
    """PSIS from the exact posterior's draws; few rows are badly predicted."""
    result = sf.fit(SPEC, frame(), engine="exact")
    found = loo(result)
    assert found.kind == "psis"
    assert found.bad == 0


@pytest.mark.slow
@pytest.mark.nuts
def test_nuts_on_the_replica() -> None:
    """The same model sampled: every mean and sd within 4 MCSE."""
    spec = sf.load_analysis("q13_repeats").specs[0]
    sample = sf.load_sample("replica")
    exact = sf.fit(spec, sample, engine="exact")
    sampled = sf.fit(spec, sample, engine="nuts")
    assert sampled.converged
    table = sampled.diagnostics()
    ours = {(row.term, row.group): row for row in exact.rows}
    for row in sampled.rows:
        name = row.term
        if row.group:
            name = f"u[{row.group}]"
        elif row.term in exact.moments.terms:
            name = f"beta[{row.term}]"
        mine, mcse = ours[row.term, row.group], table.loc[name]
        assert row.estimate == pytest.approx(mine.estimate, abs=4 * mcse["mcse_mean"]), name
        assert row.sd == pytest.approx(mine.sd, abs=4 * mcse["mcse_sd"]), name


def test_an_angle_that_is_not_resolved_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A density of the angle with a jump: no number of nodes does."""

    def given(angle: float, *_: object) -> tuple[float, None]:
        return (0.0 if angle < 0.7 else -5.0), None

    monkeypatch.setattr(repeated, "_MOST", 40)
    with pytest.raises(
        ConvergenceError, match=r"with 40 nodes \(got '.* unresolved'\); use half-t"
    ):
        repeated._resolve_angle(given)  # type: ignore[arg-type]
