"""Commands on the report itself: reproduce, report, check-published, describe, select, replica."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_sf.catalogue import language, say
from bayes_sf.cli.app import app
from bayes_sf.cli.console import announce, refuse, stdout
from bayes_sf.cli.given import HIDING, LEDGER, OWN, STUDY, WORKPLACES, Given, with_options, writing
from bayes_sf.cli.options import (
    JsonOption,
    KeyOption,
    LangOption,
    OutOption,
    QuietOption,
    RopeOption,
    SeedOption,
    WithDataOption,
    YearsOption,
    one_unit,
    read_effects,
    read_rope,
)
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook

if TYPE_CHECKING:
    from bayes_sf.output.run import Run
    from bayes_sf.recovery.reread.report import Reread
    from bayes_sf.spec.priors import Priors

READING = "reading the data (from the published tables about ten seconds) ..."


@app.command()
@with_options(STUDY, HIDING, LEDGER, writing("results"))
def reproduce(
    *,
    given: Given,
    engine: Annotated[str, typer.Option("--engine", help="exact or nuts.")] = "exact",
    with_data: WithDataOption = False,
) -> None:
    """Re-do every multilevel result of the report, beside REML and its posterior.

    Example: bayes-sf reproduce --out results
    """
    if engine not in {"exact", "nuts"}:
        raise UsageError("--engine", "must be exact or nuts", got=engine)
    given.ready()
    announce(READING, quiet=given.quiet)
    from bayes_sf.output.runs.reproduce import run_reproduce

    given.finish(run_reproduce(given.study, given.asked, engine=engine, with_data=with_data))


@app.command()
@with_options(OWN, STUDY, HIDING, LEDGER, writing("results", as_json=False))
def report(
    *,
    given: Given,
    rope: Annotated[
        float | None,
        typer.Option(
            "--rope",
            help="Largest difference that does not matter, in percentage "
            "points: judge every item by it. There is no default.",
        ),
    ] = None,
    with_data: Annotated[
        bool,
        typer.Option(
            "--with-data",
            help="Put sufficient statistics of your own files into the "
            "page, so that priors can be moved there; with --no-disclosure-control only.",
        ),
    ] = False,
    imputed: Annotated[
        Path | None,
        typer.Option(
            "--imputed", help="Folder that `impute` wrote: what it found goes into the page."
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            help="With --study: exact, by which outcomes that are not Gaussian are estimated by "
            "maximum likelihood, or nuts, by which they are sampled.",
            show_default="exact",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier page.")] = False,
) -> None:
    """Write everything as one HTML page that opens anywhere, with a prior to move by hand.

    --out may name the page itself, as page.html.

    Example: bayes-sf report --data replica --lang nb
    """  # fmt: skip
    if given.own is not None:
        for option, value in (("--rope", rope), ("--imputed", imputed)):
            if value is not None:
                fix = "ask bayes-sf sensitivity --rope" if option == "--rope" else "leave it out"
                raise UsageError(option, "goes without --study", got=str(value), fix=fix)
        if engine not in (None, "exact", "nuts"):
            raise UsageError("--engine", "must be exact or nuts", got=engine)
    elif engine is not None:
        raise UsageError("--engine", "goes with --study", got=engine)

    if rope is not None and not 0 < rope < float("inf"):
        raise UsageError("--rope", "must be a positive number of percentage points", got=rope)
    if with_data and given.source == "microdata" and given.rules.active:
        fix = "leave it out, or add --no-disclosure-control: the page is then for you alone"
        rule = f"puts sums over your {load_codebook().units} into the page"
        raise UsageError("--with-data", rule, fix=fix)
    out = given.out
    named = out.suffix == ".html" and not out.is_dir()
    stem = "report" if given.own is not None else f"report_{given.source}"
    name = out.name if named else f"{stem}_{language()}.html"
    given.ready(page=named)
    page = given.folder / name
    if page.exists() and not force:
        raise UsageError(
            str(page), "is there already", fix="add --force, or choose another place with --out"
        )
    from bayes_sf.output.formats.terminal import print_end
    from bayes_sf.output.report.material import gather
    from bayes_sf.output.report.page import write_page, write_report

    if given.own is not None:
        from bayes_sf.output.report.study import study_page

        given.workplaces()
        made = study_page(given.own, given.asked, engine=engine or "exact", with_data=with_data)
        given.note(made.control)
        print_end(stdout(), write_page(page, made.html, made.control, made.hidden, sent=out))
        refuse(made.failed)
        return
    announce(READING, quiet=given.quiet)
    material = gather(
        given.study(), rope=rope, seed=given.seed, with_data=with_data,
        rules=given.rules, imputed=imputed, progress=given.asked.progress,
    )  # fmt: skip
    given.note(material.control)
    print_end(stdout(), write_report(page, material, sent=out))


@app.command("check-published")
def check_published(
    *,
    tables: Annotated[
        Path | None,
        typer.Option("--tables", help="Folder of any report's printed results, with study.toml."),
    ] = None,
    lang: LangOption = "en",  # noqa: ARG001  # the option sets it
    as_json: JsonOption = False,
) -> None:
    """Test every published number against every other that it depends on.

    Example: bayes-sf check-published --lang nb
    """
    if tables is not None:
        _check_tables(tables, as_json=as_json)
        return
    from bayes_sf.analysis.replay.consistency import replay
    from bayes_sf.output.files import json_text
    from bayes_sf.output.words.findings import findings_lines, replay_line

    outcomes = replay()
    if as_json:
        typer.echo(json_text(outcomes), nl=False)
        return
    for line in findings_lines(outcomes):
        typer.echo(line)
    typer.echo("")
    typer.echo(replay_line(outcomes))
    typer.echo("")
    typer.echo(say("   comparisons  findings  rule"))
    for outcome in outcomes:
        typer.echo(f"{outcome.comparisons:14d}  {len(outcome.findings):8d}  {outcome.rule}")


def _check_tables(folder: Path, *, as_json: bool) -> None:
    """Any report's tables."""
    from bayes_sf.analysis.printed.check import check_tables
    from bayes_sf.inputs.printed.folder import read_published
    from bayes_sf.output.files import json_text
    from bayes_sf.output.words.findings import tables_lines

    found = check_tables(read_published(folder))
    if as_json:
        typer.echo(json_text(found), nl=False)
        return
    for line in tables_lines(found):
        typer.echo(line)


@app.command()
@with_options(writing("", out=False))
def reread(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of printed results, with study.toml.")
    ] = None,
    *,
    given: Given,
    init: Annotated[
        Path | None,
        typer.Option("--init", help="Write templates of such a folder, with comments, and stop."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="With --init: a draft of the folder from a saved summary() of lme4, or a table "
            "(HTML of tab_model or modelsummary, CSV, Word).",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", help="CSV of many printed ICCs: study, icc, n, groups, estimator."),
    ] = None,
    size: Annotated[
        float | None,
        typer.Option("--size", help="Members of a cluster, for the design effect of --table."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Model of the folder; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the files.")] = None,
    icc: Annotated[
        str | None, typer.Option("--icc", help="Intraclass correlation as printed: 0.21.")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Rows of the model.")] = None,
    groups: Annotated[int | None, typer.Option("--groups", help="Groups of the model.")] = None,
    sizes: Annotated[
        str | None, typer.Option("--sizes", help="Rows of each group, where printed: 12,30,8.")
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="All groups are equally large.")
    ] = False,
    estimator: Annotated[
        str | None, typer.Option("--estimator", help="REML, ML or unknown.")
    ] = None,
    fan: Annotated[
        bool, typer.Option("--fan", help="The ICC under other priors of the groups' sd, too.")
    ] = False,
    page: Annotated[
        bool,
        typer.Option("--page", help="With --out: reread.html, one page with picture, tables and a "
                     "slider of the prior."),
    ] = False,
    rope: RopeOption = None,
    effects: Annotated[
        float | None,
        typer.Option("--effects", help="Sd of true coefficients, in the outcome's unit, for type S "
                     "and M."),
    ] = None,
) -> None:  # fmt: skip
    """The posterior behind a printed ICC, or behind every model of a folder of printed results.

    Example: bayes-sf reread --icc 0.299 --n 582 --groups 6
    """
    figures = {
        "--icc": icc, "--n": n, "--groups": groups, "--sizes": sizes,
        "--balanced": balanced or None, "--estimator": estimator,
    }  # fmt: skip
    used = [name for name, value in figures.items() if value is not None]
    asked = {"--rope": rope, "--effects": effects}
    sizing = [name for name, value in asked.items() if value is not None]
    if init is not None:
        without = {"--fan": fan, "--page": page, "FOLDER": folder, "--model": model}
        others = [*used, *sizing, *(name for name, value in without.items() if value)]
        _write_templates(init, source, others)
        return
    if source is not None:
        raise UsageError("--from", "goes with --init FOLDER, where the draft is written")
    flags = {"--fan": fan, "--page": page}
    _check_together(folder, table, used, [*(["--model"] if model else []), *sizing], flags)
    if size is not None and table is None:
        raise UsageError("--size", "goes with --table")
    if page and out is None:
        raise UsageError("--page", "goes with --out FOLDER, where it is written")
    from bayes_sf.output.files import ready_folder

    place = ready_folder(out) if out else None
    if folder is not None:
        run = _read_folder(given, folder, model, fan=fan, page=page, rope=rope, effects=effects)
    elif table is not None:
        from bayes_sf.output.runs.reread import run_reread_table
        from bayes_sf.recovery.reread.many import icc_table

        many = icc_table(table, seed=given.seed, size=size, progress=given.asked.progress)
        run = run_reread_table(many, given.asked)
    else:
        run = _read_icc(given, figures, fan=fan, page=page)
    run.show(stdout(), run.write(place) if place else (), as_json=given.as_json)


def _check_together(
    folder: Path | None, table: Path | None, figures: list[str], of_folder: list[str],
    flags: dict[str, bool],
) -> None:  # fmt: skip
    """One of a folder, a table and single figures, and what goes with it alone."""
    if folder is not None and figures:
        raise UsageError(figures[0], "goes without FOLDER, whose study.toml says it")
    if folder is None and of_folder:
        raise UsageError(of_folder[0], "goes with FOLDER")
    if table is not None and (folder is not None or figures):
        raise UsageError("--table", "goes without FOLDER and single figures")
    for name, value in flags.items():
        if value and table is not None:
            raise UsageError(name, "goes with FOLDER or --icc")


def _write_templates(place: Path, source: Path | None, others: list[str]) -> None:
    """Templates of a folder of printed results, or a draft of it."""
    if others:
        raise UsageError(others[0], "goes without --init")
    from bayes_sf.inputs.printed.drafts import write_draft
    from bayes_sf.inputs.printed.templates import write_templates

    for path in write_draft(source, place) if source else write_templates(place):
        typer.echo(path)


def _read_folder(
    given: Given, folder: Path, names: list[str] | None, *, fan: bool, page: bool, rope: str | None,
    effects: float | None,
) -> "Run":  # fmt: skip
    """Every model of a folder; what is asked of sizes is checked before models are re-read."""
    from bayes_sf.analysis.printed.fan import icc_fan
    from bayes_sf.inputs.printed.folder import read_published
    from bayes_sf.output.runs.reread import run_reread_folder
    from bayes_sf.recovery.reread.report import reread as read_models

    report = read_published(folder)
    own = [model for name, model in report.models.items() if names is None or name in names]
    units = [model.header.unit for model in own if model.coefficients]
    region = None if rope is None else read_rope(rope, _unit("--rope", units))
    true = None
    if effects is not None:
        _unit("--effects", units)
        true = read_effects(effects)

    def read(priors: "Priors | None" = None) -> "Reread":
        wrapped = given.asked.progress
        return read_models(report, models=names, priors=priors, seed=given.seed, progress=wrapped)

    found = read()
    fanned = icc_fan(lambda priors: read(priors).iccs) if fan else None
    return run_reread_folder(found, given.asked, rope=region, effects=true, fan=fanned, page=page)


def _unit(where: str, units: list[str]) -> str:
    """The unit of models that print coefficients."""
    unit = one_unit(where, units, "name models of one outcome by --model")
    if not unit:
        raise UsageError(where, "needs the outcome's unit", fix="say unit in study.toml")
    return unit


def _read_icc(given: Given, figures: dict[str, Any], *, fan: bool, page: bool) -> "Run":
    """One ICC."""
    for name in ("--icc", "--n", "--groups"):
        if figures[name] is None:
            raise UsageError(name, "must be given, or FOLDER", fix="see bayes-sf reread --help")
    from bayes_sf.analysis.printed.fan import icc_fan
    from bayes_sf.output.runs.reread import run_reread
    from bayes_sf.recovery.printed_icc import icc_posterior

    read = partial(
        icc_posterior, icc=figures["--icc"], n=figures["--n"], groups=figures["--groups"],
        sizes=_whole_numbers(figures["--sizes"]), balanced=bool(figures["--balanced"]),
        estimator=figures["--estimator"] or "unknown", seed=given.seed,
    )  # fmt: skip
    fanned = icc_fan(lambda priors: {"": read(priors=priors)}) if fan else None
    return run_reread(read(), given.asked, fan=fanned, page=page)


def _whole_numbers(text: str | None) -> list[int] | None:
    """Read a list of whole numbers."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError("--sizes", "must be whole numbers: 12,30,8", got=text) from None


@app.command()
@with_options(OWN, WORKPLACES, HIDING, LEDGER, writing("description", seed=False))
def describe(
    *,
    given: Given,
) -> None:
    """Tables 11-45, figures 1-4 and 6, who is left after each rule, and what is missing.

    Example: bayes-sf describe --survey answers.sav --register extract.csv --out description
    """
    given.ready()
    from bayes_sf.output.runs.describe import run_describe

    given.finish(run_describe(given.workplaces(), given.asked))


@app.command()
@with_options(OWN, WORKPLACES, HIDING, LEDGER, writing("selection"))
def select(
    *,
    given: Given,
    years: YearsOption = (2017, 2020),
    top: Annotated[int, typer.Option("--top", help="Length of a list per industry.")] = 40,
    key_file: KeyOption = None,
    with_data: WithDataOption = False,
) -> None:
    """Annex 1's lists of cases, by its rule and by posterior, and how many truly belong.

    Example: bayes-sf select --years 2017 2020 --out selection
    """
    given.refuse_own("has no series over time that cases are selected by")
    from bayes_sf.inputs.pseudonym import read_secret

    key = read_secret(key_file) if key_file else None
    from bayes_sf.output.runs.select import Choice, run_select

    choice = Choice(years, top, given.seed)
    given.ready()
    sample = given.workplaces(key)
    announce("ranking the workplaces by draws (some seconds) ...", quiet=given.quiet)
    given.finish(run_select(sample, choice, given.asked, with_data=with_data))


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
    from bayes_sf.output.files import ready_folder
    from bayes_sf.output.tables.summary import SOURCES
    from bayes_sf.replica import make_replica, write_replica
    from bayes_sf.replica.writing import FILES

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
