"""What one asks of other outcomes than Gaussian: lme4, emmeans and brute force.

`tests/references/asked/outcomes.R` has made the recorded answers. Posteriors are draws that
are made up here.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit, logit
from scipy.stats import norm

import bayes_sf as sf
from bayes_sf.analysis.asked.grid import design_of, loading_of
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.outcomes.sampled import OutcomeSampled
from bayes_sf.engines.result import Provenance
from bayes_sf.errors import UsageError
from bayes_sf.spec.family import family_of
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.terms.matrices import Matrices
from tests.engines.lme4_references import data
from tests.engines.test_outcomes_glmer import ours

ANSWERS = pd.read_csv(Path(__file__).parents[1] / "references" / "asked" / "outcomes.csv")
# Estimates in standard errors, and standard errors relatively: both optima are good to some 1e-6.
ESTIMATE, ERROR = 1e-5, 1e-5
# Laplace's deviance of lme4 is ragged: its second differences are 0.1971 to 0.1976 with the step.
RAGGED = {"counts_crossed": 1e-3}
ROWS = {"binary": [0, 99, 199], "trials": [0, 4, 8], "counts_crossed": [0, 49, 199]}


def recorded(model: str, question: str) -> pd.DataFrame:
    table = ANSWERS[(ANSWERS["model"] == model) & (ANSWERS["question"] == question)]
    assert len(table)
    return table.set_index("key")


def check(found: pd.DataFrame, model: str, question: str, *keys: str) -> None:
    expected = recorded(model, question)
    expected = expected.loc[list(keys)] if keys else expected
    assert len(found) == len(expected)
    se, error = expected["se"].to_numpy(), RAGGED.get(model, ERROR)
    off = found["estimate"].to_numpy() - expected["estimate"].to_numpy()
    assert np.abs(off / se).max() < ESTIMATE
    assert found["sd"].to_numpy() == pytest.approx(se, rel=error)
    if expected["low"].notna().all():
        ends = (found[["lower", "upper"]].to_numpy() - expected[["low", "high"]].to_numpy()).T / se
        assert np.abs(ends).max() < 3 * error
    if expected["p"].notna().all():
        # d ln p / d ln z is about z^2, below 40 here.
        assert found["p"].to_numpy() == pytest.approx(expected["p"].to_numpy(), rel=40 * error)
        assert "df" not in found


# Maximum likelihood -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ROWS)
@pytest.mark.parametrize("groups", ["known", "none"])
def test_predictions(model: str, groups: str) -> None:
    """lme4's predict(type = "response" and "link")."""
    new = ours(model).matrices.frame.iloc[ROWS[model]]
    check(ours(model).predict(new, groups=groups), model, groups)
    check(ours(model).predict(new, groups=groups, scale="link"), model, f"link {groups}")


def test_marginal_means() -> None:
    """Intervals as emmeans(type = "response"): of one probability, taken back from the logit."""
    categories = ["low", "mid", "top"]
    means = ours("binary").predict(at={"c": categories, "x": 1.0}, groups="none")
    check(means, "binary", "mean of c at x = 1", *categories)
    means = ours("trials").predict(at={"x": [-1, 2]}, groups="none")
    check(means, "trials", "mean at x", "-1", "2")


def test_comparisons() -> None:
    result, pairs = ours("binary"), ["mid - low", "top - low", "top - mid"]
    at = {"x": 1.0}
    check(result.comparisons({"c": "pairwise"}, at=at), "binary", "pairs of c at x = 1", *pairs)
    on_link = result.comparisons({"c": "pairwise"}, at=at, scale="link")
    check(on_link, "binary", "link pairs of c", *pairs)
    check(result.comparisons("x"), "binary", "average", "x +1")
    check(result.comparisons({"c": ("low", "top")}), "binary", "average", "top - low")
    check(ours("counts_crossed").comparisons("x"), "counts_crossed", "average", "x +1")


def test_slopes() -> None:
    result = ours("binary")
    at = {"c": ["low", "mid", "top"], "x": 1.0}
    # emmeans takes a difference of a thousandth of the range.
    check(result.slopes("x", at=at), "binary", "slope of x at x = 1", *at["c"])
    check(result.slopes("x"), "binary", "average", "slope of x")
    check(ours("counts_crossed").slopes("x"), "counts_crossed", "average", "slope of x")
    on_link = result.slopes("x", scale="link").iloc[0]
    assert on_link[["estimate", "sd", "z", "p"]].to_numpy() == pytest.approx(
        result.fixef().loc["x", ["estimate", "sd", "z", "p"]].to_numpy(dtype=float)
    )


def test_averages_are_of_means_and_stay_within_their_range() -> None:
    result, reach = ours("binary"), norm.ppf(0.975)
    whole = result.predict(at={"x": [-9.0, 9.0]})
    rows = result.predict(result.matrices.frame.assign(x=9.0))
    assert whole["estimate"].iloc[1] == pytest.approx(rows["estimate"].mean())
    q, sd = whole["estimate"], whole["sd"]
    assert whole["lower"].to_numpy() == pytest.approx(
        expit(logit(q) - reach * sd / (q * (1 - q))).to_numpy()
    )
    assert ((whole["lower"] > 0) & (whole["upper"] < 1)).all()
    far = result.predict(result.matrices.frame.head(2).assign(x=[1e4, -1e4]))
    assert far[["estimate", "lower", "upper"]].to_numpy() == pytest.approx(
        np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    )
    counts = ours("counts_crossed").predict(groups="none", at={"x": [0.0]}, scale="link")
    assert counts["estimate"].iloc[0] == pytest.approx(
        ours("counts_crossed").fixef()["estimate"].iloc[0]
        + np.log(ours("counts_crossed").matrices.frame["time"]).mean()
    )


@pytest.mark.parametrize("model", ["binary", "counts_crossed"])
def test_derivatives_are_those_of_answers(model: str) -> None:
    """Delta method by brute force: coefficients moved one at a time, differences of answers."""
    result = ours(model)
    fitted, step, p = result.fitted, 1e-5, len(result.matrices.terms)

    def moved(by: Any) -> Any:
        near = replace(fitted.near, modes=fitted.near.modes + fitted.near.pull @ by)
        other = replace(result, fitted=replace(fitted, coef=fitted.coef + by, near=near))
        return other.comparisons("x", groups="known")["estimate"].iloc[0]

    jacobian = np.array([(moved(s) - moved(-s)) / (2 * step) for s in step * np.eye(p)])
    # A curvature without end: effects are known given the coefficients.
    sure = replace(fitted, near=replace(fitted.near, solver=_Sure()))
    found = replace(result, fitted=sure).comparisons("x", groups="known")["sd"].iloc[0]
    assert found == pytest.approx(np.sqrt(jacobian @ fitted.vcov @ jacobian), rel=1e-6)


class _Sure:
    @staticmethod
    def solve(right: Any) -> Any:
        return 0 * right


def test_effects_and_coefficients_are_known_jointly() -> None:
    """With coefficients' covariance given the variances it is that of whole matrices."""
    result = ours("counts_crossed")
    made, fitted = result.matrices, result.fitted
    x, z = made.x, [np.eye(f.n_levels)[f.code] for f in made.factors]
    sds = [f"sd_(Intercept)|{f.name}" for f in made.factors]
    taus = dict(fitted.spreads())
    both = np.column_stack([x, *(each * taus[sd] for each, sd in zip(z, sds, strict=True))])
    eta = fitted.linear(loading_of(design_of(result), made.frame, {"g": "known", "h": "known"}))
    own = np.diag(np.r_[0.0, 0.0, np.ones(both.shape[1] - 2)])
    joint = np.linalg.inv(both.T @ (np.exp(eta)[:, None] * both) + own)
    given = replace(result, fitted=replace(fitted, vcov=joint[:2, :2]))
    found = given.predict(scale="link")["sd"].to_numpy()
    assert found == pytest.approx(np.sqrt(np.einsum("ni,ij,nj->n", both, joint, both)), rel=1e-6)
    new = given.predict(scale="link", groups={"g": "new", "h": "none"})["sd"].to_numpy() ** 2
    none = given.predict(scale="link", groups="none")["sd"].to_numpy() ** 2
    assert new - none == pytest.approx(np.full(len(x), taus["sd_(Intercept)|g"] ** 2))


def test_hypotheses() -> None:
    result = ours("binary")
    check(result.hypothesis("c[top] - c[mid] = 0"), "binary", "hypothesis")
    table = result.hypothesis(["x = 0", "x > 0", "x < 0"])
    assert table["z"].iloc[0] == pytest.approx(result.fixef().loc["x", "z"])
    assert table["p"].to_numpy() == pytest.approx(
        norm.sf(table["z"].iloc[0]) * np.array([2, 1, np.nan]), nan_ok=True
    ) or table["p"].iloc[2] == pytest.approx(norm.cdf(table["z"].iloc[0]))


@pytest.mark.parametrize("model", ROWS)
def test_broom_and_nakagawa(model: str) -> None:
    result, expected = ours(model), recorded(model, "tidy")["estimate"]
    names = {"fixed//cmid": "fixed//c[mid]", "fixed//ctop": "fixed//c[top]"}
    expected = expected.rename(index=names)
    table = result.tidy()
    keys = table["effect"] + "/" + table["group"].fillna("") + "/" + table["term"]
    found = pd.Series(table["estimate"].to_numpy(), index=keys)
    assert set(found.index) == set(expected.index)
    assert found[expected.index].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-4)
    assert table["statistic"].dropna().to_numpy() == pytest.approx(result.fixef()["z"].to_numpy())
    assert "df" not in table
    line, other = result.glance().iloc[0], recorded(model, "glance")["estimate"]
    assert line["nobs"] == other["nobs"]
    assert line["df_residual"] == other["df.residual"]
    assert line["deviance"] == -2 * line["logLik"]
    if model != "trials":  # lme4 leaves constants out where nAGQ > 1
        assert line[["logLik", "AIC", "BIC"]].to_numpy(dtype=float) == pytest.approx(
            other[["logLik", "AIC", "BIC"]].to_numpy(), abs=1e-4
        )
    if model != "counts_crossed":  # performance takes lambda from a null model
        shares = recorded(model, "r2")["estimate"]
        assert result.r2() == pytest.approx(shares.to_dict(), rel=1e-4)


def test_a_count_explained_on_the_log_scale() -> None:
    """Nakagawa, Johnson & Schielzeth 2017: ln(1 + 1/lambda) in the place of a residual."""
    result = ours("counts_crossed")
    made, b = result.matrices, result.fixef()["estimate"].to_numpy()
    between = sum(tau**2 for _, tau in result.fitted.spreads())
    mean = np.exp(made.x @ b + made.offset + between / 2).mean()
    fixed, rest = np.var(made.x @ b, ddof=1), np.log1p(1 / mean)
    assert result.r2()["marginal"] == pytest.approx(fixed / (fixed + between + rest))
    assert result.r2()["conditional"] == pytest.approx(1 - rest / (fixed + between + rest))


def test_rows_with_what_the_model_says() -> None:
    result = ours("trials")
    rows = result.augment()
    share = result.matrices.y / result.matrices.trials
    assert rows[".fitted"].to_numpy() == pytest.approx(result.predict()["estimate"].to_numpy())
    assert (rows[".fitted"] + rows[".resid"]).to_numpy() == pytest.approx(share)
    assert rows[".fixed"].to_numpy() == pytest.approx(
        result.predict(groups="none")["estimate"].to_numpy()
    )


# Draws --------------------------------------------------------------------------------------------

FRAME = pd.DataFrame({
    "x": [0.1, -1.2, 0.4, 2.0, -0.3, 0.9], "n": [3, 5, 4, 8, 2, 6], "w": [0.2, 0, -0.1, 0.4, 0, 0],
    "g": list("aabbcc"), "y": [0, 1, 1, 0, 1, 1],
    "c": pd.Categorical.from_codes([0, 2, 1, 1, 0, 2], ["low", "mid", "top"], ordered=True),
})  # fmt: skip


@cache
def drawn(name: str) -> OutcomeResult:
    """A posterior that is made up: 2 chains of 50 draws."""
    family, rng = family_of(name), np.random.default_rng(3)
    left = {"binomial": "p(y, n)", "cumulative": "c"}.get(name, "y")
    spec = ModelSpec.from_formula(f"{left} ~ x + offset(w) + (x || g)", family=name)
    frame = FRAME if name != "beta" else FRAME.assign(y=0.2 + 0.5 * FRAME["y"])
    made = Matrices.from_frame(frame, spec.parsed, family=family)
    base, size = ("chain", "draw"), (2, 50)
    values: dict[str, Any] = {
        "beta": ((*base, "term"), rng.normal(0.5, 0.4, (*size, len(made.terms))))
    }
    for column in ("(Intercept)", "x"):
        values[f"{column}|g"] = ((*base, "level|g"), rng.normal(0, 0.6, (*size, 3)))
        values[f"sd_{column}|g"] = (base, rng.uniform(0.3, 0.9, size))
    for one in family.parameters:
        values[one] = (base, rng.uniform(0.2, 0.8, size))
    if family.ordered:
        cuts = np.sort(rng.normal(size=(*size, 2)), axis=-1)
        values["threshold"] = ((*base, "between"), cuts)
    coords = {"term": list(made.terms), "level|g": ["a", "b", "c"]}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(values, coords=coords)})
    provenance = Provenance(spec=spec.digest, data=made.digest, source="frame", seed=1, seconds=0.0,
                            versions={})  # fmt: skip
    fitted = OutcomeSampled(made, family, {}, {}, tree, {})
    return OutcomeResult(spec, "nuts", fitted, 0.9, provenance, matrices=made)


def flat(result: OutcomeResult, name: str) -> Any:
    return result.fitted.flat(name)


def means(result: OutcomeResult, frame: pd.DataFrame, *, effects: bool) -> Any:
    """Expected outcomes of rows, (n, 100), written down once more."""
    x, code = frame["x"].to_numpy(), frame["g"].map({"a": 0, "b": 1, "c": 2}).to_numpy()
    beta = flat(result, "beta")
    eta = frame["w"].to_numpy()[:, None] + beta[:, 0] + np.outer(x, beta[:, 1])
    if effects:
        eta = eta + flat(result, "(Intercept)|g")[:, code].T + (
            x[:, None] * flat(result, "x|g")[:, code].T
        )  # fmt: skip
    if result.family.link == "logit":
        return expit(eta)
    mean = np.exp(eta)
    if result.family.name == "hurdle_gamma":
        return flat(result, "psi") * mean
    if result.family.name == "hurdle_lognormal":
        return flat(result, "psi") * mean * np.exp(flat(result, "sigma") ** 2 / 2)
    return mean


def same(found: pd.DataFrame, draws: Any) -> None:
    draws = np.atleast_2d(draws)
    assert found["estimate"].to_numpy() == pytest.approx(draws.mean(axis=1))
    assert found["sd"].to_numpy() == pytest.approx(draws.std(axis=1, ddof=1))
    for column, prob in (("lower", 0.05), ("upper", 0.95)):
        assert found[column].to_numpy() == pytest.approx(np.quantile(draws, prob, axis=1))


@pytest.mark.parametrize(
    "name",
    ["bernoulli", "binomial", "beta", "negativebinomial", "hurdle_gamma", "hurdle_lognormal"],
)
def test_draws_by_brute_force(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Rows are worked on two at a time.
    monkeypatch.setattr("bayes_sf.analysis.asked.response._BLOCK", 200)
    monkeypatch.setattr("bayes_sf.analysis.asked.response._LEAST", 1)
    result = drawn(name)
    same(result.predict(), means(result, FRAME, effects=True))
    same(result.predict(groups="none"), means(result, FRAME, effects=False))
    by = result.predict(by="g")
    same(by, means(result, FRAME, effects=True).reshape(3, 2, -1).mean(axis=1))
    low, high = (means(result, FRAME.assign(x=x), effects=True) for x in (0.0, 2.0))
    found = result.comparisons({"x": (0, 2)}, groups="known")
    same(found, (high - low).mean(axis=0))
    above = ((high - low).mean(axis=0) > 0).mean()
    assert found["p_direction"].iloc[0] == pytest.approx(max(above, 1 - above))
    rows = result.comparisons({"x": (0, 2)}, groups="known", average=False)
    same(rows, high - low)
    step = 1e-5
    ends = [means(result, FRAME.assign(x=FRAME["x"] + s), effects=False) for s in (-step, step)]
    slope = result.slopes("x")["estimate"].iloc[0]
    assert slope == pytest.approx(((ends[1] - ends[0]) / (2 * step)).mean(), rel=1e-6)
    on_rows = result.augment()
    assert on_rows[".fitted"].to_numpy() == pytest.approx(
        means(result, FRAME, effects=True).mean(axis=1)
    )


def test_draws_on_the_link_s_scale() -> None:
    result = drawn("bernoulli")
    same(result.predict(scale="link"), logit(means(result, FRAME, effects=True)))
    beta = flat(result, "beta")
    table = result.hypothesis(["x > 0.5", "x - (Intercept) < 0"])
    same(table, np.array([beta[:, 1] - 0.5, beta[:, 1] - beta[:, 0]]))
    assert table["probability"].iloc[1] == (beta[:, 1] < beta[:, 0]).mean()
    new = result.predict(scale="link", groups="new")
    inner = logit(means(result, FRAME, effects=False))
    x = FRAME["x"].to_numpy()[:, None]
    spread = flat(result, "sd_(Intercept)|g") ** 2 + x**2 * flat(result, "sd_x|g") ** 2
    expected = np.sqrt(inner.var(axis=1) + spread.mean(axis=1))
    assert new["sd"].to_numpy() == pytest.approx(expected)
    ordered = drawn("cumulative")
    same(ordered.comparisons("x", scale="link"), flat(ordered, "beta")[:, 0])


def test_draws_in_broom_s_columns() -> None:
    table = drawn("cumulative").tidy()
    fixed = table[table["effect"] == "fixed"]
    assert list(fixed["term"]) == ["x", "threshold[low|mid]", "threshold[mid|top]"]
    assert drawn("hurdle_gamma").tidy("ran_pars")["term"].tolist() == [
        "sd__(Intercept)", "sd__x", "alpha", "psi",
    ]  # fmt: skip
    levels = drawn("bernoulli").tidy("ran_vals")
    assert levels[["group", "level", "term"]].iloc[0].tolist() == ["g", "a", "(Intercept)"]
    line = drawn("bernoulli").glance()
    assert line.to_dict("records") == [{"algorithm": "sampling", "nobs": 6}]
    shares = drawn("bernoulli").r2()
    sds = [flat(drawn("bernoulli"), f"sd_{c}|g").mean() for c in ("(Intercept)", "x")]
    between = sds[0] ** 2 + sds[1] ** 2 * (FRAME["x"] ** 2).mean()
    explained = flat(drawn("bernoulli"), "beta")[:, 1].mean() ** 2 * FRAME["x"].var()
    assert shares["marginal"] == pytest.approx(explained / (explained + between + np.pi**2 / 3))


def test_side_by_side() -> None:
    counts = ours("counts_crossed")
    table = sf.table({"yes": ours("binary"), "drawn": drawn("bernoulli"), "count": counts})
    frame, text = table.frame, str(table)
    assert frame.loc["n"].tolist() == ["360", "6", "240"]
    assert frame.loc["ICC of g", "yes"] == f"{ours('binary').icc()['estimate']:.3f}"
    assert frame.loc["AIC", "drawn"] == ""
    assert frame.loc["levels of h"].tolist() == ["", "", "8"]
    assert text.count("on the scale of log odds") == 1
    assert "Family poisson: coefficients, sds, ICC and R2 are on the scale of logarithms" in text


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_rows_left_out() -> None:
    """Groups about rows, and importance sampling on them: ArviZ's own functions."""
    import arviz as az

    result = drawn("bernoulli")
    tree = result.draws()
    assert set(tree.children) == {
        "posterior", "log_likelihood", "posterior_predictive", "observed_data", "constant_data",
    }  # fmt: skip
    p = means(result, FRAME, effects=True)
    y = FRAME["y"].to_numpy()[:, None]
    found = tree["log_likelihood"]["y"].to_numpy().reshape(-1, len(FRAME)).T
    assert found == pytest.approx(np.log(np.where(y == 1, p, 1 - p)))
    assert sf.loo(result).elpd == pytest.approx(az.loo(tree).elpd)
    assert set(result.draws(rows=False).children) == {"posterior"}
    both = sf.compare_models({"yes": result, "of one": drawn("bernoulli")})
    assert both["elpd_diff"].tolist() == [0.0, 0.0]


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: ours("binary").predict(scale="odds"), "must be one of response, link"),
        (lambda: ours("binary").predict(groups="new"), "must be known or none on the scale"),
        (lambda: ours("binary").comparisons("x", groups={"g": "new"}), "must be known or none"),
        (lambda: ours("binary").predict(kind="outcome"), "must be mean for other outcomes"),
        (lambda: drawn("cumulative").predict(), "must be link for categories in order"),
        (lambda: drawn("cumulative").slopes("x"), "must be link for categories in order"),
        (lambda: drawn("cumulative").augment(), "is not of categories in order"),
        (lambda: drawn("bernoulli").hypothesis("x = 0"), "one value has no probability"),
        (lambda: sf.loo(ours("binary")), "has no posterior to draw from; fit with engine='nuts'"),
        (lambda: ours("binary").draws(), "has no posterior to draw from"),
        (
            lambda: sf.compare_models({"a": drawn("bernoulli"), "b": drawn("hurdle_gamma")}),
            "densities, or probabilities",
        ),
        (lambda: gaussian().predict(scale="link"), "must be response for a Gaussian outcome"),
        (lambda: gaussian().slopes("x", scale="link"), "it has no link"),
    ],
)
def test_what_is_refused(ask: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask()


@cache
def gaussian() -> sf.Result:
    return sf.fit("y ~ x + (1 | g)", data("nested"), engine="reml")
