"""The panel model and R's mice complete the same panel: a Gaussian two-level case."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.missing.completed import completed_sets
from bayes_sf.engines.panel.draws import complete
from bayes_sf.engines.panel.sampling import fit_panel
from bayes_sf.spec.panel import PanelSpec
from tests.analysis.test_completed import panel_of

MICE = Path(__file__).parents[1] / "references" / "mice"
SETS = 400


@pytest.mark.slow
@pytest.mark.nuts
def test_pooled_estimates_agree_within_monte_carlo_error() -> None:
    """Level and change: our completed sets, REML and rules; mice's 2l.pan, lme4 and pool.scalar.

    The models differ a little: mice has fixed effects of industries, ours are random, and its
    priors are inverse Wishart. With 14 workplaces per industry that is a tenth of a standard error.
    The error of B over m sets is B sqrt(2/(m - 1)).
    """
    panel = panel_of(pd.read_csv(MICE / "data" / "panel.csv"))
    fit = fit_panel(panel, PanelSpec(("x",), slopes=False), seed=1)
    assert fit.converged
    sets = completed_sets(panel, complete(fit, SETS, seed=1))
    theirs = pd.read_csv(MICE / "pooled.csv").set_index(["outcome", "term"])
    for outcome, ours in (("level", "absence_mean"), ("change", "absence_change")):
        spec = sf.ModelSpec(ours, ("x",), group="industry")
        pooled = sf.fit(spec, list(sets.frames()), engine="reml").fitted
        for k, term in enumerate(pooled.terms):
            peer = theirs.loc[(outcome, term)]
            error = np.sqrt(peer["b"] / peer["m"] + pooled.error[k] ** 2)
            margin = 4 * error + 0.05 * np.sqrt(peer["t"])
            assert pooled.estimate[k] == pytest.approx(peer["estimate"], abs=margin), term
            share = np.sqrt(2 / peer["m"] + 2 / SETS)
            assert pooled.between[k] == pytest.approx(peer["b"], rel=4 * share), term
            assert pooled.within[k] == pytest.approx(peer["ubar"], rel=0.1), term
            assert np.sqrt(pooled.total[k]) == pytest.approx(np.sqrt(peer["t"]), rel=0.06), term
    # the posterior of the joint model itself: the slope of the level
    mine = fit.summary().loc["beta[x]"]
    peer = theirs.loc[("level", "x")]
    assert mine["mean"] == pytest.approx(peer["estimate"], abs=0.1 * np.sqrt(peer["t"]))
    assert mine["sd"] == pytest.approx(np.sqrt(peer["t"]), rel=0.1)
