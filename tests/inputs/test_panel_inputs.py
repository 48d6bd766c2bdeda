"""From a sample to a panel: every linked workplace, gaps marked, "not asked" refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import bayes_sf as sf
from bayes_sf.engines.panel.answers import candidates
from bayes_sf.engines.panel.data import PanelData, back, forward
from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.panel import build_panel

CONTROLS = ("women_share", "senior_share", "n_employees", "q5r1", "q5r5")


@pytest.fixture(scope="module")
def sample() -> Any:
    """The replica."""
    return sf.load_sample("replica")


def test_every_linked_workplace_is_there_with_its_quarters(sample: Any) -> None:
    panel = build_panel(sample, ("q13", *CONTROLS))
    linked = sample.frame[sample.frame["linked"]]
    assert panel.y.shape == (len(linked), 20) == (582, 20)
    assert panel.observed.sum() == sample.quarters["absence"].notna().sum()
    by = sample.quarters.set_index(["workplace", "quarter"])["absence"]
    i, t = np.argwhere(panel.observed)[1234]
    assert panel.y[i, t] == by.loc[(panel.workplaces[i], panel.quarters[t])]
    missing = linked[["women_share", "senior_share", "n_employees"]].isna().sum().to_numpy()
    np.testing.assert_array_equal(np.isnan(panel.x[:, 1:4]).sum(axis=0), missing)
    known = {i: name for i, name in enumerate(panel.predictors) if missing[i - 1 : i].any()}
    assert set(panel.scales) <= {1, 2, 3}
    assert {name: panel.scales[i] for i, name in known.items() if i in (1, 2)} == {
        "women_share": "logit", "senior_share": "logit",
    }  # fmt: skip


def test_dont_know_is_a_missing_category(sample: Any) -> None:
    panel = build_panel(sample, ("q13", "q5r1"))
    linked = sample.frame[sample.frame["linked"]].reset_index(drop=True)
    (choice,) = panel.choices
    unknown = (linked["q5r1"] == "dont_know") | linked["q5r1"].isna()
    np.testing.assert_array_equal(choice.answer < 0, unknown)
    np.testing.assert_array_equal(np.isnan(panel.x[:, 1]), unknown)
    found = candidates(PanelData(panel))
    assert found is not None
    assert found.possible.shape == (unknown.sum(), 5)
    chosen = PanelData(panel).x[found.owner][:, None] + found.shift
    raw = PanelData(panel).x_centre[1] + PanelData(panel).x_scale[1] * chosen[:, :, 1]
    np.testing.assert_allclose(raw, np.tile(np.arange(1.0, 6), (len(raw), 1)))


def test_unlinked_workplaces_have_no_quarter(sample: Any) -> None:
    panel = build_panel(sample, ("q13", "women_share", "n_employees"), unlinked=True)
    assert len(panel.code) == len(sample.frame) == 605
    assert not panel.observed[~panel.linked].any()
    assert panel.scales == {1: "logit", 2: "log"}
    data = PanelData(panel)
    assert np.isfinite(data.x).all()
    assert np.isfinite(data.log_days).all()


def test_not_asked_is_never_imputed(sample: Any) -> None:
    asked = [i.key for i in load_codebook().items.values() if i.asked_if and i.kind == "ordinal"]
    with pytest.raises(UsageError, match='"not asked" is not imputed'):
        build_panel(sample, (asked[0],))


def test_a_gap_without_a_scale_is_refused(sample: Any) -> None:
    frame = sample.frame.assign(n_quarters=sample.frame["n_quarters"].astype(float))
    frame.loc[frame.index[frame["linked"]][0], "n_quarters"] = np.nan
    with pytest.raises(DataError, match="can be imputed only for women_share"):
        build_panel(replace(sample, frame=frame), ("n_quarters",))


@pytest.mark.parametrize(("scale", "values"), [("logit", [0.1, 0.5, 0.93]), ("log", [1.0, 40.0])])
def test_scales_go_back(scale: str, values: list[float]) -> None:
    np.testing.assert_allclose(back(forward(np.array(values), scale), scale), values)


def test_the_digest_knows_figures_and_not_the_order_of_rows(sample: Any) -> None:
    panel = build_panel(sample, ("q13",))
    order = np.random.default_rng(1).permutation(len(panel.code))
    moved = replace(
        panel, code=panel.code[order], y=panel.y[order], days=panel.days[order], x=panel.x[order],
        workplaces=tuple(np.array(panel.workplaces)[order]),
        choices=tuple(replace(c, answer=c.answer[order]) for c in panel.choices),
    )  # fmt: skip
    assert moved.digest == panel.digest
    y = panel.y.copy()
    y[3, 5] = 99.0
    assert replace(panel, y=y).digest != panel.digest
