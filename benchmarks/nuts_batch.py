"""Measure `bayes-sf fit bivariate --engine nuts`: all 60 models, and write `nuts_batch.csv`.

Run with `uv run python benchmarks/nuts_batch.py published replica` on a quiet machine. The command
is run as a user would, twice: the second time is the one reported, since the first fills PyTensor's
compile cache. `seconds` of the models (sampling, drawing coefficients, and the exact posterior that
they are compared with) are the command's own, from provenance.json, but for the compilations: the
first model of each structure has its structure's.
"""

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import pandas as pd

OUT = Path(__file__).with_suffix(".csv")


def run(source: str, folder: Path) -> float:
    """Run the command; seconds."""
    command = Path(sys.executable).with_name("bayes-sf")
    asked = ("fit", "bivariate", "--data", source, "--engine", "nuts", "--no-resume", "--quiet")
    start = perf_counter()
    subprocess.run([command, *asked, "--out", folder], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def measure(source: str) -> dict[str, object]:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as place:
        run(source, Path(place))
        whole = run(source, Path(place))
        table = pd.read_csv(Path(place) / "diagnostics.csv")
        models = json.loads((Path(place) / "provenance.json").read_text("utf-8"))["models"]
    seconds = pd.Series([model["seconds"] for model in models])
    compiling = seconds[seconds > 5 * seconds.median()]
    spread = table[table["parameter"] == "sd_group"]
    slopes = table["parameter"].str.startswith("beta[")
    slopes &= table["parameter"] != "beta[(Intercept)]"
    return {
        "data": source, "models": len(models), "whole_s": round(whole, 1),
        "compiled": len(compiling), "compiling_s": round(float(compiling.sum()), 1),
        "sampling_s": round(float(seconds.sum() - compiling.sum()), 1),
        "r_hat_max": round(float(table["r_hat"].max()), 4),
        "ess_bulk_sd_group": int(spread["ess_bulk"].min()),
        "ess_tail_sd_group": int(spread["ess_tail"].min()),
        "ess_bulk_slopes": int(table.loc[slopes, "ess_bulk"].min()),
        "ess_tail_slopes": int(table.loc[slopes, "ess_tail"].min()),
        "divergences": int(table.groupby(["outcome", "model"])["divergences"].first().sum()),
        "bfmi_min": round(float(table["bfmi"].min()), 2),
        "not_converged": sum(not model["converged"] for model in models),
        "comparisons": int(2 * len(table)),
        "exact_mcse_max": round(float(table["exact_mcse"].abs().max()), 2),
        "exact_mcse_sd_max": round(float(table["exact_mcse_sd"].abs().max()), 2),
        "load": round(os.getloadavg()[0], 1), "python": platform.python_version(),
        "cores": os.cpu_count(),
    }  # fmt: skip


def main() -> None:
    """Measure each of the data named, or the published study."""
    rows = [measure(source) for source in sys.argv[1:] or ["published"]]
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(OUT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
