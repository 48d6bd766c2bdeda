"""Gaps of any frame: rows are left out as R leaves them out, and counted; or refused, all at once.

What a frame with gaps gives is compared with what the same frame gives once its rows are gone.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import bayes_sf as sf
from bayes_sf.errors import DataError, MissingWarning, SpecError, UsageError
from bayes_sf.recovery.study import PublishedStudy
from bayes_sf.spec.terms.gaps import Gaps, drop_gaps

SPEC = sf.ModelSpec("y", ("x", "k", "b"), group="g", missing="drop")
#: Rows that get a gap: of groups a, a and c.
GAPS = [1, 3, 12]
#: Same numbers, other types: rounding alone may differ.
SAME = 1e-9


def frame() -> pd.DataFrame:
    """30 rows of five groups; whole numbers in x, so that every type can hold them."""
    rng = np.random.default_rng(8)
    code = np.repeat(np.arange(5), 6)
    x, k = rng.integers(0, 9, 30), np.arange(30) % 3
    y = 3 + 0.4 * x + k + rng.normal(size=5)[code] + rng.normal(size=30)
    return pd.DataFrame({
        "y": y, "x": x, "k": np.array(list("pqr"))[k], "b": rng.random(30) < 0.5,
        "g": np.array(list("abcde"))[code],
    })  # fmt: skip


WHOLE = frame()


def holes(column: str, value: Any, *, kind: Any = object, rows: list[int] = GAPS) -> pd.DataFrame:
    """The frame with a column of another type, and a value in some rows."""
    made = WHOLE.assign(**{column: WHOLE[column].astype(object)})
    made.loc[rows, column] = value
    return made.astype({column: kind})


def arrow(kind: pa.DataType, values: list[Any]) -> "pd.Series[Any]":
    return pd.Series(pd.array(pa.array(values, kind), dtype=pd.ArrowDtype(kind)))


def polars(column: str, **made: Any) -> Any:
    """A polars frame with gaps in a column, which may have a type."""
    pl = pytest.importorskip("polars")
    kinds = {"enum": lambda: pl.Enum(list("pqr")), "null": lambda: pl.Null}
    value, kind = made.get("value"), made.get("kind", "")
    values = [value if i in GAPS else v for i, v in enumerate(WHOLE[column].tolist())]
    if kind == "null":
        values = [None] * 30
    if value is not None:
        values = list(map(float, values))
    typed = kinds[kind]() if kind in kinds else getattr(pl, kind) if kind else None
    return pl.from_pandas(WHOLE).with_columns(pl.Series(column, values, dtype=typed))


def groups(values: list[Any], gap: Any) -> pd.DataFrame:
    """Groups of other names, missing in three rows."""
    codes = WHOLE["g"].map(dict(zip("abcde", values, strict=True))).tolist()
    return WHOLE.assign(g=pd.Series([gap if i in GAPS else c for i, c in enumerate(codes)]))


NAN = float("nan")
X, K, B, Y, G = ({name: 3} for name in "xkbyg")
#: How a gap may come, and the columns that are said to have one.
KINDS: dict[str, tuple[Callable[[], Any], dict[str, int]]] = {
    "numbers, NaN": (lambda: holes("x", NAN, kind=float), X),
    "objects, NaN": (lambda: holes("x", NAN), X),
    "objects, None": (lambda: holes("x", None), X),
    "objects, pandas' NA": (lambda: holes("x", pd.NA), X),
    "decimals, NaN": (
        lambda: WHOLE.assign(
            x=[Decimal("NaN") if i in GAPS else Decimal(int(v)) for i, v in WHOLE["x"].items()]
        ),
        X,
    ),
    "nullable floats, NA": (lambda: holes("x", pd.NA, kind="Float64"), X),
    "nullable floats, NaN": (lambda: WHOLE.assign(x=nan_in_float64()), X),
    "nullable integers, NA": (lambda: holes("x", pd.NA, kind="Int64"), X),
    "Arrow's floats, null": (lambda: WHOLE.assign(x=arrow(pa.float64(), x_with(None))), X),
    "Arrow's floats, NaN": (lambda: WHOLE.assign(x=arrow(pa.float64(), x_with(NAN))), X),
    "Arrow's integers, null": (lambda: WHOLE.assign(x=arrow(pa.int32(), x_with(None))), X),
    "an Arrow table, null": (lambda: pa.Table.from_pandas(holes("x", None)), X),
    "polars, null": (lambda: polars("x"), X),
    "polars, NaN": (lambda: polars("x", value=NAN), X),
    "polars, integers": (lambda: polars("x", kind="Int16"), X),
    "truth values, None": (lambda: holes("b", None), B),
    "truth values, NA": (lambda: holes("b", pd.NA, kind="boolean"), B),
    "truth values, polars": (lambda: polars("b"), B),
    "text, None": (lambda: holes("k", None), K),
    "text, NaN": (lambda: holes("k", NAN), K),
    "text, string": (lambda: holes("k", pd.NA, kind="string"), K),
    "text, Arrow": (lambda: pa.Table.from_pandas(holes("k", None)), K),
    "text, polars": (lambda: polars("k"), K),
    "categories, NaN": (lambda: holes("k", NAN, kind="category"), K),
    "categories, Arrow's dictionary": (
        lambda: pa.Table.from_pandas(WHOLE.drop(columns="k")).append_column(
            "k", pa.array(holes("k", None)["k"].tolist()).dictionary_encode()
        ),
        K,
    ),
    "categories, polars": (lambda: polars("k", kind="Categorical"), K),
    "categories, polars' enum": (lambda: polars("k", kind="enum"), K),
    "groups, None": (lambda: holes("g", None), G),
    "groups, numbers that a gap made floats": (lambda: groups([1, 2, 3, 4, 5], NAN), G),
    "groups, nullable": (lambda: groups([1, 2, 3, 4, 5], pd.NA).astype({"g": "Int64"}), G),
    "groups, days": (lambda: groups(list(pd.date_range("2020-01-01", periods=5)), pd.NaT), G),
    "outcome, NaN": (lambda: holes("y", NAN, kind=float), Y),
    "outcome, None": (lambda: holes("y", None), Y),
    "two columns, the same rows": (lambda: holes("y", NAN).assign(x=holes("x", None)["x"]), X | Y),
    "an odd index": (lambda: holes("x", NAN, kind=float).set_index("k", drop=False), X),
    "DuckDB, null": (lambda: duckdb.from_arrow(pa.Table.from_pandas(holes("x", None))), X),
    "DuckDB, NaN": (lambda: duckdb.from_arrow(nan_in_arrow()), X),
    "DuckDB, groups": (lambda: duckdb.from_arrow(pa.Table.from_pandas(holes("g", None))), G),
    "polars, lazy": (lambda: polars("k").lazy(), K),
}  # fmt: skip


def x_with(gap: Any) -> list[Any]:
    return [gap if i in GAPS else v for i, v in enumerate(WHOLE["x"].tolist())]


def nan_in_float64() -> "pd.Series[Any]":
    """NaN that pandas takes for no gap."""
    values = pd.Series(WHOLE["x"].to_numpy(float))
    values[GAPS] = np.nan
    return pd.Series(pd.arrays.FloatingArray(values.to_numpy(), np.zeros(30, dtype=bool)))


def nan_in_arrow() -> pa.Table:
    made = pa.Table.from_pandas(WHOLE.drop(columns="x"))
    return made.append_column("x", pa.array(x_with(NAN), pa.float64()))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_gaps_are_left_out(kind: str) -> None:
    make, by_column = KINDS[kind]
    with pytest.warns(MissingWarning, match="3 of 30 rows are left out, for gaps in"):
        result = sf.fit(SPEC, make(), engine="reml")
    gaps = result.provenance.gaps
    assert gaps is not None
    assert (gaps.n_rows, gaps.n_dropped, dict(gaps.by_column)) == (30, 3, by_column)
    assert gaps.by_group == {"g": {} if "g" in by_column else {"a": 2, "c": 1}}
    known = sf.fit(SPEC, WHOLE.drop(index=GAPS), engine="reml")
    assert result.moments.sizes.tolist() == known.moments.sizes.tolist()
    np.testing.assert_allclose(
        result.estimates["estimate"].astype(float), known.estimates["estimate"], rtol=SAME
    )
    assert result.glance()["nmissing"].tolist() == [3]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "DuckDB" not in kind])
def test_a_formula_sees_the_same(kind: str) -> None:
    """Design matrices of more than a random intercept are made by other code."""
    make, by_column = KINDS[kind]
    formula = "y ~ x * k + b + (1 | g) + (0 + x | g)"
    with pytest.warns(MissingWarning, match="3 of 30 rows are left out"):
        result = sf.fit(formula, make(), engine="ml")
    gaps = result.provenance.gaps
    assert gaps is not None
    assert (gaps.n_dropped, dict(gaps.by_column)) == (3, by_column)
    known = sf.fit(formula, WHOLE.drop(index=GAPS), engine="ml").estimates
    np.testing.assert_allclose(result.estimates["estimate"], known["estimate"], rtol=1e-6)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a whole column": (
        lambda: WHOLE.assign(x=None), "a row without a gap .*30 of 30 .*in 'x' .30.",
    ),
    "a whole column of polars": (lambda: polars("x", kind="null"), "30 of 30 rows .*in 'x' .30."),
    "every row somewhere": (
        lambda: holes("x", NAN, rows=list(range(15))).assign(
            k=holes("k", None, rows=list(range(15, 30)))["k"]
        ),
        "a row without a gap .*in 'x' .15., 'k' .15.",
    ),
    "all groups but one": (
        lambda: holes("y", NAN, rows=list(range(6, 30))), "at least two (levels|groups)|two groups",
    ),
    "all categories but one": (
        lambda: holes("k", None, rows=[i for i in range(30) if i % 3]), "'k': .*two categories",
    ),
    "a predictor that no longer varies": (
        lambda: holes("b", None, rows=WHOLE.index[WHOLE["b"]].tolist()), "'b'.* must vary",
    ),
    "an empty text in a category": (lambda: holes("k", ""), "'k': must hold a cat.*an empty text"),
    "blanks in a group": (lambda: holes("g", " \t"), "'g': must name a group.*an empty text"),
    "an empty text in a group": (lambda: holes("g", ""), "'g': must name a group.*an empty text"),
    "an empty text among numbers": (lambda: holes("x", ""), "'x': must hold .*mixed types"),
    "infinity": (lambda: holes("x", np.inf, kind=float), "'x', row 1: must be a finite .*inf"),
    "an infinite outcome": (lambda: holes("y", -np.inf, kind=float), "'y', row 1.*finite .*inf"),
    "infinity beside a gap": (
        lambda: holes("x", np.inf, kind=float).assign(y=WHOLE["y"].where(WHOLE.index > 0)),
        r"'x', row \d: must be a finite number .*inf",
    ),
    "a word for a gap among numbers": (lambda: holes("x", "NA"), "'x': must hold .*mixed types"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::bayes_sf.errors.MissingWarning")  # of rows, before the error
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_gap_or_leaves_nothing_is_refused(kind: str) -> None:
    make, said = REFUSED[kind]
    with pytest.raises(DataError, match=said):
        sf.fit(SPEC, make(), engine="reml")


def test_a_word_may_be_a_category() -> None:
    """What "NA" stands for in a column of text is not ours to say: no row is left out."""
    result = sf.fit(SPEC, holes("k", "NA"), engine="reml")
    assert "k[p]" in result.moments.terms
    assert result.provenance.gaps == Gaps(30)


def test_columns_that_the_model_does_not_have() -> None:
    result = sf.fit(replace(SPEC, predictors=("x",)), holes("k", None), engine="reml")
    assert (result.moments.n_obs, result.glance()["nmissing"].tolist()) == (30, [0])


def test_a_group_and_a_category_that_are_gone() -> None:
    rows = [*range(6, 12), *(i for i in range(30) if i % 3 == 2)]
    with pytest.warns(MissingWarning, match="by g: b .6., a .2., .*; no row is left of g b"):
        result = sf.fit(SPEC, holes("y", None, rows=rows), engine="reml")
    assert result.moments.groups == tuple("acde")
    assert result.moments.terms == ("(Intercept)", "x", "k[q]", "b")
    assert result.provenance.gaps is not None
    assert result.provenance.gaps.lost == {"g": ("b",)}


def test_levels_of_several_factors_are_counted() -> None:
    made = holes("y", None).assign(h=WHOLE["k"])
    with pytest.warns(MissingWarning, match="by g: a .2., c .1.; by g:h: a:"):
        result = sf.fit("y ~ x + (1 | g / h)", made, engine="reml")
    assert result.provenance.gaps is not None
    assert result.provenance.gaps.by_group["g:h"] == {"a:p": 1, "a:q": 1, "c:p": 1}


def test_the_columns_of_weights_and_counts_have_gaps_too() -> None:
    made = WHOLE.assign(w=pd.Series(np.where(WHOLE.index == 4, np.nan, 2.0)))
    for option in ("weights", "frequencies"):
        with pytest.warns(MissingWarning, match="1 of 30 .* gaps in w .1.; by g: a .1."):
            result = sf.fit("y ~ x + (1 | g)", made, engine="reml", **{option: "w"})
        assert len(result.matrices.y) == 29


@pytest.mark.parametrize(
    "given", ["formula", "columns", "table", "unsaid", "unsaid table", "mixed"]
)
def test_gaps_are_refused_all_at_once(given: str) -> None:
    made = holes("x", None).assign(y=holes("y", None, rows=[3, 4])["y"])
    unsaid = "unsaid" in given  # a specification of one's own leaves out what it is told to
    what: Any = replace(SPEC, missing="" if unsaid else "error")
    more: dict[str, Any] = {}
    if given == "formula":
        what, more = "y ~ x * k + (1 | g)", {"missing": "error"}
    if given == "mixed":
        what = sf.ModelSpec.from_formula("y ~ x + (x | g)")
    data = duckdb.from_arrow(pa.Table.from_pandas(made)) if "table" in given else made
    with pytest.raises(
        DataError, match=r"no gap .*4 of 30 rows with gaps in 'x' .3., 'y' .2.\".*impute"
    ):
        sf.fit(what, data, engine="reml", **more)
    assert sf.fit(what, WHOLE, engine="reml", **more).provenance.gaps == Gaps(30)


def test_models_of_a_table_leave_out_their_own_rows(tmp_path: Path) -> None:
    """One analysis, three models; two have the same gaps and are one query."""
    holes("k", None).assign(y=WHOLE["y"].where(WHOLE.index > 0)).to_parquet(tmp_path / "t.parquet")
    chosen = (("x",), ("b",), ("x", "k"))
    specs = [replace(SPEC, predictors=names, name="+".join(names)) for names in chosen]
    analysis = replace(sf.load_analysis("null"), specs=tuple(specs))
    with pytest.warns(MissingWarning) as said:
        results = sf.fit(analysis, tmp_path / "t.parquet", engine="reml")
    assert [str(one.message)[:12] for one in said] == ["1 of 30 rows"] * 2 + ["4 of 30 rows"]
    assert [result.moments.n_obs for result in results.values()] == [29, 29, 26]


def test_what_asks_about_gaps_and_has_none() -> None:
    with pytest.raises(SpecError, match="must be one of drop, error"):
        sf.fit("y ~ x + (1 | g)", WHOLE, missing="omit")
    with pytest.raises(UsageError, match="fit: missing: goes with a formula"):
        sf.fit(SPEC, WHOLE, missing="error")
    study = PublishedStudy.__new__(PublishedStudy)
    with pytest.raises(UsageError, match="missing: is about data frames"):
        sf.fit(sf.ModelSpec("absence_mean", ("q13",), missing="error"), study)
    with pytest.raises(DataError, match="'x', row 1"):  # moments do not say what they leave out
        sf.Moments.from_frame(holes("x", NAN, kind=float), outcome="y", predictors=["x"], group="g")


def test_a_line_is_short_and_legible() -> None:
    """A thousand groups are no thousand words; control characters are shown."""
    n = 40
    made = pd.DataFrame({"y": np.where(np.arange(n) % 2, 1.0, np.nan), "g": range(n)})
    line = str(drop_gaps(made.assign(g=made["g"].map("g\x1b{}".format)), [("g",)])[1])
    assert "and 14 more" in line
    assert "\x1b" not in line
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drop_gaps(made[["g"]], [("g",)])[1] == Gaps(n)
