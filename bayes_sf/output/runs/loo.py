"""`bayes-sf loo`: models that answer the same question compared by leave-one-out, and checked."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.checks.loo import compare_models, leave_group_out, loo
from bayes_sf.analysis.checks.predictive_check import check_predictions
from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, Rules
from bayes_sf.disclosure.protected_models import blunt_of, hidden_of, keep_open
from bayes_sf.disclosure.protected_predictions import protect_checks, protect_left_out
from bayes_sf.engines.fit import fit, versions
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.numbers import level
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.commands import say
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.output.words.words import industry_name, outcome_name, word
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["LooRun", "print_loo", "run_loo"]

_KEYS = ("model", "elpd", "se", "elpd_diff", "dse", "p", "weight", "bad_k", "kind")


@dataclass(frozen=True, eq=False)
class LooRun:
    """One run of `loo`.

    Parameters
    ----------
    source : str
        ``replica`` or ``microdata``.
    results : tuple of Result
        The models.
    tables : dict of pandas.DataFrame
        ``loo``, ``checks`` and, where asked for, ``groups``.
    provenance : dict
        As in `provenance.json`.
    files : tuple of pathlib.Path
    disclosure : str
        What disclosure control did.
    lang : {"en", "nb"}
        Language of what is printed; files are in English.
    """

    source: str
    results: tuple[Result, ...]
    tables: "dict[str, pd.DataFrame]"
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""
    lang: Language = "en"


def run_loo(
    folder: Path,
    analyses: tuple[Analysis, ...],
    data: Any,
    *,
    source: str,
    seed: int,
    by_group: bool,
    console: "Console",
    rules: Rules | None = None,
    lang: Language = "en",
) -> LooRun:
    """Fit models, leave out, compare within each outcome, check, and write.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    analyses : tuple of Analysis
        What is asked; models of the same outcome are compared.
    data : AnalysisSample
        Workplaces.
    source : {"replica", "microdata"}
        Which they are.
    seed : int
        Seed of everything random.
    by_group : bool
        Whether industries are left out, too: every model is fitted again for each.
    console : rich.console.Console
        Stderr, for progress.
    rules : Rules, optional
        Of disclosure control.
    lang : {"en", "nb"}
        Language of what is printed.

    Raises
    ------
    UsageError
        When two models have the same name, or rows differ.
    """
    control, withheld = Control.of(data, rules or Rules()), list[Hidden]()
    specs = []
    for asked in analyses:
        analysis, closed = keep_open(asked, control)
        specs += [(analysis, spec) for spec in analysis.specs]
        withheld += closed
    results: dict[tuple[str, str], Result] = {}
    with show_sampling(console, len(specs)) as begin:
        for analysis, spec in specs:
            several = len({s.name for s in analysis.specs}) > 1
            name = f"{analysis.name}: {spec.name}" if several else analysis.name
            begin(f"{name} of {spec.outcome}")
            if (name, spec.outcome) in results:
                raise UsageError("loo", "needs every model once", got=name)
            results[name, spec.outcome] = fit(spec, data, engine=spec.engines[0], seed=seed)
    checks, log = _checks(results, control)
    log += tuple(withheld)
    tables = {"loo": _compared(results), "checks": checks}
    if by_group:
        tables["groups"], hidden = _by_group(results, seed, control)
        log += hidden
    provenance = {
        "analyses": [analysis.name for analysis in analyses], "source": source,
        "statement": STATEMENTS["en"][source], "seed": seed, "versions": versions(),
        "platform": platform.platform(),
        "models": [
            {
                "model": name, "outcome": outcome, "engine": result.engine,
                "n": result.moments.n_obs, "priors": str(result.priors),
                "converged": result.converged, "data": result.provenance.data,
            }
            for (name, outcome), result in results.items()
        ],
    }  # fmt: skip
    texts = {
        f"{name}.csv": str(table.assign(source=source).to_csv(index=False, lineterminator="\n"))
        for name, table in tables.items()
    }
    texts |= {"provenance.json": json_text(provenance), **disclosure_files(control, log)}
    files, said = write_files(folder, texts), notice(control, log, lang)
    return LooRun(source, tuple(results.values()), tables, provenance, files, said, lang)


def _compared(results: dict[tuple[str, str], Result]) -> "pd.DataFrame":
    """Every model's elpd, best first within its outcome."""
    import pandas as pd

    parts = []
    for outcome in dict.fromkeys(outcome for _, outcome in results):
        mine = {name: result for (name, o), result in results.items() if o == outcome}
        if len(mine) > 1:
            table = compare_models(mine).rename_axis("model").reset_index()
        else:
            (name,) = mine
            found = loo(mine[name])
            row = (name, found.elpd, found.se, 0.0, 0.0, found.p_loo, 1.0, found.bad, found.kind)
            table = pd.DataFrame([row], columns=list(_KEYS))
        parts.append(table[list(_KEYS)].assign(outcome=outcome))
    return pd.concat(parts, ignore_index=True)


def _checks(
    results: dict[tuple[str, str], Result], control: Control
) -> "tuple[pd.DataFrame, tuple[Hidden, ...]]":
    """Posterior predictive checks of all models, and what is hidden of them."""
    import pandas as pd

    parts, log = [], list[Hidden]()
    for (name, outcome), result in results.items():
        table = check_predictions(result).reset_index()
        table, hidden = protect_checks(
            table, hidden_of(result, control), control, control.unsaid(result.spec),
            blunt=blunt_of(result, control),
        )  # fmt: skip
        parts.append(table.assign(model=name, outcome=outcome))
        log += hidden
    return pd.concat(parts, ignore_index=True), tuple(log)


def _by_group(
    results: dict[tuple[str, str], Result], seed: int, control: Control
) -> "tuple[pd.DataFrame, tuple[Hidden, ...]]":
    """Groups left out, for all models, and what is hidden of them."""
    import pandas as pd

    parts, log = [], list[Hidden]()
    for (name, outcome), result in results.items():
        table = leave_group_out(result, seed=seed).reset_index()
        table, hidden = protect_left_out(
            table, hidden_of(result, control), control.unsaid(result.spec)
        )
        parts.append(table.assign(model=name, outcome=outcome))
        log += hidden
    return pd.concat(parts, ignore_index=True), tuple(log)


def print_loo(console: "Console", run: LooRun, *, as_json: bool) -> None:
    """Print a run as tables, or as one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    run : LooRun
        What to print.
    as_json : bool
        One object with keys ``loo, checks, provenance, disclosure`` and, where asked for,
        ``groups``.
    """
    if as_json:
        tables = {name: table.to_dict("records") for name, table in run.tables.items()}
        said = {"provenance": run.provenance, "disclosure": run.disclosure}
        console.file.write(json_text({**tables, **said}))
        return
    lang, compared = run.lang, run.tables["loo"]
    console.print(STATEMENTS[lang][run.source], style="bold")
    for outcome in dict.fromkeys(compared["outcome"]):
        print_table(console, _loo_table(run, outcome))
        if "groups" in run.tables:
            print_table(console, _groups_table(run, outcome))
    console.print()
    for line in _check_lines(run):
        console.print(line, markup=False, highlight=False)
    print_end(console, run.files, lang=lang, disclosure=run.disclosure)


def _loo_table(run: LooRun, outcome: str) -> Table:
    """Models of one outcome by what they say of workplaces that are left out."""
    lang, first = run.lang, _first(run, outcome)
    part = run.tables["loo"]
    part = part[part["outcome"] == outcome]
    part = part.assign(kind=[say(kind, lang) for kind in part["kind"]])
    columns = (
        Column("model", word("model", lang).lower(), "text"),
        Column("elpd", "elpd", decimals=1),
        Column("se", word("se", lang), decimals=1),
        Column("elpd_diff", say("difference", lang), decimals=1),
        Column("dse", say("difference se", lang), decimals=1),
        Column("p", "p_loo", decimals=1),
        Column("weight", say("weight", lang), decimals=2),
        Column("bad_k", say("bad k", lang), "integer"),
        Column("kind", say("by", lang), "text"),
    )
    priors = prior_words(str(first.priors), lang)
    notes = (say("loo note", lang), say("loo priors", lang).format(first.spec.name, priors))
    return table_from_frame(
        part, f"{say('loo title', lang)}: {outcome_name(outcome, lang)}", columns=columns,
        n=first.moments.n_obs, notes=notes, lang=lang,
    )  # fmt: skip


def _groups_table(run: LooRun, outcome: str) -> Table:
    """What models say of industries that are left out."""
    lang, first = run.lang, _first(run, outcome)
    part = run.tables["groups"]
    part = part[part["outcome"] == outcome]
    part = part.assign(group=[industry_name(str(group), lang) for group in part["group"]])
    columns = (
        Column("model", word("model", lang).lower(), "text"),
        Column("group", say("left out", lang), "text"),
        Column("n", word("n", lang), "integer"),
        Column("elpd", "elpd", decimals=1),
        Column("mean", say("observed mean", lang)),
        Column("predicted", say("predicted", lang)),
        Column("lower", word("interval", lang), "interval", upper="upper"),
    )
    return table_from_frame(
        part, f"{say('groups title', lang)}: {outcome_name(outcome, lang)}", columns=columns,
        unit=first.spec.unit, n=first.moments.n_obs,
        notes=(say("groups note", lang).format(level(first.prob, lang)),), lang=lang,
    )  # fmt: skip


def _first(run: LooRun, outcome: str) -> Result:
    """The first model of an outcome."""
    return next(result for result in run.results if result.spec.outcome == outcome)


def _check_lines(run: LooRun) -> Iterator[str]:
    """What the models cannot make."""
    lang, checks = run.lang, run.tables["checks"]
    checks = checks[checks["p_above"] != HIDDEN]
    above = checks["p_above"].astype(float)
    far = checks[(above < 0.01) | (above > 0.99)]
    yield say("checks", lang).format(len(far), len(checks))
    for model, part in far.groupby("model", sort=False):
        listed = [
            say("of", lang).format(
                say(statistic, lang), industry_name(group, lang) if group else say("all", lang)
            )
            for statistic, group in zip(part["statistic"], part["group"], strict=True)
        ]
        more = f" {say('more', lang).format(len(listed) - 8)}" if len(listed) > 8 else ""
        yield f"  {model}: {', '.join(listed[:8])}{more}"
