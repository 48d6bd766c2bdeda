"""What commands write, from Python: tables in every format, and pages.

Results of a user's own frames go as they are: they are the user's. What is of a study passes its
disclosure control, as in the commands `export` and `report`; results of its microdata alone do not
say what may leave, and are refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bayes_sf.catalogue import speaks
from bayes_sf.disclosure.control import OFF, Control, Rules, refuse_withheld
from bayes_sf.disclosure.gate import unprotected
from bayes_sf.disclosure.learnt.ledger import Ledger
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook, using
from bayes_sf.inputs.own_study.folder import OwnStudy, read_study
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.files import ready_folder
from bayes_sf.output.formats.delimited import CsvStyle
from bayes_sf.output.formats.writing import table_files
from bayes_sf.output.report.results import names_of, results_page
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.runs.export import gather, run_export
from bayes_sf.output.tables.result_tables import diagnostics_table
from bayes_sf.output.tables.side_by_side import table
from bayes_sf.output.words.methods import methods_file
from bayes_sf.recovery.study import PublishedStudy
from bayes_sf.spec.analysis import Analysis, load_analysis

__all__ = ["export", "page"]


@speaks
def export(
    what: Any, folder: Path | str, *, data: Any = None, formats: Sequence[str] = ("html", "csv"),
    csv_style: CsvStyle = "plain", digits: int | None = None, style: str = "", seed: int = 1,
    ledger: Path | str | None = None, ledger_key: Path | str | None = None,
    lang: str | None = None,  # noqa: ARG001  # `speaks` reads it
) -> tuple[Path, ...]:  # fmt: skip
    """Write tables of results or analyses, as the command ``export`` does; all files or none.

    Parameters
    ----------
    what : Result, list or mapping of them; or Analysis, its name, or a list of these
        Results of data frames: models side by side, diagnostics of chains, and the methods of
        posteriors. Analyses of `data`: what the command writes.
    folder : path
        Made where it is not there.
    data : PublishedStudy, AnalysisSample or path, optional
        What analyses are fitted to: as `bayes_sf.load_sample` gives it, or a study's folder, whose
        ``study.toml`` also says what may leave. None for results.
    formats : sequence of str
        Some of html, latex, markdown, csv, excel, word, typst, quarto.
    csv_style : {"plain", "norwegian"}
        Comma and point, or semicolon and decimal comma.
    digits : int, optional
        Decimals at most; never more than there are without it.
    style : {"", "apa", "jss", "ssb"}
        A journal's, of latex, typst and quarto alone.
    seed : int
        Of what is random.
    ledger, ledger_key : path, optional
        Of a study's folder, as the command has them: what has left of it before, and the key.
    lang : {"en", "nb"}, optional
        By default the language that is spoken.

    Returns
    -------
    tuple of pathlib.Path
        What was written: tables, ``methods.md``, ``provenance.json``.

    Raises
    ------
    UsageError
        For results of microdata, a format that is not known, analyses without data.
    DisclosureError
        Where a whole table cannot be shown; all else is written.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     files = sf.export(sf.fit("y ~ x + (1 | g)", df), place, formats=["latex"])
    >>> [file.name for file in files]
    ['models.tex', 'methods.md', 'provenance.json']
    """
    if digits is not None and not 0 <= digits <= 6:
        raise UsageError("export: digits", "must be 0 to 6 decimals", got=digits)
    options: dict[str, Any] = {
        "formats": tuple(formats), "csv_style": csv_style, "digits": digits, "style": style,
    }  # fmt: skip
    if data is None:
        _refuse_ledger(ledger, ledger_key)
        return _of_results(what, seed, **options).write(ready_folder(Path(folder)))
    with _in_use(data, "export", ledger, ledger_key) as (study, sample, rules, note):
        known = tuple(study.header.analyses) if study else ()
        asked = [
            one if isinstance(one, Analysis) else load_analysis(one)
            for one in ([what] if isinstance(what, str | Analysis) else what or known)
        ]
        source = getattr(sample, "source", "published")
        control = Control.of(sample, rules)
        stated = bool(known) and not what
        found = gather(asked, sample, control=control, seed=seed, stated=stated)
        about = Asked(source=source, rules=rules, seed=seed)
        run = run_export(about, **found, **options, control=control)
        note(control)
        written = run.write(ready_folder(Path(folder)))
    refuse_withheld(run.withheld)
    return written


def _of_results(
    what: Any,
    seed: int,
    *,
    formats: Sequence[str],
    csv_style: CsvStyle,
    digits: int | None,
    style: str,
) -> Run:
    """Tables of results of a user's own frames."""
    results = _own_results("export", what)
    named = () if isinstance(what, Mapping) else names_of(results)
    tables = [table(what, names=named).table] + [
        diagnostics_table(one) for one in results if type(one) is Result and one.engine == "nuts"
    ]
    if digits is not None:
        tables = [one.coarser(digits) for one in tables]
    told = [one for one in results if one.has_draws and one.provenance.source != "sets"]
    texts = table_files(tables, formats, csv_style=csv_style, style=style)
    texts |= {"methods.md": methods_file(told)} if told else {}
    about = {"models": [
        {"model": one.spec.name, "outcome": one.spec.outcome, "engine": one.engine,
         "data": one.provenance.data} for one in results
    ]}  # fmt: skip
    content = unprotected(Content(texts=texts, about=about), OFF)
    return Run(Asked(source="frame", rules=OFF, seed=seed), Control.of(None, OFF), content)


def _own_results(where: str, what: Any) -> list[Result]:
    """Results, of whose rows nothing is to be protected."""
    listed = [what] if isinstance(what, Result) else what
    listed = listed.values() if isinstance(listed, Mapping) else listed
    found = list(listed) if isinstance(listed, Iterable) and not isinstance(listed, str) else []
    if not found or not all(isinstance(one, Result) for one in found):
        rule = "must be results; analyses go with data="
        raise UsageError(where, rule, got=type(what).__name__, fix="fit them with sf.fit")
    for one in found:
        if one.provenance.source == "microdata":
            fix = "give its analysis, and the study as data="
            raise UsageError(where, "cannot say what may leave of a study's results", fix=fix)
    return found


#: Notes what leaves, before it does.
type _Note = Callable[[Control], object]


@contextmanager
def _in_use(
    data: Any, command: str, ledger: Path | str | None, key: Path | str | None
) -> Iterator[tuple[OwnStudy | None, Any, Rules, _Note]]:
    """A study and its rules; in its own words, its ledger locked, as long as the block lasts."""
    if isinstance(data, str | Path):
        study = read_study(data)
        with using(study.book), _noted(study, command, ledger, key) as (rules, note):
            yield study, study.sample, rules, note
        return
    _refuse_ledger(ledger, key)
    if not isinstance(data, PublishedStudy | AnalysisSample):
        rule = "must be a study's folder, or as load_sample gives it"
        raise UsageError("data", rule, got=type(data).__name__)
    if load_codebook().nouns is not None:
        rule = "must be named by its folder, which says what may leave"
        raise UsageError("data", rule, got="rows of a study")
    yield None, data, Rules(), _unnoted


def _unnoted(_: Control) -> None:
    """Keep nothing."""


@contextmanager
def _noted(
    study: OwnStudy, command: str, ledger: Path | str | None, key: Path | str | None
) -> Iterator[tuple[Rules, _Note]]:
    """Rules that count in what has left before, where a ledger is given."""
    rules = Rules.of(study)
    if ledger is None and key is None:
        yield rules, _unnoted
        return
    if ledger is None or key is None:
        raise UsageError("ledger and ledger_key", "go together", got="one of them")
    if not rules.active:
        rule = "is of a study under disclosure control"
        raise UsageError("ledger", rule, got=f"study.toml: {rules.reason}", fix="leave it out")
    study.check_named("ledger")
    with Ledger.of(Path(ledger), Path(key)) as kept:
        yield rules.after(kept), lambda control: kept.add(control.left, command=command)


def _refuse_ledger(ledger: Path | str | None, key: Path | str | None) -> None:
    """Refuse a ledger of what none is kept of here."""
    if ledger is not None or key is not None:
        fix = "leave it out; of a survey and a register the commands keep it"
        raise UsageError("ledger", "is of a study's folder", got=str(ledger or key), fix=fix)


@speaks
def page(
    what: Any, path: Path | str, *, rope: float | None = None, engine: str = "exact",
    seed: int = 1, with_data: bool = False, ledger: Path | str | None = None,
    ledger_key: Path | str | None = None,
    lang: str | None = None,  # noqa: ARG001  # `speaks` reads it
) -> Path:  # fmt: skip
    """Write a page that opens anywhere: of a study, as the command ``report``; or of results.

    Parameters
    ----------
    what : path, PublishedStudy, AnalysisSample, Result, or list or mapping of results
        A study's folder, of which all analyses are on the page; the report's study, as
        `bayes_sf.load_sample` gives it; or results of data frames.
    path : path
        Ending in ``.html``; an earlier page is replaced.
    rope : float, optional
        Of the report's study: the largest difference that does not matter, in percentage points.
    engine : {"exact", "nuts"}
        Of a study's folder: how outcomes that are not Gaussian are fitted (``exact``: by maximum
        likelihood).
    seed : int
        Of what is random.
    with_data : bool
        Of results: whether sums over their rows are in the page, so that readers can move the
        priors of random intercepts by hand.
    ledger, ledger_key : path, optional
        Of a study's folder, as the command has them: what has left of it before, and the key.
    lang : {"en", "nb"}, optional
        By default the language that is spoken.

    Returns
    -------
    pathlib.Path
        The page. Of protected data the log of disclosure control stands in the private folder
        beside it.

    Raises
    ------
    UsageError
        For a file that is no page, results of microdata, an option of other data.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     made = sf.page(sf.fit("y ~ x + (1 | g)", df), f"{place}/fit.html")
    ...     text = made.read_text(encoding="utf-8")
    >>> "Of the variance of y that predictors leave" in text
    True
    """
    from bayes_sf.output.report.material import gather as gather_report
    from bayes_sf.output.report.page import write_page, write_report
    from bayes_sf.output.report.study import study_page

    target = Path(path)
    if target.suffix.lower() != ".html":
        raise UsageError("page", "must be a file that ends in .html", got=target.name)
    of_folder = isinstance(what, str | Path)
    of_report = isinstance(what, PublishedStudy | AnalysisSample)
    if engine not in {"exact", "nuts"} or (engine != "exact" and not of_folder):
        raise UsageError("page: engine", "must be exact, or nuts of a study's folder", got=engine)
    if rope is not None and not (of_report and 0 < rope < float("inf")):
        rule = "must be a positive number of percentage points, of the report's study"
        raise UsageError("page: rope", rule, got=rope)
    if not (of_folder or of_report):
        _refuse_ledger(ledger, ledger_key)
        html = results_page(_own_results("page", what), seed=seed, with_data=with_data)
        ready_folder(target.parent)
        return write_page(target, html, Control.of(None, OFF), ())[0]
    if with_data:
        fix = "leave it out: study.toml says whether data are public"
        raise UsageError("page: with_data", "is of results of data frames", got=with_data, fix=fix)
    with _in_use(what, "report", ledger, ledger_key) as (study, sample, rules, note):
        ready_folder(target.parent)
        if study is None:
            return write_report(target, gather_report(sample, rope=rope, seed=seed, rules=rules))[0]
        made = study_page(study, Asked(source="microdata", rules=rules, seed=seed), engine=engine)
        note(made.control)
        return write_page(target, made.html, made.control, made.hidden)[0]
