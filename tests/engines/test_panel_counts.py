"""The panel of counts: its density against SciPy's beta-binomial, rounding, gaps, differences."""

import numpy as np
import pytest
from scipy import special, stats

from bayes_sf.engines.panel.counts import count_quarters, draw_counts, log_density_of_counts
from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.graph import panel_model
from bayes_sf.engines.panel.report import report
from bayes_sf.errors import SpecError
from bayes_sf.spec.panel import PanelSpec
from tests import panels

SPEC = PanelSpec(("item", "share"), likelihood="beta_binomial")


def test_density_is_scipys_beta_binomial() -> None:
    """Differences between two points: the binomial coefficients are left out."""
    data = PanelData(panels.make(n=12, gaps=False))
    counts, rows = count_quarters(data), np.arange(12)
    rng = np.random.default_rng(1)
    found, wanted = [], []
    for concentration in (30.0, 200.0):
        linear = rng.normal(size=(12, 1, 16))
        found.append(log_density_of_counts(data, linear, concentration, rows)[:, 0])
        mu = special.expit(counts.centre + counts.unit * linear[:, 0])
        dense = stats.betabinom.logpmf(
            counts.lost, counts.days.astype(int), mu * concentration, (1 - mu) * concentration
        )
        wanted.append((dense * data.mask).sum(axis=1))
    np.testing.assert_allclose(found[0] - found[1], wanted[0] - wanted[1], atol=1e-6)


@pytest.mark.parametrize("gaps", [False, True])
def test_graph_has_that_density_summed_over_answers(gaps: bool) -> None:
    """The graph's likelihood at a random point, and workplaces' densities one by one."""
    data = PanelData(panels.make(n=12, gaps=gaps))
    model = panel_model(data, SPEC)
    rng = np.random.default_rng(3)
    point = {n: 0.3 * rng.normal(size=np.shape(v)) for n, v in model.initial_point().items()}
    names = ["level", "change", "u", "u_change", "calendar", "sd_workplace", "sd_trend"]
    names += ["z_workplace", "z_trend", "concentration", "likelihood"]
    names += ["missing_share", "answers_item"] if gaps else []
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    value = dict(
        zip(
            names,
            model.compile_fn(outputs, inputs=model.value_vars, mode="FAST_COMPILE",
                             on_unused_input="ignore")(point),
            strict=True,
        )
    )  # fmt: skip
    x, code = data.x.copy(), data.panel.code
    if gaps:
        logit = special.logit(data.panel.x[:, 1])
        middle, spread = np.nanmean(logit), np.nanstd(logit, ddof=1)
        filled = special.expit(value["missing_share"] * spread + middle)
        x[np.isnan(logit), 1] = (filled - data.x_centre[1]) / data.x_scale[1]
    scores = (np.arange(1.0, 6) - data.x_centre[0]) / data.x_scale[0]
    places = np.unique(code[np.isnan(data.panel.x[:, 0])])
    total = 0.0
    for i in range(12):
        unknown = np.isnan(data.panel.x[i, 0])
        each = []
        for c in range(5 if unknown else 1):
            row = np.array([scores[c], x[i, 1]]) if unknown else x[i]
            middle = value["level"] @ [1, *row] + value["u"][code[i]]
            middle += value["sd_workplace"] * value["z_workplace"][i]
            slope = value["change"] @ [1, *row] + value["u_change"][code[i]]
            slope += value["sd_trend"] * value["z_trend"][i]
            linear = middle + slope * data.time + data.calendar[1] @ value["calendar"]
            fits = log_density_of_counts(
                data, linear[None, None], float(value["concentration"]), np.array([i])
            )
            log_share = 0.0
            if unknown:
                shares = value["answers_item"][np.searchsorted(places, code[i])]
                log_share = np.log(shares[c])
            each.append(fits[0, 0] + log_share)
        total += special.logsumexp(each)
    assert float(value["likelihood"]) == pytest.approx(total, rel=1e-9)


def test_rounding_is_counted() -> None:
    """5.3 % of 759.5 days are 40.25 lost: 40 of 760 is 5.263 %."""
    panel = panels.make(n=12, gaps=False)
    days, y = np.full(panel.y.shape, 100.0), np.full(panel.y.shape, 5.0)
    y[1:, 0] += np.arange(11)
    days[0, 0], y[0, 0] = 759.5, 5.3
    counts = count_quarters(PanelData(panels.replaced(panel, y=y, days=days)))
    assert (counts.lost[0, 0], counts.days[0, 0]) == (40, 760)
    assert counts.n_rounded == 1
    assert counts.largest == pytest.approx(5.3 - 4000 / 760)


def test_gaps_are_drawn_and_figures_stay(rng: np.random.Generator) -> None:
    """Mean and sd of 4,000 draws of a gap: those of a beta-binomial share, in 3 %."""
    data = PanelData(panels.make(n=12, gaps=False))
    counts, linear = count_quarters(data), np.zeros(data.y.shape)
    drawn = np.array([draw_counts(data, linear, 50.0, rng) for _ in range(4000)])
    seen = data.panel.observed
    np.testing.assert_array_equal(drawn[0][seen], data.panel.y[seen])
    i, t = np.argwhere(~seen)[0]
    mu, n = special.expit(counts.centre), counts.days[i, t]
    exact = stats.betabinom(int(n), 50 * mu, 50 * (1 - mu))
    assert drawn[:, i, t].mean() == pytest.approx(100 * exact.mean() / n, rel=0.03)
    assert drawn[:, i, t].std() == pytest.approx(100 * exact.std() / n, rel=0.05)


def test_reported_slopes_are_differences_of_expected_absence() -> None:
    """A predictor moved by a thousandth for everybody, mean and change; by hand."""
    import xarray as xr

    data = PanelData(panels.make(n=12, gaps=False))
    rng = np.random.default_rng(8)
    base = {
        "level": rng.normal(size=3), "change": rng.normal(size=3), "u": rng.normal(size=3),
        "u_change": rng.normal(size=3), "calendar": rng.normal(size=data.calendar[1].shape[1]),
        "sd_group": 0.7, "sd_group_change": 0.3, "sd_workplace": 1.0, "sd_trend": 0.5,
        "z_workplace": rng.normal(size=12), "z_trend": rng.normal(size=12), "concentration": 90.0,
    }  # fmt: skip
    trace = xr.Dataset(
        {
            name: (("chain", "draw", *(f"{name}_{d}" for d in range(np.ndim(v)))),
                   np.asarray(v, dtype=float)[None, None])
            for name, v in base.items()
        },
        coords={"chain": [0], "draw": [0]},
    )  # fmt: skip
    told = report(data, SPEC, trace)["posterior"]
    counts, code = count_quarters(data), data.panel.code

    def absence(step: float) -> np.ndarray:
        x = data.x + np.array([step / data.x_scale[0], 0.0])
        middle = base["level"][0] + x @ base["level"][1:] + base["u"][code] + base["z_workplace"]
        slope = base["change"][0] + x @ base["change"][1:] + base["u_change"][code]
        slope = slope + 0.5 * base["z_trend"]
        period = data.calendar[1] @ base["calendar"]
        linear = middle[:, None] + np.outer(slope, data.time) + period
        return 100 * special.expit(counts.centre + counts.unit * linear)

    moved = (absence(1e-3) - absence(-1e-3)) / 2e-3
    first, last = data.change_places
    assert told["beta"].sel(term="item").item() == pytest.approx(moved.mean(), rel=1e-5)
    change = (moved[:, last] - moved[:, first]).mean()
    assert told["beta_change"].sel(term="item").item() == pytest.approx(change, rel=1e-5)
    mu, n = absence(0.0) / 100, counts.days
    noise = 1e4 * stats.betabinom(n.round(), 90 * mu, 90 * (1 - mu)).var() / n**2
    both = [noise.mean(axis=1) / noise.shape[1], noise[:, first] + noise[:, last]]
    for part, own, variance in zip(("", "_change"), (1.0, 0.5), both, strict=True):
        by = told[f"sd_group{part}"].item() / base[f"sd_group{part}"]
        spread = told[f"sd_resid{part}"].item() ** 2 - (by * own) ** 2
        assert spread == pytest.approx(variance.mean(), rel=1e-6)
        group, resid = told[f"sd_group{part}"].item(), told[f"sd_resid{part}"].item()
        share = group**2 / (group**2 + resid**2)
        assert told[f"icc{part}"].item() == pytest.approx(share, rel=1e-12)
        assert 0.01 < share < 0.99


def test_counts_have_no_autocorrelation() -> None:
    with pytest.raises(SpecError, match="only for the gaussian likelihood"):
        PanelSpec(("item",), likelihood="beta_binomial", autocorrelation=True)


@pytest.fixture
def rng() -> np.random.Generator:
    """Make the same numbers every time."""
    return np.random.default_rng(11)
