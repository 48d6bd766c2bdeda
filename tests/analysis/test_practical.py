"""Practical size: against draws, against refits in other codings and units, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.contrast import (
    Contrast,
    contrast_posterior,
    find_contrast,
    widest_contrasts,
)
from bayes_sf.analysis.size.practical import Rope, exceedance, judge_size, judge_sizes
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from tests.conftest import FEW

ROPE = Rope(-0.5, 0.5, "pp")
WIDEST = find_contrast("q13", "widest")


@pytest.fixture(scope="module")
def sample() -> object:
    return sf.load_sample("replica")


@pytest.fixture(scope="module")
def q13(sample: object) -> sf.Result:
    return sf.fit(sf.load_analysis("q13").specs[0], sample)


# Contrasts


@pytest.mark.parametrize(
    ("term", "kind", "size", "label"),
    [
        ("q13", "step", 1.0, "one step of 5"),
        ("q13", "widest", 4.0, "very small extent to very large extent"),
        ("q14.1", "widest", 1.0, "not chosen to chosen"),
        ("q17[no]", "widest", 1.0, "yes to no"),
        ("q18[dont_know]", "widest", 1.0, "yes to don't know"),
        ("q21[other]", "widest", 1.0, "yes to other"),
    ],
)
def test_contrasts_of_the_codebook(term: str, kind: str, size: float, label: str) -> None:
    found = find_contrast(term, kind)
    assert (found.term, found.size) == (term, size)
    assert found.label.startswith(label[:6])
    assert (" to " in found.label) == (kind == "widest")


def test_every_preventive_item_has_a_widest_contrast_between_its_own_ends() -> None:
    book = load_codebook()
    for key in book.preventive:
        item = book.item(key)
        if item.kind in {"ordinal", "option"}:
            codes = [answer.code for answer in item.categories]
            assert find_contrast(key, "widest").size == max(codes) - min(codes)


def test_labels_in_norwegian() -> None:
    assert find_contrast("q17[no]", "widest", lang="nb").label == "fra «ja» til «nei»"


def test_yes_to_no_is_the_coefficient_of_a_no_dummy(sample: object) -> None:
    """The same model in a coding of our own: 1 is no."""
    result = sf.fit(sf.ModelSpec("absence_mean", predictors=("q17",)), sample)
    frame: pd.DataFrame = sample.frame  # type: ignore[attr-defined]
    usable = frame.dropna(subset=["absence_mean"])
    usable = usable[usable["q17"].isin(["yes", "no"]) & (usable["n_quarters"] >= 3)]
    coded = usable.assign(no=(usable["q17"] == "no").astype(float))
    again = sf.fit(sf.ModelSpec("absence_mean", predictors=("no",)), coded)
    ours = contrast_posterior(result, find_contrast("q17[no]", "widest"))
    theirs = again.fitted.coef.take([1])
    tails = [0.025, 0.5, 0.975]
    # Both integrate to 1e-9 on nodes of their own.
    np.testing.assert_allclose(ours.quantile(tails), theirs.quantile(tails), rtol=1e-6)


@pytest.mark.parametrize(
    ("term", "kind"),
    [("women_share", "widest"), ("q17[no]", "step"), ("q14.1", "step"), ("q13", "all")],
)
def test_what_is_not_in_the_codebook_must_be_said(term: str, kind: str) -> None:
    with pytest.raises(UsageError):
        find_contrast(term, kind)


@pytest.mark.parametrize("size", [0.0, float("nan"), float("inf")])
def test_a_contrast_moves(size: float) -> None:
    with pytest.raises(UsageError, match="size other than zero"):
        Contrast("q13", size, "nowhere")


def test_contrasts_that_cannot_be_meant(sample: object, q13: sf.Result) -> None:
    spec = sf.load_analysis("q13").specs[0]
    with pytest.raises(UsageError, match="no such predictor"):
        contrast_posterior(q13, find_contrast("q11[no]", "widest"))
    with pytest.raises(UsageError, match="exact"):
        contrast_posterior(sf.fit(spec, sample, engine="reml"), WIDEST)
    with pytest.raises(UsageError, match="predictor"):
        Contrast("(Intercept)", 1.0, "one")
    standard = sf.fit(replace(spec, standardize=("q13",)), sample)
    with pytest.raises(UsageError, match="standardises"):
        contrast_posterior(standard, WIDEST)
    assert np.isfinite(contrast_posterior(standard, Contrast("q13", 2.0, "2 sd")).mean()).all()


# Practical size


def test_probabilities_are_those_of_draws(q13: sf.Result) -> None:
    n = 15_000
    slope = q13.draws(n, seed=3)["posterior"]["beta"].sel(term="q13").to_numpy().ravel()
    found = judge_size(q13, WIDEST, ROPE)
    contrast = 4 * slope
    shares = {
        "p_inside": np.mean(np.abs(contrast) <= 0.5),
        "p_below": np.mean(contrast < -0.5),
        "p_above": np.mean(contrast > 0.5),
        "p_direction": np.mean(contrast < 0),
    }
    for name, share in shares.items():
        # Four Monte Carlo errors of a share, and one draw.
        assert abs(getattr(found, name) - share) <= 4 * np.sqrt(share * (1 - share) / n) + 1 / n
    np.testing.assert_allclose(
        [found.mean, found.lower, found.upper],
        [contrast.mean(), *np.quantile(contrast, [0.025, 0.975])],
        atol=0.09 * contrast.std(),  # four Monte Carlo errors of a 2.5 % quantile
    )
    assert (found.verdict, found.source, found.n) == ("undecided", "replica", 572)
    table = exceedance(q13, WIDEST, [-1.0, 0.25, 1.0]).set_index("amount")
    for amount in table.index:
        row = table.loc[amount]
        wanted = (contrast > amount, contrast < -amount, np.abs(contrast) >= amount)
        np.testing.assert_allclose(
            [row["p_above"], row["p_below"], row["p_at_least"]],
            [share.mean() for share in wanted],
            atol=4 * 0.5 / np.sqrt(n),
        )


def test_the_unit_of_the_predictor_changes_nothing() -> None:
    """bayestestR #559: 0 to 100 % in the region when the unit of a predictor changes."""
    rng = np.random.default_rng(4)
    x, g = rng.normal(size=120), np.repeat(list("abcd"), 30)
    df = pd.DataFrame({"y": 0.4 * x + rng.normal(size=120), "x": x, "g": g})
    spec = sf.ModelSpec("y", predictors=("x",), group="g", unit="pp")
    one = judge_size(sf.fit(spec, df), Contrast("x", 2.0, "two"), ROPE)
    thousand = sf.fit(spec, df.assign(x=1000 * df["x"]))
    other = judge_size(thousand, Contrast("x", 2000.0, "two"), ROPE)
    assert (one.verdict, one.p_inside) == (other.verdict, pytest.approx(other.p_inside, rel=1e-9))
    assert 0.01 < one.p_inside < 0.99
    step = judge_size(thousand, Contrast("x", 1.0, "a thousandth"), ROPE)
    assert step.verdict == "inside"  # which is why the contrast has to be stated


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-5.0, 5.0, "inside"),
        (-np.inf, 0.0, "inside"),
        (0.0, 1.0, "outside"),
        (-0.5, 0.5, "undecided"),
        (-1.0, -0.9, "undecided"),
    ],
)
def test_three_verdicts(q13: sf.Result, low: float, high: float, verdict: str) -> None:
    """95 % of the contrast is in about (-1.76, -0.10)."""
    found = judge_size(q13, WIDEST, Rope(low, high, "pp"))
    assert found.verdict == verdict
    assert found.p_inside + found.p_below + found.p_above == pytest.approx(1)


def test_what_is_not_stated_is_refused(q13: sf.Result) -> None:
    with pytest.raises(UsageError, match="no default"):
        judge_size(q13, WIDEST, None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="must be stated"):
        judge_size(q13, None, ROPE)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="unit, pp"):
        judge_size(q13, WIDEST, Rope(-0.005, 0.005, "fraction"))
    with pytest.raises(UsageError, match="must have a unit"):
        judge_size(replace(q13, spec=sf.ModelSpec("y", unit="")), WIDEST, ROPE)
    for ends in ((0.5, -0.5), (0.0, 0.0), (np.nan, 1.0), (-np.inf, np.inf)):
        with pytest.raises(UsageError, match="lower to a higher"):
            Rope(*ends, "pp")
    with pytest.raises(UsageError, match="between 0 and 1"):
        judge_size(q13, WIDEST, ROPE, prob=95)


def test_all_slopes_at_once(sample: object) -> None:
    every = sf.load_analysis("bivariate")
    some = tuple(spec for spec in every.specs if spec.name in FEW)
    results = sf.fit(replace(every, specs=some), sample)
    pairs = widest_contrasts(results.values())
    table = judge_sizes(pairs, ROPE)
    assert len(table) == 2 * (len(FEW) + 1), "one item has two contrasts"
    assert set(table["verdict"]) <= {"inside", "outside", "undecided"}
    estimates = results.estimates.set_index(["outcome", "model", "term"])
    estimates = estimates[estimates["group"] == ""]
    for row in table.itertuples():
        slope = estimates.loc[(row.outcome, row.model, row.term)]
        limits = sorted([row.size * slope["lower"], row.size * slope["upper"]])
        assert [row.lower, row.upper] == pytest.approx(limits, abs=1e-6)


def test_possible_data_sets_are_averaged(q13: sf.Result, sample: object) -> None:
    other = sf.fit(replace(q13.spec, min_quarters=8), sample)
    both = replace(q13, fitted=Posterior((*q13.fitted.parts, *other.fitted.parts)))
    names = ("p_inside", "p_below", "p_above")
    found = [[getattr(judge_size(r, WIDEST, ROPE), n) for n in names] for r in (q13, other, both)]
    assert found[0] != pytest.approx(found[1], abs=1e-3)
    np.testing.assert_allclose(found[2], np.mean(found[:2], axis=0), atol=1e-12)


def test_published_and_replica_agree(q13: sf.Result) -> None:
    """The replica returns the printed figures, so both routes see the same q13 up to rounding."""
    published = sf.fit(q13.spec, sf.load_sample("published"))
    one, other = judge_size(q13, WIDEST, ROPE), judge_size(published, WIDEST, ROPE)
    assert other.source == "published"
    # The printed slope is rounded to 0.001 and its SE of 0.101 too: 1 % of an sd in the mean and
    # 0.5 % in the sd, which moves a probability by less than 0.01.
    assert one.p_inside == pytest.approx(other.p_inside, abs=0.01)
    assert one.verdict == other.verdict
