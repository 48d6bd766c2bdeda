"""Recorded calls of the engines: every route of `fit`, all that a result says, saved fits."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import bayes_sf as sf
from bayes_sf.engines.fit import rows_of
from bayes_sf.engines.panel.draws import complete
from bayes_sf.engines.panel.fitted import PanelFit
from bayes_sf.engines.panel.quantities import industry_table, workplace_table
from bayes_sf.engines.panel.sampling import fit_panel
from bayes_sf.engines.sampled.log_prior import log_prior
from bayes_sf.engines.sampled.pointwise import given_draws
from bayes_sf.engines.sampled.prior_draws import draw_prior, fixed_priors
from bayes_sf.engines.sets.rubin import pool
from bayes_sf.engines.store import load_fit, save_fit
from bayes_sf.spec.panel import PanelSpec
from tests import panels
from tests.recorded.frames import gaps, outcomes, rows
from tests.recorded.sampler import not_sampling
from tests.recorded.values import refused

_P = sf.Prior


def answers(result: Any) -> Iterator[Any]:
    """All that a result says of itself."""
    yield result.estimates
    yield result.summary()
    for name in ("fixef", "ranef", "varcorr", "icc", "glance"):
        if hasattr(result, name):
            yield refused(getattr(result, name))
    yield repr(result), result.prob, refused(lambda: result.n_obs)


def fit(what: Any, **options: Any) -> Any:
    """A fit to the small rows."""
    return sf.fit(what, options.pop("data", rows()), **options)


@cache
def exact() -> Any:
    """Exact, a random intercept with a category."""
    return fit("y ~ x + c + (1 | g)", prob=0.8)


@cache
def crossed() -> Any:
    """Exact, two crossed factors."""
    return fit("y ~ x + (1 | g) + (1 | h)")


# Gaussian -----------------------------------------------------------------------------------------


def of_exact() -> Any:
    one = exact()
    return list(answers(one)), one.draws(4, seed=2), fit("y ~ x + (1 | g)").icc(adjusted=False)


def of_exact_priors() -> Any:
    priors = {
        "normal": sf.Priors(
            intercept=_P("normal", 3.0, location=4.0, autoscale=False),
            slope=_P("normal", 0.5, location=0.2), sd_group=_P("half-normal"),
            sd_resid=_P("exponential"),
        ),
        "flat": sf.Priors.flat(),
        "gamma": sf.Priors(sd_group=_P("gamma", 0.5, shape=3.0), sd_resid=_P("half-t", df=1.0)),
        "uniform": sf.Priors(sd_group=_P("flat"), slope=_P("flat")),
    }  # fmt: skip
    return {
        name: refused(lambda given=given: fit("y ~ x + (1 | g)", priors=given).rows)
        for name, given in priors.items()
    }


def of_reml() -> Any:
    return [list(answers(fit("y ~ x + c + (1 | g)", engine=e))) for e in ("reml", "ml")]


def of_ols() -> Any:
    return list(answers(fit("y ~ x + c + (1 | g)", engine="ols")))


def of_gaps() -> Any:
    one = fit("y ~ x + c + (1 | g)", data=gaps(), engine="reml")
    return one.rows, one.provenance.gaps, str(one.provenance.gaps)


def of_weights() -> Any:
    formula = "y ~ x + (1 | g)"
    return [
        fit(formula, weights="w").rows, fit(formula, frequencies="k").rows,
        fit(formula, weights="w", engine="reml").rows,
        fit(formula, frequencies="k", engine="reml").rows,
    ]  # fmt: skip


def of_nested_predictors() -> Any:
    spec = sf.ModelSpec("y", ("x", "z"), "g", within_between=("x",), standardize=("z",))
    return fit(spec).rows, fit(spec, engine="reml").rows


def of_repeats() -> Any:
    return fit(sf.ModelSpec("y", ("x",), "g", repeats="m")).estimates


def of_few_groups() -> Any:
    few = rows()[rows()["g"].isin(["a", "b"])]
    cauchy = sf.Priors(sd_group=_P("half-t", df=1.0), intercept=_P("flat"))
    return [
        refused(lambda: fit("y ~ 1 + (1 | g)", data=few).rows),
        refused(lambda: fit("y ~ 1 + (1 | g)", data=few, priors=cauchy).rows),
        refused(lambda: fit("y ~ 1 + (1 | g)", data=few[few["g"] == "a"]).rows),
    ]


# Any random terms ---------------------------------------------------------------------------------


def of_crossed() -> Any:
    return list(answers(crossed())), crossed().draws(4, seed=4)


def of_mixed_reml() -> Any:
    one = fit("y ~ x + (1 + x | g) + (1 | h)", engine="reml")
    return list(answers(one))


def of_profile() -> Any:
    one = fit("y ~ x + (1 | g)", engine="ml")
    return one.confint(), one.confint(method="wald")


def of_mixed_profile() -> Any:
    one = fit("y ~ x + (1 | g) + (1 | h)", engine="ml")
    return one.confint(), one.confint(method="wald")


def of_mixed_weights() -> Any:
    return fit("y ~ x + (1 | g) + (1 | h)", weights="w", engine="reml").estimates


def of_nested_factors() -> Any:
    return fit("y ~ x * c + (1 | g/h)", engine="reml").estimates


# Other outcomes -----------------------------------------------------------------------------------


@cache
def maximum(family: str, terms: str = "x + (1 | g)", **options: Any) -> Any:
    """Most likely values."""
    left = "p(binomial, trials)" if family == "binomial" else family
    return sf.fit(f"{left} ~ {terms}", outcomes(), family=family, engine="ml", **options)


def of_maximum() -> Any:
    return {f: list(answers(maximum(f))) for f in ("bernoulli", "binomial", "poisson")}


def of_maximum_nodes() -> Any:
    return maximum("bernoulli", nAGQ=7).rows, maximum("poisson", "(1 | g) + (1 | h)").rows


# Sampled ------------------------------------------------------------------------------------------

_SAMPLED: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": ("y ~ x + (1 | g)", {}),
    "varying": (sf.ModelSpec("y", ("x", "z"), "g", varying=("x",), repeats="m"), {}),
    "horseshoe": (
        sf.ModelSpec(
            "y", ("o", "x"), "g", monotonic=("o",),
            priors=sf.Priors(slope=_P("horseshoe", scale=0.3, df=4.0, shape=1.5)),
        ),
        {},
    ),
    "r2d2": (
        sf.ModelSpec(
            "y", ("x", "z"), "g", resid_by_group=True,
            priors=sf.Priors(slope=_P("r2d2", 5.0, location=0.3)),
        ),
        {},
    ),
    "student": (sf.ModelSpec("y", ("x",), "g", likelihood="student"), {}),
    "mixed": ("y ~ x + (1 + x | g) + (1 | h)", {}),
    "hurdle": ("hurdle_gamma ~ x + (x || g)", {"family": "hurdle_gamma"}),
    "cumulative": ("cumulative ~ x + (1 | g)", {"family": "cumulative"}),
}  # fmt: skip


@cache
def sampled(name: str) -> Any:
    """Draws that nobody sampled: see `sampler`."""
    spec, options = _SAMPLED[name]
    with not_sampling():
        return sf.fit(spec, outcomes(), engine="nuts", **options)


def _of_sampled(name: str) -> Any:
    result = sampled(name)
    found = [result.fitted.tree, *answers(result)]
    if not result.spec.formula:
        made = rows_of(result.spec, outcomes())
        found.append(refused(lambda: log_prior(result.fitted.tree, made, result.spec)))
        given = given_draws(result.fitted.tree, made, result.spec)
        found.append(refused(lambda: given.replicate(seed=1)))
        found.append(given)
    return found


def of_sampled() -> Any:
    return {name: _of_sampled(name) for name in _SAMPLED}


def of_rows_of_draws() -> Any:
    return [refused(lambda n=n: sampled(n).draws(3, seed=1)) for n in _SAMPLED]


def of_priors_alone() -> Any:
    found = []
    for spec, options in _SAMPLED.values():
        if options or isinstance(spec, str):
            continue
        made = rows_of(spec, outcomes())
        found.append(refused(lambda s=spec, m=made: draw_prior(s, m, 40, seed=2)))
        found.append(refused(lambda s=spec, m=made: fixed_priors(s, m)[0].priors))
    return found


# Panels -------------------------------------------------------------------------------------------


@cache
def panel(**options: Any) -> PanelFit:
    """Draws of a panel that nobody sampled."""
    with not_sampling():
        return fit_panel(panels.make(n=10), PanelSpec(("item", "share"), **options))


def _of_panel(**options: Any) -> Any:
    fitted = panel(**options)
    done = complete(fitted, 3)
    return [
        fitted.tree, done, workplace_table(fitted, done), industry_table(fitted, done),
        fitted.summary(), fitted.data,
    ]  # fmt: skip


def of_panel() -> Any:
    return _of_panel(autocorrelation=True, period="walk", unlinked=True)


def of_panel_counts() -> Any:
    return _of_panel(likelihood="beta_binomial", slopes=False)


# Sets and files -----------------------------------------------------------------------------------


def impute(what: Any, frame: Any, **options: Any) -> Any:
    """Completed sets of chains that are too short to believe."""
    short = patch.multiple("bayes_sf.engines.sets.impute", _CHAINS=2, _TUNE=1, _FEWEST=4)
    with short:
        return sf.impute(what, frame, draws=5, **options)


@cache
def imputed() -> Any:
    """Two completed sets."""
    return impute("y ~ x + c + (1 | g)", gaps(), n_sets=2)


def of_imputed() -> Any:
    sets = imputed().frames
    formula = "y ~ x + c + (1 | g)"
    return [
        imputed(),
        sets,
        [list(answers(sf.fit(formula, sets, engine=e))) for e in ("reml", "exact")],
    ]


def of_imputed_kinds() -> Any:
    frame = gaps().assign(o=gaps()["o"].where(np.arange(len(gaps())) % 9 != 2))
    frame["b"] = np.where(frame["z"] > 0, "yes", "no")
    frame.loc[[1, 2, 33], "b"] = None
    sets = impute("y ~ o + b * x + (1 | g)", frame, n_sets=2, seed=4, auxiliary=["z"])
    return sets.frames


def of_pooling() -> Any:
    rng = np.random.default_rng(3)
    made = rng.normal(size=(5, 3)), rng.uniform(0.5, 1.0, (5, 3))
    return pool(*made, ["a", "b", "c"]), pool(*made, ["a", "b", "c"], df_complete=20.0)


def of_saved() -> Any:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = save_fit(sampled("varying"), Path(folder), hide=("a",))
        found += [load_fit(path), path.name]
    return found
