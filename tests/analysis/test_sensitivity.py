"""sensitivity: every part answers what its module answers, and says why where it cannot."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import bayes_sf as sf
from bayes_sf.analysis.contrast import Contrast, find_contrast
from bayes_sf.analysis.priors.prior_fan import default_fan, prior_fan
from bayes_sf.analysis.sensitivity import PARTS, Sensitivity
from bayes_sf.analysis.sensitivity_parts import _learnt
from bayes_sf.analysis.size.bayes_factors import bayes_factors
from bayes_sf.analysis.size.days_lost import MEANING, Workforce
from bayes_sf.analysis.size.designs import published_designs
from bayes_sf.analysis.size.multiplicity import collect_slopes, pool_slopes
from bayes_sf.analysis.size.power import Effects
from bayes_sf.analysis.size.practical import Rope, judge_size
from bayes_sf.errors import DataError, MissingWarning, SpecError, UsageError
from bayes_sf.recovery.answers import surveyed
from bayes_sf.recovery.states import States
from bayes_sf.recovery.study import PublishedStudy

SPEC = sf.ModelSpec("y", ("x",), "g", unit="pp")
WIDE = (Contrast("x", 2.0, "lowest to highest"),)


@pytest.fixture(scope="module")
def replica() -> Any:
    return sf.load_sample("replica")


@pytest.fixture(scope="module")
def study(replica: Any) -> PublishedStudy:
    """The published route from the replica's industry means, which are among the possible ones:
    quick, and all that comes after the states is as in `recover_study`."""

    def states(outcome: str, min_quarters: int) -> States:
        spec = sf.ModelSpec(outcome, min_quarters=min_quarters)
        m = sf.fit(spec, replica, engine="reml").moments
        order = [m.groups.index(group) for group in surveyed()[0]]
        sizes, means = m.sizes[order].astype(int), m.means[order, 0]
        return States(np.tile(sizes, (4, 1)), np.tile(means, (4, 1)), np.full(4, m.within[0, 0]))

    mean = (states("absence_mean", quarters) for quarters in (3, 1))
    return PublishedStudy(*mean, states("absence_change", 3), 1)  # type: ignore[call-arg,arg-type]


def frame(seed: int = 3, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 5, n)
    x = rng.normal(size=n)
    y = 6 + 0.4 * x + rng.normal(size=5)[code] + 2 * rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcde"))[code]})


def bivariate(outcome: str = "absence_mean") -> sf.Analysis:
    analysis = sf.load_analysis("bivariate")
    return replace(analysis, specs=tuple(s for s in analysis.specs if s.outcome == outcome))


@pytest.mark.slow  # every part of it is written by a run of `tests/cli/test_sensitivity_command.py`
def test_every_part_of_the_replica(replica: Any) -> None:
    analysis = sf.load_analysis("q13_controls")
    found = sf.sensitivity(analysis, replica, rope=Rope(-0.5, 0.5, "pp"), cost_per_day=100.0)
    assert set(found.tables) == set(PARTS)
    assert not found.left_out
    (result,) = found.results
    contrast = find_contrast("q13", "widest")
    for part, table in found.tables.items():
        assert len(table), part
        assert set(table["outcome"]) == {"absence_mean"}, part
        assert set(table["source"]) == {"replica"}, part
    size = judge_size(result, contrast, Rope(-0.5, 0.5, "pp"))
    assert found["size"].loc[0, "p_inside"] == size.p_inside
    fan = prior_fan(result, default_fan())
    pd.testing.assert_frame_equal(found["fan"], fan)
    bf = bayes_factors([(result, "q13")])
    pd.testing.assert_frame_equal(found["bayes"], bf)
    assert set(found["days"]["meaning"]) == {MEANING}
    assert found["days"]["cost"].notna().all()
    assert set(found["days"]["variation"]) == {"expected", "workplaces", "industries"}
    specs = [s for s in sf.load_analysis("bivariate").specs if s.outcome == "absence_mean"]
    many = pool_slopes(collect_slopes(specs, replica))
    np.testing.assert_allclose(found["multiplicity"]["mean"], many["mean"])
    assert found["multiplicity"]["correlation"].isna().all()
    assert "q13" in repr(found)


def test_every_part_of_the_published_study(study: PublishedStudy) -> None:
    found = sf.sensitivity(bivariate(), study, items=["q17"], step_at_most=1.0)
    assert set(found.left_out) == {"controls", "size"}
    assert "there is no default" in found.left_out["size"]
    assert {table["source"].iloc[0] for table in found.tables.values()} == {"published"}
    assert found["fan"]["prior"].nunique() == 25
    assert found["fan"]["prior"].str.startswith("slope one step").any()
    days = found["days"]
    assert set(days["employees"]) == {800_000.0}
    assert set(days["variation"]) == {"expected"}
    many = found["multiplicity"]
    assert sorted(many["correlation"].unique()) == [0.0, 0.1, 0.2, 0.3, 0.5]
    assert set(many["slopes"]) == {32}
    # The widest contrast of no = 1, yes = 0 is yes to no: the coefficient itself.
    slope = found.results[0].fixef().loc["q17[no]", "estimate"]
    assert found.contrasts[0][1].size == 1
    bayes = found["days"]["mean"].iloc[0] / (800_000 * 2.52)
    assert bayes == pytest.approx(slope)


def test_multiplicity_needs_one_data_set_only(study: PublishedStudy) -> None:
    """Fewer states: another data set that prints the same, 0.002 standard errors away."""
    specs = bivariate().specs[:3]
    whole, few = collect_slopes(specs, study), collect_slopes(specs, study.first(2))
    np.testing.assert_allclose(few.estimate, whole.estimate, atol=0.05 * whole.se.min())
    assert len(study.first(2).recover(specs[0]).draws) <= 2
    assert len(study.first(99).recover(specs[0]).draws) <= 4


def test_a_model_of_one_s_own() -> None:
    df = frame()
    found = sf.sensitivity(
        SPEC, df, contrast=WIDE, rope=Rope(-0.1, 0.1, "pp"), effects=Effects((0.5,)),
        workforce=Workforce({"a": 1000.0}, 10.0),
    )  # fmt: skip
    assert set(found.left_out) == {"controls", "multiplicity"}
    assert found["size"].loc[0, "size"] == 2.0
    assert set(found["days"]["variation"]) == {"expected", "workplaces", "industries"}
    assert found["designs"].loc[0, "effects_sd"] == 0.5
    moments = found.results[0].moments
    other = sf.sensitivity(SPEC, moments, contrast=WIDE, parts=["scaling", "exceedance"])
    pd.testing.assert_series_equal(other["scaling"]["sensitivity"], found["scaling"]["sensitivity"])


def test_what_is_not_stated_is_left_out_and_said() -> None:
    found = sf.sensitivity(SPEC, frame())
    assert set(found.tables) == {"prior", "fan", "scaling", "ladder", "bayes"}
    assert "survey items only" in found.left_out["exceedance"]
    assert "survey items only" in found.left_out["contrast: x"]
    assert "employees: must be given" in found.left_out["days"]
    null = sf.sensitivity(sf.ModelSpec("y", (), "g"), frame())
    assert set(null.tables) == {"prior", "fan", "scaling", "ladder"}
    assert "no predictors" in null.left_out["designs"]
    with pytest.raises(UsageError, match=r"days: is not there .*must be given"):
        _ = found["days"]
    with pytest.raises(UsageError, match="did you mean ladder"):
        _ = found["laddr"]
    with pytest.raises(UsageError, match="was not asked for"):
        _ = sf.sensitivity(SPEC, frame(), parts=["fan"])["ladder"]


def test_the_model_s_own_priors_come_first() -> None:
    own = sf.Priors(sd_group=sf.Prior("half-normal", scale=0.3, reason="mine"))
    found = sf.sensitivity(replace(SPEC, priors=own), frame(), parts=["fan"])["fan"]
    assert found["prior"].iloc[0] == "as stated"
    refit = sf.fit(replace(SPEC, priors=own), frame()).fixef().loc["x"]
    assert found["mean"].iloc[0] == pytest.approx(refit["estimate"], abs=1e-3 * refit["sd"])
    assert found["prior"].nunique() == 21


def test_a_sampled_model_is_asked_through_its_core() -> None:
    student = replace(SPEC, likelihood="student")
    found = sf.sensitivity(student, frame(), parts=["fan"])
    plain = sf.sensitivity(SPEC, frame(), parts=["fan"])
    pd.testing.assert_frame_equal(found["fan"], plain["fan"])
    assert "its core: complete rows, Gaussian residuals" in found.left_out["all but scaling: x"]
    known = replace(SPEC, known_se="se")
    with pytest.raises(UsageError, match="known standard errors"):
        sf.sensitivity(known, frame().assign(se=1.0))


def test_a_contrast_in_codes_is_not_one_of_a_standardised_predictor(replica: Any) -> None:
    spec = sf.ModelSpec("absence_mean", ("q13",), standardize=("q13",))
    found = sf.sensitivity(spec, replica, parts=["prior"])
    assert "is in codes" in found.left_out["contrast: q13"]
    assert set(found["prior"]["label"]) == {"", "q13"}  # one unit, which is one sd
    with pytest.raises(UsageError, match="is in codes"):
        sf.sensitivity(spec, replica, contrast=[find_contrast("q13", "step")], parts=["days"])


def test_priors_in_the_domain_s_words_travel_with_the_package(study: PublishedStudy) -> None:
    found = sf.sensitivity(sf.load_analysis("q13_stated"), study, parts=["prior", "fan"])
    icc = found["prior"].set_index("quantity").loc["icc"]
    assert "[P(ICC > 0.5) = 0.05, median 0.042, 95 % " in icc["priors"]
    assert icc["upper"] > 0.5 > icc["median"]
    assert found["fan"]["prior"].iloc[0] == "as stated"


@pytest.mark.parametrize(
    ("options", "terms", "label", "size"),
    [
        ({"within_between": ("q13",)}, ("q13[within]", "q13[between]"), "large extent (within)", 4),
        ({"categorical": ("q13",)}, ("q13[small_extent]",), "very small extent to small extent", 1),
    ],
)
def test_other_codings_have_contrasts(
    replica: Any, options: dict[str, Any], terms: tuple[str, ...], label: str, size: float
) -> None:
    spec = sf.ModelSpec("absence_mean", ("q13",), **options)
    found = sf.sensitivity(spec, replica, parts=["exceedance"])
    contrasts = {contrast.term: contrast for _, contrast in found.contrasts}
    assert set(terms) <= set(contrasts)
    assert contrasts[terms[0]].label.endswith(label)
    assert contrasts[terms[0]].size == size


def test_many_within_between_models_are_compared(replica: Any) -> None:
    specs = tuple(
        sf.ModelSpec("absence_mean", (q,), within_between=(q,)) for q in ("q13", "q16.8", "q16.3")
    )
    found = sf.sensitivity(sf.Analysis("mine", "?", specs), replica, parts=["multiplicity"])
    assert set(found["multiplicity"]["slopes"]) == {6}
    assert found["multiplicity"]["p_top"].sum() == pytest.approx(1)


def test_the_same_seed_gives_the_same(replica: Any) -> None:
    few = replace(bivariate(), specs=bivariate().specs[:4])
    first, other, third = (
        sf.sensitivity(few, replica, seed=s, parts=["multiplicity"], items=["q13"])["multiplicity"]
        for s in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, other)
    assert set(first["slopes"]) == {4}  # the analysis' own
    assert not np.allclose(third["mean"], first["mean"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"items": ["q133"]}, "items: must be models of the analysis .*did you mean q13"),
        ({"parts": ["fann"]}, "did you mean fan"),
        ({"parts": ["size"]}, "rope: must be stated"),
        ({"parts": ["controls"]}, "have no controls"),
        ({"contrast": "steps", "parts": ["days"]}, "must be widest, step or a list"),
        ({"contrast": WIDE}, "contrast: must be of a term .*'x'"),
        ({"prob": 1.0}, "prob"),
    ],
)
def test_what_is_refused(replica: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sf.sensitivity(replace(bivariate(), specs=bivariate().specs[:3]), replica, **options)


@pytest.mark.parametrize(("count", "end"), [(1, "m0"), (4, "m3"), (5, "m3, ...")])
def test_four_models_are_named(count: int, end: str) -> None:
    results = tuple(SimpleNamespace(spec=SimpleNamespace(name=f"m{i}")) for i in range(count))
    found = Sensitivity(results, (), {"fan": None}, {}, 0.95, 1)  # type: ignore[arg-type,dict-item]
    names = [f"m{i}" for i in range(min(count, 4))]
    assert repr(found) == f"<Sensitivity of {', '.join(names)}{end.removeprefix(names[-1])}: fan>"


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="formula: must have one ~"):
        sf.sensitivity("bivariate", frame())
    with pytest.raises(DataError, match="can be read"):
        sf.sensitivity(SPEC, frame(), parts=["ladder"], imputed=tmp_path / "none.csv")


def test_a_formula_leaves_gaps_out_as_fit_does() -> None:
    df = frame()
    df.loc[[1, 5], "x"] = float("nan")
    with pytest.warns(MissingWarning, match="2 of 60 rows are left out"):
        found = sf.sensitivity("y ~ x + (1 | g)", df, parts=["prior"])
    assert [one.n_obs for one in found.results] == [len(df) - 2]


def test_a_stated_contrast_is_in_the_fan_under_every_prior() -> None:
    """Its limits are those of the predictor in other units, turned round with its sign."""
    df, moved = frame(), Contrast("x", -2.0, "two down")
    fan = sf.sensitivity(SPEC, df, parts=["fan"], contrast=[moved])["fan"].set_index("prior")
    own = fan[fan["term"] == "x: two down"]
    other = sf.sensitivity(SPEC, df.assign(x=df["x"] / -2), parts=["fan"])["fan"]
    other = other[other["term"] == "x"].set_index("prior")
    assert list(own.index) == list(other.index)
    for name in ("mean", "sd", "lower", "upper", "p_direction", "sign"):
        np.testing.assert_allclose(own[name].astype(float), other[name].astype(float), rtol=1e-6)
    usual = sf.sensitivity(SPEC, df, parts=["fan"])["fan"]
    assert "x: two down" not in set(usual["term"])


def test_effects_are_learnt_from_the_report_s_estimates() -> None:
    """The spread's posterior by an adaptive rule, under half-t(3) of 1 pp per widest contrast."""
    printed = published_designs(Effects((1.0,)), tables=["46"])
    b, s = printed["estimate"].to_numpy(), printed["std_error"].to_numpy()

    def height(omega: float, power: int) -> float:
        density = stats.norm.logpdf(b, 0, np.hypot(s, omega)).sum() + stats.t.logpdf(omega, 3)
        return float(omega**power * np.exp(density))

    whole, first = (integrate.quad(height, 0, 5, (power,), epsabs=0)[0] for power in (0, 1))
    widest = find_contrast("q13", "widest")
    for contrast, share in ((widest, 1.0), (replace(widest, size=widest.size / 4), 0.25)):
        found = _learnt("absence_mean", contrast)
        mean = np.dot(found.weight, found.scale) / sum(found.weight)
        assert mean == pytest.approx(share * first / whole, rel=1e-6)
