"""Methods of a fit in words: forced by the result, in both languages, for every engine."""

import re

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.errors import MissingWarning, UsageError
from tests.engines.test_group_slopes import sampled

SPEC = sf.ModelSpec("y", ("x",), "school", unit="pp")
#: Kruschke's steps: preamble, model, computation, posterior, decisions, sensitivity, again.
STEPS = {"", "1", "2", "3", "4", "5", "6"}


def frame(skewed: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    school = np.repeat(np.arange(8), 30)
    x = rng.normal(size=240)
    y = 2 + 0.4 * x + rng.normal(size=8)[school] + rng.normal(size=240)
    return pd.DataFrame({"y": np.exp(y) if skewed else y, "x": x, "school": school.astype(str)})


def test_the_paragraph_has_what_the_result_has() -> None:
    result = sf.fit(SPEC, frame())
    said = str(result.methods())
    assert "y (percentage points) of 240 rows in 8 groups (school)" in said
    assert "predictors: x." in said
    assert str(result.priors) in said
    assert "nothing was simulated" in said
    assert "intervals of 95 %" in said
    assert "agree in shape" in said
    assert "do not have the shape" in str(sf.fit(SPEC, frame(skewed=True)).methods())
    assert "intervals of 80 %" in str(sf.fit(SPEC, frame(), prob=0.8).methods())


def test_chains_are_told_by_their_diagnostics() -> None:
    result = sampled()
    said, table = result.methods(), result.diagnostics()
    assert f"R-hat at most {table['r_hat'].max():.3f}" in str(said)
    assert f"bulk ESS at least {table['ess_bulk'].min():.0f}" in str(said)
    assert ("NOT CONVERGED" in str(said)) is (not result.converged)
    check = said.checklist.set_index("asked").loc["Posterior predictive check"]
    assert check["state"] == "not done"
    assert "sf.loo" in check["said"]


def test_the_checklist_claims_nothing_that_was_not_done() -> None:
    found = sf.fit(SPEC, frame()).methods().checklist
    assert set(found["step"]) == STEPS
    assert (found.loc[found["state"] == "filled in", "said"] != "").all()
    undone = found.loc[found["state"] == "not done", "asked"].tolist()
    assert undone == ["Bayes factors, where models are compared", "Sensitivity to priors"]


def test_several_random_terms_and_other_languages() -> None:
    df = frame().assign(region=lambda d: (d["school"].astype(int) % 3).astype(str))
    result = sf.fit("y ~ x + (1 | school) + (1 | region)", df)
    assert "y ~ x + (1 | school) + (1 | region)" in str(result.methods())
    norwegian = str(sf.fit(SPEC, frame()).methods("nb"))
    assert "er modellert som normalfordelt" in norwegian
    assert "pymc" not in norwegian  # nothing was sampled
    assert str(sf.methods(sf.fit(SPEC, frame()), "nb")) == norwegian
    numbers = norwegian.partition("Regnet ut med")[0]  # versions have points
    assert not re.search(r"\d\.\d", numbers)


def test_without_a_posterior_there_is_nothing_to_report() -> None:
    with pytest.raises(UsageError, match="is about posteriors"):
        sf.fit(SPEC, frame(), engine="reml").methods()


def test_gaps_are_told_and_completed_sets_refused() -> None:
    frame = pd.DataFrame(
        {"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7, None], "x": [0.0, 1, 2] * 3 + [1],
         "g": list("aaabbbccca")}
    )  # fmt: skip
    with pytest.warns(MissingWarning):
        result = sf.fit("y ~ x + (1 | g)", frame)
    assert "1 of 10 rows were left out because of gaps (y (1))." in str(result.methods())
    whole = frame.dropna()
    sets = sf.fit("y ~ x + (1 | g)", [whole, whole.assign(y=whole["y"] + 0.1)])
    with pytest.raises(UsageError, match="completed data sets"):
        sets.methods()
