"""Maximum likelihood of other outcomes against lme4's glmer (`tests/references/glmer`)."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln, xlogy

import bayes_sf as sf
from bayes_sf.engines.outcomes.result import OutcomeResult
from tests.engines.lme4_references import GLMER, data, kept, models, recorded

# In standard errors, and relatively: glmer's optimum is polished by Newton steps, but on a
# criterion that it evaluates to some 1e-10 of its size.
RELATIVE = 1e-5
# Second differences of that criterion lose half of its digits where modes are approximate.
OF_ERRORS = 1e-3
#: The others take longer, and differ in nothing but terms.
QUICK = ("binary", "binary_five", "trials", "counts_crossed", "nothing")
KEPT = [
    pytest.param(model, marks=[] if model in QUICK else [pytest.mark.slow]) for model in kept(GLMER)
]


@cache
def ours(model: str) -> OutcomeResult:
    asked = models(GLMER).loc[model]
    result = sf.fit(
        asked["formula"], data(asked["data"], GLMER), family=asked["family"], engine="ml",
        nAGQ=int(asked["nAGQ"]),
    )  # fmt: skip
    assert isinstance(result, OutcomeResult)
    return result


@pytest.mark.parametrize("model", KEPT)
def test_estimates(model: str) -> None:
    result = ours(model)
    fixed = result.fixef()
    coef, se = (pd.Series(recorded(model, quantity, GLMER)) for quantity in ("fixef", "se"))
    assert set(coef.index) == set(fixed.index)
    table = fixed.loc[coef.index]
    assert ((table["estimate"] - coef) / se).abs().max() < RELATIVE
    assert (table["sd"] / se - 1).abs().max() < OF_ERRORS
    spreads = dict(result.fitted.spreads())
    expected = recorded(model, "sd", GLMER) | recorded(model, "correlation", GLMER)
    assert set(spreads) == set(expected)
    for name, value in expected.items():
        assert spreads[name] == pytest.approx(value, rel=RELATIVE, abs=RELATIVE), name
    assert result.fitted.singular == (model == "nothing")


@pytest.mark.parametrize("model", KEPT)
def test_random_effects(model: str) -> None:
    table = ours(model).ranef()
    scale = max(dict(ours(model).fitted.spreads()).values())
    for quantity, column in (("ranef", "estimate"), ("condsd", "sd")):
        for name, value in recorded(model, quantity, GLMER).items():
            term, factor, level = name.split("|")
            found = table.loc[(factor, level, term), column]
            assert found == pytest.approx(value, abs=10 * RELATIVE * scale), (quantity, name)


def saturated(model: str) -> float:
    """Log likelihood with a parameter for every row, which glmer takes off where nAGQ > 1."""
    asked = models(GLMER).loc[model]
    frame = data(asked["data"], GLMER)
    y = frame["y"].to_numpy(dtype=float)
    if asked["family"] == "poisson":
        return float((xlogy(y, y) - y - gammaln(y + 1)).sum())
    n = frame["n"].to_numpy(dtype=float) if "n" in frame else np.ones(len(y))
    choose = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    return float((choose + xlogy(y, y / n) + xlogy(n - y, 1 - y / n)).sum())


@pytest.mark.parametrize("model", KEPT)
def test_criteria(model: str) -> None:
    result = ours(model)
    taken_off = saturated(model) if int(models(GLMER).loc[model, "nAGQ"]) > 1 else 0.0
    (log_lik,) = recorded(model, "logLik", GLMER).values()
    assert result.log_lik - taken_off == pytest.approx(log_lik, abs=1e-5)
    for name, found in (("AIC", result.aic), ("BIC", result.bic)):
        (value,) = recorded(model, name, GLMER).values()
        assert found + 2 * taken_off == pytest.approx(value, abs=2e-5), name
