"""How the replica is made, stage by stage, with searches cut short: a minute's work in seconds.

That seed 1 gives the committed files is a slow test (`test_replica.py`). Here every stage
runs once, with few draws and steps; what it must hold is checked, and what it gives is compared
with `references/replica/stages.csv`: of each array the size, the sum, and a sum with uneven
weights, so that no element can change and no two can be exchanged. After a change that is meant,
`uv run python tests/replica/test_replica_stages.py` writes the file anew.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import scalar
from bayes_sf.replica import tuning
from bayes_sf.replica.controls import draw_covariates
from bayes_sf.replica.make import _returned, _survey
from bayes_sf.replica.misses import compare
from bayes_sf.replica.published import recover
from bayes_sf.replica.published.models import models, null_model
from bayes_sf.replica.published.recover import ChangeMoments
from bayes_sf.replica.register import outcomes
from bayes_sf.replica.register.extracts import HEAD_COUNT, build_extracts, draw_numbers
from bayes_sf.replica.register.rates import AFTER, BEFORE, draw_gaps, draw_rates, kendall_tau
from bayes_sf.replica.survey import allocation, costs
from bayes_sf.replica.survey.answers import NOT_ASKED, questions
from bayes_sf.replica.survey.respondents import answer, draw_traits
from bayes_sf.replica.survey.strata import Stratum, workplaces
from bayes_sf.resources import data_dir

KEPT = Path(__file__).parents[1] / "references" / "replica" / "stages.csv"
#: Items whose counts are allocated: with two answers, with five, with a filter, of three terms.
ITEMS = ("q16.1", "q13", "q17", "q21", "q20r3")
#: What seed 1 recovers, so that nobody scans for it here.
CHANGE = ChangeMoments(0.57, 419 * 5.41**2)


def made() -> dict[str, Any]:
    """Every stage's result, by name."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (allocation, "_DRAWS", 12), (allocation, "_STARTS", 1), (allocation, "_PAIRS", 8),
            (allocation, "_ROUNDS", 1), (recover, "_SEARCH_STEPS", 1), (tuning, "_PROPOSALS", 40),
            (tuning, "_NEWTON_STEPS", 2), (outcomes, "_STEPS", 2),
            (costs, "_SPREADS", (1.0, 0.8)), (recover, "_NEWTON_STEPS", 1),
            (tuning, "change_moments", lambda: CHANGE), (costs, "change_moments", lambda: CHANGE),
        ):  # fmt: skip
            patch.setattr(module, name, value)
        every = allocation._Search.steps
        patch.setattr(allocation._Search, "steps", lambda search: every(search)[::29])
        table = recover.bivariate("46")
        items = load_codebook().items
        gates = {each.asked_if.item for key in ITEMS if (each := items[key]).asked_if}
        some = {key: table[key] for key in table if key in {*ITEMS, *gates}}
        patch.setattr(
            allocation, "bivariate", lambda name: some if name == "46" else recover.bivariate(name)
        )
        return _stages(np.random.default_rng(11))


def _stages(rng: np.random.Generator) -> dict[str, Any]:
    places = workplaces()
    allocations, moments = allocation.allocate(rng)
    traits = draw_traits(rng)
    answers = answer(rng, allocations, traits)
    drawn = draw_covariates(rng, traits)
    covariates = tuning.tune(rng, drawn, answers)
    by_mean = models("absence_mean", answers, covariates)
    by_change = models("absence_change", answers, covariates)
    first = outcomes.draw_mean(traits, moments)
    mean = outcomes.solve_mean(first, [*by_mean[::9], null_model(places.linked)])
    start = outcomes.draw_change(rng, traits, mean, CHANGE)
    change = outcomes.solve_change(start, by_change[::9], traits, mean)
    gaps = draw_gaps(rng, traits, mean, change)
    rates = draw_rates(rng, gaps, mean, change)
    numbers = draw_numbers(rng, len(places.industry) + 6)
    extracts = build_extracts(rng, numbers, covariates, rates, gaps)
    returned, again = _returned(numbers, *extracts)
    misses, compared = compare(by_mean[:4], mean)
    return {
        "allocations": allocations, "moments": moments, "traits": traits, "answers": answers,
        "drawn": drawn, "covariates": covariates, "by_mean": by_mean, "by_change": by_change,
        "first": first, "mean": mean, "start": start, "change": change, "gaps": gaps,
        "rates": rates, "numbers": numbers, "extracts": extracts, "returned": returned,
        "again": again, "misses": misses, "compared": compared,
        "survey": _survey(numbers, answers),
    }  # fmt: skip


def arrays(stages: dict[str, Any]) -> dict[str, np.ndarray]:
    """Everything that a stage gives, as numbers."""
    found = {
        "moments.means": stages["moments"].means,
        "moments.within": np.array([stages["moments"].within]),
        "traits": stages["traits"].values,
        "numbers": np.array([float(number) for number in stages["numbers"]]),
        "misses": np.array([len(stages["misses"]), stages["compared"]]),
    }
    found |= {name: stages[name] for name in ("first", "mean", "start", "change", "rates")}
    found |= {f"gaps.{name}": getattr(stages["gaps"], name) for name in ("observed", "row")}
    found |= {f"returned.{name}": values for name, values in stages["returned"].items()}
    for key, counts in stages["allocations"].items():
        found |= {f"{key}.unlinked": counts.unlinked, f"{key}.change": counts.change}
    found |= {f"answers.{key}": codes for key, codes in stages["answers"].items()}
    for name in ("drawn", "covariates", "again"):
        found[name] = stages[name].values(np.ones(605, dtype=bool))
    for name in ("by_mean", "by_change"):
        found[name] = np.concatenate([model.design.ravel() for model in stages[name]])
        found[f"{name}.rows"] = np.concatenate([model.rows for model in stages[name]])
    for number, extract in enumerate(stages["extracts"]):
        for column in extract:
            found[f"extract{number}.{column}"] = extract[column].astype(float).to_numpy()
    return found


def fingerprints(stages: dict[str, Any]) -> pd.DataFrame:
    """Size, sum and weighted sum of each array."""
    rows = []
    for name, array in arrays(stages).items():
        values = np.nan_to_num(np.asarray(array, dtype=float).ravel(), nan=-7.0)
        weight = np.cos(np.arange(len(values)))
        rows.append((name, len(values), values.sum(), values @ weight))
    return pd.DataFrame(rows, columns=["array", "size", "sum", "weighted"]).set_index("array")


@pytest.fixture(scope="module")
def stages() -> dict[str, Any]:
    return made()


def test_every_stage_gives_what_is_recorded(stages: dict[str, Any]) -> None:
    ours, kept = fingerprints(stages), pd.read_csv(KEPT, index_col="array")
    assert list(ours.index) == list(kept.index)
    assert (ours["size"] == kept["size"]).all()
    # weights cancel what the sum adds up, so both are judged by the larger
    scale = np.maximum(kept["sum"].abs(), kept["weighted"].abs())
    for column in ("sum", "weighted"):
        apart = ((ours[column] - kept[column]).abs() / (1e-9 + scale)).rename("apart")
        assert apart.max() < 1e-6, f"{apart.idxmax()} differs first among {column}"


def test_surprise_of_large_counts_is_two_hundredths_of_pearsons_statistic() -> None:
    rng = np.random.default_rng(5)
    expected = rng.uniform(2e5, 4e5, (6, 4))
    counts = rng.poisson(expected, (3, 6, 4))
    for table, found in zip(counts, costs.surprise(counts, expected), strict=True):
        scaled = expected * table.sum() / expected.sum()
        wanted = stats.chisquare(table.ravel(), scaled.ravel()).statistic
        assert costs.surprise(table, scaled) == pytest.approx(0.02 * wanted, rel=1e-5)
        assert found == costs.surprise(table, expected)
    assert costs.surprise(expected, expected) == 0
    # one more than one that is expected, and one where none is: 1/1.5 and 1/0.5
    assert costs.surprise(np.array([[2, 1]]), np.array([[1.0, 0.0]])) == pytest.approx(0.16 / 3)


@pytest.mark.parametrize("key", ["q16.1", "q13", "q21"])
def test_cost_of_a_change_is_that_of_least_squares_on_such_outcomes(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes made with the printed t of every slope: the rest is read off their regression."""
    question, seen = questions()[key], []
    target = recover.bivariate("47")[key]
    monkeypatch.setattr(costs, "change_moments", lambda: CHANGE)

    def distance(t: Any, se: Any, *_: Any) -> Any:
        seen.append((t, se))
        return np.zeros(len(t))

    monkeypatch.setattr(costs, "_distance", distance)
    costs.change_cost(question, question.counts[None])
    (t, se), *_ = seen  # without narrowing
    score = recover.scores(question, len(target.t))
    kept = ~np.isnan(score).any(axis=1)
    x = np.repeat(score[kept], question.counts.sum(axis=0)[kept], axis=0)
    x = np.column_stack([np.ones(len(x)), x])
    n, k = x.shape
    inverse = np.linalg.inv(x.T @ x)
    noise = np.random.default_rng(1).normal(size=n)
    noise -= x @ (inverse @ (x.T @ noise))
    noise *= np.sqrt((n - k) / (noise @ noise))  # residual variance 1
    y = x[:, 1:] @ (target.t[1:] * np.sqrt(np.diag(inverse)[1:])) + noise
    y *= np.sqrt(CHANGE.total * n / question.counts.sum() / ((y - y.mean()) ** 2).sum())
    y += CHANGE.mean - y.mean()
    b = inverse @ x.T @ y
    error = np.sqrt(((y - x @ b) ** 2).sum() / (n - k) * np.diag(inverse))
    np.testing.assert_allclose(b[1:] / error[1:], target.t[1:])
    np.testing.assert_allclose(se[0], error, rtol=1e-7)  # 1e-9 is added to the cross products
    np.testing.assert_allclose(t[0], b[0] / error[0], rtol=1e-6)


def test_distance_counts_tolerances_of_t_and_widths_outside_a_range() -> None:
    target = recover.bivariate("47")["q21"]
    strict = costs.Strictness(0.0, t=0.1, of_intercept=3.0, of_slopes=5.0)
    low, width = target.se_low, target.se_high - target.se_low
    for off, wanted in (
        ([0.0, 0.5, 1.0], 0.0), ([1.5, 0, 0], 0.75), ([0, -2.0, 0], 20.0), ([0, 0, 3.0], 20.0),
        ([-1.0, 2.0, -0.5], 9.25),
    ):  # fmt: skip
        found = costs._distance(target.t[0] + 0.2, low + np.array(off) * width, target, strict)
        assert found == pytest.approx(wanted + 4, rel=1e-9)


def test_allocated_counts_fit_the_tables(stages: dict[str, Any]) -> None:
    """Of every industry as many as are unlinked, or of the 420; never more than answered so."""
    places = workplaces()
    for key, counts in stages["allocations"].items():
        for part, mask in ((counts.unlinked, ~places.linked), (counts.change, places.change)):
            sizes = np.bincount(places.industry[mask], minlength=6)
            np.testing.assert_array_equal(part.sum(axis=1), sizes)
            assert (part >= 0).all()
        assert (counts.unlinked + counts.change <= questions()[key].counts).all()


def test_answers_are_the_counts_and_respect_filters(stages: dict[str, Any]) -> None:
    places, answers, items = workplaces(), stages["answers"], load_codebook().items
    for key, question in questions().items():
        for column, code in enumerate(question.codes):
            unchosen = code == 0 and "." in key  # those not asked are counted with them
            if code != NOT_ASKED and not unchosen and not key.startswith(("q10.", "q12.")):
                found = np.bincount(places.industry[answers[key] == code], minlength=6)
                np.testing.assert_array_equal(found, question.counts[:, column], key)
        rule = items[key].asked_if
        if rule is not None:
            codes = [items[rule.item].category(name).code for name in rule.any_of]
            asked = np.isin(answers[rule.item], codes)
            assert (answers[key][~asked] == NOT_ASKED).all()
            assert (answers[key][asked] != NOT_ASKED).all()
    bare = places.stratum == Stratum.CHANGE_BARE
    assert (answers["q17"][bare] != 2).all()


def test_gaps_are_as_many_as_the_report_counts(stages: dict[str, Any]) -> None:
    places, gaps = workplaces(), stages["gaps"]
    count = gaps.observed.sum(axis=1)
    linked = count[places.linked]
    assert (count[~places.linked] == 0).all()
    assert (linked < 20).sum() == scalar("n_with_gaps")
    assert (linked < scalar("few_quarters")).sum() == scalar("n_few_quarters")
    assert (linked < 3).sum() == scalar("n_one_or_two_quarters")
    ends = gaps.observed[:, [BEFORE, AFTER]].all(axis=1)
    np.testing.assert_array_equal(ends, places.change)
    assert (gaps.row | ~gaps.observed).all()


def test_rates_have_the_means_changes_and_trend(stages: dict[str, Any]) -> None:
    places, rates, observed = workplaces(), stages["rates"], stages["gaps"].observed
    np.testing.assert_array_equal(np.isfinite(rates), observed)
    assert np.nanmin(rates) >= 0
    mean = np.nanmean(rates[places.linked], axis=1)
    np.testing.assert_allclose(mean, stages["mean"][places.linked], rtol=1e-9)
    change = (rates[:, AFTER] - rates[:, BEFORE])[places.change]
    np.testing.assert_allclose(change, stages["change"][places.change], atol=1e-9)
    trend = kendall_tau(rates, observed)[places.change]
    wanted = scalar("pearson_change_trend")
    assert np.corrcoef(trend, change)[0, 1] == pytest.approx(wanted, abs=2e-3)


def test_extracts_give_back_what_they_were_made_of(stages: dict[str, Any]) -> None:
    """Outcomes to a millionth of a percentage point; shares to their last digit."""
    places, returned = workplaces(), stages["returned"]
    linked, change = places.linked, places.change
    apart = returned["absence_mean"][linked] - stages["mean"][linked]
    assert np.abs(apart).max() < 2e-6
    apart = returned["absence_change"][change] - stages["change"][change]
    assert np.abs(apart).max() < 2e-6
    for name in ("women_share", "senior_share", HEAD_COUNT):
        ours, theirs = getattr(stages["again"], name), getattr(stages["covariates"], name)
        seen = linked & np.isfinite(ours)
        assert seen.sum() >= 516
        np.testing.assert_allclose(ours[seen], theirs[seen], atol=1e-4)
    one, two = stages["extracts"]
    numbers = [set(each["org_nr"]) for each in (one, two)]
    assert [len(each) for each in numbers] == [
        scalar("n_file_workplace_number"),
        scalar("n_file_enterprise_number"),
    ]
    assert len(numbers[0] & numbers[1]) == scalar("n_duplicates")


def test_the_survey_has_the_columns_of_the_committed_copy_and_every_answer(
    stages: dict[str, Any],
) -> None:
    survey, answers = stages["survey"], stages["answers"]
    kept = pd.read_csv(data_dir() / "replica" / "survey.csv", nrows=0)
    assert list(survey) == list(kept)
    assert survey["org_nr"].is_monotonic_increasing
    rows = survey.set_index("org_nr").loc[stages["numbers"][: len(survey)]]
    for key in [name for name in survey if name in answers]:
        np.testing.assert_array_equal(rows[key], answers[key])


if __name__ == "__main__":
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    fingerprints(made()).to_csv(KEPT, lineterminator="\n")
    sys.stdout.write(f"{KEPT}\n")
