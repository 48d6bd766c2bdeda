"""Damage done to the replica's two extracts, at random: refused, of no effect, or reported.

Some workplaces of each, whose figures are all given, for one year. With the survey's
(`test_survey_damage.py`) the slow variants put 600 faults into the replica's three files.

What is done: letters of the header, quotation marks, delimiters, lines and columns dropped,
doubled, exchanged or cut off, signs, exponents, decimal marks, bytes of another encoding, other
spellings of numbers. What no reader can detect, and what is therefore not done here:

- a figure that becomes another possible figure: the head count, or one of the last decimals, within
  the rounding of the sums of age groups; a head count or all figures of a row emptied;
- a line that is not there (a quarter that was not reported looks the same), or a file cut off at
  the end of a line;
- columns exchanged whose figures fit either name (a quarter's women and men, were there men);
- a workplace number that becomes another valid one, a quarter that becomes another.
"""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from bayes_sf.errors import DataError
from bayes_sf.inputs.register.reader import Register, read_register
from bayes_sf.resources import data_dir

FOLDER = data_dir() / "replica"
FILES = ("register_workplace.csv", "register_enterprise.csv")
KEY = b"the key of these tests"
YEAR = ("2019Q1", "2019Q4")
WORKPLACES = 8
DEFAULT, SLOW = 3, 150
"""Mutations of each file: one takes a second, nearly all of it for the engine's queries."""

type Damage = Callable[[str, random.Random], str | bytes]


def some_line(lines: list[str], draw: random.Random) -> int:
    """A line below the header that is not the last."""
    return draw.randrange(1, len(lines) - 1)


def cell_of(
    text: str, draw: random.Random, change: Callable[[str], str], columns: Sequence[int]
) -> str:
    """Change one figure."""
    lines = text.split("\n")
    place = some_line(lines, draw)
    cells = lines[place].split(",")
    filled = [i for i in columns if float(cells[i] or 0) >= 10]
    at = draw.choice(filled)
    cells[at] = change(cells[at])
    lines[place] = ",".join(cells)
    return "\n".join(lines)


def figure(change: Callable[[str], str], columns: Sequence[int] = range(1, 17)) -> Damage:
    return lambda text, draw: cell_of(text, draw, change, columns)


def header(text: str, draw: random.Random) -> str:
    first, rest = text.split("\n", 1)
    at = draw.choice([i for i, letter in enumerate(first) if letter.isalpha()])
    return f"{first[:at]}{draw.choice('xyzXYZ')}{first[at + 1 :]}\n{rest}"


def quote(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text))
    return f'{text[:at]}"{text[at:]}'


def delimiter(text: str, draw: random.Random) -> str:
    at = draw.choice([place.start() for place in re.finditer(",", text)])
    return text[:at] + draw.choice(["", ";", ",,", "\t"]) + text[at + 1 :]


def doubled_line(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(some_line(lines, draw), lines[some_line(lines, draw)])
    return "\n".join(lines)


def joined_lines(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    place = some_line(lines, draw)
    return "\n".join([*lines[:place], lines[place] + lines[place + 1], *lines[place + 2 :]])


def cut_off(text: str, draw: random.Random) -> str:
    body = text.rstrip("\n")
    last = body.rindex("\n") + 1
    return body[: draw.randrange(last + 1, body.rindex(","))]


def dropped_column(text: str, draw: random.Random) -> str:
    at = draw.randrange(18)
    rows = [line.split(",") for line in text.rstrip("\n").split("\n")]
    return "\n".join(",".join(row[:at] + row[at + 1 :]) for row in rows) + "\n"


def exchanged_names(text: str, draw: random.Random) -> str:
    first, rest = text.split("\n", 1)
    names = first.split(",")
    one, other = draw.sample(range(18), 2)
    names[one], names[other] = names[other], names[one]
    return ",".join(names) + "\n" + rest


def other_bytes(text: str, draw: random.Random) -> bytes:
    encoded = text.encode()
    at = draw.randrange(len(encoded))
    return encoded[:at] + draw.choice([b"\x00", b"\xff", b"\x81", b"\xc3"]) + encoded[at:]


def other_encoding(text: str, draw: random.Random) -> bytes:
    return text.encode(draw.choice(["utf-16", "utf-16-le", "utf-8-sig", "cp1252", "utf-32"]))


def line_ends(text: str, draw: random.Random) -> str:
    return text.replace("\n", draw.choice(["\r\n", "\r"]))


def spelling(text: str, draw: random.Random) -> str:
    """One workplace number in another spelling."""
    lines = text.split("\n")
    place = some_line(lines, draw)
    number, rest = lines[place].split(",", 1)
    parts = (number[:3], number[3:6], number[6:])
    wide = "".join(chr(0xFF10 + int(digit)) for digit in number)
    ways = ["\u00a0".join(parts), ".".join(parts), "\u2013".join(parts), f"{number}.0", wide]
    lines[place] = draw.choice(ways) + "," + rest
    return "\n".join(lines)


def number(text: str, draw: random.Random) -> str:
    """One digit of a workplace number changed: its control digit is no longer right."""
    lines = text.split("\n")
    place = some_line(lines, draw)
    at = draw.randrange(9)
    other = str((int(lines[place][at]) + draw.randrange(1, 10)) % 10)
    lines[place] = lines[place][:at] + other + lines[place][at + 1 :]
    return "\n".join(lines)


DAMAGES: dict[str, Damage] = {
    "header": header,
    "quote": quote,
    "delimiter": delimiter,
    "doubled line": doubled_line,
    "joined lines": joined_lines,
    "cut off": cut_off,
    "dropped column": dropped_column,
    "exchanged names": exchanged_names,
    "sign": figure(lambda cell: f"-{cell}"),
    "exponent": figure(lambda cell: f"{cell}e3"),
    "lost mark": figure(lambda cell: cell.replace(".", "") + "0"),
    "comma": figure(lambda cell: cell.replace(".", ",") if "." in cell else f"{cell},0"),
    "huge": figure(lambda cell: f"{cell}e300"),
    "not a number": figure(lambda _: "NaN"),
    "infinite": figure(lambda _: "inf"),
    "tenths": figure(lambda cell: f"{float(cell) + 0.3:.4f}"),
    "emptied": figure(lambda _: ""),
    "bytes": other_bytes,
    "encoding": other_encoding,
    "line ends": line_ends,
    "spelling": spelling,
    "number": number,
}


def result_of(register: Register) -> tuple[str, str]:
    """All outcomes and all quarters, to the last digit."""
    outcomes, quarters = register.select(register.workplaces["workplace"])
    return outcomes.to_csv(index=False), quarters.to_csv(index=False)


def read(path: Path) -> Register:
    """One year: the trend over twenty quarters is most of the work, and tested elsewhere."""
    return read_register(path, key=KEY, period=YEAR, change=YEAR)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Workplaces of the two extracts that have all figures of all quarters of one year."""
    folder = tmp_path_factory.mktemp("whole")
    for name in FILES:
        text = pd.read_csv(FOLDER / name, dtype=str)
        year = text[text["aar_kvartal"].str.startswith(YEAR[0][:4])].dropna()
        counts = year["org_nr"].value_counts(sort=False)
        kept = year[year["org_nr"].isin(counts.index[counts == 4][:WORKPLACES])]
        kept.to_csv(folder / name, index=False, lineterminator="\n")
    return {name: folder / name for name in FILES}


@pytest.fixture(scope="module")
def undamaged(whole: dict[str, Path]) -> dict[str, tuple[str, str]]:
    registers = {name: read(path) for name, path in whole.items()}
    assert all(register.problems.empty for register in registers.values())
    return {name: result_of(register) for name, register in registers.items()}


def damaged_file(folder: Path, path: Path, damage: Damage, draw: random.Random) -> Path:
    damaged = damage(path.read_text(encoding="utf-8"), draw)
    (folder / path.name).write_bytes(damaged.encode() if isinstance(damaged, str) else damaged)
    return folder / path.name


def outcome_of(path: Path, undamaged: tuple[str, str]) -> str:
    """Which of the three it came to; the message of a refusal shows no workplace number."""
    try:
        register = read(path)
    except DataError as error:
        return f"refused, and says {error}" if re.search(r"\d{7}", str(error)) else "refused"
    if result_of(register) == undamaged:
        return "equal"
    return "listed" if len(register.problems) else "changed in silence"


def damage_many(
    folder: Path, whole: dict[str, Path], n: int, undamaged: dict[str, tuple[str, str]]
) -> None:
    """The kinds in turn, each with draws of its own."""
    for i in range(n):
        for name in FILES:
            kind = list(DAMAGES)[(2 * i + i // 10 + FILES.index(name)) % len(DAMAGES)]
            draw = random.Random(f"{name} {i}")
            spoilt = damaged_file(folder, whole[name], DAMAGES[kind], draw)
            came_to = outcome_of(spoilt, undamaged[name])
            assert came_to in {"refused", "equal", "listed"}, f"{kind}, {name}, mutation {i}"


def test_no_damage_changes_a_result_in_silence(
    tmp_path: Path, whole: dict[str, Path], undamaged: dict[str, tuple[str, str]]
) -> None:
    damage_many(tmp_path, whole, DEFAULT, undamaged)


@pytest.mark.slow
def test_no_damage_of_hundreds_changes_a_result_in_silence(
    tmp_path: Path, whole: dict[str, Path], undamaged: dict[str, tuple[str, str]]
) -> None:
    damage_many(tmp_path, whole, SLOW, undamaged)
