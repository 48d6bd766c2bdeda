"""The attacker of `tests/disclosure`, on all that random projects write.

Each project is a sample of `gate.py` (part of the replica, an industry of 1 to 15 workplaces, a
rare answer) in which one employer may dominate its industry, and 5 to 30 commands on items, numbers
of quarters and choices drawn at random. `disclosure.csv` has, of each: commands, sensitive counts,
the share of answers and of the flow's counts that are hidden, how many sensitive counts come back
from all outputs together (0 is wanted), and how often each rule was needed. Run as
`python -m tests.studies.disclosure 200 tests/studies/disclosure.csv`; it goes on after the last
project in the file.
"""

import contextlib
import csv
import dataclasses
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.inputs.sample import AnalysisSample
from tests.disclosure.attacker import INDUSTRIES
from tests.disclosure.test_disclosure_run import attacker_of, recovered, run_commands
from tests.studies.gate import ITEMS, project

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "compare": (), "fit": ("--engine", "reml"), "loo": ("--by-industry",), "influence": (),
    "multiverse": (),
}  # fmt: skip
RULES: Final = (
    "workplaces", "persons", "dominance", "difference", "complement", "single workplaces",
    "withheld",
)  # fmt: skip
OUTCOMES: Final = ("absence_mean", "absence_change")
#: What a choice of controls can be.
CONTROLS: Final = ("women_share", "senior_share", "q5r1", "q5r4")


def with_dominant(sample: AnalysisSample, rng: np.random.Generator) -> AnalysisSample:
    """In half of the projects one workplace is fifty times as large as it was."""
    if rng.random() < 0.5:
        return sample
    quarters = sample.quarters.copy()
    mine = quarters["workplace"] == rng.choice(quarters["workplace"].unique())
    days = ["contracted_days", "lost_days", "women_days", "senior_days", "head_count"]
    quarters.loc[mine, days] = quarters.loc[mine, days] * 50
    return dataclasses.replace(sample, quarters=quarters)


def listed(names: list[str]) -> str:
    """A list of words in TOML."""
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def drawn(kind: str, rng: np.random.Generator) -> str:
    """An analysis, or choices of one item, at random."""
    of_answers = kind in {"multiverse", "influence"}
    of = [name for name in ITEMS if not of_answers or name not in CONTROLS]
    items = list(map(str, rng.choice(of, int(rng.integers(1, 4)), replace=False)))
    if kind == "multiverse":
        least = sorted(map(int, rng.choice(6, 3, replace=False) + 1))
        controls = ", ".join(listed([name]) for name in rng.choice(CONTROLS, 2, replace=False))
        return (
            f'schema = 1\nquestion = "?"\nitem = "{items[0]}"\nrope = 0.5\n[choices]\n'
            f'min_quarters = {least}\ncontrols = [[], {controls}]\nwithout = "each"\n'
        )
    outcomes = list(map(str, rng.choice(OUTCOMES, int(rng.integers(1, 3)), replace=False)))
    if kind in {"influence", "loo"}:  # of one model, or of models of the same workplaces
        items, outcomes = items[:1], outcomes[:1]
    return (
        f'schema = 1\nquestion = "?"\noutcomes = {listed(outcomes)}\nitems = {listed(items)}\n'
        f"min_quarters = {int(rng.choice([1, 1, 2, 3, 4]))}\n"
    )


def commands_of(rng: np.random.Generator, folder: Path) -> dict[str, tuple[str, ...]]:
    """`describe`, which the attacker starts from, and 4 to 29 others."""
    commands: dict[str, tuple[str, ...]] = {"describe": ()}
    for at in range(int(rng.integers(4, 30))):
        kind = str(rng.choice(list(KINDS)))
        (folder / f"asked{at}.toml").write_text(drawn(kind, rng), encoding="utf-8")
        commands[f"{kind} asked{at}.toml"] = KINDS[kind]
    return commands


def attack(seed: int) -> dict[str, object]:
    """Run a project's commands, and ask what all of it tells."""
    rng = np.random.default_rng((seed, 1))
    sample = with_dominant(project(seed)[0], rng)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = commands_of(rng, folder)
        with (
            Path(os.devnull).open("w", encoding="utf-8") as away,
            contextlib.redirect_stdout(away),
            contextlib.redirect_stderr(away),
        ):
            outputs = run_commands(sample, folder, commands)
        answers = pd.read_csv(outputs["describe"] / "by_industry.csv", dtype=str)["count"]
        flow = pd.read_csv(outputs["describe"] / "flow.csv", dtype=str)[INDUSTRIES]
        asked = [f"{folder}/{c.partition(' ')[2]}" for c in commands if "asked" in c]
        models = [path for path in asked if f"multiverse {Path(path).name}" not in commands]
        sensitive, found = recovered(attacker_of(outputs, sample), sample, ["null", *models])
        rules = Counter[str]()
        for log in folder.glob("*_private/disclosure.csv"):
            rules.update(pd.read_csv(log)["rule"])
    assert rules.keys() <= set(RULES), rules
    hidden = {"answers": answers, "flow": flow}
    return {
        "project": seed, "commands": len(commands), "sensitive": sensitive,
        **{f"{key}_hidden": f"{(table == HIDDEN).to_numpy().mean():.3f}"
           for key, table in hidden.items()},
        "recovered": len(found), **{rule: rules[rule] for rule in RULES},
    }  # fmt: skip


def main(projects: int, path: Path) -> None:
    """Attack projects one after the other, and record what was learnt."""
    done = len(path.read_text(encoding="utf-8").splitlines()) - 1 if path.exists() else -1
    with path.open("a", encoding="utf-8", newline="") as stream:  # what is there goes on
        for seed in range(max(done, 0), projects):
            row = attack(seed)
            writer = csv.DictWriter(stream, list(row), lineterminator="\n")
            if done < 0 and seed == 0:
                writer.writeheader()
            writer.writerow(row)
            stream.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
