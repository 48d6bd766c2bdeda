"""`bayes-sf release`: what runs have written, copied to where it is sent from, with a signed list.

Logs of disclosure control, lists of workplaces, saved fits and whatever else is its owner's alone
stay where they are. A run without control, or with weaker rules than the default ones, stops it.
"""

import hmac
import json
import shutil
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from bayes_sf.disclosure.control import Rules
from bayes_sf.errors import DisclosureError, UsageError
from bayes_sf.output.audit import FILES, private_folder
from bayes_sf.output.files import json_text

__all__ = ["LIST", "check_list", "release"]

#: The signed list.
LIST: Final = "released.json"


def release(folder: Path, to: Path, key: bytes) -> tuple[Path, ...]:
    """Copy what may be sent.

    Parameters
    ----------
    folder : pathlib.Path
        Of a project: every folder in it that a run has written.
    to : pathlib.Path
        A new or empty folder, not in the other.
    key : bytes
        That the list is signed with.

    Returns
    -------
    tuple of pathlib.Path
        What was copied, and last the list: names and SHA-256 of all files, and their signature.

    Raises
    ------
    UsageError
        For folders that cannot be meant.
    DisclosureError
        For a run without control, with weaker rules, or without a log that says so.
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
    for place in dict.fromkeys(path.parent for path in files):
        _check_rules(place)
    chosen = [path for path in files if _is_open(path)]
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
    return (*copied, to / LIST)


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


def _check_rules(place: Path) -> None:
    """Refuse what a run wrote without control, or with weaker rules than the default ones."""
    sent = (place, *place.glob("*.html"))
    logs = [log for one in sent if (log := private_folder(one) / FILES[1]).is_file()]
    if not logs and _source(place) in {"published", "replica"}:
        return
    for why in _weak(logs):
        fix = "run the command again with the default rules, or leave its folder out"
        rule = "must be of a run with disclosure control"
        raise DisclosureError(str(place), rule, got=why, fix=fix)


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
        for name in ("min_workplaces", "min_persons"):
            if rules[name] < getattr(usual, name):
                yield f"{path.name}: {name} {rules[name]}"
        one, two, p = zip(rules["dominance"], usual.dominance, strict=True)
        if one[0] > one[1] or two[0] > two[1] or p[0] < p[1]:
            yield f"{path.name}: dominance {rules['dominance']}"
