"""Re-read models: they return the print, and come near the posteriors of known raw data."""

import csv
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm, t

import bayes_sf as sf
from bayes_sf.analysis.printed.check import check_tables
from bayes_sf.analysis.priors.prior_fan import GROUP_PRIORS
from bayes_sf.catalogue import Message, said_of, speaking
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.alike import icc_of_versions
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.errors import UsageError
from bayes_sf.inputs.printed.folder import read_published
from bayes_sf.recovery.reread.coefficients import degrees_of_freedom, posterior_of, region_of
from bayes_sf.recovery.reread.model import _criterion, _variance
from bayes_sf.recovery.reread.null import PrintedNull, read_null
from bayes_sf.recovery.reread.versions import (
    NullPrint,
    _components,
    _miss,
    draw_versions,
    how_many,
)
from bayes_sf.resources import data_dir
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors
from tests.conftest import Command
from tests.inputs.test_reread_folder import CASES, folder

KNOWN = Path(__file__).parents[1] / "references" / "reread"
SETS = ("exam", "scots_primary", "scots_second", "oats")
PROBS = [0.025, 0.5, 0.975]


@cache
def raw(name: str) -> Moments:
    """Sufficient statistics of public data."""
    with (KNOWN / "known_groups.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["set"] == name]
    sizes, means = (np.array([float(row[key]) for row in rows]) for key in ("n", "mean"))
    within = np.array([[sum(float(row["ss"]) for row in rows)]])
    names = tuple(row["group"] for row in rows)
    return Moments("y", (), names, sizes, means[:, None], within, "g")


@cache
def lme4(name: str, estimator: str) -> dict[str, float]:
    """What lme4 estimates."""
    with (KNOWN / "known_printed.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if (row["set"], row["estimator"]) == (name, estimator):
                return {key: float(value) for key, value in list(row.items())[2:]}
    raise KeyError(name)


def rounded(value: float, digits: int = 3) -> tuple[float, float]:
    half = 0.5 * 10.0 ** (int(np.floor(np.log10(abs(value)))) - digits + 1)
    middle = round(value / (2 * half)) * 2 * half
    return middle - half, middle + half


def distance(found: Any, name: str) -> float:
    """Largest error of the three points in widths of the raw-data posterior's interval."""
    wanted = fit_exact(raw(name))
    ends = Posterior((wanted,)).quantile("icc", PROBS)
    own = np.array([found.lower, found.median, found.upper])
    return float(np.abs(own - ends).max() / (ends[2] - ends[0]))


def print_of(name: str, estimator: str, **more: Any) -> NullPrint:
    own = lme4(name, estimator)
    components = {key: rounded(own[key]) for key in ("tau2", "sigma2")}
    return NullPrint(int(own["n"]), int(own["groups"]), **components, **more)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_known_data_with_sizes(name: str, estimator: str) -> None:
    """Sizes known: 0.20 widths is what nine of ten designs keep (tests/studies/reread.csv)."""
    sizes = tuple(raw(name).sizes)
    found = read_null(print_of(name, estimator, sizes=sizes), text="", estimator=estimator)  # type: ignore[arg-type]
    assert distance(found, name) < 0.20


@pytest.mark.parametrize("name", ["oats", *(pytest.param(s, marks=pytest.mark.slow)
                                            for s in SETS[:3])])  # fmt: skip
def test_known_data_with_the_intercept_s_se(name: str) -> None:
    own = lme4(name, "REML")
    found = read_null(print_of(name, "REML", se=rounded(own["se"])), text="", estimator="REML")
    assert distance(found, name) < 0.20


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_lme4_s_own_figures_narrow_to_the_true_sizes(name: str, estimator: str) -> None:
    """Se, reliability and criterion of the real sizes are those that lme4 prints."""
    own = lme4(name, estimator)
    sizes, ml = raw(name).sizes, estimator == "ML"
    lam = own["tau2"] / own["sigma2"]
    weight = sizes / (1 + lam * sizes)
    printed = NullPrint(
        int(own["n"]), len(sizes), tau2=(own["tau2"],) * 2, sigma2=(own["sigma2"],) * 2,
        se=rounded(own["se"], 6), criterion=rounded(own["criterion"], 7),
        reliability=rounded((lam * weight).mean(), 6),
    )  # fmt: skip
    miss = _miss(
        printed, sizes[None, :], np.array([lam]), np.array([own["sigma2"]]),
        np.array([weight.sum()]), ml=ml,
    )  # fmt: skip
    assert miss[0] <= 0


def test_every_group_printed_is_exact(tmp_path: Path) -> None:
    """Level iv: within 0.01 widths of the raw data's posterior."""
    moments = raw("oats")
    with (KNOWN / "known_groups.csv").open(encoding="utf-8") as stream:
        own = [row for row in csv.DictReader(stream) if row["set"] == "oats"]
    lines = [
        f"null,{row['group']},{row['n']},{float(row['mean']):.2f},"
        f"{(float(row['ss']) / (int(row['n']) - 1)) ** 0.5:.2f}"
        for row in own
    ]
    toml = 'schema = 1\n[models.null]\nestimator = "REML"\noutcome = "yield"\n'
    place = folder(tmp_path, toml, groups="model,group,n,mean,sd\n" + "\n".join(lines) + "\n")
    found = sf.reread(place)["null"]
    assert (found.level, found.printed.n, found.printed.n_groups) == ("iv", 72, 6)
    assert found.icc is not None
    assert distance(found.icc, "oats") < 0.01
    tau = lme4("oats", "REML")["tau2"] ** 0.5
    assert any(f"sd {tau:.4g} between"[:8] in line for line in found.read)
    assert fit_reml(moments).sd_group == pytest.approx(tau, rel=1e-4)


@pytest.mark.parametrize(("between", "within"), [(0, 2), (3, 1)])
def test_predictors_take_their_degrees_of_freedom(between: int, within: int) -> None:
    """Balanced, with flat coefficients: closed form of the likelihood of two variances."""
    n, groups, size = 240, 12, 20.0
    printed = NullPrint(n, groups, icc=(0.3, 0.3), sizes=(size,) * groups, between=between,
                        within=within)  # fmt: skip
    priors = sf.Priors(intercept=sf.Prior("flat"), sd_resid=sf.Prior("flat"))
    versions = draw_versions(printed, seed=1, draws=1).moments
    found = icc_of_versions(versions, priors)
    tau2, sigma2 = 0.3, 0.7
    j, rows = groups - 1 - between, n - groups - within
    msb = sigma2 + size * tau2
    scale = float(versions[0].spread[0])
    half_t = sf.Prior("half-t").resolve(scale)

    def density(lam: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        var = sigma**2 * (1 + size * lam)
        log = -0.5 * j * (np.log(var) + msb / var) - 0.5 * rows * (
            2 * np.log(sigma) + sigma2 / sigma**2
        )
        return np.exp(log + half_t.log_density(sigma * np.sqrt(lam)) + np.log(sigma))

    sigma = np.linspace(0.6, 1.15, 401)
    share = np.linspace(5e-4, 0.995, 1600)
    lam = share / (1 - share)
    mass = density(lam[:, None], sigma).sum(axis=1) / np.sqrt(lam) / (1 - share) ** 2
    cdf = np.cumsum(mass) / mass.sum()
    wanted = np.interp(PROBS, cdf, share)
    assert found.quantile(PROBS) == pytest.approx(wanted, abs=0.004)  # steps of the sum


@pytest.mark.parametrize("between", [0, 2])
def test_many_versions_at_once_are_the_average_of_each(between: int) -> None:
    """With predictors between groups whose drawn sizes differ, too: their sums differ then."""
    printed = NullPrint(120, 8, icc=(0.25, 0.26), between=between)
    versions = draw_versions(printed, seed=3, draws=12).moments
    spec = sf.ModelSpec("y", group="group")
    whole = fit(spec, PrintedNull(versions)).fitted
    found = icc_of_versions(versions)
    assert found.quantile(PROBS) == pytest.approx(whole.quantile("icc", PROBS), abs=2e-4)
    assert found.mean == pytest.approx(whole.mean("icc"), abs=2e-5)
    assert found.cdf(0.3) == pytest.approx(whole.cdf("icc", 0.3), abs=2e-4)


@pytest.mark.parametrize(("digits", "draws"), [(3, 20), (4, 40)])
def test_sizes_agree_with_what_is_printed_of_them(digits: int, draws: int) -> None:
    """With four digits of the se, half of the first draws only: others are drawn."""
    own, bounds = lme4("scots_second", "REML"), {"smallest": 40, "largest": 400}
    printed = print_of("scots_second", "REML", se=rounded(own["se"], digits), **bounds)
    drawn = draw_versions(printed, seed=2, draws=draws)
    assert drawn.inside
    for moments in drawn.moments:
        fitted = fit_reml(moments)
        assert printed.se is not None
        assert printed.se[0] - 1e-6 <= fitted.std_error[0] <= printed.se[1] + 1e-6
        assert printed.tau2 is not None
        assert printed.tau2[0] - 1e-6 <= fitted.sd_group**2 <= printed.tau2[1] + 1e-6
        assert 40 <= moments.sizes.min() <= moments.sizes.max() <= 400


@pytest.mark.parametrize(
    ("groups", "versions"), [(3, 300), (10, 300), (20, 150), (75, 40), (2000, 40), (2001, 8)]
)
def test_few_groups_take_many_versions(groups: int, versions: int) -> None:
    """3,000 groups in all of them, as far as 40 to 300 go; of thousands of groups eight do."""
    assert how_many(NullPrint(100_000, groups, icc=(0.1, 0.1))) == versions


def test_the_simulation_study_is_as_the_notes_have_it() -> None:
    """Errors in widths of the raw-data interval; a range at a printed zero that holds it."""
    with (Path(__file__).parents[1] / "studies" / "reread.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    pooled = {row["route"]: row for row in rows if row["groups"] == "all" and not row["printed"]}
    rows = [row for row in rows if row["groups"] != "all"]
    for route in ("sizes", "se"):
        assert float(pooled[route]["median_error"]) < 0.05
        assert float(pooled[route]["error_90"]) < 0.20
    bounds = {"n and groups": 0.06, "se": 0.036, "sizes": 0.036, "criterion": 0.04}
    for route, most in bounds.items():
        own = [row for row in rows if row["route"] == route]
        middle = [float(row["median_error"]) for row in own if not row["printed"]]
        assert len({(r["groups"], r["mean_size"], r["cv"], r["icc"]) for r in own}) == 72
        assert np.median(middle) < most
        assert all(float(row["in_range"]) == 1 for row in own if row["printed"] == "zero")


# Coefficients -------------------------------------------------------------------------------------


@pytest.mark.parametrize("df", [3.0, 5.0, 17.0, 300.0, np.inf])
def test_a_coefficient_is_a_t(df: float) -> None:
    found = posterior_of((1.0, 1.0), (0.5, 0.5), df=df)
    probs = [0.005, 0.025, 0.5, 0.9, 0.975]
    wanted = t(df, 1.0, 0.5).ppf(probs) if np.isfinite(df) else norm(1.0, 0.5).ppf(probs)
    assert found.quantile(probs)[0] == pytest.approx(wanted, rel=2e-3, abs=2e-4)
    assert found.sd()[0] == pytest.approx(t(df).std() / 2 if np.isfinite(df) else 0.5, rel=0.05)


def test_a_normal_prior_and_a_t_likelihood() -> None:
    found = posterior_of((1.0, 1.0), (0.5, 0.5), df=6.0, prior_sd=0.8)
    likelihood, prior = t(6.0, 1.0, 0.5), norm(0, 0.8)

    def weight(b: float) -> float:
        return float(likelihood.pdf(b) * prior.pdf(b))

    total = quad(weight, -6, 8)[0]
    mean = quad(lambda b: b * weight(b), -6, 8)[0] / total
    assert found.mean()[0] == pytest.approx(mean, abs=1e-3)
    assert found.cdf(0.0)[0] == pytest.approx(quad(weight, -6, 0)[0] / total, abs=1e-4)


@pytest.mark.parametrize(
    ("variance", "sd", "wanted"),
    [
        ("4.00", "", (3.995, 4.005)), ("", "2.0", (1.95**2, 2.05**2)),
        ("4.00", "2.0", (3.995, 4.005)), ("4", "2.00", (1.995**2, 2.005**2)),
        ("9", "0.5", (0.45**2, 0.55**2)), ("9.00", "0.5", (8.995, 9.005)), ("0", "0", (0, 0)),
    ],
)  # fmt: skip
def test_a_variance_is_what_both_allow_or_the_finer(
    tmp_path: Path, variance: str, sd: str, wanted: tuple[float, float]
) -> None:
    rows = f"model,group,variance,sd\na,g,{variance},{sd}\n"
    place = folder(tmp_path, "schema = 1\n[models.a]\nn = 90\ngroups = 9\n", components=rows)
    found = _variance(list(read_published(place).models["a"].components))
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("estimator", "columns", "wanted"),
    [
        ("ML", "loglik", (200.9, 201.1)), ("REML", "loglik", (200.9, 201.1)),
        ("ML", "deviance", (100.45, 100.55)), ("REML", "deviance", None),
        ("REML", "criterion", (100.45, 100.55)), ("ML", "criterion", None),
        ("unknown", "loglik", None),
    ],
)  # fmt: skip
def test_a_likelihood_is_twice_its_logarithm(
    tmp_path: Path, estimator: str, columns: str, wanted: tuple[float, float] | None
) -> None:
    toml = f'schema = 1\n[models.a]\nestimator = "{estimator}"\nn = 90\ngroups = 9\n'
    figure = "-100.5" if columns == "loglik" else "100.5"
    place = folder(tmp_path, toml, fit=f"model,{columns}\na,{figure}\n")
    found = _criterion(read_published(place).models["a"])
    assert found == (None if wanted is None else pytest.approx(wanted))


def test_degrees_of_freedom(tmp_path: Path) -> None:
    toml = (
        "schema = 1\n[models.a]\nn = 500\ngroups = 20\n{}"
        'terms = {{ x = "within", w = "between", u = "unknown" }}\n'
    )
    lines = ("model,term,estimate,se,df", "a,(Intercept),1,0.1,", "a,x,1,0.1,", "a,w,1,0.1,",
             "a,u,1,0.1,", "a,k,1,0.1,12.5")  # fmt: skip
    rows = "\n".join(lines) + "\n"

    def found(more: str, place: Path) -> list[tuple[float, float]]:
        model = read_published(folder(place, toml.format(more), coefficients=rows)).models["a"]
        return [degrees_of_freedom(model, row) for row in model.coefficients]

    # of four predictors one varies within groups, one between, of two it is not known
    few, most = 20 - 1 - 3, 500 - 20 - 3
    assert found("", tmp_path / "a") == [
        (few, most), (500 - 20 - 3, most), (few, 20 - 1 - 1), (few, most), (12.5, 12.5),
    ]  # fmt: skip
    assert found("centred = true\n", tmp_path / "b")[0] == (few, 20 - 1 - 1)
    slopes = found('random = "slopes"\n', tmp_path / "c")
    assert slopes[1] == (few, most), "which slope differs is not printed"


Z = norm.ppf(0.975)
T5 = t(5).ppf(0.975)


@pytest.mark.parametrize(
    ("line", "reference", "estimate", "se"),
    [
        # estimate, se, t, limits; half a unit of the last digit on either side
        ("1.0,0.5,,,", "unknown", (0.95, 1.05), (0.45, 0.55)),
        ("1.0,0.5,,0.0,2.0", "unknown", (0.95, 1.05), (0.45, 0.55)),
        ("1.0,0.5,,0.0,2.0", "z", (0.95, 1.05), (1.9 / 2 / Z, 1.05 / Z)),
        ("1.0,,2.0,,", "unknown", (0.95, 1.05), (0.95 / 2.05, 1.05 / 1.95)),
        ("-1.0,,-2.0,,", "unknown", (-1.05, -0.95), (0.95 / 2.05, 1.05 / 1.95)),
        (",,,0.0,2.0", "z", (0.95, 1.05), (0.95 / Z, 1.05 / Z)),
        (",,,0.0,2.0", "unknown", (0.95, 1.05), (0.95 / T5, 1.05 / Z)),
        (",,,0.0,2.0", "t:5", (0.95, 1.05), (0.95 / T5, 1.05 / T5)),
        ("0.0,,2.0,,", "unknown", None, None), ("1.0,,0.0,,", "unknown", None, None),
        ("1.0,,,,", "unknown", None, None), (",0.5,,,", "unknown", None, None),
    ],
)  # fmt: skip
def test_estimates_and_errors_that_a_row_allows(
    tmp_path: Path, line: str, reference: str,
    estimate: tuple[float, float] | None, se: tuple[float, float] | None,
) -> None:  # fmt: skip
    """Limits bound pairs only where it is declared, or known, what they are limits by."""
    toml = f'schema = 1\n[models.a]\ninterval = {{ level = 0.95, reference = "{reference}" }}\n'
    rows = f"model,term,estimate,se,t,ci_low,ci_high\na,x,{line}\n"
    model = read_published(folder(tmp_path, toml, coefficients=rows)).models["a"]
    region, why = region_of(model, model.coefficients[0], (5.0, 50.0))
    if estimate is None:
        assert region is None
        assert why
        return
    assert region is not None
    assert not why
    assert region.estimate == pytest.approx(estimate)
    assert region.se == pytest.approx(se)


def test_an_interval_is_that_of_the_fewest_degrees_of_freedom(tmp_path: Path) -> None:
    """Symmetric about the estimate; of the most it is given beside, and narrower."""
    rows = "model,term,estimate,se\na,x,1.0000,0.5000\n"
    toml = "schema = 1\n[models.a]\nn = 500\ngroups = 8\n"
    found = sf.reread(folder(tmp_path, toml, coefficients=rows))["a"].coefficient("x")
    assert found.df[0] < 10
    assert found.df[1] > 400
    for df, (low, high) in zip(
        found.df, ((found.lower, found.upper), found.ends["most df"]), strict=True
    ):
        assert [low, high] == pytest.approx(1 + 0.5 * t(df).ppf([0.025, 0.975]), abs=2e-3)
    assert found.ends["fewest df"] == (found.lower, found.upper)


def test_limits_of_a_declared_reference_contradict_an_error(tmp_path: Path) -> None:
    rows = "model,term,estimate,se,ci_low,ci_high\na,x,1.0,0.5,0.3,1.7\n"
    for reference, why in (("z", "contradicts"), ("unknown", "")):
        toml = f'schema = 1\n[models.a]\ninterval = {{ reference = "{reference}" }}\n'
        place = folder(tmp_path / reference, toml, coefficients=rows)
        model = read_published(place).models["a"]
        region, said = region_of(model, model.coefficients[0], (5.0, 50.0))
        assert region is not None
        assert (said, *region.se) == (why, pytest.approx(0.45), pytest.approx(0.55))


# Cases --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "level"),
    [("exam_null_ml", "ii"), ("hox_popularity_sex", "ii"), ("imm23_null", "i"),
     ("incohort2_null_ml", "ii+"), ("sleepstudy_slopes", "i")],
)  # fmt: skip
def test_cases(case: str, level: str) -> None:
    found = sf.reread(CASES / case)
    assert {model.level for model in found.values()} == {level}
    for model in found.values():
        assert (model.icc is None) == bool(model.refused)
    if case == "exam_null_ml":
        assert distance(found["null"].icc, "exam") < 0.20
    if case == "sleepstudy_slopes":
        assert all("slopes differ" in model.refused for model in found.values())
        days = found["lme4"].coefficient("Days")
        assert days.df == (17.0, 17.0), "a slope that differs between 18 subjects"
        assert days.upper - days.estimate == pytest.approx(t(17).ppf(0.975) * 1.546, rel=2e-3)
        with pytest.raises(UsageError, match=r"whole posterior \(got 'level i'\); .*differ"):
            _ = found["lme4"].result
        assert not re.search(r"\b(study|spec)=", repr(found["lme4"])), "what is printed is enough"
        with pytest.raises(UsageError, match="has no coefficient of it"):
            found["lme4"].coefficient("day")


@pytest.mark.parametrize(
    ("line", "reason"),
    [('random = "crossed"', "crossed"), ('random = "nested"', "nested"),
     ('family = "binomial"', "the outcome is binomial"), ("weights = true", "weighted"),
     ("robust = true", "robust")],
)  # fmt: skip
def test_other_models_have_no_icc(tmp_path: Path, line: str, reason: str) -> None:
    toml = f'schema = 1\n[models.a]\nicc = "0.21"\nn = 500\ngroups = 20\n{line}\n'
    rows = "model,term,estimate,se\na,x,1.0,0.1\n"
    found = sf.reread(folder(tmp_path, toml, coefficients=rows))["a"]
    assert (found.level, found.icc) == ("i", None)
    assert reason in found.refused
    assert len(found.coefficients) == 1


def test_a_whole_posterior_goes_into_every_analysis(tmp_path: Path) -> None:
    """Components have a unit: the result is one like any other."""
    toml = ('schema = 1\n[models.null]\nestimator = "REML"\nn = 72\ngroups = 6\n'
            'balanced = true\nunit = "kg"\n')  # fmt: skip
    rows = "model,group,variance\nnull,Block,218.99\nnull,Residual,547.13\n"
    intercept = "model,term,estimate,se\nnull,(Intercept),103.97,6.64\n"
    place = folder(tmp_path, toml, components=rows, coefficients=intercept)
    found = sf.reread(place)["null"]
    assert found.level == "ii+"
    assert found.icc is not None
    assert distance(found.icc, "oats") < 0.01, "equal groups: everything follows"
    result = found.result
    wanted = sf.fit(sf.ModelSpec("y", group="g"), raw("oats"))
    for term in ("(Intercept)", "sd_group", "sd_resid"):
        own, theirs = (
            next(row for row in one.singles if row.term == term) for one in (result, wanted)
        )
        assert own.estimate == pytest.approx(theirs.estimate, abs=0.02 * theirs.sd)
        assert own.sd == pytest.approx(theirs.sd, rel=0.02)


def test_a_range_of_a_printed_zero(tmp_path: Path) -> None:
    toml = 'schema = 1\n[models.a]\nestimator = "REML"\nicc = "0.00"\nn = 300\ngroups = 12\n'
    found = sf.reread(folder(tmp_path, toml))["a"]
    assert found.level == "iii0"
    assert found.icc is not None
    low, high = found.icc.range
    assert low < found.icc.lower < found.icc.upper < high


def test_the_report_s_own_folder() -> None:
    """Within 0.01 widths of the whole recovery, 0.349 [0.146, 0.713], which `reproduce` prints."""
    report = read_published(data_dir() / "published")
    found = sf.reread(report, models=["null", "null_change"])
    assert found["null"].icc is not None
    own = [getattr(found["null"].icc, name) for name in ("lower", "median", "upper")]
    assert own == pytest.approx([0.14605, 0.34921, 0.71337], abs=0.01 * 0.567)
    change = found["null_change"]
    assert (change.level, change.icc is not None) == ("iii0", True)
    scales = [one for run in check_tables(report) for one in run.findings]
    assert sorted(one.place.rpartition(", ")[2] for one in scales) == [
        "antall ansatte", "kvinneandel", "seniorandel",
    ], "as the rule that knows the report's files has it"  # fmt: skip


def test_sizes_between_bounds() -> None:
    bounds = ((5, 9), (10, 10), (3, 8))
    printed = NullPrint(24, 3, icc=(0.2, 0.2), bounds=bounds)
    for moments in draw_versions(printed, seed=4, draws=20).moments:
        assert moments.sizes.sum() == 24
        assert all(low <= n <= high for n, (low, high) in zip(moments.sizes, bounds, strict=True))


def test_every_note_is_in_norwegian() -> None:
    """Texts that re-reading makes are in the dictionary, whichever model they are of."""
    for case in CASES.iterdir():
        for model in sf.reread(case).values():
            notes = [*model.read, *model.assumed, *model.left, model.refused]
            notes += [text for one in model.coefficients for text in one.assumed]
            for text in filter(None, notes):
                assert isinstance(text, Message)
                assert said_of(text) == text
                with speaking("nb"):
                    assert said_of(text)


def test_the_command_reads_a_folder(command: Any, tmp_path: Path) -> None:
    code, out, err = command("reread", str(CASES / "exam_null_ml"), "--out", str(tmp_path / "o"))
    assert (code, err) == (0, "")
    assert "0.172" in out
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert {"icc.csv", "account.csv", "provenance.json"} <= names
    code, out, _ = command("reread", str(CASES / "sleepstudy_slopes"), "--lang", "nb")
    assert code == 0
    assert "ingen ICC: stigningstall varierer mellom grupper" in out
    code, _, err = command("reread", str(CASES / "exam_null_ml"), "--model", "nul")
    assert code == 2
    assert "did you mean null" in err


def test_why_there_is_no_icc_is_said_in_norwegian(tmp_path: Path, command: Any) -> None:
    """The reason of an error that re-reading ran into, too."""
    toml = 'schema = 1\n[models.a]\nicc = "0.01"\nn = 9000000\ngroups = 300000\n'
    (tmp_path / "study.toml").write_text(toml, encoding="utf-8")
    code, out, _ = command("reread", str(tmp_path), "--lang", "nb")
    assert code == 0
    reason = "ingen data gir disse tallene: må være høyst 50000 grupper"
    assert reason in " ".join(out.split())
    assert "must" not in out


def test_other_priors_of_a_printed_icc_are_those_of_the_raw_data(
    tmp_path: Path, command: Any
) -> None:
    """Equal sizes and a printed ICC are the whole likelihood but for rounding: oats, by lme4."""
    own, out = lme4("oats", "REML"), tmp_path / "out"
    icc = own["tau2"] / (own["tau2"] + own["sigma2"])
    figures = ("--icc", f"{icc:.6f}", "--n", "72", "--groups", "6", "--balanced")
    code, said, err = command(
        "reread", *figures, "--estimator", "REML", "--fan", "--lang", "nb", "--out", str(out)
    )
    assert (code, err) == (0, "")
    assert "halv-t(3; 0; 1 sd(y))" in said
    frame = pd.read_csv(out / "fan.csv")
    assert len(frame) == len(GROUP_PRIORS)
    for (_, row), prior in zip(frame.iterrows(), GROUP_PRIORS.values(), strict=True):
        raw_data = Posterior((fit_exact(raw("oats"), replace(Priors(), sd_group=prior)),))
        ends = raw_data.quantile("icc", PROBS)
        found = row[["lower", "median", "upper"]].to_numpy(dtype=float)
        assert np.abs(found - ends).max() < 0.01 * (ends[2] - ends[0])
    assert np.isnan(frame["prior_median"].iloc[-1])  # of a flat one
    code, _, err = command("reread", "--table", "x.csv", "--fan")
    assert (code, "goes with FOLDER or --icc" in err) == (2, True)


def test_other_priors_of_a_folder(command: Any, tmp_path: Path) -> None:
    code, said, err = command(
        "reread", str(CASES / "exam_null_ml"), "--fan", "--out", str(tmp_path / "out")
    )
    assert (code, err) == (0, "")
    assert "exponential(mean 0.3338 sd(y))" in said
    own = pd.read_csv(tmp_path / "out" / "icc.csv").iloc[0]
    fan = pd.read_csv(tmp_path / "out" / "fan.csv")
    assert fan["median"].iloc[0] == own["median"]
    assert fan["median"].between(0.16, 0.19).all()  # 65 schools: the prior hardly matters


@pytest.mark.parametrize(
    ("tau2", "sigma2"), [((19.4, 19.6), (64.0, 64.4)), ((19.2, 19.8), (64.19, 64.20))]
)
def test_an_icc_with_more_digits_than_its_components_gives_one_of_them(
    tau2: tuple[float, float], sigma2: tuple[float, float]
) -> None:
    """Of 1500 even draws of both components, four would meet such an ICC."""
    icc = (0.23305, 0.23306)
    printed = NullPrint(2287, 131, tau2=tau2, sigma2=sigma2, icc=icc)
    between, within = _components(printed, np.random.default_rng(1), 1500)
    own = within > 0
    assert own.mean() > 0.5
    for value, (low, high) in (
        (between, tau2), (within, sigma2), (between / (between + within), icc),
    ):  # fmt: skip
        assert ((value[own] > low - 1e-9) & (value[own] < high + 1e-9)).all()
    assert np.ptp((between / (between + within))[own]) > 0.9 * (icc[1] - icc[0])


# Page ---------------------------------------------------------------------------------------------


def test_a_folder_becomes_a_page(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file with every model, in the language; nothing but printed figures is behind it."""
    for name in ("_MOVED", "_FIRST"):
        monkeypatch.setattr(f"bayes_sf.output.report.reread.{name}", 3)
    place = tmp_path / "study"
    place.mkdir()
    models = "".join(
        f'[models.m{i}]\nicc = "0.{i + 10}"\nn = 240\ngroups = 8\nbalanced = true\n'
        'estimator = "REML"\n' for i in range(4)
    )  # fmt: skip
    (place / "study.toml").write_text(f'schema = 1\ntitle = "T<b>"\n{models}', encoding="utf-8")
    code, out, _ = command("reread", str(place), "--page", "--out", "r", "--lang", "nb")
    assert code == 0
    assert "reread.html" in out
    page = (tmp_path / "r" / "reread.html").read_text(encoding="utf-8")
    assert "<title>T&lt;b&gt;</title>" in page
    assert all(f"m{i}, 8 grupper" in page for i in range(4))
    content = json.loads(re.search(r'id="explorer-data">(.*?)</script>', page)[1])  # type: ignore[index]
    assert [model["outcome"] for model in content["models"]] == [f"m{i}" for i in range(3)]
    assert "For de 3 første modellene." in page  # those that the slider moves
    assert not re.search(r"\b(industr|bransje|workplace|virksomhet)", page)
    for wrong, said in (
        (("--icc", "0.21", "--n", "240", "--groups", "8", "--page"), "--page: goes with --out"),
        ((str(place), "--page"), "--page: goes with --out"),
        (("--table", "x.csv", "--page", "--out", "r2"), "--page: goes with FOLDER or --icc"),
        (("--init", "f", "--page"), "--page: goes without --init"),
    ):
        code, _, err = command("reread", *wrong)
        assert code == 2
        assert said in err
    (place / "study.toml").write_text(
        "schema = 1\n[models.a]\nn = 240\ngroups = 8\n", encoding="utf-8"
    )
    code, _, err = command("reread", str(place), "--page", "--out", "r3")
    assert (code, "no model of the folder has one" in err) == (2, True)
    assert not list((tmp_path / "r3").glob("*"))
