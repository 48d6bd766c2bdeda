"""The exact posterior of any random terms: brute force, another engine, brms, and refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines.mixed.exact import RESOLVED, MixedPosterior, fit_mixed_exact
from bayes_sf.engines.mixed.nodes import Surface, _side
from bayes_sf.engines.mixed.prior import mixed_priors
from bayes_sf.engines.mixed.products import build_products
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.errors import BayesSFError
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.matrices import Matrices
from tests.engines.lme4_references import data

SLOPES = Path(__file__).parents[1] / "references" / "slopes"
LME4 = Path(__file__).parents[1] / "references" / "lme4" / "data"

_NORMAL = sf.Prior("normal", scale=1000.0, location=0.0, autoscale=False)
_HALF = sf.Prior("half-normal", scale=1000.0, autoscale=False)
#: As brms had them: `tests/references/slopes`.
AS_BRMS = sf.Priors(
    intercept=_NORMAL, slope=_NORMAL, sd_resid=_HALF, sd_group=_HALF, sd_slope=_HALF,
    correlation=sf.Prior("lkj", shape=1.0, autoscale=False),
)  # fmt: skip


def brute(made: Matrices, priors: sf.Priors, point: dict[str, float]) -> float:
    """Log posterior density of sds and correlations, up to a constant, row by row.

    y ~ N(X m0, X C X' + sum_f Z_f Sigma_f Z_f' + sigma^2 W^-1), everything in raw units.
    """
    y, x = made.y, made.x
    centre = np.r_[0.0, x[:, 1:].mean(axis=0)]
    unit = np.r_[1.0, x[:, 1:].std(axis=0, ddof=1)]
    scaled, sd = (x - centre) / unit, y.std(ddof=1)
    weight = np.ones(len(y)) if made.weights is None else made.weights
    cov = np.diag(point["sd_resid"] ** 2 / weight) + (2.5 * sd) ** 2 * scaled @ scaled.T
    total = stats.t(3, scale=sd).logpdf(point["sd_resid"])
    for factor in made.factors:
        sds = np.array([point[f"sd_{name}|{factor.name}"] for name in factor.columns])
        corr = np.eye(len(sds))
        for i, j in factor.pairs:
            rho = point[f"cor_{factor.columns[j]}.{factor.columns[i]}|{factor.name}"]
            corr[i, j] = corr[j, i] = rho
            total += (priors.of("correlation").shape - 1) * np.log(1 - rho**2)
        own = factor.z @ (np.outer(sds, sds) * corr) @ factor.z.T
        cov += own * (factor.code[:, None] == factor.code)
        for value, column, name in zip(sds, factor.z.T, factor.columns, strict=True):
            spread = 1.0 if name == "(Intercept)" else column.std()
            total += stats.t(3, scale=sd / spread).logpdf(value)
    return float(total + stats.multivariate_normal(np.full(len(y), y.mean()), cov).logpdf(y))


@pytest.mark.parametrize(
    ("first", "last", "side", "tight"),
    [
        (3, 6, (0.2, 0.7), False), (1, 9, (0.0, 1.0), True), (2, 9, (0.1, 1.0), True),
        (0, 6, (-0.5, 0.7), False), (5, 10, (0.4, 2.0), False), (0, 10, (-0.5, 2.0), False),
        (10, 10, (0.9, 2.0), False),
    ],
)  # fmt: skip
def test_a_box_grows_by_its_width_where_mass_reaches_a_side(
    first: int, last: int, side: tuple[float, float], tight: bool
) -> None:
    """Eleven points from 0 to 1; nothing is below -0.5. Else there is one step around the mass."""
    found, same = _side(np.linspace(0, 1, 11), np.arange(first, last + 1), (-0.5, np.inf))
    assert (found, same) == (pytest.approx(side), tight)


@pytest.mark.parametrize(
    ("name", "formula", "weights"),
    [
        ("crossed", "y ~ x * c + (1 | a) + (1 | b)", "w"),
        ("crossed", "y ~ x + (1 | a) + (0 + x | b)", ""),
        ("slopes", "y ~ x + (1 + x | g)", ""),
        ("slopes", "y ~ x + (x || g)", ""),
        ("nested", "y ~ x + (1 | g/h)", ""),
    ],
)
def test_the_density_is_that_of_the_rows(name: str, formula: str, weights: str) -> None:
    made = Matrices.from_frame(data(name), read_formula(formula), weights=weights)
    priors = sf.Priors()
    surface = Surface(products := build_products(made), mixed_priors(products, priors))
    rng = np.random.default_rng(5)
    ours, theirs = [], []
    for _ in range(3):
        at = rng.uniform(0.3, 1.1, size=len(surface.names))
        t = rng.uniform(-0.5, 0.2)
        sigma = np.exp(t) * products.scale[-1]
        point, stretch = {"sd_resid": float(sigma)}, t  # d sigma = sigma dt
        for axis, label in enumerate(surface.names):
            value = float(surface.values(axis, at[axis]))
            step = 1e-6
            slope = float(
                surface.values(axis, at[axis] + step) - surface.values(axis, at[axis] - step)
            ) / (2 * step)
            is_sd = surface.is_sd[axis]
            point[label] = value * sigma if is_sd else value
            stretch += np.log(slope * (sigma if is_sd else 1.0))
        grid = at[None]
        ours.append(float(surface.log_density(np.array([t]), grid, surface.given(grid))[0, 0]))
        theirs.append(brute(made, priors, point) + stretch)
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=0, atol=1e-5)


def test_a_random_intercept_is_the_other_exact_engine_s() -> None:
    """Which has other coordinates, other sufficient statistics, and 1e-9 for RESOLVED."""
    frame = data("crossed").assign(k=1.0)
    theirs = sf.fit("y ~ x + (1 | a)", frame)
    mine = sf.fit("y ~ x + (1 | a)", frame, frequencies="k")
    assert isinstance(mine, MixedResult)
    assert mine.fitted.moved < RESOLVED
    one, two = theirs.estimates, mine.estimates
    assert list(one["group"]) == list(two["group"])
    near = 2e-4 * one["sd"].to_numpy()
    single = (one["group"] == "").to_numpy()
    for column in ("estimate", "sd", "lower", "upper"):
        away = np.abs(one[column].to_numpy() - two[column].to_numpy()) / near
        assert away[single].max() < (1 if column in {"estimate", "sd"} else 10), column
        assert away[~single].max() < 15, column  # of levels: a coarser grid, to 1e-3
    icc = theirs.icc()
    for key, value in mine.icc().items():
        assert value == pytest.approx(icc[key], abs=2e-3 * icc["sd"])  # its quantiles are summed up


@pytest.mark.parametrize("name", ["singular", "two_groups", "high_icc", "singletons", "large_mean"])
def test_lme4_s_awkward_data_by_two_engines(name: str) -> None:
    """Variance zero, two groups, theta near 80, levels of one row, a predictor at 1e6."""
    frame = pd.read_csv(LME4 / f"{name}.csv").assign(k=1.0)
    predictors = [column for column in frame if column.startswith("x")]
    formula = f"y ~ {' + '.join(['1', *predictors])} + (1 | g)"
    for engine in ("reml", "exact"):
        theirs = sf.fit(formula, frame, engine=engine)
        mine = sf.fit(formula, frame, engine=engine, frequencies="k")
        for one, two in zip(theirs.singles, mine.singles, strict=True):
            if engine == "reml":
                assert two.estimate == pytest.approx(one.estimate, rel=1e-8, abs=1e-9)
                continue
            assert abs(one.estimate - two.estimate) < RESOLVED * one.sd
            assert abs(one.sd - two.sd) < RESOLVED * one.sd
            assert abs(one.lower - two.lower) < 5e-4 * one.sd
            assert abs(one.upper - two.upper) < 5e-4 * one.sd


@pytest.mark.slow
def test_slopes_are_brms_s() -> None:
    """Means and sds of sds, correlation, coefficients and levels, within 4 of brms's errors."""
    table = pd.read_csv(SLOPES / "fits.csv")
    table = table[(table["package"] == "brms") & (table["data"] == "simulated")]
    theirs = table.set_index("variable")
    frame = pd.read_csv(SLOPES / "data" / "simulated.csv", dtype={"g": str})
    found = sf.fit("y ~ x + (1 + x | g)", frame, priors=AS_BRMS)
    names = {
        "sd_(Intercept)|g": "sd_group", "sd_x|g": "sd_slope", "cor_x.(Intercept)|g": "correlation",
    }  # fmt: skip
    seen = 0
    for row in found.rows:
        effect = {"(Intercept)|g": "u", "x|g": "u_slope"}.get(row.term, "")
        name = f"{effect}[{row.group}]" if effect else names.get(row.term, row.term)
        if name not in theirs.index:
            continue
        other = theirs.loc[name]
        assert abs(row.estimate - other["mean"]) < 4 * other["mcse_mean"] + 1e-3 * row.sd, name
        assert abs(row.sd - other["sd"]) < 4 * other["mcse_sd"] + 1e-3 * row.sd, name
        seen += 1
    assert seen == 30  # two coefficients, four spreads, twelve groups twice


def test_nested_sds_by_brute_force() -> None:
    """Every density from y's own covariance matrix, on a grid of the three sds themselves."""
    one = sf.Prior("normal", scale=10.0, location=10.0, autoscale=False)
    half = sf.Prior("half-normal", scale=2.0, autoscale=False)
    flat = sf.Prior("normal", scale=10.0, location=0.0, autoscale=False)
    priors = sf.Priors(intercept=one, slope=flat, sd_resid=half, sd_group=half)
    made = Matrices.from_frame(data("nested").head(48), read_formula("y ~ x + (1 | g/h)"))
    found = fit_mixed_exact(made, priors)
    names = ("sd_(Intercept)|g", "sd_(Intercept)|g:h", "sd_resid")
    unit, weight = np.polynomial.legendre.leggauss(28)
    axes = []
    for name in names:
        mean, sd = found.spread(name)
        low, width = max(mean - 7 * sd, 0.0), mean + 9 * sd - max(mean - 7 * sd, 0.0)
        axes.append((low + 0.5 * width * (unit + 1), 0.5 * width * weight))
    same = [(f.code[:, None] == f.code).astype(float) for f in made.factors]
    x = np.column_stack([np.ones(len(made.y)), made.x[:, 1] - made.x[:, 1].mean()])
    fixed, y = 100 * x @ x.T, made.y - 10.0
    resid = axes[2][0]
    log = np.empty((28, 28, 28))
    for i, outer in enumerate(axes[0][0]):
        for j, inner in enumerate(axes[1][0]):
            value, vector = np.linalg.eigh(fixed + outer**2 * same[0] + inner**2 * same[1])
            spread = value[:, None] + resid**2
            log[i, j] = -0.5 * (np.log(spread) + (vector.T @ y)[:, None] ** 2 / spread).sum(axis=0)
    log -= sum(np.meshgrid(*(nodes**2 / 8 for nodes, _ in axes), indexing="ij"))
    mass = np.exp(log - log.max()) * np.einsum("i,j,k->ijk", *(w for _, w in axes))
    for number, name in enumerate(names):
        own = mass.sum(axis=tuple(i for i in range(3) if i != number)) / mass.sum()
        nodes = axes[number][0]
        mean, sd = found.spread(name)
        assert own @ nodes == pytest.approx(mean, abs=2e-3 * sd), name
        assert np.sqrt(own @ (nodes - mean) ** 2) == pytest.approx(sd, rel=5e-3), name


def test_calibration_is_recorded() -> None:
    """`tests/studies/sbc_mixed.py`: truths drawn from the prior are at uniform places (SBC)."""
    table = pd.read_csv(Path(__file__).parents[2] / "docs" / "calibration" / "mixed.csv")
    assert set(table["model"]) == {"crossed", "nested", "uncorrelated", "slopes"}
    assert (table["sets"] >= 50).all()
    assert (table["refused"] <= 0.02 * table["sets"]).all()
    assert table["p"].min() > 0.05 / len(table)
    error = np.sqrt(0.9 * 0.1 / table["sets"])
    assert ((table["inside_90"] - 0.9).abs() < 4 * error).all()


def test_quantiles_are_where_their_distribution_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Matrices.from_frame(data("nested"), read_formula("y ~ x + (1 | g/h)"))
    found = fit_mixed_exact(made, sf.Priors())
    probs = np.array([0.025, 0.5, 0.975])
    for name in ("sd_(Intercept)|g", "sd_(Intercept)|g:h", "sd_resid"):
        values = found.quantile(name, probs)
        np.testing.assert_allclose(found.cdf(name, values), probs, atol=1e-9)
    shares = found.surface.shares(found.nodes.at)
    mass = found.nodes.weight.sum(axis=1)
    counted: list[int] = []
    of = Surface.shares
    monkeypatch.setattr(Surface, "shares", lambda own, at: counted.append(len(at)) or of(own, at))
    for factor in ("g", "g:h", ""):  # of a grid the distribution is a staircase of its steps
        low, middle, high = found.quantile(f"icc|{factor}", probs)
        assert 0 < low < middle < high < 1
        assert mass[shares[factor] <= middle].sum() == pytest.approx(0.5, abs=0.05)
    assert max(counted) < 300_000, "all lines of the grid share the points: memory is bounded"


def test_units_and_the_order_of_rows_change_nothing_else() -> None:
    frame = data("nested")
    other = frame.assign(y=1e3 * frame["y"]).sample(frac=1, random_state=2)
    formula = "y ~ x + (1 | g) + (1 | g:h)"
    one, two = sf.fit(formula, frame), sf.fit(formula, other)
    for a, b in zip(one.singles, two.singles, strict=True):
        unit = 1.0 if a.term.startswith("icc") else 1e3
        assert b.estimate == pytest.approx(unit * a.estimate, rel=1e-5)
        assert b.upper == pytest.approx(unit * a.upper, rel=1e-5)


def test_what_it_tells() -> None:
    result = sf.fit("y ~ x + (1 | g/h)", data("nested"))
    assert isinstance(result, MixedResult)
    assert isinstance(result.fitted, MixedPosterior)
    assert set(result.estimates["interval"]) == {"credible-eti"}
    assert result.has_draws
    assert list(result.ranef("g").index.get_level_values("group")) == [f"g{i}" for i in range(6)]
    assert "half-t(3, 0" in result.summary()
    assert result.varcorr()["factor"].tolist() == ["g", "g:h", "Residual"]
    assert result.fixef().loc["x", "p_direction"] > 0.99
    assert "beta" in result.draws(8)["posterior"]
    for ask in (result.confint, result.diagnostics):
        with pytest.raises(BayesSFError):
            ask()


FLAT = sf.Prior("flat")


@pytest.mark.parametrize(
    ("formula", "priors", "said"),
    [
        ("y ~ x + (1 + x | a) + (1 | b)", None, "at most 4 sds"),
        ("y ~ x + (c | a)", None, "at most 4 sds"),
        ("y ~ x + (1 | many) + (1 | more)", None, "at most 500 levels"),
        ("y ~ 0 + c + (1 | a) + (1 | b)", None, "no intercept"),
        ("y ~ x + (1 | a) + (1 | b)", sf.Priors(sd_group=FLAT), "proper"),
        ("y ~ x + (x || a)", sf.Priors(sd_slope=sf.Prior("half-t", df=1.0)), "variance"),
        ("y ~ x + (1 | a) + (1 | b)", sf.Priors(slope=sf.Prior("horseshoe")), "normal or flat"),
        ("y ~ x + (1 | a) + (1 | b)", sf.Priors(sd_slope=sf.Prior("half-t")), "does not have"),
        ("y ~ x + (1 | a) + (1 | b)", sf.Priors(sd_group=sf.Prior("half-t", scale=1e14)), "scale"),
    ],
)
def test_what_it_is_not_for(formula: str, priors: sf.Priors | None, said: str) -> None:
    frame = data("crossed")
    if "many" in formula:
        wide = pd.concat([frame] * 3, ignore_index=True)
        wide["y"] = wide["y"] + np.random.default_rng(1).normal(size=len(wide))
        frame = wide.assign(many=np.arange(720) % 490, more=np.arange(720) // 65)
    with pytest.raises(BayesSFError, match=said):
        sf.fit(formula, frame, priors=priors)


def test_no_intercept_with_a_stated_prior() -> None:
    """Means of categories: near what REML has, under a flat prior."""
    flat = sf.Priors(slope=FLAT)
    formula = "y ~ 0 + c + (1 | a) + (1 | b)"
    exact = sf.fit(formula, data("crossed"), priors=flat).fixef()
    reml = sf.fit(formula, data("crossed"), engine="reml").fixef()
    assert ((exact["estimate"] - reml["estimate"]) / reml["sd"]).abs().max() < 0.05
