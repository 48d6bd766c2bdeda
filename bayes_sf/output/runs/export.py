"""`bayes-sf export`: the tables of whatever there is, in the formats that are asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.comparison import Reproduction, reproduce
from bayes_sf.analysis.pooling import Pooling, compare_pooling
from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.gate import Passed, all_of
from bayes_sf.disclosure.protected_models import (
    keep_open,
    keep_stated,
    protect_pooling,
    protect_reproduction,
    protect_results,
)
from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.errors import SpecError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.formats.delimited import CsvStyle
from bayes_sf.output.formats.writing import table_files
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.tables.comparison_tables import comparison_tables, icc_table
from bayes_sf.output.tables.described_sample import protect_tables
from bayes_sf.output.tables.pooling_tables import pooling_table, shrinkage_table
from bayes_sf.output.tables.result_tables import diagnostics_table, posterior_table
from bayes_sf.output.tables.sample_tables import descriptive_tables, flow_tables
from bayes_sf.output.tables.table import Table
from bayes_sf.output.words.methods import methods_file
from bayes_sf.spec.analysis import Analysis, told_apart
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd


__all__ = ["export_tables", "gather", "run_export"]


def run_export(
    asked: Asked,
    *,
    results: Iterable[Result] = (),
    reproduction: Reproduction | None = None,
    poolings: Iterable[Pooling] = (),
    sample: AnalysisSample | None = None,
    formats: Sequence[str] = ("html", "csv"),
    csv_style: CsvStyle = "plain",
    digits: int | None = None,
    style: str = "",
    control: Control | None = None,
    asked_for: Passed[Any] | None = None,
    left_out: Sequence[str] = (),
) -> Run:
    """Make the tables of results, of a reproduction, of poolings and of a sample.

    Parameters
    ----------
    asked : Asked
    results : iterable of Result
        As the values of `Results`; of nuts also their diagnostics.
    reproduction : Reproduction, optional
        Published figures beside ours.
    poolings : iterable of Pooling
        As `compare_pooling` gives them.
    sample : AnalysisSample, optional
        Who is left after each rule, and tables 11 to 45.
    formats : sequence of str
        Some of html, latex, markdown, csv, excel, word, typst, quarto.
    csv_style : {"plain", "norwegian"}
        As in `write_tables`.
    digits : int, optional
        Decimals that are printed at most; never more than there are without it.
    style : {"", "apa", "jss", "ssb"}
        As in `write_tables`.
    control : Control, optional
        Of the data that results and poolings come from; by default the sample's, with the usual
        rules.
    asked_for : Passed, optional
        Analyses without the models that are withheld.
    left_out : sequence of str
        What is said last of analyses that no table is of.

    Raises
    ------
    UsageError
        For a format that is not known, or a library that is missing.
    """
    used = control or Control.of(sample, asked.rules)
    fits = list(results)
    passed = export_tables(
        results=fits, reproduction=reproduction, poolings=poolings, sample=sample,
        source=asked.source, control=used,
    )  # fmt: skip
    # What one model's methods say is of all of its outcome; of protected data they are not said.
    first = {one.spec.outcome: one for one in reversed(fits) if one.has_draws and not used.active}
    told = protect_results(list(reversed(first.values())), used).map(methods_file)
    content = passed.also(told).map(
        lambda both: _content(
            *both, digits, left_out, formats=formats, csv_style=csv_style, style=style
        )
    )
    if asked_for is not None:
        content = asked_for.also(content).map(lambda both: both[1])
    return Run(asked, used, content)


def _content(
    tables: tuple[Table, ...], told: str, digits: int | None, left_out: Sequence[str], **how: Any
) -> Content:  # fmt: skip
    """Files in every format, and their captions; methods where they may be said."""
    if digits is not None:
        tables = tuple(table.coarser(digits) for table in tables)
    captions = [{"name": table.name, "caption": table.caption} for table in tables]
    return Content(
        texts=table_files(tables, **how) | ({"methods.md": told} if told else {}),
        lines=[*(f"{table.name}: {table.caption}" for table in tables), *left_out],
        said={"tables": captions},
        about={"tables": captions, "formats": list(how["formats"])},
    )


def export_tables(
    *,
    results: Iterable[Result] = (),
    reproduction: Reproduction | None = None,
    poolings: Iterable[Pooling] = (),
    sample: AnalysisSample | None = None,
    source: str = "",
    control: Control | None = None,
) -> Passed[tuple[Table, ...]]:
    """Make the tables that `run_export` writes.

    Parameters
    ----------
    results, reproduction, poolings, sample, source, control
        As there.
    """
    used = control or Control.of(sample, Rules())
    parts = [*_result_tables(list(results), used)]
    if reproduction is not None:
        parts += _reproduced_tables(reproduction, source, used)
    for pooling in poolings:
        parts.append(
            protect_pooling(pooling, used).map(
                lambda shown: (pooling_table(shown), shrinkage_table(shown))
            )
        )
    if sample is not None:
        parts.append(
            protect_tables(sample, used).map(
                lambda found: tuple(_sample_tables(found.tables, sample.source))
            )
        )
    return all_of(parts).map(lambda found: tuple(chain.from_iterable(found)))


def _result_tables(results: list[Result], control: Control) -> Iterator[Passed[tuple[Table, ...]]]:
    """A summary for each engine, and the diagnostics of chains."""
    for engine in dict.fromkeys(result.engine for result in results):
        fits = [result for result in results if result.engine == engine]
        make = partial(posterior_table, name=f"estimates_{engine}")
        yield protect_results(fits, control).map(make).map(lambda one: (one,))
    chains = [result for result in results if result.engine == "nuts"]
    yield protect_results(chains, control).map(lambda fits: tuple(map(diagnostics_table, fits)))


def _reproduced_tables(
    found: Reproduction, source: str, control: Control
) -> Iterator[Passed[tuple[Table, ...]]]:
    """Published figures beside ours."""
    yield protect_reproduction(found, control).map(
        lambda one: (icc_table(one.icc, source=source), *comparison_tables(one, source=source))
    )


def _sample_tables(tables: "Mapping[str, pd.DataFrame]", source: str) -> Iterator[Table]:
    """Who is left after each rule, and the answers."""
    if "flow" in tables:
        yield from flow_tables(tables["flow"], source=source)
    for name in ("univariate", "by_industry"):
        if name in tables:
            yield from descriptive_tables(tables[name], source=source)


def gather(
    analyses: Sequence[Analysis],
    data: Any,
    *,
    control: Control,
    engine: str | None = None,
    seed: int = 1,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    stated: bool = False,
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
    stated : bool
        Whether analyses are all that a study states: what tables cannot have is left out then.

    Returns
    -------
    dict
        Arguments of `run_export`.

    Raises
    ------
    SpecError
        For a study of whose analyses no table can be.
    """
    sample = data if isinstance(data, AnalysisSample) else None
    if not analyses:
        replayed = reproduce(data, seed=seed, keep=control.keeps, progress=progress)
        return {"reproduction": replayed, "sample": sample}
    results, poolings = [], []
    asked = (
        keep_stated(analyses, control) if stated
        else all_of(keep_open(analysis, control) for analysis in analyses)
    )  # fmt: skip
    if not asked.shown:
        raise SpecError("export", "must have an analysis that tables may be of", got="none")
    beyond = [one.name for one in analyses if stated and any(spec.formula for spec in one.specs)]
    said = [
        say("{} is more than a random intercept and in no table: bayes-sf fit has it.", name)
        for name in beyond
    ]
    models = [spec for analysis in asked.shown for spec in analysis.specs]
    named = [spec for analysis in told_apart(asked.shown) for spec in analysis.specs]
    for spec, own in progress(list(zip(models, named, strict=True))):
        found = fit(spec, data, engine=engine or spec.engines[0], seed=seed)
        results.append(replace(found, spec=own))
        if spec.plain:
            poolings.append(_renamed(compare_pooling(spec, data), own))
    made = {"results": results, "poolings": poolings, "sample": sample, "asked_for": asked}
    return made | ({"left_out": said} if said else {})


def _renamed(pooling: Pooling, own: ModelSpec) -> Pooling:
    """Give the poolings of a model its other name."""
    return replace(
        pooling, spec=own, exact=replace(pooling.exact, spec=own),
        terms=tuple(replace(row, model=own.name) for row in pooling.terms),
        groups=tuple(replace(row, model=own.name) for row in pooling.groups),
    )  # fmt: skip
