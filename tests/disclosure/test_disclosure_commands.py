"""Sensitivity, influence, multiverse and impute say nothing of an industry of two workplaces."""

import dataclasses
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import bayes_sf as sf
from bayes_sf.analysis.choices.influence import OTHERS, influence
from bayes_sf.analysis.missing.completed import completed_sets
from bayes_sf.analysis.missing.imputation import MissingStudy, compare_methods
from bayes_sf.analysis.missing.surveyed import who_is_missing, won_back
from bayes_sf.disclosure.control import HIDDEN, OFF, Control, Rules
from bayes_sf.disclosure.protected_choices import protect_influence
from bayes_sf.disclosure.protected_frames import mark_hidden, protect_frames
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.errors import DisclosureError
from bayes_sf.inputs.panel import build_panel
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.imputation import distribution_figure
from bayes_sf.output.run import Asked, Run
from bayes_sf.output.runs import impute as imputations
from bayes_sf.output.runs.influence import run_influence
from bayes_sf.output.runs.multiverse import run_multiverse
from bayes_sf.output.runs.sensitivity import run_sensitivity
from bayes_sf.spec.multiverse import Multiverse, report_choices

type Report = Callable[[Rules, Path], tuple[Any, str, str]]

FEW = "ict"
SPECS = tuple(sf.ModelSpec(o, ("q13",)) for o in ("absence_mean", "absence_change"))


@pytest.fixture(autouse=True, scope="module")
def own_data() -> Iterator[None]:
    """The replica as data of one's own: nobody recognises its digest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayes_sf.inputs.sample.INVENTED", "")
        yield


@pytest.fixture(scope="module")
def small() -> AnalysisSample:
    """The replica with two workplaces of ict."""
    replica = sf.load_sample("replica")
    frame = replica.frame
    complete = (frame["n_quarters"] >= 3) & (frame["q13"] != "dont_know")
    mine = frame[(frame["industry"] == FEW) & complete].index[:2]
    kept = frame[(frame["industry"] != FEW) | frame.index.isin(mine)]
    quarters = replica.quarters[replica.quarters["workplace"].isin(kept["workplace"])]
    return dataclasses.replace(replica, frame=kept, quarters=quarters)


def printed(ran: Run, folder: Path) -> tuple[Run, str, str]:
    """A run that is written, and what it prints: tables, and JSON."""
    files, texts = ran.write(folder), []
    for as_json in (False, True):
        stream = io.StringIO()
        ran.show(Console(file=stream, width=200), files, as_json=as_json)
        texts.append(stream.getvalue())
    return ran, texts[0], texts[1]


def of_sensitivity(sample: AnalysisSample, rules: Rules, folder: Path) -> tuple[Any, str, str]:
    parts = ["fan", "ladder", "exceedance", "days"]
    asked = Asked(source="replica", rules=rules)
    return printed(run_sensitivity(sf.load_analysis("q13"), sample, asked, parts=parts), folder)


def of_influence(sample: AnalysisSample, rules: Rules, folder: Path) -> tuple[Any, str, str]:
    asked = Asked(source="replica", rules=rules)
    return printed(run_influence(sf.load_analysis("q13"), sample, asked), folder)


def of_multiverse(sample: AnalysisSample, rules: Rules, folder: Path) -> tuple[Any, str, str]:
    asked = Asked(source="replica", rules=rules)
    return printed(run_multiverse(choices("none", FEW, "care"), sample, asked), folder)


def choices(*without: str) -> Multiverse:
    usual = {key: (option,) for key, option in report_choices("q13").items()}
    return Multiverse("test", "Does it?", "q13", "widest", 0.5, {**usual, "without": without})


@pytest.fixture(scope="module")
def study(small: AnalysisSample) -> MissingStudy:
    """A study without sampling: exact fits stand for the joint model, noise for what is missing."""
    panel = build_panel(small, ("q13",))
    rng = np.random.default_rng(1)
    y = np.where(panel.observed, panel.y, rng.normal(6, 3, size=(4, *panel.y.shape)))
    x = np.where(np.isnan(panel.x), 3.0, np.repeat(panel.x[None], 4, axis=0))
    done = Completed(y, x)
    sets = completed_sets(panel, done)
    fits = tuple(sf.fit(spec, small, engine="exact") for spec in SPECS)
    effects = pd.DataFrame(
        {
            "pattern": "quarters", "quantity": ["mean", "change"], "term": "q13", "delta": 0.0,
            "estimate": 0.123456, "sd": 0.1, "lower": -0.1, "upper": 0.3, "prob": 0.95,
            "interval": "credible-eti", "p_direction": 0.9, "n_workplaces": 30, "n": 500,
            "n_groups": 6,
        }
    )  # fmt: skip
    rows = tuple(row for one in fits for row in compare_methods(one, one, small, sets, effects))
    tipping = pd.DataFrame(
        {"pattern": "quarters", "quantity": ["mean", "change"], "term": "q13",
         "verdict_at_zero": "undecided", "sign": np.nan, "verdict": np.nan}
    )  # fmt: skip
    won = pd.concat([won_back(small, spec, panel) for spec in SPECS], ignore_index=True)

    class Sampled(MissingStudy):
        @property
        def panel_fit(self) -> Any:
            names = pd.Index(["beta[q13]", f"u_industry[{FEW}]"], name="parameter")
            table = pd.DataFrame({"mean": 1.0, "sd": 0.5, "lower": 0.0, "upper": 2.0}, index=names)
            return SimpleNamespace(panel=panel, settings={}, summary=lambda: table)

    missing = who_is_missing(small, SPECS)
    return Sampled(fits, fits, rows, missing, won, effects, tipping, done, sets)


@pytest.fixture
def of_impute(
    study: MissingStudy, small: AnalysisSample, monkeypatch: pytest.MonkeyPatch
) -> Report:
    monkeypatch.setattr(imputations, "study_missing", lambda *_, **__: study)
    # Pictures of made-up draws: looked at below.
    for name in ("quarters_figure", "distribution_figure", "delta_figure"):
        monkeypatch.setattr(imputations, name, lambda *_, **__: None)
    files = "bayes_sf.output.run.figure_files"
    monkeypatch.setattr(files, lambda name, _, **__: {f"{name}.svg": ""})
    monkeypatch.setattr("bayes_sf.output.run.coarsened", lambda figure: figure)

    def report(rules: Rules, folder: Path, source: str = "replica") -> tuple[Any, str, str]:
        ran, _ = imputations.run_impute(
            sf.load_analysis("q13"),
            small,
            Asked(source=source, rules=rules),
            deltas=(0.0,),
            pattern="quarters",
        )
        return printed(ran, folder)

    return report


def lines_of(few: str, folder: Path) -> list[str]:
    """Lines of all tables that name an industry, its figures only."""
    found = []
    for path in folder.glob("*.csv"):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        stated = [
            name for name in frame
            if name in {"prob", "prior", "n_data", "min_quarters", "last_quarter"}
            or (path.name == "fan.csv" and name in {"n", "n_groups"})  # of the model
        ]  # fmt: skip
        named = frame.isin([few, f"u_industry[{few}]"]).any(axis=1)
        text = frame[named].drop(columns=stated).astype(str)
        found += [" ".join(row) for row in text.itertuples(index=False)]
    return found


def numbers(lines: list[str]) -> list[str]:
    """Numbers in lines, but for those in names."""
    return [n for line in lines for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)", line)]


def told_of(few: str, content: Any) -> Iterator[Any]:
    """Numbers in records of JSON that name an industry."""
    if isinstance(content, dict) and few in content.values():
        stated = {"prob", "n_data"} | ({"n", "n_groups"} if "prior" in content else set())
        yield from (
            value for key, value in content.items()
            if type(value) in {int, float} and key not in stated
        )  # fmt: skip
    if isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            yield from told_of(few, part)


def check(report: Report, folder: Path, *, named: bool = True) -> Any:
    """Nothing of the industry with the gate; with it off, figures and a warning everywhere."""
    safe, open_ = folder / "safe", folder / "open"
    for path in (safe, open_):
        path.mkdir()
    ran, text, found = report(Rules(), safe)
    assert numbers(lines_of(FEW, safe)) == []
    shown = [line for line in text.splitlines() if re.search(r"\bICT\b", line)]
    assert all(HIDDEN in line for line in shown)
    assert not re.search(r"\d", " ".join(shown))
    log = pd.read_csv(folder / "safe_private" / "disclosure.csv")
    assert set(log.loc[log["row"] == FEW, "rule"]) == {"workplaces"}
    assert "Disclosure control: " in text
    assert "Disclosure control: " in json.loads(found)["disclosure"]
    assert list(told_of(FEW, json.loads(found))) == []
    off, text, found = report(OFF, open_)
    assert numbers(lines_of(FEW, open_))
    assert "DISCLOSURE CONTROL IS OFF" in text
    assert "DISCLOSURE CONTROL IS OFF" in json.loads(found)["disclosure"]
    assert json.loads((folder / "open_private" / "disclosure.json").read_text())["hidden"] == []
    if named:
        assert any(re.search(r"\bICT\b.*\d", line) for line in text.splitlines())
    return ran, off


@pytest.mark.slow  # `test_release_sets.py` and `test_disclosure_run.py` look at it as well
def test_sensitivity(small: AnalysisSample, tmp_path: Path) -> None:
    ran, off = check(lambda *a: of_sensitivity(small, *a), tmp_path, named=False)
    page = (tmp_path / "safe" / "sensitivity.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if "| ICT" in line)
    assert line.count(HIDDEN) >= 4
    assert "Disclosure control: " in page
    line = next(
        line for line in (tmp_path / "open" / "sensitivity.md").read_text().splitlines()
        if "| ICT" in line
    )  # fmt: skip
    assert re.search(r"\d", line)
    # What is left is no equation in the mean of the two: two digits of the uncertainty.
    for part, names in {"fan": ["mean", "lower"], "ladder": ["estimate"]}.items():
        term = ran.content.frames[part]["term"] == "q13"
        blunt = ran.content.frames[part].loc[term, names]
        exact = off.content.frames[part].loc[blunt.index, names]  # what is withheld has no row
        there = exact.notna().all(axis=1) & blunt.notna().all(axis=1)
        assert there.any()
        off_by = (blunt[there].astype(float) - exact[there]).abs().to_numpy()
        release = Control.of(small, Rules()).release(sf.load_analysis("q13").specs[0])
        assert release is not None
        unit = 10.0 ** (1 - release.finest)  # a set has a digit fewer where two tell too much
        assert 1e-4 < off_by.max() <= 1.5 * unit, "rounded, and so is what a prior moves"
    # The days of all, less those of the industries that are shown, are not those of ict.
    days = ran.content.frames["days"]
    assert (days.loc[days["employees"] == HIDDEN, "industry"].nunique()) >= 2


def test_rows_lost_to_a_control_are_counted_only_when_they_are_many(
    small: AnalysisSample,
) -> None:
    """One workplace whose women's share is not known: n of steps would say so."""
    frame = small.frame.copy()
    kept = frame["women_share"].notna() & frame["senior_share"].notna()
    frame = frame[kept & frame["n_employees"].notna()].copy()
    usable = (frame["n_quarters"] >= 3) & (frame["q13"] != "dont_know")
    frame.loc[frame.index[usable][0], "women_share"] = np.nan
    one_less = dataclasses.replace(small, frame=frame)
    asked = sf.load_analysis("q13_controls")
    for rules, hidden in ((Rules(), True), (OFF, False)):
        how = Asked(source="replica", rules=rules)
        ran = run_sensitivity(asked, one_less, how, parts=["controls"])
        steps = ran.content.frames["controls"]
        own = steps[(steps["rows"] == "own") & (steps["outcome"] == "absence_mean")]
        assert (own["lost"] == HIDDEN).all() == hidden
        assert (own["n"] == HIDDEN).all() == hidden
        same = steps[steps["rows"] == "identical"]
        assert (same["n"] != HIDDEN).all()  # n of a model is always said


def test_published_data_pass_as_they_are() -> None:
    frame = pd.DataFrame({"group": [FEW], "mean": [1.23456]})
    control = Control(Rules(), microdata=False)
    shown, log = protect_frames({"fan": frame}, {}, control.hidden_groups({FEW: 2}))
    assert shown["fan"] is frame
    assert log == ()


@pytest.mark.slow  # `test_release_sets.py` and `test_disclosure_run.py` look at it as well
def test_influence(small: AnalysisSample, tmp_path: Path) -> None:
    ran, off = check(lambda *a: of_influence(small, *a), tmp_path)
    cells = pd.read_csv(tmp_path / "safe" / "cells.csv", dtype=str)
    assert FEW not in set(cells["group"])
    assert (cells["n"] == HIDDEN).all()  # an industry's n, less its cells, would be the rest
    assert FEW in set(off.content.frames["cells"]["group"])
    refits = ran.content.frames["refits"]
    hidden = refits[refits["reason"] == HIDDEN]
    assert FEW in set(hidden["which"])
    assert len(hidden) >= 2  # the n of all, less what is shown
    # Pulls stay the sums that they were: hidden industries' are with the others'.
    answers = ran.content.frames["answers"].set_index("answer")
    for answer, part in ran.content.frames["cells"].groupby("answer"):
        whole = answers.loc[answer]
        assert part["pull"].sum() == pytest.approx(whole["pull"], rel=0.02, abs=0.01)
        assert (part["group"] == OTHERS).sum() <= 1


def test_answers_of_few_and_what_gives_them_away(small: AnalysisSample) -> None:
    """An answer that three gave is hidden, and the next smallest with it: n of all is known."""
    frame = small.frame.copy()
    first = frame.index[frame["q13"] == "very_small_extent"]
    frame = frame.drop(index=first[3:])
    few = dataclasses.replace(small, frame=frame)
    found = influence(sf.load_analysis("q13").specs[0], few)
    shown, log = protect_influence(found, Control.of(few, Rules()))
    hidden = shown.answers.loc[shown.answers["n"].isna(), "answer"].tolist()
    assert "very_small_extent" in hidden
    assert len(hidden) == 2
    refits = shown.refits.set_index("which")
    assert refits.loc[hidden, "n"].isna().all()
    assert shown.cells.loc[shown.cells["answer"].isin(hidden), "pull"].isna().all()
    assert {line.row for line in log if line.table.startswith("answers")} == set(hidden)


@pytest.mark.slow  # `test_release_sets.py` and `test_disclosure_run.py` look at it as well
def test_multiverse(small: AnalysisSample, tmp_path: Path) -> None:
    ran, off = check(lambda *a: of_multiverse(small, *a), tmp_path)
    table = ran.content.frames["specifications"].set_index("without")
    assert table.loc[FEW, "reason"] == HIDDEN
    assert table.loc[FEW, "estimate"] == HIDDEN
    assert ran.content.said["summary"]["fitted"] == 2
    assert FEW not in (tmp_path / "safe" / "options.csv").read_text()
    exact = off.content.frames["specifications"].set_index("without")
    assert exact.loc["none", "n"] - exact.loc[FEW, "n"] == 2  # what its n would have told
    assert table.loc["care", "estimate"] == round(exact.loc["care", "estimate"], 2)
    with pytest.raises(DisclosureError, match="leaves out hidden industries only"):
        run_multiverse(choices(FEW), small, Asked(source="replica"))


def test_impute(of_impute: Report, tmp_path: Path, study: MissingStudy) -> None:
    ran, off = check(of_impute, tmp_path)
    industries = ran.content.frames["missing"][
        ran.content.frames["missing"]["by"] == "industry"
    ].set_index("level")
    hidden = industries.index[industries["surveyed"] == HIDDEN]
    assert FEW in hidden
    assert len(hidden) >= 2  # all, less what is shown
    won = ran.content.frames["won_back"]
    same = set(won.loc[won["surveyed"] == HIDDEN, "industry"])
    assert same == set(hidden)  # two tables of the same workplaces hide the same
    for by, part in study.missing.groupby("by"):
        if by == "all":
            continue
        shown = ran.content.frames["missing"][ran.content.frames["missing"]["by"] == by]
        seen = (shown["surveyed"] != HIDDEN).to_numpy()
        counts = [part["surveyed"], part["linked"], part["complete_absence_mean"]]
        for count in (*counts, counts[0] - counts[1], counts[1] - counts[2]):
            assert not count[seen].between(1, 2).any()
    assert f"u_industry[{FEW}]" not in (tmp_path / "safe" / "panel.csv").read_text()
    assert (off.content.frames["missing"] != HIDDEN).to_numpy().all()


@pytest.mark.parametrize(
    ("source", "rules", "single"),
    [
        ("microdata", Rules(), False),
        pytest.param("microdata", OFF, True, marks=pytest.mark.slow),
        pytest.param("replica", Rules(), False, marks=pytest.mark.slow),
    ],
)
def test_single_workplaces_are_drawn_of_no_real_data(
    of_impute: Callable[..., Any], tmp_path: Path, source: str, rules: Rules, *, single: bool
) -> None:
    ran, _, _ = of_impute(rules, tmp_path, source)
    assert ("quarters" in ran.content.figures) == single
    assert (tmp_path / "quarters.svg").exists() == single


def test_hidden_industries_are_not_drawn(study: MissingStudy) -> None:
    figure = distribution_figure(study.panel_fit.panel, study.done, source="replica", hidden={FEW})
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert len([title for title in titles if title]) == 5
    assert not any(title.startswith("ICT") for title in titles)


def test_steps_of_few_quarters_are_not_drawn(study: MissingStudy) -> None:
    """The ends of a distribution are one workplace's worst quarters."""
    given = study.panel_fit.panel, study.done
    for least in (0, 3):
        figure = distribution_figure(*given, source="replica", least=least)
        counts = [
            patch.get_data().values * n
            for axes in figure.axes if axes.get_visible() and axes.patches
            for patch in axes.patches[-1:]
            for n in [int(re.findall(r"n = (\d+)", axes.get_title(loc="left"))[0])]
        ]  # fmt: skip
        found = np.round(np.concatenate(counts)).astype(int)
        assert bool(((found > 0) & (found < 3)).any()) == (least == 0)


def test_hidden_is_told_from_what_could_not_be_fitted() -> None:
    frame = pd.DataFrame({"n": [1.0, np.nan, np.nan], "reason": ["", HIDDEN, "singular"]})
    assert mark_hidden(frame, ["n"])["n"].tolist()[:2] == [1.0, HIDDEN]
    assert np.isnan(mark_hidden(frame, ["n"])["n"].iloc[2])
