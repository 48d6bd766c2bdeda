"""Options that several commands have, and what their text means."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_sf.catalogue import languages, speaking
from bayes_sf.cli.completion import PICTURES, analysis_names, one_of
from bayes_sf.errors import UsageError, check_seed

if TYPE_CHECKING:
    from bayes_sf.analysis.size.power import Effects
    from bayes_sf.analysis.size.practical import Rope

__all__ = [
    "AnalysesArgument", "AnalysisArgument", "BackendOption", "ControlOption", "DataOption",
    "DecimalOption",
    "DominanceOption", "JobsOption", "JsonOption", "KeyOption", "LangOption", "LedgerKeyOption",
    "LedgerOption", "MapOption", "OutOption", "OwnStudyOption", "PersonsOption", "PictureArgument",
    "QuietOption", "RegisterOption",
    "RopeOption", "SeedOption", "SurveyOption", "ThresholdOption", "WithDataOption",
    "WorkplacesOption", "YearsOption", "one_unit", "read_effects", "read_number", "read_rope",
]  # fmt: skip


def _jobs(value: int) -> int:
    """Refuse what is no number of processes."""
    from bayes_sf.analysis.jobs import check_jobs

    check_jobs(value)
    return value


def _seed(value: int) -> int:
    """Refuse a seed that no generator takes, before any work is done."""
    check_seed(value, "--seed")
    return value


AnalysisArgument = Annotated[
    str,
    typer.Argument(help="Name of an analysis, or a TOML file.", autocompletion=analysis_names),
]
AnalysesArgument = Annotated[
    list[str], typer.Argument(help="Analyses, by name or as TOML files.",
                              autocompletion=analysis_names),
]  # fmt: skip
JobsOption = Annotated[int, typer.Option("--jobs", callback=_jobs, help="Processes that fit.")]
PictureArgument = Annotated[
    str,
    typer.Argument(
        help=f"{', '.join(PICTURES[:-1])} or {PICTURES[-1]}.", autocompletion=one_of(PICTURES)
    ),
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the files.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
SeedOption = Annotated[
    int, typer.Option("--seed", callback=_seed, help="Seed of everything random.")
]
DataOption = Annotated[
    str | None,
    typer.Option("--data", help="published (the real study) or replica (synthetic).",
                 show_default="published", autocompletion=one_of(("published", "replica"))),
]  # fmt: skip
SurveyOption = Annotated[Path | None, typer.Option("--survey", help="Survey file of your own.")]
RegisterOption = Annotated[
    list[Path] | None, typer.Option("--register", help="Register extract; may be repeated.")
]
MapOption = Annotated[
    Path | None, typer.Option("--map", help="TOML file: our column names = those of your files.")
]
DecimalOption = Annotated[
    str | None,
    typer.Option("--decimal", help="Decimal mark of your register's files where they leave it "
                 "open: , or .", autocompletion=one_of((",", "."))),
]  # fmt: skip
BackendOption = Annotated[
    str | None,
    typer.Option("--backend", help="Spark that reads your register: spark://host:7077, local[2].",
                 show_default="DuckDB, in this process"),
]  # fmt: skip
WorkplacesOption = Annotated[
    str | None,
    typer.Option("--data", help="replica (synthetic); or give --survey and --register.",
                 show_default="replica", autocompletion=one_of(("replica",))),
]  # fmt: skip
OwnStudyOption = Annotated[
    Path | None,
    typer.Option("--study", help="Folder of a study of your own; bayes-sf init makes one."),
]  # fmt: skip
YearsOption = Annotated[
    tuple[int, int],
    typer.Option("--years", help="First and last year; the report used 2017 and 2021, "
                 "but the replica ends in 2020."),
]  # fmt: skip
KeyOption = Annotated[
    Path | None,
    typer.Option("--key-file", help="File with the secret that makes the pseudonyms; "
                 "without it nobody can tell whose they are."),
]  # fmt: skip


def _speak(context: typer.Context, lang: str) -> str:
    """Speak the language that is asked for until the command is done."""
    if not context.resilient_parsing:
        context.with_resource(speaking(lang))
    return lang


#: The one place where a command's language is set.
LangOption = Annotated[
    str,
    typer.Option("--lang", help=f"Language of what is written: {' or '.join(languages())}.",
                 callback=_speak, autocompletion=one_of(languages())),
]  # fmt: skip
LedgerOption = Annotated[
    Path | None,
    typer.Option("--ledger", help="File that keeps what has left of a study: what would tell of "
                 "single workplaces together with it does not leave. Goes with --ledger-key."),
]  # fmt: skip
LedgerKeyOption = Annotated[
    Path | None, typer.Option("--ledger-key", help="File with the study's secret, yours alone.")
]
ControlOption = Annotated[
    bool,
    typer.Option("--disclosure-control/--no-disclosure-control",
                 help="Hide what would tell of single workplaces; off is said in every output."),
]  # fmt: skip
ThresholdOption = Annotated[
    int, typer.Option("--min-workplaces", help="Hide cells of fewer workplaces.")
]
PersonsOption = Annotated[int, typer.Option("--min-persons", help="Hide cells of fewer employees.")]
DominanceOption = Annotated[
    tuple[float, float, float],
    typer.Option("--dominance", help="Hide an industry whose largest workplace, or two largest, "
                 "have more percent of its days, or all others less than p % of the largest."),
]  # fmt: skip
WithDataOption = Annotated[
    bool, typer.Option("--with-data", help="Also save what is microdata; it stays in your house.")
]
RopeOption = Annotated[
    str | None,
    typer.Option("--rope", help="What is too small to matter, in the outcome's unit: 0.5, or "
                 "-0.2:0.5. No verdict without it."),
]  # fmt: skip


def read_number(where: str, text: str) -> float:
    """A number, with a point or a comma."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise UsageError(where, "must be a number", got=text) from None


def read_rope(text: str, unit: str) -> "Rope":
    """What is too small to matter: one number for both sides, or two."""
    from bayes_sf.analysis.size.practical import Rope

    ends = [read_number("--rope", end) for end in text.split(":")]
    if len(ends) > 2 or (len(ends) == 1 and ends[0] <= 0):
        raise UsageError("--rope", "must be a positive number, or low:high", got=text)
    low, high = ends if len(ends) == 2 else (-ends[0], ends[0])
    return Rope(low, high, unit)


def one_unit(where: str, units: Iterable[str], fix: str) -> str:
    """The unit of outcomes, of which there must be one."""
    names = sorted(set(units))
    if len(names) != 1:
        raise UsageError(where, "needs outcomes in one unit", got=names, fix=fix)
    return names[0]


def read_effects(sd: float) -> "Effects":
    """True differences, normal about zero."""
    from bayes_sf.analysis.size.power import Effects

    if not sd > 0:
        raise UsageError("--effects", "must be a positive number", got=sd)
    return Effects((sd,))
