"""Breaks of the gate, one test of each: what an attack once got out of permitted outputs.

The workplaces are made for it (`tools.own_workplaces`); figures are those that leave.
"""

import dataclasses
import stat
from functools import partial
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from rich.console import Console
from tools import own_workplaces

import bayes_sf as sf
from bayes_sf.analysis.comparison import IccRow
from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.analysis.pooling import compare_pooling
from bayes_sf.analysis.ranking import end_probabilities, rounded_ends
from bayes_sf.analysis.sensitivity import sensitivity
from bayes_sf.analysis.size.associations import AMOUNTS, _associate
from bayes_sf.disclosure.control import HIDDEN, OFF, Control, Hidden, Rules
from bayes_sf.disclosure.gate import Passed, holds_no_data
from bayes_sf.disclosure.learnt.knowledge import Knowledge
from bayes_sf.disclosure.learnt.left import Left, finger, sharpened
from bayes_sf.disclosure.learnt.ways import Release
from bayes_sf.disclosure.protected_cases import protect_belonging
from bayes_sf.disclosure.protected_choices import _far_apart
from bayes_sf.disclosure.protected_counts import in_company
from bayes_sf.disclosure.protected_flow import hide_few
from bayes_sf.disclosure.protected_models import (
    keep_open,
    pass_picture,
    protect_estimates,
    protect_pooling,
    protect_results,
    released,
)
from bayes_sf.disclosure.protected_predictions import (
    pass_fit_measures,
    protect_checks,
    protect_left_out,
)
from bayes_sf.disclosure.protected_sensitivity import protect_sensitivity
from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.errors import DataError, DisclosureError, SpecError, UsageError, veil_data
from bayes_sf.folder import write_files
from bayes_sf.inputs.faults import problem, problem_table
from bayes_sf.inputs.pseudonym import key_of, read_secret
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.audit import FILES, cost, notice
from bayes_sf.output.figures.page import coarsened
from bayes_sf.output.figures.pictures import draw_picture
from bayes_sf.output.figures.posterior import icc_figure, line_figure
from bayes_sf.output.figures.result import draw_levels, passed_levels
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.formats.webpage import page
from bayes_sf.output.report.material import explorer_models
from bayes_sf.output.run import Asked, Content, Run, described, keyed
from bayes_sf.output.runs.export import export_tables
from bayes_sf.output.runs.plot import run_plot
from bayes_sf.output.tables.pooling_tables import pooling_table
from bayes_sf.output.tables.table import Column, Table
from bayes_sf.output.words.problems import problem_lines
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec
from tests.conftest import run_here

MEAN = "absence_mean"
NULL = ModelSpec(MEAN, unit="pp", min_quarters=1)
pytestmark = pytest.mark.usefixtures("only_null_models")


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    return own_workplaces()


def changed(sample: AnalysisSample, **columns: Any) -> AnalysisSample:
    return dataclasses.replace(sample, frame=sample.frame.assign(**columns))


def with_rare_option(sample: AnalysisSample, chosen: int) -> AnalysisSample:
    """So many workplaces of the model chose q14.7."""
    frame = sample.frame
    usable = frame.index[frame[MEAN].notna() & (frame["q14.7"] != "not_asked")]
    answers = frame["q14.7"].mask(frame.index.isin(usable), "not_chosen")
    answers[usable[10 : 10 + chosen]] = "chosen"
    return changed(sample, **{"q14.7": answers})


# 1. A coefficient is one workplace's outcome


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_a_model_with_a_rare_answer_does_not_leave(sample: AnalysisSample, chosen: int) -> None:
    rare, spec = with_rare_option(sample, chosen), ModelSpec(MEAN, ("q14.7",), min_quarters=1)
    if chosen:  # without control intercept and slope are the mean of those who chose it
        found = fit(spec, rare, engine="ols").fixef()["estimate"]
        own = rare.frame.loc[rare.frame["q14.7"] == "chosen", MEAN].mean()
        assert found.sum() == pytest.approx(own, abs=1e-9)
    control = Control.of(rare, Rules())
    assert control.withheld(spec)
    assert not Control.of(rare, OFF).withheld(spec)
    with pytest.raises(DisclosureError, match="withheld") as error:
        keep_open(Analysis("x", "?", (spec,)), control)
    assert "null model" not in str(error.value), "the reason is none of the reader's business"


def test_an_answer_that_all_but_two_gave_is_as_rare(sample: AnalysisSample) -> None:
    frame = with_rare_option(sample, 2).frame
    turned = frame["q14.7"].map({"chosen": "not_chosen", "not_chosen": "chosen"})
    other = changed(sample, **{"q14.7": turned.fillna(frame["q14.7"])})
    assert Control.of(other, Rules()).withheld(ModelSpec(MEAN, ("q14.7",), min_quarters=1))


def test_a_workplace_of_great_leverage_is_not_in_a_model(sample: AnalysisSample) -> None:
    """Its fitted value is its outcome, though a number has no cells."""
    size = sample.frame["n_employees"].copy()
    own = sample.frame.index[sample.frame[MEAN].notna() & size.notna()][20]
    size[own] = 1e7
    spec = ModelSpec(MEAN, ("n_employees",), min_quarters=1)
    release = Control.of(changed(sample, n_employees=size), Rules()).release(spec)
    assert release is not None
    half = 0.5 * 10.0 ** -release.places("n_employees")
    assert release.withheld or half * 1e7 > 0.5, "slope times size is its outcome"


@pytest.mark.parametrize("apart", [2, 5])
def test_two_answers_that_nearly_all_gave_alike_are_a_cell(
    sample: AnalysisSample, apart: int
) -> None:
    """Each has two hundred, and a slope's standard error tells how many gave one alone."""
    frame = sample.frame
    one = np.where(frame["q17"] == "yes", 1.0, 0.0)
    two = one.copy()
    two[frame.index[frame[MEAN].notna() & (one == 0)][:apart]] = 1.0
    spec = ModelSpec(MEAN, ("women_share", "senior_share"), min_quarters=1)
    control = Control.of(changed(sample, women_share=one, senior_share=two), Rules())
    assert control.withheld(spec) == (apart < 3)
    table = fit(spec, changed(sample, women_share=one, senior_share=two), engine="ols").fixef()
    told = (sample.frame[MEAN].std() / table.loc["senior_share", "sd"]) ** 2
    assert told == pytest.approx(apart, rel=0.2)


def test_a_known_error_does_not_make_a_level_of_one_workplace(sample: AnalysisSample) -> None:
    """What a column says of precision is weights; so is a number of repeated measurements."""
    own = sample.frame.index[sample.frame[MEAN].notna() & (sample.frame["industry"] == "ict")][5]
    error = pd.Series(50.0, index=sample.frame.index)
    error[own] = 0.01
    control = Control.of(changed(sample, senior_share=error), Rules())
    assert control.withheld(dataclasses.replace(NULL, known_se="senior_share"))


@pytest.mark.slow  # integrates over three numbers
def test_a_number_of_measurements_does_not_either(sample: AnalysisSample) -> None:
    own = sample.frame.index[sample.frame[MEAN].notna() & (sample.frame["industry"] == "ict")][5]
    error = pd.Series(50.0, index=sample.frame.index)
    error[own] = 0.01
    many = changed(sample, senior_share=(1e6 * (error < 1)).clip(1.0))
    sharp = sf.Priors(
        sd_resid=sf.Prior("half-normal", 1e-3, autoscale=False),
        sd_repeat=sf.Prior("half-normal", 5.0, autoscale=False),
    )
    spec = dataclasses.replace(NULL, repeats="senior_share", priors=sharp)
    result, control = fit(spec, many), Control.of(many, Rules())
    level = {row.group: row.estimate for row in result.rows if row.term == "(Intercept)"}
    assert level[""] + level["ict"] == pytest.approx(sample.frame.loc[own, MEAN], abs=0.02)
    release = control.release(spec)
    assert release is not None
    assert release.withheld or release.places("", "ict") <= 0


def test_a_narrow_t_is_a_median(sample: AnalysisSample) -> None:
    """Of three workplaces the middle one's outcome; with the usual priors all of them count."""
    student, control = dataclasses.replace(NULL, likelihood="student"), Control.of(sample, Rules())
    narrow = sf.Priors(sd_resid=sf.Prior("half-normal", 1e-3, autoscale=False))
    tails = sf.Priors(df_resid=sf.Prior("gamma", shape=2.0, scale=0.01, autoscale=False))
    assert [
        control.withheld(dataclasses.replace(student, priors=priors))
        for priors in (sf.Priors(), narrow, tails)
    ] == [False, True, True]


def test_residual_sds_by_industry_are_second_moments(sample: AnalysisSample) -> None:
    spec = dataclasses.replace(NULL, resid_by_group=True)
    mine = (sample.frame["industry"] == "ict") & sample.frame[MEAN].notna()
    four = sample.frame[MEAN].mask(sample.frame.index.isin(sample.frame.index[mine][4:]))
    alike = sample.frame[MEAN].mask(mine, 5.0 + 0.05 * np.sin(np.arange(len(sample.frame))))
    found = [
        Control.of(changed(sample, **{MEAN: y}), Rules()).withheld(spec)
        for y in (sample.frame[MEAN], four, alike)
    ]
    assert found == [False, True, True], "of four a mean and an sd; of many that are alike each"


def test_a_model_that_says_nearly_all_says_each_outcome(sample: AnalysisSample) -> None:
    """Who knows a workplace's answers has its outcome to 0.01 pp."""
    noise = np.random.default_rng(3).normal(0, 5e-4, len(sample.frame))
    said = (sample.frame[MEAN] / 20 + noise).fillna(0.3)
    own, spec = changed(sample, women_share=said), ModelSpec(MEAN, ("women_share",), min_quarters=1)
    assert fit(spec, own, engine="ols").coefficients[1].sd < 0.01
    assert Control.of(own, Rules()).withheld(spec)
    assert not Control.of(sample, Rules()).withheld(spec)


def test_one_that_is_far_out_does_not_hide_all(sample: AnalysisSample) -> None:
    """A tenth of 60 is more than others spread: of a mean of seventy nobody learns that much."""
    out = sample.frame[MEAN].copy()
    out[sample.frame.index[out.notna()][7]] = 60.0
    assert not Control.of(changed(sample, **{MEAN: out}), Rules()).withheld(NULL)


def test_a_mean_of_a_persons_rows_is_nobodys_to_know() -> None:
    """Each of five tests is known to half of what it was, their mean to nothing."""
    n, whose = 100, np.repeat(np.arange(20), 5)
    own = np.where(whose == 3, 0.2, 0.0)[None]
    rows = Knowledge.of_spread(1.0, n).after(own, [0.005]).spread()
    both = Knowledge.of_spread(1.0, n, whose).after(own, [0.005]).spread()
    assert rows.min() > 0.8
    assert both[:n].min() > 0.5
    assert both[n:].argmin() == 3
    assert both[n:].min() < 0.01


def test_a_slope_does_not_tell_a_persons_mean(sample: AnalysisSample) -> None:
    """Five of each in a row, and one person far out: cells and leverage of rows let it pass."""
    whose = np.arange(len(sample.frame)) // 5
    share = np.where(whose == 17, 1e6, sample.frame["women_share"])
    own, spec = (
        changed(sample, women_share=share),
        ModelSpec(MEAN, ("women_share",), min_quarters=1),
    )
    found = [Control.of(own, Rules(whose=tuple(map(int, of)))).release(spec) for of in ((), whose)]
    rough = [3 if one is None or one.withheld else one.rough for one in found]
    assert rough[0] < rough[1]
    releases = Control.of(own, Rules(whose=tuple(map(int, whose)))).releases
    assert releases is not None
    refits = [one for one in map(releases.refit, (NULL, spec)) if one is not None]
    assert releases.together(MEAN, refits).kept == (True, False), "nor does one of a set"


# 2. The user's prior sets the digits


def test_no_prior_after_another_makes_digits(sample: AnalysisSample) -> None:
    """Whoever moves a prior finds where a figure is rounded otherwise: a bit in each run."""
    ledger = list[Left]()
    for at in range(3):
        prior = sf.Prior("normal", 0.2, location=5 + at / 100, autoscale=False)
        spec = dataclasses.replace(NULL, priors=sf.Priors(intercept=prior))
        control = Control.of(sample, Rules(before=tuple(ledger), seed=2 if at == 2 else 1))
        assert control.releases is not None
        assert not control.withheld(spec)
        known = {finger(one) for one in ledger}
        new = [one for one in control.releases.left if isinstance(one, Left)]
        ledger += [one for one in new if finger(one) not in known]
    ways = [one.way for one in ledger]
    assert len(set(ways)) == len(ways) > 3, "each is another"
    assert ways[-1].endswith("seed 2")
    told = [one.half.min() for one in sharpened(ledger)]
    assert told == [told[0] / 2**k for k in range(len(told))]


def test_what_is_known_to_many_digits_is_known_of_three_as_well(sample: AnalysisSample) -> None:
    """Of all the null model to 14 more bits, and of all but three: these have a mean."""
    usable = sample.frame.index[sample.frame[MEAN].notna()]
    share = sample.frame["women_share"].fillna(0.5)
    own = changed(sample, women_share=share.mask(share.index.isin(usable[:3])))
    control, spec = Control.of(own, Rules()), ModelSpec(MEAN, ("women_share",), min_quarters=1)
    assert not control.withheld(NULL)
    assert control.releases is not None
    null = next(one for one in control.releases.left if isinstance(one, Left))
    rough = []
    for runs in (1, 14):
        ledger = tuple(dataclasses.replace(null, way=f"{k}" * (k > 0)) for k in range(runs))
        release = Control.of(own, Rules(before=ledger)).release(spec)
        assert release is not None
        rough.append(9 if release.withheld else release.rough)
    assert rough[0] < rough[1]


def test_no_prior_makes_digits(sample: AnalysisSample) -> None:
    control = Control.of(sample, Rules())
    for sd in (1e-2, 1e-4):
        tight = sf.Priors(intercept=sf.Prior("normal", sd, location=5.0, autoscale=False))
        spec = dataclasses.replace(NULL, priors=tight)
        shown, _ = protect_estimates(fit(spec, sample), control)
        row = shown[(shown["term"] == "(Intercept)") & (shown["group"] == "")].iloc[0]
        assert row["estimate"] == round(row["estimate"], 2)


def test_no_prior_makes_digits_of_tables_that_are_exported(sample: AnalysisSample) -> None:
    control = Control.of(sample, Rules())
    tight = sf.Priors(intercept=sf.Prior("normal", 1e-3, location=5.0, autoscale=False))
    spec = dataclasses.replace(NULL, priors=tight)
    (table,) = export_tables(results=[fit(spec, sample)], control=control).shown
    at = [column.key for column in table.columns].index("estimate")
    (found,) = [row[at] for row in table.rows if "ntercept" in str(row[0])]
    assert found == round(found, 2)


# 3. Saved fits: `tests/cli/test_fits.py`; what is left of one


def test_a_saved_fit_has_no_densities() -> None:
    import xarray as xr

    from bayes_sf.engines.store import _without_densities

    draws = xr.Dataset({"beta": ("draw", np.zeros(4))})
    stats = xr.Dataset({
        "lp": ("draw", np.zeros(4)), "diverging": ("draw", np.zeros(4)),
        "energy": ("draw", np.array([500.0, 501.0, 503.0, 504.0])),
    })  # fmt: skip
    tree = xr.DataTree.from_dict({"posterior": draws, "sample_stats": stats, "exact": draws})
    left = _without_densities(tree)
    assert set(left.children) == {"posterior", "sample_stats"}
    assert set(left["sample_stats"].data_vars) == {"diverging", "energy"}
    assert left["sample_stats"]["energy"].to_numpy().tolist() == [-2.0, -1.0, 1.0, 2.0]


# 4. Two models of one command


def test_two_models_do_not_differ_by_a_workplace(sample: AnalysisSample) -> None:
    """Each has twenty fewer than the null model, and one of them one fewer than the other.

    The first is withheld: a step of the report's flow has both, and its total is said.
    """
    usable = sample.frame.index[sample.frame[MEAN].notna()]
    one, two = (sample.frame["women_share"].fillna(0.5).copy() for _ in range(2))
    one[usable[:20]] = np.nan
    two[usable[:21]] = np.nan
    own = changed(sample, women_share=one, senior_share=two)
    control = Control.of(own, Rules())
    first, second = (
        ModelSpec(MEAN, (name,), min_quarters=1) for name in ("women_share", "senior_share")
    )
    kept, log = keep_open(Analysis("x", "?", (first, second)), control)
    assert [spec.predictors for spec in kept.specs] == [("senior_share",)]
    assert {line.rule for line in log} == {"withheld"}


def test_nearly_nested_models_are_told_from_the_outcomes_that_they_give() -> None:
    """A and B share forty; A has one more, B another: who is the one has the other."""
    n, sd = 42, 5.0
    both = np.ones((2, n)) / 41
    both[0, 41] = both[1, 40] = 0.0
    sharp = Knowledge.of_spread(sd, n).after(both, [0.0005, 0.0005]).spread()
    rough = Knowledge.of_spread(sd, n).after(both, [0.5, 0.5]).spread()
    assert sharp[[40, 41]].max() < 0.05
    assert rough.min() > 1.0


# 5. Pictures


def test_a_picture_holds_no_more_than_the_eye_sees() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    heights = np.random.default_rng(1).uniform(0, 1, 40)
    bars = axes.bar(np.arange(40), heights)
    (line,) = axes.plot(np.arange(40), heights)
    coarsened(figure)
    for drawn in (np.ravel(line.get_ydata()).tolist(), [bar.get_height() for bar in bars]):
        assert len({round(float(v) % 0.01, 9) for v in drawn} - {0.0, 0.01}) == 0
        assert np.abs(np.asarray(drawn) - heights).max() <= 0.005 + 1e-9
        assert np.abs(np.asarray(drawn) - heights).max() > 1e-4


def test_what_has_not_passed_is_not_carried_through_the_gate(sample: AnalysisSample) -> None:
    result, control = fit(NULL, sample, engine="ols"), Control.of(sample, Rules())
    with pytest.raises(AssertionError, match="not passed"):
        holds_no_data(1, "an example").map(lambda one: (one, result))
    with pytest.raises(AssertionError, match="not passed"):
        holds_no_data(1, "an example").map(partial(max, [result]))
    shown = protect_results([result], control).map(lambda found: found[0].rows[0].estimate)
    assert isinstance(shown, Passed)
    assert shown.shown == round(result.rows[0].estimate, 2)


def test_shrinkage_is_not_in_the_order_of_hidden_sizes(sample: AnalysisSample) -> None:
    """Whoever is unsaid stands by name, whatever its n; levels are those of the table."""
    result, control = fit(NULL, sample), Control.of(sample, Rules())
    pooling = protect_pooling(compare_pooling(NULL, sample), control).shown
    levels, everyone = passed_levels(pooling)
    small, *_, large = sorted(levels, key=lambda one: one.n or 0)
    hidden = [
        one._replace(n=None) if one.group in {small.group, large.group} else one for one in levels
    ]
    axes = draw_levels(result, hidden, everyone).axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert [label.endswith(f"(n = {HIDDEN})") for label in labels[:3]] == [True, True, False]
    assert labels[:2] == sorted(labels[:2])
    printed = {
        value for row in pooling.groups
        for value in (row.none, row.mean, row.lower, row.upper, row.complete)
    }  # fmt: skip
    for line in axes.lines:
        assert set(map(float, np.ravel(line.get_xdata()))) <= printed


@pytest.mark.parametrize(
    "name", ["ppc", "loo_pit", "raincloud", "trace", "pair", "energy", "halfeye"]
)
def test_draws_and_rows_are_not_drawn(sample: AnalysisSample, name: str) -> None:
    """Thousands of coordinates have a mean in full, which a tight prior makes as exact as asked."""
    analysis = Analysis("null", "?", (NULL,))
    with pytest.raises(DisclosureError, match=r"draws|single workplaces"):
        run_plot(analysis, sample, Asked(source="microdata"), name)


def drawn_of(result: Result, control: Control) -> list[float]:
    """Coordinates of a forest."""
    figure = pass_picture(result, "forest", control, draw_picture).shown
    return [float(x) for axes in figure.axes for line in axes.lines for x in line.get_xdata()]


def test_a_forest_holds_its_table(sample: AnalysisSample) -> None:
    """With the digits of the data, whatever the prior, and no half of an interval besides."""
    tight = sf.Priors(intercept=sf.Prior("normal", 1e-3, location=5.0, autoscale=False))
    control = Control.of(sample, Rules())
    for spec in (NULL, dataclasses.replace(NULL, priors=tight)):
        result = fit(spec, sample)
        table = protect_estimates(result, control).shown
        rows = table[table["group"] == ""]
        said = set(rows[["estimate", "lower", "upper"]].to_numpy().ravel().tolist())
        assert set(drawn_of(result, control)) <= said


def test_a_forest_has_nothing_that_the_table_hides(sample: AnalysisSample) -> None:
    """Beside a hidden industry neither intercept nor ICC is said of a model with an item."""
    small = beside_two(sample)
    spec, control = ModelSpec(MEAN, ("q17",), min_quarters=1), Control.of(small, Rules())
    result = fit(spec, small)
    unsaid = frozenset({"(Intercept)", "icc", "sd_resid", "sd_group"})
    some = Release(0, {"q17[no]": 1, "q17[dont_know]": 1}, unsaid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Control, "release", lambda *_: some)
        coordinates = drawn_of(result, control)
        shown = {
            row.term for row in released(result, control).singles if row.estimate == row.estimate
        }
    assert shown == set(result.moments.predictors)
    assert len(coordinates) == 3 * len(shown) + 2, "interval and mean of each, and a line at zero"


def test_priors_that_are_measured_are_said_as_they_are_stated(sample: AnalysisSample) -> None:
    """Resolved they have mean and sd of the outcome, where an intercept may have no decimal."""
    result, control = fit(NULL, sample), Control.of(sample, Rules())
    (shown,) = protect_results([result], control).shown
    measured = f"{sample.frame.loc[sample.frame[MEAN].notna(), MEAN].mean():.3g}"
    assert measured in str(result.priors)
    assert str(shown.priors) == str(NULL.priors)
    assert measured not in str(shown.priors)
    assert "mean(y)" in str(shown.priors)
    assert "mean(y)" in described(shown)["priors"]


def test_what_has_passed_has_no_posterior_behind_it(sample: AnalysisSample) -> None:
    shown = released(fit(NULL, sample), Control.of(sample, Rules()))
    with pytest.raises(Exception, match="tree"):
        shown.some_draws(10)
    with pytest.raises(UsageError, match="no exact posterior"):
        exact_posterior(shown)
    assert shown.data is None
    assert np.isnan(shown.moments.means).all()
    assert np.isnan(shown.moments.sizes).all()
    assert shown.moments.n_obs > 100


def test_the_prior_explorer_has_no_protected_data(sample: AnalysisSample) -> None:
    results = (fit(NULL, sample),)
    given: dict[str, Any] = {"source": "microdata", "with_data": True, "nulls": results}
    for rules, found in ((Rules(), 0), (OFF, 1)):
        material: Any = SimpleNamespace(**given, bivariate=(), control=Control.of(sample, rules))
        assert len(explorer_models(material)) == found


def test_the_icc_is_drawn_from_what_has_passed(sample: AnalysisSample) -> None:
    """Forty bars of its posterior were forty equations in a hidden mean."""
    result = fit(NULL, sample)
    row = IccRow(MEAN, "all", 0.3, 0.3, 0.312, 0.305, 0.107, 0.612, 0.95, "", 0.5, 0.1, 0.9, 582, 6)
    axes = icc_figure([result], [row]).axes[0]
    thick = next(line for line in axes.lines if line.get_linewidth() == 4)
    assert list(np.asarray(thick.get_xdata(), dtype=float)) == [0.107, 0.612]
    assert not [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_a_contrast_is_made_of_what_has_passed(sample: AnalysisSample) -> None:
    """Five probabilities of each were five equations, in full to three decimals."""
    spec, control = ModelSpec(MEAN, ("q17",), min_quarters=1), Control.of(sample, Rules())
    whole = fit(spec, sample)
    (shown,) = protect_results([whole], control).shown
    row = next(one for one in shown.coefficients if one.term == "q17[no]")
    found, full = (_associate(one, "q17[no]", 0.3, 64) for one in (shown, whole))
    assert (found.mean, found.sd, found.lower, found.upper) == (
        row.estimate, row.sd, row.lower, row.upper,
    )  # fmt: skip
    assert found.p_direction == row.p_direction
    told = NormalDist(row.estimate, row.sd)
    for amount, p in zip(AMOUNTS, found.at_least, strict=True):
        assert p == pytest.approx(1 - told.cdf(amount) + told.cdf(-amount), abs=1e-12)
    assert found.inside == pytest.approx(told.cdf(0.3) - told.cdf(-0.3), abs=1e-12)
    assert full.at_least != found.at_least
    assert full.at_least == pytest.approx(found.at_least, abs=0.05)


def test_ends_of_levels_are_told_from_the_levels(sample: AnalysisSample) -> None:
    """Which industry is lowest, and how surely: of the levels as they are printed."""
    control = Control.of(sample, Rules())
    pooling = protect_pooling(compare_pooling(NULL, sample), control).shown
    with pytest.raises(Exception, match="tree"):
        end_probabilities(pooling.exact, [row.group for row in pooling.groups])
    found = rounded_ends(pooling.groups)
    whole = end_probabilities(fit(NULL, sample), [row.group for row in pooling.groups])
    for group, ends in whole.items():
        assert found[group] == pytest.approx(ends, abs=0.08)


def test_lines_of_industries_are_made_of_what_has_passed(sample: AnalysisSample) -> None:
    spec, control = ModelSpec(MEAN, ("q17",), min_quarters=1), Control.of(sample, Rules())
    two = sample.frame["q17"].mask(sample.frame["q17"] == "dont_know")
    own = changed(sample, q17=two)
    (shown,) = protect_results([fit(spec, own)], Control.of(own, Rules())).shown
    del control
    figure = line_figure(shown)
    whole = {row.term: row.estimate for row in shown.singles}
    told = {
        round(whole["(Intercept)"] + row.estimate + at * whole["q17[no]"], 9)
        for row in shown.rows if row.group for at in (0, 1)
    }  # fmt: skip
    drawn = [y for axes in figure.axes for line in axes.lines[:1] for y in line.get_ydata()]
    assert {round(float(y), 9) for y in drawn} <= told


# 6. Mean and sd of three


def test_mean_and_sd_of_three_are_not_said() -> None:
    checks = pd.DataFrame({
        "group": ["a", "a", "b"], "statistic": ["mean", "sd", "sd"], "n": [3, 3, 5],
        "observed": [4.0, 1.0, 1.0], "median": 1.0, "lower": 0.0, "upper": 2.0, "p_above": 0.5,
    })  # fmt: skip
    shown, _ = protect_checks(checks, {}, Control(), NULL)
    assert shown["observed"].tolist() == [4.0, HIDDEN, 1.0]


def test_a_member_of_three_has_the_other_two() -> None:
    """The same from the rule that all figures go through."""
    y = np.array([2.0, 5.0, 9.0])
    mean = np.ones((1, 3)) / 3
    spread = (y - y.mean())[None, :] / (2 * y.std(ddof=1))
    known = Knowledge.of_spread(5.0, 3).after(mean, [0.005])
    assert known.spread().min() > 2
    assert known.after(spread, [0.005]).spread().max() < 0.1


def test_an_outcome_that_one_workplace_is_most_of(sample: AnalysisSample) -> None:
    """The p % rule: nobody else has any absence, so a mean is the one's."""
    frame = sample.frame
    mine = frame["industry"] == "ict"
    first = frame.index[mine & frame[MEAN].notna()][0]
    absence = frame[MEAN].mask(mine & frame[MEAN].notna() & (frame.index != first), 0.0)
    control = Control.of(changed(sample, **{MEAN: absence}), Rules())
    assert control.hidden_groups({"ict": 40, "care": 60})["ict"] == "dominance"


# 7. loo, select, group


def test_sums_over_rows_keep_two_digits_of_their_error() -> None:
    frame = pd.DataFrame({
        "model": ["a"], "elpd": [-1234.56789], "se": [17.234], "p": [5.678], "elpd_diff": [-3.456],
        "dse": [1.234], "weight": [0.98765], "bad_k": [0],
    })  # fmt: skip
    shown, _ = pass_fit_measures(frame, Control())
    assert shown.iloc[0].tolist() == ["a", -1235, 17, 6, -3.5, 1.2, 0.99, 0]
    assert pass_fit_measures(frame, Control(OFF)).shown is frame


def test_single_workplaces_are_not_counted_among_bad_weights() -> None:
    """One or two never; beside a hidden industry neither that there is none."""
    frame = pd.DataFrame({"model": list("abcd"), "bad_k": [0, 1, 2, 3]})
    shown, log = pass_fit_measures(frame, Control())
    assert shown["bad_k"].tolist() == [0, HIDDEN, HIDDEN, 3]
    assert len(log) == 2
    shown, _ = pass_fit_measures(frame, Control(), ["ict"])
    assert shown["bad_k"].tolist() == [HIDDEN, HIDDEN, HIDDEN, 3]


def beside_two(sample: AnalysisSample) -> AnalysisSample:
    """Two workplaces of ict have an outcome."""
    mine = (sample.frame["industry"] == "ict") & sample.frame[MEAN].notna()
    gone = sample.frame.index[mine][2:]
    return changed(sample, **{MEAN: sample.frame[MEAN].mask(sample.frame.index.isin(gone))})


def test_beside_a_hidden_industry_no_mean_of_all_is_said(sample: AnalysisSample) -> None:
    """Of a model with an item it is as good as an intercept, which is not said either."""
    small, spec = beside_two(sample), ModelSpec(MEAN, ("q17",), min_quarters=1)
    unsaid = frozenset({"(Intercept)", "icc", "sd_resid", "sd_group"})
    levels = {f"[{name}]": -1 for name in sample.frame["industry"].unique()}
    some, control = Release(0, {"q17[no]": 1, **levels}, unsaid), Control.of(small, Rules())
    checks = pd.DataFrame({
        "group": ["", "care"], "statistic": "mean", "n": [300, 70], "observed": [5.4321, 5.4321],
        "median": 5.4321, "lower": 4.4321, "upper": 6.4321, "p_above": 0.5,
    })  # fmt: skip
    left_out = pd.DataFrame({
        "group": ["care"], "n": [70], "elpd": [-80.123], "mean": [5.4321], "predicted": [5.4321],
        "lower": [4.4321], "upper": [6.4321],
    })  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Control, "release", lambda *_: some)
        pooling = protect_pooling(compare_pooling(spec, small), control).shown
        shown = protect_checks(checks, {}, control, spec).shown
        others = protect_left_out(left_out, {}, control, spec).shown
    assert {row.complete for row in pooling.groups} == {HIDDEN}
    assert shown["observed"].tolist() == [HIDDEN, 10.0], "and of an industry what its level may say"
    assert others[["mean", "predicted", "lower"]].iloc[0].tolist() == [10.0, 10.0, 0.0]


def test_a_prior_is_not_held_against_a_mean_that_is_not_said(sample: AnalysisSample) -> None:
    small, spec = beside_two(sample), ModelSpec(MEAN, ("q17",), min_quarters=1)
    for data, asked, hidden in ((small, spec, True), (sample, NULL, False)):
        found = sensitivity(asked, data, parts=["prior"])
        shown = protect_sensitivity(found, Control.of(data, Rules())).shown["prior"]
        observed = shown["observed"][found["prior"]["observed"].notna()]
        assert len(observed) == 2
        assert (observed == HIDDEN).all() == hidden
        assert hidden or [round(value, 2) for value in observed] == observed.tolist()
        assert set(shown["priors"]) == {str(asked.priors)}


def test_errors_say_nothing_of_what_is_in_the_data(
    sample: AnalysisSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "must vary (got a constant)": nobody had any absence, or all gave one answer."""
    none = changed(sample, **{MEAN: sample.frame[MEAN].mask(sample.frame[MEAN].notna(), 0.0)})
    monkeypatch.setattr("bayes_sf.inputs.sample.load_sample", lambda **_: none)
    files = ("--survey", "s.csv", "--register", "r.csv", "--out", "out")
    (tmp_path / "mean.toml").write_text(
        'schema = 1\nquestion = "?"\noutcomes = ["absence_mean"]\nitems = []\nmin_quarters = 1\n'
    )
    told = run_here("fit", "mean.toml", *files, folder=tmp_path)
    assert told.code in {3, 5}
    for word in ("constant", "vary", "column"):
        assert word not in told.stderr, told.stderr
    full = run_here("fit", "mean.toml", *files, "--no-disclosure-control", folder=tmp_path)
    assert "must vary" in full.stderr
    with pytest.raises(DataError, match="must vary"):
        fit(NULL, none)


@pytest.mark.parametrize(
    "intercept",
    [
        sf.Prior("normal", 1e20, autoscale=False),
        sf.Prior("normal", 1.0, location=1e6, autoscale=False),
    ],
)
def test_a_prior_that_is_refused_does_not_tell_the_sd(
    sample: AnalysisSample, intercept: sf.Prior
) -> None:
    """What it is in sds of the outcome, to three digits, is the sd to as many."""
    spec = dataclasses.replace(NULL, priors=sf.Priors(intercept=intercept))
    stated = intercept.location or intercept.scale
    with pytest.raises(SpecError, match=r"got ") as error:
        fit(spec, sample)
    found = float(str(error.value).split("got '")[1].split()[0])
    y = sample.frame[MEAN].dropna()
    assert stated / found == pytest.approx(y.std(), rel=0.01)
    veil_data(True)
    try:
        with pytest.raises(SpecError, match="state it in the data's unit") as error:
            fit(spec, sample)
    finally:
        veil_data(False)
    assert "got" not in str(error.value)


def test_a_list_of_two_tells_no_probability() -> None:
    belonging = pd.DataFrame({
        "list": "high", "industry": ["ict", "care"], "candidates": [20, 20], "chosen": [1, 4],
        "belong_by_rule": [0.8312, 3.1], "belong_by_posterior": [0.9, 3.23],
    })  # fmt: skip
    shown, _ = protect_belonging(belonging, Control())
    assert shown["belong_by_rule"].tolist() == [HIDDEN, 3.1]
    assert shown["belong_by_posterior"].tolist() == [HIDDEN, 3.2]


@pytest.mark.parametrize("group", ["workplace", "n_employees"])
def test_workplaces_are_no_groups(sample: AnalysisSample, group: str) -> None:
    assert Control.of(sample, Rules()).withheld(ModelSpec(MEAN, group=group, min_quarters=1))


# 1 to 7. Every figure of microdata has the digits that its data give


def test_nothing_leaves_in_full(sample: AnalysisSample) -> None:
    control = Control.of(sample, Rules())
    pooling, _ = protect_pooling(compare_pooling(NULL, sample), control)
    for row in (*pooling.groups, *pooling.terms):
        for value in vars_of(row).values():
            if isinstance(value, float) and np.isfinite(value):
                assert value == round(value, 3)


def vars_of(row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}


# 8. The log, and counts of odd rows


def test_the_log_is_not_in_the_folder_that_is_sent(tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    log = (Hidden("flow", "ict", "", "workplaces"),)
    run = Run(Asked(source="microdata"), Control(), Passed(Content(), log))
    files = run.write(tmp_path / "sent")
    assert [path.name for path in (tmp_path / "sent").iterdir()] == ["provenance.json"]
    private = tmp_path / "sent_private"
    assert {path.name for path in private.iterdir()} == set(FILES)
    assert set(private.iterdir()) < set(files)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in private.iterdir()} == {0o600}


def test_fewer_rows_than_three_are_said_as_few() -> None:
    found = problem("r.csv", "negative days", rows=1, places=(), consequence="missing")
    (line,) = problem_lines(hide_few(problem_table([found]), 3))
    assert line == "r.csv: negative days (rows: fewer than 3); missing"


def test_no_n_is_unsaid_alone() -> None:
    """By itself it would be known to be one or two from the one that is said."""
    sizes = pd.Series([500.0, 499.0, 450.0, 400.0, np.nan])
    assert _far_apart(sizes, [500], 3).tolist() == [True, False, False, True, True]
    assert _far_apart(sizes[[0, 3]], [500], 3).tolist() == [True, True]
    said = {b"a": True, b"b": True, b"c": False}
    assert in_company(said, [], [b"a", b"b", b"c"]) == {b"a": True, b"b": False, b"c": False}
    assert in_company(said, [], [b"c"]) == said


# 9. Messages: `tests/inputs/test_bad_inputs.py`

# 10. Keys, permissions, digests


def test_a_key_is_long_or_a_passphrase_and_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"x" * 40)
    path.chmod(0o644)
    with pytest.raises(UsageError, match="readable by you alone"):
        read_secret(path)
    path.chmod(0o600)
    assert read_secret(path) == b"x" * 40
    with pytest.raises(UsageError, match="at least 32 bytes"):
        key_of(b"k")
    assert key_of(b"a long passphrase") not in {b"a long passphrase", key_of(b"another phrase")}


def test_private_files_are_their_owners(tmp_path: Path) -> None:
    (tmp_path / "selection.csv").write_text("old")
    (tmp_path / "selection.csv").chmod(0o644)
    write_files(tmp_path, {"selection.csv": "new", "table.csv": "1"}, private=["selection.csv"])
    assert stat.S_IMODE((tmp_path / "selection.csv").stat().st_mode) == 0o600


def test_digests_of_microdata_are_keyed() -> None:
    about = {"data": "abc", "models": [{"n": 3, "data": "abc", "spec": "abc"}]}
    shown = keyed(about)
    assert shown["data"] == shown["models"][0]["data"] != "abc"
    assert shown["models"][0]["spec"] == "abc"


# 11. Thresholds, links, terminals, pages


def test_a_threshold_of_one_is_no_control() -> None:
    with pytest.raises(UsageError, match="--min-workplaces: must be at least 2"):
        Rules(min_workplaces=1)
    assert not Rules(min_workplaces=1, active=False).active


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    target = tmp_path / "target"
    target.write_text("mine")
    for name in ("fit.nc", ".writing-fit-0123456789ab.nc"):
        (tmp_path / "out" / name).symlink_to(target)
    write_files(tmp_path / "out", {"fit.nc": b"new"})
    assert target.read_text() == "mine"
    assert not (tmp_path / "out" / "fit.nc").is_symlink()


def test_an_escape_does_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bad = "a\x1b]0;title\x07\x1b[31m"
    table = Table("t", bad, (Column("term", bad, "text"),), ((bad,),), notes=(bad,))
    print_table(Console(width=200, force_terminal=False), table)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "title" in said


def test_pages_fetch_nothing() -> None:
    table = Table("t", "x", (Column("term", "x", "text"),), (("y",),))
    assert "default-src 'none'" in page(table)


# What protection costs


def test_what_protection_costs_is_said(sample: AnalysisSample) -> None:
    """Cells of each table, and how the models that were asked for leave."""
    small, control = beside_two(sample), Control.of(beside_two(sample), Rules())
    asked = [NULL, ModelSpec(MEAN, ("q17",), min_quarters=1), ModelSpec(MEAN, group="workplace")]
    withheld = [control.withheld(spec) for spec in asked]
    assert withheld == [False, False, True], len(small.frame)
    log = [Hidden("flow", "ict", "", "workplaces"), Hidden("flow", "care", "", "complement")]
    found = {(line.table, line.what): line.n for line in cost(control, log)}
    assert found.pop(("flow", "hidden")) == 2
    assert sum(found.values()) == len(asked)
    assert found["models", "withheld"] == 1
    said = "Models: 3; withheld: 1; with fewer digits or figures: 2."
    assert said in notice(control, log)
    assert "Models: 3" not in notice(control, log, page=True), "readers see what there is"


def test_beside_a_hidden_industry_slopes_are_said(sample: AnalysisSample) -> None:
    """Not with levels, which are shrunk towards what it is in; whole models were withheld."""
    small, spec = beside_two(sample), ModelSpec(MEAN, ("q17",), min_quarters=1)
    control = Control.of(small, Rules())
    release, levels = control.release(spec), {f"[{name}]" for name in small.frame["industry"]}
    assert release is not None
    assert not release.withheld
    assert release.unsaid >= levels | {"(Intercept)", "icc", "sd_resid"}
    shown = released(fit(spec, small), control)
    assert {row.term for row in shown.rows if np.isfinite(row.estimate)} == set(
        shown.moments.predictors
    )
    null = control.release(NULL)
    assert null is not None
    assert not null.withheld
    pooling = protect_pooling(compare_pooling(spec, small), control).shown
    cells = {str(cell) for row in pooling_table(pooling).rows for cell in row}
    assert HIDDEN in cells, "it can be printed as well"
    assert any(
        "q17" in str(row[0]) or "epresent" in str(row[0]) for row in pooling_table(pooling).rows
    )
