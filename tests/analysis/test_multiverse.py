"""The multiverse: against models fitted by hand, variance shares by hand, bad files one per rule.

The first line of every file in `bad_multiverses/` is the message that it must give.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

import bayes_sf as sf
from bayes_sf.analysis.choices import multiverse
from bayes_sf.analysis.choices.choices import Workplaces
from bayes_sf.analysis.choices.multiverse import Explored, choice_shares, explore, option_means
from bayes_sf.analysis.contrast import Contrast
from bayes_sf.errors import ConvergenceError, DataError, SpecError, UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.multiverse import curve_figure
from bayes_sf.output.figures.page import figure_files
from bayes_sf.output.runs.multiverse import _content
from bayes_sf.output.tables.multiverse_tables import multiverse_tables
from bayes_sf.spec.multiverse import (
    CHOICES,
    Multiverse,
    load_multiverse,
    multiverse_names,
    report_choices,
)
from tests.tools import spoken

BAD = sorted((Path(__file__).parent / "bad_multiverses").glob("*.toml"))
#: Posterior sds that quantities may be off: 32 x 48 nodes against as many as it takes.
NODES = 1e-5


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    return sf.load_sample("replica")


def asked(item: str = "q13", **choices: tuple[Any, ...]) -> Multiverse:
    usual = {key: (option,) for key, option in report_choices(item).items()}
    return Multiverse("test", "Does it depend?", item, "widest", 0.5, {**usual, **choices})


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_files_say_what_where_and_what_to_do(path: Path) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# message: ")
    with pytest.raises(SpecError) as caught:
        load_multiverse(path)
    assert str(caught.value) == expected
    assert expected.startswith(f"{path.name}: ")
    assert caught.value.exit_code == 2


def test_misspelt_name_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"one of q13, q17, q18 \(got 'q31'\); did you mean"):
        load_multiverse("q31")
    with pytest.raises(SpecError, match=r"must be a file that can be read .*No such file"):
        load_multiverse(tmp_path / "none.toml")


@pytest.mark.parametrize("name", multiverse_names())
def test_multiverses_that_travel_with_the_package(name: str) -> None:
    """Thousands of combinations, the report's own among them."""
    found = load_multiverse(name).specifications(("care", "ict"))
    assert len(found) > 1000
    report = report_choices(name)
    assert found.count(report) == 1


def fit_by_hand(
    sample: AnalysisSample, keep: "pd.Series[bool]", frame: pd.DataFrame, **spec: Any
) -> sf.Result:
    """Fit through `design` and outcomes, on a sample that was made by hand."""
    model = sf.ModelSpec("absence_mean", group="industry", unit="pp", **spec)
    return sf.fit(model, replace(sample, frame=frame[keep].reset_index(drop=True)))


def agree(row: "pd.Series[Any]", result: sf.Result, size: float) -> None:
    """Mean, sd and limits of the first slope times the size."""
    coef = result.fitted.coef.take([1])
    sd = abs(size) * float(coef.sd()[0])
    limits = np.sort(size * coef.quantile([0.025, 0.975])[0])
    assert row["n"] == result.moments.n_obs
    assert row["estimate"] == pytest.approx(size * float(coef.mean()[0]), abs=NODES * sd)
    assert row["sd"] == pytest.approx(sd, rel=NODES)
    np.testing.assert_allclose([row["lower"], row["upper"]], limits, atol=NODES * sd)


@pytest.mark.parametrize(
    ("item", "size", "least", "n"),
    [("q13", 4.0, 3, 572), ("q17", 1.0, 1, 582), ("q18", 1.0, 1, 582)],
)
def test_default_options_are_the_reports_own_model(
    sample: AnalysisSample, item: str, size: float, least: int, n: int
) -> None:
    """q13 as figure 5 has it, the others as table 46, in the direction of their coefficients."""
    found = explore(asked(item), sample)
    model = sf.ModelSpec("absence_mean", (item,), "industry", min_quarters=least, unit="pp")
    agree(found.table.iloc[0], sf.fit(model, sample), size)
    assert found.table["report"].tolist() == [True]
    assert found.table["n"].tolist() == [n]


def test_combinations_against_samples_made_by_hand(sample: AnalysisSample) -> None:
    frame, every = sample.frame, sample.frame["linked"] | True
    choices: dict[str, tuple[Any, ...]] = {
        "outcome": ("mean", "weighted mean"),
        "min_quarters": (3, 12),
        "last_quarter": ("2019Q4", "2020Q4"),
        "controls": ((), ("women_share", "q18")),
        "scale": ("raw", "standardised"),
        "prior": ("2.5 sd", "sceptical"),
        "without": ("none", "care"),
    }
    table = explore(asked(**choices), sample).table
    assert (table["reason"] == "").all()

    def pick(**options: Any) -> "pd.Series[Any]":
        usual = {**CHOICES, "controls": "none", **options}
        where = np.logical_and.reduce([table[key] == usual[key] for key in usual])
        assert where.sum() == 1
        return table[where].iloc[0]

    plain: dict[str, Any] = {"predictors": ("q13",), "min_quarters": 3}
    agree(pick(min_quarters=12), fit_by_hand(sample, every, frame, predictors=("q13",),
                                             min_quarters=12), 4.0)  # fmt: skip
    both = {**plain, "predictors": ("q13", "women_share", "q18")}
    agree(pick(controls="women_share + q18"), fit_by_hand(sample, every, frame, **both), 4.0)
    sceptical = sf.Priors(slope=sf.Prior("normal", scale=0.1))
    tight = fit_by_hand(sample, every, frame, **plain, priors=sceptical)
    agree(pick(prior="sceptical"), tight, 4.0)
    others = fit_by_hand(sample, frame["industry"] != "care", frame, **plain)
    agree(pick(without="care"), others, 4.0)
    weighted = frame.assign(absence_mean=frame["absence_mean_weighted"])
    agree(pick(outcome="weighted mean"), fit_by_hand(sample, every, weighted, **plain), 4.0)
    # The scale changes nothing: priors follow it, and the contrast is that of the raw answers.
    agree(pick(scale="standardised"), fit_by_hand(sample, every, frame, **plain), 4.0)
    early = sample.quarters[sample.quarters["quarter"] <= "2019Q4"]
    by_place = early.groupby("workplace")["absence"]
    till = frame.assign(
        absence_mean=frame["workplace"].map(by_place.mean()),
        n_quarters=frame["workplace"].map(by_place.count()).fillna(0),
    )
    agree(pick(last_quarter="2019Q4"), fit_by_hand(sample, every, till, **plain), 4.0)


def test_codings_of_dont_know(sample: AnalysisSample) -> None:
    """q18, yes to no: own category as in the report, left out, or one of the answers."""
    codings = ("category", "missing", "lowest", "middle", "highest")
    table = explore(asked("q18", dont_know=codings), sample).table.set_index("dont_know")
    scores = {"missing": np.nan, "lowest": 0.0, "middle": 0.5, "highest": 1.0}  # no, yes
    frame = sample.frame[sample.frame["n_quarters"] >= 1]
    assert (frame["q18"] == "dont_know").sum() > 10
    for coding, score in scores.items():
        x = frame["q18"].map({"no": 0.0, "yes": 1.0, "dont_know": score}).astype(float)
        rows = pd.DataFrame({"y": frame["absence_mean"], "x": x, "g": frame["industry"]}).dropna()
        agree(table.loc[coding], sf.fit(sf.ModelSpec("y", ("x",), "g"), rows), -1.0)
    assert table.loc["category", "n"] == table.loc["middle", "n"] > table.loc["missing", "n"]


def test_median_of_the_observed_quarters(sample: AnalysisSample) -> None:
    places = Workplaces.of(asked(outcome=("median",)), sample)
    y, quarters = places.outcomes["median", "2020Q4"]
    theirs = sample.quarters.groupby("workplace")["absence"].median()
    wanted = sample.frame["workplace"].map(theirs).to_numpy()
    np.testing.assert_allclose(y, wanted, equal_nan=True)
    np.testing.assert_array_equal(quarters, sample.frame["n_quarters"].fillna(0))


def made_up(estimate: "np.ndarray[Any, Any]", sd: float = 0.2) -> Explored:
    """A factorial of two outcomes, two minima and three priors, with given estimates."""
    choices = {
        "outcome": ("mean", "median"), "min_quarters": (1, 3), "prior": ("2.5 sd", "1 sd", "flat"),
    }  # fmt: skip
    mine = asked(**choices)
    table = pd.DataFrame(mine.specifications(())).assign(
        controls="none", report=False, estimate=estimate, sd=sd, lower=estimate - 2 * sd,
        upper=estimate + 2 * sd, p_direction=0.9, p_rope=0.1, n=100, n_groups=6, reason="",
    )  # fmt: skip
    return Explored(mine, Contrast("q13", 4.0, "from to"), table, 0.95, "replica")


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_protected_means_have_the_digits_of_what_they_are_of(unit: float) -> None:
    """Of an outcome in millionths nothing is rounded to zero."""
    estimate = np.round(unit * (5 + np.arange(12.0)), 7)
    content = _content(made_up(estimate, sd=unit), "", 0.0, protected=True)
    assert content.said["summary"]["median"] == pytest.approx(10.5 * unit, rel=0.06)
    assert content.frames["options"]["estimate"].min() > 0
    shown = content.frames["specifications"]["estimate"].to_numpy(float)
    np.testing.assert_allclose(shown, estimate, rtol=1e-9)


def test_variance_shares_are_those_of_an_anova() -> None:
    """Estimate = outcome + prior + outcome x minimum, in effects that sum to zero."""
    outcome, minimum = np.repeat([-1, 1], 6), np.tile(np.repeat([-1, 1], 3), 2)
    prior = np.tile([-1, 0, 1], 4)
    estimate = 5 + 3 * outcome + 2 * prior + 1 * outcome * minimum
    shares = choice_shares(made_up(estimate))
    # Sums of squares over 12 combinations: 9 x 12, 4 x 8 and 12.
    whole = 108 + 32 + 12
    np.testing.assert_allclose(shares["first"], np.array([108, 0, 32]) / whole, atol=1e-12)
    np.testing.assert_allclose(shares["total"], np.array([120, 12, 32]) / whole)
    np.testing.assert_allclose(shares["range"], [6, 0, 4], atol=1e-12)
    assert shares["options"].tolist() == [2, 2, 3]


def test_estimates_that_rounding_alone_sets_apart_have_no_shares() -> None:
    shares = choice_shares(made_up(1 + 1e-15 * np.arange(12.0)))
    assert shares[["first", "total"]].isna().all(axis=None)


def test_a_prior_that_cannot_be_fitted_takes_no_other_along(
    sample: AnalysisSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = multiverse.fit_exact

    def failing(moments: Any, priors: Any, **options: Any) -> Any:
        if priors.slope.family == "flat":
            raise ConvergenceError("exact engine", "must be resolved")
        return real(moments, priors, **options)

    monkeypatch.setattr(multiverse, "fit_exact", failing)
    table = explore(asked(prior=("2.5 sd", "flat", "1 sd")), sample).table.set_index("prior")
    assert list(table["reason"] != "") == [False, True, False]
    assert "must be resolved" in table.loc["flat", "reason"]


def test_sides_of_zero_and_of_the_rope() -> None:
    """Rope 0.5, intervals of 0.4 on either side, limits that are the rope's are outside."""
    estimate = np.array([-2.0, -0.9, -0.6, -0.45, -0.05, 0.0, 0.05, 0.3, 0.5, 0.75, 0.9, 3.0])
    summary = made_up(estimate).summary()
    counts = {name: round(12 * share, 9) for name, share in summary.items()}
    assert [counts[f"{side}_zero"] for side in ("below", "above")] == [5, 6]
    assert [counts[f"{side}_rope"] for side in ("below", "within", "above")] == [3, 5, 4]
    assert [counts[f"surely_{side}_zero"] for side in ("below", "above")] == [4, 4]
    sure = [counts[f"surely_{side}_rope"] for side in ("below", "within", "above")]
    assert sure == [2, 3, 2]
    assert counts["undecided"] == 12 - sum(sure)
    assert summary["median"] == pytest.approx(0.025)


def test_what_cannot_be_fitted_is_kept_with_the_reason(sample: AnalysisSample) -> None:
    found = explore(asked(last_quarter=("2016Q4", "2020Q4"), min_quarters=(3, 18)), sample)
    bad = found.table[found.table["reason"] != ""]
    assert bad[["last_quarter", "min_quarters"]].to_numpy().tolist() == [["2016Q4", 18]]
    assert bad["estimate"].isna().all()
    assert "must be left" in bad["reason"].iloc[0]
    assert found.summary()["fitted"] == 3
    assert set(option_means(found)["choice"]) == {"min_quarters", "last_quarter"}
    with pytest.raises(DataError, match="must have a combination that can be fitted"):
        explore(asked(last_quarter=("2016Q4",), min_quarters=(18,)), sample)


def test_refused(sample: AnalysisSample) -> None:
    with pytest.raises(UsageError, match="needs workplaces"):
        explore(asked(), "published")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs workplaces"):
        sf.multiverse("q13", "published")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="did you mean"):
        sf.multiverse("q133", sample)
    with pytest.raises(SpecError, match=r"must be an industry \(got 'cars'\); did you mean 'care'"):
        explore(asked(without=("cars",)), sample)
    with pytest.raises(SpecError, match=r"must lie in 2016Q1 to 2020Q4 \(got '2021Q1'\)"):
        explore(asked(last_quarter=("2021Q1",)), sample)
    with pytest.raises(UsageError, match="must have ordered answers, or two"):
        explore(asked("q21"), sample)
    with pytest.raises(SpecError, match="at most 200000 combinations"):
        asked(min_quarters=tuple(range(500_000))).specifications(())


def test_rows_in_another_order_change_nothing(sample: AnalysisSample) -> None:
    choices: dict[str, tuple[Any, ...]] = {"outcome": ("mean", "median"), "without": ("each",)}
    mixed = replace(
        sample, frame=sample.frame.sample(frac=1, random_state=1).reset_index(drop=True),
        quarters=sample.quarters.sample(frac=1, random_state=2),
    )  # fmt: skip
    one, other = (explore(asked(**choices), s).table for s in (sample, mixed))
    np.testing.assert_allclose(one["estimate"], other["estimate"], rtol=1e-9)
    assert len(one) == 2 * 7


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_picture_and_tables(lang: Any) -> None:
    rng = np.random.default_rng(1)
    found = made_up(np.sort(rng.normal(-0.4, 0.4, 12)))
    figure = spoken(lang, curve_figure, found)
    curve, *choices = figure.axes
    assert [axes.get_label() for axes in choices] == ["outcome", "min_quarters", "prior"]
    intervals = [part for part in curve.collections if isinstance(part, LineCollection)]
    assert sum(len(part.get_segments()) for part in intervals) == 12
    labels = [text.get_text() for text in curve.get_legend().get_texts()]
    assert any("ROPE ±0" in label for label in labels)
    # With few combinations the matrix has one option of each choice in every column.
    for axes in choices:
        np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()).sum(axis=0), 1)
    assert set(figure_files("x", figure)) == {"x.svg", "x.png"}
    for table in spoken(lang, multiverse_tables, found):
        assert table.n == (100, 100)
        prior = {"en": "normal(0, 2.5 sd(y)/sd(x))", "nb": "normal(0; 2,5 sd(y)/sd(x))"}[lang]
        assert any(prior in line for line in table.footer)
        assert any("ROPE ±0" in line for line in table.footer)
        assert table.statement.startswith("SYNT")


# Several processes


def test_two_processes_give_the_same_digits(
    sample: AnalysisSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiverse, "_PART", 2)
    choices = {
        "prior": ("2.5 sd", "flat"),
        "last_quarter": ("2016Q4", "2020Q4"),
        "min_quarters": (3, 18),
    }
    one, two = (explore(asked(**choices), sample, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)
    assert one.sizes == two.sizes
