"""NUTS against exact on the same moments: the published null model and q13, and a singular one."""

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines.recovery import PublishedStudy, recover_study

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
    assert nuts.draws()["posterior"].sizes["chain"] == 4


@pytest.fixture(scope="module")
def study() -> PublishedStudy:
    return recover_study(seed=1, draws=32)


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
