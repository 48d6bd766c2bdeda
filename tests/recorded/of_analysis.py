"""Recorded calls of the analyses, of small frames and of the replica."""

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.analysis.asked.comparisons import comparisons, slopes
from bayes_sf.analysis.asked.hypothesis import hypothesis
from bayes_sf.analysis.asked.predictions import poststratify, predict
from bayes_sf.analysis.checks.loo import loo
from bayes_sf.analysis.checks.model_fit import check_fit
from bayes_sf.analysis.checks.pit import even_p, loo_pit
from bayes_sf.analysis.checks.unseen import unseen
from bayes_sf.analysis.choices.multiverse import choice_shares, explore, option_means
from bayes_sf.analysis.choices.selection import select_cases
from bayes_sf.analysis.contrast import Contrast
from bayes_sf.analysis.group_slopes import group_lines, group_slopes
from bayes_sf.analysis.missing.completed import completed_sets
from bayes_sf.analysis.missing.imputation import study_complete
from bayes_sf.analysis.missing.mnar import completed_posterior, delta_effects
from bayes_sf.analysis.missing.tipping import tipping_points
from bayes_sf.analysis.printed.check import check_tables
from bayes_sf.analysis.printed.size import designs_of, judge_printed, slopes_of
from bayes_sf.analysis.ranking import end_probabilities
from bayes_sf.analysis.size.days_lost import Workforce
from bayes_sf.analysis.size.multiplicity import collect_slopes, pool_slopes
from bayes_sf.analysis.size.planning import plan_precision
from bayes_sf.analysis.size.power import Effects
from bayes_sf.engines.fit import rows_of
from bayes_sf.engines.panel.draws import complete
from bayes_sf.engines.panel.quantities import realised
from bayes_sf.inputs.printed.folder import read_published
from bayes_sf.recovery.reread.report import reread
from bayes_sf.spec.multiverse import Multiverse, report_choices
from tests.recorded.frames import gaps, outcomes, rows
from tests.recorded.of_engines import exact, fit, imputed, maximum, panel, sampled
from tests.recorded.values import refused

ROOT = Path(__file__).parents[1]
#: One result of every kind.
_KINDS: dict[str, Any] = {
    "exact": exact, "mixed": lambda: fit("y ~ x + (1 + x | g)", engine="reml"),
    "varying": lambda: sampled("varying"), "hurdle": lambda: sampled("hurdle"),
    "binomial": lambda: maximum("binomial"),
    "sets": lambda: sf.fit("y ~ x + c + (1 | g)", imputed().frames, engine="reml"),
}  # fmt: skip


@cache
def _kind(name: str) -> Any:
    return _KINDS[name]()


def _each(call: Any) -> dict[str, Any]:
    """A call of every kind of result, or what it is refused with."""
    return {name: refused(lambda name=name: call(_kind(name))) for name in _KINDS}


# What is asked of a result ------------------------------------------------------------------------


def of_predict() -> Any:
    new = pd.DataFrame({
        "x": [0.0, 2.5], "z": [0.3, -1.0], "c": ["low", "top"], "o": ["often", "never"],
        "g": ["b", "new"], "h": ["p", "q"], "trials": [4, 6], "m": [1.0, 2.0],
    })  # fmt: skip
    given = [
        {"new": new, "groups": "none"}, {"new": new.head(1)}, {"new": new, "groups": "new"},
        {"new": new.head(1), "kind": "outcome"}, {"by": "g"}, {"at": {"x": [1.0, 2.0]}},
        {"new": new.head(1), "scale": "link"},
    ]  # fmt: skip
    return [_each(lambda r, o=o: predict(r, **o)) for o in given]


def of_comparisons() -> Any:
    given: list[dict[str, Any]] = [
        {}, {"variables": {"x": (0.0, 2.0)}}, {"variables": "x", "average": False},
        {"variables": "x", "by": "g"}, {"variables": "x", "groups": "known"},
    ]  # fmt: skip
    return [_each(lambda r, o=o: comparisons(r, **o)) for o in given]


def of_slopes() -> Any:
    return [_each(slopes), _each(lambda r: slopes(r, "x", at={"x": [0.0, 1.0]}, average=True))]


def of_hypothesis() -> Any:
    claims = [
        "x > 0", "x < 0.3", "2*x = 0.5", "x - 0.1 > 0.2", "2 * x - 3*(Intercept) > 0.5*x", "-x < -1",
        "x / 2 > 1", "0.2 < x", "|x| < 0.5", "-0.1 < x < 0.4", "x + c[mid] > c[top]", "x >", "xx > 0",
        "x > 0 > 1", "x_1 > 0", "x * x > 0", "x =! 0", "x != 0", "", "abs(2*x) > 1", "-2*|x| < 1",
    ]  # fmt: skip
    one = _kind("exact")
    found = [_each(lambda r, c=c: hypothesis(r, c)) for c in claims[:3]]
    return [*found, [refused(lambda c=c: hypothesis(one, c)) for c in claims]]


def of_poststratify() -> Any:
    cells = pd.DataFrame({
        "x": [1.0, 2.0, 3.0], "c": ["low", "mid", "top"], "g": ["a", "b", "b"],
        "h": ["p", "q", "p"], "z": 0.1, "o": "often", "m": 1.0, "trials": 5, "count": [10, 20, 5],
    })  # fmt: skip
    return _each(lambda r: poststratify(r, cells, count="count")), _each(
        lambda r: poststratify(r, cells, count="count", by="h")
    )


def of_tidied() -> Any:
    found = [_each(sf.tidy), _each(sf.glance), _each(sf.augment), _each(sf.r2)]
    return [*found, _each(lambda r: sf.tidy(r, "ran_vals")), _each(lambda r: sf.tidy(r, "fixed"))]


def of_tables_of_others() -> Any:
    keys = ("N", "aic", "r2", "no", "sigma", "ll", "bic", "nobs")
    return [
        _each(lambda r: r.__maketables_coef_table__),
        _each(lambda r: [r.__maketables_stat__(key) for key in keys]),
    ]


def of_refused() -> Any:
    """Wrong questions, one after the other."""
    one, reml = _kind("exact"), fit("y ~ x + z + (1 | g)", engine="reml")
    two = Contrast("x", 2.0, "two")
    calls: list[Any] = [
        lambda: predict(one, groups="no"), lambda: predict(one, kind="no"), lambda: predict(one, at={"no": 1}),
        lambda: predict(one, pd.DataFrame({"x": [1.0]})), lambda: predict(one, by="no"), lambda: predict(3),
        lambda: predict(one, scale="no"), lambda: predict(one, groups={"no": "known"}), lambda: slopes(one, "c"),
        lambda: slopes(one, "no"), lambda: comparisons(one, "no"), lambda: comparisons(one, {"x": (1.0,)}),
        lambda: comparisons(one, {"c": ("low", "no")}), lambda: comparisons(one, groups="no"),
        lambda: poststratify(one, rows(), count="no"), lambda: poststratify(one, rows(), count="y"),
        lambda: sf.tidy(one, "no"), lambda: loo(reml), lambda: loo_pit(reml), lambda: check_fit(reml, seed=1),
        lambda: sf.attenuation(reml, "no"), lambda: sf.attenuation(reml, "x", reliability=(1.1,)),
        lambda: sf.attenuation(reml, "x", reliability=(0.0,)), lambda: sf.confounding(reml, step=0.0),
        lambda: sf.confounding(reml, step=-1.0), lambda: sf.bootstrap(reml, draws=1), lambda: sf.bootstrap(one),
        lambda: sf.variance_test(one), lambda: sf.variance_test(reml, draws=0),
        lambda: sf.cluster_robust(reml, weights="no"), lambda: sf.cluster_robust(reml, draws=1),
        lambda: sf.cluster_robust(reml, cluster="no"), lambda: sf.cluster_robust(3),
        lambda: sf.influence(one.spec, rows()), lambda: sf.influence(one.spec, rows(), contrast=two, smallest=0),
        lambda: sf.sensitivity(one.spec, rows(), parts=("no",)), lambda: sf.sensitivity(one.spec, rows(), contrast="no"),
        lambda: sf.sensitivity(one.spec, rows(), parts=("size",)).left_out, lambda: sf.sensitivity(3, rows()),
        lambda: sf.sensitivity(one.spec, rows(), rope=sf.Rope(-1, 1, "pp"), parts=("prior",)),
        lambda: sf.Rope(1.0, -1.0, "pp"), lambda: sf.Rope(0.0, 0.0, "pp"), lambda: sf.Rope(np.nan, 1.0, "pp"),
        lambda: Contrast("x", 0.0, "none"), lambda: Contrast("x", np.inf, "far"), lambda: Workforce({}, 40),
        lambda: Workforce({"a": 0.0}, 40), lambda: Workforce({"a": 1.0}, 0), lambda: Workforce({"a": -1.0}, 4),
        lambda: Effects((0.0,)), lambda: Effects(()), lambda: Effects((-1.0,)), lambda: Effects((1.0, 2.0), (1.0,)),
        lambda: plan_precision(one, two, industries=(1,), per_industry=(10,)),
        lambda: plan_precision(one, two, industries=(2,), per_industry=(1,)),
        lambda: plan_precision(one, two, industries=(2,), per_industry=(2,), prob=1.0),
        lambda: plan_precision(one, Contrast("no", 1.0, "one"), industries=(3,), per_industry=(9,)),
        lambda: sf.delta_adjust("y ~ x + (1 | g)", gaps(), deltas=()), lambda: sf.sets_needed(one),
        lambda: sf.delta_adjust("y ~ x + (1 | g)", gaps(), deltas=(0.0, 0.0), column="y"),
        lambda: sf.delta_adjust("y ~ x + (1 | g)", gaps(), deltas=(1.0,), column="no"),
        lambda: sf.delta_adjust("y ~ x + (1 | g)", rows(), deltas=(1.0,), column="y"),
        lambda: sf.missingness(gaps(), ["no"]), lambda: sf.missingness(gaps(), by=["no"]), lambda: sf.missingness(3),
        lambda: sf.impute("y ~ x + (1 | g)", rows()), lambda: sf.impute("y ~ x + (1 | g)", gaps(), n_sets=1),
        lambda: sf.impute("y ~ x + (1 | g)", gaps(), n_sets=1001), lambda: sf.impute("y ~ x + (1 | g)", gaps(), draws=9),
        lambda: sf.survey_weighted("y ~ x + (1 | g)", rows()), lambda: sf.survey_weighted("y ~ x + (1 | g)", rows(), weights="no"),
        lambda: sf.survey_weighted("y ~ x + (1 | g)", rows(), weights="w", scaling="no"),
        lambda: sf.survey_weighted("y ~ x + (1 | g)", rows(), weights="w", draws=99),
        lambda: sf.survey_weighted("y ~ x + (1 | g)", rows(), weights="y", draws=100),
        lambda: sf.compare_models({"a": one, "b": fit("x ~ z + (1 | g)")}), lambda: sf.compare(one.spec, rows()),
        lambda: end_probabilities(one, ("a", "no")), lambda: group_slopes(one), lambda: group_lines(one),
        lambda: one.draws(0), lambda: one.draws(6), lambda: one.ranef("no"), lambda: one.icc("no"),
        lambda: one.confint(), lambda: reml.confint(method="no"), lambda: reml.draws(4), lambda: reml.icc(at={"x": 1}),
        lambda: reml.diagnostics(), lambda: maximum("binomial").icc("no"), lambda: maximum("binomial").confint(method="no"),
    ]  # fmt: skip
    return [refused(call) for call in calls]


# Checks -------------------------------------------------------------------------------------------


def of_loo() -> Any:
    found = [loo(_kind("exact")).pointwise]
    pit = loo_pit(_kind("exact"))
    return [*found, pit, even_p(np.array([0.1, 0.4, 0.45, 0.8]))]


def of_check_fit() -> Any:
    return check_fit(_kind("exact"), seed=3)


def of_unseen() -> Any:
    found = []
    for name in ("exact", "varying"):
        one = _kind(name)
        made = rows_of(one.spec, outcomes())
        found.append(refused(lambda o=one, m=made: unseen(o.fitted, m, o.spec, seed=2)))
    return found


# Size ---------------------------------------------------------------------------------------------


def of_sensitivity() -> Any:
    spec = sf.ModelSpec("y", ("x", "z"), "g", unit="pp")
    found = sf.sensitivity(
        spec, rows(), contrast=(Contrast("x", 2.0, "two"),), rope=sf.Rope(-0.5, 0.5, "pp"),
        workforce=Workforce({"all": 1000.0}, 40), cost_per_day=10.0, effects=Effects((0.5,)),
        step_at_most=1.0, prob=0.9,
    )  # fmt: skip
    return found.tables, found.left_out


def of_planning() -> Any:
    contrast = Contrast("x", 2.0, "two")
    return plan_precision(
        _kind("exact"), contrast, industries=(3, 6), per_industry=(10, 200), prob=0.9
    )


def of_multiplicity() -> Any:
    specs = [s for s in sf.load_analysis("bivariate").specs if s.outcome == "absence_mean"]
    chosen = [s for s in specs if s.name in {"q13", "q17", "q19r1"}]
    found = collect_slopes(chosen, sf.load_sample("replica"))
    return found, pool_slopes(found, top=1, prob=0.9, seed=1)


def of_prior_tables() -> Any:
    priors = sf.Priors(slope=sf.Prior("normal", 0.7), sd_group=sf.Prior("half-normal"))
    one = fit("y ~ x + z + (1 | g)", priors=priors)
    return sf.sensitivity(one.spec, rows(), parts=("prior", "fan", "scaling", "bayes")).tables


def of_group_slopes() -> Any:
    return group_slopes(sampled("varying")), group_lines(sampled("varying"), points=4)


def of_ranking() -> Any:
    one = _kind("exact")
    return end_probabilities(one, one.moments.groups, draws=40, seed=2)


def of_influence() -> Any:
    spec = sf.ModelSpec("y", ("k",), "g")
    found = sf.influence(spec, rows(), contrast=Contrast("k", 1.0, "one"), smallest=9)
    return found


def of_attenuation() -> Any:
    one = fit("y ~ x + z + (1 | g)")
    return sf.attenuation(one, "x"), sf.confounding(one, step=0.5), sf.confounding(one)


def of_survey_weighted() -> Any:
    frame = rows().assign(gw=rows().groupby("g")["w"].transform("mean"))
    return [
        refused(lambda o=o: sf.survey_weighted("y ~ x + (1 | g)", frame, draws=100, **o))
        for o in ({"weights": "w"}, {"weights": "w", "group_weights": "gw"},
                  {"weights": "w", "scaling": "effective"}, {"weights": "w", "engine": "ml"})
    ]  # fmt: skip


def of_cluster_robust() -> Any:
    one = fit("y ~ x + (1 | g)", engine="reml")
    return [
        refused(lambda o=o: sf.cluster_robust(one, draws=99, **o))
        for o in ({}, {"weights": "rademacher"}, {"cluster": "g"})
    ]


def of_simulated() -> Any:
    one = fit("y ~ x + (1 | g)", engine="reml")
    return sf.bootstrap(one, draws=20), sf.variance_test(one, draws=200)


# What is missing ----------------------------------------------------------------------------------


def of_missingness() -> Any:
    return sf.missingness(gaps(), ["y", "x", "c"], by=["g"]), sf.missingness(gaps())


def of_delta() -> Any:
    found = []
    for options in ({"column": "y"}, {"column": "x"}):
        found.append(
            refused(lambda o=options: sf.delta_adjust("y ~ x + c + (1 | g)", imputed().frames,
                    original=gaps(), deltas=(-1.0, 0.0, 0.5), **o))
        )  # fmt: skip
    return found, sf.sets_needed(sf.fit("y ~ x + c + (1 | g)", imputed().frames, engine="reml"))


def of_completed_panel() -> Any:
    fitted = panel(autocorrelation=True, period="walk", unlinked=True)
    done = complete(fitted, 2)
    effects = delta_effects(fitted, done, term="item", deltas=(-1.0, 0.0, 2.0))
    change = delta_effects(
        fitted, done, term=["item", "share"], deltas=(0.0, 1.0), quantity="change"
    )
    quarters = fitted.panel.quarters
    return [
        effects, change, tipping_points(effects), completed_sets(fitted.panel, done).frames,
        completed_posterior(fitted, done, delta=1.0).coef.mean(),
        [realised(done.y, quarters, q) for q in ("mean", "change")],
    ]  # fmt: skip


def of_study_complete() -> Any:
    specs = [sf.ModelSpec(o, ("q13",)) for o in ("absence_mean", "absence_change")]
    found = study_complete(specs, sf.load_sample("replica"))
    return found.rows, found.missing, found.won


# Choices ------------------------------------------------------------------------------------------


def of_multiverse() -> Any:
    usual = {key: (option,) for key, option in report_choices("q13").items()}
    usual |= {"min_quarters": (3, 5), "without": ("each",)}
    asked = Multiverse("test", "Does it depend?", "q13", "widest", 0.5, usual)
    found = explore(asked, sf.load_sample("replica"))
    return found.table, found.summary(), choice_shares(found), option_means(found)


def of_selection() -> Any:
    rng = np.random.default_rng(3)
    places, times = (
        [f"w{i}" for i in range(30)],
        [f"{y}Q{q}" for y in (2017, 2018) for q in (1, 2, 3, 4)],
    )
    frame = pd.DataFrame(
        [("ict" if i < 15 else "care", w, t, rng.gamma(4.0, 1.5))
         for i, w in enumerate(places) for t in times],
        columns=["industry", "workplace", "quarter", "absence"],
    )  # fmt: skip
    frame.loc[rng.random(len(frame)) < 0.1, "absence"] = np.nan
    size = pd.Series(rng.uniform(10, 120, 30), index=places)
    return select_cases(frame, size, years=(2017, 2018), top=4, seed=2)


# Printed tables -----------------------------------------------------------------------------------


def _prints() -> Iterator[Any]:
    """Prints of several programs, as folders: see `tests/analysis/test_printed_rules.py`."""
    found: dict[int, dict[str, list[dict[str, str]]]] = {}
    with (ROOT / "references/reread/prints.csv").open(encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            parts = found.setdefault(int(line["id"]), {}).setdefault(line["file"], [])
            if not parts or line["key"] in parts[-1]:
                parts.append({})
            parts[-1][line["key"]] = line["value"]
    from tests.analysis.test_printed_rules import written

    with tempfile.TemporaryDirectory() as place:
        for number in list(found)[::7]:
            yield read_published(written(Path(place) / str(number), found[number]))


@cache
def prints() -> list[Any]:
    """Those that are read here, and the folders of `tests/printed_results`."""
    own = [read_published(path) for path in sorted((ROOT / "printed_results").iterdir())]
    return [*own, *_prints()]


def of_rules() -> Any:
    return [check_tables(report) for report in prints()]


@cache
def _reread() -> list[Any]:
    return [found for report in prints() for found in reread(report, prob=0.9).values()]


def of_reread() -> Any:
    return [
        (m.level, m.refused, m.read, m.left, [replace(c, posterior=None) for c in m.coefficients],
         m.icc and replace(m.icc, versions=m.icc.versions[:2]))
        for m in _reread()
    ]  # fmt: skip


def of_printed_sizes() -> Any:
    found = [m.coefficients for m in _reread() if m.coefficients]
    return [
        (
            [
                judge_printed(replace(one, unit="pp"), sf.Rope(-0.1, 0.1, "pp"), size=2.0)
                for one in c
            ],
            designs_of(c, Effects((0.5,))),
            refused(lambda c=c: slopes_of(c)),
        )
        for c in found
    ]
