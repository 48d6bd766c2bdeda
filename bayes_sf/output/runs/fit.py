"""`bayes-sf fit`: any analysis by any engine, its estimates as files; NUTS saved fit by fit."""

import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.disclosure.control import Control, Hidden, Rules
from bayes_sf.disclosure.protected_models import keep_open, protect_diagnostics, protect_estimates
from bayes_sf.engines.fit import fit, group_sizes, versions
from bayes_sf.engines.result import Result, Results
from bayes_sf.engines.store import fit_saved
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.numbers import estimate, fixed, interval, probability, row_decimals
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.tables.result_tables import answered_notes, zero_notes
from bayes_sf.output.tables.table import Column, Table
from bayes_sf.output.words.commands import say
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.output.words.words import (
    industry_name,
    interval_name,
    numbered_name,
    outcome_name,
    unit_name,
    word,
)
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["FitRun", "print_fit", "run_fit"]

#: An analysis of so few models is printed with its standard deviations and ICC.
_FEW = 4
_SPREADS = ("sd_group", "sd_resid", "icc")


@dataclass(frozen=True, eq=False)
class FitRun:
    """One run of `fit`.

    Parameters
    ----------
    source : str
        ``published``, ``replica`` or ``microdata``.
    results : Results
    resumed : int
        How many were taken from files.
    tables : dict of pandas.DataFrame
        ``estimates`` and, for nuts, ``diagnostics``, as written.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        Tables and provenance.
    disclosure : str
        What disclosure control did.
    question : str
        What is asked, in the language.
    lang : {"en", "nb"}
        Language of what is printed; files are in English.
    """

    source: str
    results: Results
    resumed: int
    tables: "dict[str, pd.DataFrame]"
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""
    question: str = ""
    lang: Language = "en"


def run_fit(
    folder: Path,
    analysis: Analysis,
    data: Any,
    *,
    source: str,
    engine: str,
    seed: int,
    resume: bool,
    console: "Console",
    rules: Rules | None = None,
    lang: Language = "en",
) -> FitRun:
    """Fit every model of an analysis and write what was found.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    analysis : Analysis
        What is asked.
    data : PublishedStudy or AnalysisSample
        Its data.
    source : {"published", "replica", "microdata"}
        Which data they are.
    engine : {"exact", "reml", "ols", "nuts"}
        With ``nuts`` every fit is saved as it finishes.
    seed : int
        Seed of everything random.
    resume : bool
        Whether saved fits of the same question are taken as they are.
    console : rich.console.Console
        Stderr, for progress.
    rules : Rules, optional
        Of disclosure control: effects of hidden groups are in no table and no file.
    lang : {"en", "nb"}
        Language of what is printed.
    """
    control = Control.of(data, rules or Rules())
    analysis, withheld = keep_open(analysis, control)
    kept: list[tuple[Result, bool]] = []
    with show_sampling(console, len(analysis.specs)) as begin:
        for spec in analysis.specs:
            begin(f"{spec.name} of {spec.outcome}")
            if engine == "nuts":
                hide = tuple(control.hidden_groups(group_sizes(spec, data)))
                kept.append(fit_saved(spec, data, folder, seed=seed, resume=resume, hide=hide))
            else:
                kept.append((fit(spec, data, engine=engine, seed=seed), False))
    results = Results(tuple(result for result, _ in kept))
    tables, log = _tables(results, source, control)
    log += withheld
    resumed = sum(found for _, found in kept)
    provenance = {
        "analysis": analysis.name, "question": analysis.question, "source": source,
        "statement": STATEMENTS["en"][source], "engine": engine, "seed": seed, "resumed": resumed,
        "versions": versions(), "platform": platform.platform(),
        "models": [_described(result) for result in results.values()],
    }  # fmt: skip
    texts = {f"{name}.csv": _csv(table) for name, table in tables.items()}
    texts |= {"provenance.json": json_text(provenance), **disclosure_files(control, log)}
    files = write_files(folder, texts)
    return FitRun(
        source, results, resumed, tables, provenance, files, notice(control, log, lang),
        analysis.question_in(lang), lang,
    )  # fmt: skip


def _csv(table: "pd.DataFrame") -> str:
    """Numbers in full."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def _tables(
    results: Results, source: str, control: Control
) -> "tuple[dict[str, pd.DataFrame], tuple[Hidden, ...]]":
    """Estimates, and diagnostics where there are any; every row says whether to believe it."""
    import pandas as pd

    frames: dict[str, list[pd.DataFrame]] = {"estimates": [], "diagnostics": []}
    log: list[Hidden] = []
    for result in results.values():
        table, hidden = protect_estimates(result, control)
        log += hidden
        frames["estimates"].append(_marked(table, result, source))
        if result.engine == "nuts":
            table = protect_diagnostics(result, control)
            table.insert(0, "outcome", result.spec.outcome)
            table.insert(1, "model", result.spec.name)
            frames["diagnostics"].append(_marked(table, result, source))
    tables = {name: pd.concat(rows, ignore_index=True) for name, rows in frames.items() if rows}
    return tables, tuple(log)


def _marked(table: "pd.DataFrame", result: Result, source: str) -> "pd.DataFrame":
    """Add which data, and whether to believe it."""
    return table.assign(source=source, converged=result.converged)


def _described(result: Result) -> dict[str, Any]:
    """A model's provenance."""
    described = {
        "model": result.spec.name, "outcome": result.spec.outcome,
        "predictors": result.spec.predictors, "priors": str(result.priors or "none"),
        "spec": result.provenance.spec, "data": result.provenance.data,
        "n": result.moments.n_obs, "seconds": round(result.provenance.seconds, 4),
        "converged": result.converged,
    }  # fmt: skip
    if result.engine == "nuts":
        described["sampler"] = dict(result.fitted.settings)
    return described


def print_fit(console: "Console", run: FitRun, *, as_json: bool) -> None:
    """Print a run's main rows, or everything as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : FitRun
        What to print.
    as_json : bool
        One object with keys ``estimates, provenance``, for nuts ``diagnostics``, of microdata
        ``disclosure``.
    """
    if as_json:
        tables = {name: table.to_dict("records") for name, table in run.tables.items()}
        said = {"disclosure": run.disclosure} if run.disclosure else {}
        console.file.write(json_text({**tables, "provenance": run.provenance, **said}))
        return
    console.print(STATEMENTS[run.lang][run.source], style="bold")
    print_table(console, _main_rows(run))
    console.print()
    if run.resumed:
        console.print(say("resumed", run.lang).format(run.resumed, len(run.results)))
    print_end(console, run.files, lang=run.lang, disclosure=run.disclosure)


def _main_rows(run: FitRun) -> Table:
    """Slopes of every model; in a small analysis everything but the groups."""
    first, lang = next(iter(run.results.values())), run.lang
    bayesian, models = first.has_draws, len(run.results)
    several = len({result.spec.outcome for result in run.results.values()}) > 1
    columns = (
        Column("model", word("model", lang), "text"),
        *([Column("outcome", word("outcome", lang), "text")] if several else []),
        Column("term", word("term", lang), "text"),
        Column("estimate", word("mean" if bayesian else first.engine, lang), "printed"),
        Column("interval", interval_name("interval", first.prob, lang), "printed"),
        Column("statistic", word("direction" if bayesian else "t", lang), "printed"),
        Column("n", word("n", lang), "printed"),
        Column("verdict", "", "text"),
    )
    rows = tuple(
        row if several else (row[0], *row[2:])
        for result in run.results.values()
        for row in _rows(result, models, lang)
    )
    kind = interval_name("credible-eti" if bayesian else "confidence-wald", first.prob, lang)
    outcome = "" if several else f"{outcome_name(first.spec.outcome, lang)}, "
    note = f"{outcome}{unit_name(first.spec.unit, lang)}; {kind}."
    if first.spec.varying and models <= _FEW:
        group = say("industry", lang) if first.spec.group == "industry" else first.spec.group
        note += f" {say('group slope', lang).format(group)}"
    if bayesian:
        note += f" {say('prior of first', lang)}: {prior_words(str(first.priors), lang)}."
    note += "".join(f" {said}" for said in zero_notes(run.results.values(), lang))
    note += "".join(f" {said}" for said in answered_notes(run.results.values(), lang))
    return Table("", run.question, columns, rows, notes=(note,), lang=lang)


def _rows(result: Result, models: int, lang: Language) -> Iterator[tuple[str, ...]]:
    """Printed rows of one model: slopes, and in a small analysis all but the groups' levels."""
    slopes = result.moments.predictors
    small = models <= _FEW or not slopes
    for row in result.rows:
        if row.term not in slopes and (not small or (row.group and row.term == INTERCEPT)):
            continue
        sd = math.nan if row.term == "icc" else row.sd
        decimals = row_decimals((row.estimate, row.sd), sd)
        span = "" if math.isnan(row.lower) else interval(row.lower, row.upper, decimals, lang)
        term = numbered_name(row.term, lang)
        yield (
            result.spec.name, outcome_name(result.spec.outcome, lang),
            f"{term} | {industry_name(row.group, lang)}" if row.group else term,
            estimate(row.estimate, decimals, lang), span,
            probability(row.statistic, lang=lang) if result.has_draws
            else fixed(row.statistic, 2, lang),
            str(result.moments.n_obs),
            "" if result.converged else say("not converged", lang),
        )  # fmt: skip
