"""OLS, no pooling and REML against dense algebra, a general optimiser and statsmodels."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from bayes_sf.engines.gaussian.ols_reml import GaussianFit, fit_no_pooling, fit_ols, fit_reml
from bayes_sf.errors import DataError
from bayes_sf.spec.moments import Moments


def frame(seed: int, tau: float, sizes: tuple[int, ...] = (3, 5, 8, 6, 9)) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(4, 2, (len(code), 2))
    y = 1 + x @ [0.5, -0.3] + tau * rng.normal(size=len(sizes))[code] + rng.normal(size=len(code))
    return pd.DataFrame({"y": y, "x1": x[:, 0], "x2": x[:, 1], "g": code})


def moments(df: pd.DataFrame) -> Moments:
    return Moments.from_frame(df, outcome="y", predictors=["x1", "x2"], group="g")


def design(df: pd.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(len(df)), df[["x1", "x2"]]])


def test_ols_is_least_squares() -> None:
    df = frame(1, 1.0)
    X, y, fit = design(df), df["y"].to_numpy(), fit_ols(moments(df))
    coef, rss, *_ = np.linalg.lstsq(X, y)
    variance = rss[0] / (len(y) - 3)
    np.testing.assert_allclose(fit.coef, coef, rtol=1e-10)  # condition number about 10
    np.testing.assert_allclose(fit.vcov, variance * np.linalg.inv(X.T @ X), rtol=1e-9)
    assert fit.sd_resid == pytest.approx(np.sqrt(variance), rel=1e-10)
    assert fit.sd_group == fit.icc == 0


def test_no_pooling_is_dummies() -> None:
    df = frame(2, 1.0)
    dummies = pd.get_dummies(df["g"]).to_numpy(float)
    X = np.column_stack([dummies, df[["x1", "x2"]] - df[["x1", "x2"]].mean()])
    coef, rss, *_ = np.linalg.lstsq(X, df["y"])
    vcov = rss[0] / (len(df) - 7) * np.linalg.inv(X.T @ X)
    fit = fit_no_pooling(moments(df))
    share = dummies.mean(axis=0)
    deviation = np.eye(5) - share  # level of each group minus their size-weighted mean
    np.testing.assert_allclose(fit.coef[1:], coef[5:], rtol=1e-9)
    np.testing.assert_allclose(fit.std_error[1:], np.sqrt(np.diag(vcov)[5:]), rtol=1e-9)
    np.testing.assert_allclose(fit.ranef, deviation @ coef[:5], rtol=1e-9)
    np.testing.assert_allclose(
        fit.ranef_sd, np.sqrt(np.diag(deviation @ vcov[:5, :5] @ deviation.T)), rtol=1e-9
    )
    raw = np.concatenate([share, -df[["x1", "x2"]].mean()])  # intercept where predictors are 0
    assert fit.coef[0] == pytest.approx(raw @ coef, rel=1e-9)
    assert fit.std_error[0] == pytest.approx(np.sqrt(raw @ vcov @ raw), rel=1e-9)
    assert np.isnan(fit.sd_group)


def test_no_pooling_refuses_predictors_of_groups() -> None:
    df = frame(3, 1.0)
    with pytest.raises(DataError, match=r"'x1'.*must vary within groups"):
        fit_no_pooling(moments(df.assign(x1=df["g"] ** 2)))


def dense_criterion(log_sd: np.ndarray, df: pd.DataFrame) -> float:
    """-2 log restricted likelihood with the n x n covariance written out."""
    X, y = design(df), df["y"].to_numpy()
    same = df["g"].to_numpy()[:, None] == df["g"].to_numpy()
    variance, between = np.exp(2 * log_sd)
    V = variance * np.eye(len(y)) + between * same
    inverse = np.linalg.inv(V)
    information = X.T @ inverse @ X
    residual = y - X @ np.linalg.solve(information, X.T @ inverse @ y)
    log_det = np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1]
    return float((len(y) - 3) * np.log(2 * np.pi) + log_det + residual @ inverse @ residual)


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_reml_maximises_the_dense_likelihood(seed: int) -> None:
    df = frame(seed, 1.5)
    fit = fit_reml(moments(df))
    best = minimize(
        dense_criterion,
        [0.1, 0.3],
        (df,),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12},
    )
    # The criterion is flat at its minimum: Nelder-Mead finds the point to the root of 1e-15.
    np.testing.assert_allclose([fit.sd_resid, fit.sd_group], np.exp(best.x), rtol=1e-6)
    assert fit.criterion == pytest.approx(best.fun, abs=1e-9)
    X, same = design(df), df["g"].to_numpy()[:, None] == df["g"].to_numpy()
    inverse = np.linalg.inv(fit.sd_resid**2 * np.eye(len(df)) + fit.sd_group**2 * same)
    vcov = np.linalg.inv(X.T @ inverse @ X)
    np.testing.assert_allclose(fit.vcov, vcov, rtol=1e-8)
    np.testing.assert_allclose(fit.coef, vcov @ X.T @ inverse @ df["y"], rtol=1e-8)
    effect = fit.sd_group**2 * inverse @ (df["y"] - X @ fit.coef)
    np.testing.assert_allclose(fit.ranef, pd.Series(effect).groupby(df["g"]).sum(), rtol=1e-8)


def test_boundary_estimate_is_least_squares() -> None:
    fits = [(fit_reml(moments(df)), df) for df in (frame(seed, 0.0) for seed in range(12))]
    boundary = [(fit, df) for fit, df in fits if fit.boundary]
    assert 6 <= len(boundary) < 12  # most samples, when the true group variance is zero
    for fit, df in boundary:
        assert fit.sd_group == 0
        np.testing.assert_array_equal(fit.ranef, 0)
        np.testing.assert_allclose(fit.coef, fit_ols(moments(df)).coef, rtol=1e-12)
        low = [dense_criterion(np.log([fit.sd_resid, tau]), df) for tau in (1e-6, 0.02, 0.05, 0.1)]
        assert low == sorted(low)  # the criterion rises from tau = 0
        assert fit.criterion == pytest.approx(low[0], abs=1e-6)


def test_reml_against_statsmodels() -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    df = frame(7, 1.2, (10, 14, 20, 9, 16, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns about its own optimiser
        other = MixedLM(df["y"], design(df), df["g"]).fit(reml=True, gtol=1e-10)
    fit = fit_reml(moments(df))
    # statsmodels stops its gradient search a little early.
    np.testing.assert_allclose(fit.coef, other.fe_params, rtol=1e-5)
    # It takes standard errors from the Hessian of all parameters, not from the fixed effects' own.
    np.testing.assert_allclose(fit.std_error, other.bse_fe, rtol=1e-3)
    assert fit.sd_resid**2 == pytest.approx(other.scale, rel=1e-5)
    assert fit.sd_group**2 == pytest.approx(other.cov_re.iloc[0, 0], rel=1e-3)


@pytest.mark.parametrize("engine", [fit_ols, fit_no_pooling, fit_reml])
def test_units_change_the_scale_and_nothing_else(engine: object) -> None:
    df = frame(8, 1.0)
    a: GaussianFit = engine(moments(df))  # type: ignore[operator]
    b: GaussianFit = engine(moments(df.assign(y=100 * df["y"], x1=df["x1"] / 7)))  # type: ignore[operator]
    unit = np.array([100, 700, 100])
    np.testing.assert_allclose(b.coef, unit * a.coef, rtol=1e-10)
    np.testing.assert_allclose(b.std_error, unit * a.std_error, rtol=1e-10)
    np.testing.assert_allclose(b.sd_resid, 100 * a.sd_resid, rtol=1e-10)
    np.testing.assert_allclose(b.sd_group, 100 * a.sd_group, rtol=1e-8)  # a flat optimum
    np.testing.assert_allclose(b.ranef, 100 * a.ranef, rtol=1e-8)


def test_reml_refuses_as_many_group_coefficients_as_groups() -> None:
    df = frame(9, 1.0, (6, 7))
    with pytest.raises(DataError, match=r"more levels than.*2 levels, 2 such coefficients"):
        fit_reml(moments(df.assign(x1=1.7 * df["g"])))
    assert np.isfinite(fit_reml(moments(df)).sd_group)
