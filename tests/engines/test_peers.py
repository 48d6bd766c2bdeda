"""Our posteriors beside those of brms and rstanarm, with the same priors on the same rows.

The references (`tests/references/stan`) have Monte Carlo error, the exact engine has none: means
and sds must agree within 4 standard errors; the 2.5 and 97.5 % quantiles within ten of the mean's,
as a tail quantile's error is two to three times as large.
"""

from pathlib import Path

import pandas as pd
import pytest

import bayes_sf as sf

HERE = Path(__file__).parents[1] / "references" / "stan"
FITS = pd.read_csv(HERE / "fits.csv", keep_default_na=False)
SCHOOLS_PRIORS = sf.Priors(
    intercept=sf.Prior("normal", scale=20.0, location=0.0, autoscale=False),
    sd_group=sf.Prior("half-t", df=3, scale=10.0, autoscale=False),
)
SPECS = {
    "null": sf.ModelSpec("absence_mean", (), "industry"),
    "q13": sf.ModelSpec("absence_mean", ("q13",), "industry"),
    "counties": sf.ModelSpec("radon", ("floor",), "county"),
    "eight_schools": sf.ModelSpec("effect", (), "school", known_se="se", priors=SCHOOLS_PRIORS),
}


def rows(model: str) -> pd.DataFrame:
    return pd.read_csv(HERE / "data" / f"{'q13' if model == 'null' else model}.csv")


def ours(result: sf.Result) -> dict[str, sf.Result]:
    """Estimates by the references' names."""
    slopes = result.moments.predictors
    return {
        f"u[{r.group}]" if r.group else "slope" if r.term in slopes else r.term: r
        for r in result.rows
    }


@pytest.mark.parametrize(
    ("package", "model"),
    [("brms", "null"), ("brms", "q13"), ("brms", "counties"), ("rstanarm", "null"),
     ("rstanarm", "q13")],
)  # fmt: skip
def test_exact_posteriors_are_theirs(package: str, model: str) -> None:
    theirs = FITS[(FITS["package"] == package) & (FITS["model"] == model)].set_index("variable")
    found = ours(sf.fit(SPECS[model], rows(model)))
    assert set(theirs.index) == set(found)
    for name, row in theirs.iterrows():
        mine = found[str(name)]
        assert abs(mine.estimate - row["mean"]) < 4 * row["mcse_mean"], name
        assert abs(mine.sd - row["sd"]) < 4 * row["mcse_sd"], name
        assert abs(mine.lower - row["q2.5"]) < 10 * row["mcse_mean"], name
        assert abs(mine.upper - row["q97.5"]) < 10 * row["mcse_mean"], name


@pytest.mark.nuts
@pytest.mark.parametrize(
    "model", [pytest.param("eight_schools", marks=pytest.mark.slow), "counties"]
)
def test_what_others_struggle_with_is_sampled_without_divergence(model: str) -> None:
    """Eight schools through known standard errors, 85 counties on the same interface."""
    result = sf.fit(SPECS[model], rows(model), engine="nuts", seed=1)
    table = result.diagnostics()
    assert result.converged  # R-hat < 1.01, ESS >= 400, no divergence
    theirs = FITS[(FITS["package"] == "brms") & (FITS["model"] == model)].set_index("variable")
    found = ours(result)
    for name, row in theirs.iterrows():
        label = {"slope": "beta[floor]", "(Intercept)": "beta[(Intercept)]"}.get(name, name)
        both = {
            m: (table.loc[label, m] ** 2 + row[m] ** 2) ** 0.5 for m in ("mcse_mean", "mcse_sd")
        }
        mine = found[str(name)]
        # ninety quantities each: the largest of so many lies near 3
        assert abs(mine.estimate - row["mean"]) < 5 * both["mcse_mean"], name
        assert abs(mine.sd - row["sd"]) < 5 * both["mcse_sd"], name
