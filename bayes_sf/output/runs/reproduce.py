"""`bayes-sf reproduce`: load, fit, compare, and write every file of the result."""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.comparison import CoefficientRow, IccRow, Reproduction, reproduce
from bayes_sf.analysis.replay.account import AccountRow, account_of
from bayes_sf.analysis.replay.consistency import RuleOutcome, replay
from bayes_sf.analysis.replay.findings import Finding
from bayes_sf.disclosure.control import Control, Hidden, Rules
from bayes_sf.disclosure.protected_models import (
    protect_estimates,
    protect_reproduction,
    withheld_of,
)
from bayes_sf.engines.fit import versions
from bayes_sf.engines.result import Result
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.files import csv_text, json_text, write_files
from bayes_sf.output.formats.terminal import print_end
from bayes_sf.output.runs.describe import source_texts
from bayes_sf.output.tables.described_sample import protect_tables
from bayes_sf.output.tables.summary import SOURCES, markdown, print_summary
from bayes_sf.output.words.commands import say
from bayes_sf.recovery.study import PublishedStudy

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Run", "print_reproduction", "run_reproduction"]


@dataclass(frozen=True, eq=False)
class Run:
    """One run of `reproduce`.

    Parameters
    ----------
    source : str
        ``published``, ``replica`` or ``microdata``.
    found : Reproduction
    outcomes : tuple of RuleOutcome
        The replay of the report.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    lang : {"en", "nb"}
        Language of what is printed.
    """

    source: str
    found: Reproduction
    outcomes: tuple[RuleOutcome, ...]
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""
    lang: Language = "en"

    @property
    def not_converged(self) -> tuple[Result, ...]:
        """Results whose diagnostics fail."""
        fits = (result for fits in self.found.results.values() for result in fits.values())
        return tuple(result for result in fits if not result.converged)


def run_reproduction(
    folder: Path,
    *,
    source: str,
    load: Callable[[], PublishedStudy | AnalysisSample],
    engine: str = "exact",
    seed: int = 1,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    rules: Rules | None = None,
    with_data: bool = False,
    lang: Language = "en",
) -> Run:
    """Reproduce the report's multilevel results and write them to a folder.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    source : {"published", "replica", "microdata"}
        Which data.
    load : callable
        Gives them.
    engine : {"exact", "nuts"}
        Engine of the posteriors.
    seed : int
        Seed of everything random.
    progress : callable
        Wraps the list of jobs.
    rules : Rules, optional
        Of disclosure control.
    with_data : bool
        Whether `moments.json` holds the sufficient statistics of microdata: group means and sizes
        are counts of answers.
    lang : {"en", "nb"}
        Language of `summary.md` and of what is printed.
    """
    start = perf_counter()
    data = load()
    loaded = perf_counter()
    control = Control.of(data, rules or Rules())
    found = reproduce(data, engine=engine, seed=seed, keep=control.keeps, progress=progress)
    outcomes = replay()
    fitted = perf_counter()
    provenance = {
        "source": source,
        "statement": SOURCES[source],
        "engine": engine,
        "seed": seed,
        "versions": versions(),
        "platform": platform.platform(),
        "seconds": {"load": round(loaded - start, 2), "fit": round(fitted - loaded, 2)},
        "models": [
            {
                "analysis": analysis, "engine": kind, "model": key[0], "outcome": key[1],
                "spec": result.provenance.spec, "data": result.provenance.data,
                "n": result.moments.n_obs, "seconds": round(result.provenance.seconds, 4),
                "converged": result.converged,
            }
            for (analysis, kind), results in found.results.items()
            for key, result in results.items()
        ],
    }  # fmt: skip
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    account = account_of(data) if isinstance(data, PublishedStudy) else ()
    raw, found = found, protect_reproduction(found, control)
    page = markdown(found, outcomes, source, _footer(provenance), account, lang=lang)
    extra, log = _sample_tables(data, found, control)
    models = _moments(account, raw) if with_data or not control.microdata else _WITHHELD
    files = write_files(
        folder,
        {
            "icc.csv": csv_text(IccRow, found.icc),
            "coefficients.csv": csv_text(CoefficientRow, found.coefficients),
            "consistency.csv": csv_text(Finding, findings),
            "moments.json": json_text(models),
            "provenance.json": json_text(provenance),
            "summary.md": page,
            **extra,
            **disclosure_files(control, log),
        },
    )
    return Run(source, found, outcomes, provenance, files, notice(control, log, lang), lang)


#: What stands in `moments.json` in place of microdata.
_WITHHELD = {"note": "sufficient statistics of microdata are saved with --with-data only"}


def _sample_tables(
    sample: Any, found: Reproduction, control: Control
) -> tuple[dict[str, str], tuple[Hidden, ...]]:
    """What only microdata give: the tables of `describe`, and all estimates of every engine."""
    if not isinstance(sample, AnalysisSample):
        return {}, ()
    import pandas as pd

    shown = protect_tables(sample, control)
    log, fits = [*shown.log, *withheld_of(control)], []
    for results in found.results.values():
        for result in results.values():
            estimates, hidden = protect_estimates(result, control)
            fits.append(estimates)
            log += hidden
    tables = {**shown.tables, "estimates.csv": pd.concat(fits, ignore_index=True)}
    return source_texts(tables, sample), tuple(log)


def _footer(provenance: dict[str, Any]) -> str:
    """Versions and seed in one line; before them, what must not be believed."""
    used = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    failed = [f"{m['model']} of {m['outcome']}" for m in provenance["models"] if not m["converged"]]
    warning = f"NOT CONVERGED, not to be believed: {', '.join(failed)}. " if failed else ""
    return f"{warning}Engine {provenance['engine']}, seed {provenance['seed']}; {used}."


def _moments(account: Sequence[AccountRow], found: Reproduction) -> dict[str, Any]:
    """Sufficient statistics of every model, and what they rest on."""
    models = [
        {
            "analysis": analysis, "model": result.spec.name, "outcome": result.spec.outcome,
            "table": result.spec.table, "terms": result.moments.terms,
            "groups": result.moments.groups, "sizes": result.moments.sizes,
            "means": result.moments.means, "within": result.moments.within,
        }
        for (analysis, kind), results in found.results.items()
        for result in results.values()
        if kind == "reml"
    ]  # fmt: skip
    columns = "columns of means and within: the predictors, then the outcome (pp)"
    return {"note": columns, "account": account, "models": models}


def print_reproduction(console: "Console", run: Run, *, as_json: bool) -> None:
    """Print a run as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : Run
        What to print.
    as_json : bool
        One object with keys ``icc, coefficients, consistency, provenance``.
    """
    if as_json:
        content = {
            "icc": [asdict(row) for row in run.found.icc],
            "coefficients": [asdict(row) for row in run.found.coefficients],
            "consistency": [asdict(f) for o in run.outcomes for f in o.findings],
            "provenance": run.provenance,
            **({"disclosure": run.disclosure} if run.disclosure else {}),
        }
        console.file.write(json_text(content))
        return
    print_summary(console, run.found, run.outcomes, run.source, run.lang)
    console.print()
    print_end(console, run.files, lang=run.lang, disclosure=run.disclosure)
    said = say("readers", run.lang).format(_report_command(run.source, run.lang))
    console.print(said, soft_wrap=True)


def _report_command(source: str, lang: Language) -> str:
    """The command that makes the report of the same data."""
    options = {"published": "", "replica": " --data replica"}
    chosen = options.get(source, " --survey ... --register ...")
    return f"bayes-sf report{chosen}{'' if lang == 'en' else f' --lang {lang}'}"
