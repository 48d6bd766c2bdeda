"""`bayes-sf report`: one HTML page that opens anywhere, in Norwegian or English.

The page holds everything that it shows: style, figures, tables, and the prior explorer's numbers
and script. It is the same for the same data, seed and versions.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.contrast import Contrast, find_contrast
from bayes_sf.analysis.priors.explorer import (
    GROUP_FAMILIES,
    GROUP_RANGE,
    SLOPE_RANGE,
    explorer_model,
)
from bayes_sf.catalogue import language, mark, say
from bayes_sf.engines.fit import versions
from bayes_sf.errors import UsageError
from bayes_sf.output.audit import write_log
from bayes_sf.output.figures.associations import chance_figure
from bayes_sf.output.figures.page import coarsened, upper_first
from bayes_sf.output.files import plain, write_files
from bayes_sf.output.formats.webpage import fragment
from bayes_sf.output.numbers import level
from bayes_sf.output.report.answers import answers
from bayes_sf.output.report.associations import associations
from bayes_sf.output.report.inline import Picture, picture_of
from bayes_sf.output.report.material import Material, explorer_models
from bayes_sf.output.report.section import Section
from bayes_sf.output.report.sections import build_sections
from bayes_sf.output.report.statements import data_say, how_sure, question
from bayes_sf.output.report.tables import VERDICTS, for_page
from bayes_sf.output.run import keyed
from bayes_sf.output.tables.table import Table
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import outcome_name, statement_of, term_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Page", "explorer_content", "render", "render_report", "write_report"]

_STYLE, _SCRIPTS = "report.css", ("explorer.js", "report.js")
_MARKS = {
    "published": "real", "report": "real", "printed": "real", "replica": "synthetic",
    "microdata": "own",
}  # fmt: skip
#: What a mark says, and the page's banner.
_MARKED: Final = {
    "real": mark("REAL NUMBERS"),
    "synthetic": mark("SYNTHETIC"),
    "own": mark("OWN DATA"),
}
_BANNERS: Final = {
    "published": mark("From the report's printed tables."),
    "replica": mark("Invented workplaces."),
    "microdata": mark("Computed from the files that were given."),
}
#: What is said of it below.
_SOURCES: Final = {
    "published": mark(
        "The numbers are about the real study: they are computed from the report's "
        "printed tables, without microdata."
    ),
    "replica": mark(
        "Everything is computed from invented workplaces, except what is marked as real "
        "numbers. Nothing here is a finding about real workplaces."
    ),
    "microdata": mark(
        "The numbers are computed from the files that were given, except what is marked "
        "as the report's."
    ),
}


def _template(name: str) -> str:
    """A file of `templates/`, which travels inside the wheel."""
    return (files("bayes_sf.output.report") / "templates" / name).read_text(encoding="utf-8")


def write_report(path: Path, material: Material, *, sent: Path | None = None) -> tuple[Path, ...]:
    """Render the report and write it; of microdata with the log of disclosure control.

    Parameters
    ----------
    path : pathlib.Path
        The file, in an existing folder.
    material : Material
        As `gather` gives it.
    sent : pathlib.Path, optional
        The folder that will be sent, where that is more than the page: the log is beside it.

    Returns
    -------
    tuple of pathlib.Path
        What was written, the page first.
    """
    page = render_report(material)
    log = write_log(sent or path, material.control, material.hidden, {path.name: page})
    return (*write_files(path.parent, {path.name: page}), *log)


def render_report(material: Material) -> str:
    """Make the page of the study.

    Parameters
    ----------
    material : Material
        As `gather` gives it.

    Returns
    -------
    str
        HTML that names no other file and no address that is fetched.
    """
    found = associations(material)
    synthetic = f"{say('SYNTHETIC')}: " if material.source == "replica" else ""
    title = say("Preventive workplace measures and sickness absence: a Bayesian re-analysis")
    return render(
        Page(
            title=synthetic + title,
            heading=say("Preventive workplace measures and sickness absence"),
            source=material.source, banner=say(_BANNERS[material.source]),
            about=say(_SOURCES[material.source]), statement=statement_of(material.source),
            answers=list(answers(material, found)), first=_first_figure(material),
            sections=build_sections(material), explorer=explorer_content(material),
            rough=material.control.active,
            parts={
                "question": question(material), "data_say": list(data_say(material, found)),
                "how_sure": list(how_sure(material, found)), "priors": _priors(material),
                "provenance": _provenance(material), "version": metadata.version("bayes-sf"),
                "seed": material.seed, "level": level(material.nulls[0].prob), "slopes": True,
                "between": say("sd between industries"),
                "prior_on": say("Prior on sd between industries"),
            },
        )
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """What a page shows.

    Parameters
    ----------
    title, heading : str
        Of the browser's window, and of the page.
    source : {"published", "replica", "microdata", "report", "printed"}
        Which data.
    banner, about, statement : str
        Whose numbers these are: first, last, and below each figure.
    answers : sequence of (str, str)
        Of the first screen: what a sentence is about, and the sentence.
    first : Figure
        Of the first screen.
    sections : sequence of Section
    explorer : mapping
        What the explorer's script reads.
    rough : bool
        Whether figures are drawn coarsely, to disclose nobody.
    parts : mapping
        What the templates of sections need.
    """

    title: str
    heading: str
    source: str
    banner: str
    about: str
    statement: str
    answers: Sequence[tuple[str, str]]
    first: "Figure"
    sections: Sequence[Section]
    explorer: Mapping[str, Any]
    rough: bool = False
    parts: Mapping[str, Any] = field(default_factory=dict)


def render(page: Page) -> str:
    """Write a page that names no other file and no address that is fetched.

    Parameters
    ----------
    page : Page
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), undefined=jinja2.StrictUndefined,
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    content = json.dumps(plain(page.explorer), ensure_ascii=False, allow_nan=False)
    scripts = "\n".join(map(_template, _SCRIPTS))
    shared = _shared_notes(page.sections, source=page.source)
    figures, tables = count(1), count(1)

    def table(one: Table) -> Markup:
        number = f"{say('Table')} {next(tables)}. "
        own = [line for line in one.footer if line not in shared]
        return Markup(fragment(for_page(one), number=number, footer=own))  # noqa: S704  # cells are escaped there

    def drawn(figure: "Figure") -> tuple[str, Picture]:
        number = next(figures)
        safe = coarsened(figure) if page.rough else figure
        return f"{say('Figure')} {number}", picture_of(safe, f"f{number}")

    return environment.get_template("report.html.j2").render(
        lang=language(), say=say, page=page, mark=lambda source: _MARKS[source],
        marked=lambda source: say(_MARKED[_MARKS[source]]), about=page.about,
        source=page.source, shared=shared, table=table, drawn=drawn,
        next_figure=lambda: next(figures), raw=Markup,
        style=Markup(_template(_STYLE)),  # noqa: S704  # our own file
        scripts=Markup(scripts),  # noqa: S704  # our own
        scripts_digest=_digest(scripts),
        explorer=Markup(content.replace("<", "\\u003c")),  # noqa: S704  # JSON without a tag
        prior_words=prior_words, families=GROUP_FAMILIES,
        group_range=GROUP_RANGE, slope_range=SLOPE_RANGE, **page.parts,
    )  # fmt: skip


def _first_figure(material: Material) -> "Figure":
    """The picture of the first screen."""
    prob = material.nulls[0].prob
    return chance_figure(associations(material), prob=prob, source=material.source)


def _shared_notes(sections: Sequence[Section], *, source: str) -> list[str]:
    """Lines below more than one table: the page says them once."""
    often = Counter(line for one in sections for table in one.tables for line in table.footer)
    kinds = say(
        "Intervals are credible intervals with equal tails, but for columns of REML and OLS, whose "
        "are Wald's."
    )
    if source == "printed":  # its rows by REML are posteriors of data that REML gives the print
        kinds = say("Intervals are credible intervals with equal tails.")
    return [kinds, *(line for line, times in often.items() if times > 1)]


def _digest(script: str) -> str:
    """What the page's policy knows the script by that may run: all between its tags."""
    return base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()


def _priors(material: Material) -> list[tuple[str, str, str]]:
    """Each prior of the bivariate models: what of, the prior, and its reason."""
    priors = material.bivariate[0].spec.priors
    units, centres = {"slope": "sd(y)/sd(x)"}, {"intercept": "mean(y)"}
    return [
        (
            prior_words(name),
            prior_words(prior.text(units.get(name, "sd(y)"), centres.get(name, "0"))),
            prior.reason_said,
        )
        for name in ("intercept", "slope", "sd_resid", "sd_group")
        for prior in (getattr(priors, name),)
    ]


def _provenance(material: Material) -> list[tuple[str, str]]:
    """What the numbers rest on."""
    source = material.source
    digests = ", ".join(result.provenance.data for result in material.nulls)
    if material.control.microdata:  # who guesses data could try a plain one
        digests = keyed({"data": digests})["data"]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    return [
        (say("Data"), statement_of(source)), (say("Digest of the data"), digests),
        (say("Seed"), str(material.seed)), (say("Versions"), used),
    ]  # fmt: skip


def explorer_content(material: Material) -> dict[str, Any]:
    """What the explorer's script reads.

    Parameters
    ----------
    material : Material

    Returns
    -------
    dict
        ``texts`` of the language; ``models``, each with ``outcome``, ``name``, ``label`` and
        ``contrasts`` of its terms beside what `explorer_model` exports.
    """
    models = []
    for result in explorer_models(material):
        entry: dict[str, Any] = {
            "outcome": result.spec.outcome, "name": result.spec.name, "choices": [],
        }  # fmt: skip
        for term in result.moments.predictors:
            label = upper_first(term_name(term))
            contrasts = [
                {"size": contrast.size, "label": contrast.label} for contrast in _contrasts(term)
            ]
            entry["choices"].append({"term": term, "label": label, "contrasts": contrasts})
        models.append({**entry, **explorer_model(result)})
    outcomes = [
        {"key": result.spec.outcome, "label": outcome_name(result.spec.outcome)}
        for result in material.nulls
    ]
    texts = {
        "js icc": say("ICC: mean {mean}, median {median}, 95 % interval {lower} to {upper}."),
        "js effect": say(
            "Contrast: {mean} percentage points, 95 % interval {lower} to {upper}; "
            "P(direction) {direction}; P(inside ROPE) {inside}; {verdict}."
        ),
        **{f"verdict {key}": say(text) for key, text in VERDICTS.items()},
    }
    return {"outcomes": outcomes, "models": models, "texts": texts, "lang": language()}


def _contrasts(term: str) -> Iterator[Contrast]:
    """Yield the widest contrast, and one step where there are steps."""
    yield find_contrast(term, "widest", lang=language())
    try:
        yield find_contrast(term, "step", lang=language())
    except UsageError:  # it has no steps
        return
