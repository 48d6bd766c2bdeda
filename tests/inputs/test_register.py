"""The register reader: its outcomes against plain pandas and scipy, and its stated rules."""

import sys
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.faults import AGES
from bayes_sf.inputs.pseudonym import is_valid_number, mask_numbers, pseudonym
from bayes_sf.inputs.register.connection import with_function
from bayes_sf.inputs.register.extract import COLUMNS, _fault
from bayes_sf.inputs.register.outcomes import (
    count_pairs,
    has_doubles,
    kendall_tau_b,
    series_of,
    sum_quarters,
    with_absence,
    with_movement,
)
from bayes_sf.inputs.register.quarters import parse_quarter, quarter_range, working_days
from bayes_sf.inputs.register.reader import Register, read_register

sys.path.insert(0, str(Path(__file__).parents[1] / "bad_inputs"))
from make import numbers, register

KEY = b"the key of these tests"
NUMBERS = numbers(8)
NAMES = {pseudonym(number, key=KEY): number for number in NUMBERS}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    frame = register(NUMBERS, seed=5)
    return frame[~((frame["org_nr"] == NUMBERS[0]) & (frame["aar_kvartal"] < "20194"))]


@pytest.fixture(scope="module")
def read(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Register:
    path = tmp_path_factory.mktemp("register") / "extract.parquet"
    rows.to_parquet(path)
    return read_register(path, key=KEY)


def read_csv(folder: Path, frame: pd.DataFrame, name: str = "extract.csv", **how: Any) -> Register:
    options = {"index": False, "sep": ";", "decimal": ",", **how}
    frame.to_csv(folder / name, **options)
    return read_register(folder / name, key=KEY)


def by_hand(rows: pd.DataFrame) -> pd.DataFrame:
    """The same outcomes the long way."""
    records = []
    for number, group in rows.groupby("org_nr"):
        absence = group["sfdagsvj"] * 100 / group["mdagsv"]
        seen = group[absence.notna()]
        at = absence.set_axis(group["aar_kvartal"])
        when = group["aar_kvartal"].map(parse_quarter)
        records.append(
            {
                "workplace": pseudonym(str(number), key=KEY),
                "absence_mean": absence.mean(),
                "absence_mean_weighted": 100 * seen["sfdagsvj"].sum() / seen["mdagsv"].sum(),
                "absence_change": at.get("20194", np.nan) - at.get("20164", np.nan),
                "absence_trend": kendalltau(when, absence, nan_policy="omit").statistic,
                "women_share": (group["mdag_kv"] / group["mdagsv"]).mean(),
                "senior_share": (group["mdag_50_69"] / group["mdagsv"]).mean(),
                "n_employees": (group["mdagsv"] / when.map(working_days)).mean(),
                "n_quarters": len(seen),
                "first_quarter": when[seen.index].min(),
                "last_quarter": when[seen.index].max(),
            }
        )
    return pd.DataFrame(records).sort_values("workplace", ignore_index=True)


def test_outcomes_and_controls_are_those_computed_by_hand(
    read: Register, rows: pd.DataFrame
) -> None:
    expected = by_hand(rows)
    got = read.workplaces[expected.columns]
    pd.testing.assert_frame_equal(got, expected, rtol=1e-12, check_dtype=False)
    assert set(read.workplaces["n_employees_source"]) == {"full_time_equivalents"}


def test_the_mask_says_which_quarters_are_observed(read: Register) -> None:
    for workplace in read.workplaces.itertuples():
        _, quarters = read.select([str(workplace.workplace)])
        seen = quarters.loc[quarters["absence"].notna(), "quarter"]
        assert sum(1 << int(index) for index in seen) == workplace.observed
        assert len(seen) == workplace.n_quarters


@pytest.fixture(scope="module")
def engine() -> Any:
    import ibis

    return ibis.duckdb.connect()


@given(
    st.lists(
        st.lists(st.sampled_from([None, 0.0, 1.0, 2.5, 3.0]), min_size=8, max_size=8),
        min_size=40,
        max_size=40,
    )
)
@settings(max_examples=5, deadline=None)
def test_tau_is_scipys_with_ties_and_gaps(engine: Any, series: list[list[float | None]]) -> None:
    import ibis

    names = [f"y{i}" for i in range(8)]
    columns = {name: [each[i] for each in series] for i, name in enumerate(names)}
    columns["n"] = [sum(y is not None for y in each) for each in series]
    table = ibis.memtable(columns, schema={**dict.fromkeys(names, "float64"), "n": "int64"})
    inside = series_of(table, period=range(8))
    pairs = with_function(engine, inside, count_pairs, "array<int32>")
    counted = table.mutate(pairs=pairs)
    tau = counted.select(tau=kendall_tau_b(counted.n, counted.pairs[0], counted.pairs[1]))
    for got, each in zip(engine.to_pyarrow(tau)["tau"].to_pylist(), series, strict=True):
        times, values = [
            *zip(*((i, y) for i, y in enumerate(each) if y is not None), strict=True)
        ] or [(), ()]
        if len(set(values)) < 2:
            assert got is None
        else:
            assert got == pytest.approx(kendalltau(times, values).statistic, abs=1e-14)


def test_the_aggregation_compiles_for_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    import ibis
    from ibis.backends.sql.compilers.pyspark import PySparkCompiler
    from ibis.config import Config

    class PySpark(Config):  # type: ignore[misc]
        treat_nan_as_null: bool = False

    monkeypatch.setattr(ibis.options, "pyspark", PySpark())
    days = ("contracted_days", "lost_days", "women_days", "senior_days", "head_count")
    types = {"workplace": "string", "extract": "int8", "quarter": "int16", "bit": "int64"}
    rows = ibis.table({**types, "working_days": "int16", **dict.fromkeys(days, "float64")}, "rows")
    span = quarter_range("2016Q1", "2020Q4")
    summary = sum_quarters(with_absence(rows), period=span, kept=span)
    series = summary.mutate(series=series_of(summary, period=span))
    query = PySparkCompiler().to_sqlglot(series)
    assert "GROUP BY" in query.sql("spark").upper()
    counted = ibis.table({**summary.schema().fields, "pairs": "array<int32>"}, "counted")
    PySparkCompiler().to_sqlglot(with_movement(counted, change=(7, 19))).sql("spark")
    doubles = PySparkCompiler().to_sqlglot(summary.filter(has_doubles(summary)))
    assert "WHERE" in doubles.sql("spark").upper()


def test_quarters_may_be_written_in_four_ways(
    tmp_path: Path, rows: pd.DataFrame, read: Register
) -> None:
    marks = ["", "K", "-", "Q"] * len(rows)
    quarters = zip(rows["aar_kvartal"], marks, strict=False)
    written = rows.assign(aar_kvartal=[f"{q[:4]}{mark}{q[4]}" for q, mark in quarters])
    again = read_csv(tmp_path, written)
    pd.testing.assert_frame_equal(again.workplaces, read.workplaces)


@pytest.mark.parametrize(
    "how",
    [
        {"encoding": "utf-8-sig"},
        {"sep": ",", "decimal": "."},
        {"sep": ";", "decimal": ".", "encoding": "cp1252"},
    ],
)
def test_a_csv_is_read_alike_however_it_is_written(
    tmp_path: Path, rows: pd.DataFrame, read: Register, how: dict[str, str]
) -> None:
    again = read_csv(tmp_path, rows, **how)
    pd.testing.assert_frame_equal(again.workplaces, read.workplaces)


def test_thousands_may_be_parted_by_spaces(
    tmp_path: Path, rows: pd.DataFrame, read: Register
) -> None:
    spaced = rows.copy()
    for name, space in zip(COLUMNS[1:-1], "\u00a0 \u202f" * 6, strict=False):
        texts = [f"{value:,.2f}" if value > 0 else "" for value in rows[name]]
        spaced[name] = [text.replace(",", space).replace(".", ",") for text in texts]
    assert spaced["mdagsv"].str.contains("\u00a0").any()
    assert spaced["mdag_16_29"].str.contains("\u202f").any()
    again = read_csv(tmp_path, spaced, encoding="utf-8")
    pd.testing.assert_frame_equal(again.workplaces, read.workplaces)


def test_spaces_elsewhere_are_not_thousands(tmp_path: Path, rows: pd.DataFrame) -> None:
    spoilt = rows.astype(object)
    spoilt.iloc[0, spoilt.columns.get_loc("mdagsv")] = "12 34"
    with pytest.raises(DataError, match="row 2, column mdagsv: must be a number"):
        read_csv(tmp_path, spoilt)


def test_a_file_that_leaves_the_mark_open_is_read_when_told(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    open_marks = rows.assign(**dict.fromkeys(COLUMNS[1:-1], "12.345"))
    path = tmp_path / "open.csv"
    open_marks.to_csv(path, sep=";", index=False)
    with pytest.raises(DataError, match="decimals or thousands"):
        read_register(path, key=KEY)
    told = read_register(path, key=KEY, decimal=".")
    assert told.workplaces["absence_mean"].eq(100.0).all()
    with pytest.raises(UsageError, match="decimal"):
        read_register(path, key=KEY, decimal="'")


def test_contradictions_are_counted_placed_and_left_as_they_are(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    odd = rows.reset_index(drop=True)
    odd.loc[30, "sfdagsvj"] = -2.0
    odd.loc[31, "sfdagsvj"] = odd.loc[31, "mdagsv"] + 1
    odd.loc[32, ["mdag_kv", "td_kv"]] = odd.loc[32, "mdagsv"] + 1
    odd.loc[33, "mdag_30_49"] = odd.loc[33, "mdagsv"] + 1
    odd.loc[34, "mdagsv"] = 0.0
    odd.loc[35, "aar_kvartal"] = "20153"
    again = read_csv(tmp_path, odd)
    found = again.problems.set_index("fault")
    assert found.loc["negative days", "rows"] == 1
    assert found.loc["lost days above contracted days", "rows"] == 2
    assert found.loc["women's days above all days", "rows"] == 3
    assert found.loc["age groups above all ages", "rows"] == 3
    assert found.loc["no contracted days", ["rows", "consequence"]].tolist() == [
        1,
        "the quarter has no absence",
    ]
    assert found.loc["outside the period", "rows"] == 1
    workplace = pseudonym(odd.loc[30, "org_nr"], key=KEY)
    quarter = odd.loc[30, "aar_kvartal"]
    assert found.loc["negative days", "places"] == f"{workplace} {quarter[:4]}Q{quarter[4]}"
    _, quarters = again.select([workplace])
    negative = quarters[quarters["lost_days"] < 0]
    assert negative["absence"].tolist() == [-200.0 / odd.loc[30, "mdagsv"]]


def test_sums_hold_to_within_the_rounding_of_a_rows_own_decimals(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    """Four cells, each rounded by half a unit at most: two whole days, or two tenths of one."""
    odd = rows.reset_index(drop=True)
    days = ["mdagsv", "mdag_16_29", "mdag_30_49", "mdag_50_69"]
    odd.loc[10:15, days] = [
        *([90.0, 20.0, 30.0, 41.0], [90.0, 20.0, 30.0, 42.0], [90.0, 20.0, 30.0, 43.0]),
        *([90.1, 20.1, 30.1, 40.1], [90.1, 20.1, 30.1, 40.2], [90.15, 20.1, 30.1, 40.27]),
    ]  # off by 1, 2, 3; .2, .3, .32
    found = read_csv(tmp_path, odd).problems.set_index("fault")["rows"]
    assert found["age groups that are not all ages"] == 3
    assert found["age groups above all ages"] == 3


def test_an_age_group_missing_beside_others_is_told(tmp_path: Path, rows: pd.DataFrame) -> None:
    odd = rows.reset_index(drop=True)
    odd.loc[3, "mdag_50_69"] = None
    odd.loc[4, ["tdv_16_29", "tdv_30_49", "tdv_50_69"]] = None  # all of them: not told
    found = read_csv(tmp_path, odd).problems
    assert found[["fault", "rows", "consequence"]].to_numpy().tolist() == [
        ["an age group missing beside others", 1, "missing"]
    ]


@pytest.mark.parametrize(
    ("emptied", "told"),
    [
        (["mdagsv"], 1),
        (["td_kv"], 1),
        (["sfdagsvj", "tdv_16_29", "tdv_30_49", "tdv_50_69"], 1),  # its women are given
        (
            ["sfdagsvj", "td_kv", *(f"tdv{who}_{age}" for who in ("", "_KVINNER") for age in AGES)],
            0,
        ),
    ],
    ids=["days", "women's", "women given", "all"],
)
def test_a_total_missing_beside_its_parts_is_told(
    tmp_path: Path, rows: pd.DataFrame, emptied: list[str], told: int
) -> None:
    odd = rows.reset_index(drop=True)
    odd.loc[4, emptied] = None
    found = read_csv(tmp_path, odd).problems
    assert found[["fault", "rows", "consequence"]].to_numpy().tolist() == told * [
        ["a total missing beside its parts", 1, "missing"]
    ]


def test_the_same_row_twice_counts_once_and_is_reported(
    tmp_path: Path, rows: pd.DataFrame, read: Register
) -> None:
    again = read_csv(tmp_path, pd.concat([rows, rows.iloc[[3, 40]]]))
    pd.testing.assert_frame_equal(again.workplaces, read.workplaces)
    assert again.problems[["fault", "rows"]].to_numpy().tolist() == [
        ["the same row more than once", 2]
    ]


def test_a_workplace_in_two_extracts_keeps_the_longer_record(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    short = rows[rows["org_nr"] == NUMBERS[0]]
    rest = rows[rows["org_nr"].isin(NUMBERS[1:3])]
    whole = register(NUMBERS[:1], seed=6)
    pd.concat([short, rest]).to_csv(first, index=False)
    whole.to_csv(second, index=False)
    both = read_register([first, second], key=KEY)
    assert both.extracts["workplaces"].tolist() == [3, 1]
    assert both.extracts["used"].tolist() == [2, 1]
    assert both.problems["consequence"].tolist() == ["the other extract's record is used"]
    kept = both.workplaces.set_index("workplace").loc[pseudonym(NUMBERS[0], key=KEY)]
    assert kept["n_quarters"] == whole["sfdagsvj"].notna().sum()
    _, quarters = both.select([pseudonym(NUMBERS[0], key=KEY)])
    assert len(quarters) == len(whole)


def test_head_counts_are_used_where_given(tmp_path: Path, rows: pd.DataFrame) -> None:
    again = read_csv(tmp_path, rows.assign(n_employees=17, note="kept aside"))
    assert again.workplaces["n_employees"].eq(17.0).all()
    assert set(again.workplaces["n_employees_source"]) == {"head_count"}
    assert again.extracts["columns_aside"].tolist() == ["note"]


def test_columns_may_be_renamed_by_a_mapping(
    tmp_path: Path, rows: pd.DataFrame, read: Register
) -> None:
    path = tmp_path / "renamed.parquet"
    rows.rename(columns={"org_nr": "virksomhet", "mdagsv": "avtalt"}).to_parquet(path)
    again = read_register(path, key=KEY, mapping={"org_nr": "virksomhet", "mdagsv": "avtalt"})
    pd.testing.assert_frame_equal(again.workplaces, read.workplaces)


def test_no_workplace_number_leaves_the_door(read: Register) -> None:
    for frame in (read.workplaces, read.quarters.to_pyarrow().to_pandas(), read.extracts):
        text = frame.to_csv(index=False)
        assert not any(number in text for number in NUMBERS)
    assert set(read.workplaces["workplace"]) == set(NAMES)


def test_a_register_shows_its_period_and_nothing_of_its_files(read: Register) -> None:
    assert repr(read) == "Register(period=('2016Q1', '2020Q4'))"


def test_another_key_gives_other_pseudonyms(
    tmp_path: Path, rows: pd.DataFrame, read: Register
) -> None:
    path = tmp_path / "extract.parquet"
    rows.to_parquet(path)
    other = set(read_register(path, key=b"2").workplaces["workplace"])
    assert len(other) == len(read.workplaces)
    assert not other & set(read.workplaces["workplace"])


def test_numbers_are_checked_and_masked() -> None:
    assert all(is_valid_number(number) for number in NUMBERS)
    assert not is_valid_number("974760674")
    assert mask_numbers("ring 974 760 673 i dag") == "ring ######### i dag"
    assert mask_numbers("12 345") == "12 345"


@pytest.mark.parametrize("kinds", [("parquet", "csv"), ("csv", "xlsx"), ("xlsx", "parquet")])
def test_extracts_of_several_kinds_are_one_register(
    tmp_path: Path, rows: pd.DataFrame, read: Register, kinds: tuple[str, str]
) -> None:
    paths = [tmp_path / f"part{at}.{kind}" for at, kind in enumerate(kinds)]
    here = rows["org_nr"].isin(NUMBERS[:3])
    for path, part in zip(paths, (rows[here], rows[~here]), strict=True):
        write = {".csv": part.to_csv, ".xlsx": part.to_excel, ".parquet": part.to_parquet}
        write[path.suffix](path, index=False)  # type: ignore[operator]
    both = read_register(paths, key=KEY).workplaces
    pd.testing.assert_frame_equal(
        both.drop(columns="extract"), read.workplaces.drop(columns="extract")
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_last_quarters_that_there_can_be_are_read(
    tmp_path: Path, rows: pd.DataFrame, read: Register, kind: str
) -> None:
    """Nine years later: quarters are bits of a mask of 64."""
    later = rows.assign(aar_kvartal=[f"{int(q) + 90}" for q in rows["aar_kvartal"]])
    path = tmp_path / f"later.{kind}"
    (later.to_csv if kind == "csv" else later.to_parquet)(path, index=False)
    found = read_register(path, key=KEY, period=("2025Q1", "2029Q4"), change=("2025Q4", "2028Q4"))
    for name in ("absence_mean", "absence_change", "absence_trend", "n_quarters"):
        pd.testing.assert_series_equal(found.workplaces[name], read.workplaces[name])


@pytest.mark.parametrize("where", [0, 4])
def test_a_figure_that_is_not_a_number_is_a_gap(
    tmp_path: Path, rows: pd.DataFrame, where: int
) -> None:
    """Statistics of a Parquet file know of no NaN, and DuckDB believes them."""
    figures = rows.copy()
    figures.loc[figures.index[where], "sfdagsvj"] = np.nan
    table = pa.Table.from_pandas(figures, preserve_index=False)
    column = table.column_names.index("sfdagsvj")
    with_nan = pa.array(figures["sfdagsvj"].to_numpy(float), from_pandas=False)
    for name, kept in (("null", table), ("nan", table.set_column(column, "sfdagsvj", with_nan))):
        pq.write_table(kept, tmp_path / f"{name}.parquet")
    null, nan = (read_register(tmp_path / f"{name}.parquet", key=KEY) for name in ("null", "nan"))
    pd.testing.assert_frame_equal(
        nan.workplaces.drop(columns="extract"), null.workplaces.drop(columns="extract")
    )


def test_a_period_may_be_chosen(tmp_path: Path, rows: pd.DataFrame) -> None:
    path = tmp_path / "extract.parquet"
    rows.to_parquet(path)
    short = read_register(path, key=KEY, period=("2017Q1", "2018Q4"), change=("2017Q1", "2018Q1"))
    expected = by_hand(rows[rows["aar_kvartal"].between("20171", "20184")])
    got = short.workplaces.merge(expected, on="workplace", suffixes=("", "_by_hand"))
    np.testing.assert_allclose(got["absence_mean"], got["absence_mean_by_hand"], rtol=1e-12)
    np.testing.assert_allclose(got["absence_trend"], got["absence_trend_by_hand"], atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "said"),
    [([4], "row 4, column"), ([9, 4, 7], "rows 4, 7, 9, column"),
     ([4, 7, 9, 2, 11], "rows 2, 4, 7 and 2 more, column")],
)  # fmt: skip
def test_a_fault_names_three_rows_and_counts_the_rest(rows: list[int], said: str) -> None:
    table = ibis.memtable(pa.table({"row": rows, "cell": ["974760673"] * len(rows)}))
    fault = str(_fault("a.csv", table, "days", rule="must be days", count=len(rows)))
    assert fault == f"a.csv: {said} days: must be days (got 'another value')"
