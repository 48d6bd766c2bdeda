"""Random slopes beside brms and lme4: writes `ours.csv` (NUTS) and `exact.csv` (quadrature).

Run: uv run python tests/studies/slopes.py FOLDER   (a minute; FOLDER has the data that
tests/references/slopes/fit.R writes). They go to `tests/references/slopes`;
`tests/engines/test_slopes_peers.py` compares.
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


def by_exact(frame: pd.DataFrame) -> pd.DataFrame:
    """Means and sds without Monte Carlo error, by the same names, but for fitted values."""
    result = sf.fit("y ~ x + (1 + x | g)", frame, priors=PRIORS, engine="exact")
    names = {
        "sd_(Intercept)|g": "sd_group", "sd_x|g": "sd_slope", "cor_x.(Intercept)|g": "correlation",
        "(Intercept)|g": "u", "x|g": "u_slope",
    }  # fmt: skip
    rows = {
        names.get(row.term, row.term) + (f"[{row.group}]" if row.group else ""): (
            row.estimate, row.sd
        )
        for row in result.rows
        if not row.term.startswith("icc")
    }  # fmt: skip
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "sd"])
    return found.rename_axis("variable")


def main(folder: Path) -> None:
    """Fit all three data sets, and write what was found."""
    paths = [folder / "sleepstudy.csv", folder / "exam.csv", HERE / "data" / "simulated.csv"]
    exact = pd.concat({path.stem: by_exact(read(path)) for path in paths}, names=["data"])
    exact.reset_index().to_csv(HERE / "exact.csv", index=False, float_format="%.8g")
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
