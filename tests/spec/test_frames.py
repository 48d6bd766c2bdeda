"""Any data frame: names, types, gaps and options are taken as they are meant, or refused by name.

Estimates under odd names and types are compared with those of the same numbers under plain ones.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bayes_sf as sf
from bayes_sf.analysis.contrast import Contrast
from bayes_sf.analysis.pooling import compare_pooling
from bayes_sf.engines.fit import rows_of
from bayes_sf.engines.panel.sampling import fit_panel
from bayes_sf.engines.sampled.nuts import Sampled
from bayes_sf.errors import BayesSFError, DataError, OutcomeWarning, SpecError, UsageError
from bayes_sf.output.figures.pictures import draw_picture
from bayes_sf.output.tables.pooling_tables import pooling_table, shrinkage_table
from bayes_sf.output.tables.result_tables import posterior_table
from bayes_sf.output.tables.sensitivity_tables import model_tables
from bayes_sf.output.words.words import term_name
from bayes_sf.recovery.study import PublishedStudy
from bayes_sf.spec.names import BEYOND, QUANTITIES
from bayes_sf.spec.outcome import what_else
from bayes_sf.spec.panel import PanelSpec
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows
from tests import panels
from tests.tools import spoken

SPEC = sf.ModelSpec("y", ("x", "k"), group="g")
#: Same numbers, other labels: rounding alone may differ.
SAME = 1e-9


def frame(seed: int = 5, groups: int = 6, rows: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(groups), rows)
    x = rng.normal(3, 2, size=len(code))
    k = rng.integers(0, 3, size=len(code))
    y = 4 + 0.5 * x + np.array([0, 1.0, -1])[k] + rng.normal(size=groups)[code]
    y += rng.normal(size=len(code))
    return pd.DataFrame(
        {"y": y, "x": x, "k": np.array(list("pqr"))[k], "g": np.array([*"abcdef"])[code]}
    )


def estimates(df: Any, spec: sf.ModelSpec = SPEC, engine: str = "reml") -> Any:
    return sf.fit(spec, df, engine=engine).fixef()["estimate"].to_numpy()


# Names --------------------------------------------------------------------------------------------

NAMES = (
    "icc", "sd_group", "sd_resid", "(Intercept)", "sd_slope", "correlation", "r2", "share", "u",
    "beta", "chain", "draw", "term", "slope", "sample", "obs", "moment", "y hat", "k[q]",
    "x[within]", "x:k", "I(x^2)", "a/b", "x\0", "x\n", "\x1b[31mx", "Ångström", "é", "e\u0301",
    "\ud800", " ", "simplex_x", "x_step", "q13", "women_share", "absence_mean", "industry", "care",
    "None", "nan", "[", "]", "x[", "beta[x]", "estimate", "index", "level_0", "0", "🙂", "<b>",
    "$x$", "=1+1",
)  # fmt: skip
LABELS = (
    "",
    "a",
    "a\0",
    "b ",
    " b",
    "1",
    "True",
    "nan",
    "None",
    "[",
    "x]",
    "é",
    "e\u0301",
    "icc",
    "care",
)


def plain_or_refused(call: Callable[[], Any], expected: Any) -> bool:
    """Whether it gave what is expected; an error of ours is as good, anything else is a fault."""
    try:
        found = call()
    except (DataError, SpecError, UsageError):
        return False
    np.testing.assert_allclose(found, expected, rtol=SAME)
    return True


@settings(max_examples=25, deadline=None)
@given(names=st.lists(st.sampled_from(NAMES), min_size=4, max_size=4))
@example(names=["y", "k[q]", "k", "g"])
@example(names=["icc", "sd_group", "sd_resid", "(Intercept)"])
@example(names=["y", "x", "x[within]", "g"])
def test_odd_columns_give_the_same_estimates_or_are_refused(names: list[str]) -> None:
    df = frame()
    spec_of = lambda: sf.ModelSpec(names[0], (names[1], names[2]), group=names[3])  # noqa: E731
    renamed = df.set_axis(pd.Index(names, dtype=object), axis=1)
    if not plain_or_refused(lambda: estimates(renamed, spec_of()), estimates(df)):
        return
    found, plain = sf.fit(spec_of(), renamed, engine="reml"), sf.fit(SPEC, df, engine="reml")
    assert found.icc() == pytest.approx(plain.icc(), rel=SAME)
    assert found.icc(adjusted=False) == pytest.approx(plain.icc(adjusted=False), rel=SAME)
    assert list(found.fixef().index) == [
        "(Intercept)", names[1], f"{names[2]}[q]", f"{names[2]}[r]",
    ]  # fmt: skip
    assert list(found.ranef().index) == list("abcdef")


@settings(max_examples=25, deadline=None)
@given(labels=st.lists(st.sampled_from(LABELS), min_size=6, max_size=6))
def test_odd_groups_give_the_same_estimates_or_are_refused(labels: list[str]) -> None:
    """Groups that are told apart give what plain ones give; those with one name are one group."""
    df = frame()
    names = dict(zip("abcdef", labels, strict=True))
    plain = dict(zip(labels, (f"g{labels.index(name)}" for name in labels), strict=True))
    odd = df.assign(g=df["g"].map(names))
    expected = df.assign(g=odd["g"].map(plain))
    if len(set(labels)) > 3 and plain_or_refused(lambda: estimates(odd), estimates(expected)):
        assert set(sf.fit(SPEC, odd, engine="reml").ranef().index) == set(labels)


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_quantity_of_the_result_is_no_predictor(name: str) -> None:
    df = frame().rename(columns={"x": name})
    with pytest.raises(DataError, match=r"name of a quantity.*rename the column"):
        sf.fit(sf.ModelSpec("y", (name,), group="g"), df)
    text = df.assign(**{name: df["k"]})  # its dummies have names of their own
    found = sf.fit(sf.ModelSpec("y", (name,), group="g"), text, engine="reml")
    assert list(found.fixef().index) == ["(Intercept)", f"{name}[q]", f"{name}[r]"]


@pytest.mark.parametrize("name", BEYOND)
def test_quantities_of_sampled_models_are_refused_there_only(name: str) -> None:
    df = frame().rename(columns={"x": name})
    spec = sf.ModelSpec("y", (name, "k"), group="g")
    np.testing.assert_allclose(estimates(df, spec), estimates(frame()), rtol=SAME)
    with pytest.raises(DataError, match="name of a quantity"):
        Rows.from_frame(df, replace(spec, resid_by_group=True))


@pytest.mark.parametrize("name", ["chain", "sample", "term", "u", "icc", "a/b"])
def test_a_grouping_factor_is_a_dimension_of_the_draws(name: str) -> None:
    with pytest.raises(DataError, match="gives draws a dimension"):
        sf.fit(sf.ModelSpec("y", group=name), frame().rename(columns={"g": name}))


@pytest.mark.parametrize("name", ["y hat", "group", "estimate", "k"])
def test_other_grouping_factors_have_draws_under_their_own_name(name: str) -> None:
    df = frame().drop(columns="k").rename(columns={"g": name})
    result = sf.fit(sf.ModelSpec("y", ("x",), group=name), df)
    assert result.draws(4)["posterior"]["u"].dims == ("chain", "draw", name)


@pytest.mark.parametrize("names", [("a/b", "g"), ("k", "k_step")])
def test_steps_are_a_dimension_of_the_draws(names: tuple[str, str]) -> None:
    steps = pd.Categorical(frame()["k"], ordered=True)
    df = frame().assign(k=steps).rename(columns={"k": names[0], "g": names[1]})
    spec = sf.ModelSpec("y", (names[0],), group=names[1])
    assert sf.fit(spec, df, engine="reml").spec == spec  # a dummy each
    with pytest.raises(DataError, match="dimension of its steps"):
        Rows.from_frame(df, replace(spec, monotonic=(names[0],)))


def test_made_names_that_meet() -> None:
    df = frame().assign(**{"k[q]": lambda d: d["x"] ** 2, "x[between]": lambda d: d["x"] ** 2})
    with pytest.raises(DataError, match="another predictor's"):
        sf.fit(sf.ModelSpec("y", ("k", "k[q]"), group="g"), df, engine="reml")
    split = sf.ModelSpec("y", ("x", "x[between]"), group="g", within_between=("x",))
    with pytest.raises(DataError, match="another predictor's"):
        sf.fit(split, df, engine="reml")


@pytest.mark.parametrize(
    "values",
    [
        [1, "1", 2, "2", 3, 4], [True, "True", 1, 2, 3, 4], [1.5, "a", 2, 3, 4, 5],
        ["é", "e\u0301", "b", "c", "d", "e"],
        ["", "b", "c", "d", "e", "f"], [b"a", b"b", b"\xe6", b"d", b"e", b"f"],
        [(1, 2), (1, 3), (2, 2), (3, 1), (4, 1), (5, 1)], [1j, 2j, 3j, 4j, 5j, 6j],
        ["\ud800", "b", "c", "d", "e", "f"],
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("column", ["g", "k"])
@pytest.mark.parametrize("category", [False, True])
def test_values_without_a_name_of_their_own(values: list[Any], column: str, category: bool) -> None:
    odd = pd.Series([values[i] for i in frame()["g"].map("abcdef".index)], dtype=object)
    if category and (isinstance(values[0], (tuple, complex)) or values[0] == "\ud800"):
        pytest.skip("pandas has no such categories")
    df = frame().assign(**{column: odd.astype("category") if category else odd})
    with pytest.raises(DataError) as caught:
        sf.fit(SPEC, df, engine="reml")
    assert f"column '{column}'" in str(caught.value)


def test_a_nul_character_tells_groups_apart() -> None:
    named = frame().assign(g=lambda d: d["g"].map({"a": "a", "b": "a\0"}).fillna(d["g"]))
    effects = [sf.fit(SPEC, df, engine="reml").ranef()["estimate"] for df in (frame(), named)]
    np.testing.assert_allclose(np.sort(effects[0]), np.sort(effects[1]), rtol=SAME)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3, 4, 5, 6], [1.0, 2.5, 3, 4, 5, 6], [1, 2.5, 3, 4, 5, 6],
        [date(2020, 1, day) for day in range(1, 7)],
        [datetime(2020, 1, d, tzinfo=UTC) for d in range(1, 7)],
        pd.interval_range(0, 6), pd.period_range("2020Q1", periods=6, freq="Q"),
        [Decimal(i) / 10 for i in range(6)],
    ],
    ids=lambda values: str(values[0]),
)  # fmt: skip
def test_groups_that_are_numbers_or_times(values: Any) -> None:
    df = frame()
    odd = df.assign(g=pd.Series([values[i] for i in df["g"].map("abcdef".index)]))
    np.testing.assert_allclose(estimates(odd), estimates(df), rtol=SAME)


def test_days_are_called_alike_in_every_frame() -> None:
    pl = pytest.importorskip("polars")
    days = {"y": [1.0, 2.0, 4.0], "g": [date(2020, 1, 1), date(2020, 1, 1), date(2020, 1, 2)]}
    for made in (pd.DataFrame(days), pa.table(days), pl.DataFrame(days)):
        moments = sf.Moments.from_frame(made, outcome="y", group="g")
        assert moments.groups == ("2020-01-01", "2020-01-02")


def test_not_a_number_is_no_group_in_arrow_s_columns_either() -> None:
    groups = pa.array([1.0, float("nan"), 2.0, float("nan"), 1.0, 2.0])
    df = pd.DataFrame(
        {"y": np.arange(6.0), "g": pd.Series(groups, dtype=pd.ArrowDtype(groups.type))}
    )
    with pytest.raises(DataError, match=r"'g': must name a group .*'2 missing'"):
        sf.Moments.from_frame(df, outcome="y", group="g")


# Columns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["y", "x", "k", "g"])
def test_a_column_that_is_there_twice(column: str) -> None:
    df = frame()
    twice = pd.concat([df, df[[column]]], axis=1)
    table = pa.Table.from_arrays(
        [pa.array(twice.iloc[:, i]) for i in range(5)], names=list(twice.columns)
    )
    for given_frame in (twice, table):
        for call in (
            lambda d: sf.fit(SPEC, d),
            lambda d: sf.sensitivity(SPEC, d, parts=["prior"]),
            lambda d: sf.Moments.from_frame(d, outcome="y", predictors=["x", "k"], group="g"),
        ):
            with pytest.raises(DataError, match=f"'{column}'.*in the data once") as caught:
                call(given_frame)
            assert "\n" not in str(caught.value)
    other = pd.concat([df.assign(z=1), df[["x"]].set_axis(["z"], axis=1)], axis=1)
    np.testing.assert_array_equal(estimates(other), estimates(df))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"outcome": "x", "predictors": ["x"], "group": "g"}, "different columns"),
        ({"outcome": "y", "predictors": ["x", "x"], "group": "g"}, "different columns"),
        ({"outcome": "y", "predictors": ["g"], "group": "g"}, "different columns"),
        ({"outcome": "y", "predictors": "xk", "group": "g"}, "list of columns"),
        ({"outcome": "y", "predictors": None, "group": "g"}, "list of columns.*None"),
        ({"outcome": "y", "predictors": {"x", "k"}, "group": "g"}, "list of columns"),
        ({"outcome": "y", "predictors": [1], "group": "g"}, "named by text"),
        ({"outcome": "", "predictors": ["x"], "group": "g"}, "named by text"),
        ({"outcome": "y", "predictors": ["x"], "group": None}, "named by text"),
        ({"outcome": "y\0", "predictors": ["x"], "group": "g"}, "NUL"),
    ],
)
def test_columns_that_are_no_columns(named: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        sf.ModelSpec(**named)
    with pytest.raises(SpecError, match=message):
        sf.Moments.from_frame(frame(), **named)


ARROW = pa.dictionary(pa.int32(), pa.string())
TYPES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "nullable": lambda d: d.convert_dtypes(),
    "arrow": lambda d: d.convert_dtypes(dtype_backend="pyarrow"),
    "arrow booleans": lambda d: d.astype({"b": "bool[pyarrow]"}),
    "object booleans": lambda d: d.astype({"b": object}),
    "booleans as numbers": lambda d: d.astype({"b": int}),
    "arrow dictionary": lambda d: d.astype({"k": pd.ArrowDtype(ARROW), "g": pd.ArrowDtype(ARROW)}),
    "large text": lambda d: d.astype({"k": pd.ArrowDtype(pa.large_string())}),
    "object text": lambda d: d.astype({"k": object, "g": object}),
    "categories": lambda d: d.astype({"k": "category", "g": "category"}),
    "ordered": lambda d: d.assign(k=pd.Categorical(d["k"], list("pqrz"), ordered=True)),
    "small numbers": lambda d: d.astype({"i": np.uint8}),
    "sparse": lambda d: d.astype({"b": int}).astype({"b": pd.SparseDtype(int)}),
    "fractions": lambda d: d.assign(i=[Decimal(v) for v in d["i"].tolist()]),
    "pyarrow": pa.Table.from_pandas,
    "pyarrow dictionary": lambda d: pa.table(
        {**{c: d[c].tolist() for c in "yxbig"}, "k": pa.array(d["k"].tolist()).dictionary_encode()}
    ),
    "odd index": lambda d: d.set_index(pd.Index(["same"] * len(d))),
}


@pytest.mark.parametrize("name", TYPES)
def test_types_of_columns(name: str) -> None:
    rng = np.random.default_rng(1)
    df = frame().assign(b=rng.random(48) < 0.5, i=rng.integers(1, 6, 48))
    df = df.iloc[rng.permutation(48)].reset_index(drop=True)  # no category comes first by chance
    spec = sf.ModelSpec("y", ("x", "b", "k", "i"), group="g")
    expected = sf.fit(spec, df, engine="reml").fixef()
    found = sf.fit(spec, TYPES[name](df), engine="reml").fixef()
    pd.testing.assert_frame_equal(found, expected, rtol=SAME)


def test_ordered_arrow_dictionaries_declare_steps() -> None:
    steps = pd.Categorical(frame()["k"], ["q", "p", "r"], ordered=True)
    arrow = pa.array(steps)
    spec = sf.ModelSpec("y", ("k",), group="g", monotonic=("k",))
    for made in (pa.table({"y": frame()["y"], "g": frame()["g"].tolist(), "k": arrow}),
                 frame().assign(k=pd.Series(arrow, dtype=pd.ArrowDtype(arrow.type)))):  # fmt: skip
        assert Rows.from_frame(made, spec).predictors == ("k[>q]", "k[>p]")


def test_declared_categories_keep_their_order_on_the_way_through_arrow() -> None:
    df = frame().assign(k=lambda d: pd.Categorical(d["k"], ["r", "z", "p", "q"]))
    for given_frame in (df, pa.Table.from_pandas(df)):
        found = sf.Moments.from_frame(given_frame, outcome="y", predictors=["k"], group="g")
        assert found.predictors == ("k[p]", "k[q]")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda d: d["y"] + 5j, "complex numbers"),
        (lambda d: (d["y"] + 5j).astype(object), "complex numbers"),
        (lambda d: pd.to_datetime(d["y"], unit="D"), "dates"),
        (lambda d: pd.to_timedelta(d["y"], unit="D"), "lengths of time"),
        (lambda d: d["y"].astype(str), "text"),
        (lambda d: d["k"].astype("category"), "categories"),
        (lambda d: d["y"].astype(object).where(d.index > 0, "9"), "mixed types"),
        (lambda d: d["y"].astype(object).where(d.index > 0, 10**400), "larger ones"),
        (lambda d: [b"1"] * len(d), "bytes"),
        (lambda d: [[1]] * len(d), "mixed types"),
    ],
)
def test_outcomes_that_are_no_numbers(values: Callable[[pd.DataFrame], Any], said: str) -> None:
    df = frame()
    with pytest.raises(DataError, match=said) as caught:
        estimates(df.assign(y=values(df)))
    assert "column 'y'" in str(caught.value)


# Options ------------------------------------------------------------------------------------------


def moments() -> sf.Moments:
    return sf.Moments.from_frame(frame(), outcome="y", predictors=["x", "k"], group="g")


@pytest.mark.parametrize("engine", ["ols", "reml", "exact"])
def test_standardize_is_done_by_hand_or_by_us(engine: str) -> None:
    df = frame()
    by_hand = df.assign(x=(df["x"] - df["x"].mean()) / df["x"].std())
    found = estimates(df, replace(SPEC, standardize=("x",)), engine)
    np.testing.assert_allclose(found, estimates(by_hand, engine=engine), rtol=1e-8)
    assert abs(found[1] / estimates(df, engine=engine)[1] - df["x"].std()) < 1e-3 * df["x"].std()
    split = replace(SPEC, standardize=("x",), within_between=("x",))
    hand = estimates(by_hand, replace(SPEC, within_between=("x",)), engine)
    np.testing.assert_allclose(estimates(df, split, engine), hand, rtol=1e-8)


def test_standardize_needs_numbers_that_vary() -> None:
    with pytest.raises(DataError, match=r"'k'.*numbers to be standardised"):
        estimates(frame(), replace(SPEC, standardize=("k",)))
    with pytest.raises(DataError, match=r"'x'.*vary to be standardised"):
        estimates(frame().assign(x=1), replace(SPEC, standardize=("x",)))
    for key in ("categorical", "monotonic"):
        with pytest.raises(SpecError, match=r"standardize.*\['x'\]"):
            replace(SPEC, standardize=("x",), **{key: ("x",)})


#: Every field of a specification beside columns and priors: another value than the default.
OTHER: dict[str, Any] = {
    "name": "m", "unit": "pp", "min_quarters": 8, "standardize": ("x",), "table": "46",
    "categorical": ("x",), "within_between": ("x",), "nested": ("x",), "monotonic": ("x",),
    "varying": ("x",), "likelihood": "student", "resid_by_group": True, "repeats": "m",
    "known_se": "m", "missing": "model",
}  # fmt: skip
#: What a frame carries out by every engine; what names a result; what sampling alone carries out.
DONE = {"standardize", "categorical", "within_between"}
LABELLED = {"name", "unit"}
SAMPLED = {"monotonic", "varying", "likelihood", "resid_by_group", "repeats", "known_se"}


def option(key: str) -> sf.ModelSpec:
    outcome = "absence_mean" if key == "missing" else "y"
    group = "industry" if key == "missing" else "g"  # the panel knows no other
    return sf.ModelSpec(outcome, ("x",), group=group, **{key: OTHER[key]})


def test_every_field_of_a_specification_is_in_the_table() -> None:
    named = {field.name for field in fields(sf.ModelSpec)}
    # `tests/spec/test_formula.py`, `tests/engines/test_outcomes.py`
    of_formulas = {"formula", "weights", "frequencies", "family"}
    assert named == {*OTHER, *of_formulas, "outcome", "predictors", "group", "priors"}


def small() -> pd.DataFrame:
    """A predictor of few values, and a column of counts."""
    return frame().assign(
        x=lambda d: d["x"].round(0).clip(1, 5),
        m=2.0,
        absence_mean=lambda d: d["y"],
        industry=lambda d: d["g"],
    )


@pytest.mark.parametrize("engine", ["ols", "reml", "exact"])
@pytest.mark.parametrize("key", OTHER)
def test_on_a_frame_an_option_changes_the_result_or_is_refused(key: str, engine: str) -> None:
    spec = option(key)
    plain = sf.ModelSpec("y", ("x",), group="g")
    if key in DONE:
        before, after = (sf.fit(s, small(), engine=engine).fixef() for s in (plain, spec))
        assert len(after) > 2 or after["estimate"].iloc[1] != before["estimate"].iloc[1]
    elif key in LABELLED:
        tidy = sf.fit(spec, small(), engine=engine).estimates
        assert set(tidy.loc[tidy["term"] != "icc", {"name": "model"}.get(key, key)]) == {OTHER[key]}
    elif key == "repeats" and engine == "exact":
        wide = small().assign(m=np.tile([1.0, 2, 4, 8], 12))
        assert "sd_repeat" in set(sf.fit(spec, wide, engine=engine).estimates["term"])
    else:
        with pytest.raises(BayesSFError) as caught:
            sf.fit(spec, small(), engine=engine)
        assert caught.value.exit_code in {2, 3}
        if key not in SAMPLED | {"missing"}:
            assert f": {key}: " in str(caught.value)


@pytest.mark.parametrize("key", [key for key in OTHER if key not in {*LABELLED, "table"}])
def test_moments_have_their_columns_already(key: str) -> None:
    given_moments = sf.Moments.from_frame(frame(), outcome="y", predictors=["x"], group="g")
    with pytest.raises(UsageError, match=key if key not in SAMPLED | {"missing"} else "model 'x'"):
        sf.fit(option(key), given_moments)


@pytest.mark.parametrize(
    "change", [{"outcome": "x"}, {"predictors": ("x",)}, {"predictors": ("x", "z")}, {"group": "h"}]
)
def test_moments_and_rows_are_of_the_model(change: dict[str, Any]) -> None:
    spec = replace(SPEC, **({"predictors": ("k",)} if "outcome" in change else {}), **change)
    for data in (moments(), Rows.from_frame(frame(), SPEC)):
        with pytest.raises(UsageError, match=r"must be of what the (moments|rows) are of"):
            sf.fit(spec, data)
    np.testing.assert_allclose(estimates(moments()), estimates(frame()), rtol=SAME)


@pytest.mark.parametrize("key", ["standardize", "categorical", "within_between", "nested"])
def test_published_tables_have_one_coding(key: str) -> None:
    study = PublishedStudy(None, None, None, 1)  # type: ignore[arg-type]  # it is not looked at
    spec = sf.ModelSpec("absence_mean", ("q13",), table="46")
    with pytest.raises(UsageError, match=f"{key}.*not in the published tables"):
        rows_of(replace(spec, **{key: ("q13",)}), study)
    with pytest.raises(UsageError, match=r"group.*not in the published"):
        rows_of(replace(spec, group="region"), study)


@pytest.mark.parametrize("key", ["priors", *sorted(OTHER)])
@pytest.mark.parametrize("value", [None, 7.5, object()], ids=["none", "number", "object"])
def test_fields_of_another_kind(key: str, value: Any) -> None:
    with pytest.raises(SpecError, match=f"model: {key}: must be"):
        sf.ModelSpec("y", ("x",), group="g", **{key: value})


@pytest.mark.parametrize(
    "arguments",
    [
        {"predictors": "q13"}, {"predictors": ("q13", "q13")}, {"period": ["step"]},
        {"slopes": "no"},
        {"autocorrelation": 1}, {"unlinked": None}, {"likelihood": None}, {"priors": None},
    ],
)  # fmt: skip
def test_panel_fields_of_another_kind(arguments: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=next(iter(arguments))):
        PanelSpec(**arguments)


@pytest.mark.parametrize("asked", [(), ("item",), ("item", "share", "size"), ("share", "x")])
def test_a_panel_has_its_predictors_already(asked: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="predictors: must be those of the panel: item, share"):
        fit_panel(panels.make(n=18, gaps=False), PanelSpec(asked))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"prob": value}, "prob") for value in (0, 1, 95, "0.9", None, float("nan"), True)]
    + [({"seed": value}, "seed") for value in (-1, 1.5, "1", None, True, 2**64)]
    + [({"engine": value}, "engine") for value in (None, ["reml"], "lme4", 3)],
)
def test_arguments_that_cannot_be_meant(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}: "):
        sf.fit(SPEC, frame(), **arguments)
    if name != "engine":
        with pytest.raises(UsageError, match=f"^{name}: "):
            sf.sensitivity(SPEC, frame(), **arguments)


def test_nothing_is_random_but_what_is_sampled() -> None:
    for engine in ("ols", "reml", "exact"):
        a, b = (sf.fit(SPEC, frame(), engine=engine, seed=seed) for seed in (1, 2))
        pd.testing.assert_frame_equal(a.estimates, b.estimates)
        assert a.provenance.seed is None


def test_draws_are_those_that_are_asked_for() -> None:
    exact = sf.fit(SPEC, frame())
    assert exact.draws(8, seed=2)["posterior"].sizes["draw"] == 2
    sampled = replace(
        exact, engine="nuts", fitted=Sampled(
            exact.moments, Priors(), exact.draws(8, seed=2, rows=False)
        ),
        provenance=replace(exact.provenance, seed=5),
    )  # fmt: skip
    for asked in ({}, {"n": 8}, {"seed": 5}, {"n": 8, "seed": 5}):
        assert sampled.draws(**asked, rows=False) is sampled.fitted.tree
    for asked in ({"n": 4}, {"n": 4000}, {"seed": 1}, {"n": 8, "seed": 1}):
        with pytest.raises(UsageError, match="must be those of the draws that were sampled"):
            sampled.draws(**asked)
    for wrong in ({"n": "8"}, {"n": True}, {"n": 8.0}, {"seed": -1}, {"seed": "x"}):
        with pytest.raises(UsageError, match="whole number from 0 up"):
            exact.draws(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="positive multiple of 4"):
        exact.draws(0)
    with pytest.raises(UsageError, match="no posterior"):
        sf.fit(SPEC, frame(), engine="reml").draws(8)


# Outcomes -----------------------------------------------------------------------------------------

RNG = np.random.default_rng(3)
MEANT_OTHERWISE = {
    "truth values": (RNG.random(48) < 0.4, "bernoulli"),
    "two codes": (RNG.integers(1, 3, 48), "bernoulli"),
    "four grades": (RNG.integers(1, 5, 48), "cumulative"),
    "small counts": (RNG.poisson(1.2, 48), "poisson"),
    "larger counts": (RNG.negative_binomial(1, 0.1, 48), "negativebinomial"),
    "shares": (RNG.beta(0.5, 0.9, 48), "beta"),
    "shares near one": (1 - RNG.beta(0.6, 6, 48), "beta"),
}
GAUSSIAN = {
    "five grades": RNG.permutation(np.tile(np.arange(1, 6), 10)[:48]),
    "five grades from 0": RNG.permutation(np.tile(np.arange(5), 10)[:48]),
    "ten grades": RNG.integers(0, 11, 48),
    "scores": RNG.normal(size=48),
    "whole numbers far from 0": RNG.poisson(60, 48),
    "shares in the middle": 0.4 + 0.05 * RNG.normal(size=48).clip(-3, 3),
    "small numbers": 0.01 * RNG.normal(size=48),
    "ages": RNG.integers(18, 67, 48),
}


@pytest.mark.parametrize("name", MEANT_OTHERWISE)
def test_outcomes_that_are_not_what_a_gaussian_model_is_for(name: str) -> None:
    values, word = MEANT_OTHERWISE[name]
    df = frame().assign(y=values)
    calls: list[Callable[[], Any]] = [
        lambda: sf.fit(SPEC, df, engine="reml"),
        lambda: sf.Moments.from_frame(df, outcome="y", group="g"),
    ]
    if name == "shares":  # of a model fitted many times it is said once
        calls.append(lambda: sf.sensitivity(SPEC, df, parts=["ladder"]))
    for call in calls:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            call()
        assert len(said) == 1
        assert said[0].category is OutcomeWarning
        assert "'y'" in str(said[0].message)
        assert word in str(said[0].message)
        assert said[0].filename == __file__


@pytest.mark.parametrize("name", GAUSSIAN)
def test_outcomes_that_are_fine(name: str) -> None:
    sf.fit(SPEC, frame().assign(y=GAUSSIAN[name]), engine="reml")  # a warning is an error here


AT_A_LIMIT = [
    ([1, 1, 2], "has two values"),
    ([1, 2], ""),
    ([3, 3, 3], ""),
    ([1, 2, 3] * 3, "has 3 whole numbers only"),
    ([1, 2, 3] * 2 + [1, 2], ""),  # fewer than three rows for each
    ([1, 2, 3, 4] * 3, "has 4 whole numbers only"),
    ([1, 2, 3, 4] * 2 + [1, 2, 3], ""),
    ([1, 2, 3, 4, 5] * 3, ""),
    ([0] + [3] * 5 + [4, 4, 4, 5, 8], "crowd at 0"),  # mean 1.995 sd
    ([0] + [3] * 9 + [4, 5, 8], ""),  # mean 2.004 sd
    ([0, 1, 1, 1, 2, 3, 5, 9, 14], "crowd at 0"),
    ([1, 1, 1, 1, 2, 3, 5, 9, 14], ""),
    ([-1, 1, 1, 1, 2, 3, 5, 9, 14], ""),
    ([0, 0, 0, 0, 2, 3, 4, 5, 5, 7, 8], "crowd at 0"),  # skewness 0.30001
    ([0, 0, 0, 2, 2, 2, 4, 4, 4, 4, 5, 5, 8], ""),  # skewness 0.29998
    ([0, 1, 2, 3, 9, 5], "crowd at 0"),
    ([0, 1, 2, 3, 9], ""),  # fewer than six rows
    ([0.2, 0.5, 0.8], ""),  # 0.5 from both ends, 2 sds are 0.490
    ([0.19, 0.5, 0.81], "crowds at an end"),  # 2 sds are 0.506
    ([0.52, 0.7, 0.88], ""),  # 0.3 from 1, 2 sds are 0.294
    ([0.51, 0.7, 0.89], "crowds at an end"),  # 2 sds are 0.310
    ([0, 0.5, 1], "crowds at an end"),
    ([-0.01, 0.5, 1], ""),
    ([0, 0.5, 1.01], ""),
]


@pytest.mark.parametrize(("values", "said"), AT_A_LIMIT)
def test_the_rule_of_outcomes_at_its_limits(values: list[float], said: str) -> None:
    """On both sides of every number that the rule has."""
    found = what_else(np.array(values, float))
    assert said in found if said else not found


# Words --------------------------------------------------------------------------------------------


def test_an_own_column_is_no_item_of_the_survey() -> None:
    """Spelt alike, and of another study: neither its contrast nor its labels are the codebook's."""
    df = frame().rename(columns={"x": "q13"})
    spec = sf.ModelSpec("y", ("q13",), group="g")
    with pytest.raises(UsageError, match="must be stated: the data are not the study"):
        sf.sensitivity(spec, df, parts=["exceedance"])
    stated = sf.sensitivity(spec, df, parts=["exceedance"], contrast=[Contrast("q13", 1, "a unit")])
    assert set(stated["exceedance"]["label"]) == {"a unit"}


def test_a_predictor_with_brackets_is_found_by_its_own_name() -> None:
    df = frame().rename(columns={"x": "a[1]"})
    spec = sf.ModelSpec("y", ("a[1]", "k"), group="g")
    found = sf.sensitivity(spec, df, parts=["controls"])
    assert set(found["controls"]["term"]) == {"a[1]"}


@pytest.fixture(scope="module")
def care() -> sf.Result:
    """Groups, an outcome and a predictor that are spelt as the study's are, and are others."""
    names = {"y": "absence_mean", "x": "q13", "g": "ward"}
    df = frame().drop(columns="k").rename(columns=names)
    wards = dict(zip("abcdef", ["care", "ict", "b", "d", "e", "f"], strict=True))
    df["ward"] = df["ward"].map(wards)
    return sf.fit(sf.ModelSpec("absence_mean", ("q13",), group="ward", unit="days"), df)


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_own_groups_are_no_industries(care: sf.Result, lang: str) -> None:
    pooling = compare_pooling(care.spec, care.data)
    found = sf.sensitivity(care.spec, care.data, parts=["fan", "ladder", "prior", "scaling"])
    tables = [
        spoken(lang, posterior_table, [care], groups=True),
        spoken(lang, pooling_table, pooling),
        spoken(lang, shrinkage_table, pooling),
        *spoken(lang, model_tables, found, found.results[0]),
    ]
    for table in tables:
        said = "\n".join([table.title, *table.notes, *(t for row in table.texts for t in row)])
        said += "\n".join(column.label for column in table.columns)
        assert not re.search("industr|bransje|workplace|virksomhet|sykefrav", said.lower()), said
        assert "q13" in said
        assert "absence_mean" in said
    groups = {row[1] for row in tables[0].texts}
    assert {"care", "ict"} <= groups
    assert any("(ward)" in row[0] for row in tables[0].texts)
    assert {"care", "ict"} <= {row[0] for row in tables[2].texts}
    for name in ("forest", "shrinkage"):
        figure = spoken(lang, draw_picture, care, name)
        labels = [t.get_text() for axes in figure.axes for t in axes.get_yticklabels()]
        labels += [axes.get_xlabel() for axes in figure.axes]
        assert not re.search("industr|bransje|sykefrav|Residential|Pleie", " ".join(labels))


def test_the_study_keeps_its_words() -> None:
    assert term_name("sd_group") == "sd between industries"
    assert spoken("nb", term_name, "sd_group", own="skole") == "Std.avvik mellom grupper (skole)"
    assert term_name("q13", own="g") == "q13"
    assert term_name("q13") != "q13"
