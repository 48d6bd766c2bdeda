"""The register on Spark: the digits and the refusals of DuckDB, and a key that nobody sees."""

import base64
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.pseudonym import pseudonym, pseudonyms, workplace_number
from bayes_sf.inputs.register.reader import Register, read_register
from bayes_sf.inputs.sample import load_sample
from bayes_sf.resources import data_dir

sys.path.insert(0, str(Path(__file__).parents[1] / "bad_inputs"))
from make import numbers, register

# py4j leaves its sockets to the collector
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

KEY = b"kept from plans, logs, messages!"
NUMBERS = numbers(6)


def test_many_pseudonyms_are_those_of_one_by_one() -> None:
    rng = np.random.default_rng(3)
    whole = pa.array([*rng.integers(10**7, 2 * 10**9, 4000), -974760673, 974760673])
    cells: list[object] = [int(n) for n in rng.integers(10**8, 10**9, 400)]
    spelt = ["974 760 673", "974.760.673", "9.74760673e8", "974760673.0", "974-760-673", "x", ""]
    cells += [*spelt, None, 974760673.0, 974760673, "97476067", "9747606733", float("nan")]
    expected = [
        None if workplace_number(text) is None else pseudonym(text, key=KEY)
        for text in ("" if cell is None else str(cell) for cell in cells)
    ]
    assert pseudonyms(pa.array([None if c is None else str(c) for c in cells]), key=KEY) == expected
    of_text = pseudonyms(whole.cast(pa.string()), key=KEY)
    assert pseudonyms(whole, key=KEY) == of_text
    assert of_text[-1] == pseudonym("974760673", key=KEY)
    assert None in of_text
    assert 20 < sum(name is not None for name in expected) < 100
    assert pseudonyms(pa.array([], pa.int64()), key=KEY) == []


def test_a_backend_that_is_none_is_refused() -> None:
    pytest.importorskip("pyspark")
    with pytest.raises(UsageError, match="must be an address of Spark"):
        read_register("r.parquet", backend="duckdb")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    from pyspark.sql import SparkSession

    patch = pytest.MonkeyPatch()
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    events = tmp_path_factory.mktemp("events")
    settings = {
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2",
        "spark.eventLog.enabled": "true", "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",  # so that it can be searched
    }  # fmt: skip
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
    patch.undo()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows with gaps, a row that stands twice, and figures that contradict one another."""
    rows = register(NUMBERS, seed=7)
    rows.loc[3:9, "sfdagsvj"] = np.nan
    rows.loc[12, "mdagsv"] = 0.0
    rows.loc[20, "tdv_16_29"] = -3.0
    path = tmp_path_factory.mktemp("spark") / "part=1 [a]{b}.parquet"
    pd.concat([rows, rows.iloc[[30]]]).to_parquet(path)
    return path


def assert_same(there: Register, here: Register) -> None:
    pd.testing.assert_frame_equal(there.workplaces, here.workplaces, check_exact=True)
    pd.testing.assert_frame_equal(there.problems, here.problems)
    pd.testing.assert_frame_equal(there.extracts, here.extracts)
    some = here.workplaces["workplace"][:2]
    for found, expected in zip(there.select(some), here.select(some), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.slow
def test_every_digit_and_problem_is_duckdbs(spark: Any, file: Path) -> None:
    here = read_register(file, key=KEY)
    assert len(here.problems) >= 3
    assert_same(read_register(file, key=KEY, backend=spark), here)
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"  # the user's session is as it was


@pytest.mark.slow
def test_the_replica_is_read_on_spark(spark: Any) -> None:
    folder = data_dir() / "replica"
    files = [folder / "register_workplace.csv", folder / "register_enterprise.csv"]
    survey = folder / "survey.csv"
    here = load_sample(survey=survey, register=files, key=KEY)
    there = load_sample(survey=survey, register=files, key=KEY, backend=spark)
    pd.testing.assert_frame_equal(there.frame, here.frame, check_exact=True)
    pd.testing.assert_frame_equal(there.quarters, here.quarters, check_exact=True)
    assert there.digest == here.digest


def bad_number(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(org_nr=rows["org_nr"].where(rows.index != 4, "974760674"))


def no_number(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(org_nr=rows["org_nr"].where(rows.index > 1, None))


def bad_quarter(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(aar_kvartal=rows["aar_kvartal"].where(rows.index != 5, "20165"))


def bad_figure(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(mdagsv=rows["mdagsv"].astype(str).where(rows.index != 6, "many"))


def both_marks(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(mdagsv=["1,5", *["2.5"] * (len(rows) - 1)])


def huge(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(td_kv=rows["td_kv"].where(rows.index != 8, 1e13))


def unlike(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.iloc[[2]].assign(mdagsv=1.0)])


def empty(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[:0]


def no_column(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="td_kv")


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [bad_number, no_number, bad_quarter, bad_figure, both_marks, huge, unlike, empty, no_column],
)
def test_what_is_refused_is_refused_in_the_same_words(
    spark: Any, tmp_path: Path, spoil: Any
) -> None:
    spoil(register(NUMBERS, seed=7)).to_parquet(tmp_path / "r.parquet")
    said = []
    for backend in (None, spark):
        with pytest.raises(DataError) as caught:
            read_register(tmp_path / "r.parquet", key=KEY, backend=backend)
        said.append(str(caught.value))
    assert said[0] == said[1]


def spellings(key: bytes) -> list[bytes]:
    """The key and its two pads of HMAC, as bytes, hexadecimal and base 64."""
    padded = key.ljust(64, b"\0")
    secrets = [key, *(bytes(byte ^ pad for byte in padded)[: len(key)] for pad in (0x36, 0x5C))]
    return [
        form
        for secret in secrets
        for form in (
            secret, secret.hex().encode(), secret.hex().upper().encode(),
            base64.b64encode(secret)[:20], repr(secret)[2:-1].encode(),
        )
    ]  # fmt: skip


@pytest.mark.slow
def test_the_key_is_in_no_plan_log_or_message(
    spark: Any, file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = read_register(file, key=KEY, backend=spark)
    here = read_register(file, key=KEY)
    texts = []
    for table in (found.table, found.rows):
        session = table.get_backend()._session
        plan = session.sql(table.compile())._jdf.queryExecution()
        texts += [plan.toString(), plan.logical().toJSON(), table.compile()]
    for table in (here.table, here.rows):
        connection = table.get_backend().con
        texts += map(str, connection.sql(f"explain analyze {table.compile()}").fetchall())
        texts += map(str, connection.sql("select * from duckdb_functions()").fetchall())
    for spoil in (bad_number, unlike):
        spoil(register(NUMBERS, seed=7)).to_parquet(tmp_path / "r.parquet")
        for backend in (None, spark):
            with pytest.raises(DataError) as caught:
                read_register(tmp_path / "r.parquet", key=KEY, backend=backend)
            texts += [str(caught.value), repr(caught.value)]
    texts += capfd.readouterr()
    folder = Path(spark.conf.get("spark.eventLog.dir").removeprefix("file:"))
    logs = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert any(b"SparkListenerSQLExecutionStart" in log for log in logs)
    seen = b"\n".join([*logs, *(text.encode() for text in texts)])
    assert b"of_cells" in seen or b"HashAggregate" in seen  # plans were searched
    assert [form for form in spellings(KEY) if form in seen] == []


@pytest.mark.slow
def test_a_task_that_fails_is_said_and_quotes_nothing(
    spark: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(cells: object, *, key: bytes) -> list[str]:
        raise RuntimeError(f"{cells} {key!r}")

    with monkeypatch.context() as patch:
        patch.setattr("bayes_sf.inputs.register.extract.pseudonyms", fail)
        with pytest.raises(DataError, match="must be read by Spark to its end") as caught:
            read_register(file, key=KEY, backend=spark)
    assert not any(number in str(caught.value) for number in NUMBERS)
    assert len(read_register(file, key=KEY, backend=spark).workplaces) == len(NUMBERS)


@pytest.mark.slow
def test_a_file_that_is_lost_meanwhile_is_said(spark: Any, file: Path, tmp_path: Path) -> None:
    lost = Path(shutil.copy(file, tmp_path / "r.parquet"))
    found = read_register(lost, key=KEY, backend=spark)
    lost.unlink()
    with pytest.raises(DataError, match=r"r\.parquet"):
        found.select(found.workplaces["workplace"])
