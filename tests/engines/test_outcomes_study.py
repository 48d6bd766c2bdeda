"""What `tests/studies/outcomes.py` recorded: R's own data, and families that have no ``ml``."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_sf.spec.family import FAMILIES
from tests.engines.lme4_references import GLMER, kept, models, recorded
from tests.studies.outcomes import SAMPLED, WEIGHED
from tests.studies.sbc_outcomes import SLOPES

CSV = Path(__file__).parents[1] / "studies" / "outcomes.csv"
SIMULATED = (
    "beta_binomial", "negativebinomial", "beta", "hurdle_gamma", "hurdle_lognormal", "cumulative",
    "far_slopes",
)  # fmt: skip


@cache
def study() -> pd.DataFrame:
    table = pd.read_csv(CSV, keep_default_na=False, na_values={"sd": [""]})
    return table.set_index(["model", "how", "quantity", "name"]).sort_index()


def part(model: str, how: str, quantity: str) -> pd.DataFrame:
    """Values and sds by name."""
    return study().loc[(model, how, quantity)]


@pytest.mark.parametrize("model", [m for m in models(GLMER).index if m not in kept(GLMER)])
def test_maximum_likelihood_of_r_s_own_data_is_glmer_s(model: str) -> None:
    fixed, se = part(model, "ml", "fixef"), recorded(model, "se", GLMER)
    coef = recorded(model, "fixef", GLMER)
    assert set(coef) == set(fixed.index)
    for name, value in coef.items():
        assert abs(fixed.loc[name, "value"] - value) < 1e-5 * se[name], name
        assert fixed.loc[name, "sd"] == pytest.approx(se[name], rel=1e-5), name
    spreads = part(model, "ml", "spread")["value"]
    for name, value in (
        recorded(model, "sd", GLMER) | recorded(model, "correlation", GLMER)
    ).items():
        assert spreads[name] == pytest.approx(value, rel=1e-5), name


@pytest.mark.parametrize("model", WEIGHED)
def test_draws_are_of_the_posterior_that_importance_sampling_gives(model: str) -> None:
    """Same priors and likelihood, no code in common; four Monte Carlo errors of both together."""
    draws, other = part(model, "nuts", "posterior"), part(model, "importance", "posterior")
    sizes = [float(part(model, how, "ess")["value"].iloc[0]) for how in ("nuts", "importance")]
    assert min(sizes) > 1000
    error = np.sqrt(1 / sizes[0] + 1 / sizes[1])
    for name, row in other.iterrows():
        found = draws.loc[name]
        assert abs(found["value"] - row["value"]) < 4 * error * row["sd"], name
        assert abs(np.log(found["sd"] / row["sd"])) < 4 * error, (
            name
        )  # kurtosis of sds: > 1/sqrt(2)


@pytest.mark.parametrize("model", SAMPLED)
def test_draws_are_near_maximum_likelihood(model: str) -> None:
    """Posterior means of coefficients, priors being weak: within 0.4 standard errors."""
    draws, se = part(model, "nuts", "posterior"), recorded(model, "se", GLMER)
    for at, value in recorded(model, "fixef", GLMER).items():
        name = f"threshold[{at}]" if "|" in at else at
        assert abs(draws.loc[name, "value"] - value) < 0.4 * se[at], name
        assert 0.9 < draws.loc[name, "sd"] / se[at] < 1.4, name
    for name, value in recorded(model, "sd", GLMER).items():
        assert abs(draws.loc[name, "value"] - value) < draws.loc[name, "sd"], name


@pytest.mark.parametrize("model", SIMULATED)
def test_draws_find_what_data_were_made_of(model: str) -> None:
    """31 parameters in all: one in 700 is beyond 3.2 sds by chance."""
    draws, truth = part(model, "nuts", "posterior"), part(model, "truth", "posterior")
    assert set(truth.index) <= set(draws.index)
    for name, value in truth["value"].items():
        assert abs(draws.loc[name, "value"] - value) < 3.2 * draws.loc[name, "sd"], name


@pytest.mark.parametrize("model", [*SAMPLED, *SIMULATED])
def test_chains_converged(model: str) -> None:
    assert part(model, "nuts", "r_hat")["value"].iloc[0] < 1.01
    assert part(model, "nuts", "ess")["value"].iloc[0] >= 400
    assert part(model, "nuts", "divergences")["value"].iloc[0] == 0


def test_calibration_is_recorded() -> None:
    """`tests/studies/sbc_outcomes.py`: truths drawn from the prior have uniform ranks (SBC)."""
    table = pd.read_csv(CSV.parents[2] / "docs" / "calibration" / "outcomes.csv")
    assert set(table["family"]) == {*FAMILIES, *SLOPES} - {"gaussian"}
    assert (table["sets"] >= 200).all()
    assert table["p"].min() > 0.05 / len(table)
    error = np.sqrt(0.9 * 0.1 / table["sets"])
    assert ((table["inside_90"] - 0.9).abs() < 4 * error).all()
