"""The register on Spark: a session of the reader's own beside the user's, and what it keeps there.

Spark has no temporary tables; what is computed once is cached, and let go with the connection.
Workers call functions of this package, so it is installed where they are.
"""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, finalize

from bayes_sf.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ibis
    import pandas as pd
    import pyarrow as pa
    from ibis.backends.duckdb import Backend
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["ROW", "cache_rows", "connect_spark", "failure_of_spark", "let_call", "scan_file"]

type _Settings = dict[str, bool | float | int | str | None]

ROW: Final = "row of the file"
"""Column of `scan_file`: 0 is the first."""

_OWN: Final["_Settings"] = {
    "spark.io.encryption.enabled": "true",
    "spark.ui.showConsoleProgress": "false",
}
"""Of sessions that are started here: what Spark spills and shuffles is encrypted, as DuckDB's."""
_LOCAL: Final[_Settings] = {
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
}  # fmt: skip
_PLAIN: Final = {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "UTC"}
"""No contracted days are no error, here as in DuckDB."""

_PARTS, _TASKS_EACH = "spark.sql.shuffle.partitions", 3
"""Parts of what is shuffled: as the session says, or three for each core. Spark's own number is 200
whatever there is, and a task that calls Python takes tenths of a second for nothing."""

_sessions: "WeakKeyDictionary[Backend, SparkSession]" = WeakKeyDictionary()


def connect_spark(given: "str | SparkSession") -> "Backend":
    """Open a session beside the one that is given or that runs at an address.

    Parameters
    ----------
    given : str or pyspark.sql.SparkSession
        ``"spark://host:7077"``, ``"local[2]"``, ``"yarn"``, or a session; its settings and its
        views stay as they are.

    Raises
    ------
    UsageError
        If Spark is not installed, does not start, or runs in this process at another address.
    """
    try:
        import ibis
        from pyspark.sql import SparkSession
    except ImportError:
        fix = "pip install 'bayes-sf[spark]'"
        raise UsageError("backend", "needs pyspark", got="none installed", fix=fix) from None
    session = _start(given) if isinstance(given, str) else given
    if not isinstance(session, SparkSession):
        rule = "must be an address of Spark or a session"
        raise UsageError("backend", rule, got=type(given).__name__)
    own = session.newSession()
    context = own.sparkContext
    parts = context.getConf().get(_PARTS) or str(_TASKS_EACH * context.defaultParallelism)
    for name, value in (*_PLAIN.items(), (_PARTS, parts)):
        own.conf.set(name, value)
    backend = ibis.pyspark.connect(own)
    _sessions[backend] = own
    return backend


def _start(address: str) -> "SparkSession":
    """Start Spark at an address, or find it there."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    if not address.startswith(("local", "spark://", "yarn", "k8s://")):
        fix = "give spark://host:7077, local[2], yarn or k8s://..."
        raise UsageError("backend", "must be an address of Spark", got=address, fix=fix)
    running = SparkSession.getActiveSession()
    if running is not None and running.sparkContext.master != address:
        rule = f"must be {running.sparkContext.master}, where this process has Spark already"
        raise UsageError("backend", rule, got=address)
    settings = _OWN | (_LOCAL if address.startswith("local") else {})
    builder = SparkSession.builder.master(address).appName("bayes_sf").config(map=settings)
    if address.startswith("local"):  # its workers are of this environment
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        session: SparkSession = builder.getOrCreate()
    except (PySparkException, RuntimeError, OSError, _of_java()) as error:
        fix = "install Java 17 (openjdk-17-jre-headless), and see that the address answers"
        raise UsageError("backend", "must start", got=type(error).__name__, fix=fix) from None
    session.sparkContext.setLogLevel("OFF")  # what it logs of a failure quotes rows
    return session


def _of_java() -> type[Exception]:
    """What Java's failures are raised as."""
    from py4j.protocol import Py4JError

    error: type[Exception] = Py4JError
    return error


def cache_rows(connection: "Backend", name: str, rows: "ibis.Table") -> "ibis.Table":
    """Compute rows once, and keep them under a name; rows of another engine are handed over."""
    session = _sessions[connection]
    if rows.get_backend() is connection:
        frame = session.sql(connection.compile(rows))
    else:
        frame = session.createDataFrame(rows.to_pyarrow())
    frame = frame.persist()
    frame.count()  # here, where it can fail in our words
    frame.createOrReplaceTempView(name)
    finalize(connection, _let_go, frame)
    return connection.table(name).cast(rows.schema())  # its literals are of types of Spark's own


def _let_go(frame: "DataFrame") -> None:
    """Free what was kept, if Spark still runs."""
    if frame.sparkSession.sparkContext._jsc is not None:  # noqa: SLF001
        frame.unpersist()


def let_call(
    connection: "Backend", name: str, function: "Callable[[pa.Array], Sequence[Any]]", gives: str
) -> None:
    """Make a function known to Spark, which calls it with batches of Arrow."""
    import ibis
    from ibis.backends.pyspark.datatypes import PySparkType
    from pyspark.sql.pandas import functions

    as_udf: Any = functions.pandas_udf  # with more overloads than one of Any fits

    def of_series(cells: "pd.Series") -> "pd.Series":
        import pandas as pd
        import pyarrow as pa

        made = function(pa.Array.from_pandas(cells))
        return pd.Series(list(made), dtype=object)

    kind = PySparkType.from_ibis(ibis.dtype(gives))
    import pandas as pd

    of_series.__annotations__ = {"cells": pd.Series, "return": pd.Series}
    _sessions[connection].udf.register(name, as_udf(of_series, returnType=kind))


def scan_file(connection: "Backend", path: Path) -> "ibis.Table":
    """Scan a Parquet file, by its name and not by a pattern, with the row of the file."""
    import ibis
    from pyspark.sql.functions import col

    literal = re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))
    frame = _sessions[connection].read.parquet(literal)
    name = ibis.util.gen_name("file")
    frame.select("*", col("_metadata.row_index").alias(ROW)).createOrReplaceTempView(name)
    return connection.table(name)


def failure_of_spark(where: str, error: Exception) -> DataError | None:
    """What is said of a failure of Spark, whose own message quotes rows; None of other errors."""
    if "pyspark" not in sys.modules:
        return None
    from pyspark.errors import PySparkException

    if not isinstance(error, PySparkException | _of_java()):
        return None
    text = str(error)
    got = type(error).__name__
    if any(sign in text for sign in ("FAILED_READ_FILE", "PATH_NOT_FOUND", "CANNOT_READ_FILE")):
        return DataError(where, "must be a whole, readable file", got=got, fix="export it again")
    return DataError(
        where, "must be read by Spark to its end", got=got,
        fix="nothing was written; Spark's log says which task failed, then run it again",
    )  # fmt: skip
