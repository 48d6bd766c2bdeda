"""`result.draws()` has what ArviZ asks for, by its own functions, and says what the results say."""

from dataclasses import replace

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
from arviz_stats import psense_summary

import bayes_sf as sf
from bayes_sf.analysis.checks.loo import loo
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.errors import UsageError
from tests.engines.lme4_references import data

GROUPS = {"posterior", "prior", "log_likelihood", "posterior_predictive", "observed_data",
          "constant_data"}  # fmt: skip
FORMULAS = {
    "intercept": ("nested", "y ~ x + (1 | g)"),
    "same": ("nested", "y ~ I(x) + (1 | g)"),
    "crossed": ("crossed", "y ~ x + c + offset(z) + (1 | a) + (1 | b)"),
    "slopes": ("nested", "y ~ x + (x || g)"),
}
CORRELATED = ("nested", "y ~ x + (1 + x | g)")
# 4000 independent draws: means within 5 Monte Carlo errors, sds within 5 of theirs (of normals;
# heavier tails have more).
OF_MEAN, OF_SD = 5 / np.sqrt(4000), 5 / np.sqrt(2 * 4000) * 2


@pytest.fixture(scope="module")
def fits() -> dict[str, sf.Result]:
    return {name: sf.fit(formula, data(rows)) for name, (rows, formula) in FORMULAS.items()}


@pytest.fixture(scope="module")
def trees(fits: dict[str, sf.Result]) -> dict[str, object]:
    return {name: result.draws() for name, result in fits.items()}


def values(tree: object) -> dict[tuple[str, str], np.ndarray]:
    """Draws by term and level, named as `estimates` has them."""
    posterior = tree["posterior"].to_dataset()  # type: ignore[index]
    found = {}
    for name, variable in posterior.data_vars.items():
        flat = variable.stack(sample=("chain", "draw"))
        if name == "beta":
            found |= {(str(t), ""): flat.sel(term=t).to_numpy() for t in posterior["term"].values}
        elif str(name).startswith("u|"):
            factor = str(name).removeprefix("u|")
            for level in posterior[f"level|{factor}"].values:
                for column in posterior[f"effect|{factor}"].values:
                    at = {f"level|{factor}": level, f"effect|{factor}": column}
                    found[f"{column}|{factor}", str(level)] = flat.sel(at).to_numpy()
        elif variable.ndim == 2:
            found[str(name), ""] = flat.to_numpy()
    return found


@pytest.mark.parametrize("name", ["same", "crossed", "slopes"])
def test_draws_have_the_moments_of_the_posterior(
    name: str, fits: dict[str, sf.Result], trees: dict[str, object]
) -> None:
    found = values(trees[name])
    rows = fits[name].rows
    assert {(row.term, row.group) for row in rows} == set(found)
    for row in rows:
        drawn = found[row.term, row.group]
        assert abs(drawn.mean() - row.estimate) < OF_MEAN * row.sd, row
        assert drawn.std() == pytest.approx(row.sd, rel=OF_SD), row


@pytest.mark.parametrize("name", ["crossed", "slopes"])
def test_coefficients_and_effects_are_drawn_together(
    name: str, fits: dict[str, sf.Result], trees: dict[str, object]
) -> None:
    """Fitted values of rows: their sds need every covariance of coefficients and effects."""
    result = fits[name]
    posterior = trees[name]["posterior"].to_dataset()  # type: ignore[index]
    assert isinstance(result, MixedResult)
    mean = posterior["beta"].to_numpy() @ result.matrices.x[:5].T
    for factor in result.matrices.factors:
        u = posterior[f"u|{factor.name}"].to_numpy()[..., factor.code[:5], :]
        mean = mean + (u * factor.z[:5]).sum(axis=-1)
    if result.matrices.offset is not None:
        mean = mean + result.matrices.offset[:5]
    flat = mean.reshape(-1, 5)
    expected = result.predict(data(FORMULAS[name][0])[:5])
    assert np.abs(flat.mean(axis=0) - expected["estimate"]).max() < OF_MEAN * expected["sd"].max()
    assert flat.std(axis=0) == pytest.approx(expected["sd"].to_numpy(), rel=OF_SD)


def test_rows_and_their_names(fits: dict[str, sf.Result], trees: dict[str, object]) -> None:
    for name, tree in trees.items():
        assert set(tree.children) >= GROUPS  # type: ignore[attr-defined]
        frame = data(FORMULAS[name][0])
        observed = tree["observed_data"]["y"]  # type: ignore[index]
        assert observed.to_numpy() == pytest.approx(frame["y"].to_numpy())
        constant = tree["constant_data"].to_dataset()  # type: ignore[index]
        terms = [row.term for row in fits[name].coefficients]
        assert list(constant["term"].values) == terms
        factor = "g" if "g" in frame else "a"
        assert list(constant[f"level|{factor}"].values) == list(frame[factor])
        predictive = tree["posterior_predictive"]["y"].to_numpy()  # type: ignore[index]
        mean = predictive.mean(axis=(0, 1))[:5]
        sigma = {row.term: row.estimate for row in fits[name].singles}["sd_resid"]
        fitted = fits[name].predict(frame[:5])
        spread = np.hypot(fitted["sd"], sigma).to_numpy()
        assert np.abs((mean - fitted["estimate"]) / spread).max() < OF_MEAN
        assert predictive.std(axis=(0, 1))[:5] == pytest.approx(spread, rel=OF_SD)


def test_loo_of_arviz_is_ours(fits: dict[str, sf.Result], trees: dict[str, object]) -> None:
    """PSIS of 4,000 draws against leave-one-out in closed form, by both kinds of trees."""
    exact = loo(fits["intercept"])
    for name in ("intercept", "same"):
        found = az.loo(trees[name], pointwise=True)
        assert found.elpd == pytest.approx(exact.elpd, abs=0.3)
        assert np.abs(found.elpd_i.to_numpy() - exact.pointwise).max() < 0.1
    ranked = az.compare({"x": trees["intercept"], "slopes": trees["slopes"]})
    assert set(ranked.index) == {"x", "slopes"}


def test_the_prior(trees: dict[str, object]) -> None:
    """Both kinds of trees have the same prior: quantiles of 2,000 draws, two by two."""
    one, other = (trees[n]["prior"].to_dataset() for n in ("intercept", "same"))  # type: ignore[index]
    pairs = {"sd_group": "sd_(Intercept)|g", "sd_resid": "sd_resid", "icc": "icc"}
    for first, second in pairs.items():
        a, b = np.sort(one[first].to_numpy().ravel()), np.sort(other[second].to_numpy().ravel())
        both = np.concatenate([a, b])
        gap = np.searchsorted(a, both, "right") - np.searchsorted(b, both, "right")
        assert np.abs(gap).max() / 2000 < 0.06  # Kolmogorov-Smirnov, p = 0.001
    frame = data("nested")
    scale = 2.5 * frame["y"].std() / frame["x"].std()
    for prior in (one, other):
        slope = prior["beta"].isel(term=1).to_numpy().ravel()
        assert slope.std() == pytest.approx(scale, rel=0.08)


@pytest.mark.slow  # half a minute: four numbers to integrate over
def test_correlated_slopes() -> None:
    result = sf.fit(CORRELATED[1], data(CORRELATED[0]))
    tree = result.draws()
    found = values(tree)
    for row in result.rows:
        drawn = found[row.term, row.group]
        assert abs(drawn.mean() - row.estimate) < OF_MEAN * row.sd, row
        assert drawn.std() == pytest.approx(row.sd, rel=OF_SD), row
    wide = tree["prior"].to_dataset()
    level = wide["u|g"].to_numpy()[0]  # (draw, level, effect)
    sds = [wide[f"sd_{c}|g"].to_numpy()[0] for c in ("(Intercept)", "x")]
    ratio = level / np.stack(sds, axis=1)[:, None, :]
    assert ratio.std(axis=(0, 1)) == pytest.approx([1, 1], rel=0.05)
    product = (ratio[..., 0] * ratio[..., 1]).mean(axis=1)
    rho = wide["cor_x.(Intercept)|g"].to_numpy()[0]
    assert np.cov(product, rho)[0, 1] / rho.var() == pytest.approx(1, abs=0.2)


def test_arviz_takes_it_as_it_is(trees: dict[str, object]) -> None:
    for name in ("intercept", "crossed"):
        tree = trees[name]
        table = az.summary(tree, var_names=["beta", "sd_resid"])
        assert "beta[x]" in table.index
        for draw in (
            lambda t: az.plot_forest(t, var_names=["beta"]),
            lambda t: az.plot_ppc_dist(t, num_samples=5),
            lambda t: az.plot_prior_posterior(t, var_names=["sd_resid"]),
        ):
            assert draw(tree).viz["figure"].item() is not None
            plt.close("all")
    sensitive = psense_summary(trees["intercept"], var_names=["beta"])
    assert list(sensitive.columns[:2]) == ["prior", "likelihood"]


def test_what_has_no_rows(fits: dict[str, sf.Result]) -> None:
    own = fits["intercept"]
    assert set(own.draws(8, rows=False).children) == {"posterior"}
    of_study = replace(own, provenance=replace(own.provenance, source="microdata"))
    assert set(of_study.draws(8).children) == {"posterior"}
    flat = sf.fit("y ~ x + (1 | g)", data("nested"), priors=sf.Priors(intercept=sf.Prior("flat")))
    assert "prior" not in flat.draws(8).children
    assert "log_likelihood" in flat.draws(8).children
    counted = data("nested").assign(f=1)
    result = sf.fit("y ~ x + (1 | g)", counted, frequencies="f")
    assert set(result.draws(8).children) == {"posterior"}
    with pytest.raises(UsageError, match="no posterior"):
        sf.fit("y ~ I(x) + (1 | g)", data("nested"), engine="reml").draws()
    with pytest.raises(UsageError, match="rows=False"):
        own.draws(2_000_000)
    with pytest.raises(UsageError, match="true or false"):
        own.draws(rows="no")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="multiple of 4"):
        fits["crossed"].draws(6)


def test_weighted_rows_have_their_own_sd() -> None:
    frame = data("crossed")
    result = sf.fit("y ~ x + (1 | a)", frame, weights="w")
    tree = result.draws(400)
    sigma = tree["posterior"]["sd_resid"].to_numpy()[..., None]
    weight = tree["constant_data"]["weight"].to_numpy()
    assert weight == pytest.approx(frame["w"].to_numpy())
    # The height of a density at its mean bounds it.
    top = -0.5 * np.log(2 * np.pi) - np.log(sigma / np.sqrt(weight))
    assert (tree["log_likelihood"]["y"].to_numpy() <= top + 1e-12).all()
    assert (top - tree["log_likelihood"]["y"].to_numpy()).min(axis=(0, 1)).max() < 10
