"""What lme4, emmeans, lmerTest, broom.mixed and performance recorded (`references/asked`)."""

from functools import cache
from pathlib import Path

import pandas as pd

import bayes_sf as sf
from tests.engines.lme4_references import data

ANSWERS = pd.read_csv(Path(__file__).parents[1] / "references" / "asked" / "answers.csv")
# lme4's theta is polished to better than 1e-7 (see test_mixed_lme4).
RELATIVE = 1e-6
# Degrees of freedom are second derivatives, which lmerTest has by differences.
OF_DF = 1e-3

MODELS = {
    "slopes": ("slopes", "y ~ x + (1 + x | g)"),
    "crossed": ("crossed", "y ~ x * c + z + (1 | a) + (1 | b)"),
    "three_terms": ("crossed", "y ~ poly(x, 2) + scale(z) + (1 + x | a) + (1 | b)"),
    "intercept": ("nested", "y ~ x + (1 | g)"),
    "intercept_ml": ("nested", "y ~ x + (1 | g)"),
}


@cache
def fitted(model: str, engine: str = "") -> sf.Result:
    """One of the models, by REML (or what its name says) or another engine."""
    name, formula = MODELS[model]
    return sf.fit(formula, data(name), engine=engine or ("ml" if "_ml" in model else "reml"))


def recorded(model: str, question: str) -> pd.DataFrame:
    """Answers to one question, by key."""
    table = ANSWERS[(ANSWERS["model"] == model) & (ANSWERS["question"] == question)]
    assert len(table)
    return table.set_index("key")
