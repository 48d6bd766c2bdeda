"""Power, errors of sign and magnitude, and planning: closed forms against simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

import bayes_sf as sf
from bayes_sf.analysis.contrast import Contrast, exact_posterior, find_contrast, widest_contrasts
from bayes_sf.analysis.size.designs import design_table, published_designs
from bayes_sf.analysis.size.planning import (
    _normal,
    _Spread,
    expected_width,
    plan_precision,
    simulate_width,
    workplaces_needed,
)
from bayes_sf.analysis.size.power import (
    Effects,
    design_errors,
    errors_at,
    learn_effects,
    smallest_detectable,
)
from bayes_sf.errors import UsageError

Z = stats.norm.ppf(0.975)
WIDEST = find_contrast("q13", "widest")


def simulated(effect: np.ndarray, std_error: float, seed: int = 1) -> tuple[float, float, float]:
    """Power, type S and type M of estimates around their effects."""
    rng = np.random.default_rng(seed)
    estimate = effect + std_error * rng.normal(size=len(effect))
    found = np.abs(estimate) > Z * std_error
    wrong = (estimate[found] * effect[found] < 0).mean()
    size = np.abs(estimate[found]).mean() / np.abs(effect[found]).mean()
    return float(found.mean()), float(wrong), float(size)


@pytest.mark.parametrize("effect", [0.05, 0.3, 1.0, 4.0, -0.7])
def test_known_effect_by_simulation(effect: float) -> None:
    n, s = 1_000_000, 0.4
    power, type_s, type_m = (float(v) for v in errors_at(effect, s))
    wanted = simulated(np.full(n, effect), s)
    hits = n * power
    # Four Monte Carlo errors; significant estimates spread by less than 2 s around their mean.
    assert power == pytest.approx(wanted[0], abs=4 * np.sqrt(power / n))
    assert type_s == pytest.approx(wanted[1], abs=4 * np.sqrt(type_s / hits) + 2 / hits)
    assert type_m == pytest.approx(wanted[2], abs=4 * 2 * s / np.sqrt(hits) / abs(effect))


@pytest.mark.parametrize("std_error", [0.05, 0.4, 3.0])
@pytest.mark.parametrize("df", [np.inf, 6.0])
def test_distribution_of_effects_by_simulation(std_error: float, df: float) -> None:
    n = 2_000_000
    rng = np.random.default_rng(7)
    draws = rng.normal(size=n) if np.isinf(df) else rng.standard_t(df, size=n)
    found = design_errors(std_error, Effects((0.5,), df=df))
    wanted = simulated(0.5 * draws, std_error)
    assert found.power == pytest.approx(wanted[0], abs=2e-3)  # four Monte Carlo errors and more
    assert found.type_s == pytest.approx(wanted[1], abs=6e-3)
    assert found.type_m == pytest.approx(wanted[2], rel=1.5e-2)


@pytest.mark.parametrize("ratio", [1e-3, 0.1, 1.0, 30.0, 1e4])
def test_normal_effects_in_closed_form(ratio: float) -> None:
    """The estimate is normal with variance omega^2 + s^2, and the effect given it normal, too."""
    omega = ratio
    found = design_errors(1.0, Effects((omega,)))
    total = np.sqrt(1 + omega**2)
    power = 2 * stats.norm.sf(Z / total)
    assert found.power == pytest.approx(power, rel=1e-8)
    # The estimate below -Z, and the effect above 0, whose sd given the estimate is omega/total.
    wrong = 2 * integrate.quad(
        lambda b: stats.norm.pdf(b, 0, total) * stats.norm.cdf(b * omega / total),
        -40 * total, -Z, points=[-Z - 1, -Z - 10] if total > 1 else None, epsabs=1e-13,
    )[0]  # fmt: skip
    assert found.type_s == pytest.approx(wrong / power, rel=1e-6, abs=1e-9)


def test_averaging_is_over_the_components() -> None:
    one, other, both = (
        design_errors(0.3, Effects(scale, weight=weight))
        for scale, weight in (((0.2,), ()), ((1.5,), ()), ((0.2, 1.5), (3.0, 1.0)))
    )
    assert both.power == pytest.approx(0.75 * one.power + 0.25 * other.power, rel=1e-9)
    sign = 0.75 * one.power * one.type_s + 0.25 * other.power * other.type_s
    assert both.type_s == pytest.approx(sign / both.power, rel=1e-9)


@pytest.mark.parametrize("df", [1.5, 3.0, 30.0])
def test_mean_size(df: float) -> None:
    """E|t| by its gamma functions."""
    wanted = 2 * np.sqrt(df / np.pi) / (df - 1)
    wanted *= special.gamma(0.5 * df + 0.5) / special.gamma(0.5 * df)
    assert Effects((2.0,), df=df).mean_size == pytest.approx(2 * wanted, rel=1e-8)


def test_smallest_detectable_is_detected() -> None:
    for s, power, alpha in ((0.1, 0.8, 0.05), (2.0, 0.5, 0.01), (1.0, 0.06, 0.05)):
        effect = smallest_detectable(s, power=power, alpha=alpha)
        assert errors_at(effect, s, alpha=alpha)[0] == pytest.approx(power, rel=1e-9)


def test_effects_are_learnt() -> None:
    """Omega's posterior by a plain sum over a fine grid."""
    rng = np.random.default_rng(3)
    s = rng.uniform(0.1, 0.5, size=32)
    estimates = rng.normal(0, 0.4, size=32) + s * rng.normal(size=32)
    effects = learn_effects(estimates, s, scale=0.5)
    grid = np.linspace(1e-4, 5, 20_001)
    log = stats.norm.logpdf(estimates, 0, np.hypot(grid[:, None], s)).sum(axis=1)
    mass = np.exp(log - log.max()) * stats.t.pdf(grid / 0.5, 3)
    mass /= mass.sum()
    moments = [np.dot(effects.weight, np.power(effects.scale, k)) for k in (1, 2)]
    assert moments == pytest.approx([mass @ grid, mass @ grid**2], rel=1e-4)
    assert 0.25 < moments[0] < 0.6


# The study


def test_every_published_item_model() -> None:
    effects = Effects((0.5,), df=3)
    table = published_designs(effects)
    assert len(table) == 64
    assert set(table["source"]) == {"published"}
    by_error = table.sort_values("std_error")
    assert by_error["power"].is_monotonic_decreasing
    assert by_error["type_m"].is_monotonic_increasing
    # q13 in figure 5: slope -0.236, standard error 0.101 per step, four steps.
    five = published_designs(effects, tables=["figure5"]).iloc[0]
    assert five["estimate"] == pytest.approx(-4 * 0.236, abs=4 * 0.0005)
    assert five["std_error"] == pytest.approx(4 * 0.101, abs=4 * 0.0005)
    assert five["detectable"] == pytest.approx(2.8016 * five["std_error"], rel=1e-4)
    assert five[["power", "type_s", "type_m"]].tolist() == pytest.approx(
        [
            getattr(design_errors(five["std_error"], effects), n)
            for n in ("power", "type_s", "type_m")
        ]
    )


def test_controls_of_the_register_have_no_contrast() -> None:
    terms = set(published_designs(Effects((0.5,)), tables=["3"])["term"])
    assert terms == {"q13", "q5r1", "q5r2", "q5r3", "q5r4", "q5r5"}


@pytest.fixture(scope="module")
def sample() -> object:
    return sf.load_sample("replica")


@pytest.fixture(scope="module")
def q13(sample: object) -> sf.Result:
    return sf.fit(sf.load_analysis("q13").specs[0], sample)


def test_fitted_designs_are_the_published_ones(sample: object) -> None:
    """The replica returns the printed standard errors at their rounding, 0.0005 in 0.06 or more."""
    results = sf.fit(sf.load_analysis("bivariate"), sample)
    effects = Effects((0.5,))
    fitted = design_table(widest_contrasts(results.values()), effects)
    merged = fitted.merge(published_designs(effects), on=["outcome", "model", "term"])
    assert len(merged) == 64
    assert set(fitted["source"]) == {"replica"}
    gap = (merged["std_error_x"] - merged["std_error_y"]).abs() / merged["size_x"].abs()
    assert gap.max() < 0.06  # fractions are printed to 0.001, which is 0.1 pp
    np.testing.assert_allclose(merged["power_x"], merged["power_y"], atol=0.05)


# Planning


def test_this_study_has_the_width_that_is_expected_of_it(q13: sf.Result) -> None:
    plan = plan_precision(q13, WIDEST, industries=[6], per_industry=[95])
    # 570 workplaces in equal industries, where there are 572 in 58 to 112: of no weight within 1 %.
    assert plan["width"][0] == pytest.approx(plan["width_now"][0], rel=0.01)


@pytest.mark.parametrize(("industries", "per_industry"), [(6, 95), (15, 20)])
def test_expected_width_by_simulation(q13: sf.Result, industries: int, per_industry: int) -> None:
    design = {"industries": industries, "per_industry": per_industry}
    width, error = simulate_width(q13, WIDEST, **design, studies=120)
    # What the closed form leaves out is 0.5 % here (see the module); the rest is Monte Carlo error.
    assert width == pytest.approx(expected_width(q13, WIDEST, **design), rel=5e-3, abs=4 * error)


def test_expected_width_of_correlated_predictors_by_simulation() -> None:
    """A control that goes with the predictor, within industries and between, costs precision."""
    rng = np.random.default_rng(9)
    code = np.repeat(np.arange(8), 40)
    level, other = rng.normal(size=(2, 8))
    x = rng.normal(size=320) + level[code]
    w = 0.6 * x + rng.normal(size=320) + other[code]
    y = 0.3 * x + 0.2 * w + rng.normal(size=8)[code] + rng.normal(size=320)
    df = pd.DataFrame({"y": y, "x": x, "w": 10 * w, "g": code.astype(str)})
    alone = sf.fit(sf.ModelSpec("y", predictors=("x",), group="g"), df)
    both = sf.fit(sf.ModelSpec("y", predictors=("x", "w"), group="g"), df)
    step = Contrast("x", -2.0, "two down")
    design = {"industries": 8, "per_industry": 40}
    found = expected_width(both, step, **design)
    width, error = simulate_width(both, step, **design, studies=120, seed=2)
    assert width == pytest.approx(found, rel=1e-2, abs=4 * error)
    assert found > 1.1 * expected_width(alone, step, **design)


@pytest.mark.parametrize("size", [2, 12])
def test_spread_of_predictors_is_anova_s(size: int) -> None:
    """Balanced industries: the variance between is (MSB - MSW)/n, none where that is negative."""
    rng = np.random.default_rng(12)
    code = np.repeat(np.arange(9), size)
    df = pd.DataFrame({"x": 3 * rng.normal(size=len(code)) + 2 * rng.normal(size=9)[code]})
    df = df.assign(y=rng.normal(size=len(code)), g=code.astype(str))
    part = exact_posterior(sf.fit(sf.ModelSpec("y", predictors=("x",), group="g"), df)).parts[0]
    x = ((df["x"] - df["x"].mean()) / df["x"].std()).groupby(code)
    within = float(x.var().mean())
    found = _Spread.of(part)
    assert found.within[0, 0] == pytest.approx(within)
    wanted = float(x.mean().var()) - within / size
    assert wanted > 0.05
    assert found.between[0, 0] == pytest.approx(wanted)


def test_number_of_workplaces_is_the_inverse(q13: sf.Result) -> None:
    for width in (0.4, 1.0, 3.0):
        n = round(workplaces_needed(q13, WIDEST, width, industries=6))
        here, before = (
            expected_width(q13, WIDEST, industries=6, per_industry=m) for m in (n, n - 1)
        )
        assert here <= width < before
    assert workplaces_needed(q13, WIDEST, 1e3, industries=6) == 2


def test_no_number_is_enough_when_a_predictor_lies_between_industries() -> None:
    rng = np.random.default_rng(2)
    code = np.repeat(np.arange(5), 10)
    df = pd.DataFrame({"w": code.astype(float), "g": code.astype(str)})
    df["y"] = rng.normal(size=5)[code] + rng.normal(size=50)
    result = sf.fit(sf.ModelSpec("y", predictors=("w",), group="g"), df)
    step = Contrast("w", 1.0, "one")
    now = expected_width(result, step, industries=5, per_industry=10)
    assert workplaces_needed(result, step, 0.3 * now, industries=5) == np.inf
    assert workplaces_needed(result, step, 0.3 * now, industries=100) < 100


def test_what_cannot_be_meant(q13: sf.Result) -> None:
    for bad in ({"scale": ()}, {"scale": (0.0,)}, {"scale": (1.0,), "df": 1.0}):
        with pytest.raises(UsageError, match="effects"):
            Effects(**bad)
    with pytest.raises(UsageError, match="weight"):
        Effects((1.0, 2.0), weight=(1.0,))
    with pytest.raises(UsageError, match="std_error"):
        design_errors(0.0, Effects((1.0,)))
    with pytest.raises(UsageError, match="alpha"):
        smallest_detectable(1.0, alpha=1.0)
    with pytest.raises(UsageError, match="alpha and 1"):
        smallest_detectable(1.0, power=0.01)
    with pytest.raises(UsageError, match="at least 2"):
        expected_width(q13, WIDEST, industries=1, per_industry=10)
    with pytest.raises(UsageError, match="at least 2"):
        simulate_width(q13, WIDEST, industries=6, per_industry=1)
    with pytest.raises(UsageError, match="width"):
        workplaces_needed(q13, WIDEST, 0.0, industries=6)


@pytest.mark.parametrize(
    ("cov", "nearest"),
    [
        ([[2.0, -0.6], [-0.6, 0.5]], [[2.0, -0.6], [-0.6, 0.5]]),
        ([[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]),
        ([[1.0, 2.0], [2.0, 1.0]], [[1.5, 1.5], [1.5, 1.5]]),  # eigenvalues 3 and -1
        ([[-1e-12, 0.0], [0.0, 3.0]], [[0.0, 0.0], [0.0, 3.0]]),
    ],
)
def test_predictors_of_a_simulated_study_have_the_covariance_they_can_have(
    cov: list[list[float]], nearest: list[list[float]]
) -> None:
    """A direction with no variance, or by rounding with less than none, is left out."""
    found = _normal(np.random.default_rng(1), np.array(cov), 40_000)
    # five standard errors of a covariance of normals, with variances of 3 at most
    np.testing.assert_allclose(found.T @ found / 40_000, nearest, atol=5 * 3 * np.sqrt(2 / 40_000))
