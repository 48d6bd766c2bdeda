"""`bayes-sf report`: one HTML page that opens anywhere, in Norwegian or English.

The page holds everything that it shows: style, figures, tables, and the prior explorer's numbers
and script. It is the same for the same data, seed and versions.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import metadata
from importlib.resources import files
from itertools import count
from math import floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.contrast import Contrast, contrast_of, exact_posterior, term_index
from bayes_sf.analysis.priors.explorer import (
    GROUP_FAMILIES,
    GROUP_RANGE,
    SLOPE_RANGE,
    explorer_model,
)
from bayes_sf.catalogue import language, mark, say
from bayes_sf.disclosure.control import Control, Hidden
from bayes_sf.engines.fit import versions
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.audit import write_log
from bayes_sf.output.figures.associations import chance_figure
from bayes_sf.output.figures.page import coarsened, upper_first
from bayes_sf.output.files import plain, write_files
from bayes_sf.output.formats.webpage import fragment
from bayes_sf.output.numbers import level
from bayes_sf.output.report.answers import answers
from bayes_sf.output.report.inline import Picture, picture_of
from bayes_sf.output.report.material import Material, explorer_models
from bayes_sf.output.report.section import Section
from bayes_sf.output.report.sections import build_sections
from bayes_sf.output.report.statements import data_say, how_sure, question
from bayes_sf.output.report.tables import VERDICTS, for_page
from bayes_sf.output.run import keyed
from bayes_sf.output.tables.table import Table
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import outcome_name, own_group, statement_of, term_name
from bayes_sf.spec.names import predictor_of
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Page", "explorer_content", "explorer_parts", "prior_reasons", "render", "render_report",
    "write_page", "write_report",
]  # fmt: skip

_STYLE, _SCRIPTS = "report.css", ("explorer.js", "report.js")
_MARKS = {
    "published": "real", "report": "real", "printed": "real", "replica": "synthetic",
    "microdata": "own", "frame": "own",
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
    return write_page(path, render_report(material), material.control, material.hidden, sent=sent)


def write_page(
    path: Path, page: str, control: Control, hidden: Sequence[Hidden], *, sent: Path | None = None
) -> tuple[Path, ...]:
    """Write a page, and beside it the log of disclosure control.

    Parameters
    ----------
    path, sent
        As in `write_report`.
    page : str
    control : Control
    hidden : sequence of Hidden
        What it hid.
    """
    log = write_log(sent or path, control, hidden, {path.name: page})
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
    found = material.associations
    synthetic = f"{say('SYNTHETIC')}: " if material.source == "replica" else ""
    title = say("Preventive workplace measures and sickness absence: a Bayesian re-analysis")
    return render(
        Page(
            title=synthetic + title,
            heading=say("Preventive workplace measures and sickness absence"),
            source=material.source, banner=say(_BANNERS[material.source]),
            about=say(_SOURCES[material.source]), statement=statement_of(material.source),
            answers=list(answers(material, found)), first=_first_figure(material),
            sections=build_sections(material), explorer=explorer_content(explorer_models(material)),
            rough=material.control.active,
            parts={
                "question": question(material), "data_say": list(data_say(material, found)),
                "how_sure": list(how_sure(material, found)),
                "priors": prior_reasons(material.bivariate[0]),
                "provenance": _provenance(material), "cited": _cited(material),
                "level": level(material.nulls[0].prob), "slopes": True,
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
        at, own = next(tables), [line for line in one.footer if line not in shared]
        named = replace(for_page(one), name=f"{one.name}-{at}")  # two tables may have one name
        return Markup(fragment(named, number=f"{say('Table')} {at}. ", footer=own))  # noqa: S704  # cells are escaped there

    def drawn(figure: "Figure") -> tuple[str, Picture]:
        number = next(figures)
        safe = coarsened(figure) if page.rough else figure
        return f"{say('Figure')} {number}", picture_of(safe, f"f{number}")

    return environment.get_template("report.html.j2").render(
        lang=language(), say=say, page=page, mark=lambda source: _MARKS[source],
        tied=lambda text: text.replace(" %", "\u00a0%"),  # no line begins with it
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
    return chance_figure(material.associations, prob=prob, source=material.source)


def _shared_notes(sections: Sequence[Section], *, source: str) -> list[str]:
    """Lines below more than one table: the page says them once."""
    often = Counter(line for one in sections for table in one.tables for line in table.footer)
    kinds = say(
        "Intervals are credible intervals with equal tails, but for columns of REML, ML and OLS, "
        "whose are Wald's."
    )
    if source == "printed":  # its rows by REML are posteriors of data that REML gives the print
        kinds = say("Intervals are credible intervals with equal tails.")
    return [kinds, *(line for line, times in often.items() if times > 1)]


def _digest(script: str) -> str:
    """What the page's policy knows the script by that may run: all between its tags."""
    return base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()


def prior_reasons(result: Result) -> list[tuple[str, str, str]]:
    """Each prior of a model: what of, the prior, and its reason.

    Parameters
    ----------
    result : Result
        With a random intercept.
    """
    priors = result.spec.priors
    units, centres = {"slope": "sd(y)/sd(x)"}, {"intercept": "mean(y)"}
    return [
        (
            prior_words(name),
            prior_words(prior.text(units.get(name, "sd(y)"), centres.get(name, "0"))),
            prior.reason_said,
        )
        for name in ("intercept", "slope", "sd_resid", "sd_group")
        for prior in (getattr(priors, name),)
    ] + [
        (name, prior_words(prior.text("sd(y)/sd(x)", "0")), prior.reason_said)
        for name, prior in priors.named.items()
    ]


def _cited(material: Material) -> list[str]:
    """How to cite data and analysis."""
    return [
        say("Data and survey: Oxford Research and NORCE for NAV (2022)."),
        say(
            "This analysis: bayes_sf {version}, bayes-sf report --data {source} --seed {seed}.",
            version=metadata.version("bayes-sf"), source=material.source, seed=material.seed,
        ),
    ]  # fmt: skip


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


def explorer_parts(models: Sequence[Result], names: Sequence[str] = ()) -> dict[str, Any]:
    """What a page of one's own needs to move priors: of an outcome with slopes, where any has.

    Parameters
    ----------
    models, names
        As in `explorer_content`; those with other priors of level or residuals are left out.

    Returns
    -------
    dict
        Arguments of `Page`: ``explorer`` and ``parts``; ``sections`` of one, or of none.
    """
    usual, named = Priors(), names or [model.spec.name for model in models]
    moved = [
        (model, name) for model, name in zip(models, named, strict=False)
        if not model.spec.priors.terms
        and str(model.spec.priors.intercept) == str(usual.intercept)
        and str(model.spec.priors.sd_resid) == str(usual.sd_resid)
    ]  # fmt: skip
    sloped = {model.spec.outcome for model, _ in moved if model.moments.predictors}
    moved = [(one, name) for one, name in moved if one.spec.outcome in sloped or not sloped]
    if not moved:
        return {"explorer": {}, "parts": {}, "sections": ()}
    said = say(
        "Choose outcome, item and priors. The browser computes the posteriors again on the same "
        "nodes as Python; nothing is sent anywhere."
    )
    source = moved[0][0].provenance.source
    parts = {
        "slopes": bool(sloped), "between": say("sd between industries"),
        "prior_on": say("Prior on sd between industries"),
    }  # fmt: skip
    return {
        "explorer": explorer_content(*zip(*moved, strict=True)), "parts": parts,
        "sections": (Section("explorer", source, (said,), part="explorer"),),
    }  # fmt: skip


def explorer_content(models: Sequence[Result], names: Sequence[str] = ()) -> dict[str, Any]:
    """What the explorer's script reads.

    Parameters
    ----------
    models : sequence of Result
        Of engine ``exact``. The first of an outcome is the one whose ICC is shown.
    names : sequence of str
        What models of one's own are called.

    Returns
    -------
    dict
        ``texts`` of the language; ``outcomes``, each with the ``reach`` of its ROPE's slider;
        ``models``, each with ``outcome``, ``name``, ``label`` and ``contrasts`` of its terms beside
        what `explorer_model` exports.
    """
    own = load_codebook().nouns is not None
    reaches, entries = dict[str, float](), list[dict[str, Any]]()
    for at, result in enumerate(models):
        spec, name = result.spec, names[at] if names else result.spec.name
        entry: dict[str, Any] = {"outcome": spec.outcome, "name": spec.name, "choices": []}
        reaches.setdefault(spec.outcome, _reach(result) if own else _POINTS)
        for term in result.moments.predictors:
            label = term if own_group(result) else upper_first(term_name(term))
            contrasts = [{"size": one.size, "label": one.label} for one in _contrasts(result, term)]
            entry["choices"].append({
                "key": f"{at}: {term}" if own else term, "term": term,
                "label": f"{label} ({name})" if own and name else label,
                "contrasts": contrasts,
            })  # fmt: skip
        entries.append({**entry, **explorer_model(result)})
    outcomes = [
        {"key": outcome, "label": outcome_name(outcome), "reach": reach}
        for outcome, reach in reaches.items()
    ]
    texts = {
        "js icc": say("ICC: mean {mean}, median {median}, 95 % interval {lower} to {upper}."),
        "js effect": say(
            "Contrast: {mean} percentage points, 95 % interval {lower} to {upper}; "
            "P(direction) {direction}; P(inside ROPE) {inside}; {verdict}."
        ),
        **{f"verdict {key}": say(text) for key, text in VERDICTS.items()},
    }
    return {"outcomes": outcomes, "models": entries, "texts": texts, "lang": language()}


#: How large a negligible difference can be made, in percentage points.
_POINTS: Final = 3.0


def _reach(result: Result) -> float:
    """Six times a round number of about a tenth of an outcome's sd, where the slider starts."""
    sd = float(exact_posterior(result).parts[0].data.scale[-1])
    power = 10.0 ** floor(log10(sd / 10))
    return 6 * power * max(step for step in (1, 2, 5) if step * power <= sd / 10)


def _contrasts(result: Result, term: str) -> Iterator[Contrast]:
    """Yield the widest contrast, and one step where there are steps; else two sds, and one unit."""
    stated = False
    for kind in ("widest", "step"):
        with suppress(UsageError):  # it has no steps, or nothing is stated of it
            yield contrast_of(result, term, kind, lang=language())
            stated = True
    if stated:
        return
    if predictor_of(term, result.spec.predictors) != term:
        yield Contrast(term, 1.0, say("against the reference"))
        return
    sd = float(exact_posterior(result).parts[0].data.scale[term_index(result, term) - 1])
    for size in (float(f"{2 * sd:.2g}"), 1.0):
        yield Contrast(term, size, say("{} more", f"{size:g}"))
