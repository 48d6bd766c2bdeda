"""States of mean absence: what a point means, without a walk."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from bayes_sf.inputs.published import published_table
from bayes_sf.recovery.mean_states import EXTRA_SPREAD, _MeanStudy
from bayes_sf.recovery.printed import SELECTION, figures, printed_models
from bayes_sf.recovery.states import (
    States,
    log_printed,
    null_implied,
    predict_states,
    table_sizes,
)

TAU2, SIGMA2, GUESS = 3.5, 8.2, 5.0


@pytest.fixture(scope="module")
def study() -> _MeanStudy:
    """What `unpack` reads, and no more: to fit the tables takes seconds."""
    bare = _MeanStudy.__new__(_MeanStudy)
    bare.sizes = np.array([60, 150, 90, 40, 110, 122])
    bare.components = np.array([[TAU2, TAU2], [SIGMA2, SIGMA2]])
    bare.guess = GUESS
    bare.lost, bare.n_extra = np.array([3, 9, 6, 2, 7, 6]), 10
    return bare


EXTRA = np.array([[2.0, 3, 0, 1, 4, 0], [0.0, 0, 10, 0, 0, 0], [1.0, 1, 2, 2, 2, 2]])


def unpacked(study: _MeanStudy, seed: int = 1) -> tuple[np.ndarray, States, States]:
    point = np.random.default_rng(seed).normal(size=(3, 15))
    return point, *study.unpack(point, EXTRA)


def test_the_larger_sample_has_the_printed_components(study: _MeanStudy) -> None:
    """Whatever the point: REML of the null model returns them exactly."""
    _, _, large = unpacked(study)
    implied = null_implied(large)
    # `solve` stops at about 1e-5 of lambda
    np.testing.assert_allclose(implied.tau2, TAU2, rtol=2e-4)
    np.testing.assert_allclose(implied.sigma2, SIGMA2, rtol=2e-5)
    np.testing.assert_array_equal(large.sizes, study.sizes + EXTRA)


def test_the_intercept_is_the_guess_and_standard_errors_from_it(study: _MeanStudy) -> None:
    point, _, large = unpacked(study)
    implied = null_implied(large)
    expected = GUESS + point[:, 6] * implied.se[:, 0]
    np.testing.assert_allclose(implied.coef[:, 0], expected, rtol=1e-4)


def test_the_two_samples_differ_by_the_extra_workplaces(study: _MeanStudy) -> None:
    """The smaller and the ten make the larger: means, and sums of squares, by hand."""
    point, small, large = unpacked(study)
    middle, log_sd = EXTRA_SPREAD
    assert (middle, log_sd) == (2.0, 0.5)  # twice as wide, give or take a factor of exp(0.5)
    for d in range(3):
        own_df = EXTRA[d].sum() - (EXTRA[d] > 0).sum()
        spread = np.sqrt(SIGMA2) * 2.0 * np.exp(0.5 * point[d, 13])
        own = spread**2 * own_df * np.exp(point[d, 14] * np.sqrt(2 / own_df))
        between = 0.0
        for j, m in enumerate(EXTRA[d]):
            n = study.sizes[j]
            gap = spread * point[d, 7 + j] / np.sqrt(m) if m else 0.0
            ten = small.means[d, j] + gap
            joined = (n * small.means[d, j] + m * ten) / (n + m)
            assert large.means[d, j] == pytest.approx(joined)
            between += n * (small.means[d, j] - joined) ** 2 + m * (ten - joined) ** 2
        assert own + between < 0.9 * large.within[d]
        assert small.within[d] == pytest.approx(large.within[d] - own - between)


def test_what_the_ten_take_leaves_a_tenth(study: _MeanStudy) -> None:
    point = np.zeros((1, 15))
    point[0, :6], point[0, 13] = np.arange(6), 8.0
    small, large = study.unpack(point, EXTRA[:1])
    assert small.within[0] == pytest.approx(0.1 * large.within[0])


def test_prior_residuals_are_the_standard_normal_coordinates(study: _MeanStudy) -> None:
    point, *_ = unpacked(study)
    found = study.prior_residuals(point)
    np.testing.assert_allclose(found[:, 0], point[:, :6].mean(axis=1) / 0.1)
    np.testing.assert_allclose(found[:, 1], (point[:, :6].std(axis=1) - 1) / 0.1)
    np.testing.assert_array_equal(found[:, 2:], point[:, 7:])


def test_the_ten_come_from_those_that_table_8_misses(study: _MeanStudy) -> None:
    drawn = study.allocate(4000, np.random.default_rng(3))
    assert (drawn.sum(axis=1) == 10).all()
    assert (drawn <= study.lost).all()
    share = study.lost / study.lost.sum()
    # a hypergeometric count has an sd of at most 1.5 here: 5 standard errors
    np.testing.assert_allclose(drawn.mean(axis=0), 10 * share, atol=5 * 1.5 / np.sqrt(4000))


def test_tables_give_sizes_and_who_is_missing() -> None:
    rows = published_table("8")
    counts = rows[rows["industry"] != "total"]["count"].astype(int)
    np.testing.assert_array_equal(table_sizes("8"), counts)


def test_log_probability_of_printed_figures_is_that_of_their_intervals() -> None:
    """One model, one state: normal probabilities of the two intervals, and the floor."""
    model = printed_models("46")[0]
    sizes = table_sizes("8")[None]
    states = States(sizes, np.array([[4.0, 5, 6, 7, 8, 5.5]]), np.array([8.0 * sizes.sum()]))
    shape = (len(model.t), 5)
    bias, sd = np.full(shape, 0.02), np.full(shape, 0.7)
    found = log_printed((model,), states, {(model.table, model.item): (bias, sd)})
    value = figures(predict_states((model,), states)[0])[0] + 0.02
    pairs = [(value[k, 0], model.estimate[k]) for k in range(shape[0])]
    pairs.append((value[0, 2], model.allowed[0, 2]))
    norm = stats.norm(scale=0.7)
    inside = [norm.cdf(high - v) - norm.cdf(low - v) for v, (low, high) in pairs]
    assert found[0] == pytest.approx(np.log(np.maximum(inside, 1e-4)).sum())
    sure = log_printed((model,), states, {(model.table, model.item): (bias + 1e3, sd)})
    assert sure[0] == pytest.approx(len(pairs) * np.log(1e-4))


def test_figures_are_estimate_error_t_and_interval() -> None:
    b, s = np.array([[2.0, -0.3]]), np.array([[0.5, 0.1]])
    found = figures(SimpleNamespace(coef=b, se=s))  # type: ignore[arg-type]
    reach = stats.norm.ppf(0.975)
    by_hand = [[b[0, k], s[0, k], b[0, k] / s[0, k], b[0, k] - reach * s[0, k],
                b[0, k] + reach * s[0, k]] for k in range(2)]  # fmt: skip
    np.testing.assert_allclose(found, [by_hand])


def test_means_of_those_who_answered_move_as_random_subsets_do() -> None:
    """Sampling without replacement: the variance of a mean of n of N is sigma^2 (1/n - 1/N)."""
    model = next(m for m in printed_models("46") if not m.answers.complete)
    sizes, y_means = table_sizes("8"), np.array([4.0, 5, 6, 7, 8, 5.5])
    df = sizes.sum() - 6
    drawn = model.draw(sizes, y_means, 8.0 * df, 3000, np.random.default_rng(4))
    variance = 8.0 * (1 / drawn.sizes - 1 / sizes)
    there = variance > 0
    z = (drawn.y_means - y_means)[there] / np.sqrt(variance[there])
    assert z.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * z.size))
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    own_df = (drawn.sizes - 1).sum(axis=1)
    left_out = 1 - own_df / df
    spread = np.sqrt(2 / own_df * left_out + (SELECTION * left_out) ** 2)
    some = left_out > 0
    z = np.log(drawn.y_within / (8.0 * own_df))[some] / spread[some]
    assert z.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * z.size))
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
