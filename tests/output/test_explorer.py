"""The prior explorer's script gives what fits from scratch give: ICC, effects, prior's ICC."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.priors.explorer import explorer_model, explorer_priors
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.errors import UsageError
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.priors import Priors, icc_prior_quantiles
from tests.tools import need

SCRIPT = Path(sf.__file__).parent / "output" / "report" / "templates" / "explorer.js"
#: Priors between and at the ends of the sliders; none but the first is among the defaults.
PRIORS = {
    "default": (Prior("half-t"), Prior("normal", 2.5)),
    "tight": (Prior("half-normal", 0.13), Prior("normal", 0.07)),
    "gamma": (Prior("gamma", 0.4), Prior("normal", 0.31)),
    "exponential": (Prior("exponential", 3.3), Prior("normal", 7.0)),
    "flat": (Prior("flat"), Prior("flat")),
}


@pytest.fixture(scope="module")
def node() -> None:
    """Where there is none, or one too old, the browser's test covers the script."""
    need("node", "-e", "console.log(null ?? [1].at?.(-1))", answer="1")


def frame(seed: int, between: float) -> pd.DataFrame:
    """Rows of six unequal groups, with an ordinal and two yes-or-no predictors."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(6), [40, 25, 60, 12, 33, 50])
    x = rng.integers(1, 6, len(group)).astype(float)
    a, b = (rng.random((2, len(group))) < 0.3).astype(float)
    y = 6 + between * rng.normal(size=6)[group] - 0.3 * x + 0.8 * a + rng.normal(0, 3, len(group))
    return pd.DataFrame({"y": y, "x": x, "a": a, "b": b, "g": group.astype(str)})


def called(expression: str, model: dict[str, Any], **values: Any) -> Any:
    """Value of an expression of the script's functions on a model."""
    code = (
        f"const Explorer = require({json.dumps(str(SCRIPT))});"
        "const {model, ...given} = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"console.log(JSON.stringify({expression}));"
    )
    done = subprocess.run(
        ["node", "-e", code], input=json.dumps({"model": model, **values}),
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def as_script(group: Prior, slope: Prior) -> dict[str, Any]:
    """A pair of priors as the script has them; JSON has no infinity, 1e200 to the -2 is zero."""
    scale = 1e200 if slope.family == "flat" else slope.scale
    return {"group": {"family": group.family, "scale": group.scale}, "slope": scale}


@pytest.fixture(scope="module", params=[0.0, 2.0], ids=["no variation", "variation"])
def posterior(request: pytest.FixtureRequest) -> Posterior:
    """Two possible data sets of one model with three slopes, as where data are recovered."""
    return Posterior(
        tuple(
            fit_exact(
                Moments.from_frame(
                    frame(seed, request.param), outcome="y", predictors=["x", "a", "b"], group="g"
                )
            )
            for seed in (1, 2)
        )
    )


def result_of(posterior: Posterior) -> sf.Result:
    spec = sf.ModelSpec("y", predictors=("x", "a", "b"), group="g", unit="pp")
    made = sf.fit(spec, frame(1, 1.0), engine="exact")
    return sf.Result(spec, "exact", posterior, 0.95, made.provenance)


def refitted(posterior: Posterior, group: Prior, slope: Prior) -> Posterior:
    priors = Priors(slope=slope, sd_group=group)
    return Posterior(tuple(fit_exact(part.moments, priors) for part in posterior.parts))


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    "name",
    [
        name if name in {"default", "gamma", "flat"} else pytest.param(name, marks=pytest.mark.slow)
        for name in PRIORS
    ],
)
def test_script_agrees_with_fits_from_scratch(posterior: Posterior, name: str) -> None:
    group, slope = PRIORS[name]
    model = explorer_model(result_of(posterior))
    exact = refitted(posterior, group, slope)
    call = (
        "[Explorer.effect(model, given.prior, 'a', -2, 1.5), Explorer.icc(model, given.prior, 20)]"
    )
    effect, icc = called(call, model, prior=as_script(group, slope))
    coef = exact.coef.take([2])
    low, high = -2 * coef.quantile([0.975, 0.025])[0]
    # erfc is good to 1.2e-7 and nodes to 3e-6 of a distribution function: 4 digits, with room.
    assert effect["mean"] == pytest.approx(-2 * coef.mean()[0], rel=1e-5, abs=1e-5)
    assert effect["sd"] == pytest.approx(2 * coef.sd()[0], rel=1e-4)
    assert [effect["lower"], effect["upper"]] == pytest.approx([low, high], rel=1e-4, abs=1e-5)
    inside = coef.cdf(0.75)[0] - coef.cdf(-0.75)[0]
    assert effect["inside"] == pytest.approx(inside, abs=1e-5)
    negative = coef.cdf(0.0)[0]
    assert effect["direction"] == pytest.approx(max(negative, 1 - negative), abs=1e-5)
    assert icc["mean"] == pytest.approx(exact.mean("icc"), rel=1e-4)
    limits = exact.quantile("icc", [0.5, 0.975])
    assert [icc["median"], icc["upper"]] == pytest.approx(limits, rel=1e-4, abs=1e-5)
    assert icc["lower"] == pytest.approx(exact.quantile("icc", [0.025])[0], rel=1e-3, abs=1e-5)
    inner = exact.cdf("icc", np.arange(1, 20) / 20)
    assert icc["bins"] == pytest.approx(np.diff([0.0, *inner, 1.0]), abs=1e-5)


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("family", ["half-t", "half-normal", "exponential", "gamma"])
def test_script_has_the_priors_icc(family: str) -> None:
    result = sf.fit(sf.ModelSpec("y", group="g", unit="pp"), frame(1, 1.0))
    quantiles = icc_prior_quantiles(Prior("half-t"), Prior(family, 0.7), np.array([0.2, 0.5, 0.9]))
    call = "given.at.map((x) => Explorer.priorIccCdf(given.group, 1, x))"
    found = called(
        call, explorer_model(result), at=quantiles.tolist(), group={"family": family, "scale": 0.7}
    )
    # Python interpolates on a grid of step 0.025 in the logit.
    assert found == pytest.approx([0.2, 0.5, 0.9], abs=5e-4)


def test_export_is_resolved_and_unit_free(posterior: Posterior) -> None:
    result = result_of(posterior)
    model = explorer_model(result)
    assert len(model["error"]) == len(explorer_priors(Priors()))
    assert max(model["error"]) <= 3e-6
    assert len(model["data"]) == 2
    shares = frame(1, 1.0).assign(y=lambda f: f["y"] / 100)
    spec = sf.ModelSpec("y", predictors=("x",), group="g", unit="pp")
    one, other = (explorer_model(sf.fit(spec, f)) for f in (frame(1, 1.0), shares))
    assert one["data"][0]["within"] == pytest.approx(other["data"][0]["within"], rel=1e-6)
    assert one["data"][0]["scale"][-1] == pytest.approx(100 * other["data"][0]["scale"][-1])


def test_priors_that_the_page_does_not_know_are_refused() -> None:
    for name, prior in (("intercept", Prior("flat")), ("sd_resid", Prior("half-normal"))):
        spec = sf.ModelSpec("y", group="g", priors=Priors(**{name: prior}))
        with pytest.raises(UsageError, match=name):
            explorer_model(sf.fit(spec, frame(1, 1.0)))


def test_other_engines_are_refused() -> None:
    with pytest.raises(UsageError, match="no exact posterior"):
        explorer_model(sf.fit(sf.ModelSpec("y", group="g"), frame(1, 1.0), engine="reml"))
