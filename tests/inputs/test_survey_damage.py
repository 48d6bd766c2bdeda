"""Damage to the replica's survey is seen: it is refused, or it changes nothing.

One random fault at a time is put into some workplaces of the replica's survey, and the file must be
refused with exit code 3, or give the same answers for the same workplaces. The property has a
meaning only for damage that can be seen in the file, so the survey is written such that almost all
of it can be:

- Answers are the codebook's keys, in words. No insertion, deletion, change or exchange of single
  bytes turns one into another answer to the item, as it would turn code 1 into 11 or 2 into 3; a
  cell that is changed into another valid answer is another valid file, which no reader can tell.
  The exception is q4's `none`, which a letter taken out turns into `one`: it is written `ingen`.
- A workplace number with one wrong digit, or two neighbours exchanged, fails its control digit.
- Not among the faults: an emptied cell (a missing answer), a line taken out (fewer workplaces),
  answers exchanged between rows or items. These are valid files, too. A column taken out, a line
  or a column twice, and a line cut off are among them.
- The comment is nobody's answer: what happens inside it changes nothing.
"""

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.survey import read_survey
from bayes_sf.resources import data_dir

REPLICA = data_dir() / "replica" / "survey.csv"
KEY = b"the key of these tests"
FEW, MANY = 8, 300
ROWS = 6


def content() -> bytes:
    """A survey of six workplaces, with enterprises, a comment, quotes and Norwegian letters."""
    codes = pd.read_csv(REPLICA, dtype=str).iloc[::40].head(ROWS)
    book = load_codebook()
    words = codes.copy()
    for name in codes.columns.drop(["org_nr", "industry"]):
        item = book.item(name)
        names = {str(a.code): a.key for a in (*item.categories, *item.missing)}
        words[name] = codes[name].map(names)
    words["q4"] = words["q4"].replace("none", "ingen")
    words.insert(1, "enterprise_nr", codes["org_nr"].to_numpy()[::-1])
    words.insert(30, "kommentar", ["på øya", "a; b", 'sa "nei"', "", "æ", "to\nlinjer"])
    return words.to_csv(index=False, sep=";", lineterminator="\r\n").encode()


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=";"))


def written(rows: list[list[str]], **style: object) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", **style).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode()


def some_byte(data: bytes, rng: random.Random) -> bytes:
    """Insert, delete, change, double or exchange bytes somewhere."""
    at = rng.randrange(len(data) - 1)
    new = bytes([rng.choice([rng.randrange(256), *b';,"\r\n\t a1\x00'])])
    return rng.choice(
        [
            data[:at] + new + data[at:],
            data[:at] + data[at + 1 :],
            data[:at] + new + data[at + 1 :],
            data[: at + 1] + data[at:],
            data[:at] + data[at + 1 : at + 2] + data[at : at + 1] + data[at + 2 :],
        ]
    )


def header_letter(data: bytes, rng: random.Random) -> bytes:
    """Change a letter of the header."""
    at = rng.randrange(data.index(b"\r\n"))
    return data[:at] + bytes([rng.choice(b"aqQx190._ ")]) + data[at + 1 :]


def cell(data: bytes, rng: random.Random) -> bytes:
    """Put something else that people find in cells into one."""
    rows = table(data)
    row = rng.randrange(1, len(rows))
    rows[row][rng.randrange(len(rows[0]))] = rng.choice(
        ["#N/A", "x", "12", "-1", "1.5", "2.000", "2016-01-01", "=B2", "ja nei", "null", "99999"]
    )
    return written(rows)


def column(data: bytes, rng: random.Random) -> bytes:
    """Take a column out, double it, give it another's name, or move it."""
    rows = table(data)
    one, two = rng.sample(range(len(rows[0])), 2)
    what = rng.randrange(4)
    for number, row in enumerate(rows):
        if what == 0:
            del row[one]
        elif what == 1:
            row.insert(two, row[one])
        elif what == 2 and number == 0:
            row[one] = row[two].upper()
        elif what == 3:
            row.insert(two, row.pop(one))
    return written(rows)


def line(data: bytes, rng: random.Random) -> bytes:
    """Double a line, exchange two, cut one, leave the header out, or put a blank one in."""
    rows = table(data)
    one, two = rng.sample(range(1, len(rows)), 2)
    what = rng.randrange(5)
    if what == 0:
        rows.insert(one, rows[two])
    elif what == 1:
        rows[one], rows[two] = rows[two], rows[one]
    elif what == 2:
        rows[one] = rows[one][: rng.randrange(1, len(rows[one]))]
    elif what == 3:
        del rows[0]
    else:
        rows.insert(one, [""] * len(rows[0]))
    return written(rows)


def style(data: bytes, rng: random.Random) -> bytes:
    """Save it otherwise: mark, encoding, line ends, quotes, a hint to Excel."""
    rows = table(data)
    return rng.choice(
        [
            data.decode().encode("cp1252"),
            data.decode().encode("cp865", errors="replace"),
            data.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + data,
            data.replace(b"\r\n", b"\r"),
            data.replace(b"\r\n", b"\r\r\n"),
            written(rows, quoting=csv.QUOTE_ALL),
            b"sep=;\r\n" + data,
            data.replace(b";", b"\t"),
            data.replace(b";", b","),
        ]
    )


DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(some_byte, some_byte, some_byte, header_letter, cell, column, line, style),
)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return content()


def near(one: str, other: str) -> bool:
    """Whether a letter inserted, deleted, changed or exchanged turns one into the other."""
    if len(one) == len(other):
        unlike = [i for i in range(len(one)) if one[i] != other[i]]
        exchanged = (
            len(unlike) == 2 and other[unlike[0] : unlike[1] + 1] == one[unlike[1]] + one[unlike[0]]
        )
        return len(unlike) == 1 or exchanged
    short, long = sorted((one, other), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def test_no_letter_turns_an_answer_into_another(whole: bytes) -> None:
    """What the property is stated for, and why q4 is an exception."""
    assert near("none", "one")
    assert near("ab", "ba")
    assert not near("ingen", "one")
    book = load_codebook()
    for name, *cells in zip(*table(whole), strict=True):
        if name in {"org_nr", "enterprise_nr", "industry", "kommentar"}:
            continue
        item = book.item(name)
        for answer in (*item.categories, *item.missing):
            texts = (answer.key, answer.label_nb, answer.label_en, *answer.printed)
            others = set(cells).difference(texts)
            wrong = [(cell, text) for cell in others for text in texts if near(cell, text)]
            assert not wrong, name


def sorted_answers(path: Path) -> pd.DataFrame:
    return read_survey(path, key=KEY).frame.sort_values("workplace", ignore_index=True)


def assert_seen(folder: Path, whole: bytes, numbers: range) -> None:
    """Put the faults with these numbers into the file, one at a time."""
    path = folder / "survey.csv"
    path.write_bytes(whole)
    right = sorted_answers(path)
    assert len(right) == ROWS
    refused = 0
    for number in numbers:
        rng = random.Random(number)
        damage = DAMAGE[number % len(DAMAGE)]
        path.write_bytes(damage(whole, rng))
        try:
            got = sorted_answers(path)
        except DataError:  # exit code 3
            refused += 1
        else:
            told = f"fault {number} ({damage.__name__}) is read as other answers"
            pd.testing.assert_frame_equal(got, right, obj=told)
    assert len(numbers) // 3 < refused < len(numbers)


def test_damage_is_refused_or_changes_nothing(tmp_path: Path, whole: bytes) -> None:
    assert_seen(tmp_path, whole, range(FEW))


@pytest.mark.slow
def test_much_damage_is_refused_or_changes_nothing(tmp_path: Path, whole: bytes) -> None:
    assert_seen(tmp_path, whole, range(MANY))
