"""Recorded calls of the recovery: printed models, states, points of the walk, ICCs from prints."""

from functools import cache, partial
from typing import Any

import numpy as np

import bayes_sf as sf
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.recovery.answers import item_answers, surveyed
from bayes_sf.recovery.change_states import boundary_region, change_states
from bayes_sf.recovery.implied import solve
from bayes_sf.recovery.least_squares import gauss_newton, jacobian
from bayes_sf.recovery.mean_states import _MeanStudy
from bayes_sf.recovery.printed import figures, predict, printed_models
from bayes_sf.recovery.refine import refine
from bayes_sf.recovery.region import coefficient_region
from bayes_sf.recovery.reread.null import read_null
from bayes_sf.recovery.reread.versions import NullPrint, draw_sizes, draw_versions
from bayes_sf.recovery.states import States, log_printed, nuisance, null_implied, predict_states
from bayes_sf.spec.analysis import load_analysis
from tests.recorded.values import refused


@cache
def _states() -> States:
    """Three possible studies."""
    rng = np.random.default_rng(5)
    sizes = surveyed()[1] - rng.integers(1, 9, (3, 6))
    return States(sizes, rng.normal(6, 1.5, (3, 6)), rng.uniform(3000.0, 4000.0, 3))


def of_states() -> Any:
    rng = np.random.default_rng(6)
    models = printed_models("46")[:2]
    noise = [nuisance(model, _states(), rng, draws=4) for model in models]
    return [
        null_implied(_states()), predict_states(models, _states()),
        refused(lambda: log_printed(models, _states(), noise)), noise,
    ]  # fmt: skip


def drawn_of(model: Any, rng: Any) -> Any:
    """Three samples of a model's workplaces."""
    one = _states().take(np.array([0]))
    return model.draw(one.sizes[0], one.means[0], float(one.within[0]), 3, rng)


def of_printed_models() -> Any:
    rng = np.random.default_rng(7)
    found: list[Any] = []
    for table in ("46", "47"):
        models = printed_models(table)[:3]
        found.append(models)
        state = _states()
        args = np.asarray(state.sizes, float), state.means, state.within
        found.append(refused(lambda m=models, a=args: predict(m, *a)))
        for model in models[:2]:
            drawn = drawn_of(model, rng)
            found += [drawn, solve(drawn), figures(solve(drawn))]
            found.append(refused(lambda m=model: m.expected(args[0])))
    return found


def of_mean_study() -> Any:
    bare = _MeanStudy.__new__(_MeanStudy)
    bare.sizes = np.array([60, 150, 90, 40, 110, 122])
    bare.components = np.array([[3.5, 3.5], [8.2, 8.2]])
    bare.guess = 5.0
    bare.lost, bare.n_extra = np.array([3, 9, 6, 2, 7, 6]), 10
    rng = np.random.default_rng(1)
    extra = bare.allocate(3, rng)
    point = rng.normal(size=(3, 15))
    return [
        extra, bare.unpack(point, np.asarray(extra, float)), refused(lambda: bare.prior_residuals(point)),
        refused(lambda: bare.residuals(point, extra)), refused(lambda: bare.log_posterior(point, extra)),
    ]  # fmt: skip


def of_change() -> Any:
    rng = np.random.default_rng(3)
    return boundary_region(np.array([60, 150, 90, 40, 110, 122]), 5, rng), change_states(3, rng)


def of_answers() -> Any:
    book = load_codebook()
    found = {key: item_answers(book, key) for key in ("q13", "q17", "q14.1", "q19r1", "q21")}
    return surveyed(), found, refused(lambda: item_answers(book, "q99"))


def of_study() -> Any:
    study = sf.load_sample("published").first(2)
    specs = [s for s in load_analysis("bivariate").specs if s.name in {"q13", "q17", "q16.1"}]
    specs += [
        sf.ModelSpec(o, min_quarters=q) for o in ("absence_mean", "absence_change") for q in (1, 3)
    ]
    odd = [
        sf.ModelSpec("absence_mean", ("q13", "q17")), sf.ModelSpec("absence_mean", min_quarters=2),
        sf.ModelSpec("absence_trend"), sf.ModelSpec("absence_mean", ("q99",)),
    ]  # fmt: skip
    return [
        [refused(lambda s=s: study.recover(s)) for s in specs[:4]],
        [refused(lambda s=s: study.moments(s)) for s in (*specs, *odd)],
        [refused(lambda s=s: study.check(s)) for s in (*specs, *odd)],
        study.ends("absence_change"), refused(lambda: study.ends("absence_mean")), study.industries,
        study.states("46"), refused(lambda: study.states("99")),
    ]  # fmt: skip


def of_refined() -> Any:
    model = printed_models("46")[0]
    return refine(model, drawn_of(model, np.random.default_rng(2)), _states().sizes)


def of_least_squares() -> Any:
    def residuals(x: Any) -> Any:
        return np.stack([x[:, 0] ** 2 - 2, 3 * (x[:, 1] - x[:, 0]), x[:, 1]], axis=1)

    start = np.array([[1.0, 0.5], [2.0, 2.0]])
    return gauss_newton(residuals, start, steps=4), jacobian(residuals, start)


def of_regions() -> Any:
    figures_of = [
        {"estimate": (0.0195, 0.0205), "se": (0.0085, 0.0095)},
        {"estimate": (-0.55, -0.45), "se": (0.15, 0.25), "t": (-2.6, -2.4)},
        {"estimate": (0.1, 0.2), "se": (0.05, 0.06), "ci_low": (0.0, 0.02), "ci_high": (0.2, 0.3)},
        {"estimate": (0.1, 0.2), "se": (0.0, 0.01), "t": (5.0, 6.0)},
        {"estimate": (-0.005, 0.005), "se": (0.1, 0.2), "t": (0.0, 0.05)},
    ]  # fmt: skip
    return [refused(lambda f=f: coefficient_region(**f)) for f in figures_of]


def of_printed_iccs() -> Any:
    given: list[dict[str, Any]] = [
        {"icc": "0.05", "n": 200, "groups": 10}, {"icc": "0.00", "n": 120, "groups": 6},
        {"icc": "0.21", "n": 90, "groups": 9, "balanced": True, "estimator": "ML"},
        {"icc": "0.12", "n": 60, "groups": 4, "sizes": (10, 20, 20, 10), "level": 0.9},
        {"icc": "1.2", "n": 60, "groups": 4}, {"icc": "0.1", "n": 3, "groups": 4},
        {"icc": "0.1", "n": 60, "groups": 1}, {"icc": "0.1", "n": 60, "groups": 2},
        {"icc": "0.1", "n": 60, "groups": 3, "level": 1.0}, {"icc": "x", "n": 60, "groups": 3},
        {"icc": "0.1", "n": 60, "groups": 3, "sizes": (10, 20)}, {"icc": "0.1", "n": 61, "groups": 3, "balanced": True},
    ]  # fmt: skip
    return [refused(lambda g=g: sf.icc_posterior(**g)) for g in given]


def of_versions() -> Any:
    rng = np.random.default_rng(4)
    prints = [
        NullPrint(200, 10, icc=(0.045, 0.055)), NullPrint(200, 10, icc=(0.045, 0.055), se=(0.2, 0.25)),
        NullPrint(100, 5, icc=(0.0, 0.005)), NullPrint(100, 5, icc=(0.2, 0.21), smallest=8, largest=40),
        NullPrint(100, 4, icc=(0.2, 0.21), sizes=(10.0, 20.0, 30.0, 40.0), reliability=(0.5, 0.9)),
    ]  # fmt: skip
    found: list[Any] = [
        refused(lambda p=p, ml=ml: draw_versions(p, seed=1, ml=ml, draws=4))
        for p in prints
        for ml in (True, False)
    ]
    found += [
        refused(lambda p=p: draw_versions(p, seed=2, draws=3, zero=z))
        for p in prints[2:3]
        for z in ("drawn", "lowest")
    ]
    sizes = [draw_sizes(rng, 50, 5, np.array([0.0, 0.5, 1.5]), low=low, high=high)
             for low, high in ((1, None), (3, 20))]  # fmt: skip
    return [*found, sizes, refused(partial(read_null, prints[0], "0.05", level=0.8))]
