"""Tables of influence: without an answer or an industry, and pulls by answer and industry."""

from typing import TYPE_CHECKING

from bayes_sf.analysis.choices.influence import OTHERS, Influence
from bayes_sf.analysis.contrast import find_contrast
from bayes_sf.catalogue import language, say, say_as
from bayes_sf.disclosure.protected_choices import PULLS, REFITS
from bayes_sf.disclosure.protected_frames import mark_hidden
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.tables.result_tables import prior_notes, slug
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.words import (
    industry_name,
    interval_name,
    numbered_name,
    outcome_name,
    word,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["answer_name", "contrast_label", "influence_tables", "left_out_name"]


def influence_tables(found: Influence) -> tuple[Table, ...]:
    """Make the tables of one association.

    Parameters
    ----------
    found : Influence
        As `influence` gives it.
    """
    return _refits(found), _pulls("answers", found), _pulls("cells", found)


def _refits(found: Influence) -> Table:
    """The estimate without each answer and each industry."""
    frame = mark_hidden(found.refits, REFITS)
    frame["left_out"] = [
        left_out_name(found, kind, which)
        for kind, which in zip(frame["left_out"], frame["which"], strict=True)
    ]
    columns = (
        Column("left_out", say("Left out"), "text"),
        Column("n", say("n"), "integer"),
        Column("estimate", say("Estimate")),
        Column("sd", say_as("sd", "sd")),
        Column("lower", interval_name("credible-eti", found.result.prob), "interval",
               upper="upper"),
        Column("p_direction", say("P(direction)"), "probability"),
    )  # fmt: skip
    return _table(
        "refits", frame, columns,
        notes=(say("P(direction): posterior probability of the sign of the median."),), found=found,
    )  # fmt: skip


def _pulls(what: str, found: Influence) -> Table:
    """Pulls by answer, or by answer and industry."""
    frame = (found.answers if what == "answers" else found.cells).copy()
    frame["share"] *= 100
    told = frame["n"].astype(object).where(frame["pull"].notna())
    frame = mark_hidden(frame.assign(n=told), PULLS)
    frame["answer"] = [answer_name(found, answer) for answer in frame["answer"]]
    by_group = () if what == "answers" else (Column("group", say("Industry"), "text"),)
    if by_group:
        frame["group"] = [_group_name(group) for group in frame["group"]]
    columns = (
        Column("answer", say("Answer"), "text"), *by_group, Column("n", say("n"), "integer"),
        Column("pull", say("Pull"), decimals=2), Column("size", say("Pull in all"), decimals=2),
        Column("share", say("Share, %"), decimals=1),
    )  # fmt: skip
    return _table(
        what,
        frame,
        columns,
        notes=(
            say(
                "Pull: the estimate with a workplace minus the estimate without it, "
                "summed; in all: without regard to sign. Nothing is said of fewer than 5 "
                "workplaces."
            ),
        ),
        found=found,
    )


def _table(
    key: str,
    frame: "pd.DataFrame",
    columns: tuple[Column, ...],
    *,
    notes: tuple[str, ...],
    found: Influence,
) -> Table:
    """A table with what all of them say."""
    spec = found.result.spec
    title = f"{word(f'influence_{key}')}: {spec.name}, {outcome_name(spec.outcome)}"
    said = f"{numbered_name(found.contrast.term)}: {contrast_label(found)}."
    return table_from_frame(
        frame,
        title,
        columns=columns,
        name=slug(f"influence_{key}_{spec.name}_{spec.outcome}"),
        digits="sd" if key == "refits" else "",
        unit=spec.unit,
        n=found.result.moments.n_obs,
        notes=(
            *notes,
            said,
            say(
                "A contrast goes as the coefficient does: from the lowest answer, or the "
                "reference, to the answer named last."
            ),
            *prior_notes([found.result]),
            say("An association, not the effect of an intervention."),
        ),
        source=found.result.provenance.source,
    )


def contrast_label(found: Influence) -> str:
    """Label of the contrast: one of the codebook's in the language, another as it is."""
    contrast = found.contrast
    if not contrast.coded:
        return contrast.label
    kind = "widest" if contrast == find_contrast(contrast.term, "widest") else "step"
    return find_contrast(contrast.term, kind, lang=language()).label


def left_out_name(found: Influence, kind: str, which: str) -> str:
    """Name what a refit leaves out."""
    if kind == "answer":
        return f"{say('Answer')}: {answer_name(found, which)}"
    return industry_name(which) if which else word(kind)


def answer_name(found: Influence, answer: str) -> str:
    """Label of an answer; a value that is no answer of the codebook stays as it is.

    Parameters
    ----------
    found : Influence
        Whose contrast has the item.
    answer : str
        Key of the answer.
    """
    try:
        item = load_codebook().item(found.contrast.term.partition("[")[0])
        category = item.category(answer)
    except UsageError:
        return answer
    return category.label


def _group_name(group: str) -> str:
    """Label of an industry, or of those that are taken together."""
    return word(OTHERS) if group == OTHERS else industry_name(group)
