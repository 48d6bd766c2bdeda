"""Models of one frame: read together they are what each is alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import bayes_sf as sf
from bayes_sf.engines.gaussian.ols_reml import fit_many, fit_reml
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments


def many() -> pd.DataFrame:
    """Columns with and without gaps, of numbers and of categories."""
    rng = np.random.default_rng(3)
    n = 90
    made = pd.DataFrame(
        {"g": rng.choice(list("abcd"), n), "x": rng.normal(size=n), "c": rng.choice(["p", "q"], n)}
    )
    made["code"] = rng.integers(1, 4, n)
    made["gappy"] = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n))
    made["y"] = made["g"].map(dict(zip("abcd", rng.normal(size=4), strict=True))) + rng.normal(
        size=n
    )
    made["z"] = np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n))
    return made


SPECS = (
    ModelSpec("y", group="g"),
    ModelSpec("y", ("x", "code"), group="g", standardize=["x"]),
    ModelSpec("y", ("code",), group="g", name="codes", categorical=["code"]),
    ModelSpec("y", ("c", "gappy"), group="g", missing="drop"),
    ModelSpec("z", ("x",), group="g", within_between=["x"], missing="drop"),
    ModelSpec("z", ("c",), group="g", missing="drop"),
)


@pytest.mark.parametrize("engine", ["reml", "exact"])
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas])
@pytest.mark.filterwarnings("ignore::bayes_sf.errors.MissingWarning")
def test_an_analysis_has_what_each_model_has_alone(
    kind: Callable[[pd.DataFrame], Any], engine: str
) -> None:
    frame = kind(many())
    together = sf.fit(Analysis("all", "", SPECS, ""), frame, engine=engine)
    for spec, result in zip(SPECS, together.values(), strict=True):
        alone = sf.fit(spec, frame, engine=engine)
        assert result.provenance.data == alone.provenance.data  # the same numbers, to the last bit
        assert result.provenance.gaps == alone.provenance.gaps
        assert list(result.data.frame) == list(spec.columns)
        pd.testing.assert_frame_equal(result.data.frame, alone.data.frame)
        # sums of more models may be taken in another order
        pd.testing.assert_frame_equal(result.estimates, alone.estimates, rtol=1e-11)
    lines = [result.estimates for result in together.values()]
    pd.testing.assert_frame_equal(together.estimates, pd.concat(lines, ignore_index=True))


def test_models_share_no_column_that_one_could_change() -> None:
    results = sf.fit(Analysis("all", "", SPECS[:2], ""), many(), engine="reml")
    with pytest.raises(ValueError, match="read-only"):
        results[SPECS[0].key].data.y[0] = 0.0


def test_many_fits_by_reml_are_those_of_each() -> None:
    rng = np.random.default_rng(5)
    models = []
    for number in range(40):  # of several shapes, tau at zero and far from it
        code = np.repeat(np.arange(5), rng.integers(2, 30, 5))
        x = rng.normal(size=(len(code), number % 3))
        y = [0.0, 0.3, 50.0][number % 4 % 3] * rng.normal(size=5)[code] + rng.normal(size=len(code))
        names = tuple(f"x{i}" for i in range(x.shape[1]))
        models.append(
            Moments.from_arrays(
                np.column_stack([x, y]), code, outcome="y", predictors=names, groups=tuple("abcde")
            )
        )
    fits = fit_many(models)
    assert 0 < sum(fit.boundary for fit in fits) < len(fits)
    for moments, fit in zip(models, fits, strict=True):
        alone = fit_reml(moments)
        assert fit.moments is moments
        assert fit.boundary == alone.boundary
        # roots are found to a step of 1e-9, squared by Newton's method: rounding is left
        np.testing.assert_allclose(fit.coef, alone.coef, rtol=1e-11)
        np.testing.assert_allclose(
            [fit.sd_group, fit.sd_resid, fit.criterion],
            [alone.sd_group, alone.sd_resid, alone.criterion], rtol=1e-11,
        )  # fmt: skip
