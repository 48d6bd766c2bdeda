"""Tables of influence: without an answer or an industry, and pulls by answer and industry."""

from typing import TYPE_CHECKING

from bayes_sf.analysis.choices.influence import OTHERS, Influence
from bayes_sf.analysis.contrast import find_contrast
from bayes_sf.disclosure.protected_choices import PULLS, REFITS
from bayes_sf.disclosure.protected_frames import mark_hidden
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.variables import Language
from bayes_sf.output.tables.result_tables import prior_notes, slug
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.sentences import sentence
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


def influence_tables(found: Influence, *, lang: Language) -> tuple[Table, ...]:
    """Make the tables of one association.

    Parameters
    ----------
    found : Influence
        As `influence` gives it.
    lang : {"en", "nb"}
        Language.
    """
    return _refits(found, lang), _pulls("answers", found, lang), _pulls("cells", found, lang)


def _refits(found: Influence, lang: Language) -> Table:
    """The estimate without each answer and each industry."""
    frame = mark_hidden(found.refits, REFITS)
    frame["left_out"] = [
        left_out_name(found, kind, which, lang)
        for kind, which in zip(frame["left_out"], frame["which"], strict=True)
    ]
    columns = (
        Column("left_out", word("left_out", lang), "text"),
        Column("n", word("n", lang), "integer"),
        Column("estimate", word("estimate", lang)),
        Column("sd", word("sd", lang)),
        Column("lower", interval_name("credible-eti", found.result.prob, lang), "interval",
               upper="upper"),
        Column("p_direction", word("direction", lang), "probability"),
    )  # fmt: skip
    return _table(
        "refits", frame, columns, notes=(sentence("direction", lang),), found=found, lang=lang
    )


def _pulls(what: str, found: Influence, lang: Language) -> Table:
    """Pulls by answer, or by answer and industry."""
    frame = (found.answers if what == "answers" else found.cells).copy()
    frame["share"] *= 100
    told = frame["n"].astype(object).where(frame["pull"].notna())
    frame = mark_hidden(frame.assign(n=told), PULLS)
    frame["answer"] = [answer_name(found, answer, lang) for answer in frame["answer"]]
    by_group = () if what == "answers" else (Column("group", word("industry", lang), "text"),)
    if by_group:
        frame["group"] = [_group_name(group, lang) for group in frame["group"]]
    columns = (
        Column("answer", word("answer", lang), "text"),
        *by_group,
        Column("n", word("n", lang), "integer"),
        Column("pull", word("pull", lang), decimals=2),
        Column("size", word("size", lang), decimals=2),
        Column("share", word("share", lang), decimals=1),
    )
    return _table(what, frame, columns, notes=(sentence("pull", lang),), found=found, lang=lang)


def _table(
    key: str,
    frame: "pd.DataFrame",
    columns: tuple[Column, ...],
    *,
    notes: tuple[str, ...],
    found: Influence,
    lang: Language,
) -> Table:
    """A table with what all of them say."""
    spec = found.result.spec
    title = f"{word(f'influence_{key}', lang)}: {spec.name}, {outcome_name(spec.outcome, lang)}"
    said = f"{numbered_name(found.contrast.term, lang)}: {contrast_label(found, lang)}."
    return table_from_frame(
        frame, title, columns=columns, name=slug(f"influence_{key}_{spec.name}_{spec.outcome}"),
        digits="sd" if key == "refits" else "", unit=spec.unit, n=found.result.moments.n_obs,
        notes=(
            *notes, said, sentence("contrast", lang), *prior_notes([found.result], lang),
            sentence("association", lang),
        ),
        source=found.result.provenance.source, lang=lang,
    )  # fmt: skip


def contrast_label(found: Influence, lang: Language) -> str:
    """Label of the contrast: one of the codebook's in the language, another as it is."""
    contrast = found.contrast
    if not contrast.coded:
        return contrast.label
    kind = "widest" if contrast == find_contrast(contrast.term, "widest") else "step"
    return find_contrast(contrast.term, kind, language=lang).label


def left_out_name(found: Influence, kind: str, which: str, lang: Language) -> str:
    """Name what a refit leaves out."""
    if kind == "answer":
        return f"{word('answer', lang)}: {answer_name(found, which, lang)}"
    return industry_name(which, lang) if which else word(kind, lang)


def answer_name(found: Influence, answer: str, lang: Language) -> str:
    """Label of an answer; a value that is no answer of the codebook stays as it is.

    Parameters
    ----------
    found : Influence
        Whose contrast has the item.
    answer : str
        Key of the answer.
    lang : {"en", "nb"}
        Language.
    """
    try:
        item = load_codebook().item(found.contrast.term.partition("[")[0])
        category = item.category(answer)
    except UsageError:
        return answer
    return category.label_nb if lang == "nb" else category.label_en


def _group_name(group: str, lang: Language) -> str:
    """Label of an industry, or of those that are taken together."""
    return word(OTHERS, lang) if group == OTHERS else industry_name(group, lang)
