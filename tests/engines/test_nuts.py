"""NUTS against exact on the same moments: the published null model and q13, and a singular one.

Also what happens when it does not converge, when it breaks down and when it is interrupted.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_sf as sf
from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.sampled import graph, nuts
from bayes_sf.errors import ConvergenceError
from bayes_sf.recovery.study import PublishedStudy, recover_study

pytestmark = pytest.mark.nuts


def agree(nuts: sf.Result, exact: sf.Result) -> None:
    """Means and sds within 4 MCSE, of every quantity that both report."""
    table = nuts.diagnostics()
    assert (table["r_hat"] < 1.01).all()
    assert (table[["ess_bulk", "ess_tail"]] > 400).all(axis=None)
    assert (table["divergences"] == 0).all()
    m = nuts.moments
    names = [f"beta[{term}]" for term in m.terms] + ["sd_group", "sd_resid", "icc"]
    names += [f"u[{group}]" for group in m.groups]
    for name, ours, theirs in zip(names, nuts.rows, exact.rows, strict=True):
        mcse = table.loc[name, ["mcse_mean", "mcse_sd"]]
        assert abs(ours.estimate - theirs.estimate) < 4 * mcse["mcse_mean"], name
        assert abs(ours.sd - theirs.sd) < 4 * mcse["mcse_sd"], name
        assert abs(table.loc[name, "exact_mcse"]) < 4, name
    assert table["exact_mcse"].notna().all()
    assert nuts.converged
    assert nuts.draws()["posterior"].sizes["chain"] == 4


def test_a_row_is_mean_sd_quantiles_and_side_of_its_draws() -> None:
    """Of 0 to 100 in closed form; a share of 0.7 above zero is a direction of 0.7, so is 0.3."""
    draws = np.random.default_rng(1).permutation(101).astype(float).reshape(1, -1)
    row = nuts.draws_row("x", "g", draws, 0.9)
    assert (row.term, row.group) == ("x", "g")
    assert row.estimate == pytest.approx(50)
    assert row.sd == pytest.approx(np.sqrt(101 * 102 / 12))
    assert (row.lower, row.upper) == pytest.approx((5, 95))
    for above in (0.0, 0.3, 0.5, 0.7, 1.0):
        sides = np.where(np.arange(1000) < 1000 * above, 2.0, -1.0).reshape(4, -1)
        found = nuts.draws_row("x", "", sides, 0.9)
        assert found.p_direction == pytest.approx(max(above, 1 - above))
    assert np.isnan(nuts.draws_row("sd_group", "", draws, 0.9, signed=False).p_direction)
    for exist, nan in ((2, (False, False)), (1, (False, True)), (0, (True, True))):
        row = nuts.draws_row("x", "", draws, 0.9, exist=exist)
        assert (np.isnan(row.estimate), np.isnan(row.sd)) == nan
        assert (row.lower, row.upper) == pytest.approx((5, 95))  # quantiles always exist


@pytest.fixture(scope="module")
def study() -> PublishedStudy:
    return recover_study().first(32)


@pytest.fixture(scope="module")
def null_pair(study: PublishedStudy) -> tuple[sf.Result, sf.Result]:
    spec = sf.load_analysis("null").specs[0]
    moments = study.recover(spec).draws[0]
    return sf.fit(spec, moments, engine="nuts", seed=4), sf.fit(spec, moments)


def test_null_model(null_pair: tuple[sf.Result, sf.Result]) -> None:
    agree(*null_pair)


def test_same_seed_same_draws(null_pair: tuple[sf.Result, sf.Result]) -> None:
    first = null_pair[0]
    again = sf.fit(first.spec, first.moments, engine="nuts", seed=4)
    pd.testing.assert_frame_equal(first.estimates, again.estimates)


def test_q13_and_a_boundary_case(study: PublishedStudy) -> None:
    """One compiled structure serves both: the data and prior scales are swapped."""
    spec = sf.load_analysis("q13").specs[0]
    moments = study.recover(spec).draws[0]
    agree(sf.fit(spec, moments, engine="nuts", seed=2), sf.fit(spec, moments))

    rng = np.random.default_rng(8)
    df = pd.DataFrame(
        {"y": rng.normal(size=60), "x": rng.normal(size=60), "g": list("abcdef") * 10}
    )
    df["y"] -= df.groupby("g")["y"].transform("mean")  # groups that do not differ at all
    own = sf.ModelSpec("y", predictors=("x",), group="g")
    assert sf.fit(own, df, engine="reml").fitted.boundary
    agree(sf.fit(own, df, engine="nuts", seed=3), sf.fit(own, df))


@pytest.mark.parametrize(
    ("family", "terms"),
    [("half-t", 0), ("half-normal", 2), ("exponential", 4), ("gamma", 2), ("flat", 0)],
)
def test_the_graph_is_the_density_that_exact_integrates(family: str, terms: int) -> None:
    """Up to a constant, for every prior family, with and without unused room."""
    import pymc as pm

    rng = np.random.default_rng(5)
    names = [f"x{i}" for i in range(terms)]
    df = pd.DataFrame(rng.normal(size=(40, terms)), columns=names)
    df["y"], df["g"] = rng.normal(size=40), list("aaaaabbc") * 5
    moments = sf.Moments.from_frame(df, outcome="y", predictors=names, group="g")
    data = standardise(moments)
    prior = sf.Prior(family) if family == "flat" else sf.Prior(family, scale=0.7)
    priors = sf.Priors(sd_group=prior, sd_resid=sf.Prior("exponential"))
    joint = Joint.build(data, resolve_priors(priors, data))
    room = -(-data.n_coef // 3) * 3
    model = graph.marginal_model(
        room, graph.prior_structure(joint.sd_resid), graph.prior_structure(joint.sd_group)
    )
    with model:
        pm.set_data(graph._numbers(joint, room))
    log_density = model.compile_fn(
        model.logp(), inputs=model.value_vars, point_fn=False, mode="FAST_COMPILE"
    )
    differences = []
    for sigma, tau in [(0.8, 0.1), (1.1, 0.9), (0.5, 3.0)]:
        ours = float(log_density(np.log(sigma), np.log(tau)))
        z = joint.place(np.array([tau / sigma]))
        ratio = joint.ratio(z[0] + np.array([-1e-6, 1e-6]))
        stretch = np.log(sigma * (ratio[1] - ratio[0]) / 2e-6) - np.log(tau)  # d ln tau/dz
        differences.append(ours - float(joint.log_density(np.log([sigma]), z)[0, 0] - stretch))
    for first, second in pairwise(differences):
        assert first == pytest.approx(second, abs=1e-6)


def test_one_compilation_serves_other_groups_and_coefficients(
    null_pair: tuple[sf.Result, sf.Result],
) -> None:
    before = graph._compiled.cache_info().misses
    rng = np.random.default_rng(8)
    df = pd.DataFrame({"y": rng.normal(size=90), "x": rng.normal(size=90), "g": [*range(9)] * 10})
    spec = sf.ModelSpec("y", predictors=("x",), group="g")
    agree(sf.fit(spec, df, engine="nuts", seed=3), sf.fit(spec, df))
    assert len(null_pair[0].moments.groups) != 9
    assert graph._compiled.cache_info().misses == before


def spoilt(trace: xr.DataTree) -> xr.DataTree:
    """The same trace, but every chain elsewhere."""
    shift = xr.DataArray(np.arange(4.0), dims="chain")
    trace["posterior/sd_group"] = trace["posterior/sd_group"] + shift
    return trace


def test_a_failed_fit_is_tried_once_more(
    null_pair: tuple[sf.Result, sf.Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, sample = null_pair[0], nuts.sample
    seen: list[Mapping[str, float]] = []

    def fail_once(compiled: Any, seed: int, settings: Mapping[str, float]) -> xr.DataTree:
        seen.append(settings)
        trace = sample(compiled, seed, settings)
        return spoilt(trace) if len(seen) == 1 else trace

    monkeypatch.setattr(nuts, "sample", fail_once)
    again = sf.fit(first.spec, first.moments, engine="nuts", seed=4)
    assert again.converged
    assert seen[0] == nuts.SETTINGS
    assert seen[1]["target_accept"] > nuts.SETTINGS["target_accept"]
    assert seen[1]["tune"] > nuts.SETTINGS["tune"]
    assert again.fitted.settings == seen[1]


def test_a_fit_that_fails_twice_is_marked(
    null_pair: tuple[sf.Result, sf.Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, sample = null_pair[0], nuts.sample
    monkeypatch.setattr(nuts, "sample", lambda *args: spoilt(sample(*args)))
    marked = sf.fit(first.spec, first.moments, engine="nuts", seed=4)
    assert not marked.converged
    assert "not converged" in repr(marked)
    assert "not converged" not in repr(first)
    assert list(marked.estimates.columns) == list(first.estimates.columns)


class Broken:
    """A sampler that does not finish."""

    def __init__(self, error: BaseException) -> None:
        self.error, self.cancelled = error, False

    def wait(self) -> None:
        raise self.error

    def cancel(self) -> None:
        self.cancelled = True


class RustPanicError(BaseException):
    """As PyO3's PanicException: no Exception."""


@pytest.mark.parametrize(
    ("error", "raised", "cancelled"),
    [
        (RustPanicError("index out of bounds"), ConvergenceError, False),
        (KeyboardInterrupt(), KeyboardInterrupt, True),
    ],
)
def test_a_sampler_that_does_not_finish(
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    raised: type[BaseException],
    cancelled: bool,
) -> None:
    broken = Broken(error)
    monkeypatch.setattr("nutpie.sample", lambda *_, **__: broken)
    with pytest.raises(raised):
        nuts.sample(None, 1, nuts.SETTINGS)
    assert broken.cancelled == cancelled


def test_progress_of_every_chain_is_shown(null_pair: tuple[sf.Result, sf.Result]) -> None:
    first, seen = null_pair[0], list[list[Any]]()
    with nuts.watch(seen.append):
        sf.fit(first.spec, first.moments, engine="nuts", seed=4)
    assert seen
    assert {len(chains) for chains in seen} == {4}
    assert {chain.total_draws for chains in seen for chain in chains} == {2000}
    count = len(seen)
    sf.fit(first.spec, first.moments, engine="nuts", seed=4)
    assert len(seen) == count  # nobody watches outside the block
