"""An attacker with all outputs of a run, whatever commands it had, learns no hidden cell.

`test_disclosure_attack.py` attacks what `describe` writes. Here the same workplaces go
through the other commands as well, and each of them has something to subtract: n by industry of
models that are part of one another, an n without an industry, means of models that differ by one
workplace, standard errors that tell an n.
"""

import dataclasses
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf import cli
from bayes_sf.disclosure.control import HIDDEN, Control, Rules
from bayes_sf.inputs.design import follow_rules
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.words.words import term_name
from bayes_sf.spec.analysis import load_analysis
from tests.conftest import draw_blank
from tests.disclosure.attacker import (
    INDUSTRIES,
    WIDTH,
    Attack,
    Name,
    Run,
    know_answers,
    know_flow,
    know_missing,
    know_models,
    know_parts,
    published,
    rules_of,
    step_of,
)
from tests.disclosure.test_disclosure_attack import sensitive, with_small_industry

#: One workplace did not answer the first item; who was not asked the others is in no model of them.
ITEMS = """
schema = 1
question = "Two items?"
outcomes = ["absence_mean", "absence_change"]
items = ["q11", "q19r1", "q19r3"]
min_quarters = 1
"""
CHOICES = """
schema = 1
question = "Choices?"
item = "q13"
rope = 0.5
[choices]
min_quarters = [1, 2, 3]
controls = [[], ["women_share"], ["q5r1"], ["women_share", "q5r1"], ["women_share", "q5r4"]]
without = "each"
"""
FEW: dict[str, tuple[str, ...]] = {
    "describe": (),
    "compare null": (),
    "compare items.toml": (),
    "fit items.toml": ("--engine", "reml"),
    "export items.toml": ("--format", "csv", "--format", "html"),
}
COMMANDS: dict[str, tuple[str, ...]] = {
    **FEW,
    "influence q13": (),
    "multiverse choices.toml": (),
    "sensitivity q13_controls": ("--part", "controls"),
    "select": (),
    "loo null": ("--by-industry",),
    "report": (),
}


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    """Microdata: the replica with eight workplaces of ict, and one of education without q11."""
    replica = with_small_industry(sf.load_sample("replica"), "ict", 40)
    frame = replica.frame.copy()
    known = (frame["industry"] == "education") & frame["absence_change"].notna()
    frame.loc[frame.index[known][0], "q11"] = None
    return dataclasses.replace(replica, frame=frame, source="microdata")


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=pytest.mark.slow) for kind in ("few", "all")]
)
def outputs(
    request: pytest.FixtureRequest,
    sample: AnalysisSample,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Folder of every command's output: of those that say n and means of models, and of all."""
    commands = {"few": FEW, "all": COMMANDS}[request.param]
    return run_commands(sample, tmp_path_factory.mktemp("run"), commands)


def run_commands(
    sample: AnalysisSample, folder: Path, commands: dict[str, tuple[str, ...]]
) -> dict[str, Path]:
    """Run commands on files of one's own, which are the sample."""
    (folder / "items.toml").write_text(ITEMS, encoding="utf-8")
    (folder / "choices.toml").write_text(CHOICES, encoding="utf-8")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        draw_blank(patch)
        patch.setattr("bayes_sf.inputs.sample.load_sample", lambda **_: sample)
        for command, options in commands.items():
            out = folder / command.replace(" ", "_").replace(".toml", "")
            files = ("--survey", "survey.csv", "--register", "register.csv", "--out", str(out))
            patch.setattr("sys.argv", ["bayes-sf", *command.split(), *files, *options])
            with pytest.raises(SystemExit) as left:
                cli.main()
            assert left.value.code in {None, 0, 3, 5}, command  # 3: the data do not allow it
            found[command] = out
    return found


def attacker_of(outputs: dict[str, Path], sample: AnalysisSample) -> Attack:
    """Everything that all outputs imply, as equations."""
    tables, attack = published(outputs["describe"]), Attack()
    know_answers(attack, tables)
    know_flow(attack, tables)
    know_missing(attack, tables)
    analyses = {command: command.partition(" ")[2] for command in outputs}
    folder = outputs["describe"].parent
    given = {
        outputs[command]: str(folder / name) if name.endswith(".toml") else name
        for command, name in analyses.items()
    }
    know_models(attack, Run(sample, given))
    know_parts(attack)
    return attack


def small_drops(sample: AnalysisSample, analyses: list[str]) -> list[tuple[Name, Name, Name]]:
    """Industry's counts of which one is one or two below another that it is a part of."""
    steps: dict[tuple[str, ...], np.ndarray] = {}
    for name in analyses:
        for spec in load_analysis(name).specs:
            chain: tuple[str, ...] = ()
            for step, kept in follow_rules(
                sample.frame, outcome=spec.outcome, predictors=spec.predictors,
                min_quarters=spec.min_quarters,
            ):  # fmt: skip
                chain = (*chain, step)
                counts = sample.frame.loc[kept, "industry"].value_counts()
                steps[chain] = counts.reindex(INDUSTRIES, fill_value=0).to_numpy(int)
    found = []
    for larger, before in steps.items():
        for smaller, after in steps.items():
            if rules_of(larger) < rules_of(smaller):
                for j in np.flatnonzero((before - after > 0) & (before - after < WIDTH)):
                    one, two = (
                        step_of(list(larger), INDUSTRIES[j]),
                        step_of(list(smaller), INDUSTRIES[j]),
                    )
                    found.append((("lost", *one, *two), one, two))
    return found


def recovered(
    attack: Attack, sample: AnalysisSample, analyses: list[str]
) -> tuple[int, dict[Name, tuple[float, float]]]:
    """How many counts are sensitive, and those that are known to less than an interval of three."""
    names = [name for name in sensitive(sample) if name[0] != "drop"]
    for target, one, two in small_drops(sample, analyses):
        if one in attack.names and two in attack.names:
            attack.same({target: 1.0, one: -1.0, two: 1.0})
            names.append(target)
    return len(names), attack.recovered(names)


def test_no_count_is_recovered_from_all_outputs(
    outputs: dict[str, Path], sample: AnalysisSample
) -> None:
    items = str(outputs["describe"].parent / "items.toml")
    analyses = ["null", "q13_controls", "q17_controls", items]
    size, found = recovered(attacker_of(outputs, sample), sample, analyses)
    assert size > 150
    assert found == {}


@pytest.mark.slow
def test_totals_of_two_flows_do_not_tell_of_one(tmp_path: Path) -> None:
    """All but one have three quarters: who has one quarter, in the null flow, is one more."""
    sample = dataclasses.replace(sf.load_sample("replica"), source="microdata")
    frame = sample.frame
    few = frame["linked"] & (frame["n_quarters"] < 3)
    one = frame.index[few & (frame["industry"] == "construction")][:1]
    kept = frame[~few | frame.index.isin(one)].reset_index(drop=True)
    quarters = sample.quarters[sample.quarters["workplace"].isin(kept["workplace"])]
    other = dataclasses.replace(sample, frame=kept, quarters=quarters)
    ran = run_commands(other, tmp_path, {"describe": (), "compare null": ()})
    flow = pd.read_csv(ran["describe"] / "flow.csv", dtype=str)
    three = flow[flow["step"] == "at least 3 observed quarters"]
    assert (three["all"] == HIDDEN).all()
    _, found = recovered(attacker_of(ran, other), other, ["null", "q13_controls"])
    assert found == {}


@pytest.mark.slow  # that the attacker can attack is in `test_disclosure_attack.py`, too
def test_one_command_that_says_every_n_gives_hidden_counts_away(
    outputs: dict[str, Path], sample: AnalysisSample, tmp_path: Path
) -> None:
    """The attacker can attack: levels of industries with their n, beside a flow that hides some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Control, "unsaid", lambda *_: {})
        told = run_commands(sample, tmp_path, {"compare null": ()})
    attack = attacker_of({"describe": outputs["describe"], **told}, sample)
    _, found = recovered(attack, sample, ["null"])
    assert len(found) >= 3
    assert {(low, high) for low, high in found.values()} == {(1.0, 1.0)}, "one was not linked"


def test_nothing_names_what_is_withheld_but_the_notice(
    outputs: dict[str, Path], sample: AnalysisSample
) -> None:
    """q11 has one workplace fewer than the null models: its n would say that one did not answer."""
    spec = next(s for s in load_analysis("bivariate").specs if s.name == "q11")
    assert Control.of(sample, Rules()).withheld(spec)
    for command in ("compare items.toml", "fit items.toml", "export items.toml"):
        for path in outputs[command].rglob("*.csv"):
            lines = pd.read_csv(path, dtype=str, keep_default_na=False)
            of_models = path.stem.endswith("disclosure") or "model" not in lines
            assert of_models or "q11" not in set(lines["model"]), path
            assert "_q11" not in path.stem
    label = term_name("q11[no]")
    for command in ("export items.toml", "report"):
        if command in outputs:
            pages = [path.read_text(encoding="utf-8") for path in outputs[command].glob("*.html")]
            told = "".join(pages)
            assert term_name("q19r1") in told
            assert label not in told, "tables, pictures and their texts"


def means(outputs: dict[str, Path], sample: AnalysisSample) -> pd.DataFrame:
    """Levels of industries that `compare` says, with who is in each model."""
    found = []
    for command, analysis in (("compare null", "null"), ("compare items.toml", "items.toml")):
        folder = outputs[command]
        lines = pd.read_csv(folder / "shrinkage.csv", dtype=str, keep_default_na=False)
        name = str(folder.parent / analysis) if analysis.endswith("toml") else analysis
        rows = {
            spec.key: [kept for _, kept in follow_rules(
                sample.frame, outcome=spec.outcome, predictors=spec.predictors,
                min_quarters=spec.min_quarters,
            )][-1]
            for spec in load_analysis(name).specs
        }  # fmt: skip
        keys = zip(lines["model"], lines["outcome"], strict=True)
        found.append(lines.assign(rows=[rows[key] for key in keys]))
    return pd.concat(found, ignore_index=True)


def rounded_by(text: str) -> float:
    """Half a unit of the last digit."""
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


def test_means_of_two_models_do_not_give_what_one_workplace_has(
    outputs: dict[str, Path], sample: AnalysisSample
) -> None:
    """An industry's mean in a model, and in one with one or two fewer: even with both n known."""
    table, frame, looked = means(outputs, sample), sample.frame, 0
    shown = table[table["raw"] != HIDDEN].to_dict("records")
    for one, two in permutations(shown, 2):
        outcome, mine = one["outcome"], frame["industry"] == one["group"]
        if (two["outcome"], two["group"]) != (outcome, one["group"]):
            continue
        lost = frame.loc[mine & one["rows"] & ~two["rows"], outcome]
        if (mine & two["rows"] & ~one["rows"]).any() or not 0 < len(lost) < WIDTH:
            continue
        looked += 1
        error = sum((mine & m["rows"]).sum() * rounded_by(m["raw"]) for m in (one, two))
        # the p % rule with p = 10, as the dominance rule has it
        assert error / len(lost) > 0.1 * abs(lost.mean()), (outcome, one["group"], two["model"])
    assert looked > 3


def test_an_interval_does_not_give_the_n_that_is_not_said(outputs: dict[str, Path]) -> None:
    """Without pooling an interval is as wide as sigma/sqrt(n) says, and sigma is known in full."""
    looked = 0
    for command in ("compare null", "compare items.toml"):
        levels = pd.read_csv(outputs[command] / "shrinkage.csv", dtype=str, keep_default_na=False)
        terms = pd.read_csv(outputs[command] / "pooling.csv", dtype=str, keep_default_na=False)
        sigmas = terms[(terms["engine"] == "dummies") & (terms["term"] == "sd_resid")]
        for line in levels[(levels["n"] == HIDDEN) & (levels["mean"] != HIDDEN)].itertuples():
            mine = (sigmas["model"] == line.model) & (sigmas["outcome"] == line.outcome)
            sigma = float(sigmas["estimate"][mine].iloc[0])
            half = (float(line.none_upper) - float(line.none_lower)) / 2
            error = rounded_by(line.none_upper)
            least, most = ((1.96 * sigma / (half + sign * error)) ** 2 for sign in (1, -1))
            looked += 1
            assert most - least >= WIDTH, line
    assert looked > 3


def test_measured_priors_are_printed_to_three_digits() -> None:
    """Mean and sd of an outcome in full are two sums over its workplaces."""
    prior = sf.Prior("normal", 2.5)
    assert str(prior.resolve(3.3116, 5.98037)) == "normal(5.98, 8.28)"
    assert str(prior.resolve(5.414, 0.5664)) == "normal(0.6, 13.5)"
    stated = sf.Prior("normal", 2.5, location=0.5664, autoscale=False)
    assert str(stated.resolve(3.3, 6.0)) == "normal(0.5664, 2.5)", "not measured: as it was stated"
