"""Complete, no and partial pooling against brute force: rows written out, chains of draws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.pooling import (
    GroupRow,
    compare_pooling,
    group_variance,
    own_levels,
    rows_to_halve,
)
from bayes_sf.engines.gaussian.exact import ExactPosterior, fit_exact
from bayes_sf.engines.gaussian.ols_reml import fit_reml

SPEC = sf.ModelSpec("y", predictors=("x",), group="g")
SIZES = {"a": 4, "b": 9, "c": 25, "d": 60}


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    groups = np.repeat(list(SIZES), list(SIZES.values()))
    level = pd.Series(groups).map({"a": 4.0, "b": -3.0, "c": 1.5, "d": 0.0}).to_numpy()
    x = rng.normal(0.2 * level, 1.0)
    return pd.DataFrame({"y": 5 + level + 0.7 * x + rng.normal(size=len(x)), "x": x, "g": groups})


@pytest.fixture(scope="module")
def rows(df: pd.DataFrame) -> dict[str, GroupRow]:
    return {row.group: row for row in compare_pooling(SPEC, df).groups}


def test_every_pooling_is_there(df: pd.DataFrame) -> None:
    found = compare_pooling(SPEC, df, prob=0.9)
    slopes = {(row.pooling, row.engine): row for row in found.terms if row.term == "x"}
    assert list(slopes) == [
        ("complete", "ols"), ("none", "dummies"), ("partial", "reml"), ("partial", "exact"),
    ]  # fmt: skip
    assert {row.prob for row in (*found.terms, *found.groups)} == {0.9}
    assert {row.n for row in found.terms} == {98}
    assert found.missing == ""
    assert [row.group for row in found.groups] == list(SIZES)


def test_ols_and_dummies_are_least_squares_on_the_rows(df: pd.DataFrame) -> None:
    slopes = {r.engine: r for r in compare_pooling(SPEC, df).terms if r.term == "x"}
    plain = np.column_stack([np.ones(len(df)), df["x"]])
    dummies = np.column_stack([pd.get_dummies(df["g"]).to_numpy(dtype=float), df["x"]])
    for engine, design in (("ols", plain), ("dummies", dummies)):
        coef, (rss,), *_ = np.linalg.lstsq(design, df["y"])
        sigma2 = rss / (len(df) - design.shape[1])
        sd = np.sqrt(sigma2 * np.linalg.inv(design.T @ design)[-1, -1])
        assert slopes[engine].estimate == pytest.approx(coef[-1])
        assert slopes[engine].sd == pytest.approx(sd)
        assert slopes[engine].upper - slopes[engine].lower == pytest.approx(2 * 1.959964 * sd)


def test_no_pooling_levels_are_predictions_at_the_mean(
    df: pd.DataFrame, rows: dict[str, GroupRow]
) -> None:
    design = np.column_stack([pd.get_dummies(df["g"]).to_numpy(dtype=float), df["x"]])
    coef, (rss,), *_ = np.linalg.lstsq(design, df["y"])
    vcov = rss / (len(df) - 5) * np.linalg.inv(design.T @ design)
    for j, (group, row) in enumerate(rows.items()):
        at = np.append(np.eye(4)[j], df["x"].mean())
        assert row.none == pytest.approx(at @ coef)
        reach = 1.959964 * np.sqrt(at @ vcov @ at)
        assert (row.none_lower, row.none_upper) == pytest.approx(
            (row.none - reach, row.none + reach)
        )
        assert row.raw == pytest.approx(df.loc[df["g"] == group, "y"].mean())
        assert row.complete == pytest.approx(df["y"].mean())


def test_partial_pooling_is_what_draws_say(df: pd.DataFrame, rows: dict[str, GroupRow]) -> None:
    exact = sf.fit(SPEC, df)
    posterior = exact.draws(20_000, seed=4, rows=False)["posterior"].to_dataset()
    base = posterior["beta"].sel(term="(Intercept)") + df["x"].mean() * posterior["beta"].sel(
        term="x"
    )
    for group, row in rows.items():
        level = (base + posterior["u"].sel(g=group)).to_numpy()
        found = [row.mean, row.lower, row.upper]
        wanted = [level.mean(), *np.quantile(level, [0.025, 0.975])]
        np.testing.assert_allclose(found, wanted, atol=0.06 * level.std())
        lam = (posterior["sd_group"] / posterior["sd_resid"]).to_numpy() ** 2
        factor = np.quantile(lam * SIZES[group] / (1 + lam * SIZES[group]), [0.5, 0.025, 0.975])
        np.testing.assert_allclose(
            [row.factor, row.factor_lower, row.factor_upper], factor, atol=0.02
        )


def test_the_posterior_lies_between_complete_and_no_pooling(rows: dict[str, GroupRow]) -> None:
    for row in rows.values():
        low, high = sorted((row.complete, row.none))
        assert low < row.mean < high
        assert low < row.reml < high
        assert 0 < row.factor_lower < row.factor < row.factor_upper < 1
    factors = [row.factor for row in rows.values()]
    assert factors == sorted(factors)  # the larger the group, the more its own data count


# How many more rows halve an interval


@pytest.fixture(scope="module")
def part(df: pd.DataFrame) -> ExactPosterior:
    return fit_exact(sf.Moments.from_frame(df, outcome="y", predictors=["x"], group="g"))


def augmented(df: pd.DataFrame, group: str, times: int) -> pd.DataFrame:
    """Add copies of a group's own rows: same mean, and a spread that is its own."""
    return pd.concat([df, *[df[df["g"] == group]] * times], ignore_index=True)


def test_variance_now_is_the_mixture_s(part: ExactPosterior) -> None:
    sds, weight = part.group_means.sds, part.group_means.weight
    for j in range(4):
        assert group_variance(part, j, 0.0) == pytest.approx(sds[j] ** 2 @ weight, rel=1e-9)


@pytest.mark.parametrize("predictors", [[], ["x"]])
def test_variance_by_brute_force(df: pd.DataFrame, predictors: list[str]) -> None:
    """Rows written out: prior precision plus cross products of rows, inverted, at every node."""
    part = fit_exact(sf.Moments.from_frame(df, outcome="y", predictors=predictors, group="g"))
    data, more = part.data, 9
    k, j = data.n_coef, 1
    design = np.ones((len(df), k))
    design[:, 1:] = (df[predictors].to_numpy() - data.centre[:-1]) / data.scale[:-1]
    within = data.within[:k, :k] / (len(df) - 4)  # of one row
    member = pd.get_dummies(df["g"]).to_numpy(dtype=float)
    extra = np.tile(np.append(data.means[j, :k], np.eye(4)[j]), (more, 1))
    rows = np.vstack([np.column_stack([design, member]), extra])
    total = 0.0
    t, ratio = part.grid.t.nodes, part.joint.ratio(part.grid.z.nodes)
    cross = rows.T @ rows
    cross[:k, :k] += more * within
    for z in range(len(ratio)):
        for i in range(len(t)):
            sigma = np.exp(t[i])
            prior = np.append(part.prior_terms[0], np.full(4, (ratio[z] * sigma) ** -2.0))
            cov = np.linalg.inv(cross / sigma**2 + np.diag(prior))
            at = np.append(np.eye(k)[0], np.eye(4)[j])
            total += part.grid.weight[z, i] * (at @ cov @ at)
    assert group_variance(part, j, more) == pytest.approx(total * data.scale[-1] ** 2, rel=1e-6)


def test_more_rows_never_widen(part: ExactPosterior) -> None:
    for j in range(4):
        path = [group_variance(part, j, m) for m in (0, 1, 2, 5, 10, 100, 1e4, 1e8)]
        assert path == sorted(path, reverse=True)
        assert path[-1] < 1e-3 * path[0]


def test_the_answer_is_the_first_that_halves(part: ExactPosterior) -> None:
    for j, group in enumerate(part.moments.groups):
        m, aim = rows_to_halve(part, group), group_variance(part, j, 0) / 4
        assert m == round(m), "rows are whole"
        assert m >= 3 * SIZES[group]  # without pooling it would be three times as many again
        assert group_variance(part, j, m) <= aim < group_variance(part, j, m - 1)


def test_the_interval_is_halved_when_the_rows_come(df: pd.DataFrame) -> None:
    """Rows like those there, as many as the answer says: the new posterior is half as wide."""
    spec = replace(SPEC, predictors=())
    before = {row.group: row for row in compare_pooling(spec, df).groups}["d"]
    times = round(before.more / before.n)
    assert abs(before.more - times * before.n) <= 0.06 * before.more
    after = {r.group: r for r in compare_pooling(spec, augmented(df, "d", times)).groups}["d"]
    halved = (after.upper - after.lower) / (before.upper - before.lower)
    assert halved == pytest.approx(0.5, abs=0.06)


def test_no_number_of_rows_halves_when_a_slope_lies_between_groups(df: pd.DataFrame) -> None:
    shares = {"a": 0.0, "b": 0.1, "c": 0.2, "d": 3.0}
    between = df.assign(w=df["g"].map(shares))
    found = compare_pooling(sf.ModelSpec("y", predictors=("w",), group="g"), between)
    assert "must vary within groups" in found.missing
    assert {row.pooling for row in found.terms} == {"complete", "partial"}
    rows = {row.group: row for row in found.groups}
    assert all(np.isnan(row.none) for row in rows.values())
    assert rows["d"].more == np.inf


def test_published_study() -> None:
    """The real study's null model: the question the report's ICT industry poses."""
    study = sf.load_sample("published")
    spec = sf.load_analysis("null").specs[0]
    found = compare_pooling(spec, study)
    ict = {row.group: row for row in found.groups}["ict"]
    assert len(found.groups) == 6
    assert ict.lower < ict.mean < ict.upper
    assert ict.factor > 0.9  # with 58 workplaces its own mean counts for nearly everything
    assert 3 * ict.n <= ict.more < 4 * ict.n


def test_versions_of_the_study_are_averaged_alike() -> None:
    """Every level lies where its factor puts it, between its own mean and what all are pulled to.

    With one version's means beside posteriors over forty, industries moved away from the mean.
    """
    study = sf.load_sample("published")
    (spec,) = (s for s in sf.load_analysis("null").specs if s.outcome == "absence_mean")
    found = compare_pooling(spec, study)
    parts = found.exact.fitted.parts
    centre = float(found.exact.fitted.coef.mean()[0])
    assert len(parts) > 1
    for row in found.groups:
        own = [p.moments.means[p.moments.groups.index(row.group), -1] for p in parts]
        assert row.raw == pytest.approx(np.mean(own))
        assert row.none == pytest.approx(row.raw)
        for level in (row.mean, row.reml):
            assert min(row.none, centre) < level < max(row.none, centre)
        shown = (row.mean - centre) / (row.none - centre)
        if abs(row.none - centre) > 1:  # nearer to the centre the quotient is of two small numbers
            assert row.factor_lower < shown < row.factor_upper
            assert shown == pytest.approx(row.factor, abs=0.01)
    (reml,) = (t for t in found.terms if t.engine == "reml" and t.term == "sd_group")
    assert reml.estimate == pytest.approx(np.mean([fit_reml(p.moments).sd_group for p in parts]))


def test_pictures_join_the_same_quantity_without_and_with_pooling() -> None:
    """A predictor whose mean differs between groups: raw means are no levels at its mean."""
    rng = np.random.default_rng(5)
    code = np.repeat(np.arange(4), 12)
    x = code + rng.normal(size=48)
    data = pd.DataFrame(
        {"y": 3 * x + rng.normal(size=48), "x": x, "g": np.array(list("abcd"))[code]}
    )
    result = sf.fit(sf.ModelSpec("y", ("x",), group="g"), data)
    levels = own_levels([result.moments], 0.95)
    dummies = np.eye(4)[code]
    slopes = np.linalg.lstsq(np.column_stack([dummies, x]), data["y"], rcond=None)[0]
    expected = slopes[:4] + slopes[4] * x.mean()
    np.testing.assert_allclose([levels[g][0] for g in "abcd"], expected)
    raw = data.groupby("g")["y"].mean().to_numpy()
    assert np.abs(raw - expected).max() > 2
    lines = result.plot("shrinkage").axes[0].lines
    hollow = [float(np.ravel(line.get_xdata())[0]) for line in lines if line.get_mfc() == "white"]
    np.testing.assert_allclose(hollow, expected)
