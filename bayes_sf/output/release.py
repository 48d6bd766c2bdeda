"""`bayes-sf release`: what runs have written, copied to where it is sent from, with a signed list.

Logs of disclosure control, lists of workplaces, saved fits and whatever else is its owner's alone
stay where they are, and are named. A run without control, or with weaker rules than the default
ones, stops it. So does what runs tell together: several runs on own files need the ledger that they
were made with, all that it has is looked at once more, and so are the tables, cell by cell.
"""

import hmac
import json
import shutil
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from bayes_sf.disclosure.control import Rules
from bayes_sf.disclosure.learnt.ledger import Ledger
from bayes_sf.disclosure.learnt.together import Told, told_together
from bayes_sf.errors import DisclosureError, UsageError
from bayes_sf.output.audit import FILES, private_folder
from bayes_sf.output.contents import unsafe_files
from bayes_sf.output.files import json_text
from bayes_sf.output.union import compared_tables

__all__ = ["LIST", "Released", "check_list", "release"]

#: The signed list.
LIST: Final = "released.json"


class Released(NamedTuple):
    """What was copied, what was not, and what was looked at.

    Parameters
    ----------
    copied : tuple of pathlib.Path
        The last is the list: names and SHA-256 of all files, and their signature.
    kept : tuple of pathlib.Path
        What stays with its owner.
    told : Told
        What the ledger was asked.
    cells : int
        Cells that two tables have.
    """

    copied: tuple[Path, ...]
    kept: tuple[Path, ...]
    told: Told
    cells: int


def release(folder: Path, to: Path, key: bytes, ledger: Path | None = None) -> Released:
    """Copy what may be sent.

    Parameters
    ----------
    folder : pathlib.Path
        Of a project: every folder in it that a run has written.
    to : pathlib.Path
        A new or empty folder, not in the other.
    key : bytes
        That the list is signed with.
    ledger : pathlib.Path, optional
        Of the runs, which has the same key.

    Returns
    -------
    Released

    Raises
    ------
    UsageError
        For folders that cannot be meant.
    DisclosureError
        For a run without control, with weaker rules, or without a log that says so; for a file that
        is not as a run wrote it, cannot be read, or has numbers in full; for several runs without a
        ledger, and for what they tell together.
    """
    if not folder.is_dir():
        raise UsageError(str(folder), "must be a folder of results")
    if to.resolve().is_relative_to(folder.resolve()) or (to.exists() and any(to.iterdir())):
        raise UsageError(str(to), "must be a new folder outside of the results", got="this one")
    private = {private_folder(path) for path in (folder, *folder.rglob("*"))}
    files = [
        path for path in sorted(folder.rglob("*"))
        if path.is_file() and private.isdisjoint(path.parents)
    ]  # fmt: skip
    logs = [log for place in dict.fromkeys(path.parent for path in files)
            for log in _checked(place)]  # fmt: skip
    chosen = [path for path in files if _is_open(path)]
    _read(chosen, _written(files, logs))
    told = _told_by_ledger(logs, key, ledger)
    cells, close = compared_tables(chosen, Rules().min_workplaces)
    if close:
        rule = "tell of single workplaces together"
        raise DisclosureError(close[0], rule, fix="send one of the two: --to a folder for each")
    copied, digests = [], {}
    for path in chosen:
        name = path.relative_to(folder)
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target, follow_symlinks=False)
        copied.append(target)
        digests[name.as_posix()] = sha256(target.read_bytes()).hexdigest()
    content = {"files": digests, "signature": _signed(digests, key)}
    (to / LIST).write_text(json_text(content), encoding="utf-8")
    kept = tuple(path for path in folder.rglob("*") if path.is_file() and path not in chosen)
    return Released((*copied, to / LIST), kept, told, cells)


def _written(files: list[Path], logs: list[Path]) -> dict[Path, str]:
    """Digests of what runs have written: of data that are published or invented as it is."""
    found = dict[Path, str]()
    for place in dict.fromkeys(path.parent for path in files):
        here = [path for path in files if path.parent == place]
        own = {private_folder(one) / FILES[1] for one in (place, *place.glob("*.html"))}
        mine = [log for log in logs if log in own]
        if not mine:
            found |= {path: sha256(path.read_bytes()).hexdigest() for path in here}
        for log in mine:
            said = json.loads(log.read_text(encoding="utf-8")).get("files", {})
            found |= {place / name: digest for name, digest in said.items()}
    return found


def _read(chosen: list[Path], written: dict[Path, str]) -> None:
    """Refuse what no run with control has written so, what cannot be read, and numbers in full."""
    for path, why in unsafe_files(chosen, written):
        fix = "take it out of the folder, or run the command again into a new one"
        raise DisclosureError(str(path), why, fix=fix)


def _told_by_ledger(logs: list[Path], key: bytes, path: Path | None) -> Told:
    """Look at all that the ledger has; refuse several runs that are not in one."""
    said = [json.loads(log.read_text(encoding="utf-8"))["rules"] for log in logs]
    marks = {str(rules.get("ledger", "")) for rules in said}
    if path is None:
        if len(logs) > 1 or marks - {""}:
            rule = "must be runs with one ledger: what they tell together is to be looked at"
            got = f"{len(logs)} runs"
            fix = "name it with --ledger, or send one run alone that had none"
            raise DisclosureError("release", rule, got=got, fix=fix)
        return Told(0, 0, ())
    with Ledger(path, key) as ledger:
        if marks - {ledger.mark}:
            fix = "run the others again with --ledger and --ledger-key"
            raise DisclosureError(str(path), "must be the ledger of all runs", fix=fix)
        told = told_together(ledger.left, Rules().min_workplaces)
    if told.outcomes:
        rule = "would tell of single workplaces together"
        raise DisclosureError("what has left", rule, got=list(told.outcomes))
    return told


def check_list(folder: Path, key: bytes) -> bool:
    """Whether a folder holds what was released, and nothing else.

    Parameters
    ----------
    folder : pathlib.Path
    key : bytes
    """
    content = json.loads((folder / LIST).read_text(encoding="utf-8"))
    found = {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / LIST
    }
    signature = _signed(content["files"], key)
    return found == content["files"] and hmac.compare_digest(signature, content["signature"])


def _signed(digests: dict[str, str], key: bytes) -> str:
    """Keyed digest of a list."""
    return hmac.digest(key, json.dumps(digests, sort_keys=True).encode(), "sha256").hex()


#: Ends of names of files with draws: whatever their mode, they are not sent.
_DRAWS: Final = (".nc",)


def _is_open(path: Path) -> bool:
    """Whether a file may be sent: no log, no saved fit, no link, and not its owner's alone."""
    log = any(path.name.endswith(name) for name in (*FILES, *_DRAWS))
    hidden = path.name.startswith(".")
    return not (log or hidden or path.is_symlink()) and bool(path.stat().st_mode & stat.S_IRGRP)


def _checked(place: Path) -> list[Path]:
    """Logs of a folder; refuse what was written without control, or with weaker rules."""
    sent = (place, *place.glob("*.html"))
    logs = [log for one in sent if (log := private_folder(one) / FILES[1]).is_file()]
    if not logs and _source(place) in {"published", "replica"}:
        return []
    for why in _weak(logs):
        fix = "run the command again with the default rules, or leave its folder out"
        rule = "must be of a run with disclosure control"
        raise DisclosureError(str(place), rule, got=why, fix=fix)
    return logs


def _source(place: Path) -> str:
    """Whose data a run had; a folder of folders has nothing to release itself."""
    path = place / "provenance.json"
    if path.is_file():
        return str(json.loads(path.read_text(encoding="utf-8")).get("source", ""))
    return ""


def _weak(logs: list[Path]) -> Iterator[str]:
    """What is weaker than the default rules."""
    if not logs:
        yield "a folder without a log"
    usual = Rules()
    for path in logs:
        rules: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["rules"]
        if not rules["active"]:
            yield f"{path.name}: control is off"
        if "min_units" in rules:  # a study of one's own: its units may be persons
            if rules["min_units"] < usual.min_persons:
                yield f"{path.name}: min_units {rules['min_units']}"
            continue
        for name in ("min_workplaces", "min_persons"):
            if rules[name] < getattr(usual, name):
                yield f"{path.name}: {name} {rules[name]}"
        one, two, p = zip(rules["dominance"], usual.dominance, strict=True)
        if one[0] > one[1] or two[0] > two[1] or p[0] < p[1]:
            yield f"{path.name}: dominance {rules['dominance']}"
