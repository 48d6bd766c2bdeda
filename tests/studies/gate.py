"""Random projects, and an attacker with linear programming who wants one workplace's outcome.

Each project is a copy of the replica with some workplaces left out, one rare option and a few
random models, each a release with the digits that the gate gives it. The attacker has every rounded
coefficient and level without pooling and with complete pooling, knows that absence is not below
zero and not above 100, and the outcome of one workplace. For the workplaces that the gate itself
thinks are known best, two linear programs give the smallest and largest outcome that nothing
contradicts. Run as `python -m tests.studies.gate 200 tests/studies/gate.csv`; it goes on after the
last project in the file.
"""

import csv
import dataclasses
import sys
from pathlib import Path

import numpy as np

from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.learnt import releases
from bayes_sf.disclosure.learnt.left import Left
from bayes_sf.inputs import sample as samples
from bayes_sf.spec.analysis import load_analysis
from bayes_sf.spec.model import ModelSpec
from tests.disclosure.attacker import outcome_widths

OUTCOME = "absence_mean"
ITEMS = ("q13", "q14.1", "q14.7", "q16.3", "q17", "q18", "q19r1", "q20r1", "women_share", "q11")
TARGETS = 3


def project(seed: int) -> tuple[samples.AnalysisSample, list[ModelSpec]]:
    """A sample and what is asked of it."""
    rng = np.random.default_rng(seed)
    whole = samples.load_sample("replica")
    frame = whole.frame
    keep = rng.random(len(frame)) < rng.uniform(0.4, 1.0)
    small = rng.choice(frame["industry"].unique())
    mine = np.flatnonzero(frame["industry"] == small)
    keep[mine] = False
    keep[rng.choice(mine, min(len(mine), int(rng.integers(1, 16))), replace=False)] = True
    frame = frame[keep].reset_index(drop=True)
    rare = rng.choice(len(frame), int(rng.integers(0, 6)), replace=False)
    answers = np.full(len(frame), "not_chosen", dtype=object)
    answers[rare] = "chosen"
    frame = frame.assign(**{"q14.7": answers})
    gone = rng.choice(len(frame), 2, replace=False)
    frame.loc[gone, "q17"] = None
    quarters = whole.quarters[whole.quarters["workplace"].isin(frame["workplace"])]
    sample = dataclasses.replace(
        whole, frame=frame, quarters=quarters, source="microdata", digest="x"
    )
    size = int(rng.integers(5, 13))
    specs = [ModelSpec(OUTCOME, min_quarters=1, unit="pp")]
    for _ in range(size):
        items = tuple(map(str, rng.choice(ITEMS, int(rng.integers(1, 3)), replace=False)))
        least = int(rng.choice([1, 1, 2, 3, 4]))
        specs.append(ModelSpec(OUTCOME, items, min_quarters=least, unit="pp"))
    return sample, specs


def attack(sample: samples.AnalysisSample, specs: list[ModelSpec], *, on: bool) -> list[float]:
    """Widths of what a reader knows of a few outcomes; without control digits are eight."""
    control = Control.of(sample, Rules())
    kept = [spec for spec in specs if not control.withheld(spec)]
    assert control.releases is not None
    left = [one for one in control.releases.left if isinstance(one, Left)]
    if not on:
        left = [dataclasses.replace(one, half=np.full(len(one.half), 1e-8)) for one in left]
    widths = outcome_widths(left, sample.frame, OUTCOME, targets=TARGETS)
    print(
        len(kept), len(specs), sum(len(one.half) for one in left), np.round(widths, 2), flush=True
    )
    return widths


def main(projects: int, path: Path) -> None:
    """Attack projects with and without the gate's digits, and record what was learnt."""
    samples.INVENTED = ""
    releases.main_specs = lambda: list(load_analysis("null").specs)
    done = len(path.read_text(encoding="utf-8").splitlines()) - 1 if path.exists() else -1
    with path.open("a", encoding="utf-8", newline="") as stream:  # what is there goes on
        writer = csv.writer(stream, lineterminator="\n")
        if done < 0:
            writer.writerow(
                ["project", "models", "withheld", "fewer_digits", "narrowest", "in_full"]
            )
        for seed in range(max(done, 0), projects):
            sample, specs = project(seed)
            control = Control.of(sample, Rules())
            decided = [control.release(spec) for spec in specs]
            withheld = sum(one is not None and one.withheld for one in decided)
            fewer = sum(one is not None and one.fewer > 0 for one in decided)
            narrow, full = (min(attack(sample, specs, on=on)) for on in (True, False))
            writer.writerow([seed, len(specs), withheld, fewer, f"{narrow:.3g}", f"{full:.3g}"])
            stream.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
