"""How Sphinx builds these pages: `uv run sphinx-build -W -b html docs dist/docs`."""

import os
import re
from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]

project = "bayes_sf"
author = "The bayes_sf developers"
version = release = metadata.version("bayes-sf")
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["calibration/*"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Types stand in the docstrings; signatures without them are short enough to read.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"bayes_sf {version}"
html_copy_source = False
html_show_sphinx = False

#: Pages that are files from outside this folder.
PLACES = {"limitations": "LIMITATIONS.md", "replica": "data/replica/README.md"}
PAGES = {ROOT / place: ROOT / "docs" / f"{page}.md" for page, place in PLACES.items()}


def _lead_to_pages(text: str, source: Path, page: Path) -> str:
    """Let links of a file lead to pages, seen from the page that it becomes."""

    def lead(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(source.parent / link[1]))
        return f"]({os.path.relpath(PAGES.get(target, target), page.parent)}"

    return re.sub(r"\]\(([\w./-]+)", lead, text)


def _read(app: Sphinx, docname: str, content: list[str]) -> None:
    """Take a page from where it stands."""
    page = Path(app.srcdir) / f"{docname}.md"
    source = ROOT / PLACES[docname] if docname in PLACES else page
    text = source.read_text(encoding="utf-8") if docname in PLACES else content[0]
    content[0] = _lead_to_pages(text, source, page)


def setup(app: Sphinx) -> None:
    """Register what happens as pages are read."""
    app.connect("source-read", _read)
