"""`bayes-sf reproduce`: every multilevel result of the report, beside REML and its posterior."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import pandas as pd

from bayes_sf.analysis.comparison import Reproduction, reproduce
from bayes_sf.analysis.replay.account import AccountRow, account_of
from bayes_sf.analysis.replay.consistency import RuleOutcome, replay
from bayes_sf.catalogue import language, say
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import Passed, all_of
from bayes_sf.disclosure.protected_models import protect_estimates, protect_reproduction
from bayes_sf.engines.fit import versions
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.files import json_text
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.output.runs.describe import with_source
from bayes_sf.output.tables.described_sample import protect_tables
from bayes_sf.output.tables.summary import markdown, print_summary
from bayes_sf.recovery.study import PublishedStudy

__all__ = ["run_reproduce"]


def run_reproduce(
    load: Callable[[], PublishedStudy | AnalysisSample],
    asked: Asked,
    *,
    engine: str = "exact",
    with_data: bool = False,
) -> Run:
    """Reproduce the report's multilevel results.

    Parameters
    ----------
    load : callable
        Gives the data.
    asked : Asked
    engine : {"exact", "nuts"}
        Engine of the posteriors.
    with_data : bool
        Whether `moments.json` holds the sufficient statistics of microdata: group means and sizes
        are counts of answers.
    """
    start = perf_counter()
    data = load()
    loaded = perf_counter()
    control = Control.of(data, asked.rules)
    found = reproduce(
        data, engine=engine, seed=asked.seed, keep=control.keeps, progress=asked.progress
    )
    outcomes = replay()
    seconds = {"load": round(loaded - start, 2), "fit": round(perf_counter() - loaded, 2)}
    account = account_of(data) if isinstance(data, PublishedStudy) else ()
    whole = with_data or not control.microdata
    rest = Rest(
        engine, seconds, outcomes, account, _moments(account, found) if whole else _WITHHELD
    )
    frames = _sample_frames(data, found, control)
    shown = protect_reproduction(found, control).also(frames)
    failed = [
        result for results in found.results.values() for result in results.values()
        if not result.converged
    ]  # fmt: skip
    return Run(
        asked, control, shown.map(lambda both: _content(both[0], both[1], rest, asked)), failed
    )


@dataclass(frozen=True, eq=False)
class Rest:
    """What holds no figure of a workplace, and moments where they may leave."""

    engine: str
    seconds: dict[str, float]
    outcomes: tuple[RuleOutcome, ...]
    account: Sequence[AccountRow]
    moments: dict[str, Any]


def _content(
    found: Reproduction, frames: dict[str, pd.DataFrame], rest: Rest, asked: Asked
) -> Content:
    """Tables and files."""
    source = asked.source
    findings = [finding for outcome in rest.outcomes for finding in outcome.findings]
    models = [
        {"analysis": analysis, **described(result)}
        for (analysis, _), results in found.results.items()
        for result in results.values()
    ]  # fmt: skip
    footer = _footer(rest.engine, asked.seed, models)
    page = markdown(found, rest.outcomes, source, footer, rest.account)
    return Content(
        frames={
            "icc": pd.DataFrame(found.icc), "coefficients": pd.DataFrame(found.coefficients),
            "consistency": pd.DataFrame(findings), **frames,
        },
        texts={"moments.json": json_text(rest.moments), "summary.md": page},
        private=("moments.json",),
        after=[say("As one page for readers: {}", _report_command(source))],
        about={"engine": rest.engine, "seconds": rest.seconds, "models": models},
        unsaid=tuple(frames),
        printed=lambda console: print_summary(console, found, rest.outcomes, source),
    )  # fmt: skip


#: What stands in `moments.json` in place of microdata.
_WITHHELD = {"note": "sufficient statistics of microdata are saved with --with-data only"}


def _sample_frames(
    data: Any, found: Reproduction, control: Control
) -> Passed[dict[str, pd.DataFrame]]:
    """What only microdata give: the tables of `describe`, and all estimates of every engine."""
    if not isinstance(data, AnalysisSample):
        return all_of(()).map(lambda _: {})
    fits = [result for results in found.results.values() for result in results.values()]
    estimates = all_of(protect_estimates(result, control) for result in fits)
    whole = estimates.map(partial(pd.concat, ignore_index=True))
    return (
        protect_tables(data, control)
        .also(whole)
        .map(lambda both: with_source({**both[0].tables, "estimates": both[1]}, data.source))
    )


def _footer(engine: str, seed: int, models: Sequence[dict[str, Any]]) -> str:
    """Versions and seed in one line; before them, what must not be believed."""
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    failed = [f"{m['model']} of {m['outcome']}" for m in models if not m["converged"]]
    warning = f"NOT CONVERGED, not to be believed: {', '.join(failed)}. " if failed else ""
    return f"{warning}Engine {engine}, seed {seed}; {used}."


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


def _report_command(source: str) -> str:
    """The command that makes the report of the same data."""
    options = {"published": "", "replica": " --data replica"}
    chosen = options.get(source, " --survey ... --register ...")
    return f"bayes-sf report{chosen}{'' if language() == 'en' else f' --lang {language()}'}"
