"""What disclosure control did: a notice for readers, and a log for those who have the data.

Who knows that a cell was hidden for being small knows that it is small: the log is not for readers.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Final

from bayes_sf.disclosure.control import MODELS, Control, Hidden
from bayes_sf.inputs.variables import Language
from bayes_sf.output.files import csv_text, json_text
from bayes_sf.output.words.sentences import sentence
from bayes_sf.output.words.words import outcome_name

__all__ = ["disclosure_files", "notice"]

FILES: Final = ("disclosure.csv", "disclosure.json")


def notice(
    control: Control, log: Sequence[Hidden], lang: Language = "en", *, page: bool = False
) -> str:
    """Say in a line what disclosure control did; "" where there is nothing to protect.

    Parameters
    ----------
    control : Control
    log : sequence of Hidden
    lang : {"en", "nb"}
        Language.
    page : bool
        Whether it is for readers of a page, who do not have the log: nothing is said of it.
    """
    rules = control.rules
    if not control.microdata:
        return ""
    if not rules.active:
        return sentence("control off", lang)
    said = sentence("control", lang).format(len(log), rules.min_workplaces, rules.min_persons)
    least = rules.min_workplaces
    names = dict.fromkeys(
        f"{one.row} ({outcome_name(one.column, lang)})" for one in log if one.table == MODELS
    )
    if names:
        said = f"{said} {sentence('control models', lang).format(least, ', '.join(names))}"
    return said if page else f"{said} {sentence('control log', lang).format(FILES[0])}"


def disclosure_files(control: Control, log: Sequence[Hidden]) -> dict[str, str]:
    """Return the audit log as files: none where there is nothing to protect.

    Parameters
    ----------
    control : Control
    log : sequence of Hidden
        Everything that was hidden in the run.
    """
    if not control.microdata:
        return {}
    rules = {name.name: getattr(control.rules, name.name) for name in fields(control.rules)
             if name.name != "before"}  # fmt: skip
    lines = sorted(set(log), key=lambda line: (line.table, line.row, line.column))
    content = {
        "statement": notice(control, log), "rules": rules, "hidden": [asdict(one) for one in lines],
    }  # fmt: skip
    return {FILES[0]: csv_text(Hidden, lines), FILES[1]: json_text(content)}
