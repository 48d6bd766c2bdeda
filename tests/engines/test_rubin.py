"""Rubin's rules: against closed forms and against what mice's pool makes of the same numbers."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines.sets.rubin import pool
from bayes_sf.errors import UsageError

RULES = pd.read_csv(Path(__file__).parents[1] / "references" / "mice" / "rules.csv")


@pytest.mark.parametrize("m", [3, 5, 20])
def test_as_mice(m: int) -> None:
    """Estimate, W, B, T, df, riv, lambda and fmi of linear models on nhanes, to 1e-10."""
    part = RULES[RULES["m"] == m]
    terms = list(dict.fromkeys(part["term"]))
    q = part.pivot_table(index="set", columns="term", values="estimate")[terms]
    u = part.pivot_table(index="set", columns="term", values="variance")[terms]
    theirs = part.drop_duplicates("term").set_index("term").loc[terms]
    ours = pool(q.to_numpy(), u.to_numpy(), terms, df_complete=float(theirs["dfcom"].iloc[0]))
    columns = {
        "pooled": ours.estimate, "ubar": ours.within, "b": ours.between, "t": ours.total,
        "df": ours.df, "riv": ours.riv, "lambda": ours.from_missing, "fmi": ours.fmi,
    }  # fmt: skip
    for name, values in columns.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-10, err_msg=name)


def test_closed_forms() -> None:
    """Two sets: B = d^2/2; infinite complete df give Rubin's own; nothing missing, complete df."""
    two = pool(np.array([[1.0], [2.0]]), np.array([[0.2], [0.4]]), ("x",))
    assert two.between[0] == pytest.approx(0.5)
    assert two.total[0] == pytest.approx(0.3 + 1.5 * 0.5)
    assert two.df[0] == pytest.approx((1 + 0.3 / (1.5 * 0.5)) ** 2)  # (m - 1)(1 + 1/riv)^2
    same = pool(np.ones((4, 1)), np.full((4, 1), 0.25), ("x",), df_complete=10.0)
    assert same.total[0] == 0.25
    assert same.df[0] == pytest.approx(11 / 13 * 10)  # Barnard & Rubin's limit without gaps
    low, high = same.interval(0.9)
    reach = stats.t(110 / 13).ppf(0.95) * 0.5
    assert (low[0], high[0]) == pytest.approx((1 - reach, 1 + reach))
    known = pool(np.ones((4, 1)), np.full((4, 1), 0.25), ("x",))
    assert math.isinf(known.df[0])
    assert known.interval(0.95)[1][0] == pytest.approx(1 + stats.norm.ppf(0.975) * 0.5, rel=1e-6)


def test_coverage_of_a_mean_with_missing_values() -> None:
    """Proper imputation of a normal mean: 95 % intervals cover 95 %; without B they do not.

    n = 40, half missing; draws of mean and variance from their posterior, then of the missing.
    """
    rng = np.random.default_rng(7)
    n, half, m, rounds = 40, 20, 20, 1000
    covered = naive = 0
    for _ in range(rounds):
        y = rng.normal(size=half)
        variance = (half - 1) * y.var(ddof=1) / rng.chisquare(half - 1, size=m)
        centre = y.mean() + rng.normal(size=m) * np.sqrt(variance / half)
        drawn = centre[:, None] + np.sqrt(variance)[:, None] * rng.normal(size=(m, n - half))
        full = np.concatenate([np.broadcast_to(y, (m, half)), drawn], axis=1)
        means, errors = full.mean(axis=1), full.var(axis=1, ddof=1) / n
        pooled = pool(means[:, None], errors[:, None], ("mean",), df_complete=n - 1.0)
        low, high = pooled.interval(0.95)
        covered += bool(low[0] <= 0 <= high[0])
        naive += bool(abs(means.mean()) <= stats.t(n - 1).ppf(0.975) * np.sqrt(errors.mean()))
    # three standard errors of a share of 1,000 are 2.1 points
    assert covered / rounds == pytest.approx(0.95, abs=0.021)
    assert naive / rounds < 0.9


def test_reml_on_completed_sets() -> None:
    """Sets that are all the same give REML's own estimate, error and ICC; order changes nothing."""
    rng = np.random.default_rng(2)
    code = np.arange(60) % 4
    x = rng.normal(size=60)
    y = x + code + rng.normal(size=60)
    df = pd.DataFrame({"y": y, "x": x, "g": code.astype(str)})
    spec = sf.ModelSpec("y", ("x",), group="g")
    reml = sf.fit(spec, df, engine="reml").fitted
    alike = sf.fit(spec, [df] * 3, engine="reml")
    same = alike.fitted
    np.testing.assert_allclose(same.estimate, reml.coef)
    np.testing.assert_allclose(same.std_error, reml.std_error)
    np.testing.assert_allclose(same.between, 0)
    assert alike.icc()["estimate"] == pytest.approx(reml.icc)
    sets = [df.assign(y=y + rng.normal(size=60)) for _ in range(5)]
    ahead, back = (sf.fit(spec, each, engine="reml").fitted for each in (sets, sets[::-1]))
    np.testing.assert_allclose(ahead.total, back.total)
    large = sf.fit(spec, [one.assign(y=100 * one["y"]) for one in sets], engine="reml").fitted
    np.testing.assert_allclose(large.std_error, 100 * ahead.std_error, rtol=1e-8)
    np.testing.assert_allclose(large.df, ahead.df, rtol=1e-6)
    assert (ahead.error < ahead.std_error).all()


@pytest.mark.parametrize(
    ("estimates", "variances", "rule"),
    [
        (np.ones((1, 1)), np.ones((1, 1)), "at least two"),
        (np.ones((3, 1)), np.zeros((3, 1)), "positive variances"),
        (np.full((3, 1), np.nan), np.ones((3, 1)), "finite estimates"),
        (np.ones((3, 2)), np.ones((3, 1)), "k terms"),
    ],
)
def test_bad_input(estimates: np.ndarray, variances: np.ndarray, rule: str) -> None:
    """One clear message per rule."""
    with pytest.raises(UsageError, match=rule):
        pool(estimates, variances, ("x",))
