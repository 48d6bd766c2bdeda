"""Time a fan of 20 priors for every slope and ICC of both routes, and write `prior_fan.csv`.

Run with `uv run python benchmarks/prior_fan.py` on a quiet machine. Fits that the fan starts from
are not timed; they are what `bayes-sf fit` does.
"""

import csv
import os
import platform
from pathlib import Path
from time import perf_counter

import bayes_sf as sf
from bayes_sf.analysis.priors.prior_fan import default_fan, prior_fan

OUT = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Time both routes."""
    rows = []
    for name in ("published", "replica"):
        data = sf.load_sample(name)
        results = [
            sf.fit(spec, data)
            for analysis in ("null", "bivariate")
            for spec in sf.load_analysis(analysis).specs
        ]
        start = perf_counter()
        table = prior_fan(results, default_fan(), groups=False)
        seconds = perf_counter() - start
        slopes = len(table[table["term"] != "icc"]) // 20
        rows.append((name, 20, len(results), slopes, len(table), round(seconds, 2)))
        print(*rows[-1])
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        head = ["route", "priors", "models", "slopes", "posteriors", "seconds"]
        writer.writerow([*head, "load", "python", "cores"])
        for row in rows:
            load = round(os.getloadavg()[0], 1)
            writer.writerow([*row, load, platform.python_version(), os.cpu_count()])


if __name__ == "__main__":
    main()
