"""REML and ML of any random terms against lme4 and lmerTest (`tests/references/mixed`)."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines.mixed.result import MixedResult
from tests.engines.lme4_references import MIXED, data, kept, models, recorded

# lme4's theta is polished to better than 1e-7; an sd that lme4 has at its boundary is 0 there.
RELATIVE = 1e-6
# Where theta is at its boundary lme4's is not polished: it stops where function values do not tell.
AT_BOUNDARY = 1e-5
# lmerTest differentiates numerically, and at lme4's own optimum.
OF_DF = 1e-3
# lme4 reads profiles off splines.
OF_PROFILE = 1e-3


@cache
def ours(model: str) -> MixedResult:
    asked = models().loc[model]
    result = sf.fit(
        asked["formula"], data(asked["data"]), engine=asked["engine"], weights=asked["weights"]
    )
    assert isinstance(result, MixedResult)
    return result


@pytest.mark.parametrize("model", kept())
def test_estimates(model: str) -> None:
    fixed = ours(model).fixef()
    coef, se = (pd.Series(recorded(model, quantity)) for quantity in ("fixef", "se"))
    assert set(coef.index) == set(fixed.index)
    table = fixed.loc[coef.index]
    assert ((table["estimate"] - coef) / se).abs().max() < RELATIVE
    assert (table["sd"] / se - 1).abs().max() < RELATIVE


@pytest.mark.parametrize("model", kept())
def test_standard_deviations_and_correlations(model: str) -> None:
    found = {row.term: row.estimate for row in ours(model).singles}
    expected = recorded(model, "sd") | recorded(model, "correlation")
    for name, value in expected.items():
        near = AT_BOUNDARY if model == "by_category" else RELATIVE
        assert found[name] == pytest.approx(value, rel=near, abs=near), name
    named = {n for n in found if n.startswith(("sd_", "cor_"))}
    assert named == set(expected)
    assert ours(model).fitted.singular == (model in {"singular", "by_category"})


@pytest.mark.parametrize("model", kept())
def test_the_criterion(model: str) -> None:
    (expected,) = recorded(model, "criterion").values()
    assert ours(model).fitted.criterion == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("model", kept())
def test_random_effects(model: str) -> None:
    table = ours(model).ranef()["estimate"]
    near = AT_BOUNDARY if model == "by_category" else RELATIVE
    scale = near * ours(model).fitted.sd_resid
    for name, value in recorded(model, "ranef").items():
        column, factor, level = name.split("|")
        assert table[factor, level, column] == pytest.approx(value, abs=scale), name


@pytest.mark.parametrize("model", [m for m in kept() if recorded(m, "df")])
def test_degrees_of_freedom(model: str) -> None:
    table = ours(model).fixef()["df"]
    for name, value in recorded(model, "df").items():
        assert table[name] == pytest.approx(value, rel=OF_DF), name


@pytest.mark.slow
@pytest.mark.parametrize("model", [m for m in kept() if recorded(m, "profile_lower")])
def test_profile_intervals(model: str) -> None:
    table = ours(model).confint()
    widths = table["upper"] - table["lower"]
    for side in ("lower", "upper"):
        expected = recorded(model, f"profile_{side}")
        assert set(expected) == set(table.index)
        for name, value in expected.items():
            assert abs(table.loc[name, side] - value) < OF_PROFILE * widths[name], (name, side)


def test_what_is_recorded_of_data_that_are_not_kept() -> None:
    """`tests/studies/mixed.py` wrote ours: rows of R's packages are under their own licences."""
    ours_ = pd.read_csv(MIXED / "ours.csv", keep_default_na=False)
    others = [m for m in models().index if m not in kept()]
    assert set(ours_["model"]) == set(others)
    assert {"sleepstudy", "exam", "penicillin", "oats", "insteval"} <= set(others)
    for model in others:
        table = ours_[ours_["model"] == model].set_index(["quantity", "name"])["value"]
        se = recorded(model, "se")
        for name, value in recorded(model, "fixef").items():
            assert abs(table["fixef", name] - value) < RELATIVE * se[name]
            assert table["se", name] == pytest.approx(se[name], rel=RELATIVE)
        for name, value in (recorded(model, "sd") | recorded(model, "correlation")).items():
            assert table["spread", name] == pytest.approx(value, rel=RELATIVE), (model, name)
        for name, value in recorded(model, "df").items():
            assert table["df", name] == pytest.approx(value, rel=OF_DF), (model, name)
        for side in ("lower", "upper"):
            for name, value in recorded(model, f"profile_{side}").items():
                width = table["profile_upper", name] - table["profile_lower", name]
                assert abs(table[f"profile_{side}", name] - value) < OF_PROFILE * width, name


def test_a_random_intercept_is_reml_s_of_moments() -> None:
    """Two engines that share no code: profiled by theta here, by a derivative's root there."""
    frame = data("crossed").assign(k=1.0)
    theirs = sf.fit("y ~ x + (1 | a)", frame, engine="reml")
    mine = sf.fit("y ~ x + (1 | a)", frame, engine="reml", frequencies="k")
    np.testing.assert_allclose(
        mine.fixef()[["estimate", "sd"]], theirs.fixef()[["estimate", "sd"]], rtol=1e-8
    )
    np.testing.assert_allclose(mine.icc()["estimate"], theirs.icc()["estimate"], rtol=1e-7)
    np.testing.assert_allclose(mine.ranef("a")["sd"], theirs.ranef()["sd"], rtol=1e-7)


def test_frequencies_are_repeated_rows() -> None:
    frame = data("nested")
    counts = (np.arange(len(frame)) % 3).astype(float)
    long = frame.loc[np.repeat(frame.index, counts.astype(int))]
    formula = "y ~ x + (1 + x | g) + (1 | g:h)"
    short = sf.fit(formula, frame.assign(k=counts), engine="reml", frequencies="k")
    whole = sf.fit(formula, long, engine="reml")
    columns = ["estimate", "sd"]
    np.testing.assert_allclose(short.estimates[columns], whole.estimates[columns], rtol=1e-6)
    assert short.estimates["n"].iloc[0] == len(long)
    np.testing.assert_allclose(short.fixef()["df"], whole.fixef()["df"], rtol=1e-6)


def test_weights_change_with_their_unit_the_residual_sd_alone() -> None:
    frame = data("crossed")
    formula = "y ~ x + c + (1 | a) + (1 | b)"
    one = sf.fit(formula, frame, engine="reml", weights="w")
    ten = sf.fit(formula, frame.assign(w=10 * frame["w"]), engine="reml", weights="w")
    assert ten.fitted.sd_resid == pytest.approx(np.sqrt(10) * one.fitted.sd_resid)
    np.testing.assert_allclose(one.fixef()["sd"], ten.fixef()["sd"], rtol=1e-7)
    with pytest.raises(sf_error(), match="weighted rows"):
        one.icc()


def sf_error() -> type[Exception]:
    from bayes_sf.errors import UsageError

    return UsageError


def test_units_of_measurement() -> None:
    """A predictor at 1e5 with sd 1, an outcome in another unit: the same model."""
    frame = data("slopes")
    moved = frame.assign(x=frame["x"] + 1e5, y=1e4 * frame["y"])
    one, two = (sf.fit("y ~ x + (1 + x | g)", f, engine="reml") for f in (frame, moved))
    assert two.fixef().loc["x", "estimate"] == pytest.approx(
        1e4 * one.fixef().loc["x", "estimate"], rel=1e-6
    )
    assert two.fitted.sd_resid == pytest.approx(1e4 * one.fitted.sd_resid, rel=1e-7)


def test_methods_of_a_result() -> None:
    result = ours("crossed")
    assert list(result.varcorr()["factor"]) == ["a", "b", "Residual"]
    shares = result.icc("a")["estimate"] + result.icc("b")["estimate"]
    assert result.icc()["estimate"] == pytest.approx(shares)
    variances = result.varcorr()["vcov"]
    assert result.icc("a")["estimate"] == pytest.approx(variances[0] / variances.sum())
    assert "lme4" not in result.summary()
    assert "Satterthwaite" in result.summary()
    wald = result.confint(method="wald")
    assert (wald["upper"] - wald["lower"]).to_numpy() == pytest.approx(
        2 * 1.959964 * result.fixef()["sd"].to_numpy(), rel=1e-6
    )
    table = result.estimates
    assert (table["n"] == 240).all()
    assert set(table["term"]) >= {"sd_(Intercept)|a", "icc|a", "icc|b", "(Intercept)|b"}
