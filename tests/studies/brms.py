"""Models of R's own data with our default priors: writes `tests/references/brms/ours.csv`.

Run: uv run python tests/studies/brms.py FOLDER [MODEL ...]   (ten minutes; FOLDER has the data that
`fit.R` of tests/references/mixed and glmer write; with names only those are fitted again).
Gaussian ones are fitted by ``exact`` and by ``nuts``. `tests/engines/test_brms.py` compares what is
recorded with what brms has.
"""

import sys
from itertools import product
from pathlib import Path
from time import perf_counter

import arviz as az
import pandas as pd
import xarray as xr

import bayes_sf as sf

HERE = Path(__file__).parents[1] / "references" / "brms"
TAILS = {"q2.5": 0.025, "q97.5": 0.975}
#: Broods are within locations, and which of the two sds is large is hard to say: chains walk.
LONG = {"grouseticks": {"draws": 12000, "tune": 4000, "target_accept": 0.95}}


def figures(result: sf.Result) -> pd.DataFrame:
    """Means, sds and limits by variable, levels as ``column|factor[level]``."""
    rows = {
        f"{row.term}[{row.group}]" if row.group else row.term: (
            row.estimate, row.sd, row.lower, row.upper
        )
        for row in result.rows
        if not row.term.startswith("icc")
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "sd", *TAILS])


def sampled(result: sf.Result) -> pd.DataFrame:
    """The same with Monte Carlo errors, those of draws.

    Coefficients and effects of Gaussian models are mixtures over the draws, and better than that.
    """
    draws = result.draws(rows=False)["posterior"].to_dataset()
    apart: dict[str, xr.DataArray] = {}
    for name, values in draws.data_vars.items():
        dims = [dim for dim in values.dims if dim not in ("chain", "draw")]
        for at in product(*(values[dim].to_numpy() for dim in dims)):
            one = values.sel(dict(zip(dims, at, strict=True)), drop=True)
            apart[_label(str(name), tuple(map(str, at)))] = one
    table = xr.Dataset({name: values for name, values in apart.items() if name[:3] != "icc"})
    errors = {
        "mcse_mean": az.mcse(table, method="mean"), "mcse_sd": az.mcse(table, method="sd"),
        **{
            f"mcse_{name}": az.mcse(table, method="quantile", prob=prob)
            for name, prob in TAILS.items()
        },
        "rhat": az.rhat(table),
    }  # fmt: skip
    found = figures(result)
    for name, values in errors.items():
        found[name] = pd.Series({v: float(values[v]) for v in table.data_vars})
    return found


def _label(name: str, at: tuple[str, ...]) -> str:
    """``x``, ``sd_x|g``, ``threshold[1|2]`` or ``(Intercept)|g[g01]``, as rows have them."""
    if name == "beta":
        return at[0]
    if name.startswith("u|"):  # of Gaussian models: level and column
        return f"{at[1]}{name[1:]}[{at[0]}]"
    return f"{name}[{at[0]}]" if at else name


def main(folder: Path, chosen: list[str]) -> None:
    """Fit every model whose rows are not kept here, or those that are named."""
    models = pd.read_csv(HERE / "models.csv", keep_default_na=False)
    out = HERE / "ours.csv"
    parts = []
    if chosen and out.exists():
        before = pd.read_csv(out)
        parts = [before[~before["model"].isin(chosen)]]
    for asked in models.itertuples():
        path = folder / f"{asked.data}.csv"
        if not path.exists() or asked.model not in (chosen or [asked.model]):
            continue
        for engine in ("exact", "nuts") if asked.family == "gaussian" else ("nuts",):
            start = perf_counter()
            result = sf.fit(
                str(asked.formula), pd.read_csv(path), engine=engine, family=str(asked.family),
                **(LONG.get(str(asked.model), {})),
            )  # fmt: skip
            seconds = perf_counter() - start
            print(asked.model, engine, f"{seconds:.0f} s", result.converged, flush=True)
            found = (figures if engine == "exact" else sampled)(result).rename_axis("variable")
            found = found.map(lambda value: float(f"{value:.8g}")).reset_index()
            found.insert(0, "engine", engine)
            found.insert(0, "model", asked.model)
            parts.append(found)
            pd.concat(parts).to_csv(out, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
