"""`bayes-sf loo`: models that answer the same question compared by leave-one-out, and checked."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.loo import compare_models, leave_group_out, loo
from bayes_sf.analysis.predictive_check import check_predictions
from bayes_sf.engines.fit import fit, versions
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.output.disclosure import HIDDEN, Control, Hidden, Rules, disclosure_files, notice
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.protected_models import hidden_of, keep_open, protect_checks, protect_left_out
from bayes_sf.output.summary import SOURCES
from bayes_sf.output.tables import Column, table_from_frame
from bayes_sf.spec.analysis import Analysis

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["LooRun", "print_loo", "run_loo"]

_COLUMNS = (
    Column("model", "model", "text"),
    Column("elpd", "elpd", decimals=1),
    Column("se", "SE", decimals=1),
    Column("elpd_diff", "difference", decimals=1),
    Column("dse", "SE of it", decimals=1),
    Column("p", "p_loo", decimals=1),
    Column("weight", "weight", decimals=2),
    Column("bad_k", "bad k", "integer"),
    Column("kind", "by", "text"),
)
_NOTE = (
    "elpd: sum over workplaces of the log density that a model gives to each when it is left out; "
    "higher is better, and a difference counts beside its SE. Weight: stacking. Bad k: workplaces "
    "whose importance weights are not to be trusted (psis); exact has none."
)
_GROUPS = (
    Column("model", "model", "text"),
    Column("group", "left out", "text"),
    Column("n", "n", "integer"),
    Column("elpd", "elpd", decimals=1),
    Column("mean", "observed mean"),
    Column("predicted", "predicted"),
    Column("lower", "interval", "interval", upper="upper"),
)


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
    """

    source: str
    results: tuple[Result, ...]
    tables: "dict[str, pd.DataFrame]"
    provenance: dict[str, Any]
    files: tuple[Path, ...]
    disclosure: str = ""


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
        "statement": SOURCES[source], "seed": seed, "versions": versions(),
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
    files, said = write_files(folder, texts), notice(control, log)
    return LooRun(source, tuple(results.values()), tables, provenance, files, said)


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
            table = pd.DataFrame([row], columns=[column.key for column in _COLUMNS])
        parts.append(table[[column.key for column in _COLUMNS]].assign(outcome=outcome))
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
            table, hidden_of(result, control), control, control.unsaid(result.spec)
        )
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
    console.print(SOURCES[run.source], style="bold")
    compared = run.tables["loo"]
    for outcome in dict.fromkeys(compared["outcome"]):
        first = next(r for r in run.results if r.spec.outcome == outcome)
        n, priors = first.moments.n_obs, f"Priors of {first.spec.name}: {first.priors}."
        part = compared[compared["outcome"] == outcome]
        title = f"Leave-one-out, {outcome}"
        print_table(
            console, table_from_frame(part, title, columns=_COLUMNS, n=n, notes=(_NOTE, priors))
        )
        if "groups" in run.tables:
            groups = run.tables["groups"]
            title = f"Industries left out, {outcome}"
            note = f"Interval of the mean of its workplaces, {100 * first.prob:g} % equal-tailed."
            print_table(
                console,
                table_from_frame(
                    groups[groups["outcome"] == outcome], title, columns=_GROUPS,
                    unit=first.spec.unit, n=n, notes=(note,),
                ),
            )  # fmt: skip
    _print_checks(console, run)
    if run.disclosure:
        console.print(run.disclosure, highlight=False)
    names = ", ".join(path.name for path in run.files)
    console.print(f"Written to {run.files[0].parent}: {names}")


def _print_checks(console: "Console", run: LooRun) -> None:
    """What the models cannot make."""
    checks = run.tables["checks"]
    checks = checks[checks["p_above"] != HIDDEN]
    above = checks["p_above"].astype(float)
    far = checks[(above < 0.01) | (above > 0.99)]
    console.print()
    console.print(
        f"Predictive checks: {len(far)} of {len(checks)} figures shown (of mean, sd, min, max, "
        "share <= 0; all workplaces and each industry) lie outside 98 % of what the model would "
        "make."
    )
    for model, part in far.groupby("model", sort=False):
        pairs = zip(part["statistic"], part["group"], strict=True)
        listed = [f"{statistic} of {group or 'all'}" for statistic, group in pairs]
        more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
        console.print(f"  {model}: {', '.join(listed[:8])}{more}")
