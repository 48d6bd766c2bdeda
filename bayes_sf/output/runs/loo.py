"""`bayes-sf loo`: models that answer the same question compared by leave-one-out, and checked."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd

from bayes_sf.analysis.checks.loo import compare_models, leave_group_out, loo
from bayes_sf.analysis.checks.predictive_check import check_predictions
from bayes_sf.catalogue import mark, say
from bayes_sf.disclosure.control import HIDDEN, Control
from bayes_sf.disclosure.gate import Passed, all_of
from bayes_sf.disclosure.protected_models import (
    hidden_of,
    keep_open,
    protect_results,
)
from bayes_sf.disclosure.protected_predictions import (
    pass_fit_measures,
    protect_checks,
    protect_left_out,
)
from bayes_sf.engines.fit import fit
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.output.numbers import level
from bayes_sf.output.progress import show_sampling
from bayes_sf.output.run import Asked, Content, Run, described
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import industry_name, outcome_name
from bayes_sf.spec.analysis import Analysis

__all__ = ["run_loo"]

_KEYS: Final = ("model", "elpd", "se", "elpd_diff", "dse", "p", "weight", "bad_k", "kind")


def run_loo(
    analyses: tuple[Analysis, ...], data: Any, asked: Asked, *, by_group: bool = False
) -> Run:
    """Fit models, leave out, compare within each outcome, and check.

    Parameters
    ----------
    analyses : tuple of Analysis
        What is asked; models of the same outcome are compared.
    data : AnalysisSample
        Workplaces.
    asked : Asked
    by_group : bool
        Whether industries are left out, too: every model is fitted again for each.

    Raises
    ------
    UsageError
        When two models have the same name, or rows differ.
    """
    control = Control.of(data, asked.rules)
    kept = all_of(keep_open(analysis, control) for analysis in analyses)
    results = _fitted(kept.shown, data, asked)
    hidden = [group for result in results.values() for group in hidden_of(result, control)]
    frames = {
        "loo": pass_fit_measures(_compared(results), control, hidden),
        "checks": _checks(results, control),
    }
    if by_group:
        frames["groups"] = _by_group(results, asked.seed, control)
    keys = tuple(results)
    whole = all_of(frames.values()).also(protect_results(results.values(), control))
    shown, stems = kept.also(whole), tuple(frames)
    names = [analysis.name for analysis in analyses]
    failed = [result for result in results.values() if not result.converged]
    return Run(
        asked, control,
        shown.map(
            lambda both: _content(
                dict(zip(stems, both[1][0], strict=True)),
                dict(zip(keys, both[1][1], strict=True)), names, asked,
            )
        ),
        failed,
    )  # fmt: skip


def _fitted(analyses: Sequence[Analysis], data: Any, asked: Asked) -> dict[tuple[str, str], Result]:
    """Every model once, by name and outcome."""
    specs = [(analysis, spec) for analysis in analyses for spec in analysis.specs]
    results: dict[tuple[str, str], Result] = {}
    with show_sampling(asked.console, len(specs)) as begin:
        for analysis, spec in specs:
            several = len({s.name for s in analysis.specs}) > 1
            name = f"{analysis.name}: {spec.name}" if several else analysis.name
            begin(f"{name} of {spec.outcome}")
            if (name, spec.outcome) in results:
                raise UsageError("loo", "needs every model once", got=name)
            results[name, spec.outcome] = fit(spec, data, engine=spec.engines[0], seed=asked.seed)
    return results


def _content(
    frames: dict[str, pd.DataFrame],
    results: dict[tuple[str, str], Result],
    analyses: list[str],
    asked: Asked,
) -> Content:
    """Tables, lines and files."""
    tables = list[Table]()
    for outcome in dict.fromkeys(frames["loo"]["outcome"]):
        first = next(result for (_, o), result in results.items() if o == outcome)
        tables.append(_loo_table(frames["loo"], first))
        if "groups" in frames:
            tables.append(_groups_table(frames["groups"], first))
    return Content(
        frames={name: frame.assign(source=asked.source) for name, frame in frames.items()},
        tables=tables,
        lines=tuple(_check_lines(frames["checks"])),
        about={
            "analyses": analyses,
            "models": [
                {**described(result), "model": name} for (name, _), result in results.items()
            ],
        },
    )  # fmt: skip


def _compared(results: dict[tuple[str, str], Result]) -> pd.DataFrame:
    """Every model's elpd, best first within its outcome."""
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


def _checks(results: dict[tuple[str, str], Result], control: Control) -> Passed[pd.DataFrame]:
    """Posterior predictive checks of all models, and what is hidden of them."""
    parts = [
        protect_checks(
            check_predictions(result).reset_index(), hidden_of(result, control), control,
            result.spec,
        ).map(partial(pd.DataFrame.assign, model=name, outcome=outcome))
        for (name, outcome), result in results.items()
    ]  # fmt: skip
    return all_of(parts).map(partial(pd.concat, ignore_index=True))


def _by_group(
    results: dict[tuple[str, str], Result], seed: int, control: Control
) -> Passed[pd.DataFrame]:
    """Groups left out, for all models, and what is hidden of them."""
    parts = [
        protect_left_out(
            leave_group_out(result, seed=seed).reset_index(), hidden_of(result, control), control,
            result.spec,
        ).map(partial(pd.DataFrame.assign, model=name, outcome=outcome))
        for (name, outcome), result in results.items()
    ]  # fmt: skip
    return all_of(parts).map(partial(pd.concat, ignore_index=True))


#: How a model's workplaces were left out; and what predictive checks look at.
_KINDS: Final = {"exact": mark("exact"), "psis": mark("psis")}
_STATISTICS: Final = {
    "mean": mark("mean"), "sd": mark("sd"), "min": mark("min"), "max": mark("max"),
    "share <= 0": mark("share <= 0"),
}  # fmt: skip


def _loo_table(frame: pd.DataFrame, first: Result) -> Table:
    """Models of one outcome by what they say of workplaces that are left out."""
    outcome = first.spec.outcome
    part = frame[frame["outcome"] == outcome]
    part = part.assign(kind=[say(_KINDS[kind]) for kind in part["kind"]])
    columns = (
        Column("model", say("Model").lower(), "text"), Column("elpd", "elpd", decimals=1),
        Column("se", say("SE"), decimals=1), Column("elpd_diff", say("difference"), decimals=1),
        Column("dse", say("SE of it"), decimals=1), Column("p", "p_loo", decimals=1),
        Column("weight", say("weight"), decimals=2), Column("bad_k", say("bad k"), "integer"),
        Column("kind", say("by"), "text"),
    )  # fmt: skip
    priors = prior_words(str(first.priors))
    notes = (
        say(
            "elpd: sum over workplaces of the log density that a model gives to each "
            "when it is left out; higher is better, and a difference counts beside "
            "its SE. Weight: stacking. Bad k: workplaces whose importance weights "
            "are not to be trusted (psis); exact has none."
        ),
        say("Priors of {}: {}.", first.spec.name, priors),
    )
    return table_from_frame(
        part, f"{say('Leave-one-out')}: {outcome_name(outcome)}", columns=columns,
        n=first.moments.n_obs, notes=notes,
    )  # fmt: skip


def _groups_table(frame: pd.DataFrame, first: Result) -> Table:
    """What models say of industries that are left out."""
    outcome = first.spec.outcome
    part = frame[frame["outcome"] == outcome]
    part = part.assign(group=[industry_name(str(group)) for group in part["group"]])
    columns = (
        Column("model", say("Model").lower(), "text"), Column("group", say("left out"), "text"),
        Column("n", say("n"), "integer"), Column("elpd", "elpd", decimals=1),
        Column("mean", say("observed mean")), Column("predicted", say("predicted")),
        Column("lower", say("interval"), "interval", upper="upper"),
    )  # fmt: skip
    return table_from_frame(
        part, f"{say('Industries left out')}: {outcome_name(outcome)}", columns=columns,
        unit=first.spec.unit, n=first.moments.n_obs,
        notes=(say("Interval of the mean of its workplaces, {} equal-tailed.", level(first.prob)),),
    )  # fmt: skip


def _check_lines(checks: pd.DataFrame) -> Iterator[str]:
    """What the models cannot make."""
    checks = checks[checks["p_above"] != HIDDEN]
    above = checks["p_above"].astype(float)
    far = checks[(above < 0.01) | (above > 0.99)]
    yield say(
        "Predictive checks: {} of {} figures shown (of mean, sd, min, max, share "
        "<= 0; all workplaces and each industry) lie outside 98 % of what the "
        "model would make.",
        len(far),
        len(checks),
    )
    for model, part in far.groupby("model", sort=False):
        listed = [
            say(
                "{} of {}",
                say(_STATISTICS[statistic]),
                industry_name(group) if group else say("all"),
            )
            for statistic, group in zip(part["statistic"], part["group"], strict=True)
        ]
        more = f" {say('and {} more', len(listed) - 8)}" if len(listed) > 8 else ""
        yield f"  {model}: {', '.join(listed[:8])}{more}"
