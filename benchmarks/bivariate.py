"""Time the 60 bivariate models from sufficient statistics, and write `bivariate.csv`.

Run with `uv run python benchmarks/bivariate.py` on a quiet machine. The moments are those of the
published route (the draw nearest to the printed figures); recovering them is not timed. lme4 needs
1.7 s for 60 such models on two cores (measured for the project, November 2026).
"""

import csv
import os
import platform
from pathlib import Path
from time import perf_counter

import numpy as np

import bayes_sf as sf
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.engines.gaussian.posterior import SPREADS, Posterior

OUT = Path(__file__).with_suffix(".csv")
TAILS = [0.025, 0.975]


def intervals(moments: sf.Moments, priors: sf.Priors) -> None:
    """Posterior means, sds and intervals of coefficients, standard deviations and ICC."""
    posterior = Posterior((fit_exact(moments, priors),))
    posterior.coef.mean(), posterior.coef.sd(), posterior.coef.quantile(TAILS)
    for name in SPREADS:
        posterior.mean(name), posterior.sd(name), posterior.quantile(name, TAILS)


def main() -> None:
    """Time each engine over all 60 models: the median of five runs."""
    study = sf.load_sample("published")
    analysis = sf.load_analysis("bivariate")
    models = [(study.recover(spec).draws[0], spec.priors) for spec in analysis.specs]
    tasks = {
        "reml": lambda m, _: fit_reml(m),
        "exact": fit_exact,
        "exact with all intervals": intervals,
    }
    rows = []
    for name, task in tasks.items():
        seconds = []
        for _ in range(5):
            start = perf_counter()
            for moments, priors in models:
                task(moments, priors)
            seconds.append(perf_counter() - start)
        row = (name, len(models), round(float(np.median(seconds)), 3), round(min(seconds), 3))
        rows.append(row)
        print(*row)
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["task", "models", "median_s", "least_s", "load", "python", "cores"])
        for row in rows:
            load = round(os.getloadavg()[0], 1)
            writer.writerow([*row, load, platform.python_version(), os.cpu_count()])


if __name__ == "__main__":
    main()
