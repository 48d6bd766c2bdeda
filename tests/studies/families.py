"""One small design and one model of every family, for the studies of calibration and coverage.

Twelve groups of 5 to 45 rows, as unequal as industries are; eight predictors, one of them with four
ordered answers, none of them related to the groups.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.spec.rows import Rows

GROUPS = 12
ITEMS = tuple(f"x{i}" for i in range(1, 9))
_PROPER = {"sd_group": sf.Prior("half-t"), "sd_resid": sf.Prior("half-normal")}


def _priors(slope: sf.Prior | None = None) -> sf.Priors:
    """Proper, and not so wide that a simulated data set is absurd."""
    return sf.Priors(
        intercept=sf.Prior("normal", scale=1.0), slope=slope or sf.Prior("normal", scale=0.5),
        **_PROPER,
    )  # fmt: skip


def _spec(predictors: tuple[str, ...] = ("x1",), **options: object) -> sf.ModelSpec:
    options.setdefault("priors", _priors())
    return sf.ModelSpec("y", predictors, "g", **options)  # type: ignore[arg-type]


FAMILIES: Mapping[str, sf.ModelSpec] = {
    "random intercept": _spec(),
    "varying slope": _spec(varying=("x1",)),
    "student": _spec(likelihood="student"),
    "residual sd by group": _spec(resid_by_group=True),
    "repeated measurements": _spec(repeats="m"),
    "known standard errors": _spec(known_se="se"),
    "monotonic": _spec(("answer",), monotonic=("answer",)),
    "joint normal": _spec(ITEMS, priors=_priors(sf.Prior("pooled-normal", scale=0.5))),
    "joint horseshoe": _spec(
        ITEMS, priors=_priors(sf.Prior("horseshoe", scale=0.1, df=4.0, shape=1.0))
    ),
    "joint r2d2": _spec(
        ITEMS, priors=_priors(sf.Prior("r2d2", location=0.2, scale=5.0, shape=1.0))
    ),
}


def design(spec: sf.ModelSpec) -> Rows:
    """Rows of a model: everything is fixed; the outcome only says what sd(y) and mean(y) are."""
    rng = np.random.default_rng(2022)
    sizes = np.round(np.linspace(5, 45, GROUPS)).astype(int)
    code = np.repeat(np.arange(GROUPS), sizes)
    n = len(code)
    frame = pd.DataFrame(rng.normal(size=(n, len(ITEMS))), columns=list(ITEMS))
    levels = ["none", "little", "some", "much"]
    answers = rng.choice(levels, size=n, p=[0.2, 0.3, 0.3, 0.2])
    frame["answer"] = pd.Categorical(answers, categories=levels, ordered=True)
    frame["m"] = rng.choice([1.0, 3.0, 10.0, 20.0], n)
    frame["se"] = rng.uniform(0.5, 3.0, n)
    frame["g"] = [f"g{j:02d}" for j in code]
    frame["y"] = 6 + rng.normal(size=n)
    frame["y"] = 6 + 3 * (frame["y"] - frame["y"].mean()) / frame["y"].std()  # sd(y) is 3 pp
    return Rows.from_frame(frame, spec)
