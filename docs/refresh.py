"""Bring up to date what documents show of the program: `uv run python docs/refresh.py`.

README.md shows what its command and its examples print, so do the tutorial and other pages;
ARCHITECTURE.md lists the modules, `models/schema` what TOML files may hold. Output
stands between `<!-- name -->` and `<!-- /name -->`, or in the `text` block after a `python` block;
`tests/contracts` compares all of it with the program.
"""

import contextlib
import io
import json
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Pages whose blocks of Python are followed by what they print.
PAGES = ("README.md", "docs/tutorial.md", "docs/own_files.md", "docs/missing.md")
FINDINGS_SHOWN = 3


def block(document: str, name: str) -> str:
    """What stands in a document under a name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", document, re.DOTALL)
    assert found, f"no block {name}"
    return found[1]


def filled(document: str, name: str, content: str) -> str:
    """The document with other content under a name."""
    opening = f"<!-- {name} -->\n"
    return document.replace(opening + block(document, name), opening + content)


def fenced(text: str) -> str:
    """Text as a block of code."""
    return f"```text\n{text}\n```\n"


def examples(document: str) -> list[tuple[str, str]]:
    """Every block of Python, and the block of output that follows it."""
    return re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", document, re.DOTALL)


def printed_by(examples: list[tuple[str, str]]) -> list[str]:
    """Run blocks of Python one after the other, and return what each prints."""
    names: dict[str, object] = {}
    printed = []
    for code, _ in examples:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, names)  # noqa: S102  # our own README
        printed.append("".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()))
    return printed


def refresh_examples(page: Path) -> None:
    """Rewrite what a page says that its blocks of Python print."""
    text = page.read_text(encoding="utf-8")
    blocks = examples(text)
    for (code, old), new in zip(blocks, printed_by(blocks), strict=True):
        text = text.replace(f"{code}```\n\n```text\n{old}", f"{code}```\n\n```text\n{new}")
    page.write_text(text, encoding="utf-8")


def inventory() -> str:
    """Every module with the first line of its docstring, in the order in which data walk."""
    package = ROOT / "bayes_sf"
    modules = [path.relative_to(package) for path in package.rglob("*.py")]
    rooms = [
        "__init__",
        "errors",
        "arrays",
        "threads",
        "catalogue",
        "resources",
        "stand_in",
        "folder",
        "moved",
    ]
    rooms += ["inputs", "spec", "engines", "recovery", "replica", "analysis", "disclosure"]
    rooms += ["output", "cli"]
    modules.sort(key=lambda path: (rooms.index(path.parts[0].removesuffix(".py")), path.parts))
    lines = []
    for module in modules:
        text = (package / module).read_text(encoding="utf-8")
        first = re.match(r'r?"""(.*?)(?:"""|\n)', text)
        if first:  # an empty `__init__.py` says nothing
            lines.append(f"- `{module.as_posix()}`: {first[1]}\n")
    return "".join(lines)


def shortened(printed: str) -> str:
    """What `reproduce` prints, with marks in square brackets where something is left out."""
    source, icc, mean, _, returned, replay, written = printed.strip().split("\n\n")
    total, *findings = replay.split("\n- ")
    left = len(findings) - FINDINGS_SHOWN
    return "\n".join(
        line.rstrip()
        for part in (
            source, "", icc, "", mean, "", "[the same for the change in absence, table 47]", "",
            returned, "", total, *(f"- {finding}" for finding in findings[:FINDINGS_SHOWN]),
            f"[{left} more]", "", written,
        )
        for line in part.splitlines() or [""]
    )  # fmt: skip


def icc_picture() -> bytes:
    """Prior and posterior of the ICC of mean absence, as README.md shows it."""
    import bayes_sf as sf
    from bayes_sf.output.figures.page import drawing
    from bayes_sf.output.figures.posterior import icc_figure

    results = sf.fit(sf.load_analysis("null"), sf.load_sample("published"))
    return drawing(icc_figure(tuple(results.values())))


def schemas() -> dict[Path, str]:
    """JSON Schemas of TOML files, which editors complete and check them by."""
    from bayes_sf.inputs.own_study.header import StudyTable
    from bayes_sf.spec.schema import AnalysisTable, MultiverseTable, json_schema

    tables = {"analysis": AnalysisTable, "multiverse": MultiverseTable, "study": StudyTable}
    return {
        ROOT / "models" / "schema" / f"{name}.json": f"{json.dumps(json_schema(table), indent=1)}\n"
        for name, table in tables.items()
    }


def main() -> None:
    """Rewrite all of them."""
    for path, written in schemas().items():
        path.write_text(written, encoding="utf-8")
    (ROOT / "docs" / "icc.svg").write_bytes(icc_picture())
    readme, architecture = ROOT / "README.md", ROOT / "ARCHITECTURE.md"
    with tempfile.TemporaryDirectory() as folder:
        command = ["bayes-sf", "reproduce"]
        done = subprocess.run(  # noqa: S603  # our own command
            command, cwd=folder, capture_output=True, encoding="utf-8", check=True
        )
    text = readme.read_text(encoding="utf-8")
    text = filled(text, "reproduce", fenced(shortened(done.stdout)))
    readme.write_text(text, encoding="utf-8")
    for page in PAGES:
        refresh_examples(ROOT / page)
    text = architecture.read_text(encoding="utf-8")
    architecture.write_text(filled(text, "inventory", inventory()), encoding="utf-8")


if __name__ == "__main__":
    main()
