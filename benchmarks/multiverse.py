"""Time the multiverses that travel with the package, on the replica, and write `multiverse.csv`.

Run with `uv run python benchmarks/multiverse.py` on a quiet machine. Reading the replica is not
timed; drawing the curve and the tables are. One process, one thread. `off_sd` is how far the mean
and the limits are from fits with as many nodes as it takes, in posterior sds: the largest over 40
combinations evenly spread.
"""

import csv
import os
import platform
from pathlib import Path
from time import perf_counter

import numpy as np

import bayes_sf as sf
from bayes_sf.analysis.choices import Workplaces
from bayes_sf.analysis.multiverse import Explored, explore
from bayes_sf.analysis.prior_fan import SLOPE_PRIORS
from bayes_sf.engines.exact import fit_exact
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.multiverse_figures import curve_figure
from bayes_sf.output.multiverse_tables import multiverse_tables
from bayes_sf.output.page import figure_files
from bayes_sf.spec.multiverse import load_multiverse, multiverse_names

OUT = Path(__file__).with_suffix(".csv")
CHECKED = 40


def furthest(explored: Explored, sample: AnalysisSample) -> float:
    """Distance from fits whose nodes resolve the density to 1e-9."""
    workplaces = Workplaces.of(explored.asked, sample)
    groups = tuple(g for g in explored.asked.choices["without"] if g not in ("none", "each"))
    ones = explored.asked.specifications(groups or tuple(sorted(set(sample.frame["industry"]))))
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
    """Time fitting, and everything that is written."""
    sample = sf.load_sample("replica")
    rows = []
    for name in multiverse_names():
        start = perf_counter()
        explored = explore(load_multiverse(name), sample)
        fitted = perf_counter() - start
        figure_files("curve", curve_figure(explored))
        multiverse_tables(explored, lang="en")
        whole = perf_counter() - start
        count, off = len(explored.table), furthest(explored, sample)
        per = round(5000 * fitted / count, 1)
        load = round(os.getloadavg()[0], 1)
        rows.append((name, count, round(fitted, 1), round(whole, 1), per, f"{off:.0e}", load))
        print(*rows[-1])
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        head = ["multiverse", "combinations", "fit_s", "with_output_s", "s_per_5000", "off_sd"]
        writer.writerow([*head, "load", "python", "cores"])
        writer.writerows([*row, platform.python_version(), os.cpu_count()] for row in rows)


if __name__ == "__main__":
    main()
