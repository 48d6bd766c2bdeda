"""The page of re-read results: what is behind printed figures, and a slider of the prior."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.printed.explorer import explorer_of_icc
from bayes_sf.catalogue import language, say
from bayes_sf.output.figures.posterior import icc_forest
from bayes_sf.output.numbers import as_printed, fixed, interval, level
from bayes_sf.output.report.page import Page, render
from bayes_sf.output.report.section import Section
from bayes_sf.output.tables.table import Table

if TYPE_CHECKING:
    from bayes_sf.recovery.reread.null import IccPosterior

__all__ = ["reread_page"]

#: Models whose prior the page moves, so that it stays small; those of the first picture; and those
#: that the first screen names.
_MOVED, _FIRST, _NAMED = 12, 12, 2


def reread_page(
    iccs: "Mapping[str, IccPosterior]",
    tables: Mapping[str, Sequence[Table]],
    account: Sequence[str],
    *,
    title: str = "",
    seed: int = 1,
) -> str:
    """Make the page of one printed ICC, or of a folder of printed models.

    Parameters
    ----------
    iccs : mapping of str to IccPosterior
        By the model's name; "" of a single one.
    tables : mapping
        Key of a section -> its tables.
    account : sequence of str
        What was read, assumed and left open.
    title : str
        Of the report.
    seed : int
        Seed of what is drawn.

    Returns
    -------
    str
        HTML that names no other file and no address that is fetched.
    """
    heading = title or say("Intraclass correlations behind printed ones")
    source = "printed"
    rest = tuple(
        Section(key, source, tables=tuple(of)) for key, of in tables.items() if key != "groups"
    )
    first = dict(list(iccs.items())[:_FIRST])
    statement = say("Re-read from printed figures: no data were there.")
    versions = say("bayes_sf {}, seed {}", metadata.version("bayes-sf"), seed)
    paragraph = say(
        "A printed ICC leaves open which of many studies is behind it: the posterior is averaged "
        "over studies that print the same figures."
    )
    sections = (
        Section(
            "groups", source, (paragraph,), tables=tuple(tables.get("groups", ())),
            figures=(icc_forest(iccs),) if len(iccs) > _FIRST else (),
        ),
        *rest, Section("explorer", source, tuple(_moving(iccs)), part="explorer"),
        Section("account", source, lines=(*account, f"{versions}.")),
    )  # fmt: skip
    return render(
        Page(
            title=heading, heading=heading, source=source, banner=statement, about=versions + ".",
            statement=statement, answers=list(_answers(iccs)), first=icc_forest(first),
            sections=sections, explorer=_explorer(iccs),
            parts={
                "slopes": False, "between": say("sd between groups"),
                "prior_on": say("Prior on sd between groups"),
            },
        )
    )  # fmt: skip


def _answers(iccs: "Mapping[str, IccPosterior]") -> Iterator[tuple[str, str]]:
    """A sentence for each of few ICCs, or one for all; and what they do not say."""
    for name, one in list(iccs.items())[:_NAMED]:
        text = say(
            "printed {printed}; the posterior has median {median}, {level} interval {span}, with "
            "{n} rows in {groups} groups.",
            printed=as_printed(one.printed) if one.printed else "\u2013",
            median=fixed(one.median, 2), level=level(one.level),
            span=interval(one.lower, one.upper, 2), n=one.n, groups=one.groups,
        )  # fmt: skip
        yield name or say("ICC"), text
    if more := list(iccs.values())[_NAMED:]:
        widths = sorted(one.upper - one.lower for one in iccs.values())
        yield (
            say("{} more", len(more)),
            say(
                "of all {} intervals half are wider than {}, the widest is {}.",
                len(widths), fixed(widths[len(widths) // 2], 2), fixed(widths[-1], 2),
            ),
        )  # fmt: skip
    yield say("Not said"), say("what no table prints; what was assumed is listed below.")


def _moving(iccs: "Mapping[str, IccPosterior]") -> Iterator[str]:
    """How the slider's scale is meant."""
    yield say(
        "The prior's scale is in units of the outcome's spread, so that it goes with any outcome."
    )
    if len(iccs) > _MOVED:
        yield say("Of the first {} models.", _MOVED)


def _explorer(iccs: "Mapping[str, IccPosterior]") -> dict[str, Any]:
    """What the explorer's script reads: each ICC as an outcome of its own."""
    first = list(iccs.items())[:_MOVED]
    names = {name: name or say("ICC") for name, _ in first}
    return {
        "outcomes": [{"key": name, "label": label} for name, label in names.items()],
        "models": [
            {"outcome": name, "name": "null", "choices": [], **explorer_of_icc(one)}
            for name, one in first
        ],
        "texts": {
            "js icc": say("ICC: mean {mean}, median {median}, 95 % interval {lower} to {upper}.")
        },
        "lang": language(),
    }  # fmt: skip
