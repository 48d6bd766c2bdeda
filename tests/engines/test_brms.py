"""Crossed, nested and weighted models and other outcomes beside brms, with exactly our priors.

`tests/references/brms` (README.md there) has brms's figures of models whose rows are kept, which
are fitted here, and of R's own data, of which our figures are recorded, too. Means, sds and limits
of 95 % must agree within 4 Monte Carlo errors, of both together where ours has one.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines.mixed.fit import matrices_of
from bayes_sf.engines.mixed.prior import mixed_priors
from bayes_sf.engines.mixed.products import build_products
from bayes_sf.engines.outcomes.prior import outcome_priors
from bayes_sf.spec.family import family_of
from bayes_sf.spec.model import ModelSpec
from tests.engines.lme4_references import BRMS, GLMER, MIXED, data, models, term
from tests.studies.brms import figures, sampled

FIGURES = ("mean", "sd", "q2.5", "q97.5")
ALL = models(BRMS)
PLACES = {
    name: folder
    for name in ALL["data"].unique()
    for folder in (MIXED, GLMER)
    if (folder / "data" / f"{name}.csv").exists()
}
KEPT = list(ALL.index[ALL["data"].isin(PLACES)])
GAUSSIAN = list(ALL.index[ALL["family"] == "gaussian"])
NOT_KEPT = [m for m in ALL.index if m not in KEPT]


def by_brms(model: str) -> pd.DataFrame:
    """Brms's figures, by our name of the variable."""
    table = pd.read_csv(BRMS / "fits.csv")
    table = table[table["model"] == model]
    return table.set_index(table["variable"].map(term))


@cache
def recorded() -> pd.DataFrame:
    return pd.read_csv(BRMS / "ours.csv").set_index(["model", "engine", "variable"]).sort_index()


def agree(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Every variable of theirs, every figure."""
    ours = ours.rename(index=lambda name: name if "threshold" not in name else name.split("|")[0])
    theirs = theirs.rename(index=lambda name: name.rstrip("]") if "threshold" in name else name)
    assert set(theirs.index) <= set(ours.index)
    ours = ours.loc[theirs.index]
    for figure in FIGURES:
        own = ours[f"mcse_{figure}"].fillna(0.0) if f"mcse_{figure}" in ours else 0.0  # exact
        error = np.hypot(theirs[f"mcse_{figure}"], own)
        away = (ours[figure] - theirs[figure]).abs() / error
        assert away.max() < 4, (figure, away.idxmax(), away.max())


@pytest.mark.parametrize("model", ALL.index)
def test_brms_s_chains_converged(model: str) -> None:
    theirs = by_brms(model)
    assert theirs["rhat"].max() < 1.01
    assert len(theirs) >= 8


@pytest.mark.parametrize("model", KEPT)
def test_priors_are_brms_s(model: str) -> None:
    """What is autoscaled here was written there in numbers, of every coefficient and sd."""
    asked = ALL.loc[model]
    table = pd.read_csv(BRMS / "priors.csv")
    table = table[table["model"] == model].set_index("parameter")[["location", "scale"]]
    frame = data(asked["data"], PLACES[asked["data"]])
    spec = ModelSpec.from_formula(
        asked["formula"], family=asked["family"], weights=asked["weights"]
    )
    made = matrices_of(spec, frame)
    found = {}
    if asked["family"] == "gaussian":
        products = build_products(made)
        priors = mixed_priors(products, sf.Priors())
        y_sd = products.scale[-1]
        for place, name in enumerate(made.terms):
            unit = y_sd / (1.0 if name == "(Intercept)" else products.scale[place])
            found[name] = priors.mean[place] * unit, unit / np.sqrt(priors.precision[place])
        found["(Intercept)"] = priors.stated.intercept.location, found["(Intercept)"][1]
        found["sd_resid"] = 0.0, priors.resid.scale * y_sd
        spreads = {prior.scale * y_sd for prior in priors.spreads}
    else:
        named = outcome_priors(made, family_of(spec.family), spec)
        spreads = {p.scale for name, p in named.items() if name.startswith("sd_(Intercept)")}
        of_slopes = [p for n, p in named.items() if n[:3] == "sd_" and n[:6] != "sd_(In"]
        found = {n: (p.location, p.scale) for n, p in named.items() if n[:3] not in {"sd_", "cor"}}
        found |= {name: (0.0, p.scale) for name, p in zip(["sd_slope"], of_slopes, strict=False)}
        assert {p.shape for n, p in named.items() if n.startswith("cor_")} <= {2.0}  # fit.R's
    (found["sd"],) = {(0.0, round(spread, 9)) for spread in spreads}
    # Thresholds have means of their own (test_outcomes_graph.py) and the intercept's scale.
    is_cut = table.index.str.startswith("threshold")
    assert set(table.loc[is_cut, "scale"]) <= {found["(Intercept)"][1]}
    for name, row in table[~is_cut].iterrows():
        assert found[term(str(name))] == pytest.approx(tuple(row), rel=1e-8, abs=1e-8), name


def fit(model: str, engine: str) -> sf.Result:
    asked = ALL.loc[model]
    return sf.fit(
        asked["formula"], data(asked["data"], PLACES[asked["data"]]), engine=engine,
        family=asked["family"], weights=asked["weights"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "model", ["nested", "weighted", pytest.param("crossed", marks=pytest.mark.slow)]
)
def test_exact_posteriors_are_brms_s(model: str) -> None:
    agree(figures(fit(model, "exact")), by_brms(model))


@pytest.mark.nuts
@pytest.mark.slow
@pytest.mark.parametrize("model", KEPT)
def test_draws_are_of_the_same_posterior(model: str) -> None:
    result = fit(model, "nuts")
    assert result.converged
    agree(sampled(result), by_brms(model))
    if model in GAUSSIAN:
        agree(figures(fit(model, "exact")), sampled(result))


@pytest.mark.parametrize("model", NOT_KEPT)
def test_what_is_recorded_of_r_s_own_data_is_brms_s(model: str) -> None:
    for engine in ("exact", "nuts") if model in GAUSSIAN else ("nuts",):
        agree(recorded().loc[(model, engine)], by_brms(model))


@pytest.mark.parametrize("model", [m for m in NOT_KEPT if m in GAUSSIAN])
def test_exact_is_nuts_but_for_its_error(model: str) -> None:
    agree(recorded().loc[(model, "exact")], recorded().loc[(model, "nuts")])
