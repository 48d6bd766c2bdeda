"""What tests share: the replica's notice; tools of the machine, or else a test is skipped."""

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from bayes_sf.catalogue import speaking

#: What every command that uses the replica says of it on stderr.
REPLICA_NOTICE = {
    "en": "Found in the data: register_workplace.csv: also in another extract, with at least as "
    "many observed quarters (rows: 1); the other extract's record is used (bayes-sf describe lists "
    "it).\n",
    "nb": "Funnet i dataene: register_workplace.csv: også i et annet uttrekk, med minst like mange "
    "observerte kvartaler (rader: 1); det andre uttrekkets post er brukt (bayes-sf describe viser "
    "det).\n",
}

#: What TeX says where a package, a language or a font is not installed. A fault in the text of ours
#: (an undefined command, a brace that is missing) sounds otherwise, and fails the test.
_LACKING = re.compile(
    r"^!.*(?:not found|Unknown option|not loadable|Unknown language).*$"
    r"|^.*can't find the format file.*$",
    re.MULTILINE,
)


def need(tool: str, *arguments: str, given: str = "", answer: str) -> None:
    """Skip where a tool does not do the smallest job: to be found is not to be whole."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    try:
        done = subprocess.run(
            [tool, *arguments], input=given, timeout=60,
            capture_output=True, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{tool} is here but does not run: {error}")
    if done.returncode or done.stdout.strip() != answer:
        said = (done.stderr or done.stdout).strip()[-200:]
        pytest.skip(f"{tool} is here but not whole: {said}")


def lacking_in_tex(log: str) -> str | None:
    """What this TeX lacks, in its own words, if that is why it stopped."""
    found = _LACKING.search(log)
    return found[0] if found else None


def spoken[**P, R](lang: str, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What a function returns in a language."""
    with speaking(lang):
        return function(*args, **named)
