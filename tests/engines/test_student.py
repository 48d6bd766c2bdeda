"""Student-t residuals: the density against one written out, and the Gaussian limit."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines.sampled.student import Numbers, icc_of, student_model
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.spec.rows import Rows

SPEC = sf.ModelSpec("y", ("x",), "g", likelihood="student")


def frame(seed: int = 4, n: int = 60, df: float = 3.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = rng.choice(list("abcde"), n)
    u = 2 * rng.normal(size=5)[np.unique(g, return_inverse=True)[1]]
    x = 4 + 2 * rng.normal(size=n)
    return pd.DataFrame({"y": 10 + 0.5 * x + u + rng.standard_t(df, n), "x": x, "g": g})


def test_columns_are_ones_predictors_and_dummies() -> None:
    """Of two predictors, standardised, in their order."""
    rng = np.random.default_rng(9)
    df = frame().assign(w=rng.gamma(2.0, size=60))
    spec = sf.ModelSpec("y", ("x", "w"), "g", likelihood="student")
    numbers = Numbers.of(Rows.from_frame(df, spec), spec)
    both = df[["x", "w"]]
    made = [
        np.ones(60),
        (both - both.mean()) / both.std(),
        df["g"].to_numpy()[:, None] == [*"abcde"],
    ]
    np.testing.assert_allclose(numbers.columns, np.column_stack(made), atol=1e-12)
    np.testing.assert_allclose(numbers.y, (df["y"] - df["y"].mean()) / df["y"].std(), atol=1e-12)


def test_density_is_that_of_the_model_written_out() -> None:
    """Log density of (sigma, tau, nu, z) = t likelihood + priors + log |Jacobian| (numerical)."""
    import pytensor

    df = frame()
    rows = Rows.from_frame(df, SPEC)
    numbers = Numbers.of(rows, SPEC)
    model = student_model(2, 5, ("half-t", 3.0), ("half-t", 3.0))
    import pymc as pm

    with model:
        pm.set_data(numbers.put())
    log_density = model.compile_logp(mode="FAST_COMPILE")
    free = {v.name: v for v in model.free_RVs}
    names = ["sd_resid", "sd_group", "df_resid", "z"]
    effects = pytensor.function([free[n] for n in names], model["effects"], mode="FAST_COMPILE")
    rng = np.random.default_rng(1)
    x = (df["x"] - df["x"].mean()) / df["x"].std()
    y = (df["y"] - df["y"].mean()) / df["y"].std()
    code = df["g"].map("abcde".index).to_numpy()
    differences = []
    for _ in range(4):
        sigma, tau, nu = rng.gamma(4, 0.2, 3) + np.array([0, 0, 2])
        z = rng.normal(size=7)
        at = effects(sigma, tau, nu, z)
        mean = at[0] + at[1] * x + tau * at[2:][code]
        theirs = stats.t(nu, loc=mean, scale=sigma).logpdf(y).sum()
        theirs += stats.norm(0, 2.5).logpdf(at[:2]).sum() + stats.norm.logpdf(at[2:]).sum()
        theirs += stats.t(3).logpdf([sigma, tau]).sum() + stats.gamma(2, scale=10).logpdf(nu)
        theirs += np.log([sigma, tau, nu]).sum()  # PyMC samples logarithms
        steps = 1e-6 * np.eye(7)
        columns = [effects(sigma, tau, nu, z + h) - effects(sigma, tau, nu, z - h) for h in steps]
        theirs += np.linalg.slogdet(np.array(columns) / 2e-6)[1]
        point = {
            model.rvs_to_values[free[name]].name: value if name == "z" else np.log(value)
            for name, value in zip(names, (sigma, tau, nu, z), strict=True)
        }
        differences.append(float(log_density(point)) - theirs)
    # the numerical Jacobian is good to 1e-8 or so
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def test_icc_is_the_share_of_the_variances() -> None:
    """SciPy has the variance of a t variable, infinite up to two degrees of freedom."""
    rng = np.random.default_rng(6)
    tau, sigma = rng.gamma(2, 2, 50), rng.gamma(2, 2, 50)
    nu = np.concatenate([[0.5, 1.0, 2.0, 2.1], 2.1 + rng.gamma(2, 10, 46)])
    within = stats.t(nu, scale=sigma).var()
    assert not np.isfinite(within[:3]).any()
    expected = np.where(np.isfinite(within), tau**2 / (tau**2 + within), 0.0)
    found = icc_of(tau, sigma, nu)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(icc_of(100 * tau, 100 * sigma, nu), found, rtol=1e-12)


@pytest.mark.nuts
@pytest.mark.slow  # the density is compared with SciPy's above
def test_many_degrees_of_freedom_are_the_gaussian_model() -> None:
    df = frame(df=50.0)
    priors = sf.Priors(df_resid=sf.Prior("gamma", shape=1e6, scale=1.0, autoscale=False))
    spec = sf.ModelSpec("y", ("x",), "g", likelihood="student", priors=priors)
    sampled = sf.fit(spec, df, engine="nuts", seed=3)
    exact = sf.fit(sf.ModelSpec("y", ("x",), "g"), df)
    assert sampled.converged
    table = sampled.diagnostics()
    ours = {(r.term, r.group): r for r in sampled.rows}
    for row in exact.rows:
        name = f"u[{row.group}]" if row.group else row.term
        name = f"beta[{row.term}]" if row.term in exact.moments.terms and not row.group else name
        mcse = table.loc[name]
        mine = ours[row.term, row.group]
        assert abs(mine.estimate - row.estimate) < 4 * mcse["mcse_mean"], name
        assert abs(mine.sd - row.sd) < 4 * mcse["mcse_sd"], name


@pytest.mark.nuts
@pytest.mark.slow
def test_another_unit_gives_the_same_draws_in_that_unit() -> None:
    """A power of two, because a last digit that is rounded otherwise sends chains elsewhere."""
    df = frame(df=50.0)
    other = sf.fit(SPEC, df.assign(y=128 * df["y"]), engine="nuts", seed=1)
    one = sf.fit(SPEC, df, engine="nuts", seed=1)
    for mine, theirs in zip(other.rows, one.rows, strict=True):
        factor = 1.0 if mine.term in {"icc", "df_resid"} else 128.0
        assert mine.estimate == pytest.approx(factor * theirs.estimate, rel=1e-9)
    assert np.isnan(one.icc()["prior_median"])  # the prior's ICC is that of Gaussian residuals


@pytest.mark.parametrize(
    "options",
    [
        {"varying": ("x",)},
        {"priors": sf.Priors(slope=sf.Prior("horseshoe", scale=0.1, df=4, shape=2))},
    ],
)
def test_what_student_does_not_go_with(options: dict[str, Any]) -> None:
    spec = sf.ModelSpec("y", ("x",), "g", likelihood="student", **options)
    with pytest.raises(SpecError, match="student goes with slopes"):
        sf.fit(spec, frame(), engine="nuts")
    with pytest.raises(UsageError, match="use engine 'nuts'"):
        sf.fit(SPEC, frame())


@pytest.mark.nuts
@pytest.mark.slow
@pytest.mark.parametrize("name", ["null_student", "q13_student"])
def test_analyses_of_the_replica_converge(name: str) -> None:
    replica = sf.load_sample("replica")
    for spec in sf.load_analysis(name).specs:
        assert sf.fit(spec, replica, engine="nuts", seed=1).converged, spec.key
