"""The register: one or two raw extracts in, one row of outcomes per workplace out.

Rules, each stated once:

- Workplace numbers are checked and replaced by pseudonyms before anything is grouped or sorted.
- A file, column, number, quarter or workplace number that cannot be read is an error.
- Figures that contradict one another (`bayes_sf.inputs.faults`) are counted and placed in
  `problems` and used as they stand: corrections booked in a later quarter look like this, and only
  the owner of the data can tell.
- The same row twice in one extract is counted once and reported; two different rows for one
  workplace and quarter are an error.
- A Parquet file must stay as it was for as long as quarters are fetched from it; other files are
  read once and kept.
- A workplace in both extracts keeps the record of the extract with more observed quarters, the
  first given if equal; quarters are never mixed, since the extracts count different units.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.faults import find_faults, join_problems, problem, problem_table
from bayes_sf.inputs.pseudonym import run_key
from bayes_sf.inputs.register.compiled import keep, see, show
from bayes_sf.inputs.register.connection import connect, keep_rows, quietly, with_function
from bayes_sf.inputs.register.extract import HEAD_COUNT, Extract, open_extract, scanning
from bayes_sf.inputs.register.outcomes import (
    count_pairs,
    has_doubles,
    series_of,
    sum_quarters,
    with_absence,
    with_movement,
)
from bayes_sf.inputs.register.quarters import parse_quarter, quarter_name, quarter_range
from bayes_sf.inputs.register.source import Source
from bayes_sf.inputs.register.spark import connect_spark

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    from ibis.backends.duckdb import Backend
    from pyspark.sql import SparkSession

__all__ = ["CHANGE", "PERIOD", "Register", "read_register"]

PERIOD = ("2016Q1", "2020Q4")
CHANGE = ("2016Q4", "2019Q4")
_PLAIN: Final = {
    "contracted_days": "mdagsv",
    "lost_days": "sfdagsvj",
    "women_days": "mdag_kv",
    "senior_days": "mdag_50_69",
    "head_count": HEAD_COUNT,
}


@dataclass(frozen=True)
class Register:
    """Extracts read, checked and summarised; figures stay in the engine until asked for.

    Parameters
    ----------
    table : ibis.Table
        One row per workplace, as `workplaces`.
    rows : ibis.Table
        As `quarters`.
    sources : tuple of Source
        The files.
    extracts : pandas.DataFrame
        One row per file: rows, workplaces, missing figures, columns kept aside, and `kept`, the
        workplaces whose record was used.
    problems : pandas.DataFrame
        Faults that are not errors, with counts, places and what follows from them.
    period : tuple of str
        First and last quarter that count.
    """

    table: "ibis.Table" = field(repr=False)
    rows: "ibis.Table" = field(repr=False)
    sources: tuple[Source, ...] = field(repr=False)
    extracts: "pd.DataFrame" = field(repr=False)
    problems: "pd.DataFrame" = field(repr=False)
    period: tuple[str, str]

    @property
    def quarters(self) -> "ibis.Table":
        """One row per workplace and quarter, not yet computed, from files that are as they were.

        `workplace`, `quarter` (index), `contracted_days`, `lost_days`, `women_days`, `senior_days`,
        `head_count`, `absence`.

        Raises
        ------
        DataError
            If a file was changed after it was read.
        """
        for source in self.sources:
            source.verify()
        return self.rows

    @property
    @quietly()
    def workplaces(self) -> "pd.DataFrame":
        """All workplaces: `workplace`, the outcomes, the controls, which quarters, `extract`."""
        frame: pd.DataFrame = self.table.order_by("workplace").to_pyarrow().to_pandas()
        return frame

    @quietly()
    def select(self, workplaces: Iterable[str]) -> "tuple[pd.DataFrame, pd.DataFrame]":
        """Fetch the outcomes and the quarters of some workplaces.

        Parameters
        ----------
        workplaces : iterable of str
            Pseudonyms.

        Returns
        -------
        outcomes, quarters : pandas.DataFrame
            Rows of `table` and of `quarters`, ordered by workplace and quarter.

        Raises
        ------
        DataError
            If a file was changed after it was read.
        """
        import ibis

        wanted = ibis.memtable({"workplace": sorted(set(workplaces))}, schema={"workplace": "str"})
        outcomes = self.table.semi_join(wanted, "workplace").order_by("workplace")
        quarters = self.quarters.semi_join(wanted, "workplace").order_by(["workplace", "quarter"])
        with scanning(", ".join(source.where for source in self.sources)):
            found = outcomes.to_pyarrow().to_pandas(), quarters.to_pyarrow().to_pandas()
        for source in self.sources:
            source.verify()
        return found


@quietly()
def read_register(
    paths: str | Path | Sequence[str | Path],
    *,
    key: bytes | None = None,
    mapping: Mapping[str, str] | None = None,
    period: tuple[str, str] = PERIOD,
    change: tuple[str, str] = CHANGE,
    decimal: str | None = None,
    memory_limit: str = "2GiB",
    backend: "str | SparkSession | None" = None,
) -> Register:
    """Read the register's extracts.

    Parameters
    ----------
    paths : path or sequence of paths
        CSV and Parquet are streamed; Excel, SPSS and Stata files are read whole.
    key : bytes, optional
        Secret key of the pseudonyms; without it this process's own, see `run_key`.
    mapping : mapping, optional
        Our column name to theirs, where they differ.
    period : tuple of str
        First and last quarter that count.
    change : tuple of str
        The two quarters of `absence_change`.
    decimal : {",", "."}, optional
        Decimal mark, needed only where a CSV leaves it open.
    memory_limit : str
        Given to DuckDB, which spills grouped, already pseudonymous rows to disk beyond it.
    backend : str or pyspark.sql.SparkSession, optional
        Without it DuckDB, in this process. ``"spark://host:7077"``, ``"local[2]"`` or a session of
        one's own: Parquet is scanned there, and other files are handed over once checked.

    Returns
    -------
    Register
        One row per workplace.

    Raises
    ------
    DataError
        If a file breaks a rule of the module's list.
    """
    import ibis

    files = [paths] if isinstance(paths, str | Path) else list(paths)
    if not files:
        raise UsageError("register", "must be at least one file", got="none")
    span = quarter_range(*period)
    ends = (parse_quarter(change[0]), parse_quarter(change[1]))
    embedded = connect(memory_limit)
    connection = embedded if backend is None else connect_spark(backend)
    extracts, rows, summaries, problems = [], [], [], []
    for index, path in enumerate(files):
        extract = open_extract(
            connection, Path(path), key=key or run_key(), mapping=mapping or {}, decimal=decimal,
            embedded=embedded,
        )  # fmt: skip
        with scanning(extract.where):
            figures, summary, copies = _summarise(connection, extract, index, span, {*span, *ends})
            problems += [
                _declared(extract),
                find_faults(connection, extract.where, extract.faults, extract.rows, span),
                copies,
            ]
        if not extract.is_kept:
            extract.source.verify()
        extracts.append(extract)
        rows.append(figures)
        summaries.append(summary)
    candidates = ibis.union(*summaries) if len(files) > 1 else summaries[0]
    with scanning(", ".join(extract.where for extract in extracts)):
        chosen = connection.create_view("chosen", _choose(candidates))
        series = series_of(chosen, period=span)
        pairs = with_function(connection, series, count_pairs, "array<int32>")
        counted = keep_rows(connection, "pairs", chosen.mutate(pairs=pairs))
        table = keep(connection, "workplaces", _moved, counted, ends)
        problems.append(_shared(extracts, candidates, table))
        described = _describe(connection, extracts, candidates, table)
    quarters = ibis.union(*rows) if len(files) > 1 else rows[0]
    return Register(
        table=table,
        rows=quarters.semi_join(table, ["workplace", "extract"]).drop(
            "extract", "bit", "working_days"
        ),
        sources=tuple(extract.source for extract in extracts if not extract.is_kept),
        extracts=described,
        problems=join_problems(problems),
        period=period,
    )


def _summarise(
    connection: "Backend", extract: Extract, index: int, period: range, kept: Iterable[int]
) -> "tuple[ibis.Table, ibis.Table, pd.DataFrame]":
    """Outcomes of one extract, its rows as used, and the rows that stood in it twice."""
    asked = (index, extract.has_head_count, period, tuple(sorted(kept)))

    def outcomes(rows: "ibis.Table", name: str) -> "tuple[ibis.Table, ibis.Table]":
        return _with_rates(rows, index), keep(connection, name, _outcomes, rows, *asked)

    figures, summary = outcomes(extract.rows, f"extract_{index}")
    doubled = see(connection, f"doubled_{index}", _doubled, summary)
    copies = _copies(extract, doubled)
    if len(copies):
        figures, summary = outcomes(extract.rows.drop("row").distinct(), f"extract_{index}_once")
    return figures, summary.drop("bits", "n_rows"), copies


def _with_rates(rows: "ibis.Table", index: int) -> "ibis.Table":
    """Figures of one extract under our names, with each quarter's absence."""
    import ibis

    plain = rows.select("workplace", "quarter", "bit", "working_days", **_PLAIN)
    return with_absence(plain).mutate(extract=ibis.literal(index, "int8"))


def _outcomes(
    rows: "ibis.Table", index: int, has_head_count: bool, period: range, kept: tuple[int, ...]
) -> "ibis.Table":
    """Sums of one extract by workplace."""
    summary = sum_quarters(_with_rates(rows, index), period=period, kept=kept)
    return _with_size(summary, has_head_count)


def _doubled(summary: "ibis.Table") -> "ibis.Table":
    """Workplaces that have a quarter more than once."""
    return summary.filter(has_doubles(summary)).select("workplace")


def _with_size(summary: "ibis.Table", has_head_count: bool) -> "ibis.Table":
    """Name the measure of size: head count, or full-time equivalents where there is none."""
    import ibis

    source = "head_count" if has_head_count else "full_time_equivalents"
    size = summary.n_employees if has_head_count else summary.full_time_equivalents
    summary = summary.mutate(n_employees=size, n_employees_source=ibis.literal(source))
    return summary.drop("full_time_equivalents")


def _copies(extract: Extract, doubled: "ibis.Table") -> "pd.DataFrame":
    """Report the rows that stand twice in an extract; if two of them differ it is an error."""
    if not doubled.count().to_pyarrow().as_py():
        return problem_table([])
    quarter = ["workplace", "quarter"]
    rows = extract.rows.semi_join(doubled, "workplace")
    unlike = rows.drop("row").distinct().group_by(quarter).agg(n=lambda t: t.count())
    unlike = rows.semi_join(unlike.filter(unlike.n > 1), quarter).order_by([*quarter, "row"])
    found = unlike.select("row", *quarter).to_pyarrow().to_pylist()
    if found:
        pair = [row for row in found if all(row[name] == found[0][name] for name in quarter)]
        raise DataError(
            f"{extract.where}: rows {', '.join(str(row['row']) for row in pair)}",
            "must have one row for each workplace and quarter",
            got=f"{len(found)} rows that share theirs but differ, these in "
            f"{quarter_name(pair[0]['quarter'])}",
            fix="keep the right one",
        )
    alike = rows.group_by(quarter).agg(n=lambda t: t.count())
    alike = alike.filter(alike.n > 1).order_by(quarter).to_pyarrow().to_pandas()
    return problem_table(
        [
            problem(
                extract.where,
                "the same row more than once",
                rows=int((alike["n"] - 1).sum()),
                places=zip(alike["workplace"], alike["quarter"], strict=True),
                consequence="counted once",
            )
        ]
    )


def _declared(extract: Extract) -> "pd.DataFrame":
    """Report the figures that the file itself declares missing."""
    if not extract.declared_missing:
        return problem_table([])
    return problem_table(
        [
            problem(
                extract.where,
                "figures that the file declares missing",
                rows=extract.declared_missing,
                places=(),
                consequence="missing",
            )
        ]
    )


def _choose(candidates: "ibis.Table") -> "ibis.Table":
    """For a workplace in two extracts, the one with more observed quarters, else the first."""
    import ibis

    order = [candidates.n_quarters.desc(), candidates.extract.asc()]
    ranked = candidates.mutate(rank=ibis.row_number().over(group_by="workplace", order_by=order))
    return ranked.filter(ranked["rank"] == 0).drop("rank")


def _moved(counted: "ibis.Table", change: tuple[int, int]) -> "ibis.Table":
    """Outcomes by workplace, with those of change."""
    return with_movement(counted, change=change)


def _shared(
    extracts: Sequence[Extract], candidates: "ibis.Table", chosen: "ibis.Table"
) -> "pd.DataFrame":
    """Report the workplaces in more than one extract, by the extract whose record was set aside."""
    passed_over = candidates.anti_join(chosen, ["workplace", "extract"]).order_by("workplace")
    found = passed_over.select("workplace", "extract", "n_quarters").to_pyarrow().to_pandas()
    return problem_table(
        [
            problem(
                extracts[int(index)].where,
                "also in another extract, with at least as many observed quarters",
                rows=int(group["n_quarters"].sum()),
                places=((workplace, None) for workplace in group["workplace"]),
                consequence="the other extract's record is used",
            )
            for index, group in found.groupby("extract")
        ]
    )


def _describe(
    connection: "Backend",
    extracts: Sequence[Extract],
    candidates: "ibis.Table",
    chosen: "ibis.Table",
) -> "pd.DataFrame":
    """Count rows and workplaces of each extract, found and used."""
    import pandas as pd

    records = []
    for index, extract in enumerate(extracts):
        found, used = (
            int(show(connection, _count_of, table, index)["n"][0].as_py())
            for table in (candidates, chosen)
        )
        facts = show(connection, _counts, extract.rows).to_pylist()[0]
        size = "head_count" if extract.has_head_count else "full_time_equivalents"
        records.append(
            {"file": extract.where, "workplaces": found, "used": used, **facts}
            | {"n_employees_source": size, "columns_aside": ", ".join(extract.aside)}
        )
    return pd.DataFrame(records)


def _counts(rows: "ibis.Table") -> "ibis.Table":
    """How many rows of an extract there are, and how many without days."""
    return rows.agg(
        rows=rows.count(),
        without_contracted_days=(rows.count() - rows.mdagsv.count()),
        without_lost_days=(rows.count() - rows.sfdagsvj.count()),
    )


def _count_of(workplaces: "ibis.Table", extract: int) -> "ibis.Table":
    """How many workplaces are of one extract."""
    return workplaces.agg(n=(workplaces.extract == extract).cast("int64").sum().coalesce(0))
