"""Bring catalogues up to date with the code: `uv run python docs/languages.py [new language]`.

Every text that is said (`bayes_sf/catalogue.py`) is extracted, and every `bayes_sf/languages/*.po`
gets those it lacks, empty, and loses those that are gone. With a language's code, its file is made.
`tests/contracts/test_catalogue.py` fails as long as a text is empty.
"""

import ast
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parents[1] / "bayes_sf"
FOLDER = PACKAGE / "languages"
#: Functions of `bayes_sf/catalogue.py` that take a text; and those that first say what it is about.
PLAIN, IN_CONTEXT = {"say", "mark", "Message"}, {"say_as", "mark_as"}


def said_in_python(source: str) -> Iterator[tuple[str, str]]:
    """Yield what a module says, as (context, English): texts that stand where they are said."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        texts = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args[:2]]
        match node.func.id, texts:
            case name, [str() as text, *_] if name in PLAIN:
                yield "", text
            case name, [str() as context, str() as text] if name in IN_CONTEXT:
                yield context, text


def said_in_template(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what a template of the report says."""
    with path.open("rb") as file:
        found = extract(
            "jinja2.ext:babel_extract", file, {"say": None}, options={"encoding": "utf-8"}
        )
        for _, text, *_ in found:
            yield "", str(text)


def extracted() -> Catalog:
    """Return everything that is said."""
    catalog = Catalog(charset="utf-8", fuzzy=False)
    for path in sorted(PACKAGE.rglob("*.py")):
        for context, text in said_in_python(path.read_text(encoding="utf-8")):
            catalog.add(text, context=context or None)
    for path in sorted(PACKAGE.rglob("*.j2")):
        for _, text in said_in_template(path):
            catalog.add(text)
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as its file has it: sorted, so that two additions seldom collide."""
    stream = BytesIO()
    write_po(stream, catalog, sort_output=True, no_location=True, omit_header=True, width=100)
    return stream.getvalue()


def brought_up_to_date(text: bytes) -> bytes:
    """Return a catalogue with what is said now, and nothing else."""
    old, new = read_po(BytesIO(text)), extracted()
    for message in new:
        known = old.get(message.id, message.context) if message.id else None
        if known is not None:
            message.string = known.string
    return written(new)


def main() -> None:
    """Rewrite every catalogue, and begin those that are named."""
    for name in sys.argv[1:]:
        (FOLDER / f"{name}.po").touch()
    for path in sorted(FOLDER.glob("*.po")):
        path.write_bytes(brought_up_to_date(path.read_bytes()))


if __name__ == "__main__":
    main()
