"""Time the multiverse of q13 on the replica, and write `multiverse.csv`.

Run with `OMP_NUM_THREADS=1 uv run python benchmarks/multiverse.py` on a quiet machine. Reading the
replica is not timed; drawing the curve and the tables are. One process, one thread: `cpu_s` is what
it needs, `fit_s` what it took beside whatever else ran (`load`). `off_sd` is how far the mean
and the limits are from fits with as many nodes as it takes, in posterior sds: the largest over 40
combinations evenly spread.
"""

import csv
import os
import platform
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

import bayes_sf as sf
from bayes_sf.analysis.choices.choices import Workplaces
from bayes_sf.analysis.choices.multiverse import Explored, explore
from bayes_sf.analysis.priors.prior_fan import SLOPE_PRIORS
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.multiverse import curve_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.tables.multiverse_tables import multiverse_tables
from bayes_sf.spec.multiverse import load_multiverse

OUT = Path(__file__).with_suffix(".csv")
CHECKED = 40


def furthest(explored: Explored, sample: AnalysisSample) -> float:
    """Distance from fits whose nodes resolve the density to 1e-9."""
    workplaces = Workplaces.of(explored.asked, sample)
    ones = explored.asked.specifications(tuple(sorted(set(sample.frame["industry"]))))
    found = [0.0]
    for number in np.linspace(0, len(ones) - 1, CHECKED).astype(int):
        one = ones[number]
        same = np.logical_and.reduce(
            [
                explored.table[key] == (" + ".join(value) or "none" if key == "controls" else value)
                for key, value in one.items()
            ]
        )
        (row,) = explored.table[same].to_dict("records")
        moments, size = workplaces.moments(one)
        posterior = fit_exact(moments, sf.Priors(slope=SLOPE_PRIORS[one["prior"]]))
        loading = size * np.eye(posterior.data.n_coef)[[1]]
        mixture = posterior.contrast(loading)
        limits = mixture.quantile([0.025, 0.975])[0]
        wanted = np.array([mixture.mean()[0], *limits])
        mine = np.array([row["estimate"], row["lower"], row["upper"]])
        found.append(float(np.abs(mine - wanted).max() / mixture.sd()[0]))
    return max(found)


def main() -> None:
    """Time fitting, and everything that is drawn from it."""
    sample = sf.load_sample("replica")
    start, cpu = perf_counter(), process_time()
    explored = explore(load_multiverse("q13"), sample)
    fitted, cpu = perf_counter() - start, process_time() - cpu
    figure_files("curve", curve_figure(explored))
    multiverse_tables(explored)
    whole, count = perf_counter() - start, len(explored.table)
    row = {
        "multiverse": "q13", "combinations": count, "cpu_s": round(cpu, 1),
        "fit_s": round(fitted, 1), "with_output_s": round(whole, 1),
        "cpu_s_per_5000": round(5000 * cpu / count, 1),
        "fit_s_per_5000": round(5000 * fitted / count, 1),
        "load": round(os.getloadavg()[0], 1), "off_sd": f"{furthest(explored, sample):.0e}",
        "python": platform.python_version(), "cores": os.cpu_count(),
    }  # fmt: skip
    print(row)
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, row, lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
