"""Catalogues have everything that is said, nothing else, and the same places for values."""

import functools
import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bayes_sf import catalogue
from bayes_sf.catalogue import language, languages, say, say_as, speaking

type Command = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).resolve().parents[2]


def tool() -> ModuleType:
    """The command that brings catalogues up to date."""
    spec = importlib.util.spec_from_file_location("languages", ROOT / "docs" / "languages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = tool()


def keys(catalog: Catalog) -> dict[tuple[str, str], str]:
    """(context, English) -> text."""
    return {(m.context or "", str(m.id)): str(m.string) for m in catalog if m.id}


def fields(text: str) -> list[str]:
    """Names of a text's places, in order of name; places without one are numbered."""
    names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    return sorted({name or str(place) for place, name in enumerate(names)})


FILES = sorted(catalogue.FOLDER.glob("*.po"))


@pytest.fixture(scope="module")
def said() -> dict[tuple[str, str], str]:
    """Everything that is said."""
    return keys(TOOL.extracted())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_catalogue_is_whole(path: Path, said: dict[tuple[str, str], str]) -> None:
    with path.open("rb") as file:
        texts = keys(read_po(file))
    assert texts.keys() == said.keys()  # `uv run python docs/languages.py` adds and removes
    assert [key for key, text in texts.items() if not text.strip()] == []
    for (context, english), text in texts.items():
        assert fields(text) == fields(english), (context, english)
    assert path.read_bytes() == TOOL.brought_up_to_date(path.read_bytes())


def test_there_are_texts_of_every_kind(said: dict[tuple[str, str], str]) -> None:
    assert ("", "Model") in said  # `say`
    assert ("decimal mark", ".") in said  # `say_as`
    assert ("", "Skip to the content") in said  # a template
    assert ("", "the {} cannot come from the estimate and its standard error") in said  # a finding
    assert len(said) > 700


def test_what_is_said_is_written_where_it_is_said() -> None:
    """A text put together where it is said would be found missing only when it is."""
    for path in sorted((ROOT / "bayes_sf").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(?:say|mark|Message)\(\s*f[\"']", text), path.name


def test_a_text_that_is_missing_is_an_error() -> None:
    with speaking("nb"), pytest.raises(LookupError, match=r"nb\.po lacks 'No such text'"):
        say("No such text".strip())
    assert say("No such text".strip()) == "No such text"


def test_a_language_lasts_as_long_as_its_block() -> None:
    with speaking("nb"):
        assert language() == "nb"
        with speaking("en"):
            assert say_as("decimal mark", ".") == "."
        assert say_as("decimal mark", ".") == ","
    assert language() == "en"


@pytest.fixture
def third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A third language: one file, and nothing else."""
    folder = tmp_path / "languages"
    shutil.copytree(catalogue.FOLDER, folder)
    with (folder / "nb.po").open("rb") as file:
        made = read_po(file)
    for message in made:
        if message.id and not message.context:
            message.string = f"«{message.id}»"
    (folder / "nn.po").write_bytes(TOOL.written(made))
    monkeypatch.setattr(catalogue, "FOLDER", folder)
    return "nn"


def test_a_third_language_is_one_file(command: Command, tmp_path: Path, third: str) -> None:
    assert languages() == ("en", "nb", third)
    code, out, err = command("reread", "--icc", "0.05", "--n", "400", "--groups", "6",
                             "--lang", third)  # fmt: skip
    assert (code, err) == (0, "")
    assert "«interval»" in out
    assert re.search(r"«0,\d\d\d to 0,\d\d\d»", out)  # its decimal mark
    code, out, err = command("check-published", "--lang", third)
    assert (code, err) == (0, "")
    assert "«impossible»: «figure 7»: «does not hold: " in out
    assert "Undervisning" in out  # labels of the study are those that its file names
    code, _, err = command("reread", "--icc", "0.05", "--n", "400", "--groups", "6", "--lang", "se")
    assert code == 2
    assert "must be en or nb or nn (got 'se')" in err
    assert not list(tmp_path.glob("*.json"))


# Of a study of one's own -------------------------------------------------------------------------

OWN = {path.stem: path for path in sorted((catalogue.FOLDER / "study").glob("*.po"))}
#: What belongs to the report's study.
ANOTHERS = re.compile(
    r"industr|workplace|absence|survey|\bregister|quarter|employee|the report|percentage points|"
    r"bransje|virksomhet|fravær|spørreundersøk|kvartal|ansatte|rapporten|prosentpoeng",
    re.IGNORECASE,
)
#: Where commands do not come with a study of one's own, or what is said is of its own kind.
NOT_OF_A_STUDY = (
    "analysis/missing", "analysis/printed", "analysis/replay", "analysis/size/days_lost",
    "engines/panel", "inputs/faults", "inputs/register",
    "output/figures/associations", "output/figures/imputation",
    "output/report/alternatives", "output/report/answers",
    "output/report/material", "output/report/missing", "output/report/reread",
    "output/report/saved_imputation", "output/report/sections", "output/report/statements",
    "output/report/tables",
    "output/runs/impute", "output/runs/reproduce", "output/runs/reread",
    "output/runs/select", "output/tables/comparison_tables", "output/tables/imputation_tables",
    "output/tables/reread_tables", "output/tables/summary", "output/words/findings",
    "output/words/problems", "recovery", "replica",
)  # fmt: skip
#: Texts of other modules that only the report's study comes to: of quarters, days, printed tables.
OF_THE_REPORT = frozenset((
    "ASSOCIATION, NOT THE EFFECT OF AN INTERVENTION", "At least 1 observed quarter",
    "At least {} observed quarters", "Last quarter", "Linked to the register", "Minimum quarters",
    "Observed quarters of absence", "One line per workplace in the register",
    "Percent of the surveyed workplaces, by quarter", "Printed in the report", "Real study:",
    "SYNTHETIC", "Source: the real study", "The report's n is", "no row in the register",
    "industries: groups", "n: workplaces with", "Employees", "Quarters",
    "the outcome is not in percentage points", "all imputed quarters", "quarters",
    "sd_workplace", "sd_group_change", "sd_period", "Mean absence", "Change in absence",
    "From the report's printed tables.", "Invented workplaces.", "The numbers are",
    "Everything is computed from invented workplaces", "Preventive workplace measures",
    "Data and survey: Oxford Research", "Which answers go with absence",
    "The report's own numbers, replayed", "Whether the models have the shape of the data",
))  # fmt: skip


@functools.cache
def own(lang: str) -> dict[tuple[str, str], str]:
    """What is said otherwise of a study of one's own."""
    with OWN[lang].open("rb") as file:
        return keys(read_po(file))


def test_own_words_are_there_in_both_languages(said: dict[tuple[str, str], str]) -> None:
    assert list(OWN) == ["en", "nb"]
    assert own("en").keys() == own("nb").keys()
    assert own("en").keys() <= said.keys()
    for lang in OWN:
        for (context, english), text in own(lang).items():
            assert not ANOTHERS.search(text), text
            assert set(fields(text)) <= set(fields(english)), english
            assert set(re.findall(r"<(\w+)>", text)) <= {
                "unit", "units", "group", "groups", "Unit", "Units", "Group", "Groups",
            }, (context, text)  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(TOOL.PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(TOOL.PACKAGE))
)
def test_what_a_study_of_ones_own_comes_to_is_said_in_its_words(path: Path) -> None:
    if str(path.relative_to(TOOL.PACKAGE)).startswith(NOT_OF_A_STUDY):
        return
    norwegian = catalogue.words_of("nb")
    left = [
        text for context, text in TOOL.said_in_python(path.read_text(encoding="utf-8"))
        if ANOTHERS.search(text) or ANOTHERS.search(norwegian.get((context, text), ""))
        if (context, text) not in own("en") and not text.startswith(tuple(OF_THE_REPORT))
    ]  # fmt: skip
    assert not left
