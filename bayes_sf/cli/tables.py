"""Commands export, publication tables of any analysis, and doctor, on the installation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.completion import ENGINES, FORMATS, analysis_names, one_of
from bayes_sf.cli.console import stdout
from bayes_sf.cli.given import HIDING, LEDGER, OWN, STUDY, Given, with_options, writing
from bayes_sf.cli.options import JsonOption, KeyOption
from bayes_sf.errors import UsageError, closest

if TYPE_CHECKING:
    from bayes_sf.output.formats.delimited import CsvStyle


@app.command()
@with_options(OWN, STUDY, HIDING, LEDGER, writing("tables"))
def export(
    analyses: Annotated[
        list[str] | None,
        typer.Argument(
            help="Analyses; without any the report's tables beside ours.",
            autocompletion=analysis_names,
        ),
    ] = None,
    *,
    given: Given,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            help="exact, reml, ols or nuts; by default what it takes.",
            autocompletion=one_of(ENGINES),
        ),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="html, latex, markdown, csv, excel, word, typst or quarto; may be repeated.",
            show_default="html and csv",
            autocompletion=one_of(FORMATS),
        ),
    ] = None,
    norwegian_csv: Annotated[
        bool, typer.Option("--norwegian-csv", help="CSV as Excel opens it in Norway.")
    ] = False,
    digits: Annotated[
        int | None,
        typer.Option("--digits", help="Decimals at most: fewer than the uncertainty allows."),
    ] = None,
    style: Annotated[
        str, typer.Option("--style", help="A journal's: apa, jss or ssb; latex, typst, quarto.")
    ] = "",
) -> None:
    """Write tables: estimates, poolings, shrinkage; of workplaces also sample flow and answers.

    Example: bayes-sf export null q13 --format word --format csv --lang nb
    """  # fmt: skip
    from bayes_sf.spec.analysis import load_analysis

    wanted = tuple(formats or ("html", "csv"))
    if engine is not None:
        _check("--engine", engine, ENGINES)
    if engine is not None and not analyses and given.own is None:
        raise UsageError(
            "--engine", "goes with analyses: the report's tables have theirs", got=engine,
            fix="name an analysis, or leave it out",
        )  # fmt: skip
    for value in wanted:
        _check("--format", value, FORMATS)
    if norwegian_csv and "csv" not in wanted:
        raise UsageError("--norwegian-csv", "goes with --format csv", got=", ".join(wanted))
    from bayes_sf.output.formats.styles import STYLED, STYLES

    if style:
        _check("--style", style, tuple(filter(None, STYLES)))
        for value in wanted:
            _check("--style goes with --format", value, STYLED)
    if digits is not None and not 0 <= digits <= 6:
        raise UsageError("--digits", "must be 0 to 6 decimals", got=digits)
    stated = () if given.own is None else tuple(given.own.header.analyses)
    asked = tuple(load_analysis(name) for name in dict.fromkeys(analyses or stated))
    if given.own is not None and not asked:
        raise UsageError("export", "needs an analysis, or [analyses] in study.toml")
    given.ready()
    from bayes_sf.disclosure.control import Control
    from bayes_sf.output.runs.export import gather, run_export

    study = given.study()
    control, progress = Control.of(study, given.rules), given.asked.progress
    found = gather(
        asked, study, control=control, engine=engine, seed=given.seed, progress=progress,
        stated=not analyses and bool(asked),
    )  # fmt: skip
    csv: CsvStyle = "norwegian" if norwegian_csv else "plain"
    given.finish(run_export(
        given.asked, **found, formats=wanted, csv_style=csv, digits=digits, style=style,
        control=control,
    ))  # fmt: skip


@app.command()
def doctor(
    *,
    as_json: JsonOption = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 when something is wrong.")
    ] = False,
) -> None:
    """Say which versions are installed, and what would make the first run slow or fail.

    Example: bayes-sf doctor
    """
    from bayes_sf.output.doctor import examine, print_health

    found = examine()
    print_health(stdout(), found, as_json=as_json)
    if strict and any(check.verdict == "wrong" for check in found):
        raise typer.Exit(1)


def _check(option: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not known, before any work is done."""
    if value not in known:
        rule = f"must be one of {', '.join(known)}"
        raise UsageError(option, rule, got=value, fix=closest(value, known))


@app.command()
def release(
    folder: Annotated[Path, typer.Argument(help="Folder of a project, with what runs wrote.")],
    *,
    to: Annotated[Path, typer.Option("--to", help="New folder to send.")],
    key_file: KeyOption = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="Ledger of the runs; it has the same key.")
    ] = None,
) -> None:
    """Copy what may be sent, without logs and private files, with a signed list.

    Several runs on files of your own go together only with the ledger that they were made with.

    Example: bayes-sf release results --to send --key-file study.key --ledger study.ledger
    """
    from bayes_sf.inputs.pseudonym import read_secret
    from bayes_sf.output.release import release as copy

    if key_file is None:
        raise UsageError("--key-file", "must name the key that the list is signed with")
    found = copy(folder, to, read_secret(key_file), ledger)
    say = stdout()
    say.print(f"{len(found.copied)} files: {to}", markup=False, highlight=False)
    kept = ", ".join(str(path.relative_to(folder)) for path in found.kept)
    say.print(f"{len(found.kept)} stay with you: {kept}", markup=False, highlight=False)
    said = f"{found.told.pairs} pairs of populations, {found.told.equations} figures of the ledger"
    cells = f"{found.cells} cells that two tables have"
    say.print(f"Looked at together: {said}, {cells}.", markup=False, highlight=False)
