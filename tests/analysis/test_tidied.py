"""`tidy`, `glance`, `augment` and R2 against broom.mixed and performance.

Recorded by `tests/references/asked/ask.R`.
"""

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

import bayes_sf as sf
from bayes_sf.errors import UsageError
from tests.analysis.asked_references import OF_DF, RELATIVE, fitted, recorded
from tests.engines.lme4_references import data

#: How R and formulae name a dummy.
DUMMIES = {"cmid": "c[mid]", "ctop": "c[top]", "x:cmid": "x:c[mid]", "x:ctop": "x:c[top]"}
MODELS = ("slopes", "crossed", "intercept", "intercept_ml")
# lme4's ML fit of the last one is not polished: see ask.R.
NEAR = dict.fromkeys(MODELS, RELATIVE) | {"intercept_ml": 1e-4}


@pytest.mark.parametrize("model", MODELS)
def test_tidy(model: str) -> None:
    table = fitted(model).tidy()
    keys = table["effect"] + "/" + table["group"] + "/" + table["term"]
    expected = recorded(model, "tidy")
    expected.index = ["/".join(DUMMIES.get(part, part) for part in k.split("/"))
                      for k in expected.index]  # fmt: skip
    assert set(keys) == set(expected.index)
    expected = expected.loc[list(keys)]
    size = expected["se"].fillna(expected["estimate"].abs()).to_numpy()
    off = table["estimate"].to_numpy() - expected["estimate"].to_numpy()
    assert np.abs(off / size).max() < NEAR[model]
    assert table["std_error"].to_numpy() == pytest.approx(
        expected["se"].to_numpy(), rel=NEAR[model], nan_ok=True
    )
    assert table["df"].to_numpy() == pytest.approx(
        expected["df"].to_numpy(), rel=OF_DF, nan_ok=True
    )
    assert table["p_value"].to_numpy() == pytest.approx(
        expected["p"].to_numpy(), rel=5 * OF_DF, nan_ok=True
    )
    fixed = table[table["effect"] == "fixed"]
    reach = ndtri(0.975) * fixed["std_error"]
    assert (fixed["conf_high"] - fixed["estimate"]).to_numpy() == pytest.approx(reach.to_numpy())


@pytest.mark.parametrize("model", MODELS)
def test_glance(model: str) -> None:
    table = fitted(model).glance().iloc[0]
    expected = recorded(model, "glance")["estimate"].rename({"df.residual": "df_residual"})
    assert set(table.index) == {*expected.index, "nmissing"}
    # At its lowest the criterion does not see how far theta is from there.
    for name, value in expected.items():
        assert table[name] == pytest.approx(value, rel=NEAR[model]), name


@pytest.mark.parametrize("model", MODELS)
def test_augment(model: str) -> None:
    table = fitted(model).augment()
    for key, value in recorded(model, "augment")["estimate"].items():
        name, row = str(key).split(" ")
        near = 10 * NEAR[model]
        assert table[name].iloc[int(row)] == pytest.approx(value, rel=near, abs=near)
    assert list(table.columns[-3:]) == [".fitted", ".resid", ".fixed"]
    assert np.allclose(table[".fitted"] + table[".resid"], table["y"], rtol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_r2(model: str) -> None:
    expected = recorded(model, "r2")["estimate"]
    for name, value in fitted(model).r2().items():
        assert value == pytest.approx(expected[name], rel=10 * NEAR[model])


def test_r2_of_both_engines() -> None:
    """By moments and by rows; the ICC is what the levels have of what is not explained."""
    one, other = fitted("intercept", "exact"), sf.fit("y ~ I(x) + (1 | g)", data("nested"))
    assert one.r2() == pytest.approx(other.r2(), rel=1e-4)
    found = {row.term: row.estimate for row in one.singles}
    share = found["sd_group"] ** 2 / (found["sd_group"] ** 2 + found["sd_resid"] ** 2)
    r2 = one.r2()
    assert (r2["conditional"] - r2["marginal"]) / (1 - r2["marginal"]) == pytest.approx(share)
    weighted = sf.fit("y ~ x + (1 | a)", data("crossed"), engine="reml", weights="w")
    assert np.isnan(weighted.r2()["marginal"])


def test_posteriors_are_tidy() -> None:
    result = fitted("intercept", "exact")
    table = result.tidy(["fixed", "ran_pars", "ran_vals"])
    assert list(table.columns) == ["effect", "group", "level", "term", "estimate", "std_error",
                                   "conf_low", "conf_high"]  # fmt: skip
    fixed = table[table["effect"] == "fixed"].set_index("term")
    assert fixed["estimate"].to_dict() == result.fixef()["estimate"].to_dict()
    levels = table[table["effect"] == "ran_vals"].set_index("level")
    assert levels["estimate"].to_dict() == result.ranef()["estimate"].to_dict()
    spread = table[table["term"] == "sd__(Intercept)"].iloc[0]
    named = {row.term: row for row in result.singles}
    assert spread["conf_high"] == named["sd_group"].upper
    assert result.glance()["algorithm"].iloc[0] == "quadrature"
    offset = sf.fit("y ~ x + offset(z) + (1 | a)", data("crossed"), engine="reml").augment()
    assert np.allclose(offset[".fitted"] + offset[".resid"], offset["y"], rtol=1e-12)


def test_a_notebook_shows_priors_and_estimates() -> None:
    for result in (fitted("crossed"), fitted("intercept", "exact"),
                   sf.fit("y ~ x + (1 | a) + (1 | b)", data("crossed"))):  # fmt: skip
        html = result._repr_html_()
        assert ("Priors: intercept normal" in html) == result.has_draws
        shown = pd.read_html(StringIO(html), index_col=0)[0]
        assert list(shown.index) == [row.term for row in result.singles]
        assert shown["estimate"].to_numpy() == pytest.approx(
            [row.estimate for row in result.singles], rel=1e-3
        )
    odd = data("nested").rename(columns={"x": "<b>x"})
    result = sf.fit(sf.ModelSpec("y", ("<b>x",), group="g"), odd, engine="reml")
    assert "<b>" not in result._repr_html_()


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'fixed'"):
        fitted("slopes").tidy("fixd")
    own = fitted("intercept")
    of_study = replace(own, provenance=replace(own.provenance, source="microdata"))
    with pytest.raises(UsageError, match="data frames only"):
        of_study.augment()
    taken = data("nested").rename(columns={"x": ".resid"})
    result = sf.fit(sf.ModelSpec("y", (".resid",), group="g"), taken, engine="reml")
    with pytest.raises(UsageError, match="rename them"):
        result.augment()
