"""How near re-reading comes: simulated studies, printed, re-read, and fitted to their raw data.

    python tests/studies/reread.py [studies of each design]

writes `tests/studies/reread.csv`: for every design (groups, mean size, coefficient of variation of
sizes, ICC) and what is printed beside the components, the largest error of the 2.5, 50 and 97.5 %
points in widths of the raw-data posterior's interval (median and 90 % over the studies of the
design; rows of ``all`` pool every design), and the ratio of the widths. Of studies with a printed
zero the share whose raw-data interval lies in the range that is printed. Components have three
significant digits, as most tables have.
"""

import csv
import itertools
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from bayes_sf.engines.gaussian.alike import icc_of_versions
from bayes_sf.engines.gaussian.ols_reml import GaussianFit, fit_reml
from bayes_sf.inputs.printed.figure import read_figure
from bayes_sf.recovery.reread.null import read_null
from bayes_sf.recovery.reread.versions import NullPrint, draw_sizes
from bayes_sf.spec.moments import Moments

GROUPS, SIZES, SPREADS, ICCS, EACH = (6, 15, 40), (5, 25), (0.3, 0.8, 1.3), (0, 0.03, 0.2, 0.6), 10
ROUTES = ("n and groups", "se", "criterion", "sizes", "taken as balanced", "icc alone")
PROBS = (0.025, 0.5, 0.975)
#: As `study.toml` would have a table of three significant digits.
DIGITS = 3


def simulated(rng: np.random.Generator, groups: int, size: int, cv: float, icc: float) -> Moments:
    """A study's sufficient statistics."""
    sizes = draw_sizes(rng, groups * size, groups, np.array([cv]))[0]
    means = rng.normal(size=groups) * np.sqrt(icc) + rng.normal(size=groups) * np.sqrt(
        (1 - icc) / sizes
    )
    within = (1 - icc) * rng.chisquare(sizes.sum() - groups)
    names = tuple(f"g{place}" for place in range(groups))
    return Moments("y", (), names, sizes, means[:, None], np.array([[within]]), "g")


def printed(value: float) -> tuple[float, float]:
    """What a number of three significant digits stands for."""
    places = DIGITS - 1 - int(np.floor(np.log10(abs(value)))) if value > 0 else DIGITS
    return read_figure(f"{value:.{max(places, 0)}f}", "").interval


def print_of(moments: Moments, fitted: GaussianFit, route: str) -> NullPrint:
    """What the study prints."""
    sizes = tuple(moments.sizes)
    n, groups = int(sum(sizes)), len(sizes)
    tau2, sigma2 = fitted.sd_group**2, fitted.sd_resid**2
    zero = tau2 < 0.5 * 10.0**-DIGITS
    if zero:
        base = NullPrint(n, groups, tau2=(0.0, 0.0), sigma2=printed(sigma2))
    elif route == "icc alone":
        base = NullPrint(n, groups, icc=printed(fitted.icc))
    else:
        base = NullPrint(n, groups, tau2=printed(tau2), sigma2=printed(sigma2))
    more = {}
    if route == "se" and not zero:
        more["se"] = printed(float(fitted.std_error[0]))
    if route == "criterion" and not zero:
        more["criterion"] = read_figure(f"{fitted.criterion:.1f}", "").interval
    if route == "sizes":
        more["sizes"] = sizes
    if route == "taken as balanced":
        more["sizes"] = (n / groups,) * groups
    return NullPrint(**{**base.__dict__, **more})


def main(each: int) -> None:
    """Run every design, and write the table."""
    found: dict[tuple[object, ...], list[tuple[float, float, bool]]] = defaultdict(list)
    rng = np.random.default_rng(16)
    for design in itertools.product(GROUPS, SIZES, SPREADS, ICCS):
        for seed in range(each):
            moments = simulated(rng, *design)
            fitted = fit_reml(moments)
            raw = icc_of_versions((moments,)).quantile(PROBS)
            zero = fitted.sd_group**2 < 0.5 * 10.0**-DIGITS
            for route in ROUTES:
                top = 0.5 * 10.0**-DIGITS / (fitted.sd_resid**2) if zero else None
                one = read_null(
                    print_of(moments, fitted, route), text="", estimator="REML", seed=seed + 1,
                    printed_zero=top,
                )  # fmt: skip
                own = np.array([one.lower, one.median, one.upper])
                width = raw[2] - raw[0]
                low, high = one.range
                inside = low - 0.01 * width <= raw[0] and raw[2] <= high + 0.01 * width
                worst = float(np.abs(own - raw).max() / width)
                printed_as = "zero" if zero else ""
                line = (worst, float((own[2] - own[0]) / width), bool(inside))
                found[*design, route, printed_as].append(line)
                found["all", "all", "all", "all", route, printed_as].append(line)
        sys.stderr.write(f"{design}\n")
    path = Path(__file__).with_suffix(".csv")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["groups", "mean_size", "cv", "icc", "route", "printed", "studies", "median_error",
             "error_90", "width_ratio", "in_range"]
        )  # fmt: skip
        for key, rows in found.items():
            worst, ratio, inside = (np.array(column) for column in zip(*rows, strict=True))
            writer.writerow(
                [*key, len(rows), f"{np.median(worst):.4f}", f"{np.quantile(worst, 0.9):.4f}",
                 f"{np.median(ratio):.4f}", f"{inside.mean():.2f}"]
            )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EACH)
