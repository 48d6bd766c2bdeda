"""Small data of the recorded calls: made in milliseconds, the same on every machine."""

from functools import cache

import numpy as np
import pandas as pd


@cache
def rows(n: int = 60, groups: int = 6) -> pd.DataFrame:
    """Unequal groups, two crossed factors, predictors of every kind, weights, counts."""
    rng = np.random.default_rng(20)
    code = np.sort(rng.integers(0, groups, n))
    other = rng.integers(0, 4, n)
    x, z = rng.normal(2.0, 1.5, n), rng.normal(size=n)
    answer = rng.integers(0, 4, n)
    level = rng.normal(0, 1.2, groups)[code] + rng.normal(0, 0.6, 4)[other]
    slope = 0.5 + rng.normal(0, 0.4, groups)[code]
    y = 5 + level + slope * x - 0.3 * z + 0.4 * answer + rng.normal(0, 1.4, n)
    return pd.DataFrame({
        "y": y, "x": x, "z": z, "g": np.array(list("abcdefgh"))[code],
        "h": np.array(["p", "q", "r", "s"])[other],
        "c": np.array(["low", "mid", "top"])[rng.integers(0, 3, n)],
        "o": pd.Categorical.from_codes(
            answer, ["never", "rarely", "often", "always"], ordered=True
        ),
        "w": rng.uniform(0.5, 2.0, n), "k": rng.integers(1, 5, n), "se": rng.uniform(0.5, 1.5, n),
        "m": rng.choice([1.0, 2.0, 8.0], n), "cluster": np.arange(n) % 12,
    })  # fmt: skip


@cache
def gaps() -> pd.DataFrame:
    """The same rows, with gaps in the outcome and in predictors."""
    frame = rows().copy()
    frame.loc[[3, 17, 30], "y"] = np.nan
    frame.loc[[5, 17, 44, 50], "x"] = np.nan
    frame.loc[[8, 9], "c"] = None
    return frame


@cache
def outcomes() -> pd.DataFrame:
    """The same predictors with a response of every family."""
    rng = np.random.default_rng(21)
    frame = rows().copy()
    group = rng.normal(0, 0.7, 6)[pd.factorize(frame["g"])[0]]
    eta = 0.4 * (frame["x"] - 2) + group
    share, n = 1 / (1 + np.exp(-eta)), len(frame)
    frame["trials"] = rng.integers(3, 9, n)
    some = rng.random(n) < share
    frame["bernoulli"] = some.astype(int)
    frame["binomial"] = rng.binomial(frame["trials"], share)
    frame["beta_binomial"] = rng.binomial(frame["trials"], rng.beta(4 * share, 4 * (1 - share)))
    frame["poisson"] = rng.poisson(np.exp(0.5 * eta))
    frame["negativebinomial"] = rng.poisson(np.exp(0.5 * eta) * rng.gamma(2.0, 0.5, n))
    frame["beta"] = np.clip(rng.beta(5 * share, 5 * (1 - share)), 0.01, 0.99)
    frame["cumulative"] = pd.cut(eta + rng.logistic(size=n), [-99, -1, 0.5, 2, 99], labels=False)
    frame["hurdle_gamma"] = some * rng.gamma(2.0, np.exp(0.3 * eta))
    frame["hurdle_lognormal"] = some * np.exp(0.3 * eta + 0.5 * rng.normal(size=n))
    return frame
