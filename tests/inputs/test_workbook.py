"""Excel: the cells say what is there, and what can be read in two ways is refused."""

import datetime as dt
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from bayes_sf.errors import DataError
from bayes_sf.inputs.files import workbook
from bayes_sf.inputs.files.tabular import read_cells

TABLE = [["id", "x", "note"], [1, 2.5, "first"], [2, None, None], [3, 4, "last"]]
READ = [["1", "2.5", "first"], ["2", None, None], ["3", "4", "last"]]


def write(path: Path, change: Callable[[openpyxl.Workbook, Worksheet], None]) -> Path:
    """A workbook with the table, then changed."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in TABLE:
        sheet.append(row)
    change(book, sheet)
    book.save(path)
    return path


def rewrite(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """Change one part of a workbook's archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert change(parts[part]) != parts[part]
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def read(path: Path) -> list[list[str | None]]:
    frame = read_cells(path).frame
    assert list(frame.columns) == TABLE[0]
    return frame.to_numpy().tolist()


SHEET, EMPTY = "xl/worksheets/sheet1.xml", rb"(?:<v ?/>|<v></v>)"


@pytest.mark.parametrize("size", [b"", b'<dimension ref="A1"/>', b'<dimension ref="B2:C3"/>'])
def test_what_a_sheet_says_of_its_size_does_not_count(tmp_path: Path, size: bytes) -> None:
    path = write(tmp_path / "a.xlsx", lambda *_: None)
    rewrite(path, SHEET, lambda xml: re.sub(rb"<dimension[^>]*/>", size, xml))
    assert read(path) == READ


@pytest.mark.parametrize("place", ["XFD1048576", "XFD1", "A1048576", "Z50"])
def test_blank_cells_far_away_cost_nothing(tmp_path: Path, place: str) -> None:
    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet[place] = "  "

    path = write(tmp_path / "a.xlsx", change)
    start = time.process_time()
    assert read(path) == READ
    assert time.process_time() - start < 5  # a walk through the rows between takes a minute


def test_hidden_sheets_are_not_read_and_empty_ones_do_not_matter(tmp_path: Path) -> None:
    def change(book: openpyxl.Workbook, _: Worksheet) -> None:
        for name, state in (("old", "hidden"), ("older", "veryHidden"), ("Ark2", "visible")):
            sheet = book.create_sheet(name, 0)
            sheet.sheet_state = state
            if state != "visible":
                sheet.append(["id", "x", "note"])
                sheet.append([9, 9, "other"])

    assert read(write(tmp_path / "a.xlsx", change)) == READ


def test_calculated_formulas_are_values_also_if_they_are_empty_text(tmp_path: Path) -> None:
    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["B4"] = "=2+2"
        sheet["C3"] = '=""'

    path = write(tmp_path / "a.xlsx", change)

    def calculate(xml: bytes) -> bytes:
        xml = re.sub(rb'(<c r="B4"[^>]*><f>2\+2</f>)' + EMPTY, rb"\1<v>4</v>", xml)
        text = rb'<c r="C3" t="str"\1>\2<v></v>'
        return re.sub(rb'<c r="C3"([^>]*)>(<f>""</f>)' + EMPTY, text, xml)

    rewrite(path, SHEET, calculate)
    with pytest.raises(DataError, match=r"row 3, column 'note' and 1 more.*never calculated"):
        read(path)  # the workbook still asks for a calculation when it is opened
    rewrite(path, "xl/workbook.xml", lambda xml: re.sub(rb"<calcPr[^>]*/>", b"", xml))
    assert read(path) == READ


def test_a_formula_that_a_program_gave_the_value_0_is_not_0(tmp_path: Path) -> None:
    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["B3"] = "=B2*2"

    path = write(tmp_path / "a.xlsx", change)
    rewrite(path, SHEET, lambda xml: re.sub(rb"(<f>B2\*2</f>)" + EMPTY, rb"\1<v>0</v>", xml))
    with pytest.raises(DataError, match=r"row 3, column 'x': must hold a value.*never calculated"):
        read(path)


def change_merged(_: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet.merge_cells("B2:B3")


def change_formula(_: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet["B2"] = "=1+1"


def change_two(book: openpyxl.Workbook, _: Worksheet) -> None:
    book.create_sheet("Kodebok 974760673").append(["a", "b"])


def change_gap(_: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet["A7"] = "Kilde: SSB"


def change_top(_: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet.insert_rows(1)


def change_wide(_: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet["XFD2"] = "x"


def change_nameless(_: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet["D2"] = "x"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_merged, "rows 2-3, cells B2:B3: must not be merged"),
        (change_formula, "row 2, column 'x': must hold a value"),
        (change_two, "2 sheets: 'Sheet', 'Kodebok #########'"),
        (change_gap, "row 5: must not be empty inside the table.*cells in row 7"),
        (change_top, "row 1: must not be empty"),
        (change_wide, "at most 1000 columns.*16384"),
        (change_nameless, "row 1, column 4: must have a name"),
    ],
)
def test_what_a_sheet_leaves_open_is_refused(
    tmp_path: Path, change: Callable[[openpyxl.Workbook, Worksheet], None], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(write(tmp_path / "a.xlsx", change))
    assert "a.xlsx" in str(caught.value)


def test_merged_cells_outside_the_table_change_nothing(tmp_path: Path) -> None:
    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.merge_cells("A9:C12")
        sheet.merge_cells("H1:K1")

    assert read(write(tmp_path / "a.xlsx", change)) == READ


def test_one_cell_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", lambda *_: None)
    twice = rb'\1<c r="A4" t="n"><v>7</v></c>'
    rewrite(path, SHEET, lambda xml: re.sub(rb'(<c r="A4"[^>]*><v>3</v></c>)', twice, xml))
    with pytest.raises(DataError, match="row 4, column 1: must be in the file once"):
        read(path)


def test_dates_truth_values_and_errors_never_become_numbers(tmp_path: Path) -> None:
    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["B2"], sheet["B3"], sheet["B4"] = True, dt.date(2016, 3, 4), "#DIV/0!"

    column = [row[1] for row in read(write(tmp_path / "a.xlsx", change))]
    assert column == ["true", "2016-03-04 00:00:00", "#DIV/0!"]


def test_a_workbook_that_unpacks_to_too_much_is_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.xlsx", lambda *_: None)
    rewrite(path, SHEET, lambda xml: xml + b" " * (3 << 20))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(workbook, "MAX_BYTES", 2 << 20)
    with pytest.raises(DataError, match=r"at most 2 MB when unpacked \(got '3 MB'\)"):
        read(path)


@pytest.mark.parametrize("too_many", [0, 1])
def test_a_workbook_may_unpack_to_256_mb(tmp_path: Path, too_many: int) -> None:
    """What the archive says of its parts counts: nothing has to be unpacked to refuse it."""
    path = write(tmp_path / "a.xlsx", lambda *_: None)
    with zipfile.ZipFile(path, "a") as archive:
        rest = 256 * 1024 * 1024 - sum(part.file_size for part in archive.infolist())
        archive.writestr("docProps/thumbnail.png", b"")  # nobody reads it
        archive.getinfo("docProps/thumbnail.png").file_size = rest + too_many
    if not too_many:
        assert read(path) == READ
        return
    with pytest.raises(DataError, match="at most 256 MB when unpacked"):
        read(path)
