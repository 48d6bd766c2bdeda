"""Disclosure control: rules by hand; what is hidden of models, figures and fits; exit code 5."""

import csv
import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import bayes_sf as sf
from bayes_sf.analysis.pooling import compare_pooling
from bayes_sf.disclosure.control import HIDDEN, OFF, Control, Rules, hide_groups
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.protected_answers import _Question, _suppressed
from bayes_sf.disclosure.protected_models import (
    check_withheld,
    pass_picture,
    protect_estimates,
    protect_pooling,
)
from bayes_sf.disclosure.protected_predictions import protect_checks
from bayes_sf.disclosure.rounding import blunted
from bayes_sf.disclosure.suppression import Suppression, suppress
from bayes_sf.engines.fit import fit
from bayes_sf.engines.store import without_groups
from bayes_sf.errors import DisclosureError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample, load_sample
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.figures.aggregates import FEW, blurred_quantiles, spread_figure
from bayes_sf.output.figures.result import passed_levels
from bayes_sf.output.runs.describe import description_figures
from bayes_sf.output.tables.described_sample import (
    ProtectedTables,
    description_tables,
    protect_tables,
)
from bayes_sf.spec.model import ModelSpec
from tests.cli.test_describe import OWN

type Command = Callable[..., tuple[int, str, str]]

NULL = ModelSpec("absence_mean", unit="pp")


@pytest.fixture(autouse=True, scope="module")
def own_data() -> Iterator[None]:
    """The replica as data of one's own: nobody recognises its digest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayes_sf.inputs.sample.INVENTED", "")
        yield


@pytest.fixture(scope="module")
def replica() -> AnalysisSample:
    return load_sample("replica")


@pytest.fixture(scope="module")
def protected(replica: AnalysisSample) -> Passed[ProtectedTables]:
    """Its tables under the rules that are the default."""
    return protect_tables(replica, Control.of(replica, Rules()))


@pytest.fixture(scope="module")
def small(replica: AnalysisSample) -> AnalysisSample:
    """The replica with two workplaces of ict."""
    frame = replica.frame
    mine = frame[(frame["industry"] == "ict") & (frame["n_quarters"] >= 3)].index[:2]
    kept = frame[(frame["industry"] != "ict") | frame.index.isin(mine)]
    quarters = replica.quarters[replica.quarters["workplace"].isin(kept["workplace"])]
    return dataclasses.replace(replica, frame=kept, quarters=quarters)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# Rules


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"min_workplaces": 1}, "--min-workplaces: must be at least 2"),
        ({"min_persons": -1}, "--min-persons: must be at least 1"),
        ({"dominance": (90.0, 80.0, 10.0)}, "--dominance: must be percentages"),
        ({"dominance": (0.0, 80.0, 10.0)}, "--dominance"),
        ({"dominance": (50.0, 80.0, 101.0)}, "--dominance"),
    ],
)
def test_rules_that_cannot_be_meant(rules: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rules(**rules)


@pytest.mark.parametrize(
    ("workplaces", "persons", "why"),
    [(0, 0, ""), (1, 50, "workplaces"), (2, 50, "workplaces"), (3, 4, "persons"), (3, 5, "")],
)
def test_small_cells(workplaces: int, persons: int, why: str) -> None:
    assert Rules().sensitive_count(workplaces, persons) == why


@pytest.mark.parametrize(
    ("days", "dominated"),
    [
        ([76, 12, 12], True),  # the largest has more than 75 %
        ([74, 13, 13], False),
        ([50, 41, 9], True),  # the two largest have more than 90 %
        ([50, 40, 10], False),
        ([70, 15, 5, 5, 5], False),
        ([], False),
    ],
)
def test_dominance_by_hand(days: list[float], dominated: bool) -> None:
    assert Rules().dominated(days) is dominated
    assert Rules().dominated([1000 * day for day in reversed(days)]) is dominated


def test_the_p_percent_rule_by_itself() -> None:
    rules = Rules(dominance=(100.0, 100.0, 10.0))
    assert rules.dominated([60, 35, 5])  # the rest has less than a tenth of 60
    assert not rules.dominated([60, 33, 7])


def test_a_dominated_industry_is_hidden_with_company() -> None:
    days = {"care": (99.0, 0.5, 0.5), "ict": (5.0, 5.0, 5.0, 6.0), "education": (9.0,) * 9}
    persons = {name: (10.0,) * len(part) for name, part in days.items()}
    control = Control(Rules(), persons, days)
    sizes = {name: len(part) for name, part in days.items()}
    # care and ict together are dominated still: 99 of 120 days.
    assert list(control.hidden_groups(sizes)) == ["care", "ict", "education"]
    assert control.hidden_groups(sizes)["care"] == "dominance"
    assert dataclasses.replace(control, rules=OFF).hidden_groups(sizes) == {}


# Secondary suppression against brute force


def possible(counts: np.ndarray, hidden: np.ndarray, cell: tuple[int, int]) -> set[int]:
    """Every value of a cell in tables of the same shown cells and margins: all are tried."""
    free = [(int(r), int(c)) for r, c in np.argwhere(hidden)]
    found = set()
    top = counts.sum(axis=1).max()
    for values in product(range(top + 1), repeat=len(free)):
        table = counts.copy()
        for at, value in zip(free, values, strict=True):
            table[at] = value
        if (table.sum(0) == counts.sum(0)).all() and (table.sum(1) == counts.sum(1)).all():
            found.add(int(table[cell]))
    return found


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=9, max_size=9))
def test_what_stays_possible_is_as_wide_as_said(cells: list[int]) -> None:
    """Totals are shown here, so hiding is by rectangles of the cells alone."""
    counts = np.array(cells).reshape(3, 3)
    whole = np.column_stack([counts, counts.sum(axis=1)])
    sensitive = np.zeros(whole.shape, bool)
    few = np.argwhere((counts > 0) & (counts < 3))[:1]
    for r, c in few:
        sensitive[r, c] = True
    found = suppress(whole, sensitive, total=True, closed=True, width=3)
    if not len(few) or not found.complete or found.hidden[:, -1].any():
        return
    cell = (int(few[0][0]), int(few[0][1]))
    values = possible(counts, found.hidden[:, :-1], cell)
    assert max(values) - min(values) >= 3
    assert int(counts[cell]) in values


def test_a_table_that_cannot_be_made_safe_is_said_to_be() -> None:
    counts = np.array([[1, 0, 1], [0, 1, 1]])
    found = suppress(counts, (counts > 0) & (counts < 3), total=True, closed=True, width=3)
    assert not found.complete


def test_a_cell_that_is_known_to_be_large_hides_no_small_one() -> None:
    """34 do not answer, of whom 33 were not asked, which is known: beside them 1 is 0 to 2."""
    counts = np.array([[1, 34, 40, 75], [5, 9, 15, 29], [7, 6, 8, 21]])
    small = (counts > 0) & (counts < 3)
    fewest = np.zeros_like(counts)
    fewest[0] = [0, 33, 16, 49]
    hidden = [
        suppress(counts, small, total=True, closed=True, width=3, fewest=known).hidden[0].tolist()
        for known in (None, fewest)
    ]
    assert hidden == [[True, True, False, False], [True, False, True, False]]


#: Two questions of one of 200 random projects, by industry (construction, architects, ICT, care,
#: kindergarten, education): who leads to the next (yes, another body) and no; how much, not asked.
FIRST = np.array([[29, 1, 12, 62, 37, 64], [10, 0, 10, 14, 25, 15], [74, 5, 40, 24, 32, 16]])
NEXT = np.array([
    [1, 0, 0, 0, 0, 1], [1, 0, 0, 4, 2, 3], [11, 0, 4, 23, 12, 22], [18, 0, 9, 33, 36, 31],
    [8, 0, 8, 10, 11, 19], [74, 6, 41, 30, 33, 19],
])  # fmt: skip


def test_a_trade_of_an_earlier_question_has_room_in_the_next() -> None:
    """Of 5 architects who said no, 4 or 5 were told by ICT's next answers: 0 to 2 said yes.

    The trade went on in an answer that nobody in ICT gave. Linear programs over both tables.
    """
    found: list[tuple[_Question, Suppression]] = []
    for name, counts in (("q21", FIRST), ("q22", NEXT)):
        item, table = load_codebook().item(name), np.column_stack([counts, counts.sum(axis=1)])
        answers = [answer.key for answer in item.categories]
        answers = answers[:3] if name == "q21" else [*answers[:5], "NA"]
        rules = np.array([[Rules().sensitive_count(int(n), 1e6) for n in row] for row in table],
                         dtype="U12")  # fmt: skip
        question = _Question(
            item, tuple(answers), (*"abcdef", "all"), table, rules, table.sum(axis=0)
        )
        found.append((question, _suppressed(question, found[0] if found else None, Rules())))
    assert all(one.complete for _, one in found)
    # One variable a cell; columns add up to sizes, shown cells and totals are known.
    k, size = FIRST.shape[1], FIRST.size + NEXT.size
    cells = np.split(np.eye(size), [FIRST.size])
    first, following = (part.reshape(-1, k, size) for part in cells)
    equal, known = [], []
    for cell, (question, one) in zip((first, following), found, strict=True):
        equal += [*cell.sum(axis=0), *cell[~one.hidden[:, :-1]]]
        known += [*question.sizes[:-1], *question.counts[:, :-1][~one.hidden[:, :-1]]]
        equal += [*cell.sum(axis=1)[~one.hidden[:, -1]]]
        known += [*question.counts[:, -1][~one.hidden[:, -1]]]
    who_was_not = first[2] - following[5]  # all who said no are among those who were not asked
    low, high = (
        sign * linprog(sign * first[0, 1], A_ub=who_was_not, b_ub=np.zeros(k), A_eq=np.array(equal),
                       b_eq=known).fun
        for sign in (1, -1)
    )  # fmt: skip
    assert low <= 1
    assert high - low >= Rules().min_workplaces


def test_primary_suppression_alone_is_no_protection() -> None:
    counts = np.array([[1, 4, 9], [8, 3, 7], [9, 9, 9]])
    hidden = counts < 3
    assert possible(counts, hidden, (0, 0)) == {1}


# Models


def test_a_hidden_industry_is_nowhere_in_a_model(small: AnalysisSample) -> None:
    control = Control.of(small, Rules())
    result = fit(NULL, small)
    shown, log = protect_estimates(result, control)
    hidden = shown[shown["group"].isin([line.row for line in log])]
    assert {line.row: line.rule for line in log} == {
        line.row: ("workplaces" if line.row == "ict" else "complement") for line in log
    }
    assert len(log) == 2
    assert (hidden[["estimate", "sd", "lower", "upper", "t"]] == HIDDEN).all(axis=None)
    others = shown[~shown["group"].isin(hidden["group"]) & (shown["estimate"] != HIDDEN)]
    assert len(others) > 4
    for row, real in zip(others.itertuples(), result.estimates.loc[others.index].itertuples(),
                         strict=True):  # fmt: skip
        digits = control.release(NULL).places(row.term, row.group)
        assert row.estimate == round(row.estimate, digits), "the digits that the data give"
        assert abs(row.estimate - real.estimate) <= max(0.5 * 10.0**-digits, 0.05 * real.sd) + 1e-12
        assert row.estimate != real.estimate
    pooling, _ = protect_pooling(compare_pooling(NULL, small), control)
    for row in pooling.groups:
        unsaid = set(hidden["group"]) | set(control.unsaid(NULL))
        assert (row.n == HIDDEN) == (row.group in unsaid)
        assert (row.mean == HIDDEN) == (row.group in set(hidden["group"]))


def test_beside_a_hidden_group_no_figure_is_in_full(small: AnalysisSample) -> None:
    """Own mean, REML's and the factor give what all are shrunk to: an equation in the hidden."""
    control = Control.of(small, Rules())
    exact, _ = protect_pooling(compare_pooling(NULL, small), control)
    for row in exact.groups:
        if row.n != HIDDEN:
            for name in ("raw", "complete", "reml", "mean", "factor_reml", "factor"):
                value = getattr(row, name)
                assert value in {HIDDEN, round(value, 2) if value != HIDDEN else value}
            # what is shrunk to follows from the row within so much only, in percentage points
            assert 0.005 / (1 - row.factor_reml) > 0.1
    for engine in ("exact", "reml"):
        table, _ = protect_estimates(fit(NULL, small, engine=engine), control)
        shown = [value for value in table["t"] if value != HIDDEN and not pd.isna(value)]
        assert all(value == round(value, 3 if engine == "exact" else 1) for value in shown)


def test_nobody_is_hidden_where_all_are_large(replica: AnalysisSample) -> None:
    control = Control.of(replica, Rules())
    result = fit(NULL, replica)
    shown, log = protect_estimates(result, control)
    assert log == ()
    off = (shown["estimate"] - result.estimates["estimate"]).abs()
    release = control.release(NULL)
    assert release is not None
    places = [release.places(t, g) for t, g in zip(shown["term"], shown["group"], strict=True)]
    sd = result.estimates["sd"].fillna(0)
    assert (off <= np.maximum(0.5 * 10.0 ** -np.array(places, float), 0.5 * sd) + 1e-9).all()
    assert off.max() > 0, "no figure of microdata is in full"


def test_the_hidden_mean_is_not_had_from_the_total(small: AnalysisSample) -> None:
    """Complete pooling's mean is an equation in the hidden means: its rounding must leave room."""
    control, pooling = Control.of(small, Rules()), compare_pooling(NULL, small)
    shown, _ = protect_pooling(pooling, control)
    hidden = {row.group for row in shown.groups if row.raw == HIDDEN}
    whole = next(row for row in shown.terms if row.engine == "ols" and row.term == "(Intercept)")
    n = {row.group: row.n for row in pooling.groups}
    decimals = len(f"{whole.estimate}".partition(".")[2])
    # Even who knows every size and the companion's mean knows ict's sum to this only.
    room = 10.0**-decimals * sum(n.values()) / n["ict"]
    assert hidden == {"ict"} | hidden
    assert len(hidden) == 2
    assert room > 2.0, "percentage points of a mean of two workplaces"


def test_checks_show_no_extremes() -> None:
    table = pd.DataFrame(
        {
            "group": ["", "care", "ict", "", "care"],
            "statistic": ["max", "min", "share <= 0", "share <= 0", "mean"],
            "n": [30, 20, 10, 30, 20], "observed": [9.0, 1.0, 0.1, 0.3, 4.0],
            "median": 1.0, "lower": 0.0, "upper": 2.0, "p_above": 0.5,
        }
    )  # fmt: skip
    shown, log = protect_checks(table, {}, Control(Rules()), NULL)
    assert list(shown["observed"]) == [HIDDEN, HIDDEN, HIDDEN, 0.3, 4.0]
    assert {line.rule for line in log} == {"single workplaces"}
    same, none = protect_checks(table, {}, Control(OFF), NULL)
    assert (same is table, none) == (True, ())


def test_pictures_of_single_workplaces_are_refused(small: AnalysisSample) -> None:
    control = Control.of(small, Rules())
    for picture in ("ppc", "trace"):
        with pytest.raises(DisclosureError, match=f"plot '{picture}'"):
            check_withheld(NULL, picture, control)
        check_withheld(NULL, picture, Control.of(small, OFF))
    check_withheld(NULL, "forest", control)
    with pytest.raises(DisclosureError, match="plot 'slopes'"):
        pass_picture(fit(NULL, small), "slopes", control, lambda *_: None)


def test_hidden_industries_are_not_among_levels_that_are_drawn(small: AnalysisSample) -> None:
    found = protect_pooling(compare_pooling(NULL, small), Control.of(small, Rules())).shown
    levels, _ = passed_levels(found)
    assert {"ict"} < {row.group for row in found.groups} - {one.group for one in levels}


def test_saved_draws_lack_hidden_groups(small: AnalysisSample) -> None:
    tree = fit(NULL, small).draws(40)
    left = without_groups(tree, "industry", ["ict"])
    assert "ict" in tree["posterior"]["industry"]
    assert "ict" not in left["posterior"]["industry"]
    assert (left["posterior"]["sd_group"] == tree["posterior"]["sd_group"]).all()


# Tables and figures of a sample


def test_hidden_industries_are_in_no_table(small: AnalysisSample) -> None:
    shown = protect_tables(small, Control.of(small, Rules())).shown
    assert shown.groups["ict"] == "workplaces"
    assert len(shown.groups) == 2
    by_industry = shown.tables["by_industry"]
    mine = by_industry["industry"].isin(shown.groups)
    assert (by_industry.loc[mine, ["count", "percent"]] == HIDDEN).all(axis=None)
    flow = shown.tables["flow"]
    assert (flow[list(shown.groups)] == HIDDEN).all(axis=None)


def test_shown_figures_are_the_true_ones(
    replica: AnalysisSample, protected: Passed[ProtectedTables]
) -> None:
    shown = protected.shown.tables
    for name, true in description_tables(replica).items():
        for column in true.columns:
            left = shown[name][column] != HIDDEN
            assert (shown[name].loc[left, column] == true.loc[left, column]).all(), (name, column)
        assert shown[name].shape == true.shape


def test_a_dominant_workplace_hides_its_industry(replica: AnalysisSample) -> None:
    mine = replica.quarters["industry"] == "ict"
    one = replica.quarters.loc[mine, "workplace"].iloc[0]
    days = replica.quarters["contracted_days"]
    grown = days.mask(replica.quarters["workplace"] == one, days * 1000)
    sample = dataclasses.replace(replica, quarters=replica.quarters.assign(contracted_days=grown))
    shown = protect_tables(sample, Control.of(sample, Rules())).shown
    assert shown.groups["ict"] == "dominance"
    assert len(shown.groups) > 1
    lenient = Rules(dominance=(100.0, 100.0, 0.0))
    assert protect_tables(sample, Control.of(sample, lenient)).shown.groups == {}


def test_few_employees_hide_a_cell(replica: AnalysisSample) -> None:
    """Where every workplace has one employee, cells of three and four workplaces go as well."""
    tiny = dataclasses.replace(replica, frame=replica.frame.assign(n_employees=1.0))
    shown, log = protect_tables(tiny, Control.of(tiny, Rules()))
    counts = shown.tables["by_industry"]["count"]
    assert not counts[counts != HIDDEN].astype(int).between(1, 4).any()
    assert any(line.rule == "persons" for line in log)


def test_the_order_of_workplaces_changes_nothing(
    replica: AnalysisSample, protected: Passed[ProtectedTables]
) -> None:
    mixed = dataclasses.replace(replica, frame=replica.frame.sample(frac=1, random_state=1))
    one, other = protected, protect_tables(mixed, Control.of(mixed, Rules()))
    assert set(one.log) == set(other.log)
    for name, table in one.shown.tables.items():
        pd.testing.assert_frame_equal(table, other.shown.tables[name])


def test_no_count_below_the_threshold_is_shown(replica: AnalysisSample) -> None:
    shown = protect_tables(replica, Control.of(replica, Rules(min_workplaces=4))).shown.tables
    for name in ("univariate", "by_industry"):
        counts = shown[name].loc[shown[name]["count"] != HIDDEN, "count"].astype(int)
        assert not counts.between(1, 3).any()
        assert (counts == 0).any() or name == "univariate"


def test_figures_show_no_single_workplace(
    replica: AnalysisSample, protected: Passed[ProtectedTables]
) -> None:
    figures = description_figures(replica, shown=protected.shown)
    for name, figure in figures.items():
        assert not [c for axes in figure.axes for c in axes.collections], f"{name} has points"
    ends = [line.get_ydata() for line in figures["figure1"].axes[0].lines]
    values = set(replica.frame["absence_mean"].dropna().round(9))
    drawn = {round(float(y), 9) for part in ends for y in part}
    assert not drawn & values


def test_quantiles_are_means_of_a_few() -> None:
    values = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 100])
    low, *_, high = blurred_quantiles(values)
    assert low == values[:FEW].mean()
    assert high == values[-FEW:].mean()
    assert blurred_quantiles(values[::-1].copy()).tolist() == blurred_quantiles(values).tolist()


def test_too_few_for_a_box(replica: AnalysisSample) -> None:
    frame = replica.frame.groupby("industry").head(5 * FEW - 1)
    figure = spread_figure(frame, "women_share", source="replica")
    assert not figure.axes[0].patches


# What is said, and by which exit code


def test_switching_it_off_is_said(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("compare", "null", "--data", "replica", "--no-disclosure-control")
    assert code == 0
    assert "DISCLOSURE CONTROL IS OFF" in out
    content = json.loads((tmp_path / "pooling_private" / "disclosure.json").read_text("utf-8"))
    assert content["statement"].startswith("DISCLOSURE CONTROL IS OFF")
    assert content["rules"]["active"] is False


def test_published_tables_have_nothing_to_hide() -> None:
    assert not Control.of("what is no sample", Rules()).active
    assert disclosure_files(Control(microdata=False), (), {}) == {}
    assert notice(Control(microdata=False), ()) == ""


@pytest.mark.usefixtures("blank_pictures")
def test_the_log_says_what_and_why(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("describe", "--out", "here")
    assert code == 0
    log = rows(tmp_path / "here_private" / "disclosure.csv")
    found = int(re.search(r"Disclosure control: (\d+) hidden", out)[1])
    assert found >= len(log) > 100
    assert {line["rule"] for line in log} <= {"workplaces", "persons", "difference", "complement"}
    shown = rows(tmp_path / "here" / "by_industry.csv")
    hidden = {(f"table {r['table']}", r["category"], r["industry"])
              for r in shown if r["count"] == HIDDEN}  # fmt: skip
    logged = {(r["table"], r["row"], r["column"]) for r in log}
    assert hidden <= logged
    for row in shown:
        assert (row["count"] == HIDDEN) == (row["percent"] == HIDDEN)


@pytest.mark.slow
@pytest.mark.usefixtures("blank_pictures")
def test_a_table_with_nothing_left_is_exit_code_5(command: Command) -> None:
    code, out, err = command("describe", *OWN, "--min-workplaces", "500", "--out", "here")
    assert code == 5
    assert re.fullmatch(r"bayes-sf: .*by_industry.csv.*: cannot be shown .*; .*\n", err)
    assert "Written to here" in out, "the rest is there"


def test_lists_of_workplaces_are_written_only_when_asked(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("select", "--out", "here")
    assert code == 0
    assert {p.name for p in (tmp_path / "here").iterdir()} == {
        "belonging.csv", "provenance.json",
    }  # fmt: skip
    assert "--with-data" in out


def test_rows_of_hidden_groups_only() -> None:
    frame = pd.DataFrame({"group": ["a", "b"], "x": [1.23456, 2.0], "sd": [0.5, 0.5]})
    shown, log = hide_groups(frame, {"a": "persons"}, table="t", values=["x"])
    assert list(shown["x"]) == [HIDDEN, 2.0]
    assert blunted(frame, ["x"], "sd") == {"x": [1.23, 2.0]}
    assert blunted(frame, ["x"], "sd", fewer=1) == {"x": [1.2, 2.0]}
    assert list(frame["x"]) == [1.23456, 2.0], "the given frame is as it was"
    assert [(line.row, line.rule) for line in log] == [("a", "persons")]


# Outcomes of a study of one's own


def test_where_zero_is_does_not_matter_to_a_study_of_ones_own(tmp_path: Path) -> None:
    """Scores near 500 were withheld, since a tenth of 500 is more than all that they spread."""
    found = []
    for name, more in (("near", 0), ("far", 450)):
        shutil.copytree(Path(__file__).parents[1] / "own_studies" / "pupils", tmp_path / name)
        path = tmp_path / name / "pupils.csv"
        scores = pd.read_csv(path)
        scores.assign(score=(scores["score"] + more).round(1)).to_csv(path, index=False)
        with sf.study(tmp_path / name) as rows:
            control = Control.of(rows, Rules(min_workplaces=5))
            analyses = (sf.load_analysis(key) for key in ("null", "homework"))
            found.append([control.release(spec) for one in analyses for spec in one.specs])
    near, far = found
    assert [one.fewer for one in near if one] == [0, 0]
    assert near == far
