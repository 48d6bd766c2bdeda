"""What files of a run hold: read before they are sent, whatever program they are for.

Each file must be one that a run with control has written, byte for byte: its log keeps digests.
What has passed has few digits; a number in full in a table, a page, a workbook, a document or the
words of a picture has come by another way. A picture of dots is read in the drawing that was
written with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

__all__ = ["digests_of", "unsafe_files"]

#: More significant digits than anything that has passed has.
_MOST: Final = 7
_NUMBER: Final = re.compile(r"(?<![\w.])\d+[.,]\d+(?:[eE][-+]?\d+)?(?![\w.])")
_SCRIPTS: Final = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)
_TAGS: Final = re.compile(r"<[^>]*>")
_TEXTS: Final = frozenset({".csv", ".json", ".md", ".qmd", ".tex", ".txt", ".typ"})
_MARKED: Final = frozenset({".html", ".svg"})
#: Kinds that are archives -> where their words are.
_ARCHIVES: Final = {
    ".xlsx": re.compile(r"xl/(sharedStrings|worksheets/.*)\.xml"),
    ".docx": re.compile(r"word/[^/]*\.xml"),
}
#: Pictures of dots or for printers, beside a drawing of the same name.
_DRAWN: Final = frozenset({".png", ".pdf"})
#: How long a run took, and versions: of no data.
_ABOUT: Final = "provenance.json"


def digests_of(files: Mapping[str, str | bytes]) -> dict[str, str]:
    """SHA-256 of what a run writes, for its log.

    Parameters
    ----------
    files : mapping
        Name -> content.

    Examples
    --------
    >>> digests_of({"a.csv": "x"})["a.csv"][:8]
    '2d711642'
    """
    return {
        name: sha256(content.encode() if isinstance(content, str) else content).hexdigest()
        for name, content in files.items()
    }


def unsafe_files(files: Sequence[Path], written: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """Yield files that are not to be sent, and why.

    Parameters
    ----------
    files : sequence of pathlib.Path
    written : mapping
        File -> digest, as logs of runs have them.
    """
    for path in files:
        if written.get(path) != sha256(path.read_bytes()).hexdigest():
            yield path, "is not as a run with disclosure control wrote it"
        elif path.suffix in _DRAWN:
            if path.with_suffix(".svg") not in files:
                yield path, "cannot be read, and there is no drawing of the same name"
        elif path.name != _ABOUT:
            try:
                full = next((n for text in _words(path) for n in _in_full(text)), "")
            except (OSError, ValueError, BadZipFile, KeyError):
                yield path, "cannot be read"
                continue
            if full:
                yield path, f"has a number of more than {_MOST} digits"


def _words(path: Path) -> Iterator[str]:
    """What is written in a file.

    Raises
    ------
    KeyError
        For a kind that is not known.
    """
    if path.suffix in _ARCHIVES:
        with ZipFile(path) as archive:
            for name in archive.namelist():
                if _ARCHIVES[path.suffix].fullmatch(name):
                    yield _TAGS.sub(" ", archive.read(name).decode())
        return
    text = path.read_text(encoding="utf-8")
    if path.suffix in _TEXTS:
        yield text
    elif path.suffix in _MARKED:
        yield _TAGS.sub(" ", _SCRIPTS.sub(" ", text))
    else:
        raise KeyError(path.suffix)


def _in_full(text: str) -> Iterator[str]:
    """Yield numbers of more digits than any that has passed.

    >>> list(_in_full("0.123 and 0.12345678, 1.50 of 12345.6, and 8.699999999999999 is 8.7"))
    ['0.12345678']
    """
    for found in _NUMBER.finditer(text):
        plain = f"{float(found[0].replace(',', '.')):.12g}"  # a workbook has binary numbers
        digits = plain.partition("e")[0].replace(".", "")
        if len(digits.strip("0")) > _MOST:
            yield found[0]
