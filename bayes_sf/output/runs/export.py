"""`bayes-sf export`: the tables of whatever there is, in the formats that are asked for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.comparison import Reproduction, reproduce
from bayes_sf.analysis.pooling import Pooling, compare_pooling
from bayes_sf.disclosure.control import Control, Hidden, Rules
from bayes_sf.disclosure.protected_models import (
    hidden_of,
    keep_open,
    protect_pooling,
    protect_reproduction,
    withheld_of,
)
from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.delimited import CsvStyle
from bayes_sf.output.formats.writing import table_files
from bayes_sf.output.tables.comparison_tables import comparison_tables, icc_table
from bayes_sf.output.tables.described_sample import protect_tables
from bayes_sf.output.tables.pooling_tables import pooling_table, shrinkage_table
from bayes_sf.output.tables.result_tables import diagnostics_table, posterior_table
from bayes_sf.output.tables.rounded import protect_table
from bayes_sf.output.tables.sample_tables import descriptive_tables, flow_tables
from bayes_sf.output.tables.table import Table
from bayes_sf.output.words.sentences import STATEMENTS, sentence
from bayes_sf.output.words.words import check_language
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    from rich.console import Console

    from bayes_sf.inputs.variables import Language

__all__ = ["Export", "export_tables", "gather", "print_export", "run_export"]


@dataclass(frozen=True, eq=False)
class Export:
    """What was written.

    Parameters
    ----------
    tables : tuple of Table
    files : tuple of pathlib.Path
    disclosure : str
        What disclosure control did; "" where there was nothing to protect.
    lang : {"en", "nb"}
        Language.
    """

    tables: tuple[Table, ...]
    files: tuple[Path, ...]
    disclosure: str
    lang: "Language" = "en"


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
    control: Control | None = None,
    log: Sequence[Hidden] = (),
) -> Export:
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
    control : Control, optional
        Of the data that results and poolings come from; by default the sample's, with the usual
        rules.
    log : sequence of Hidden
        What was hidden before, as models that are withheld.

    Raises
    ------
    UsageError
        For a language or format that is not known, or a library that is missing.
    """
    used, language = control or Control.of(sample, Rules()), check_language(lang)
    tables, hidden = export_tables(
        results=results, reproduction=reproduction, poolings=poolings, sample=sample,
        source=source, lang=language, control=used,
    )  # fmt: skip
    log = (*log, *hidden)
    contents = table_files(tables, formats, csv_style=csv_style)
    files = write_files(folder, {**contents, **disclosure_files(used, log)})
    return Export(tables, files, notice(used, log, language), language)


def export_tables(
    *,
    results: Iterable[Result] = (),
    reproduction: Reproduction | None = None,
    poolings: Iterable[Pooling] = (),
    sample: AnalysisSample | None = None,
    source: str = "",
    lang: "Language" = "en",
    control: Control | None = None,
) -> tuple[tuple[Table, ...], tuple[Hidden, ...]]:
    """Make the tables that `run_export` writes, and the log of what is hidden in them.

    Parameters
    ----------
    results, reproduction, poolings, sample, source, lang, control
        As there.
    """
    used = control or Control.of(sample, Rules())
    log: list[Hidden] = []
    tables = list(_result_tables(list(results), lang, used))
    if reproduction is not None:
        replayed = protect_reproduction(reproduction, used)
        tables.append(icc_table(replayed.icc, source=source, lang=lang))
        fits = [fit for found in replayed.results.values() for fit in found.values()]
        compared = comparison_tables(replayed, source=source, lang=lang)
        tables += [protect_table(table, fits, used) for table in compared]
    for pooling in poolings:
        shown, hidden = protect_pooling(pooling, used)
        tables += pooling_table(shown, lang=lang), shrinkage_table(shown, lang=lang)
        log += hidden
    if sample is not None:
        found = protect_tables(sample, used)
        log += found.log
        tables += flow_tables(found.tables["flow.csv"], source=sample.source, lang=lang)
        for name in ("univariate.csv", "by_industry.csv"):
            tables += descriptive_tables(found.tables[name], source=sample.source, lang=lang)
    return tuple(tables), tuple(log)


def _result_tables(results: list[Result], lang: "Language", control: Control) -> Iterator[Table]:
    """A summary for each engine, and the diagnostics of chains."""
    for engine in dict.fromkeys(result.engine for result in results):
        fits = [result for result in results if result.engine == engine]
        table = posterior_table(fits, lang=lang, name=f"estimates_{engine}")
        yield protect_table(table, fits, control)
    for one in results:
        if one.engine == "nuts":
            yield _without(diagnostics_table(one, lang=lang), tuple(hidden_of(one, control)))


def _without(table: Table, groups: tuple[str, ...]) -> Table:
    """Diagnostics without those of hidden groups' effects."""
    ends = tuple(f"{group}]" for group in groups)
    kept = [at for at, row in enumerate(table.rows) if not str(row[0]).endswith(ends)]
    rows = tuple(table.rows[at] for at in kept)
    decimals = tuple(table.decimals[at] for at in kept)
    return replace(table, rows=rows, decimals=decimals) if groups else table


def gather(
    analyses: Sequence[Analysis],
    data: Any,
    *,
    control: Control,
    engine: str | None = None,
    seed: int = 1,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> dict[str, Any]:
    """Fit what the tables are made of.

    Parameters
    ----------
    analyses : sequence of Analysis
        Without any, the report's own tables are reproduced.
    data : PublishedStudy or AnalysisSample
    control : Control
        Of the data: models that are withheld are not fitted.
    engine : {"exact", "reml", "ols", "nuts"}, optional
        Of the estimates, by default what each model takes; poolings have engines of their own, and
        only plain models have them.
    seed : int
        Seed of what is random.
    progress : callable
        Wraps the models.

    Returns
    -------
    dict
        Arguments of `run_export`.
    """
    sample = data if isinstance(data, AnalysisSample) else None
    if not analyses:
        replayed = reproduce(data, seed=seed, keep=control.keeps, progress=progress)
        return {"reproduction": replayed, "sample": sample, "log": withheld_of(control)}
    results, poolings = [], []
    asked = [keep_open(analysis, control) for analysis in analyses]
    models = [(analysis.name, spec) for analysis, _ in asked for spec in analysis.specs]
    often = Counter(spec.key for _, spec in models)
    for of, spec in progress(models):
        # A model is told from one of the same name in another analysis, once it is fitted.
        name = f"{spec.name} ({of})" if often[spec.key] > 1 and of != spec.name else spec.name
        own = replace(spec, name=name)
        found = fit(spec, data, engine=engine or spec.engines[0], seed=seed)
        results.append(replace(found, spec=own))
        if spec.plain:
            poolings.append(_renamed(compare_pooling(spec, data), own))
    log = tuple(line for _, lines in asked for line in lines)
    return {"results": results, "poolings": poolings, "sample": sample, "log": log}


def _renamed(pooling: Pooling, own: ModelSpec) -> Pooling:
    """Give the poolings of a model its other name."""
    return replace(
        pooling, spec=own, exact=replace(pooling.exact, spec=own),
        terms=tuple(replace(row, model=own.name) for row in pooling.terms),
        groups=tuple(replace(row, model=own.name) for row in pooling.groups),
    )  # fmt: skip


def print_export(console: "Console", done: Export, *, source: str, as_json: bool) -> None:
    """Print which tables were written.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    done : Export
    source : {"published", "replica", "microdata"}
        Which data.
    as_json : bool
        One object with keys ``source, tables, files``, of microdata ``disclosure``.
    """
    names = [str(path) for path in done.files]
    if as_json:
        tables = [{"name": table.name, "caption": table.caption} for table in done.tables]
        more = {"disclosure": done.disclosure} if done.disclosure else {}
        console.file.write(json_text({"source": source, "tables": tables, "files": names, **more}))
        return
    console.print(STATEMENTS[done.lang][source], style="bold")
    for table in done.tables:
        console.print(f"{table.name}: {table.caption}", markup=False, highlight=False)
    if done.disclosure:
        console.print(done.disclosure, highlight=False)
    said = sentence("files", done.lang).format(done.files[0].parent, len(names))
    console.print(said, markup=False, highlight=False)
