"""`bayes-sf export`: the tables of whatever there is, in the formats that are asked for."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_sf.analysis.comparison import Reproduction
from bayes_sf.analysis.pooling import Pooling
from bayes_sf.engines.result import Result
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.comparison_tables import comparison_tables, icc_table
from bayes_sf.output.description import description_tables
from bayes_sf.output.formats.delimited import CsvStyle
from bayes_sf.output.formats.writing import write_tables
from bayes_sf.output.pooling_tables import pooling_table, shrinkage_table
from bayes_sf.output.result_tables import diagnostics_table, posterior_table
from bayes_sf.output.sample_tables import descriptive_tables, flow_tables
from bayes_sf.output.tables import Table
from bayes_sf.output.words import check_language

if TYPE_CHECKING:
    from bayes_sf.inputs.variables import Language

__all__ = ["export_tables", "run_export"]


def run_export(
    folder: Path,
    *,
    results: Iterable[Result] = (),
    reproduction: Reproduction | None = None,
    poolings: Iterable[Pooling] = (),
    sample: AnalysisSample | None = None,
    source: str = "",
    formats: Sequence[str] = ("html", "csv"),
    lang: str = "en",
    csv_style: CsvStyle = "plain",
) -> tuple[Path, ...]:
    """Write the tables of results, of a reproduction, of poolings and of a sample.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    results : iterable of Result
        As the values of `Results`; of nuts also their diagnostics.
    reproduction : Reproduction, optional
        Published figures beside ours.
    poolings : iterable of Pooling
        As `compare_pooling` gives them.
    sample : AnalysisSample, optional
        Who is left after each rule, and tables 11 to 45.
    source : {"published", "replica", "microdata"}
        Data of the reproduction.
    formats : sequence of str
        Some of html, latex, markdown, csv, excel, word.
    lang : {"en", "nb"}
        Language.
    csv_style : {"plain", "norwegian"}
        As in `write_tables`.

    Raises
    ------
    UsageError
        For a language or format that is not known, or a library that is missing.
    """
    tables = export_tables(
        results=results, reproduction=reproduction, poolings=poolings, sample=sample,
        source=source, lang=check_language(lang),
    )  # fmt: skip
    return write_tables(folder, tables, formats, csv_style=csv_style)


def export_tables(
    *,
    results: Iterable[Result] = (),
    reproduction: Reproduction | None = None,
    poolings: Iterable[Pooling] = (),
    sample: AnalysisSample | None = None,
    source: str = "",
    lang: "Language" = "en",
) -> tuple[Table, ...]:
    """Make the tables that `run_export` writes; parameters as there."""
    tables = list(_result_tables(list(results), lang))
    if reproduction is not None:
        tables.append(icc_table(reproduction.icc, source=source, lang=lang))
        tables += comparison_tables(reproduction, source=source, lang=lang)
    for pooling in poolings:
        tables += pooling_table(pooling, lang=lang), shrinkage_table(pooling, lang=lang)
    if sample is not None:
        frames = description_tables(sample)
        tables += flow_tables(frames["flow.csv"], source=sample.source, lang=lang)
        for name in ("univariate.csv", "by_industry.csv"):
            tables += descriptive_tables(frames[name], source=sample.source, lang=lang)
    return tuple(tables)


def _result_tables(results: list[Result], lang: "Language") -> Iterator[Table]:
    """A summary for each engine, and the diagnostics of chains."""
    for engine in dict.fromkeys(result.engine for result in results):
        fits = [result for result in results if result.engine == engine]
        yield posterior_table(fits, lang=lang, name=f"estimates_{engine}")
    yield from (diagnostics_table(fit, lang=lang) for fit in results if fit.engine == "nuts")
