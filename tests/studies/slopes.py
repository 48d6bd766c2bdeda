"""Random slopes by NUTS beside brms and lme4: writes `tests/references/slopes/ours.csv`.

Run: uv run python tests/studies/slopes.py FOLDER   (a minute; FOLDER has the data that
tests/references/slopes/fit.R writes). `tests/engines/test_slopes_peers.py` compares.
"""

import sys
from pathlib import Path

import arviz as az
import pandas as pd
import xarray as xr

import bayes_sf as sf

HERE = Path(__file__).parents[1] / "references" / "slopes"
#: Half-normal(1000) sds and a uniform correlation at x = 0; the intercept's prior is at mean(x).
_NORMAL = sf.Prior("normal", scale=1000.0, location=0.0, autoscale=False)
_HALF = sf.Prior("half-normal", scale=1000.0, autoscale=False)
PRIORS = sf.Priors(
    intercept=_NORMAL, slope=_NORMAL, sd_resid=_HALF, sd_group=_HALF, sd_slope=_HALF,
    correlation=sf.Prior("lkj", shape=1.0, autoscale=False),
)  # fmt: skip
SPEC = sf.ModelSpec("y", ("x",), "g", varying=("x",), priors=PRIORS)


def read(path: Path) -> pd.DataFrame:
    """Read rows y, x, g; names of groups are text."""
    return pd.read_csv(path, dtype={"g": str})


def quantities(result: sf.Result) -> pd.DataFrame:
    """Means, sds and Monte Carlo errors, by the references' names.

    ``(Intercept)``, ``x``, sds and correlation; ``u[g]``, ``u_slope[g]``; and ``fitted[g,x]``,
    what is expected of a group at the zero and at the largest x.
    """
    draws = result.draws(rows=False)["posterior"].to_dataset()
    assert result.data is not None
    largest = float(result.data.x.max())
    found = {term: draws["beta"].sel(term=term, drop=True) for term in ("(Intercept)", "x")}
    found |= {n: draws[n] for n in ("sd_group", "sd_slope", "correlation", "sd_resid")}
    for group in result.data.groups:
        own = draws.sel(g=group, drop=True)
        found |= {f"u[{group}]": own["u"], f"u_slope[{group}]": own["u_slope"]}
        for x in (0.0, largest):
            slope = found["x"] + own["u_slope"]
            found[f"fitted[{group},{x:.10g}]"] = found["(Intercept)"] + own["u"] + slope * x
    table = xr.Dataset(found)
    columns = {
        "mean": table.mean(), "sd": table.std(ddof=1),
        "mcse_mean": az.mcse(table, method="mean"), "mcse_sd": az.mcse(table, method="sd"),
    }  # fmt: skip
    return pd.DataFrame(
        {name: {v: float(one[v]) for v in table.data_vars} for name, one in columns.items()}
    ).rename_axis("variable")


def main(folder: Path) -> None:
    """Fit all three data sets, and write what was found."""
    paths = [folder / "sleepstudy.csv", folder / "exam.csv", HERE / "data" / "simulated.csv"]
    parts = {}
    for path in paths:
        result = sf.fit(SPEC, read(path), engine="nuts", seed=1)
        print(path.stem, "converged" if result.converged else "NOT CONVERGED", flush=True)
        parts[path.stem] = quantities(result)
    table = pd.concat(parts, names=["data"])
    numbers = table.map(lambda value: float(f"{value:.8g}"))
    numbers.reset_index().to_csv(HERE / "ours.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
