"""Outcomes sampled through bambi: a whole fit, against maximum likelihood."""

import numpy as np
import pytest

import bayes_sf as sf
from bayes_sf.engines.outcomes.result import OutcomeResult
from tests.engines.lme4_references import GLMER, data

pytestmark = [pytest.mark.slow, pytest.mark.nuts]  # siblings: test_outcomes_graph.py


def test_trials_with_weak_priors_are_near_maximum_likelihood() -> None:
    formula, frame = "p(y, n) ~ x + (1 | g)", data("trials", GLMER)
    weak = {"(Intercept)": "flat", "x": "normal(0, 100)"}
    found = sf.fit(formula, frame, family="binomial", priors=weak, seed=3)
    assert isinstance(found, OutcomeResult)
    assert found.converged
    top = sf.fit(formula, frame, family="binomial", engine="ml").fixef()
    fixed = found.fixef()
    # The posterior integrates over an sd that 12 groups know poorly: wider, and little moved.
    off = (fixed["estimate"] - top["estimate"]) / top["sd"]
    assert np.abs(off).max() < 0.25
    assert (fixed["sd"] / top["sd"]).between(0.95, 1.4).all()
    share = found.icc(scale="response")
    assert share["lower"] < share["mean"] < found.icc()["mean"] + 0.05
    assert found.draws()["posterior"].sizes["draw"] == 2000


def test_a_strong_prior_is_obeyed() -> None:
    frame = data("counts", GLMER)
    found = sf.fit(
        "y ~ x + (1 | g)", frame, family="poisson", priors={"x": "normal(-1, 0.001)"},
        draws=300, tune=400, chains=2, target_accept=0.85,
    )  # fmt: skip
    assert found.fixef().loc["x", "estimate"] == pytest.approx(-1, abs=0.01)
    assert found.draws()["posterior"].sizes["chain"] == 2


def test_what_is_asked_of_draws_is_near_maximum_likelihood() -> None:
    formula, frame = "y ~ x + offset(log(time)) + (1 | g) + (1 | h)", data("counts", GLMER)
    found = sf.fit(formula, frame, family="poisson", seed=2)
    top = sf.fit(formula, frame, family="poisson", engine="ml")
    rows, others = found.predict(), top.predict()
    # Levels have ten rows and more: the posterior is near the likelihood's normal around its top.
    assert np.abs((rows["estimate"] - others["estimate"]) / others["sd"]).max() < 0.15
    assert (rows["sd"] / others["sd"]).between(0.9, 1.15).all()
    slope, other = found.slopes("x", groups="known"), top.slopes("x", groups="known")
    assert np.abs((slope["estimate"] - other["estimate"]) / other["sd"]).iloc[0] < 0.15
    tree = found.draws()
    # The mean of a row's replications is its expected outcome.
    drawn = tree["posterior_predictive"]["y"].mean(("chain", "draw")).to_numpy()
    off = (drawn - rows["estimate"]) / np.sqrt(rows["estimate"] / 8000)
    assert np.abs(off).max() < 5
    # 26 effects, drawn together, and two coefficients; seen rows are predicted better than others.
    left_out = sf.loo(found)
    assert left_out.bad == 0
    assert 20 < left_out.p_loo < 30
    assert left_out.elpd < tree["log_likelihood"]["y"].mean(("chain", "draw")).sum()
