"""The committed replica, through the ordinary pipeline, against the published tables."""

import inspect
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf.cli.report
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.errors import OutputError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.descriptives import describe_all, describe_by_industry
from bayes_sf.inputs.published import DECIMALS, published_table, rounding_interval, scalar
from bayes_sf.inputs.sample import AnalysisSample, design, load_sample
from bayes_sf.recovery.region import NORMAL_QUANTILE
from bayes_sf.replica import Replica, make_replica, write_replica
from bayes_sf.replica.misses import Miss, print_figure
from bayes_sf.replica.published.models import Model, figures, fit_model, sensitivities
from bayes_sf.replica.published.reml import fit, sums
from bayes_sf.replica.published.targets import FIGURES, Target, targets
from bayes_sf.replica.register.extracts import draw_numbers
from bayes_sf.replica.register.rates import kendall_tau
from bayes_sf.replica.writing import FILES, describe
from bayes_sf.resources import data_dir
from bayes_sf.spec.moments import Moments

REGISTER = ["women_share", "senior_share", "n_employees"]
RISKS = [f"q5r{number}" for number in range(1, 6)]


@cache
def replica() -> AnalysisSample:
    return load_sample("replica")


def columns_of(target: Target) -> list[str]:
    """Columns of the ordinary pipeline that a published model is fitted on."""
    controls = [*REGISTER, *RISKS] if target.table in {"3", "5"} else []
    return [target.question, *controls]


def rows_of(target: Target) -> pd.DataFrame:
    return design(
        replica(),
        outcome=target.outcome,
        predictors=columns_of(target),
        # Table 46 takes every linked workplace, figure 5 and table 3 those with three quarters.
        min_quarters=1 if target.table == "46" else 3,
        standardize=REGISTER if target.table == "5" else (),
    )


@cache
def refitted() -> pd.DataFrame:
    """Every printed figure beside the one that the package's own REML prints from the replica."""
    records = []
    for target in targets():
        moments = Moments.from_frame(
            rows_of(target),
            outcome=target.outcome,
            predictors=columns_of(target),
            group="industry",
        )
        fitted = fit_reml(moments)
        terms = [load_codebook().term(printed) for printed in target.terms]
        assert set(terms) == set(moments.terms)
        for term, name, printed in zip(terms, target.terms, target.printed, strict=True):
            at = moments.terms.index(term)
            estimate, se = fitted.coef[at] / target.points, fitted.std_error[at] / target.points
            reach = NORMAL_QUANTILE * se
            values = (estimate, se, estimate / se, estimate - reach, estimate + reach)
            for figure, text, value in zip(FIGURES, printed, values, strict=True):
                reached = print_figure(value, DECIMALS[target.table])
                records.append(
                    (target.table, target.question, name, term, figure, text, reached, value)
                )
    return pd.DataFrame(
        records,
        columns=["table", "question", "term", "key", "figure", "published", "replica", "value"],
    )


def test_every_count_of_the_survey_is_returned() -> None:
    made = describe_by_industry(replica().frame)
    printed = published_table("by_industry")
    both = printed.merge(made, on=["table", "question", "category", "industry"], how="outer")
    counted = both.dropna(subset="count_x")
    # Table 22 leaves out those who do not know what the bonus depends on; table 11 has their total.
    beyond = both[both["percent_x"].isna()]
    assert set(beyond["category"]) == {"Vet ikke"}
    assert set(beyond["table"]) == {"22"}
    both = both.drop(index=beyond.index)
    assert len(both) == len(printed)
    assert (counted["count_x"] == counted["count_y"]).all()
    for row in both[both["count_x"].isna()].itertuples():
        low, high = rounding_interval(row.percent_x, decimals=DECIMALS[row.table])
        assert low <= row.percent_y <= high


def test_every_total_of_the_survey_is_returned() -> None:
    made = describe_all(replica().frame)
    both = published_table("11").merge(made, on=["question", "category"], how="outer")
    assert len(both) == len(made)
    assert (both["count_x"] == both["count_y"]).all()


def test_no_fault_but_the_workplace_in_both_extracts() -> None:
    assert len(replica().problems) == 1
    assert replica().problems["rows"].tolist() == [1]


@pytest.mark.parametrize(("table", "outcome"), [("8", "absence_mean"), ("9", "absence_change")])
def test_samples_by_industry(table: str, outcome: str) -> None:
    rows = design(replica(), outcome=outcome, predictors=[])
    printed = published_table(table).set_index("industry")["count"]
    counts = rows["industry"].value_counts()
    for industry in load_codebook().industries:
        assert counts[industry.key] == printed[industry.key]


def test_totals_of_the_flow() -> None:
    frame = replica().frame
    linked = frame[frame["linked"]]
    extracts = replica().extracts
    assert len(frame) == scalar("n_surveyed")
    assert len(linked) == scalar("n_linked")
    assert (~frame["linked"].astype(bool)).sum() == scalar("n_not_found")
    assert extracts["workplaces"].tolist() == [
        scalar("n_file_workplace_number"),
        scalar("n_file_enterprise_number"),
    ]
    assert (linked["n_quarters"] < scalar("max_quarters")).sum() == scalar("n_with_gaps")
    assert (linked["n_quarters"] < scalar("few_quarters")).sum() == scalar("n_few_quarters")
    assert (linked["n_quarters"] < 3).sum() == scalar("n_one_or_two_quarters")
    assert linked["women_share"].notna().sum() == scalar("n_figure3")
    assert linked["senior_share"].notna().sum() == scalar("n_figure4")


def test_model_sizes() -> None:
    sizes = {(t.table, t.question): len(rows_of(t)) for t in targets()}
    assert sizes["figure5", "q13"] == scalar("n_figure5")
    assert sizes["3", "q13"] == scalar("n_table3")
    assert sizes["4", "q17"] == scalar("n_table4")
    assert sizes["5", "q17"] == scalar("n_table5")
    for table in ("46", "47"):
        of_table = [size for (name, _), size in sizes.items() if name == table]
        assert min(of_table) == scalar(f"n_table{table}_min")
        assert max(of_table) == scalar(f"n_table{table}_max")


def test_variance_components_at_their_printed_digits() -> None:
    rows = design(replica(), outcome="absence_mean", predictors=[], min_quarters=1)
    fitted = fit_reml(Moments.from_frame(rows, outcome="absence_mean", group="industry"))
    printed = published_table("scalars").set_index("name")["value"]
    for name, value in (("var_between", fitted.sd_group), ("var_within", fitted.sd_resid)):
        low, high = rounding_interval(printed[name])
        assert low < value**2 / 1e4 < high


def test_every_slope_at_its_printed_rounding() -> None:
    slopes = refitted().query("key != '(Intercept)'")
    rounded = slopes[slopes["figure"] != "t"]
    assert (rounded["published"] == rounded["replica"]).all()
    t = slopes[slopes["figure"] == "t"]
    assert (t["value"] - t["published"].astype(float)).abs().max() <= 0.001


def test_the_page_lists_exactly_the_figures_that_differ() -> None:
    page = (data_dir() / "replica" / "README.md").read_text(encoding="utf-8")
    listed = {
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in page.splitlines()
        if re.match(r"\| (figure5|\d+) \| q", line)
    }
    frame = refitted()
    differing = frame[frame["published"] != frame["replica"]]
    columns = ["table", "question", "term", "figure", "published", "replica"]
    assert listed == set(differing[columns].itertuples(index=False, name=None))
    assert len(frame) == 740
    assert len(differing) <= 0.05 * len(frame)


def test_change_goes_with_trend_as_published() -> None:
    rows = replica().frame.dropna(subset="absence_change")
    correlation = rows["absence_change"].corr(rows["absence_trend"])
    low, high = rounding_interval("0.78")
    assert low <= correlation <= high


def test_claims_about_the_figures() -> None:
    frame = replica().frame
    claims = published_table("scalars").set_index("name")["value"]
    mean = frame[frame["n_quarters"] >= 3].groupby("industry")["absence_mean"]
    assert mean.median().idxmax() == claims["claim_highest_mean"]
    assert mean.median().idxmin() == claims["claim_lowest_mean"]
    assert mean.std().idxmax() == claims["claim_widest_mean"]
    median = frame.groupby("industry")["absence_change"].median()
    assert median.index[median <= 0].tolist() == [claims["claim_median_change_not_up"]]
    care = frame[frame["industry"] == "care"]
    assert (care["q17"] == claims["claim_all_yes_q17"].replace("care", "yes")).all()


def test_figures_are_possible() -> None:
    frame, quarters = replica().frame, replica().quarters
    assert (frame["absence_mean"].dropna() > 0).all()
    for share in ("women_share", "senior_share"):
        assert frame[share].dropna().between(0, 1, inclusive="neither").all()
    lost = quarters.dropna(subset="lost_days")
    assert lost["lost_days"].between(0, lost["contracted_days"]).all()
    by_season = lost.groupby(lost["quarter"].str[-1])["absence"].mean()
    assert by_season["1"] > by_season["3"]


def test_numbers_are_of_nobody() -> None:
    for name in FILES[:3]:
        numbers = pd.read_csv(data_dir() / "replica" / name, dtype={"org_nr": str})["org_nr"]
        assert numbers.str.fullmatch(r"1\d{8}").all()
    assert len(set(draw_numbers(np.random.default_rng(3), 500))) == 500


def test_own_reml_agrees_with_the_package() -> None:
    for target in targets()[:8]:
        rows = rows_of(target)
        moments = Moments.from_frame(
            rows, outcome=target.outcome, predictors=columns_of(target), group="industry"
        )
        other = fit_reml(moments)
        columns = [
            pd.get_dummies(rows[name], drop_first=True, dtype=float)
            if rows[name].dtype == "category"
            else rows[[name]]
            for name in columns_of(target)
        ]
        X = np.column_stack([np.ones(len(rows)), *columns]).astype(float)
        group = rows["industry"].astype("category").cat.codes.to_numpy()
        own = fit(sums(X, rows[target.outcome].to_numpy(float), group, 6))
        np.testing.assert_allclose(own.estimate, other.coef, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(own.se, other.std_error, rtol=1e-7)
        np.testing.assert_allclose(own.ratio * own.within, other.sd_group**2, rtol=1e-6)


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e3])
def test_sensitivities_are_derivatives(unit: float) -> None:
    """In any unit of the outcome: steps follow it."""
    rng = np.random.default_rng(5)
    industry = np.repeat(np.arange(6), 12)
    X = np.column_stack([np.ones(72), rng.integers(1, 6, 72)]).astype(float)
    y = unit * (5 + 2 * rng.standard_normal(6)[industry] + rng.standard_normal(72))
    model = Model(np.arange(72), X, industry, targets()[0])
    values, jacobian = sensitivities(model, y)
    np.testing.assert_allclose(values, figures(fit_model(model, y)))
    for row in (0, 30, 71):
        step = np.zeros(72)
        step[row] = 1e-5 * unit
        moved = figures(fit_model(model, y + step)) - figures(fit_model(model, y - step))
        np.testing.assert_allclose(
            unit * jacobian[:, row], moved / 2e-5, rtol=2e-3, atol=1e-6 * max(unit, 1)
        )


def test_kendall_tau_is_scipys() -> None:
    rng = np.random.default_rng(6)
    rates = rng.integers(0, 8, (20, 12)).astype(float)
    observed = rng.random((20, 12)) < 0.7
    for row, seen, tau in zip(rates, observed, kendall_tau(rates, observed), strict=True):
        assert tau == pytest.approx(stats.kendalltau(np.flatnonzero(seen), row[seen]).statistic)


def test_aims_lie_within_the_printed_figures() -> None:
    for target in targets():
        printed = np.array([float(figures_of[2]) for figures_of in target.printed])
        assert np.abs(target.t - printed).max() <= 5e-4
        assert (target.se_low < target.se_high).all()


def empty_replica() -> Replica:
    frame = pd.DataFrame({"org_nr": ["1"]})
    return Replica(frame, frame, frame, misses=(), compared=740, correlation=0.78, seed=2)


def test_a_replica_shows_what_it_is_without_its_tables() -> None:
    shown = repr(empty_replica())
    assert shown == "Replica(misses=(), compared=740, correlation=0.78, seed=2)"


def test_the_page_counts_what_agrees() -> None:
    misses = (Miss("46", "q13", "q13", "t", "1.0", "1.1"), Miss("47", "q13", "q13", "t", "2", "3"))
    page = describe(replace(empty_replica(), misses=misses))
    assert re.search(r"Of the 740 printed .* \*\*738\*\* at their", page)


def test_writing_is_whole_or_refused(tmp_path: Path) -> None:
    assert {path.name for path in write_replica(empty_replica(), tmp_path / "new")} == set(FILES)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(FILES)
    (tmp_path / "file").write_text("taken")
    with pytest.raises(OutputError, match="must be a folder"):
        write_replica(empty_replica(), tmp_path / "file")


def test_the_committed_copy_names_the_seed_that_is_taken_without_asking() -> None:
    said = re.search(r"--seed (\d+)", (data_dir() / "replica/README.md").read_text("utf-8"))
    for make in (make_replica, bayes_sf.cli.report.replica):
        assert inspect.signature(make).parameters["seed"].default == int(said[1])  # type: ignore[index]


@pytest.mark.slow
def test_the_committed_copy_is_what_seed_1_gives(tmp_path: Path) -> None:
    write_replica(make_replica(seed=1), tmp_path)
    for name in FILES:
        committed = (data_dir() / "replica" / name).read_bytes()
        assert (tmp_path / name).read_bytes() == committed, name
