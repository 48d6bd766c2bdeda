"""What multiverse, influence, sensitivity and impute tell of refits leaves as sets."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from tools import own_workplaces

from bayes_sf.analysis.choices.influence import influence
from bayes_sf.analysis.choices.multiverse import explore
from bayes_sf.analysis.contrast import Contrast
from bayes_sf.analysis.missing.imputation import study_complete
from bayes_sf.analysis.sensitivity import sensitivity
from bayes_sf.disclosure.control import HIDDEN, Control, Rules
from bayes_sf.disclosure.learnt.knowledge import Knowledge
from bayes_sf.disclosure.learnt.ledger import Ledger
from bayes_sf.disclosure.learnt.left import Left
from bayes_sf.disclosure.learnt.sets import Refit, admit
from bayes_sf.disclosure.learnt.statistics import (
    Statistics,
    contrast_statistics,
    pull_statistics,
)
from bayes_sf.disclosure.learnt.together import told_together
from bayes_sf.disclosure.protected_choices import protect_explored, protect_influence
from bayes_sf.disclosure.protected_missing import protect_missing
from bayes_sf.disclosure.protected_models import released
from bayes_sf.disclosure.protected_sensitivity import protect_sensitivity
from bayes_sf.engines.fit import fit, rows_of
from bayes_sf.errors import DisclosureError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.multiverse import Multiverse, report_choices
from tests.disclosure.attacker import outcome_widths

MEAN = "absence_mean"
YES_NO = ModelSpec(MEAN, ("q17",), min_quarters=1, unit="pp")
pytestmark = pytest.mark.usefixtures("only_null_models")


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    whole = own_workplaces()
    two = whole.frame["q17"].mask(whole.frame["q17"] == "dont_know", "yes")
    return dataclasses.replace(whole, frame=whole.frame.assign(q17=two))


def rare(sample: AnalysisSample, chosen: int) -> AnalysisSample:
    """So many workplaces said no: the model of it is withheld."""
    usable = sample.frame.index[sample.frame[MEAN].notna()]
    answers = sample.frame["q17"].mask(sample.frame["q17"].notna(), "yes")
    answers[usable[10 : 10 + chosen]] = "no"
    return dataclasses.replace(sample, frame=sample.frame.assign(q17=answers))


def multiverse(**choices: Any) -> Multiverse:
    usual = {key: (option,) for key, option in report_choices("q17").items()}
    own = {**usual, "min_quarters": (1,), "last_quarter": ("2020Q4",), **choices}
    return Multiverse("test", "Does it?", "q17", "widest", 0.5, own)


SOME = {
    "without": ("each",), "prior": ("2.5 sd", "flat"),
    "controls": ((), ("women_share",), ("senior_share",), ("n_employees",)),
}  # fmt: skip


# Multiverse


def test_a_multiverse_does_not_say_the_slope_that_fit_withholds(sample: AnalysisSample) -> None:
    """It wrote it, with every prior."""
    own = rare(sample, 2)
    control = Control.of(own, Rules())
    assert control.withheld(YES_NO)
    found = explore(multiverse(prior=("2.5 sd", "flat")), own)
    assert found.table["estimate"].notna().all()
    with pytest.raises(DisclosureError, match="withheld") as error:
        protect_explored(found, control)
    assert "few" not in str(error.value), "why is none of the reader's business"


def test_a_combination_whose_rows_leave_few_in_a_cell_is_withheld(sample: AnalysisSample) -> None:
    """Five said no, three of them in one industry: without it two are left."""
    frame = rare(sample, 0).frame
    usable = frame.index[frame[MEAN].notna()]
    care, others = (usable[(frame.loc[usable, "industry"] == "care") == at] for at in (True, False))
    answers = frame["q17"].copy()
    answers[[*care[:3], *others[:2]]] = "no"
    own = dataclasses.replace(sample, frame=frame.assign(q17=answers))
    shown = protect_explored(
        explore(multiverse(without=("none", "care")), own), Control.of(own, Rules())
    ).shown.table.set_index("without")
    assert shown.loc["none", "reason"] == ""
    assert shown.loc["care", "reason"] == HIDDEN
    assert np.isnan(shown.loc["care", "estimate"])


def test_what_is_said_of_a_multiverse_is_made_of_what_has_passed(sample: AnalysisSample) -> None:
    found = explore(multiverse(**SOME), sample)
    shown, log = protect_explored(found, Control.of(sample, Rules()))
    left = shown.fitted
    assert len(left) > 0
    places = max(0, *(len(f"{value:g}".partition(".")[2]) for value in left["sd"]))
    assert places <= 2
    median = shown.summary()["median"]
    assert median == pytest.approx(np.median(left["estimate"]))
    away = sum(line.rule == "withheld" for line in log)
    assert (len(left) < len(found.table)) == bool(away)


def test_a_multiverse_is_in_the_ledger_once(sample: AnalysisSample, tmp_path: Any) -> None:
    found, key = explore(multiverse(**SOME), sample), b"k" * 32
    shown = []
    for _ in range(2):
        with Ledger(tmp_path / "ledger", key) as ledger:
            control = Control.of(sample, Rules(before=ledger.left))
            shown.append(protect_explored(found, control).shown.table)
            assert control.releases is not None
            ledger.add(control.releases.left, command="multiverse")
            lines = len(ledger.left)
    assert shown[0].equals(shown[1])
    assert lines == 2, "the null model, and the set"
    with Ledger(tmp_path / "ledger", key) as ledger:
        (whole,) = [one for one in ledger.left if getattr(one, "mark", "")]
        told = told_together(ledger.left, 3)
    assert len(whole.populations) == len({part.tobytes() for part in whole.populations}) > 1
    assert told.outcomes == ()


@pytest.fixture(scope="module")
def few(sample: AnalysisSample) -> tuple[pd.DataFrame, list[Left]]:
    """Fewer workplaces than a multiverse has figures, and what has left of it."""
    frame = sample.frame.groupby("industry").head(8).reset_index(drop=True)
    quarters = sample.quarters[sample.quarters["workplace"].isin(frame["workplace"])]
    own = dataclasses.replace(sample, frame=frame, quarters=quarters)
    control = Control.of(own, Rules())
    protect_explored(explore(multiverse(**SOME), own), control)
    assert control.releases is not None
    left = [one for one in control.releases.left if isinstance(one, Left)]
    assert left[-1].mark
    return frame, left


def test_with_all_digits_a_multiverse_would_tell(few: tuple[pd.DataFrame, list[Left]]) -> None:
    """The same figures with six digits more are too much."""
    _, (*others, whole) = few
    assert told_together([*others, whole], 3).outcomes == ()
    full = dataclasses.replace(whole, half=whole.half / 1e6)
    assert told_together([*others, full], 3).outcomes == (MEAN,)


def test_an_attacker_with_all_combinations_learns_no_outcome(
    few: tuple[pd.DataFrame, list[Left]],
) -> None:
    """Linear programs on all equations, knowing another workplace's own: of what is best known."""
    frame, left = few
    assert min(outcome_widths(left, frame, MEAN, targets=1)) > 1
    full = [dataclasses.replace(one, half=one.half / 1e6) for one in left]
    assert min(outcome_widths(full, frame, MEAN, targets=1)) < 1


def test_no_definition_of_an_outcome_may_be_told(sample: AnalysisSample) -> None:
    """Where absence by another definition is larger, a tenth of that counts."""
    releases = Control.of(sample, Rules()).releases
    assert releases is not None
    y = sample.frame[MEAN].to_numpy(float)
    usual, more = releases._needed(MEAN), releases._needed(MEAN, np.array([y, 3 * y]))
    there = y > 5
    assert more[there] == pytest.approx(3 * usual[there])


# The decision


def blocks(n: int, sizes: list[int]) -> Iterator[Refit]:
    """Means of the first so many of n workplaces."""
    for size in sizes:
        mask = np.arange(n) < size
        yield Refit(mask, Statistics(np.ones((1, size)) / size, ("a",), {"a": 2}))


def test_a_set_has_as_many_digits_as_all_of_it_may_have() -> None:
    known, least = Knowledge.of_spread(5.0, 60), np.full(60, 0.4)
    apart, near = list(blocks(60, [60, 40])), list(blocks(60, [60, 57, 54, 51, 48, 45]))
    assert admit(known, apart, least, [True, True]).batch == (0, (True, True))
    assert admit(known, near, least, [True] * 6).batch == (0, (True,) * 6)
    strict = np.full(60, 3.55)  # two digits leave 3.536, one leaves 3.577
    assert admit(known, near, strict, [True] * 6).batch == (1, (True,) * 6)


def test_what_does_not_fit_is_left_out_and_the_rest_leaves() -> None:
    known, least = Knowledge.of_spread(5.0, 60), np.full(60, 1.5)
    close = list(blocks(60, [60, 59, 30]))
    found = admit(known, close, least, [True, True, True])
    assert found.batch == (1, (True, False, True)), "one digit leaves 1.35"
    assert found.known.spread().min() >= 1.5
    assert admit(known, close, least, [True, False, True]).batch == (0, (True, False, True))


def test_figures_that_are_told_often_count_as_often() -> None:
    """Rounded anew under hundreds of priors one figure becomes as exact as one asks for."""
    known, least = Knowledge.of_spread(5.0, 60), np.ones(60)
    whole, part = blocks(60, [60, 59])
    once, often = (
        admit(known, [whole, part._replace(times=times)], least, [True, True]).batch
        for times in (1.0, 100.0)
    )
    assert once == (1, (True, True))
    assert often == (1, (True, False))


def test_a_quick_look_is_never_stricter_than_the_whole() -> None:
    rng = np.random.default_rng(1)
    known = Knowledge.of_spread(4.0, 30).after(rng.normal(size=(6, 30)) / 30, np.full(6, 0.01))
    for _ in range(10):
        weights, half = rng.normal(size=(2, 30)) / 20, rng.uniform(0.001, 0.1, 2)
        assert (
            known.least_after(weights, half) >= known.after(weights, half).spread() - 1e-9
        ).all()


def test_many_figures_are_learnt_as_a_few_are() -> None:
    """By precisions, where there are more of them than workplaces."""
    rng = np.random.default_rng(2)
    weights, half = rng.normal(size=(25, 12)), rng.uniform(0.01, 0.3, 25)
    together = Knowledge.of_spread(4.0, 12).after(weights, half)
    one_by_one = Knowledge.of_spread(4.0, 12)
    for row, error in zip(weights, half, strict=True):
        one_by_one = one_by_one.after(row[None], [error])
    assert together.cov == pytest.approx(one_by_one.cov, abs=1e-8)


# Weights


def test_weights_of_a_contrast_give_it_back(sample: AnalysisSample) -> None:
    rows = rows_of(YES_NO, sample)
    assert rows is not None
    reml, ols = (fit(YES_NO, sample, engine=engine) for engine in ("reml", "ols"))
    ratio = float((reml.fitted.sd_group / reml.fitted.sd_resid) ** 2)
    found = contrast_statistics(rows, "q17[no]", 2.0, ratio)
    values = found.weights @ rows.y
    assert values[0] == pytest.approx(2 * ols.fixef()["estimate"]["q17[no]"], abs=1e-9)
    assert values[1] == pytest.approx(2 * reml.fixef()["estimate"]["q17[no]"], abs=1e-6)


def test_weights_of_pulls_give_them_back(sample: AnalysisSample) -> None:
    """Least squares again without each row, by brute force."""
    rows = rows_of(YES_NO, sample)
    assert rows is not None
    rows = rows.take(np.arange(rows.n_obs) < 40)
    own = {"some": np.arange(40) < 5}
    found = pull_statistics(rows, "q17[no]", 1.0, 1e-12, own)
    design = np.column_stack([np.ones(40), rows.x])
    whole = np.linalg.lstsq(design, rows.y)[0][1]
    pulls = []
    for at in range(5):
        kept = np.arange(40) != at
        pulls.append(whole - np.linalg.lstsq(design[kept], rows.y[kept])[0][1])
    assert found.weights @ rows.y == pytest.approx([sum(pulls), np.abs(pulls).sum()], abs=1e-9)


# Influence


def test_a_refit_that_leaves_few_in_a_cell_is_not_said(sample: AnalysisSample) -> None:
    frame = rare(sample, 0).frame
    usable = frame.index[frame[MEAN].notna()]
    care = usable[frame.loc[usable, "industry"] == "care"]
    others = usable[frame.loc[usable, "industry"] != "care"]
    answers = frame["q17"].copy()
    answers[[*care[:4], *others[:2]]] = "no"
    own = dataclasses.replace(sample, frame=frame.assign(q17=answers))
    found = influence(YES_NO, own)
    shown, log = protect_influence(found, Control.of(own, Rules()))
    refits = shown.refits.set_index("which")
    assert found.refits.set_index("which").loc["care", "reason"] == ""
    assert refits.loc["care", "reason"] == HIDDEN
    assert np.isnan(refits.loc["care", "estimate"])
    assert "withheld" in {line.rule for line in log}


def test_influence_has_few_digits_and_nothing_behind_it(sample: AnalysisSample) -> None:
    found, control = influence(YES_NO, sample), Control.of(sample, Rules())
    shown = protect_influence(found, control).shown
    said = shown.refits[["estimate", "sd"]].astype(float)
    assert said.notna().to_numpy().any()
    assert (said == said.round(2)).to_numpy()[said.notna().to_numpy()].all()
    assert shown.rows.n_obs == 0
    assert shown.means.size == shown.sds.size == shown.answer.size == 0
    assert "sd(y)" in str(shown.result.priors), "resolved they are mean and sd of the outcome"
    told = shown.answers["share"].dropna()
    assert told.empty or told.sum() == pytest.approx(1, abs=0.02)


# Sensitivity


def test_slopes_of_what_is_withheld_are_not_among_many(sample: AnalysisSample) -> None:
    """Multiplicity looked at all the report's models, also at those that do not leave."""
    own = rare(sample, 2)
    control = Control.of(own, Rules())
    items = [ModelSpec(MEAN, (n,), min_quarters=1) for n in ("q17", "q13", "q18", "q11", "q21")]
    found = sensitivity(items[1], own, parts=["multiplicity"], keep=control.keeps)
    terms = set(found["multiplicity"]["term"])
    assert "q13" in terms
    assert not [term for term in terms if term.startswith("q17")]
    shown = protect_sensitivity(found, control).shown["multiplicity"]
    assert not [term for term in shown["term"] if term.startswith("q17")]


def test_a_step_of_controls_that_rests_on_few_is_not_said(sample: AnalysisSample) -> None:
    own = rare(sample, 2)
    spec = ModelSpec(MEAN, ("q13", "women_share", "q17"), min_quarters=1)
    found = sensitivity(spec, own, parts=["controls"])
    shown = protect_sensitivity(found, Control.of(own, Rules())).shown["controls"]
    steps = shown.set_index(["rows", "controls"])
    assert found["controls"]["reml"].notna().all()
    assert np.isnan(float(steps.loc[("own", "q17"), "reml"]))
    assert not np.isnan(float(steps.loc[("own", "none"), "reml"]))


def test_a_sensitivity_is_made_of_what_has_left(sample: AnalysisSample) -> None:
    """Twenty priors, five amounts and five rungs were thirty figures of one slope."""
    control = Control.of(sample, Rules())
    found = sensitivity(
        YES_NO, sample, parts=["fan", "exceedance", "ladder", "prior", "planning"],
        contrast=[Contrast("q17[no]", 1.0, "yes to no")],
    )  # fmt: skip
    own = next(r for r in released(found.results[0], control).rows if r.term == "q17[no]")
    shown, log = protect_sensitivity(found, control)
    del log
    fan = shown["fan"]
    first = fan[(fan["term"] == "q17[no]") & (fan["group"] == "")].iloc[0]
    assert (first["mean"], first["sd"]) == (own.estimate, own.sd)
    unit = 10.0 ** -control.release(YES_NO).places("q17[no]")  # type: ignore[union-attr]
    slopes = fan[(fan["term"] == "q17[no]") & fan["mean"].notna()]
    off = (slopes["mean"] - found["fan"].loc[slopes.index, "mean"]).abs().max()
    assert 1e-4 < off <= 25 * unit, "a digit fewer, and two steps of half a unit"
    amounts = shown["exceedance"]
    expected = norm.sf(amounts["amount"], own.estimate, own.sd)
    assert amounts["p_above"].to_numpy() == pytest.approx(expected, abs=1e-3)
    level = shown["prior"].set_index("quantity").loc["level", "lower"]
    assert level == float(f"{level:.2g}"), "quantiles of a prior are multiples of mean and sd"
    assert (
        shown["planning"]["width"] == shown["planning"]["width"].map("{:.2g}".format).astype(float)
    ).all()


# Imputation


def test_treatments_of_gaps_are_one_set(sample: AnalysisSample) -> None:
    control = Control.of(sample, Rules())
    specs = [ModelSpec(MEAN, ("q13",), min_quarters=1)]
    study = study_complete(specs, sample)
    panel = pd.DataFrame(columns=["parameter", "mean", "sd", "lower", "upper"])
    shown = protect_missing(study, panel, control).shown
    rows = {(row.method, row.term): row for row in shown.study.rows}
    own = next(r for r in released(study.complete_case[0], control).rows if r.term == "q13")
    assert rows["complete-case", "q13"].estimate == own.estimate
    known = rows["known-precision", "q13"].estimate
    release = control.release(specs[0])
    assert release is not None
    assert np.isnan(known) or known == round(known, release.places("q13"))
    assert control.releases is not None
    assert any(getattr(one, "mark", "") for one in control.releases.left)
