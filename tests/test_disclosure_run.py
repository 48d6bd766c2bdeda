"""An attacker with all outputs of a run, whatever commands it had, learns no hidden cell.

`tests/test_disclosure_attack.py` attacks what `describe` writes. Here the same workplaces go through
the other commands as well, and each of them has something to subtract: n by industry of models that
are part of one another, an n without an industry, means and sums of models that differ by one
workplace, standard errors that tell an n.
"""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf import cli
from bayes_sf.inputs.design import follow_rules
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.disclosure import HIDDEN, Control, Rules
from bayes_sf.spec.analysis import load_analysis
from tests.attacker import (
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
from tests.test_disclosure_attack import sensitive, with_small_industry

#: Two items: who was not asked the one is in no model of it; one workplace did not answer the other.
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
COMMANDS: dict[str, tuple[str, ...]] = {
    "describe": (),
    "compare null": (),
    "compare items.toml": (),
    "fit items.toml": ("--engine", "reml"),
    "influence q13": (),
    "multiverse choices.toml": (),
    "sensitivity q13_controls": ("--part", "controls"),
    "select": (),
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


@pytest.fixture(scope="module")
def outputs(
    sample: AnalysisSample, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Folder of every command's output."""
    return run_commands(sample, tmp_path_factory.mktemp("run"), COMMANDS)


def run_commands(
    sample: AnalysisSample, folder: Path, commands: dict[str, tuple[str, ...]]
) -> dict[str, Path]:
    """Run commands on files of one's own, which are the sample."""
    (folder / "items.toml").write_text(ITEMS, encoding="utf-8")
    (folder / "choices.toml").write_text(CHOICES, encoding="utf-8")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("bayes_sf.inputs.sample.load_sample", lambda **_: sample)
        patch.setattr("bayes_sf.output.reproduction.load_sample", lambda **_: sample)
        for command, options in commands.items():
            out = folder / command.replace(" ", "_").replace(".toml", "")
            files = ("--survey", "survey.csv", "--register", "register.csv", "--out", str(out))
            patch.setattr("sys.argv", ["bayes-sf", *command.split(), *files, *options])
            with pytest.raises(SystemExit) as left:
                cli.main()
            assert left.value.code in {None, 0, 5}, command
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
                    one, two = step_of(list(larger), INDUSTRIES[j]), step_of(list(smaller), INDUSTRIES[j])
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
    return len(names), {
        name: (low, high)
        for name, low, high in attack.bounds(names)
        if math.floor(high + 1e-6) - math.ceil(low - 1e-6) < WIDTH
    }


def test_no_count_is_recovered_from_all_outputs(
    outputs: dict[str, Path], sample: AnalysisSample
) -> None:
    items = str(outputs["describe"].parent / "items.toml")
    analyses = ["null", "q13_controls", "q17_controls", items]
    size, found = recovered(attacker_of(outputs, sample), sample, analyses)
    assert size > 150
    assert found == {}
