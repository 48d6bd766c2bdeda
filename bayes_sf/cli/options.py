"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AnalysisArgument", "ControlOption", "DataOption", "DominanceOption", "JsonOption",
    "KeyOption", "LangOption", "MapOption", "OutOption", "PersonsOption", "QuietOption",
    "RegisterOption", "SeedOption", "SurveyOption", "ThresholdOption", "WithDataOption",
    "WorkplacesOption", "YearsOption",
]  # fmt: skip

AnalysisArgument = Annotated[str, typer.Argument(help="Name of an analysis, or a TOML file.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the files.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of everything random.")]
DataOption = Annotated[
    str | None,
    typer.Option("--data", help="published (the real study) or replica (synthetic).",
                 show_default="published"),
]  # fmt: skip
SurveyOption = Annotated[Path | None, typer.Option("--survey", help="Survey file of your own.")]
RegisterOption = Annotated[
    list[Path] | None, typer.Option("--register", help="Register extract; may be repeated.")
]
MapOption = Annotated[
    Path | None, typer.Option("--map", help="TOML file: our column names = those of your files.")
]
WorkplacesOption = Annotated[
    str | None,
    typer.Option("--data", help="replica (synthetic); or give --survey and --register.",
                 show_default="replica"),
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
LangOption = Annotated[
    str, typer.Option("--lang", help="Language of tables and figures: en or nb.")
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
