"""Recorded calls of specifications: values at both sides of every limit, and all formulas alike."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.errors import BayesSFError
from bayes_sf.spec.analysis import analysis_names, load_analysis
from bayes_sf.spec.family import FAMILIES, check_response, family_of
from bayes_sf.spec.multiverse import load_multiverse, multiverse_names, report_choices
from bayes_sf.spec.outcome import what_else
from bayes_sf.spec.panel import PanelSpec
from bayes_sf.spec.prior import KEYS, SCALE_FAMILIES
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.schema import read_priors
from bayes_sf.spec.statements import icc_prior, prob_icc_above, step_prior
from bayes_sf.spec.terms.design import Design
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.matrices import Matrices
from tests.recorded.frames import gaps, outcomes, rows
from tests.recorded.values import refused

ROOT = Path(__file__).parents[1]
_P = sf.Prior


def _around(limit: float, *, whole: bool = False) -> tuple[float, ...]:
    """A limit, and what is next to it on both sides."""
    if whole:
        return int(limit) - 1, int(limit), int(limit) + 1
    return float(np.nextafter(limit, -np.inf)), float(limit), float(np.nextafter(limit, np.inf))


def of_prior_limits() -> Any:
    from bayes_sf.spec.prior import _RANGES

    has = {"scale": "normal", "df": "half-t", "shape": "gamma"}
    found = {}
    for key, limits in _RANGES.items():
        for limit in (0.0, *limits):
            for value in _around(limit):
                made = refused(lambda k=key, v=value: _P(has[k], **{k: v}))
                found[f"{key} {value!r}"] = str(made) if isinstance(made, BayesSFError) else "fine"
    return found


def of_priors() -> Any:
    sds = np.array([0.1, 0.7, 3.0])
    found = []
    for family in KEYS:
        given = {"scale": 0.5} if "scale" in KEYS[family] else {}
        one = _P(family, **given).resolve(2.0, 1.5)
        found.append([
            one, str(one), one.text("unit", "middle"), one.tail_power,
            refused(lambda o=one: o.log_density(sds)) if family in SCALE_FAMILIES else None, refused(lambda o=one: o.cdf(sds)),
            refused(lambda o=one: o.quantile(np.array([0.0, 0.3, 0.9]))),
        ])  # fmt: skip
    texts = ["normal(1, 2)", "flat", "half-t(3, 1, 1)", "gamma(shape 2, scale 1)", "normal(1)",
             "exponential(mean 0.5)", "half-normal(0, 2)", "normal(0, -1)", 3]  # fmt: skip
    odd = [
        {"family": "no"}, {"family": "normal", "scale": True}, {"family": "flat", "scale": 2.0},
        {"family": "normal", "location": "a"}, {"family": "normal", "autoscale": 1},
        {"family": "normal", "df": 4.0}, {"family": "lkj", "shape": 3.0},
    ]  # fmt: skip
    return [*found, *(refused(partial(_P.read, t)) for t in texts),
            *(refused(lambda o=o: _P(**o)) for o in odd)]  # fmt: skip


def of_statements() -> Any:
    given = [(0.1, 0.5), (0.5, 0.05), (0.02, 0.9), (1.0, 0.5), (0.1, 0.0), (0.999, 0.999)]
    return [
        *(refused(lambda g=g: icc_prior(*g)) for g in given),
        *(refused(lambda g=g: step_prior(*g)) for g in ((1.0, 0.95), (0.0, 0.5), (2.0, 1.0))),
        refused(lambda: icc_prior(0.1, 0.5, _P("exponential", 2.0), family="gamma", shape=3.0)),
        refused(lambda: icc_prior(0.1, 0.5, _P("flat"))),
        refused(lambda: icc_prior(0.1, 0.5, family="flat")),
        prob_icc_above(0.3, _P("half-normal", 2.0), _P("gamma", 0.5)),
    ]


def of_tables_of_priors() -> Any:
    tables: list[dict[str, Any]] = [
        {"slope": {"family": "normal", "scale": 1.0}}, {"sd_group": {"icc_above": 0.1, "probability": 0.5}},
        {"slope": {"step_at_most": 1.0, "probability": 0.95}}, {"nobody": {"family": "flat"}},
        {"sd_group": {"family": "normal"}}, {"slope": {"family": "half-t"}}, {"slope": {}},
        {"sd_resid": {"family": "flat"}, "sd_group": {"icc_above": 0.1, "probability": 0.5}},
        {"correlation": {"family": "lkj", "shape": 2.0}}, {"slope": "flat"},
    ]  # fmt: skip
    return [refused(lambda t=t: read_priors(t, "place")) for t in tables]


def of_priors_of_models() -> Any:
    given: list[dict[str, Any]] = [
        {}, {"sd_group": _P("normal")}, {"slope": _P("half-t")}, {"intercept": _P("horseshoe")},
        {"correlation": _P("flat")}, {"sd_slope": _P("lkj")}, {"sd_log_resid": _P("half-normal", 2.0)},
        {"simplex": _P("dirichlet", shape=2.0)}, {"df_resid": _P("gamma")}, {"slope": 3},
    ]  # fmt: skip
    return [refused(lambda g=g: sf.Priors(**g)) for g in given], sf.Priors.flat()


_FORMULAS = (
    "y ~ x + (1 | g)", "y ~ x * c + (1 | g)", "y ~ poly(x, 2) + (1 | g)", "y ~ 0 + x + (1 | g)",
    "y ~ I(x ** 2) + log(w) + (1 | g)", "y ~ scale(x) + center(z) + (1 | g)", "y ~ (x + z)^2 + (1 | g)",
    "y ~ x + (1 + x | g)", "y ~ x + (x || g)", "y ~ x + (0 + x | g)", "y ~ x + (1 | g/h)",
    "y ~ x + (1 | g:h)", "y ~ x + (1 | g) + (1 | h)", "y ~ c:x + (1 | g)", "y ~ x + z - 1 + (1 | g)",
    "y ~ offset(z) + x + (1 | g)", "y ~ C(k) + (1 | g)", "y ~ o + (1 | g)", "y ~ x + (c | g)",
    "y ~ bs(x, df=4) + (1 | g)", "log(w) ~ x + (1 | g)", "y ~ 1 + (1 | g)", "y ~ (1 | g)",
    "p(k, w) ~ x + (1 | g)", "y ~ x", "y ~ x + (1 | g", "y ~~ x", "~ x + (1 | g)", "y ~ x + + (1 | g)",
    "y ~ nothing + (1 | g)", "y ~ x + (1 | nothing)", "y ~ x + x + (1 | g)", "y ~ y + (1 | g)",
    "y ~ x + (x | g) + (1 | g)", "y ~ x + (1 | x)", "y ~ g + (1 | g)", "y ~ x %in% z + (1 | g)",
    "y ~ x + (1 | g) + (1 | g)", "y ~ x / z + (1 | g)", "y + x ~ z + (1 | g)", "", "y ~ x + (1 || g)",
    "y ~ x + (x + z || g)", "y ~ x + (1 + x + z | g)", "y ~ exp(x) + sqrt(w) + abs(z) + (1 | g)",
    "`y` ~ `x` + (1 | g)", "y ~ x ** 2 + (1 | g)", "y ~ np.log(w) + (1 | g)", "y ~ x > 0 + (1 | g)",
)  # fmt: skip


def of_formulas() -> Any:
    found: dict[str, Any] = {}
    for text in _FORMULAS:
        parsed = refused(partial(read_formula, text))
        found[text] = [parsed]
        if not isinstance(parsed, BayesSFError):
            found[text].append(refused(partial(_columns, parsed)))
    return found


def _columns(parsed: Any) -> Any:
    made = Matrices.from_frame(rows(), parsed)
    return made, refused(lambda: Design(parsed, rows()).rows(gaps().dropna().head(9)))


def of_specifications() -> Any:
    given: list[dict[str, Any]] = [
        {}, {"predictors": ("x", "x")}, {"predictors": "x"}, {"predictors": ("y",)}, {"group": "y"},
        {"group": ""}, {"min_quarters": 0}, {"min_quarters": 1}, {"min_quarters": 20},
        {"min_quarters": 21}, {"min_quarters": True}, {"min_quarters": 2.5},
        {"standardize": ("x",)}, {"standardize": ("z",)}, {"within_between": ("x",)},
        {"monotonic": ("o",), "predictors": ("o",)}, {"monotonic": ("x",)}, {"varying": ("x",)},
        {"varying": ("x", "z"), "predictors": ("x", "z")}, {"nested": ("x",)}, {"likelihood": "t"},
        {"likelihood": "student"}, {"likelihood": "student", "resid_by_group": True},
        {"resid_by_group": 1}, {"repeats": "m"}, {"known_se": "se"}, {"known_se": "se", "repeats": "m"},
        {"known_se": "se", "resid_by_group": True}, {"missing": "model"}, {"missing": "no"},
        {"missing": "error"}, {"weights": "w"}, {"weights": "w", "frequencies": "k"},
        {"family": "poisson"}, {"family": "no"}, {"priors": 3}, {"name": 3}, {"unit": 2},
        {"categorical": ("x",)}, {"categorical": ("k",), "predictors": ("k",)}, {"table": 3},
        {"formula": "y ~ x + (1 | g)"}, {"priors": sf.Priors(terms={"x": _P("normal")})},
    ]  # fmt: skip
    found = []
    for options in given:
        spec = refused(
            lambda o=options: sf.ModelSpec("y", **{"predictors": ("x",), "group": "g", **o})
        )
        found.append(spec)
        if not isinstance(spec, BayesSFError):
            found.append(refused(lambda s=spec: Rows.from_frame(rows(), s)))
    return found


def of_moments() -> Any:
    frame = gaps()
    made = sf.Moments.from_frame(rows(), outcome="y", predictors=("x", "z"), group="g")
    first = rows().iloc[:30], rows().iloc[30:]
    parts = [sf.Moments.from_frame(f, outcome="y", predictors=("x",), group="g") for f in first]
    sizes, means = np.array([3.0, 4.0]), np.array([[1.0], [2.0]])
    odd = [
        ([3.0, 0.0], means, [[1.0]]), (sizes, means, [[-1.0]]), (sizes, [[np.nan], [1.0]], [[1.0]]),
        (sizes, means, [[1.0, 0.0]]), ([3.0], means, [[1.0]]), (sizes, means, [[0.0]]),
    ]  # fmt: skip
    return [
        made, parts[0].merge(parts[1]),
        refused(lambda: sf.Moments.from_frame(frame, outcome="y", predictors=("x",), group="g")),
        [refused(lambda o=o: sf.Moments("y", (), ("a", "b"), *map(np.asarray, o))) for o in odd],
    ]  # fmt: skip


def of_gaps() -> Any:
    spec = sf.ModelSpec("y", ("x", "c"), "g")
    made = sf.fit("y ~ x + c + (1 | g)", gaps(), engine="reml").provenance.gaps
    return made, str(made), refused(lambda: Rows.from_frame(gaps(), spec))


def of_families() -> Any:
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan, np.inf])
    names = [*FAMILIES, "negbinomial", "logistic", "gausian", "no"]
    found: list[Any] = [refused(partial(family_of, name)) for name in names]
    for family in FAMILIES.values():
        found += [family.expects(values), family.unit, family.measure]
        found.append(refused(lambda f=family: check_response(f, "y", values[1:5])))
        found.append(refused(lambda f=family: check_response(f, "y", values[1:5], np.arange(4.0))))
    return found


def of_outcomes_that_are_not_gaussian() -> Any:
    rng = np.random.default_rng(2)
    columns = {
        "binary": rng.integers(0, 2, 40), "three": rng.integers(0, 3, 40),
        "counts": rng.poisson(1.0, 40), "many": rng.poisson(90.0, 40), "share": rng.random(40),
        "zeros": rng.integers(0, 2, 40) * rng.random(40), "constant": np.ones(40),
        "normal": rng.normal(size=40), "steps": rng.integers(0, 5, 40) / 2,
    }  # fmt: skip
    return {k: refused(lambda v=v: what_else(np.asarray(v, float))) for k, v in columns.items()}


def of_panels() -> Any:
    given: list[dict[str, Any]] = [
        {"period": "walk"}, {"period": "no"}, {"likelihood": "no"}, {"slopes": 1},
        {"priors": 3}, {"priors": sf.Priors(slope=_P("horseshoe"))}, {"predictors": ("a", "a")},
        {"priors": sf.Priors(sd_workplace=_P("half-t"))}, {"autocorrelation": True},
    ]  # fmt: skip
    return [refused(lambda g=g: PanelSpec(**{"predictors": ("a",), **g})) for g in given]


def of_analyses() -> Any:
    found = {name: load_analysis(name).specs for name in analysis_names()}
    bad = sorted((ROOT / "spec/bad_specs").glob("*.toml"))
    return {name: [s.key for s in specs] for name, specs in found.items()}, [
        _message(partial(load_analysis, path)) for path in bad
    ]


def _message(call: Any) -> str:
    """What a file is refused with, without its folder."""
    made = refused(call)
    return str(made).replace(str(ROOT), "") if isinstance(made, BayesSFError) else "fine"


def of_multiverses() -> Any:
    bad = sorted((ROOT / "analysis/bad_multiverses").glob("*.toml"))
    return [
        [refused(partial(load_multiverse, name)) for name in multiverse_names()],
        [_message(partial(load_multiverse, path)) for path in bad], report_choices("q17"),
    ]  # fmt: skip


def of_frames() -> Any:
    odd = {
        "text": rows().assign(x="1,5"), "bool": rows().assign(x=rows()["x"] > 0),
        "complex": rows().assign(x=1j), "infinite": rows().assign(x=np.inf),
        "constant": rows().assign(x=2.0), "empty": rows().head(0), "one": rows().head(1),
        "category": rows().assign(x=pd.Categorical(rows()["k"])), "one group": rows().assign(g="a"),
        "all gone": rows().assign(x=np.nan), "dates": rows().assign(x=pd.Timestamp("2020-01-01")),
        "twice": pd.concat([rows(), rows()[["x"]]], axis=1), "no x": rows().drop(columns="x"),
        "number group": rows().assign(g=rows()["k"]), "gap in group": rows().assign(g=gaps()["c"]),
        "each its group": rows().assign(g=np.arange(len(rows()))), "huge": rows().assign(x=1e200 * rows()["x"]),
    }  # fmt: skip
    spec = sf.ModelSpec("y", ("x",), "g")
    mixed = read_formula("y ~ x + (1 + x | g)")
    return {
        key: [refused(lambda f=f: Rows.from_frame(f, spec)),
              refused(lambda f=f: Matrices.from_frame(f, mixed)),
              refused(lambda f=f: sf.fit("y ~ x + (1 | g)", f, engine="reml").rows)]
        for key, f in odd.items()
    }  # fmt: skip


def of_options_of_fit() -> Any:
    given: list[dict[str, Any]] = [
        {"engine": "no"}, {"prob": 0.0}, {"prob": 1.0}, {"prob": 0.999}, {"seed": -1}, {"seed": 1.5},
        {"engine": "reml", "priors": sf.Priors()}, {"draws": 10}, {"engine": "nuts", "draws": 0},
        {"engine": "nuts", "chains": 0}, {"engine": "nuts", "target_accept": 1.0},
        {"engine": "nuts", "tune": -1}, {"nAGQ": 3}, {"family": "poisson", "engine": "exact"},
        {"family": "bernoulli", "engine": "ml", "nAGQ": 0}, {"weights": "no"}, {"frequencies": "y"},
        {"missing": "no"}, {"weights": "y"}, {"engine": "nuts", "chains": 1.5},
        {"priors": {"x": "normal(0, 1)"}}, {"priors": 3}, {"engine": "nuts", "target_accept": 0.0},
    ]  # fmt: skip
    found = [refused(lambda o=o: sf.fit("y ~ x + (1 | g)", rows(), **o).rows) for o in given]
    response = [
        refused(lambda f=f: sf.fit(f"{f} ~ x + (1 | g)", outcomes(), family=f, engine="ml").rows)
        for f in ("negativebinomial", "beta", "hurdle_gamma", "cumulative")
    ]
    return found, response
