"""A multiverse of 100,000 combinations in one process and in two.

    python benchmarks/jobs.py [COMBINATIONS]

writes `benchmarks/jobs.csv`: seconds of `explore` on the replica with one job and with two, their
ratio, and whether the tables are the same to the last digit. Two jobs need two processors that
nobody else uses: `load` says how many processes waited for one before it began.
"""

import csv
import os
import platform
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from time import perf_counter

import bayes_sf as sf
from bayes_sf.analysis.choices.multiverse import Explored, explore
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.multiverse import Multiverse, load_multiverse

OUT = Path(__file__).with_suffix(".csv")


def wide(count: int, groups: tuple[str, ...]) -> Multiverse:
    """The multiverse of q13 with about so many combinations: with more sets of controls."""
    asked = load_multiverse("q13")
    names = sorted({name for some in asked.choices["controls"] for name in some})
    controls = [some for n in range(len(names) + 1) for some in combinations(names, n)]
    choices = {**asked.choices, "min_quarters": (1, 2, 3, 4), "controls": ((),)}
    each = len(replace(asked, choices=choices).specifications(groups))
    return replace(asked, choices={**choices, "controls": tuple(controls[: -(-count // each)])})


def timed(asked: Multiverse, sample: AnalysisSample, jobs: int) -> tuple[float, Explored]:
    """Seconds, and what was found."""
    start = perf_counter()
    found = explore(asked, sample, jobs=jobs)
    return perf_counter() - start, found


def main(count: int) -> None:
    """Fit with one process, then with two, and write the line."""
    sample = sf.load_sample("replica")
    asked = wide(count, tuple(sorted(set(sample.frame["industry"]))))
    load = os.getloadavg()[0]
    one, first = timed(asked, sample, 1)
    two, second = timed(asked, sample, 2)
    row = {
        "combinations": len(first.table), "one_job_s": round(one, 1), "two_jobs_s": round(two, 1),
        "ratio": round(two / one, 2), "same": first.table.equals(second.table),
        "load": round(load, 1), "python": platform.python_version(), "cores": os.cpu_count(),
    }  # fmt: skip
    print(row)
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, row, lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
