"""Simulation-based calibration of every model family; writes `sbc/`, and `docs/calibration.md`.

Run: uv run python tests/studies/sbc.py [-n 200] [family ...]   (half an hour on one core). Ranks of
a family that are there already are kept: delete its file to run it again.
"""

import argparse
import platform
import sys
from pathlib import Path
from time import perf_counter

import pandas as pd
from families import FAMILIES, design

from bayes_sf.analysis.checks.calibration import calibrate, uniform_p
from bayes_sf.output.figures.calibration import rank_figure
from bayes_sf.output.figures.page import figure_files

HERE = Path(__file__).parent / "sbc"
DOCS = Path(__file__).parents[2] / "docs"
KEPT = 100
#: Places of a rank at either end that count as outside.
OUTSIDE = 5


_HEAD = """# Calibration

Simulation-based calibration (Talts et al. 2018; Modrák et al. 2023): parameters from the prior,
data from the model, the model fitted to the data; the rank of every true value among 100 of its
posterior draws is uniform when model and engine are right. SIMULATED data: a design of 12 groups
with 5 to 45 rows (`tests/studies/families.py`); nothing here is of any workplace. Written by
`uv run python tests/studies/sbc.py`.

`p` is of uniform ranks, by the whole distribution function (Säilynoja et al. 2022); the smallest
over the quantities of a family is to be compared with 0.05 divided by their number. `coverage` is
how often the central 91 of the 101 places that a rank can have (90.1 %) hold the truth, when the
truth is drawn from the prior; `tests/studies/recovery.csv` has it for one fixed truth. All
families are simulated from the same random numbers, so what chance does to one it does to others,
to the log likelihood above all (rank correlations of 0.6 to 0.97). `bayes-sf sbc MODEL` does the
same for a model and data of one's own. Models with any random terms and outcomes other than
Gaussian have studies of their own: [mixed.csv](calibration/mixed.csv), by
`tests/studies/sbc_mixed.py`, and [outcomes.csv](calibration/outcomes.csv), by `sbc_outcomes.py`.

| family | engine | data sets | refused | not converged | quantities | smallest p | limit |
|---|---|---:|---:|---:|---:|---:|---:|""".splitlines()


def run(name: str, n: int) -> None:
    """Run one family and keep its ranks."""
    spec = FAMILIES[name]
    start = perf_counter()
    found = calibrate(spec, design(spec), n=n, seed=1)
    seconds = perf_counter() - start
    stem = name.replace(" ", "_")
    found.ranks.to_csv(HERE / f"{stem}.csv", index=False, lineterminator="\n")
    about = pd.DataFrame(
        [(name, found.engine, n, len(found.refused), found.not_converged, round(seconds))],
        columns=["family", "engine", "data_sets", "refused", "not_converged", "seconds"],
    )
    path = HERE / "runs.csv"
    if path.exists():
        before = pd.read_csv(path)
        about = pd.concat([before[before["family"] != name], about])
    about.to_csv(path, index=False, lineterminator="\n")
    print(name, about.iloc[-1].to_dict(), flush=True)


def kinds(ranks: pd.DataFrame) -> pd.DataFrame:
    """Smallest p and coverage by kind of quantity, and how many quantities there are."""
    p = pd.Series({name: uniform_p(ranks[name].to_numpy(), KEPT + 1) for name in ranks})
    kind = p.index.str.partition("[").get_level_values(0)
    table = p.groupby(kind, sort=False).agg(["count", "min", "median"])
    inside = ranks.apply(lambda rank: rank.between(OUTSIDE, KEPT - OUTSIDE).mean())
    return table.assign(coverage=inside.groupby(kind, sort=False).mean())


def write_page() -> None:
    """Write what was found as a page, with a picture of ranks for each family."""
    runs = pd.read_csv(HERE / "runs.csv").set_index("family")
    lines = [*_HEAD]
    sections: list[str] = []
    pictures = DOCS / "calibration"
    pictures.mkdir(exist_ok=True)
    for name in FAMILIES:
        stem = name.replace(" ", "_")
        if name not in runs.index:
            continue
        ranks = pd.read_csv(HERE / f"{stem}.csv")
        table, about = kinds(ranks), runs.loc[name]
        total = int(table["count"].sum())
        lines.append(
            f"| {name} | {about['engine']} | {about['data_sets']} | {about['refused']} | "
            f"{about['not_converged']} | {total} | {table['min'].min():.4f} | {0.05 / total:.4f} |"
        )
        files = figure_files(stem, rank_figure(ranks, KEPT, title=name))
        (pictures / f"{stem}.svg").write_bytes(files[f"{stem}.svg"])
        sections += ["", f"## {name[:1].upper()}{name[1:]}", ""]
        sections += [f"![Ranks of {name}](calibration/{stem}.svg)", ""]
        sections += [
            "| quantity | number | smallest p | median p | coverage |", "|---|---:|---:|---:|---:|",
        ]  # fmt: skip
        sections += [
            f"| {kind} | {int(r['count'])} | {r['min']:.3f} | {r['median']:.3f} "
            f"| {r['coverage']:.3f} |"
            for kind, r in table.iterrows()
        ]
    lines += ["", f"Python {platform.python_version()}; seeds 1.", *sections, ""]
    (DOCS / "calibration.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Run what is not there yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=list(FAMILIES))
    parser.add_argument("-n", type=int, default=200)
    chosen = parser.parse_args()
    HERE.mkdir(exist_ok=True)
    for name in chosen.families or FAMILIES:
        if not (HERE / f"{name.replace(' ', '_')}.csv").exists():
            run(name, chosen.n)
            write_page()
    write_page()


if __name__ == "__main__":
    sys.exit(main())
