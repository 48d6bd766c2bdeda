"""The prior fan: re-weighted posteriors against fits with each prior."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.analysis.priors import nodes
from bayes_sf.analysis.priors.prior_fan import GROUP_PRIORS, SLOPE_PRIORS, default_fan, prior_fan
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.recovery.study import PublishedStudy, recover_study

SPEC = sf.ModelSpec("y", ("x",), "g", unit="pp")


@pytest.fixture(scope="module")
def study() -> PublishedStudy:
    return recover_study().first(5)


def frame(seed: int = 3, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 5, n)
    x = rng.normal(size=n)
    y = 6 + 0.4 * x + rng.normal(size=5)[code] + 2 * rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcde"))[code]})


def agree(
    fan: pd.DataFrame, spec: sf.ModelSpec, data: object, priors: dict[str, sf.Priors]
) -> None:
    """Within 1e-3 posterior sds: nodes resolve distribution functions to 3e-6."""
    for name, prior in priors.items():
        refit = sf.fit(replace(spec, priors=prior), data)
        mine = fan[fan["prior"] == name].set_index(["term", "group"])
        means = refit.fitted.group_means
        rows = [(r.term, r.estimate, r.sd, r.lower, r.upper) for r in refit.rows if not r.group]
        for term, mean, sd, low, high in rows:
            if (term, "") not in mine.index:
                continue
            row = mine.loc[(term, "")]
            found = row[["mean", "sd", "lower", "upper"]].to_numpy(dtype=float)
            np.testing.assert_allclose(found, [mean, sd, low, high], atol=1e-3 * sd)
        groups = mine.loc["group mean"]
        np.testing.assert_allclose(groups["mean"], means.mean(), atol=1e-3 * means.sd().min())
        np.testing.assert_allclose(groups["sd"], means.sd(), rtol=1e-3)


def test_reweighted_is_refitted() -> None:
    fan = default_fan()
    table = prior_fan(sf.fit(SPEC, frame()), fan)
    assert set(table["prior"]) == set(fan)
    assert len(table) == 20 * (1 + 1 + 5)
    assert (table["error"] < 1e-5).all()
    agree(table, SPEC, frame(), dict(list(fan.items())[::3]))


def test_a_prior_of_ones_own_in_raw_units() -> None:
    own = sf.Priors(
        slope=sf.Prior("normal", scale=0.2, location=0.1, autoscale=False),
        sd_group=sf.Prior("half-normal", scale=0.5, autoscale=False),
        sd_resid=sf.Prior("gamma", shape=2.0),
    )
    fan = {"default": sf.Priors(), "own": own}
    agree(prior_fan(sf.fit(SPEC, frame()), fan), SPEC, frame(), fan)


def test_published_study_averages_over_its_data_sets(study: PublishedStudy) -> None:
    spec = next(s for s in sf.load_analysis("bivariate").specs if s.name == "q13")
    fan = dict(list(default_fan().items())[:10:3])
    table = prior_fan(sf.fit(spec, study), fan)
    agree(table, spec, study, fan)
    assert set(table["source"]) == {"published"}
    assert set(table["n_data"]) == {5}


def test_what_changes_is_said() -> None:
    """A slope two standard errors from zero is not concluded under a sceptical prior."""
    df = frame(n=200)
    df["y"] += (0.5 - np.polyfit(df["x"], df["y"], 1)[0]) * df["x"]
    fan = {"wide": sf.Priors(), "sceptical": sf.Priors(slope=sf.Prior("normal", scale=0.01))}
    table = prior_fan(sf.fit(SPEC, df), fan, groups=False, icc_bound=0.99)
    slope = table[table["term"] == "x"].set_index("prior")
    assert list(slope["concluded"]) == [True, False]
    assert list(slope["changes"]) == ["", "zero"]
    assert not table[table["term"] == "icc"]["concluded"].any()
    icc = table[(table["term"] == "icc") & (table["prior"] == "wide")].iloc[0]
    assert icc["p_above"] == pytest.approx(0.0, abs=1e-3)


def test_probabilities_are_those_of_the_fitted_posterior() -> None:
    """At a quantile of the ICC what is above it is known; a slope's direction is the fit's."""
    result = sf.fit(SPEC, frame())
    for share in (0.01, 0.3, 0.9):
        bound = float(result.fitted.quantile("icc", [share])[0])
        table = prior_fan(result, {"same": sf.Priors()}, groups=False, icc_bound=bound)
        icc, slope = (table[table["term"] == term].iloc[0] for term in ("icc", "x"))
        assert icc["p_above"] == pytest.approx(1 - share, abs=1e-4)  # nodes resolve 3e-6
        assert icc["concluded"] == (share < 0.025)
        assert slope["p_direction"] == pytest.approx(
            result.fixef().iloc[1]["p_direction"], abs=1e-4
        )
        assert 0.6 < slope["p_direction"] < 0.999


@pytest.mark.parametrize("cut", ["below", "above"])
def test_mass_beyond_the_first_limits_is_found(cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that leave out much of the mass are widened until none is at an edge."""
    df = frame()
    df["y"] += df["g"].map(dict(zip("abcde", [-4, 6, 0, 3, -8], strict=True)))  # tau far from 0
    result, fan = sf.fit(SPEC, df), {"default": sf.Priors()}
    data = [part.data for part in exact_posterior(result).parts]
    low, high = nodes._limits(data, list(fan.values()))
    assert low > 0
    limits = (0.6 * low + 0.4 * high, high) if cut == "below" else (0.0, (low + high) / 2)
    short = nodes.Nodes.over(data, list(fan.values()), limits, 48, 8)
    assert short.errors[0, 2] > 0.01
    monkeypatch.setattr(nodes, "_limits", lambda *_: limits)
    table = prior_fan(result, fan)
    assert (table["error"] < 1e-5).all()
    agree(table, SPEC, df, fan)


@pytest.mark.parametrize("low", [0.0, 0.6, 0.9])
def test_mass_at_the_lower_end_is_an_error_unless_that_is_0(low: float) -> None:
    data = [part.data for part in exact_posterior(sf.fit(SPEC, frame())).parts]
    high = nodes._limits(data, [sf.Priors()])[1]
    found = nodes.Nodes.over(data, [sf.Priors()], (low, high), 48, 8)
    density = found.weight.sum(axis=(0, 1, 3)) / found.z.weights
    cut = density[0] / density.max()
    assert (cut > 0.01) == (low > 0), "or the mass is elsewhere"
    assert found.errors[0, 2] == pytest.approx(cut if low > 0 else 0.0, abs=nodes.RESOLVED)


def test_an_axis_that_is_not_resolved_gets_half_as_many_nodes_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[tuple[int, int]] = []
    over = nodes.Nodes.over

    def spied(data: Any, priors: Any, limits: Any, n_z: int, n_t: int) -> nodes.Nodes:
        tried.append((n_z, n_t))
        return over(data, priors, limits, n_z, n_t)

    data = [part.data for part in exact_posterior(sf.fit(SPEC, frame())).parts]
    limits = nodes._limits(data, [sf.Priors()])
    monkeypatch.setattr(nodes, "_limits", lambda *_: limits)
    monkeypatch.setattr(nodes.Nodes, "over", spied)
    monkeypatch.setattr(nodes, "_START", (8, 2))
    nodes.Nodes.resolve(data, [sf.Priors()])
    assert len(tried) > 2
    for axis in zip(*tried, strict=True):
        for before, after in pairwise(axis):
            assert before == after or 1.5 * before - 1 < after <= 1.5 * before + 1


def test_nothing_is_concluded_of_group_means() -> None:
    """However far from zero: their rows have neither direction nor change."""
    fan = {"wide": sf.Priors(), "sceptical": sf.Priors(slope=sf.Prior("normal", scale=0.01))}
    table = prior_fan(sf.fit(SPEC, frame()), fan)
    means = table[table["term"] == "group mean"]
    assert len(means) == 10
    assert (means["lower"] > 0).any()
    assert not means["concluded"].any()
    assert (means["sign"] == 0).all()
    assert (means["changes"] == "").all()
    assert means[["p_direction", "p_above"]].isna().all(axis=None)


def test_the_exponential_of_the_fan_leaves_a_twentieth_above_the_outcome_s_sd() -> None:
    prior = GROUP_PRIORS["exponential"]
    assert stats.expon(scale=prior.scale).sf(1.0) == pytest.approx(0.05)


def test_the_default_fan_has_twenty_named_priors() -> None:
    assert len(default_fan()) == len(SLOPE_PRIORS) * len(GROUP_PRIORS) == 20


def test_what_is_refused() -> None:
    result = sf.fit(SPEC, frame())
    with pytest.raises(UsageError, match="at least one prior"):
        prior_fan(result, {})
    with pytest.raises(UsageError, match="between 0 and 1"):
        prior_fan(result, default_fan(), prob=1.0)
    with pytest.raises(UsageError, match="normal or flat slopes"):
        prior_fan(result, {"r2d2": sf.Priors(slope=sf.Prior("r2d2", 5.0))})
    with pytest.raises(UsageError, match="engine 'reml'"):
        prior_fan(sf.fit(SPEC, frame(), engine="reml"), default_fan())
    two = frame()[lambda d: d["g"].isin(["a", "b"])]
    with pytest.raises(SpecError, match="proper posterior"):
        prior_fan(sf.fit(SPEC, two), {"flat": sf.Priors.flat()})
