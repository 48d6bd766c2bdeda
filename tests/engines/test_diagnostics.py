"""Diagnostics and verdict, from raw values: against ArviZ, and on chains made wrong."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from bayes_sf.engines.sampled.diagnostics import Check, checks, converged, diagnose

type Floats = NDArray[np.float64]

BASE = ("chain", "draw")


def tree(sd_group: Floats, diverging: int = 0, exact: Floats | None = None) -> xr.DataTree:
    """Chains of one parameter, beside two coefficients that are fine."""
    rng = np.random.default_rng(3)
    shape = sd_group.shape
    flags = np.zeros(shape, dtype=bool)
    flags.ravel()[:diverging] = True
    posterior = xr.Dataset(
        {"beta": ((*BASE, "term"), rng.normal(size=(*shape, 2))), "sd_group": (BASE, sd_group)},
        coords={"term": ["(Intercept)", "q13"]},
    )
    stats = {
        "energy": rng.normal(size=shape), "diverging": flags,
        "tree_depth": rng.integers(1, 4, size=shape),
    }  # fmt: skip
    groups = {
        "posterior": posterior,
        "sample_stats": xr.Dataset({name: (BASE, value) for name, value in stats.items()}),
    }
    if exact is not None:
        both = {"beta": (("moment", "term"), exact[:, :2]), "sd_group": ("moment", exact[:, 2])}
        groups["exact"] = xr.Dataset(both, coords={"term": ["(Intercept)", "q13"]})
    return xr.DataTree.from_dict(groups)


@pytest.fixture
def good() -> Floats:
    return np.random.default_rng(4).normal(5.0, 2.0, size=(4, 1000))


def test_the_table_is_arviz_s(good: Floats) -> None:
    import arviz as az

    chains = tree(good)
    found = diagnose(chains)
    assert list(found.index) == ["beta[(Intercept)]", "beta[q13]", "sd_group"]
    theirs = {
        "ess_bulk": az.ess(chains, method="bulk"),
        "ess_tail": az.ess(chains, method="tail", prob=(0.05, 0.95)),
        "r_hat": az.rhat(chains),
        "mcse_mean": az.mcse(chains, method="mean"),
        "mcse_sd": az.mcse(chains, method="sd"),
    }
    for column, value in theirs.items():
        flat = [*value["beta"].to_numpy(), value["sd_group"].item()]
        np.testing.assert_allclose(found[column], flat, rtol=1e-10)
    assert found["mean"].iloc[2] == pytest.approx(good.mean())
    assert found["sd"].iloc[2] == pytest.approx(good.std(ddof=1))
    assert (found["bfmi"] == az.bfmi(chains)["energy"].min().item()).all()
    assert (found["tree_depth"] == 3).all()
    assert found[["exact_mcse", "exact_mcse_sd"]].isna().all(axis=None)


def test_distance_to_exact_is_in_units_of_the_mcse(good: Floats) -> None:
    exact = np.array([[0.0, 0.1, 5.0], [1.0, 1.1, np.nan], [3.0, 5.0, np.nan]])
    chains = tree(good, exact=exact)
    found = diagnose(chains)
    row, mine = found.loc["beta[q13]"], chains["posterior/beta"].to_numpy()[..., 1].ravel()
    assert row["exact_mcse"] == pytest.approx(
        (row["mean"] - 0.1) / (row["mcse_mean"] * 1.1 / mine.std()), rel=1e-3
    )
    off = mine - mine.mean()
    ratio = np.sqrt((5.0 - 1.1**4) / 1.1**2) / np.sqrt(
        ((off**4).mean() - mine.var() ** 2) / mine.var()
    )
    assert row["exact_mcse_sd"] == pytest.approx((row["sd"] - 1.1) / (row["mcse_sd"] * ratio))
    assert np.isnan(found.loc["sd_group", "exact_mcse_sd"])  # a moment that does not exist


def failed(table_of: xr.DataTree) -> list[Check]:
    table = diagnose(table_of)
    wrong = [check for check in checks(table) if not check.passed]
    assert converged(table) == (not wrong)
    return wrong


def test_good_chains_pass(good: Floats) -> None:
    assert failed(tree(good)) == []


def stuck(chains: Floats) -> Floats:
    return chains + np.array([0.0, 0.0, 0.0, 1.0])[:, None]  # one chain is elsewhere


def slow(chains: Floats) -> Floats:
    smooth = np.zeros_like(chains)
    for i in range(1, chains.shape[1]):
        smooth[:, i] = 0.95 * smooth[:, i - 1] + chains[:, i]
    return smooth


@pytest.mark.parametrize(
    ("spoil", "names"),
    [(stuck, {"R-hat"}), (slow, {"bulk ESS"}), (lambda x: np.full_like(x, np.nan), {"R-hat"})],
)
def test_bad_chains_fail_and_are_named(
    good: Floats, spoil: Callable[[Floats], Floats], names: set[str]
) -> None:
    wrong = failed(tree(spoil(good)))
    assert names <= {check.name for check in wrong}
    assert {check.parameter for check in wrong} == {"sd_group"}


def test_one_divergence_fails(good: Floats) -> None:
    (only,) = failed(tree(good, diverging=1))
    assert (only.name, only.parameter, only.value) == ("divergences", "", 1)


@pytest.mark.parametrize(("r_hat", "passed"), [(1.00999, True), (1.01, False)])
def test_the_verdict_is_from_raw_values(good: Floats, r_hat: float, passed: bool) -> None:
    """Both print as 1.010."""
    table = diagnose(tree(good))
    table.loc["sd_group", "r_hat"] = r_hat
    assert converged(table) == passed


def test_an_icc_that_is_often_zero_is_not_judged() -> None:
    """Of Student-t residuals that have no variance: its parts are judged instead."""
    rng = np.random.default_rng(1)
    values = {name: rng.normal(size=(4, 500)) for name in ("sd_resid", "icc", "energy")}
    values["icc"] = np.where(rng.random((4, 500)) < 0.5, 0.0, values["icc"])
    dims = ("chain", "draw")
    stats = {
        "diverging": (dims, np.zeros((4, 500), dtype=bool)),
        "energy": (dims, values.pop("energy")),
        "tree_depth": (dims, np.full((4, 500), 3)),
    }
    posterior = xr.Dataset({name: (dims, value) for name, value in values.items()})
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": xr.Dataset(stats)})
    table = diagnose(tree)
    assert list(table.index) == ["sd_resid"]
    assert converged(table)


@pytest.mark.parametrize(("zeros", "judged"), [(199, True), (200, False)])
def test_an_icc_that_is_0_in_a_twentieth_of_the_draws_is_left_out(
    good: Floats, zeros: int, judged: bool
) -> None:
    chains = tree(good)
    icc = np.full(good.shape, 0.3)
    icc.ravel()[:zeros] = 0.0
    chains["posterior"] = chains["posterior"].to_dataset().assign(icc=(BASE, icc))
    assert ("icc" in diagnose(chains).index) == judged
