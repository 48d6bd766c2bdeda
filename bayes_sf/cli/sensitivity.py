"""Command on small effects: sensitivity."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.console import announce
from bayes_sf.cli.given import HIDING, LEDGER, OWN, STUDY, Given, with_options, writing
from bayes_sf.cli.options import RopeOption, one_unit, read_effects, read_number, read_rope
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    from bayes_sf.analysis.size.days_lost import Workforce
    from bayes_sf.spec.analysis import Analysis

_ItemOption = Annotated[
    list[str] | None,
    typer.Option("--item", help="Model of the analysis, such as q13; may be repeated."),
]
_PartOption = Annotated[
    list[str] | None,
    typer.Option("--part", help="prior, fan, scaling, ladder, controls, size, exceedance, bayes, "
                 "days, designs, planning or multiplicity; may be repeated.",
                 show_default="all that can be answered"),
]  # fmt: skip
_EmployeesOption = Annotated[
    list[str] | None,
    typer.Option("--employees", help="Full-time equivalents that lost days are counted for: "
                 "800000, or care=100000 (may be repeated)."),
]  # fmt: skip


@app.command()
@with_options(OWN, STUDY, HIDING, LEDGER, writing("sensitivity"))
def sensitivity(
    analysis: Annotated[
        str | None,
        typer.Argument(help="Name of an analysis, or a TOML file.",
                       show_default="q13; with --item bivariate"),
    ] = None,
    *,
    given: Given,
    item: _ItemOption = None,
    part: _PartOption = None,
    contrast: Annotated[
        str, typer.Option("--contrast", help="How far an item moves: widest or step.")
    ] = "widest",
    rope: RopeOption = None,
    step_at_most: Annotated[
        float | None,
        typer.Option("--step-at-most", help="Also try a prior: one step moves the outcome by at "
                     "most this, with 95 %."),
    ] = None,
    employees: _EmployeesOption = None,
    workplace_size: Annotated[
        float | None, typer.Option("--workplace-size", help="Employees of a workplace.")
    ] = None,
    cost: Annotated[
        float | None, typer.Option("--cost", help="Cost of a lost day, in any currency.")
    ] = None,
    effects: Annotated[
        float | None,
        typer.Option("--effects", help="Sd of true differences, for type S and M; learnt from the "
                     "report's table by default."),
    ] = None,
    sampled: Annotated[
        bool, typer.Option("--sampled", help="Also what needs sampling; minutes, and rows.")
    ] = False,
    imputed: Annotated[
        Path | None,
        typer.Option("--imputed", help="estimates.csv of a model that fills gaps: one more rung."),
    ] = None,
) -> None:  # fmt: skip
    """Ask how far an effect moves: priors, rungs, practical size, chance, many comparisons.

    Example: bayes-sf sensitivity --item q13 --rope 0.5
    """
    from bayes_sf.spec.analysis import load_analysis

    if analysis is None and given.own is not None:
        known = ", ".join(given.own.header.analyses)
        raise UsageError("an analysis", "must be named", fix=f"one of {known}, or a formula")
    asked = load_analysis(analysis or ("bivariate" if item else "q13"))
    stated: dict[str, Any] = {
        "items": _items(asked, item or []), "parts": _parts(part or []), "contrast": contrast,
        "rope": None if rope is None else read_rope(rope, _unit(asked)),
        "workforce": _workforce(employees or [], workplace_size),
        "cost_per_day": cost, "step_at_most": step_at_most, "sampled": sampled,
        "imputed": imputed, "effects": None if effects is None else read_effects(effects),
    }  # fmt: skip
    _check(contrast, cost, step_at_most, imputed)
    _check_used(stated)
    given.ready()
    if given.source == "published":
        announce("reading the published tables (about ten seconds) ...", quiet=given.quiet)
    from bayes_sf.output.runs.sensitivity import run_sensitivity

    given.finish(run_sensitivity(asked, given.study(), given.asked, **stated))


def _check_used(stated: dict[str, Any]) -> None:
    """Refuse what no part that is asked for has a use for, before anything is read."""
    from bayes_sf.analysis.sensitivity_parts import PARTS, USED_BY, check_stated

    idle = (None, False, "widest")
    given = [name for name in USED_BY if name in stated and stated[name] not in idle]
    check_stated(given, stated["parts"] or PARTS)


def _items(asked: "Analysis", items: list[str]) -> list[str]:
    """Models by name; a misspelt one is refused before anything is read."""
    from bayes_sf.inputs.variables import unknown_key

    names = list(dict.fromkeys(spec.name for spec in asked.specs))
    for name in items:
        if name not in names:
            raise unknown_key("--item", f"must be a model of {asked.name}", name, names)
    return items


def _parts(parts: list[str]) -> list[str]:
    """Parts by name."""
    from bayes_sf.analysis.sensitivity_parts import check_part

    for name in parts:
        check_part(name)
    return parts


def _unit(asked: "Analysis") -> str:
    """The unit of its outcomes."""
    return one_unit("--rope", (spec.unit for spec in asked.specs), "ask of one of them")


def _workforce(employees: list[str], size: float | None) -> "Workforce | None":
    """Read full-time equivalents: one number, or one for every industry."""
    from bayes_sf.analysis.size.days_lost import Workforce
    from bayes_sf.inputs.codebook import load_codebook

    if not employees:
        if size is not None:
            raise UsageError("--workplace-size", "goes with --employees", got=size)
        return None
    numbers: dict[str, float] = {}
    for entry in employees:
        name, found, number = entry.rpartition("=")
        if found:
            load_codebook().industry(name)
        elif len(employees) > 1:
            raise UsageError("--employees", "must be one number, or industry=number", got=entry)
        if name in numbers:
            raise UsageError("--employees", "must name every industry once", got=entry)
        numbers[name or "employees"] = read_number("--employees", number)
    return Workforce(numbers, size)


def _check(
    contrast: str, cost: float | None, step_at_most: float | None, imputed: Path | None
) -> None:
    """Refuse what cannot be meant before anything is read."""
    if contrast not in {"widest", "step"}:
        raise UsageError("--contrast", "must be widest or step", got=contrast)
    for name, value in (("--cost", cost), ("--step-at-most", step_at_most)):
        if value is not None and not value > 0:
            raise UsageError(name, "must be a positive number", got=value)
    if imputed is not None and not imputed.is_file():
        raise UsageError("--imputed", "must be a file", got=str(imputed))
