"""`bayes-sf report`: one HTML page that opens anywhere, in Norwegian or English.

The page holds everything that it shows: style, figures, tables, and the prior explorer's numbers
and script. It is the same for the same data, seed and versions.
"""

import base64
import json
from collections.abc import Iterator
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

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
from bayes_sf.output.figures.page import coarsened, drawing, upper_first
from bayes_sf.output.files import plain, write_files
from bayes_sf.output.formats.webpage import fragment
from bayes_sf.output.numbers import level
from bayes_sf.output.report.material import Material, associations, explorer_models
from bayes_sf.output.report.section import Section
from bayes_sf.output.report.sections import build_sections
from bayes_sf.output.report.statements import data_say, how_sure, question
from bayes_sf.output.report.tables import VERDICTS
from bayes_sf.output.run import keyed
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import outcome_name, statement_of, term_name

__all__ = ["explorer_content", "render_report", "write_report"]

_STYLE, _SCRIPTS = "report.css", ("explorer.js", "report.js")
_MARKS = {
    "published": "real", "report": "real", "replica": "synthetic", "microdata": "own",
}  # fmt: skip
#: What a mark says, and the page's banner.
_MARKED: Final = {
    "real": mark("REAL NUMBERS"),
    "synthetic": mark("SYNTHETIC"),
    "own": mark("OWN DATA"),
}
_BANNERS: Final = {
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
    log = write_log(sent or path, material.control, material.hidden)
    return (*write_files(path.parent, {path.name: page}), *log)


def render_report(material: Material) -> str:
    """Make the page.

    Parameters
    ----------
    material : Material
        As `gather` gives it.

    Returns
    -------
    str
        HTML that names no other file and no address that is fetched.
    """
    import jinja2
    from markupsafe import Markup

    found = associations(material)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), undefined=jinja2.StrictUndefined,
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    content = json.dumps(plain(explorer_content(material)), ensure_ascii=False, allow_nan=False)
    return environment.get_template("report.html.j2").render(
        lang=language(), say=say,
        source=material.source, mark=lambda source: _MARKS[source],
        marked=lambda source: say(_MARKED[_MARKS[source]]), banner=say(_BANNERS[material.source]),
        statement=statement_of,
        question=question(material), data_say=list(data_say(material, found)),
        how_sure=list(how_sure(material, found)), sections=build_sections(material),
        table=lambda table: Markup(fragment(table)),  # noqa: S704  # cells are escaped there
        figures=lambda section: list(_figures(section, material)),
        style=Markup(_template(_STYLE)),  # noqa: S704  # our own file
        scripts=Markup("\n".join(map(_template, _SCRIPTS))),  # noqa: S704  # our own
        explorer=Markup(content.replace("<", "\\u003c")),  # noqa: S704  # JSON without a tag
        prior_words=prior_words, families=GROUP_FAMILIES,
        group_range=GROUP_RANGE, slope_range=SLOPE_RANGE,
        priors=_priors(material), provenance=_provenance(material),
        version=metadata.version("bayes-sf"), seed=material.seed,
        level=level(material.nulls[0].prob),
    )  # fmt: skip


def _figures(section: Section, material: Material) -> Iterator[tuple[str, str, str]]:
    """Yield each figure as a data address, its title and its alternative text."""
    for found in section.figures:
        figure = coarsened(found) if material.control.active else found
        address = "data:image/svg+xml;base64," + base64.b64encode(drawing(figure)).decode()
        yield address, figure.get_suptitle(), str(figure.get_label())


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
