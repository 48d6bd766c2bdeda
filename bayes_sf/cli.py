"""The command line: thin; heavy libraries are imported inside the commands.

Results go to stdout; progress, warnings and errors to stderr. Exit codes: 0 done, 1 unexpected,
2 usage or specification, 3 data, 4 not converged, 130 interrupted.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, cast

import typer

from bayes_sf.errors import BayesSFError, ConvergenceError, OutputError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from bayes_sf.engines.recovery import PublishedStudy
    from bayes_sf.engines.result import Result
    from bayes_sf.inputs.sample import AnalysisSample

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The report's multilevel results on sickness absence, re-read as posteriors.",
)

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


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,  # noqa: ARG001  # main takes it
) -> None:
    if version:
        typer.echo(f"bayes-sf {metadata.version('bayes-sf')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def reproduce(
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    engine: Annotated[str, typer.Option("--engine", help="exact or nuts.")] = "exact",
    out: OutOption = Path("results"),
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Re-do every multilevel result of the report, beside REML and its posterior.

    Example: bayes-sf reproduce --out results
    """
    from bayes_sf.output.files import ready_folder

    if engine not in {"exact", "nuts"}:
        raise UsageError("--engine", "must be exact or nuts", got=engine)
    source = _source(data, survey, register)
    folder = ready_folder(out)
    if not quiet and sys.stderr.isatty():
        typer.echo("reading the data (from the published tables about ten seconds) ...", err=True)
    from bayes_sf.output.reproduction import print_reproduction, run_reproduction

    run = run_reproduction(
        folder, source=source, survey=survey, register=register, mapping=mapping,
        engine=engine, seed=seed, progress=_progress(quiet=quiet),
    )  # fmt: skip
    print_reproduction(_console(), run, as_json=as_json)
    _refuse(run.not_converged)


@app.command()
def describe(
    *,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    lang: Annotated[str, typer.Option("--lang", help="Figures in en or nb.")] = "en",
    out: OutOption = Path("description"),
    as_json: JsonOption = False,
) -> None:
    """Tables 11-45, figures 1-4 and 6, who is left after each rule, and what is missing.

    Example: bayes-sf describe --survey answers.sav --register extract.csv --out description
    """
    from bayes_sf.output.files import ready_folder

    if lang not in {"en", "nb"}:
        raise UsageError("--lang", "must be en or nb", got=lang)
    source = _source(data, survey, register, known=("replica",))
    folder = ready_folder(out)
    from bayes_sf.output.description import print_description, write_description

    sample = _load(source, survey, register, mapping)
    described = write_description(folder, sample, lang=cast("Literal['en', 'nb']", lang))
    print_description(_console(), described, as_json=as_json)


@app.command()
def select(
    *,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    years: YearsOption = (2017, 2020),
    top: Annotated[int, typer.Option("--top", help="Length of a list per industry.")] = 40,
    key_file: KeyOption = None,
    seed: SeedOption = 1,
    out: OutOption = Path("selection"),
    as_json: JsonOption = False,
) -> None:
    """Annex 1's lists of cases, by its rule and by posterior, and how many truly belong.

    Example: bayes-sf select --years 2017 2020 --out selection
    """
    from bayes_sf.output.files import ready_folder

    source = _source(data, survey, register, known=("replica",))
    key = _secret(key_file) if key_file else None
    from bayes_sf.output.cases import Choice, print_cases, write_cases

    choice = Choice(years, top, seed)
    folder = ready_folder(out)
    sample = _load(source, survey, register, mapping, key)
    print_cases(_console(), write_cases(folder, sample, choice), as_json=as_json)


@app.command()
def replica(
    *,
    seed: SeedOption = 1,
    out: OutOption = Path("replica"),
    force: Annotated[
        bool, typer.Option("--force", help="Also into a folder that has other files.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Make the synthetic survey and register extracts; may take ten minutes.

    Seed 1 gives the copy that travels with the package (--data replica).

    Example: bayes-sf replica --seed 1 --out replica
    """
    from bayes_sf.inputs.replica import make_replica, write_replica
    from bayes_sf.inputs.replica.writing import FILES
    from bayes_sf.output.files import ready_folder
    from bayes_sf.output.summary import SOURCES

    others = sorted({path.name for path in ready_folder(out).iterdir()} - set(FILES))
    if others and not force:
        raise UsageError(
            f"--out {out}", "must be empty or have an earlier replica only", got=others[0],
            fix="choose another folder, or add --force",
        )  # fmt: skip
    if not quiet:
        typer.echo(f"Making the replica of seed {seed}: this may take ten minutes.", err=True)
    made = make_replica(seed)
    files = write_replica(made, out)
    typer.echo(
        f"{SOURCES['replica']}\n"
        f"Returned: {made.compared - len(made.misses)} of {made.compared} printed figures of the "
        f"coefficient tables; the others are listed in {out / 'README.md'}.\n"
        f"Written to {out}: {', '.join(path.name for path in files)}"
    )


@app.command()
def fit(
    analysis: Annotated[str, typer.Argument(help="Name of an analysis, or a TOML file.")],
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    engine: Annotated[str, typer.Option("--engine", help="exact, reml, ols or nuts.")] = "exact",
    out: OutOption = Path("fits"),
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Take saved nuts fits as they are.")
    ] = True,
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Fit every model of an analysis; with nuts each fit is saved as it finishes.

    Example: bayes-sf fit bivariate --engine nuts --out fits
    """
    from bayes_sf.engines.fit import ENGINES
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.model import load_analysis

    if engine not in ENGINES:
        raise UsageError("--engine", f"must be one of {', '.join(ENGINES)}", got=engine)
    asked, source = load_analysis(analysis), _source(data, survey, register)
    folder = ready_folder(out)
    from bayes_sf.output.fits import print_fit, run_fit

    run = run_fit(
        folder, asked, _study(source, survey, register, mapping, seed),
        source=source, engine=engine, seed=seed, resume=resume, console=_stderr(quiet=quiet),
    )  # fmt: skip
    print_fit(_console(), run, as_json=as_json)
    _refuse(run.results.not_converged)


@app.command()
def compare(
    analysis: Annotated[str, typer.Argument(help="Name of an analysis, or a TOML file.")],
    *,
    data: DataOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    out: OutOption = Path("pooling"),
    as_json: JsonOption = False,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Compare complete, no and partial pooling, and show how far each industry is shrunk.

    Example: bayes-sf compare null --out pooling
    """
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.model import load_analysis

    asked, source = load_analysis(analysis), _source(data, survey, register)
    folder = ready_folder(out)
    from bayes_sf.output.poolings import print_pooling, run_pooling

    run = run_pooling(
        folder, asked, _study(source, survey, register, mapping, seed),
        source=source, progress=_progress(quiet=quiet),
    )  # fmt: skip
    print_pooling(_console(), run, as_json=as_json)


@app.command()
def diagnose(
    file: Annotated[Path, typer.Argument(help="A fit that `fit --engine nuts` has saved.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Judge a saved fit: R-hat, ESS, MCSE, divergences, energy, tree depth.

    Example: bayes-sf diagnose fits/null-absence_mean-0123456789ab.nc
    """
    from bayes_sf.output.diagnosis import diagnose_file, print_diagnosis

    found = diagnose_file(file)
    print_diagnosis(_console(), found, as_json=as_json)
    if not found.converged:
        failed = ", ".join(check.name for check in found.checks if not check.passed)
        raise ConvergenceError(str(file), "must pass every check", got=failed)


@app.command("check-published")
def check_published(*, as_json: JsonOption = False) -> None:
    """Test every published number against every other that it depends on.

    Example: bayes-sf check-published
    """
    from bayes_sf.analysis.consistency import replay
    from bayes_sf.output.files import json_text
    from bayes_sf.output.summary import findings_lines

    outcomes = replay()
    if as_json:
        typer.echo(json_text(outcomes), nl=False)
        return
    for line in findings_lines(outcomes):
        typer.echo(line)
    typer.echo("")
    typer.echo("comparisons  findings  rule")
    for outcome in outcomes:
        typer.echo(f"{outcome.comparisons:11d}  {len(outcome.findings):8d}  {outcome.rule}")


def _source(
    data: str | None,
    survey: Path | None,
    register: list[Path] | None,
    known: tuple[str, ...] = ("published", "replica"),
) -> str:
    """Which data: the first of those known by default, or files of one's own, never both."""
    own = survey is not None or bool(register)
    if own and data is not None:
        raise UsageError("--data", "goes without --survey and --register", got=data)
    if own and not (survey is not None and register):
        raise UsageError(
            "--survey and --register", "go together",
            got="only one of them", fix="give the survey and at least one register extract",
        )  # fmt: skip
    if data is not None and data not in known:
        fix = "or give --survey and --register: the published tables have no workplaces"
        raise UsageError(
            "--data", f"must be {' or '.join(known)}", got=data,
            fix=fix if data == "published" else "",
        )  # fmt: skip
    return "microdata" if own else data or known[0]


def _load(
    source: str,
    survey: Path | None,
    register: list[Path] | None,
    mapping: Path | None,
    key: bytes | None = None,
) -> "AnalysisSample":
    """Load the replica's workplaces, or those of files of one's own."""
    from bayes_sf.inputs.sample import load_sample

    if source == "replica":
        return load_sample("replica", key=key)
    return load_sample(survey=survey, register=register or [], mapping=mapping, key=key)


def _study(
    source: str,
    survey: Path | None,
    register: list[Path] | None,
    mapping: Path | None,
    seed: int,
) -> "PublishedStudy | AnalysisSample":
    """Load the published study, the replica, or files of one's own."""
    if source != "published":
        return _load(source, survey, register, mapping)
    from bayes_sf.engines.recovery import recover_study

    return recover_study(seed=seed)


def _secret(path: Path) -> bytes:
    """Read the key of pseudonyms."""
    key = path.read_bytes().strip()
    if not key:
        raise UsageError(str(path), "must have a secret in it", got="nothing")
    return key


def _refuse(failed: "Sequence[Result]") -> None:
    """Leave with exit code 4 when results were written that must not be believed."""
    if failed:
        shown = ", ".join(f"{result.spec.name} of {result.spec.outcome}" for result in failed[:3])
        raise ConvergenceError(
            "nuts", "must reach R-hat < 1.01, ESS >= 400 and no divergence in every model",
            got=f"{len(failed)} that do not: {shown}" + (", ..." if len(failed) > 3 else ""),
            fix="use --engine exact, or a tighter prior on sd_group; the files mark them",
        )  # fmt: skip


def _console() -> "Console":
    """Results: stdout, wide enough for the tables when it is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120, soft_wrap=False)


def _stderr(*, quiet: bool) -> "Console":
    """Progress: stderr, silent with --quiet."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet, force_terminal=False if quiet else None)


def _progress(*, quiet: bool) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Show a progress bar on stderr; nothing with --quiet or where stderr is no terminal."""

    def wrap(items: Iterable[Any]) -> Iterator[Any]:
        listed = list(items)
        if quiet or not sys.stderr.isatty():
            yield from listed
            return
        from rich.console import Console
        from rich.progress import track

        console = Console(stderr=True)
        yield from track(listed, description="fitting", console=console, transient=True)

    return wrap


def main() -> None:
    """Run the command line; one clear line and the right exit code for every error."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = app([a for a in sys.argv[1:] if a != "--debug"], standalone_mode=False)
    except BayesSFError as error:
        _fail(str(error), error.exit_code, debug=debug)
    except typer.TyperException as error:  # a misspelt command or option
        _fail(f"{error.format_message()} (see bayes-sf --help)", error.exit_code, debug=debug)
    except OSError as error:
        where = str(error.filename or "file system")
        _fail(str(OutputError(where, "cannot be used", got=error.strerror)), 2, debug=debug)
    except Exception as error:  # noqa: BLE001  # the last resort says where to report it
        text = f"unexpected {type(error).__name__}: {error} (run with --debug for the traceback)"
        _fail(text, 1, debug=debug)
    if code == 130:  # typer turns Ctrl-C into this
        _fail("interrupted", code, debug=False)
    sys.exit(code)


def _fail(text: str, code: int, *, debug: bool) -> NoReturn:
    """Say what is wrong on stderr and leave."""
    if debug:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"bayes-sf: {text}\n")
    sys.exit(code)
