"""The published route: what is recovered must print what the report prints."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import rounding_interval
from bayes_sf.recovery.answers import item_answers, surveyed
from bayes_sf.recovery.change_states import _log_t, boundary_region, change_states
from bayes_sf.recovery.implied import Candidates, solve
from bayes_sf.recovery.printed import PrintedModel, figures, printed_models
from bayes_sf.recovery.states import States, null_implied, table_sizes
from bayes_sf.recovery.study import PublishedStudy, _draw_study, recover_study
from bayes_sf.spec.moments import Moments

BOOK = load_codebook()
TO_PP2 = 1e4  # squared fractions to squared percentage points


@pytest.fixture(scope="module")
def study() -> PublishedStudy:
    """A small recovery; 32 walkers are the fewest that move well in 15 dimensions."""
    return recover_study(seed=3, draws=32)


def spec_of(table: str, item: str) -> sf.ModelSpec:
    for name in ("bivariate", "q13", "q17"):
        for spec in sf.load_analysis(name).specs:
            if (spec.table, spec.name) == (table, item):
                return spec
    raise AssertionError(table, item)


@pytest.mark.parametrize("item", BOOK.preventive)
def test_answers_are_the_published_counts(item: str) -> None:
    answers = item_answers(BOOK, item)
    assert (answers.counts >= 0).all()
    assert (answers.counts.sum(axis=0) <= surveyed()[1]).all()
    overall = sf.published_table("univariate")
    entry = BOOK.item(item)
    parent = BOOK.item(entry.parent) if entry.parent else entry
    rows = overall[overall["question"] == parent.printed_key]
    if entry.parent:
        option = next(c for c in parent.categories if f"{parent.key}.{c.code}" == item)
        wanted = rows[rows["category"].isin(option.printed)]["count"].sum()
        assert answers.counts[1].sum() == wanted
    else:
        missing = {name for c in entry.missing for name in c.printed}
        assert answers.counts.sum() == rows[~rows["category"].isin(missing)]["count"].sum()


@pytest.mark.parametrize("end", [np.min, np.max, np.median])
def test_counts_behind_whole_percentages_round_to_them(
    end: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the total over all industries leaves one way: all as low, or high, as can be; and where
    the middle of each adds up to it.

    Brute force: every count of an industry's workplaces that rounds to what is printed.
    """
    option, total = "q16.11", surveyed()[1]
    entry, overall = BOOK.item(option), sf.published_table("univariate")
    parent = BOOK.item(str(entry.parent))
    category = next(c for c in parent.categories if f"{parent.key}.{c.code}" == option)
    table = sf.published_table("by_industry")
    table = table[
        (table["question"] == parent.printed_key) & table["category"].isin(category.printed)
    ]
    printed = table.set_index("industry").loc[list(surveyed()[0]), "percent"]
    ends = np.array(
        [
            end([k for k in range(n + 1) if abs(100 * k / n - float(percent)) <= 0.5])
            for n, percent in zip(total, printed, strict=True)
        ]
    )
    here = (overall["question"] == parent.printed_key) & overall["category"].isin(category.printed)
    one = overall.index[here][0]
    overall.loc[here, "count"] = 0
    overall.loc[one, "count"] = ends.sum()
    monkeypatch.setattr(
        "bayes_sf.recovery.answers.published_table",
        lambda name: overall if name == "univariate" else sf.published_table(name),
    )
    np.testing.assert_array_equal(item_answers(BOOK, option).counts[1], ends)


def test_weights_of_shocks_are_those_of_independent_t_variables() -> None:
    noise = np.random.default_rng(4).normal(size=(5, 3))
    theirs = stats.t(6).logpdf(noise).sum(axis=1)
    ours = _log_t(noise, 6)
    np.testing.assert_allclose(ours - ours[0], theirs - theirs[0], atol=1e-12)


def test_whole_population_has_no_sampling_variation() -> None:
    answers = item_answers(BOOK, "q13")
    n, means, within = answers.sample(answers.surveyed, 3, np.random.default_rng(1))
    expected = answers.expected(answers.surveyed)
    for got, want in zip((n, means, within), expected, strict=True):
        np.testing.assert_allclose(got, np.broadcast_to(want, got.shape), rtol=1e-12)


def test_implied_agrees_with_reml() -> None:
    """What `solve` implies from the slope's t is what REML fits to the completed moments."""
    rng = np.random.default_rng(5)
    sizes = np.array([[30.0, 12, 45, 8]])
    x_means, y_means = rng.normal(size=(1, 4, 2)), rng.normal(scale=2, size=(1, 4))
    root = rng.normal(size=(2, 2))
    x_within = (root @ root.T)[None] * 80
    for scale in (1.0, 0.0):  # with variation between groups, and at the boundary
        case = Candidates(
            sizes,
            scale * y_means,
            np.array([150.0]),
            scale * x_means,
            x_within,
            np.array([[2.5, -1.0]]),
        )
        implied = solve(case)
        within = np.zeros((3, 3))
        within[:2, :2], within[2, 2] = x_within[0], 150.0
        within[:2, 2] = within[2, :2] = implied.xy_within[0]
        means = np.column_stack([case.x_means[0], case.y_means[0]])
        fit = fit_reml(Moments("y", ("a", "b"), tuple("wxyz"), sizes[0], means, within))
        # `solve` stops at about 1e-5 of lambda; a printed t has at most five digits
        np.testing.assert_allclose(fit.coef, implied.coef[0], rtol=1e-5)
        np.testing.assert_allclose(fit.std_error, implied.se[0], rtol=1e-5)
        np.testing.assert_allclose(fit.coef[1:] / fit.std_error[1:], [2.5, -1.0], rtol=1e-5)
        np.testing.assert_allclose(fit.sd_group**2, implied.tau2[0], rtol=1e-4, atol=1e-12)
    assert implied.lam[0] == 0


def test_states_return_the_variance_components(study: PublishedStudy) -> None:
    """States of the 582 give both printed variance components back, states of the 420 zero."""
    null = null_implied(study.large)
    rows = sf.published_table("scalars").set_index("name")["value"]
    for name, value in (("var_between", null.tau2), ("var_within", null.sigma2)):
        low, high = (TO_PP2 * edge for edge in rounding_interval(str(rows[name])))
        assert ((value >= low) & (value <= high)).all()
    assert (null_implied(study.change).lam == 0).all()


def test_components_cannot_be_those_of_the_smaller_sample(study: PublishedStudy) -> None:
    """Figure 5's SE of q13 is 0.101; with the printed components 572 workplaces would give more."""
    model = printed_models("figure5")[0]
    sizes = np.broadcast_to(table_sizes("8"), study.large.means.shape).astype(float)
    n, means, within = model.expected(sizes)
    y_within = study.large.within * (n.sum(axis=1) - 6) / (study.large.sizes.sum(axis=1) - 6)
    implied = solve(model.candidates(n, (means, within), (study.large.means, y_within)))
    np.testing.assert_allclose(implied.tau2 / implied.sigma2, 3.514 / 8.236, rtol=0.1)
    assert (figures(implied)[:, 1, 1] > model.allowed[1, 1, 1] * 1.02).all()


def testboundary_region_is_what_reml_calls_zero() -> None:
    sizes = table_sizes("9")
    inside = boundary_region(sizes, 200, np.random.default_rng(2))
    n = sizes.sum()
    np.testing.assert_allclose(inside @ sizes, 0, atol=1e-9)
    reach = (sizes**2 * inside**2).sum(axis=1) / (n - (sizes**2).sum() / n)
    assert reach.max() <= 1 + 1e-12
    # evenly in five dimensions: the fifth power of the relative radius is uniform
    assert abs((reach**2.5).mean() - 0.5) < 4 * np.sqrt(1 / 12 / 200)


@pytest.mark.parametrize(
    ("table", "item"),
    [
        ("46", "q13"),
        ("46", "q16.8"),
        ("46", "q18"),
        ("46", "q21"),
        ("47", "q17"),
        ("figure5", "q13"),
    ],
)
def test_first_draw_prints_the_table(study: PublishedStudy, table: str, item: str) -> None:
    recovered = study.recover(spec_of(table, item))
    assert recovered.returned[0].all()
    fit = fit_reml(recovered.draws[0])
    model: PrintedModel = next(m for m in printed_models(table) if m.item == item)
    b, s = fit.coef, fit.std_error
    for value, name in ((b, 0), (s, 1), (b / s, 2)):
        low, high = model.allowed[:, name, 0], model.allowed[:, name, 1]
        slack = 1e-2 * (high - low)  # `solve` stops at about 1e-5 of lambda
        assert ((value >= low - slack) & (value <= high + slack)).all()


def test_same_seed_same_states() -> None:
    """Of the change in absence; those of its mean take longer, and are compared below."""
    one, same = (change_states(4, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.means, same.means)
    np.testing.assert_array_equal(one.within, same.within)
    assert len(np.unique(one.within)) > 1, "drawn"


@pytest.mark.slow
def test_same_seed_same_study(study: PublishedStudy) -> None:
    _draw_study.cache_clear()
    again = recover_study(seed=3, draws=32)
    assert again is not study
    np.testing.assert_array_equal(again.large.means, study.large.means)
    spec = spec_of("46", "q11")
    assert again.recover(spec).draws[0].digest == study.recover(spec).draws[0].digest


def test_ends_bracket_the_icc(study: PublishedStudy) -> None:
    """No difference between industries gives the smallest ICC, the largest possible the largest."""
    spec = next(s for s in sf.load_analysis("null").specs if s.outcome == "absence_change")
    middle = sf.fit(spec, study).icc()["mean"]
    low, high = (
        np.mean([sf.fit(spec, m).icc()["mean"] for m in study.ends(spec.outcome)[case][:8]])
        for case in ("lowest", "highest")
    )
    assert low < middle < high
    for moments in study.ends(spec.outcome)["highest"][:8]:
        assert fit_reml(moments).sd_group < 0.05 * fit_reml(moments).sd_resid


def test_ends_share_the_total_and_reach_what_reml_calls_zero() -> None:
    """States by hand: total variation stays; the far end is where REML leaves zero."""
    rng = np.random.default_rng(6)
    sizes = rng.integers(8, 120, (3, 6))
    within = np.array([300.0, 2000.0, 40.0])
    states = States(sizes, rng.normal(1.0, 0.4, (3, 6)), within)
    study = PublishedStudy(states, states, states, seed=1)
    found = study.ends("absence_change")
    for d in range(3):
        n = sizes[d]
        grand = np.average(states.means[d], weights=n)
        deviation = states.means[d] - grand
        total = within[d] + n @ deviation**2
        low, high = (found[case][d] for case in ("lowest", "highest"))
        np.testing.assert_array_equal(low.sizes, n)
        np.testing.assert_allclose(low.means[:, 0], grand)
        np.testing.assert_allclose(low.within[0, 0], total)
        moved = high.means[:, 0] - grand
        factor = moved / deviation
        np.testing.assert_allclose(factor, factor[0])
        assert high.within[0, 0] + n @ moved**2 == pytest.approx(total)
        assert fit_reml(high).sd_group < 0.02 * fit_reml(high).sd_resid
        wider = Moments(
            "y", (), high.groups, high.sizes, grand + 1.03 * moved[:, None],
            high.within - (1.03**2 - 1) * (n @ moved**2), "industry",
        )  # fmt: skip
        assert fit_reml(wider).sd_group > 0.02 * fit_reml(wider).sd_resid


@pytest.mark.parametrize(("table", "outcome"), [("46", "change"), ("47", "mean")])
def test_a_table_of_another_outcome_is_refused(
    study: PublishedStudy, table: str, outcome: str
) -> None:
    spec = replace(spec_of(table, "q13"), outcome=f"absence_{outcome}")
    with pytest.raises(SpecError, match="that the report prints"):
        study.recover(spec)


def test_a_change_has_both_quarters_whatever_rule_is_asked_for(study: PublishedStudy) -> None:
    one, three = (
        study.recover(sf.ModelSpec("absence_change", min_quarters=least)).draws for least in (1, 3)
    )
    for first, second in zip(one, three, strict=True):
        np.testing.assert_array_equal(first.means, second.means)
    with pytest.raises(UsageError, match="min_quarters"):
        study.recover(sf.ModelSpec("absence_change", min_quarters=2))


def test_models_with_controls_are_refused(study: PublishedStudy) -> None:
    spec = sf.load_analysis("q13_controls").specs[0]
    with pytest.raises(SpecError, match="replica"):
        sf.fit(spec, study)
