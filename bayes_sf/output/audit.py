"""What disclosure control did: a notice for readers, and a log for those who have the data.

Who knows that a cell was hidden for being small knows that it is small: the log is not for readers,
and never in the folder that is sent to them. It is in one beside it, ``FOLDER_private``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

from bayes_sf.catalogue import say, speaking
from bayes_sf.disclosure.control import MODELS, Control, Hidden, Rules
from bayes_sf.disclosure.learnt.ways import Release
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.contents import digests_of
from bayes_sf.output.files import csv_text, json_text, ready_folder, write_files
from bayes_sf.output.words.keys import own_key
from bayes_sf.output.words.words import outcome_name

__all__ = [
    "Cost", "cost", "disclosure_files", "make_private", "notice", "private_folder", "write_log",
]  # fmt: skip

FILES: Final = ("disclosure.csv", "disclosure.json", "disclosure_cost.csv")


@dataclass(frozen=True, slots=True)
class Cost:
    """A line of what protection costs.

    Parameters
    ----------
    table : str
        A table, or ``models``.
    what : str
        ``hidden`` cells, or how models leave.
    n : int
    """

    table: str
    what: str
    n: int


def notice(control: Control, log: Sequence[Hidden], *, page: bool = False) -> str:
    """Say in a line what disclosure control did; "" where there is nothing to protect.

    Parameters
    ----------
    control : Control
    log : sequence of Hidden
    page : bool
        Whether it is for readers of a page, who do not have the log: nothing is said of it.
    """
    rules = control.rules
    if not control.microdata:
        return ""
    if not rules.active:
        if rules.reason:
            return say("Disclosure control is off, as study.toml says: {}.", rules.reason)
        return say("DISCLOSURE CONTROL IS OFF (--no-disclosure-control): not to leave your house.")
    counts = rules.min_workplaces, rules.min_persons
    said = say(
        "Disclosure control: {} hidden (:), for fewer than {} workplaces or {} "
        "persons, dominance, or to protect such figures.", len(log), *counts,
    ) if log else say(
        "Disclosure control is on: figures are hidden (:) that would tell of fewer than {} "
        "workplaces or {} persons, or of those that dominate.", *counts,
    )  # fmt: skip
    names = dict.fromkeys(
        f"{one.row} ({outcome_name(one.column)})" for one in log if one.table == MODELS
    )
    if names:
        withheld = say("Withheld, as they would tell of single workplaces: {}.", ", ".join(names))
        said = f"{said} {withheld}"
    if page:
        return said
    return f"{said} {_paid(control)}{say('{} says which and why: it is for you alone.', FILES[0])}"


def _paid(control: Control) -> str:
    """What protection costs of the models that were asked for; "" for nothing."""
    asked = () if control.releases is None else control.releases.asked
    closed, fewer = (sum(test(one) for one in asked) for test in (_is_closed, _is_rough))
    if not (closed or fewer):
        return ""
    counts = (len(asked), closed, fewer)
    return say("Models: {}; withheld: {}; with fewer digits or figures: {}.", *counts) + " "


def _is_closed(release: Release) -> bool:
    """Whether a model is withheld."""
    return release.withheld


def _is_rough(release: Release) -> bool:
    """Whether a model says less than two digits of all that it has."""
    return not release.withheld and bool(release.rough or release.unsaid)


def cost(control: Control, log: Sequence[Hidden]) -> list[Cost]:
    """What protection costs: so that coarser groups, or fewer models, can be weighed against it.

    Parameters
    ----------
    control : Control
    log : sequence of Hidden
        Everything that was hidden in the run.

    Returns
    -------
    list of Cost
        Of each table cells; of models those asked for, withheld, and with so many digits fewer.
    """
    tables = Counter(one.table for one in set(log) if one.table != MODELS)
    found = [Cost(name, "hidden", n) for name, n in sorted(tables.items())]
    asked = () if control.releases is None else control.releases.asked
    kinds = Counter(_kind(one) for one in asked)
    return [*found, *(Cost(MODELS, name, n) for name, n in sorted(kinds.items()))]


def _kind(release: Release) -> str:
    """How a model leaves."""
    if release.withheld:
        return "withheld"
    digits = {0: "two digits", 1: "one digit"}.get(max(release.rough, 0), "no digit")
    return f"{digits}, some figures not said" if release.unsaid else digits


def private_folder(sent: Path) -> Path:
    """Folder of what is its owner's alone, beside what is sent.

    Parameters
    ----------
    sent : pathlib.Path
        A folder of results, or a page.

    Examples
    --------
    >>> private_folder(Path("results")).name, private_folder(Path("a/page.html")).as_posix()
    ('results_private', 'a/page_private')
    """
    whole = sent if sent.name not in {"", ".."} else sent.resolve()
    is_page = whole.suffix == ".html" and not whole.is_dir()
    return whole.with_name(f"{whole.stem if is_page else whole.name}_private")


def write_log(
    sent: Path,
    control: Control,
    log: Sequence[Hidden],
    written: Mapping[str, str | bytes],
) -> tuple[Path, ...]:
    """Write the audit log beside what is sent, for its owner alone: before anything else.

    Parameters
    ----------
    sent : pathlib.Path
        A folder of results, or a page.
    control : Control
    log : sequence of Hidden
    written : mapping
        Name -> content of what is sent: the log keeps their digests.

    Returns
    -------
    tuple of pathlib.Path
        What was written; nothing where there is nothing to protect.
    """
    files = disclosure_files(control, log, written)
    if not files:
        return ()
    return write_files(make_private(sent), files, private=tuple(files))


def make_private(sent: Path) -> Path:
    """Make the folder of what is its owner's alone.

    Parameters
    ----------
    sent : pathlib.Path
        A folder of results, or a page.
    """
    folder = private_folder(sent)
    with suppress(OSError):  # `ready_folder` says why
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ready_folder(folder)


def _rules(rules: Rules) -> dict[str, object]:
    """Rules as the log has them: of a study of one's own those that it has."""
    of_workplaces = load_codebook().register
    left_out = {"before", "whose", "seed"} | (set() if rules.reason else {"reason"})
    left_out |= set() if of_workplaces else {"min_persons", "dominance"}
    return {
        own_key(one.name): getattr(rules, one.name)
        for one in fields(rules) if one.name not in left_out
    }  # fmt: skip


def disclosure_files(
    control: Control, log: Sequence[Hidden], written: Mapping[str, str | bytes]
) -> dict[str, str]:
    """Return the audit log as files: none where there is nothing to protect.

    Parameters
    ----------
    control : Control
    log : sequence of Hidden
        Everything that was hidden in the run.
    written : mapping
        As in `write_log`.
    """
    if not control.microdata:
        return {}
    with speaking("en"):  # as all that programs read
        statement = notice(control, log)
    lines = sorted(
        {replace(one, rule=own_key(one.rule)) for one in log},
        key=lambda line: (line.table, line.row, line.column),
    )
    paid = cost(control, log)
    content = {
        "statement": statement, "rules": _rules(control.rules),
        "hidden": [asdict(one) for one in lines], "files": digests_of(written),
    }  # fmt: skip
    return {
        FILES[0]: csv_text(Hidden, lines), FILES[1]: json_text(content),
        FILES[2]: csv_text(Cost, paid),
    }  # fmt: skip
