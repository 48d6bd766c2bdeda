"""REML against the recorded output of R's lme4 (`tests/references/lme4/`, its README says how)."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines.gaussian.ols_reml import GaussianFit, fit_reml
from bayes_sf.errors import UsageError
from bayes_sf.spec.moments import Moments

LME4 = Path(__file__).parents[1] / "references" / "lme4"
DATA_SETS = sorted(path.stem for path in (LME4 / "data").glob("*.csv"))

# The references are polished to better than 1e-7; the issue asks for 1e-6.
RELATIVE = 1e-6


@cache
def data(name: str) -> pd.DataFrame:
    return pd.read_csv(LME4 / "data" / f"{name}.csv")


@cache
def references() -> pd.DataFrame:
    return pd.read_csv(LME4 / "fits.csv", keep_default_na=False)


def lme4(name: str, quantity: str) -> pd.DataFrame:
    """Rows term, other, value of one quantity of lme4's fit."""
    rows = references()
    return rows[(rows["data"] == name) & (rows["quantity"] == quantity)]


def predictors(name: str) -> list[str]:
    return [column for column in data(name) if column.startswith("x")]


@cache
def ours(name: str) -> GaussianFit:
    df = data(name)
    return fit_reml(Moments.from_frame(df, outcome="y", predictors=predictors(name), group="g"))


def test_the_references_cover_what_they_must() -> None:
    groups = {name: data(name)["g"].value_counts() for name in DATA_SETS}
    sizes = [len(count) for count in groups.values()]
    assert len(DATA_SETS) >= 6
    assert min(sizes) == 2
    assert max(sizes) > 1000
    assert any((count == 1).any() for count in groups.values())
    assert float(lme4("singular", "sd_group")["value"].item()) == 0.0
    x = data("large_mean")["x1"]
    assert (round(x.mean() / 1e6, 3), round(x.std())) == (1.0, 1)


@pytest.mark.parametrize("name", DATA_SETS)
def test_estimates_and_standard_errors(name: str) -> None:
    fit = ours(name)
    fixef, se = lme4(name, "fixef"), lme4(name, "se")
    assert list(fit.moments.terms) == list(fixef["term"])
    np.testing.assert_allclose(fit.coef, fixef["value"], rtol=RELATIVE)
    np.testing.assert_allclose(fit.std_error, se["value"], rtol=RELATIVE)


@pytest.mark.parametrize("name", DATA_SETS)
def test_both_standard_deviations(name: str) -> None:
    fit = ours(name)
    sd_group, sd_resid = (
        float(lme4(name, quantity)["value"].item()) for quantity in ("sd_group", "sd_resid")
    )
    assert fit.sd_group == pytest.approx(sd_group, rel=RELATIVE, abs=0)
    assert fit.sd_resid == pytest.approx(sd_resid, rel=RELATIVE, abs=0)
    assert fit.boundary == (sd_group == 0.0)


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_public_interface_returns_lme4s_table(name: str) -> None:
    spec = sf.ModelSpec(outcome="y", predictors=tuple(predictors(name)), group="g")
    table = sf.fit(spec, data(name), engine="reml").estimates
    whole = table[table["group"] == ""].set_index("term")
    fixed = whole.loc[list(lme4(name, "fixef")["term"])]
    se = lme4(name, "se")["value"].to_numpy()
    columns = {"estimate": "fixef", "sd": "se", "lower": "lower", "upper": "upper"}
    for ours_, theirs in columns.items():
        gap = fixed[ours_].to_numpy() - lme4(name, theirs)["value"].to_numpy()
        assert np.abs(gap / se).max() < RELATIVE, ours_
    np.testing.assert_allclose(fixed["t"], lme4(name, "t")["value"], rtol=RELATIVE)
    spread = {term: lme4(name, term)["value"].item() for term in ("sd_group", "sd_resid")}
    for term, expected in spread.items():
        assert whole.loc[term, "estimate"] == pytest.approx(expected, rel=RELATIVE, abs=0)
    icc = spread["sd_group"] ** 2 / (spread["sd_group"] ** 2 + spread["sd_resid"] ** 2)
    assert whole.loc["icc", "estimate"] == pytest.approx(icc, rel=3 * RELATIVE, abs=0)
    assert set(table["engine"]) == {"reml"}


@pytest.mark.parametrize("name", DATA_SETS)
def test_covariance_of_the_coefficients(name: str) -> None:
    fit, rows = ours(name), lme4(name, "vcov")
    expected = rows.pivot_table(index="term", columns="other", values="value", sort=False)
    scale = np.outer(fit.std_error, fit.std_error)
    np.testing.assert_allclose(fit.vcov / scale, expected / scale, atol=RELATIVE, rtol=0)


@pytest.mark.parametrize("name", DATA_SETS)
def test_group_effects(name: str) -> None:
    fit, rows = ours(name), lme4(name, "ranef")
    effects = dict(zip(fit.moments.groups, fit.ranef, strict=True))
    got = [effects[level] for level in rows["other"]]
    np.testing.assert_allclose(got, rows["value"], rtol=RELATIVE, atol=RELATIVE * fit.sd_resid)


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_criterion_is_no_worse_than_lme4s(name: str) -> None:
    expected = float(lme4(name, "reml")["value"].item())
    assert ours(name).criterion == pytest.approx(expected, rel=1e-9, abs=1e-8)


def test_a_change_of_unit_rescales_lme4_and_us_alike() -> None:
    percent, fraction = ours("six_groups"), ours("fraction_unit")
    np.testing.assert_allclose(percent.coef, 100 * fraction.coef, rtol=1e-9)
    np.testing.assert_allclose(percent.sd_group, 100 * fraction.sd_group, rtol=1e-9)


@pytest.mark.parametrize("spread", [0.0, 0.4])  # at 0 the estimate is on the boundary
def test_profile_intervals_are_those_of_any_random_terms(spread: float) -> None:
    """From moments, by grids, against `engines/mixed`, whose limits lme4's records check."""
    rng = np.random.default_rng(1)
    group, x = rng.integers(0, 12, 200), rng.normal(size=200)
    y = 3 + 0.5 * x + spread * rng.normal(size=12)[group] + rng.normal(size=200)
    frame = pd.DataFrame({"y": y, "x": x, "g": group.astype(str)})
    reml = sf.fit("y ~ x + (1 | g)", frame, engine="reml", prob=0.9)
    ml = sf.fit("y ~ x + (1 | g)", frame, engine="ml", prob=0.9)
    assert (reml.icc()["estimate"] == 0) == (spread == 0)
    found, other = reml.confint(), ml.confint()
    assert list(found.index) == ["sd_group", "sd_resid", "(Intercept)", "x"]
    # both search for roots, theirs to 1e-5 of the distance to the estimate
    width = (other["upper"] - other["lower"]).to_numpy()[:, None]
    assert (np.abs(found.to_numpy() - other.to_numpy()) < 2e-5 * width).all()
    wald = reml.confint(method="wald")
    pd.testing.assert_frame_equal(wald, reml.fixef().loc[:, ["lower", "upper"]], check_names=False)


@pytest.mark.parametrize(
    ("engine", "method", "said"),
    [("exact", "profile", "is for reml and ml"), ("ols", "wald", "is for reml and ml"),
     ("reml", "boot", "must be profile or wald")],
)  # fmt: skip
def test_intervals_that_there_are_none_of(engine: str, method: str, said: str) -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    with pytest.raises(UsageError, match=said):
        sf.fit("y ~ 1 + (1 | g)", frame, engine=engine).confint(method=method)
