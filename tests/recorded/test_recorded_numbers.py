"""Recorded numbers: what some hundred small calls give, to full precision, as it was.

A net under the tests of every room, which stay the judges of what is right: here nothing is known
but that a result has changed. It holds all that examples of the documentation make, and the calls
of the files `of_*`: results, tables, texts of errors at both sides of limits. Where a change is
meant, `uv run python tests/recorded/record.py` writes `numbers.json` anew, its diff says what has
changed, and whatever is a number of users' has its line in CHANGELOG.md under Numbers.

Between machines and versions of BLAS direct algebra differs by 1e-12, searches by what they stop
at: hence a relative difference of 1e-7, and 1e-9 beside zero.
"""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.recorded.calls import CALLS
from tests.recorded.examples import EXAMPLES, made
from tests.recorded.values import Leaf, recorded

NUMBERS = Path(__file__).with_name("numbers.json")


@pytest.fixture(scope="module")
def kept() -> dict[str, dict[str, Leaf]]:
    """All that is recorded."""
    found: dict[str, dict[str, Leaf]] = json.loads(NUMBERS.read_text(encoding="utf-8"))
    return found


def found(name: str) -> dict[str, Leaf]:
    """What a call or an example gives now."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        given: Any = CALLS[name]() if name in CALLS else made(EXAMPLES[name]())
    return recorded(given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*CALLS, *EXAMPLES])
def test_what_was_recorded_is_still_so(name: str, kept: dict[str, dict[str, Leaf]]) -> None:
    now, then = found(name), kept[name]
    assert list(now) == list(then)
    for key, value in then.items():
        if isinstance(value, float):
            near = pytest.approx(value, rel=1e-7, abs=1e-9, nan_ok=True)
            assert now[key] == near, f"{name}: {key}"
        else:
            assert now[key] == value, f"{name}: {key}"


def test_nothing_else_is_recorded(kept: dict[str, dict[str, Leaf]]) -> None:
    assert set(kept) == {*CALLS, *EXAMPLES}
