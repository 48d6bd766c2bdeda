"""Delta and tipping point on completed panels made by hand: no sampling."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.missing.mnar import (
    completed_posterior,
    delta_effects,
    shifted_cells,
)
from bayes_sf.analysis.missing.tipping import tipping_point
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.engines.panel.quantities import (
    CHANGE_QUARTERS,
    industry_table,
    realised,
    workplace_table,
)
from bayes_sf.errors import DataError, UsageError
from bayes_sf.spec.panel import PanelSpec
from tests import panels

PANEL = panels.make(n=60, gaps=False)


@pytest.fixture(scope="module")
def made() -> tuple[Any, Completed]:
    """A panel and six completions of it."""
    rng = np.random.default_rng(2)
    y = np.where(PANEL.observed, PANEL.y, rng.normal(5, 2, (6, *PANEL.y.shape)))
    fit = SimpleNamespace(panel=PANEL, spec=PanelSpec(PANEL.predictors))
    return fit, Completed(y, np.broadcast_to(PANEL.x, (6, *PANEL.x.shape)))


def test_posterior_is_the_average_over_completed_panels(made: tuple[Any, Completed]) -> None:
    """Each by `fit` from a frame, delta put into the cells one by one; 1e-3 sd for fewer nodes."""
    fit, done = made
    gone, posts = ~PANEL.observed, []
    for y, x in zip(done.y, done.x, strict=True):
        frame = pd.DataFrame(x, columns=list(PANEL.predictors))
        frame["y"], frame["g"] = (y + 1.5 * gone).mean(axis=1), np.array(list("abc"))[PANEL.code]
        posts.append(sf.fit(sf.ModelSpec("y", PANEL.predictors, "g"), frame).fixef())
    mean = np.mean([p["estimate"] for p in posts], axis=0)
    var = np.mean([p["sd"] ** 2 + p["estimate"] ** 2 for p in posts], axis=0) - mean**2
    pooled = completed_posterior(fit, done, delta=1.5)
    np.testing.assert_allclose(pooled.coef.mean(), mean, atol=1e-3 * np.sqrt(var).max())
    np.testing.assert_allclose(pooled.coef.sd(), np.sqrt(var), rtol=1e-3)
    row = delta_effects(fit, done, term="item", deltas=(1.5,), prob=0.9).iloc[0]
    assert row["estimate"] == pytest.approx(pooled.coef.mean()[1])
    reach = np.array([-1.645, 1.645]) * np.sqrt(var[1])  # nearly a normal
    ends = row[["lower", "upper"]].astype(float) - row["estimate"]
    np.testing.assert_allclose(ends, reach, rtol=0.06)
    assert (row["n_cells"], row["n"], row["unit"]) == (gone.sum(), 60, "pp")


def test_industry_means_tip_where_the_gaps_balance_them(made: tuple[Any, Completed]) -> None:
    """mean + delta x share of gaps is a line, so the root is exact."""
    fit, done = made
    table = delta_effects(fit, done, term="industry[b]", deltas=(-40, -20, 0, 10))
    mine = PANEL.code == 1
    share = (~PANEL.observed)[mine].mean()
    for row in table.itertuples():
        drawn = done.y[:, mine].mean(axis=(1, 2)) + row.delta * share
        assert (row.estimate, row.sd) == pytest.approx((drawn.mean(), drawn.std(ddof=1)))
        assert [row.lower, row.upper] == pytest.approx(np.quantile(drawn, [0.025, 0.975]))
        assert row.p_direction == max((drawn > 0).mean(), (drawn <= 0).mean())
    assert tipping_point(table).sign == pytest.approx(-done.y[:, mine].mean() / share)
    assert tipping_point(table).verdict_at_zero == "above 0"


def test_only_unobserved_quarters_of_the_pattern_move() -> None:
    first = PANEL.observed.argmax(axis=1)
    cells = {name: shifted_cells(PANEL, name) for name in ("quarters", "unlinked", "small")}
    np.testing.assert_array_equal(cells["quarters"], ~PANEL.observed)
    assert cells["unlinked"].any(axis=1).nonzero()[0].tolist() == [59]
    for moved in cells.values():
        assert not (moved & PANEL.observed).any()
    median = np.nanmedian(PANEL.days[:-1], axis=1)
    small = np.append(median < np.median(median), False)
    np.testing.assert_array_equal(cells["small"], small[:, None] & ~PANEL.observed)
    late = (first >= 4) & PANEL.observed.any(axis=1)
    if not late.any():
        with pytest.raises(DataError, match="must be one that this panel has"):
            shifted_cells(PANEL, "new")


def test_quantities_of_workplaces_and_industries(made: tuple[Any, Completed]) -> None:
    """What is observed throughout has no uncertainty; the slope is that of NumPy's polyfit."""
    fit, done = made
    y = np.random.default_rng(1).normal(size=(4, 16))
    slope = np.polyfit(np.arange(16) / 4, y.T, 1)[0]
    np.testing.assert_allclose(realised(y, panels.QUARTERS, "trend"), slope)
    places = [panels.QUARTERS.index(q) for q in ("2016Q4", "2019Q4")]
    change = y[:, places[1]] - y[:, places[0]]
    np.testing.assert_allclose(realised(y, panels.QUARTERS, "change"), change)
    full = SimpleNamespace(panel=panels.make(n=60, missing=0.0, gaps=False))
    table = workplace_table(full, Completed(np.stack([full.panel.y] * 3), done.x[:3]))
    own = table[(table["quantity"] == "mean") & (table["n_observed"] == 16)]
    np.testing.assert_allclose(own["estimate"], full.panel.y[:-1].mean(axis=1))
    assert own["sd"].max() < 1e-12
    means = industry_table(fit, done).query("quantity == 'mean'").set_index("industry")
    assert means.loc["a", "estimate"] == pytest.approx(done.y[:, PANEL.code == 0].mean())
    assert means["n"].sum() == 60


@pytest.mark.parametrize("prob", [0.5, 0.95])
def test_tables_are_summaries_of_the_completions(made: tuple[Any, Completed], prob: float) -> None:
    """Row by row, from one completion after the other."""
    fit, done = made
    tail = (1 - prob) / 2
    places = [PANEL.quarters.index(quarter) for quarter in CHANGE_QUARTERS]
    time = np.arange(16) / 4
    by_hand = {
        "mean": lambda y: y.mean(),
        "change": lambda y: y[places[1]] - y[places[0]],
        "trend": lambda y: np.polyfit(time, y, 1)[0],
    }
    workplaces = workplace_table(fit, done, prob=prob)
    industries = industry_table(fit, done, prob=prob)
    assert set(workplaces["prob"]) == set(industries["prob"]) == {prob}
    for quantity, of in by_hand.items():
        each = np.array([[of(row) for row in y] for y in done.y])  # completion x workplace
        own = workplaces[workplaces["quantity"] == quantity]
        shared = industries[industries["quantity"] == quantity]
        means = np.stack([each[:, PANEL.code == j].mean(axis=1) for j in range(3)], axis=1)
        for table, values in ((own, each), (shared, means)):
            for row, drawn in zip(table.itertuples(), values.T, strict=True):
                assert row.estimate == pytest.approx(drawn.mean(), abs=1e-9)
                assert row.sd == pytest.approx(drawn.std(ddof=1), abs=1e-9)
                limits = np.quantile(drawn, [tail, 1 - tail])
                assert [row.lower, row.upper] == pytest.approx(limits, abs=1e-9)
        np.testing.assert_array_equal(own["n_observed"], PANEL.observed.sum(axis=1))
        share = [PANEL.observed[PANEL.code == j].mean() for j in range(3)]
        np.testing.assert_allclose(shared["n_observed_share"], share)
        np.testing.assert_array_equal(shared["n"], np.bincount(PANEL.code))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"term": "q99"}, "must be one of item, share, icc"),
        ({"term": "item", "pattern": "old"}, "must be one of quarters"),
        ({"term": "item", "quantity": "sum"}, "must be one of mean, change, trend"),
        ({"term": "item", "prob": 1.0}, "must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_asked(
    made: tuple[Any, Completed], asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        delta_effects(*made, deltas=(0.0,), **asked)


def test_tipping_points_need_delta_zero_and_a_sign() -> None:
    table = pd.DataFrame({"delta": [1.0], "estimate": [0.2], "lower": [0.1], "upper": [0.3]})
    with pytest.raises(UsageError, match="must hold 0"):
        tipping_point(table.assign(term="item"))
    with pytest.raises(UsageError, match="can be negative"):
        tipping_point(table.assign(term="icc"))
    both = (("item", 0.0), ("share", 0.0)), (("item", 0.0), ("share", 1.0))
    twice = (("item", 0.0), ("item", 0.0))
    for rows in (*both, twice):  # two effects, at the same deltas or not; one effect twice
        several = pd.concat([table.assign(term=name, delta=delta) for name, delta in rows])
        with pytest.raises(UsageError, match="one effect"):
            tipping_point(several)


def test_of_the_change_only_two_quarters_count(made: tuple[Any, Completed]) -> None:
    """What is moved in other quarters, or in both of the two, moves no change."""
    gone = ~PANEL.observed
    first, last = (PANEL.quarters.index(quarter) for quarter in CHANGE_QUARTERS)
    row = delta_effects(*made, quantity="change", term="item", deltas=(1.0,)).iloc[0]
    assert row["n_cells"] == gone[:, [first, last]].sum()
    assert row["n_workplaces"] == (gone[:, first] != gone[:, last]).sum()


def test_several_effects_at_once_are_those_one_by_one(made: tuple[Any, Completed]) -> None:
    """Slopes, ICC and an industry, in the order asked for; units of each."""
    fit, done = made
    terms = ("icc", "industry[b]", *PANEL.predictors)
    asked = {"deltas": (-1.0, 0.0, 2.0), "quantity": "change"}
    together = delta_effects(fit, done, term=terms, **asked)
    apart = [delta_effects(fit, done, term=term, **asked) for term in terms]
    pd.testing.assert_frame_equal(together, pd.concat(apart, ignore_index=True), rtol=1e-9)
    assert dict(zip(together["term"], together["unit"], strict=True))["icc"] == ""
