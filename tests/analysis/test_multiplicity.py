"""Many slopes: covariance against simulation, pooling against brute force, p values, ranks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from statsmodels.stats.multitest import multipletests

import bayes_sf as sf
from bayes_sf.analysis.size.multiplicity import (
    Slopes,
    _common,
    _separate,
    adjusted_p,
    collect_slopes,
    gls_weights,
    pool_slopes,
    sweep_correlation,
)
from bayes_sf.errors import UsageError
from bayes_sf.inputs.sample import AnalysisSample, design
from bayes_sf.spec.rows import Rows

ITEMS = ("q13", "q16.3", "q19r1", "q17")


@pytest.fixture(scope="module")
def replica() -> Any:
    return sf.load_sample("replica")


def specs(outcome: str = "absence_mean") -> list[sf.ModelSpec]:
    found = sf.load_analysis("bivariate").specs
    return [spec for spec in found if spec.outcome == outcome and spec.name in ITEMS]


def test_error_correlations_are_those_of_simulated_outcomes(replica: AnalysisSample) -> None:
    """Outcomes from N(0, V), every model's slope by least squares with V written out."""
    chosen = specs()
    slopes = collect_slopes(chosen, replica)
    everyone = design(replica, outcome="absence_mean", min_quarters=1)
    base = sf.fit(sf.ModelSpec("absence_mean", min_quarters=1), replica, engine="reml")
    lam = (base.fitted.sd_group / base.fitted.sd_resid) ** 2
    rng, n = np.random.default_rng(1), 3000
    code = everyone["industry"].astype("category").cat.codes.to_numpy()
    y = rng.normal(size=(n, len(code))) + np.sqrt(lam) * rng.normal(size=(n, 6))[:, code]
    place = {workplace: row for row, workplace in enumerate(everyone["workplace"])}
    found = []
    for spec in chosen:
        frame = design(replica, outcome=spec.outcome, predictors=spec.predictors, min_quarters=1)
        rows = Rows.from_frame(frame, spec.designed)
        mine = [place[workplace] for workplace in frame["workplace"]]
        x = np.column_stack([np.ones(len(frame)), rows.x])
        v = np.eye(len(frame)) + lam * (rows.code[:, None] == rows.code)
        weight = np.linalg.solve(v, x)
        found.append(np.linalg.solve(x.T @ weight, weight.T @ y[:, mine].T)[1:])
    simulated = np.corrcoef(np.vstack(found))
    ours = slopes.cov / np.outer(slopes.se, slopes.se)
    # a correlation from 3,000 simulations has standard error 0.018 at most
    np.testing.assert_allclose(ours, simulated, atol=4.5 / np.sqrt(n))
    assert np.abs(ours - np.eye(len(ours))).max() > 0.1  # they do go together


def test_weights_are_generalised_least_squares() -> None:
    rng = np.random.default_rng(2)
    code = np.repeat([0, 1, 2], [3, 7, 10])
    df = pd.DataFrame({"y": rng.normal(size=20), "x": rng.normal(size=20), "g": code.astype(str)})
    rows = Rows.from_frame(df, sf.ModelSpec("y", ("x",), "g"))
    v = np.eye(20) + 0.7 * (code[:, None] == code)
    x = np.column_stack([np.ones(20), df["x"]])
    expected = np.linalg.solve(x.T @ np.linalg.solve(v, x), np.linalg.solve(v, x).T)
    np.testing.assert_allclose(gls_weights(rows, 0.7), expected, atol=1e-12)


def test_estimates_are_remls_per_standard_deviation(replica: AnalysisSample) -> None:
    slopes = collect_slopes(specs(), replica)
    result = sf.fit(specs()[0], replica, engine="reml")
    row = result.fixef().iloc[1]
    at = slopes.names.index(result.moments.predictors[0])
    spread = result.data.x[:, 0].std(ddof=1)  # type: ignore[union-attr]
    assert slopes.estimate[at] == pytest.approx(row["estimate"] * spread)
    assert slopes.se[at] == pytest.approx(row["sd"] * spread)


def slopes_of(correlation: float = 0.4) -> Slopes:
    estimate = np.array([1.2, -0.3, 0.1, 0.6, -0.5])
    cov = 0.25 * (correlation + (1 - correlation) * np.eye(5))
    return Slopes(tuple("abcde"), estimate, cov, "pp")


def test_pooled_posterior_is_brute_force() -> None:
    """omega on a fine grid, theta by the normal's conditional formula with S in full."""
    slopes = slopes_of()
    table = pool_slopes(slopes, seed=2)
    omega = np.linspace(1e-4, 12, 40_000)
    b, s = slopes.estimate, slopes.cov
    means, variances, weight = [], [], []
    for o in omega[::20]:
        total = s + o**2 * np.eye(5)
        weight.append(stats.multivariate_normal(np.zeros(5), total).pdf(b))
        means.append(o**2 * np.linalg.solve(total, b))
        variances.append(np.diag(o**2 * np.eye(5) - o**4 * np.linalg.inv(total)))
    w = np.array(weight) / np.sum(weight)
    mean = w @ np.array(means)
    sd = np.sqrt(w @ (np.array(variances) + np.array(means) ** 2) - mean**2)
    np.testing.assert_allclose(table["mean"], mean, atol=5 * sd.max() / np.sqrt(20_000))
    np.testing.assert_allclose(table["sd"], sd, rtol=0.05)
    cumulated = np.cumsum(w)
    assert table.attrs["omega_median"] == pytest.approx(
        np.interp(0.5, cumulated, omega[::20]), rel=0.02
    )


def test_ranks() -> None:
    slopes = Slopes(tuple("abc"), np.array([5.0, -3.0, 0.0]), 0.01 * np.eye(3), "pp")
    table = pool_slopes(slopes, top=2)
    assert list(table["rank"]) == [1, 2, 3]
    assert list(table["rank_lower"]) == list(table["rank_upper"]) == [1, 2, 3]
    np.testing.assert_allclose(table["p_top"], [1, 1, 0])
    assert pool_slopes(slopes_of())["p_top"].sum() == pytest.approx(5)


def test_p_values_are_those_of_statsmodels() -> None:
    p = np.array([0.001, 0.2, 0.03, 0.04, 0.9])
    bonferroni, bh = adjusted_p(p)
    np.testing.assert_allclose(bonferroni, multipletests(p, method="bonferroni")[1])
    np.testing.assert_allclose(bh, multipletests(p, method="fdr_bh")[1])


def test_order_and_unit_change_nothing_else() -> None:
    slopes, order = slopes_of(), [3, 1, 4, 0, 2]
    moved = Slopes(
        tuple(slopes.names[i] for i in order), slopes.estimate[order],
        slopes.cov[np.ix_(order, order)], "pp",
    )  # fmt: skip
    hundred = Slopes(slopes.names, 100 * slopes.estimate, 1e4 * slopes.cov, "x")
    table = pool_slopes(slopes)
    other = pool_slopes(moved).loc[list(slopes.names)]
    np.testing.assert_allclose(other["mean"], table["mean"], atol=0.02)  # Monte Carlo
    np.testing.assert_allclose(pool_slopes(hundred)["mean"], 100 * table["mean"], atol=2.0)


def test_published_tables_sweep_a_common_correlation(replica: AnalysisSample) -> None:
    table = sweep_correlation(specs(), replica, (0.0, 0.5), top=2)
    assert list(table.index.get_level_values("correlation").unique()) == [0.0, 0.5]
    assert (table.loc[0.0, "se"] == table.loc[0.5, "se"]).all()
    assert not np.allclose(table.loc[0.0, "mean"], table.loc[0.5, "mean"], atol=1e-3)


def test_slopes_of_one_model_keep_its_own_correlation(replica: AnalysisSample) -> None:
    """q21 has three answers, so two slopes; their correlation is the model's at every sweep."""
    spec = next(s for s in sf.load_analysis("bivariate").specs if s.name == "q21")
    result = sf.fit(spec, replica, engine="reml")
    terms, vcov = result.moments.predictors, result.fitted.vcov[1:, 1:]
    assert len(terms) == 2
    moments = [sf.fit(s, replica, engine="reml").moments for s in specs()]
    of_rows = collect_slopes([*specs(), spec], replica)
    place = [of_rows.names.index(t) for t in terms]
    within = of_rows.cov[place[0], place[1]] / of_rows.se[place].prod()
    expected = vcov[0, 1] / np.sqrt(vcov[0, 0] * vcov[1, 1])
    assert within == pytest.approx(expected, abs=0.02)  # lambda of the null model
    assert len(moments) == 4
    swept, own = _separate([*specs(), spec], replica)
    common = _common(own, 0.3)
    assert common[place[0], place[1]] == pytest.approx(expected)
    assert common[0, place[1]] == 0.3
    assert swept.cov[0, place[1]] == 0


def test_a_common_correlation_lies_between_what_m_slopes_can_share() -> None:
    """Of m slopes that all go together equally the least is -1/(m - 1); neither end is possible."""
    for m in (2, 4, 7):
        least = -1 / (m - 1)
        for inside in (least + 1e-6, 0.0, 1 - 1e-6):
            expected = np.full((m, m), inside) + (1 - inside) * np.eye(m)
            np.testing.assert_allclose(_common(np.eye(m), inside), expected)
        for outside in (least, 1.0, least - 0.1, 1.1):
            with pytest.raises(UsageError, match=f"must lie between {least:.3f} and 1"):
                _common(np.eye(m), outside)
    own = np.eye(3)
    own[0, 1] = own[1, 0] = 0.9
    kept = _common(own, 0.5)
    assert kept[0, 1] == 0.9
    assert kept[0, 2] == kept[1, 2] == 0.5
    with pytest.raises(UsageError, match="beside the correlations of slopes in one model"):
        _common(np.where(own == 0.9, -0.9, own), 0.5)


def test_what_is_refused(replica: AnalysisSample) -> None:
    with pytest.raises(UsageError, match="one outcome"):
        collect_slopes([*specs(), *specs("absence_change")], replica)
    with pytest.raises(UsageError, match="one outcome"):
        collect_slopes([], replica)
    with pytest.raises(UsageError, match="several slopes"):
        collect_slopes(specs()[:1], replica)
    with pytest.raises(UsageError, match="between"):
        sweep_correlation(specs(), replica, (1.0,))
    with pytest.raises(UsageError, match="must be 1 to 5"):
        pool_slopes(slopes_of(), top=6)
    with pytest.raises(UsageError, match="at least three"):
        pool_slopes(Slopes(("a", "b"), np.ones(2), np.eye(2), "pp"))
    twins = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.raises(UsageError, match=r"same but for a sign .*'a', 'b'"):
        pool_slopes(Slopes(("a", "b", "c"), np.ones(3), twins, "pp"), top=1)


def test_three_slopes_leave_omega_a_long_tail() -> None:
    """The 97.5 % point of omega, by quadrature to infinity on a scale of its own."""
    slopes = Slopes(("a", "b", "c"), np.array([0.3, -0.2, 0.1]), 0.04 * np.eye(3), "pp")
    omega = np.exp(np.linspace(np.log(1e-6), np.log(1e4), 200_001))
    total = 0.04 + omega[:, None] ** 2
    mass = np.exp(-0.5 * (np.log(total) + slopes.estimate**2 / total).sum(axis=1)) * omega
    upper = np.interp(0.975, np.cumsum(mass) / mass.sum(), omega)
    assert pool_slopes(slopes, top=1).attrs["omega_upper"] == pytest.approx(upper, rel=0.02)


def test_quantiles_of_omega_against_brute_force() -> None:
    """Nine errors that differ; omega's flat-prior density integrated by adaptive quadrature."""
    rng = np.random.default_rng(12)
    se = rng.uniform(0.2, 1.5, 9)
    estimate = rng.normal(0, np.hypot(0.6, se))
    slopes = Slopes(tuple("abcdefghi"), estimate, np.diag(se**2), "pp")
    attrs = pool_slopes(slopes, prob=0.9, top=2).attrs

    def density(omega: float) -> float:
        total = se**2 + omega**2
        return float(np.exp(-0.5 * (np.log(total) + estimate**2 / total).sum()))

    whole = integrate.quad(density, 0, np.inf, epsrel=1e-10)[0]
    for name, expected in (("lower", 0.05), ("median", 0.5), ("upper", 0.95)):
        below = integrate.quad(density, 0, attrs[f"omega_{name}"], epsrel=1e-10)[0]
        assert below / whole == pytest.approx(expected, abs=1e-7), name


def test_eight_schools() -> None:
    """Rubin (1981): quantiles of the sd between schools under a flat prior."""
    effect = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    error = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    attrs = pool_slopes(Slopes(tuple("abcdefgh"), effect, np.diag(error**2), "points")).attrs
    found = [attrs[f"omega_{name}"] for name in ("lower", "median", "upper")]
    np.testing.assert_allclose(found, [0.304, 6.275, 22.12], rtol=1e-3)
