"""`fit` with missing="model": a `Result` out of made-up draws of a panel, nothing sampled."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import bayes_sf as sf
from bayes_sf.engines.panel import result as panel_result
from bayes_sf.engines.panel import sampling
from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.fitted import PanelFit
from bayes_sf.engines.panel.report import _calendar_change, _noise, report
from bayes_sf.engines.store import load_fit, save_fit
from bayes_sf.errors import UsageError
from bayes_sf.spec.panel import PanelSpec
from tests import panels

PANEL, SPEC = panels.make(n=18, gaps=False), PanelSpec(("item", "share"))
ITEM = sf.ModelSpec("absence_mean", ("q13",), missing="model")


@pytest.fixture(scope="module")
def replica() -> Any:
    """Read it once."""
    return sf.load_sample("replica")


@pytest.fixture(scope="module")
def made() -> PanelFit:
    """Two hundred draws that nobody sampled."""
    data, rng, shape = PanelData(PANEL), np.random.default_rng(1), (4, 50)
    sizes = {"level": 3, "change": 3, "u": 3, "u_change": 3, "calendar": data.calendar[1].shape[1]}
    draws: dict[str, Any] = {
        name: (("chain", "draw", f"{name}_place"), rng.normal(size=(*shape, size)))
        for name, size in sizes.items()
    }
    for name in ("sd_resid", "sd_group", "sd_workplace", "sd_group_change", "sd_trend"):
        draws[name] = (("chain", "draw"), np.exp(0.1 * rng.normal(size=shape)))
    draws["weight_power"] = (("chain", "draw"), rng.normal(size=shape))
    trace = xr.Dataset(draws, coords={"chain": range(4), "draw": range(50)})
    tree = report(data, SPEC, trace)
    stats = {"diverging": np.zeros(shape, dtype=bool), "energy": rng.normal(size=shape)}
    stats["tree_depth"] = np.full(shape, 3)
    tree["sample_stats"] = xr.Dataset({n: (("chain", "draw"), v) for n, v in stats.items()})
    return PanelFit(SPEC, data, tree, trace)


def test_both_outcomes_share_a_fit_and_have_their_part_of_it(
    made: PanelFit, replica: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def fake(*_: Any, **__: Any) -> PanelFit:
        asked.append(1)
        return made

    monkeypatch.setattr(panel_result, "fit_panel", fake)
    for outcome, part in (("absence_mean", ""), ("absence_change", "_change")):
        spec = sf.ModelSpec(outcome, ("q13",), missing="model")
        result = sf.fit(spec, replica, engine="nuts", seed=77)
        draws = made.tree["posterior"][f"beta{part}"].sel(term="item").to_numpy()
        row = result.fixef().loc["item"]
        assert row["estimate"] == pytest.approx(draws.mean())
        assert row["upper"] == pytest.approx(np.quantile(draws, 0.975))
        icc = result.icc()
        assert icc["mean"] == pytest.approx(made.tree["posterior"][f"icc{part}"].mean().item())
        assert np.isnan(icc["prior_median"])
        assert (result.estimates["n"] == len(PANEL.code)).all()
        assert len(result.ranef()) == 3
        assert result.provenance.source == "replica"
        assert result.fitted.panel_fit is made
        assert "sd_workplace" in str(result.priors)
        saved = load_fit(save_fit(result, tmp_path))
        assert saved.tree["posterior"]["beta"].sizes["term"] == 3
    assert len(asked) == 1


def test_spreads_are_of_the_realised_quantities(made: PanelFit) -> None:
    """Variance of a mean of 16 noisy quarters, and of a difference of two, by workplace."""
    data, post, trace = made.data, made.tree["posterior"], made.trace
    draw = {name: trace[name].to_numpy()[2, 7] for name in trace.data_vars}
    noise = draw["sd_resid"] ** 2 * np.exp(-draw["weight_power"] * data.log_days)
    mean = draw["sd_workplace"] ** 2 + (noise.sum(axis=1) / 16**2).mean()
    places = [panels.QUARTERS.index(q) for q in ("2016Q4", "2019Q4")]
    change = draw["sd_trend"] ** 2 + noise[:, places].sum(axis=1).mean()
    for name, variance in (("sd_resid", mean), ("sd_resid_change", change)):
        found = post[name].to_numpy()[2, 7]
        assert found == pytest.approx(data.scale * np.sqrt(variance))


@pytest.mark.parametrize("rho", [None, 0.6, -0.3])
def test_quarters_residuals_give_mean_and_change_the_variance_of_dense_matrices(
    rho: float | None,
) -> None:
    """Workplace by workplace: a'Ca of the mean's weights, and of the change's two quarters."""
    data, sd, power = PanelData(PANEL), np.array([[0.7, 1.3]]), np.array([[0.4, -0.2]])
    draws = {"sd_resid": sd, "weight_power": power}
    if rho is not None:
        draws["autocorrelation"] = np.full((1, 2), (rho + 1) / 2)
    found, t = _noise(data, draws), len(data.time)
    change = np.zeros(t)
    change[data.change_places[0]], change[data.change_places[1]] = -1, 1
    for at in (0, 1):
        variances = []
        for days in data.log_days:
            own = sd[0, at] * np.exp(-0.5 * power[0, at] * days)
            cov = [[own[i] * own[j] * (rho or 0.0) ** abs(i - j) for j in range(t)]
                   for i in range(t)]  # fmt: skip
            variances.append([np.mean(cov), change @ cov @ change])
        wanted = np.mean(variances, axis=0)
        np.testing.assert_allclose([part[0, at] for part in found], wanted, rtol=1e-10)


def test_intercepts_are_where_predictors_are_zero(made: PanelFit) -> None:
    """Expected absence of a workplace with x = 0, its mean and change, season and all."""
    data, post = made.data, made.tree["posterior"]
    draw = {name: made.trace[name].to_numpy()[1, 3] for name in made.trace.data_vars}
    zero = -data.x_centre / data.x_scale
    line = draw["level"] @ [1, *zero] + (draw["change"] @ [1, *zero]) * data.time
    absence = data.location + data.scale * (line + data.calendar[1] @ draw["calendar"])
    places = [panels.QUARTERS.index(q) for q in ("2016Q4", "2019Q4")]
    found = post["beta"].to_numpy()[1, 3, 0], post["beta_change"].to_numpy()[1, 3, 0]
    assert found == pytest.approx((absence.mean(), absence[places[1]] - absence[places[0]]))


def test_what_a_line_is_made_of_is_in_the_outcome_s_unit(made: PanelFit) -> None:
    data, post, trace = made.data, made.tree["posterior"], made.trace
    for name in ("calendar", "sd_workplace", "sd_trend"):
        np.testing.assert_allclose(post[name], data.scale * trace[name], err_msg=name)
    for part in ("", "_change"):
        np.testing.assert_allclose(post[f"u{part}"], data.scale * trace[f"u{part}"])
        np.testing.assert_allclose(post[f"sd_group{part}"], data.scale * trace[f"sd_group{part}"])
        slopes = data.scale * trace["change" if part else "level"].to_numpy()[..., 1:]
        np.testing.assert_allclose(post[f"beta{part}"][..., 1:], slopes / data.x_scale)
    np.testing.assert_array_equal(post["weight_power"], trace["weight_power"])


def test_what_cannot_model_gaps(replica: Any) -> None:
    with pytest.raises(UsageError, match="use engine 'nuts'"):
        sf.fit(ITEM, replica, engine="exact")
    moments = sf.Moments("y", (), ("a",), np.ones(1), np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(UsageError, match="needs every workplace's quarters"):
        sf.fit(ITEM, moments, engine="nuts")


@pytest.mark.parametrize("walk", [False, True])
def test_the_calendar_moves_the_change_by_its_two_quarters(walk: bool) -> None:
    rng = np.random.default_rng(5)
    calendars = rng.normal(size=(2, 6, 3))
    data = SimpleNamespace(
        change_places=(1, 4), calendar=tuple(calendars), walk=walk, steps=rng.normal(size=(6, 5))
    )
    draws = {
        "calendar": rng.normal(size=(2, 7, 3)),
        "walk": rng.normal(size=(2, 7, 5)),
        "sd_period": rng.gamma(2.0, size=(2, 7)),
    }
    found = _calendar_change(data, draws)  # type: ignore[arg-type]
    for chain, draw in np.ndindex(2, 7):
        of = draws["calendar"][chain, draw]
        by_hand = calendars[1][4] @ of - calendars[1][1] @ of
        if walk:
            level = data.steps @ draws["walk"][chain, draw]
            by_hand += draws["sd_period"][chain, draw] * (level[4] - level[1])
        assert found[chain, draw] == pytest.approx(by_hand)


def test_summary_is_the_quantiles_of_all_draws(made: PanelFit) -> None:
    table, posterior = made.summary(0.8), made.tree["posterior"]
    for name, values in (
        ("sd_group", posterior["sd_group"]),
        ("beta_change[share]", posterior["beta_change"].sel(term="share")),
    ):
        ends = np.quantile(values.to_numpy(), [0.1, 0.9])
        np.testing.assert_allclose(table.loc[name, ["lower", "upper"]].astype(float), ends)


@pytest.mark.parametrize("retry", [True, False])
def test_a_fit_is_tried_again_where_that_is_asked_for(
    retry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = {"posterior": SimpleNamespace(to_dataset=dict)}
    compiled: Any = SimpleNamespace(with_data=lambda **_: None)
    monkeypatch.setattr(sampling, "sample", lambda *_: drawn)
    monkeypatch.setattr(sampling, "report", lambda *_: {})
    monkeypatch.setattr(sampling, "sampler_stats", lambda _: None)
    monkeypatch.setattr(sampling, "try_twice", lambda *_: "tried twice")
    found: object = sampling.fit_panel(PANEL, SPEC, compiled=compiled, retry=retry)
    assert (found == "tried twice") is retry
    assert isinstance(found, PanelFit) is not retry
    usual: object = sampling.fit_panel(PANEL, SPEC, compiled=compiled)
    assert usual == "tried twice", "unless it is asked for once"
