"""Power-scaling: nodes weighed anew against refits, doubled rows, and ArviZ's weights."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.priors.power_scaling import SENSITIVE, _sampled, power_scaling
from bayes_sf.analysis.priors.scaled_posterior import cjs_distance, power_scale
from bayes_sf.engines.gaussian.exact import ExactPosterior, fit_exact
from bayes_sf.engines.gaussian.grid import resolve
from bayes_sf.engines.gaussian.joint import Joint
from bayes_sf.engines.sampled.log_prior import _shared_scale, log_prior
from bayes_sf.errors import UsageError
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.rows import Rows

SPEC = sf.ModelSpec("y", ("x",), "g", unit="pp")
PROBS = [0.025, 0.5, 0.975]


@dataclass(frozen=True)
class Powered(Prior):
    """A prior of a standard deviation, to a power."""

    power: float = 1.0

    def log_density(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.power * super().log_density(value)

    @property
    def tail_power(self) -> float:
        return self.power * super().tail_power


def frame(seed: int = 3, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 5, n)
    x = rng.normal(size=n)
    y = 6 + 0.4 * x + rng.normal(size=5)[code] + 2 * rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcde"))[code]})


def fitted(df: pd.DataFrame, priors: sf.Priors | None = None) -> ExactPosterior:
    moments = sf.Moments.from_frame(df, outcome="y", predictors=["x"], group="g")
    return fit_exact(moments, priors)


def agree(scaled: object, other: ExactPosterior) -> None:
    """Within 2e-5 sds: nodes resolve distribution functions to 1e-9, but the box of the fit is
    cut where its own density is."""
    coef, spreads = scaled.coef, scaled.spreads  # type: ignore[attr-defined]
    sd = other.coef.sd()
    np.testing.assert_allclose(coef.mean(), other.coef.mean(), atol=2e-5 * sd.min())
    np.testing.assert_allclose(coef.sd(), sd, rtol=2e-5)
    np.testing.assert_allclose(
        coef.quantile(PROBS), other.coef.quantile(PROBS), atol=2e-5 * sd.min()
    )
    for name in ("sd_group", "sd_resid", "icc"):
        at = np.linspace(*other.spread_range(name), 400)[1:-1]
        np.testing.assert_allclose(
            spreads.spread_cdf(name, at), other.spread_cdf(name, at), atol=1e-5
        )


@pytest.mark.parametrize("alpha", [0.8, 1.25])
@pytest.mark.parametrize("family", ["half-t", "exponential", "gamma"])
def test_scaled_prior_is_a_refit_with_that_prior(alpha: float, family: str) -> None:
    part = fitted(frame(), sf.Priors(sd_group=Prior(family), slope=Prior("normal", scale=0.2)))
    joint = part.joint
    refit = Joint(
        joint.data, alpha * joint.precision, joint.mean,
        Powered(**vars(joint.sd_resid), power=alpha), Powered(**vars(joint.sd_group), power=alpha),
    )  # fmt: skip
    agree(power_scale(part, prior=alpha), replace(part, grid=resolve(refit)))


def test_a_normal_prior_to_a_power_is_a_normal_prior() -> None:
    """Half-normal and normal priors only: a refit from the outside, by their scales."""
    given = {"scale": 0.5, "autoscale": False}

    def priors(alpha: float) -> sf.Priors:
        scale = 0.5 / np.sqrt(alpha)
        return sf.Priors(
            Prior("normal", **{**given, "scale": scale}, location=5.0),  # type: ignore[arg-type]
            Prior("normal", **{**given, "scale": scale}),  # type: ignore[arg-type]
            Prior("half-normal", **{**given, "scale": scale}),  # type: ignore[arg-type]
            Prior("half-normal", **{**given, "scale": scale}),  # type: ignore[arg-type]
        )

    for alpha in (0.8, 1.25):
        scaled = power_scale(fitted(frame(), priors(1.0)), prior=alpha)
        agree(scaled, fitted(frame(), priors(alpha)))


def test_a_likelihood_to_the_power_of_two_is_every_row_twice() -> None:
    own = sf.Priors(
        Prior("normal", scale=5.0, location=6.0, autoscale=False),
        Prior("normal", scale=0.5, autoscale=False),
        Prior("half-t", scale=2.0, autoscale=False),
        Prior("half-t", scale=2.0, autoscale=False),
    )
    df = frame()
    half = power_scale(fitted(pd.concat([df, df]), own), likelihood=0.5)
    agree(half, fitted(df, own))
    thrice = pd.concat([df] * 5)
    agree(power_scale(fitted(thrice, own), likelihood=0.8), fitted(pd.concat([df] * 4), own))


def test_exact_sensitivities_are_those_of_arviz_from_draws() -> None:
    """ArviZ from 40,000 independent draws: its distances carry an error of about 0.01."""
    import xarray as xr
    from arviz_stats.psense import psense

    from bayes_sf.engines.sampled.pointwise import given_draws

    result = sf.fit(replace(SPEC, priors=sf.Priors(slope=Prior("normal", scale=0.2))), frame())
    table = power_scaling(result).set_index(["term", "component"])["sensitivity"]
    assert result.data is not None
    tree = result.draws(40_000, rows=False)
    dims, coords = ("chain", "draw"), {n: tree["posterior"][n] for n in ("chain", "draw")}
    prior = log_prior(tree, result.data, result.spec)
    rows = given_draws(tree, result.data, result.spec).log_likelihood()
    whole = xr.DataTree.from_dict({
        "posterior": tree["posterior"].to_dataset(),
        "log_prior": xr.Dataset({n: (dims, v) for n, v in prior.items()}, coords),
        "log_likelihood": xr.Dataset({"y": ((*dims, "row"), rows)}, coords),
    })  # fmt: skip
    for component in ("prior", "likelihood"):
        theirs = psense(whole, group=component, alphas=(0.8, 1.25))
        found = dict(zip(result.moments.terms, theirs["beta"].to_numpy(), strict=True))
        found |= {name: float(theirs[name]) for name in ("sd_group", "sd_resid", "icc")}
        for term, value in found.items():
            assert table[term, component] == pytest.approx(value, abs=0.015), (term, component)
    assert table["x", "prior"] > 0.02  # there is something to agree on
    for row in _sampled(result, (0.8, 1.25)):  # as of a sampled result: 4,000 draws
        assert row["sensitivity"] == pytest.approx(table[row["term"], row["component"]], abs=0.05)


def test_log_prior_is_the_density_of_every_stated_prior() -> None:
    result = sf.fit(SPEC, frame())
    assert result.data is not None
    tree = result.draws(100)
    posterior, priors = tree["posterior"], result.priors
    assert priors is not None
    found = log_prior(tree, result.data, SPEC)
    df = frame()
    level = posterior["beta"][..., 0] + posterior["beta"][..., 1] * df["x"].mean()
    scale = 2.5 * df["y"].std() / df["x"].std()
    wanted = {
        "intercept": stats.norm.logpdf(level, df["y"].mean(), 2.5 * df["y"].std()),
        "slope": stats.norm.logpdf(posterior["beta"][..., 1], 0, scale),
        "sd_group": stats.t.logpdf(posterior["sd_group"] / df["y"].std(), 3),
        "sd_resid": stats.t.logpdf(posterior["sd_resid"] / df["y"].std(), 3),
    }
    assert set(found) == set(wanted)
    for name, value in wanted.items():  # but for a constant
        np.testing.assert_allclose(found[name] - found[name].mean(), value - value.mean())
    flat = replace(SPEC, priors=replace(sf.Priors(), intercept=Prior("flat")))
    assert "intercept" not in log_prior(tree, result.data, flat)


@pytest.mark.parametrize(
    ("prior", "name", "density"),
    [
        (
            Prior("pooled-normal", scale=0.3, autoscale=False),
            "sd_slopes",
            stats.halfnorm(scale=0.3),
        ),
        (
            Prior("horseshoe", scale=0.2, df=4, shape=2, autoscale=False),
            "global_scale",
            stats.halfcauchy(scale=0.2),
        ),
        (Prior("r2d2", scale=4.0, location=0.3, shape=1.0), "r2", stats.beta(1.2, 2.8)),
        (Prior("r2d2", scale=3.0), "r2", stats.beta(1.5, 1.5)),
    ],
)
def test_of_joint_priors_the_shared_scale_has_the_density(
    prior: Prior, name: str, density: Any
) -> None:
    """Of each family its own, but for a constant; draws of other families are not asked for."""
    value = np.linspace(0.05, 0.9, 12).reshape(3, 4)
    found = _shared_scale({name: xr.DataArray(value)}, prior, 7.0)  # type: ignore[arg-type]
    assert list(found) == [name]
    theirs = density.logpdf(value)
    np.testing.assert_allclose(found[name] - found[name][0, 0], theirs - theirs[0, 0])
    if prior.family != "r2d2":
        wide = _shared_scale(
            {name: xr.DataArray(7.0 * value)},  # type: ignore[arg-type]
            replace(prior, autoscale=True),
            7.0,
        )
        np.testing.assert_allclose(wide[name], found[name])


def test_what_is_said() -> None:
    tight = replace(SPEC, priors=sf.Priors(slope=Prior("normal", scale=0.05)))
    table = power_scaling([sf.fit(SPEC, frame()), sf.fit(tight, frame())])
    x = table[(table["term"] == "x") & (table["component"] == "prior")]
    assert list(x["diagnosis"]) == ["", "prior and data may conflict"]
    assert x["sensitivity"].iloc[1] > SENSITIVE > x["sensitivity"].iloc[0]
    assert (table["n_data"] == 1).all()


def test_a_conclusion_that_a_little_less_data_would_change() -> None:
    df = frame(n=200)
    df["y"] += (0.29 - np.polyfit(df["x"], df["y"], 1)[0]) * df["x"]
    result = sf.fit(SPEC, df)
    row = power_scaling(result).set_index(["term", "component"]).loc[("x", "likelihood")]
    assert np.sign(row["lower_low"]) != np.sign(row["lower_high"])
    assert row["changes"] == "zero"


def test_unit_and_row_order_change_nothing() -> None:
    df = frame()
    base = power_scaling(sf.fit(SPEC, df))["sensitivity"]
    moved = power_scaling(sf.fit(SPEC, df.iloc[::-1].assign(y=100 * df["y"])))["sensitivity"]
    np.testing.assert_allclose(moved, base, atol=1e-6)


def test_distance() -> None:
    at = np.linspace(0, 1, 2001)
    w = np.full(len(at), at[1])
    assert cjs_distance(at, at, w) == 0
    assert cjs_distance(at, at**2, w) == pytest.approx(cjs_distance(at**2, at, w))
    far = cjs_distance((at > 0.01).astype(float), (at > 0.99).astype(float), w)
    assert 0.9 < far <= 1
    assert far == pytest.approx(cjs_distance((at > 0.99) * 1.0, (at > 0.01) * 1.0, w))


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="below and above one"):
        power_scaling(sf.fit(SPEC, frame()), alphas=(0.8, 0.9))
    with pytest.raises(UsageError, match="has no posterior"):
        power_scaling(sf.fit(SPEC, frame(), engine="reml"))
    with pytest.raises(UsageError, match="positive powers"):
        power_scale(fitted(frame()), prior=0.0)
    with pytest.raises(UsageError, match="prob"):
        power_scaling(sf.fit(SPEC, frame()), prob=1.0)


def test_rows_are_needed_of_a_sampled_model() -> None:
    rows = Rows.from_frame(frame(), SPEC)
    result = sf.fit(SPEC, rows)
    sampled = replace(result, fitted=_Draws(result), engine="nuts", data=None)
    with pytest.raises(UsageError, match="none of its rows"):
        power_scaling(sampled)


@dataclass(frozen=True)
class _Draws:
    """Stands for what NUTS found."""

    result: sf.Result

    @property
    def parts(self) -> tuple[object, ...]:
        return (self.result.fitted.parts[0],)
