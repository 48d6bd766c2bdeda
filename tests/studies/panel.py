"""Coverage of the panel model where quarters are missing: simulated panels with known truth.

160 workplaces in eight industries, twenty quarters, 35 % of them missing in three ways:

- mcar: completely at random;
- mar: by industry and size, small workplaces missing more, which also have more absence;
- mnar: more often where the item is high, and those missing are `DELTA` pp higher than the model
  of the observed says; analysed with that delta.

    uv run python tests/studies/panel.py --minutes 8     # goes on where it stopped
    uv run python tests/studies/panel.py --summary

Every row of panel.csv is one simulation: errors and 90 % intervals' coverage of the item's effect
on the mean, of the ICC and of the eight industries' realised means; `cc_...` are the errors of the
complete-case analysis (mean of the observed quarters where there are three, REML); `full_...` is
the coverage of the exact posterior had no quarter been missing, the luck of these panels.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_sf.analysis.missing.mnar import completed_posterior
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.draws import complete
from bayes_sf.engines.panel.quantities import realised
from bayes_sf.engines.panel.sampling import compile_panel, fit_panel
from bayes_sf.inputs.panel import Panel
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.panel import PanelSpec

RECORD = Path(__file__).with_name("panel.csv")
MECHANISMS = ("mcar", "mar", "mnar")
REPEATS = 100
DELTA = 1.5
PROB = 0.9
SETTINGS = {"chains": 2, "draws": 300, "tune": 200, "target_accept": 0.8}
QUARTERS = tuple(f"{2016 + i // 4}Q{1 + i % 4}" for i in range(20))
J, PER = 8, 20
N, T = J * PER, len(QUARTERS)
ITEM, SIZE, SD_GROUP, SD_WORKPLACE, SD_QUARTER = -0.4, -0.5, 1.0, 1.5, 2.0
SPEC = PanelSpec(("item", "log_size"))
#: How the chance of being missing rises with a step of the item, under mnar.
BY_ITEM = 0.05


def simulate(mechanism: str, seed: int) -> tuple[Panel, np.ndarray]:
    """Make a panel with gaps, and all its quarters as they truly were, (N, T)."""
    rng = np.random.default_rng([MECHANISMS.index(mechanism), seed])
    code = np.repeat(np.arange(J), PER)
    size = rng.normal(0, 1, N)
    item = np.clip(np.round(3 + 0.4 * rng.normal(size=J)[code] + rng.normal(size=N)), 1, 5)
    days = np.exp(6 + size)[:, None] * np.exp(0.05 * rng.normal(size=(N, T)))
    time_ = (np.arange(T) - (T - 1) / 2) / 12
    level = 5.5 + SD_GROUP * rng.normal(size=J)[code] + ITEM * (item - 3) + SIZE * size
    level += SD_WORKPLACE * rng.normal(size=N)
    change = 0.3 + 0.1 * (item - 3) + 0.3 * rng.normal(size=J)[code] + 0.8 * rng.normal(size=N)
    season = np.tile([0.8, -0.2, -0.8, 0.2], T // 4)
    noise = SD_QUARTER * np.exp(-0.25 * np.log(days / np.median(days)))
    y = level[:, None] + np.outer(change, time_) + season + noise * rng.normal(size=(N, T))
    chance = np.full(N, 0.35)
    if mechanism == "mar":
        chance = 1 / (1 + np.exp(-(-0.75 + 0.25 * (code - (J - 1) / 2) - 0.9 * size)))
    elif mechanism == "mnar":
        chance = 0.35 + BY_ITEM * (item - 3)
    gone = rng.random((N, T)) < chance[:, None]
    truth = y + DELTA * gone if mechanism == "mnar" else y
    panel = Panel(
        tuple(str(i) for i in range(N)), tuple("abcdefgh"), code, QUARTERS,
        np.where(gone, np.nan, y), np.where(gone, np.nan, days), ("item", "log_size"),
        np.column_stack([item, size]), {}, (), np.ones(N, dtype=bool),
    )  # fmt: skip
    return panel, truth


def true_icc(mechanism: str) -> float:
    """ICC of realised means, quarters' noise and chance gaps included."""
    quarter = SD_QUARTER**2 * np.exp(0.5 * 0.25) / T  # mean of exp(-size/2)
    gaps = DELTA**2 * 0.35 * 0.65 / T if mechanism == "mnar" else 0.0
    return SD_GROUP**2 / (SD_GROUP**2 + SD_WORKPLACE**2 + quarter + gaps)


def complete_case(panel: Panel) -> tuple[float, float, np.ndarray]:
    """Item effect, ICC and industry means of workplaces with three quarters or more."""
    kept = panel.observed.sum(axis=1) >= 3
    mean = np.nanmean(panel.y[kept], axis=1)
    moments = Moments.from_arrays(
        np.column_stack([panel.x[kept], mean]), panel.code[kept], outcome="y",
        predictors=panel.predictors, groups=panel.industries,
    )  # fmt: skip
    fit = fit_reml(moments)
    return float(fit.coef[1]), float(fit.icc), moments.means[:, -1]


def full_data(mechanism: str, panel: Panel, truth: np.ndarray) -> dict[str, int]:
    """Coverage of the exact posterior with every quarter as it truly was."""
    moments = Moments.from_arrays(
        np.column_stack([panel.x, truth.mean(axis=1)]), panel.code, outcome="y",
        predictors=panel.predictors, groups=panel.industries,
    )  # fmt: skip
    posterior, ends = Posterior((fit_exact(moments),)), [0.5 - 0.5 * PROB, 0.5 + 0.5 * PROB]
    effect, icc = true_effect(mechanism), true_icc(mechanism)
    item = posterior.coef.take([1]).quantile(ends)[0]
    share = posterior.quantile("icc", ends)
    return {
        "full_item_covered": int(item[0] <= effect <= item[1]),
        "full_icc_covered": int(share[0] <= icc <= share[1]),
    }


def true_effect(mechanism: str) -> float:
    """Item's effect on realised means: under mnar also by way of what is missing."""
    return ITEM + (DELTA * BY_ITEM if mechanism == "mnar" else 0.0)


def study(mechanism: str, seed: int, compiled: object) -> dict[str, float | str | int]:
    """Fit one simulated panel, and compare with the truth."""
    panel, truth = simulate(mechanism, seed)
    start = time.perf_counter()
    fit = fit_panel(panel, SPEC, seed=seed, settings=SETTINGS, compiled=compiled,
                    retry=False)  # fmt: skip
    seconds = time.perf_counter() - start
    done = complete(fit, 100, seed=seed)
    member = np.eye(J)[panel.code] / PER
    real = realised(truth, QUARTERS, "mean") @ member
    ends = [0.5 - 0.5 * PROB, 0.5 + 0.5 * PROB]
    means = realised(done.y, QUARTERS, "mean") @ member
    effect = true_effect(mechanism)
    if mechanism == "mnar":
        pooled = completed_posterior(fit, done, delta=DELTA)
        slope = pooled.coef.take([1])
        item = (slope.mean()[0], *slope.quantile(ends)[0])
        icc = (pooled.mean("icc"), *pooled.quantile("icc", ends))
        means = means + DELTA * ((~panel.observed).mean(axis=1) @ member)
    else:
        posterior = fit.tree["posterior"]
        draws = posterior["beta"].sel(term="item").to_numpy()
        item = (draws.mean(), *np.quantile(draws, ends))
        draws = posterior["icc"].to_numpy()
        icc = (draws.mean(), *np.quantile(draws, ends))
    low, high = np.quantile(means, ends, axis=0)
    cc_item, cc_icc, cc_means = complete_case(panel)
    table = fit.diagnostics()
    return {
        "mechanism": mechanism, "seed": seed, "missing": float((~panel.observed).mean()),
        "item_true": effect, "item_error": item[0] - effect,
        "item_covered": int(item[1] <= effect <= item[2]), "cc_item_error": cc_item - effect,
        "icc_true": true_icc(mechanism), "icc_error": icc[0] - true_icc(mechanism),
        "icc_covered": int(icc[1] <= true_icc(mechanism) <= icc[2]),
        "cc_icc_error": cc_icc - true_icc(mechanism),
        "industries_covered": float(((low <= real) & (real <= high)).mean()),
        "industry_error": float((means.mean(axis=0) - real).mean()),
        "cc_industry_error": float((cc_means - real).mean()),
        "divergences": int(table["divergences"].iloc[0]), "r_hat": float(table["r_hat"].max()),
        "ess": float(table["ess_bulk"].min()), "seconds": round(seconds, 2),
        **full_data(mechanism, panel, truth),
    }  # fmt: skip


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage and bias by mechanism; the complete-case bias beside."""
    columns = [c for c in rows if c not in {"mechanism", "seed"}]
    grouped = rows.groupby("mechanism", sort=False)[columns]
    return grouped.mean().assign(simulations=grouped.size())


def main() -> None:
    """Go on with the study for some minutes, or print what it says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--summary", action="store_true")
    asked = parser.parse_args()
    rows = pd.read_csv(RECORD) if RECORD.exists() else pd.DataFrame()
    if asked.summary:
        print(summary(rows).T.to_string(float_format="%.3f"))
        return
    stop = time.monotonic() + 60 * asked.minutes
    finished = set(zip(rows["mechanism"], rows["seed"], strict=True)) if len(rows) else set()
    compiled = compile_panel(PanelData(simulate("mcar", 0)[0]), SPEC)
    for seed in range(1, asked.repeats + 1):
        for mechanism in MECHANISMS:
            if (mechanism, seed) in finished:
                continue
            if time.monotonic() > stop:
                return
            row = pd.DataFrame([study(mechanism, seed, compiled)])
            row.to_csv(RECORD, mode="a", index=False, header=not RECORD.exists(),
                       float_format="%.6g")  # fmt: skip


if __name__ == "__main__":
    main()
