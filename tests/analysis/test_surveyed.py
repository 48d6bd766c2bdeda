"""Who is missing: counts against the sample's own flow; pictures without identifiers."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.missing.surveyed import complete_rows, size_band, who_is_missing, won_back
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.inputs.panel import Panel, build_panel
from bayes_sf.inputs.sample import design
from bayes_sf.output.figures.imputation import (
    choose_workplaces,
    delta_figure,
    distribution_figure,
    quarters_figure,
)
from bayes_sf.output.figures.page import drawing
from tests.tools import spoken

CONTROLS = ("q13", "women_share", "senior_share", "n_employees", "q5r1")
SPECS = (
    sf.ModelSpec("absence_mean", CONTROLS),
    sf.ModelSpec("absence_change", CONTROLS),
)


@pytest.fixture(scope="module")
def study() -> SimpleNamespace:
    """The replica, its panel, and draws of the gaps: noise around workplaces' own means."""
    sample = sf.load_sample("replica")
    panel = build_panel(sample, CONTROLS)
    rng = np.random.default_rng(1)
    own = np.nanmean(np.where(panel.observed, panel.y, np.nan), axis=1)[:, None]
    y = np.where(panel.observed, panel.y, own + rng.normal(0, 3, size=(10, *panel.y.shape)))
    done = Completed(y, np.broadcast_to(np.nan_to_num(panel.x), (10, *panel.x.shape)))
    return SimpleNamespace(sample=sample, panel=panel, done=done)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.outcome)
def test_complete_rows_are_those_of_the_model(study: SimpleNamespace, spec: sf.ModelSpec) -> None:
    """The same workplaces as `design` keeps."""
    kept = complete_rows(study.sample, spec)
    rows = design(
        study.sample, outcome=spec.outcome, predictors=spec.predictors,
        min_quarters=spec.min_quarters,
    )  # fmt: skip
    assert set(study.sample.frame.loc[kept, "workplace"]) == set(rows["workplace"])


def test_counts_add_up(study: SimpleNamespace) -> None:
    """Levels of each characteristic add up to all; the industries' are the flow's."""
    table = who_is_missing(study.sample, SPECS)
    whole = table[table["by"] == "all"].iloc[0]
    counts = ["surveyed", "linked", "complete_absence_mean", "complete_absence_change"]
    for by in ("industry", "size", "representatives"):
        assert (table.loc[table["by"] == by, counts].sum() == whole[counts]).all(), by
    flow = study.sample.flow(outcome="absence_change", predictors=CONTROLS)
    industries = table[table["by"] == "industry"].set_index("level")
    for name, row in industries.iterrows():
        assert row["surveyed"] == flow.iloc[0][name]
        assert row["linked"] == flow.iloc[1][name]
        assert row["complete_absence_change"] == flow.iloc[-1][name]
    quarters = study.panel.observed
    assert whole["quarters_share"] == pytest.approx(quarters.mean())
    care = study.panel.code == study.panel.industries.index("care")
    assert industries.loc["care", "quarters_share"] == pytest.approx(quarters[care].mean())
    # the report: half of construction, architects and ICT is lost for the change, an eighth of
    # the rest; the replica has the report's counts of the linked and of the 420
    share = industries["complete_absence_change_share"]
    assert (share[["construction", "architects", "ict"]] < 0.55).all()
    assert (share[["care", "kindergarten", "education"]] > 0.75).all()


def test_what_is_won_back(study: SimpleNamespace) -> None:
    """Everybody linked is in the panel; shares add up; the last line is the sum."""
    table = won_back(study.sample, SPECS[1], study.panel)
    parts, whole = table.iloc[:-1], table.iloc[-1]
    linked = study.sample.frame[study.sample.frame["linked"]]["industry"].value_counts()
    assert (parts.set_index("industry")["joint"] == linked[parts["industry"]]).all()
    assert whole["joint"] == 582
    for name in ("surveyed", "complete", "joint", "won"):
        assert parts[name].sum() == whole[name]
    np.testing.assert_allclose(table["complete_share"] + table["won_share"], table["joint_share"])
    everybody = build_panel(study.sample, ("q13",), unlinked=True)
    assert won_back(study.sample, SPECS[1], everybody).iloc[-1]["joint_share"] == 1.0


def test_bands_of_size() -> None:
    """Lower ends belong to the band; what is not known has its own."""
    assert [size_band(n) for n in (4.9, 5, 9.9, 10, 99, 100)] == [
        "under 5", "5-9", "5-9", "10-19", "50-99", "100+",
    ]  # fmt: skip
    assert size_band(float("nan")) == "not known"


def test_the_rule_that_chooses_workplaces(study: SimpleNamespace) -> None:
    """Gaps, at least three quarters, the industry's median number; order changes nothing."""
    panel: Panel = study.panel
    chosen = choose_workplaces(panel)
    assert set(chosen) == set(panel.industries)
    count = panel.observed.sum(axis=1)
    for name, row in chosen.items():
        mine = panel.code == panel.industries.index(name)
        gapped = np.sort(count[mine & (count >= 3) & (count < 20)])
        assert panel.code[row] == panel.industries.index(name)
        assert count[row] == gapped[(len(gapped) - 1) // 2]
    order = np.random.default_rng(4).permutation(len(count))
    moved = Panel(
        tuple(panel.workplaces[i] for i in order), panel.industries, panel.code[order],
        panel.quarters, panel.y[order], panel.days[order], panel.predictors, panel.x[order],
        panel.scales, (), panel.linked[order],
    )  # fmt: skip
    assert {name: int(order[row]) for name, row in choose_workplaces(moved).items()} == chosen


def effects() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects against delta, and tipping points, as `delta_effects` has them."""
    delta = np.arange(-2.0, 3.0)
    parts = [
        pd.DataFrame(
            {
                "pattern": "quarters", "quantity": quantity, "term": term, "delta": delta,
                "estimate": at + 0.1 * delta, "lower": at + 0.1 * delta - 0.2,
                "upper": at + 0.1 * delta + 0.2, "prob": 0.95, "n": 582,
            }
        )
        for quantity, term, at in (("mean", "q13", -0.25), ("mean", "icc", 0.4))
    ]  # fmt: skip
    nan = float("nan")
    tipping = pd.DataFrame(
        {"quantity": "mean", "term": ["q13", "icc"], "sign": [nan, nan], "verdict": [0.5, nan]}
    )
    return pd.concat(parts, ignore_index=True), tipping


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_pictures_say_what_they_are_and_name_nobody(study: SimpleNamespace, lang: str) -> None:
    """Synthetic is said; numbers of quarters are those of the rule; no pseudonym in the SVG."""
    pages = {
        "quarters": spoken(lang, quarters_figure, study.panel, study.done, source="replica"),
        "distribution": spoken(
            lang, distribution_figure, study.panel, study.done, source="replica"
        ),
        "delta": spoken(lang, delta_figure, *effects(), source="replica"),
    }
    texts = {name: drawing(page).decode() for name, page in pages.items()}
    for name, page in pages.items():
        svg = texts[name]
        assert ("SYNTETISK" if lang == "nb" else "SYNTHETIC") in svg
        assert not any(pseudonym in svg for pseudonym in study.panel.workplaces)
        assert page.get_label()
    text = texts["quarters"]
    row = choose_workplaces(study.panel)["ict"]
    seen = int(study.panel.observed[row].sum())
    assert (f"{seen} av 20 kvartaler" if lang == "nb" else f"{seen} of 20 quarters") in text
    said = pages["delta"].get_label()
    assert ("konklusjonen skifter ved 0,50" if lang == "nb" else "verdict changes at 0.50") in said


def test_bands_are_quantiles_of_the_draws(study: SimpleNamespace) -> None:
    """Limits of the outer band of one gap."""
    figure = quarters_figure(study.panel, study.done, source="replica", prob=0.9)
    place = list(choose_workplaces(study.panel)).index("ict")
    row = choose_workplaces(study.panel)["ict"]
    gap = int(np.flatnonzero(~study.panel.observed[row])[0])
    low, high = np.quantile(study.done.y[:, row, gap], [0.05, 0.95])
    band = figure.axes[place].collections[0].get_paths()[0].vertices
    heights = band[np.abs(band[:, 0] - gap) < 0.5, 1]
    assert heights.min() == pytest.approx(low)
    assert heights.max() == pytest.approx(high)
