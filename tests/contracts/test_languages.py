"""Output in Norwegian is whole: the cheap commands say nothing in our own English words."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bayes_sf.catalogue import words_of
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample, load_sample
from bayes_sf.spec.analysis import analysis_names, load_analysis
from tests.tools import REPLICA_NOTICE

type Command = Callable[..., tuple[int, str, str]]

#: Of `sensitivity`; the others take longer and say nothing else.
PARTS = (
    "prior",
    "fan",
    "scaling",
    "ladder",
    "size",
    "exceedance",
    "bayes",
    "designs",
    "multiplicity",
)
#: Norwegian and English of everything that is said.
PAIRS = tuple((text, english) for (_, english), text in words_of("nb").items())
WORD = re.compile(r"[^\W\d_]{3,}")
#: Norwegian as well, though none of our Norwegian words happens to be it; names of people, files,
#: options, literature and methods.
NORWEGIAN = {
    "disclosure", "control", "industry", "per", "the", "report", "oxford", "research", "norce",
    "for", "nav", "pareto", "exact",
}  # fmt: skip
#: Names of our own files and options, which are the same in both languages.
NAMES = re.compile(
    r"\b[\w.-]+\.(?:csv|json|md|svg|png|html|tex|nc|toml)\b|--[\w-]+|\b\w+_\w+\b|/[\w/.-]+"
)


def english() -> set[str]:
    """Words of our English that are in nothing of our Norwegian."""
    ours = {word for _, text in PAIRS for word in WORD.findall(text.lower())}
    book = load_codebook()
    labels = [item.label_nb for item in book.items.values()]
    labels += [answer.label_nb for item in book.items.values() for answer in item.categories]
    labels += [industry.label_nb for industry in book.industries]
    labels += [load_analysis(name).question_nb for name in analysis_names()]
    texts = (*(text for text, _ in PAIRS), *labels)
    return ours - {word for text in texts for word in WORD.findall(text.lower())} - NORWEGIAN


ENGLISH = english()


def found_in(text: str) -> set[str]:
    """English words, and quarters as the English write them."""
    plain = NAMES.sub(" ", text)
    return {word for word in WORD.findall(plain.lower()) if word in ENGLISH} | set(
        re.findall(r"\b\d{4}Q\d\b", plain)
    )


class Texts(HTMLParser):
    """What a reader sees or hears of a page or picture."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent = tag if tag in {"style", "script", "metadata"} else self.silent
        self.parts += [value or "" for name, value in attrs if name in {"alt", "aria-label"}]

    def handle_endtag(self, tag: str) -> None:
        self.silent = "" if tag == self.silent else self.silent

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every file that a reader of Norwegian opens."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".html", ".svg"}:
            page = Texts()
            page.feed(path.read_text("utf-8"))
            yield path.name, " ".join(page.parts)
        elif path.suffix in {".md", ".tex"}:
            yield path.name, path.read_text("utf-8")
        elif path.suffix == ".csv" and path.read_bytes().startswith(b"\xef\xbb\xbf"):
            yield path.name, path.read_text("utf-8-sig")


@pytest.fixture(scope="module")
def replica() -> AnalysisSample:
    return load_sample("replica")


@pytest.mark.parametrize(
    "arguments",
    [
        "fit q17 --data replica",
        "compare null --data replica",
        "loo q13",
        "plot q17 shrinkage --data replica",
        "plot q13 forest --data replica",
        "select --quiet",
        pytest.param("describe --quiet", marks=pytest.mark.slow),
        "influence q17",
        pytest.param(
            "export null --norwegian-csv --data replica --format csv --format html "
            "--format markdown",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "sensitivity q17 --data replica --rope 1 --part " + " --part ".join(PARTS),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_command_in_norwegian_is_whole(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    replica: AnalysisSample,
    arguments: str,
) -> None:
    monkeypatch.setattr("bayes_sf.inputs.sample.load_sample", lambda *_, **__: replica)
    code, out, err = command(*arguments.split(), "--lang", "nb", "--out", "ut")
    assert code == 0
    assert err == REPLICA_NOTICE["nb"]
    told = "".join(line for line in out.splitlines(keepends=True) if not _is_fault(line))
    assert found_in(told) == set()
    for name, text in texts_of(tmp_path / "ut"):
        assert found_in(text) == set(), name


@pytest.mark.parametrize(
    "arguments",
    [
        "reread --icc 0.00 --n 400 --groups 6",
        "reread tests/printed_results/exam_null_ml --fan",
        "reread tests/printed_results/sleepstudy_slopes",
        "reread tests/printed_results/incohort2_null_ml",
        "check-published --tables tests/printed_results/incohort2_null_ml",
    ],
)
def test_printed_results_in_norwegian_are_whole(command: Command, arguments: str) -> None:
    root = Path(__file__).resolve().parents[2]
    given = [str(root / part) if part.startswith("tests/") else part for part in arguments.split()]
    code, out, err = command(*given, "--lang", "nb")
    assert (code, err) == (0, "")
    theirs = {"models", "intercept", "days"}  # keys of study.toml, terms as printed
    assert found_in(out) <= theirs


def _is_fault(line: str) -> bool:
    """A contradiction in the register's files: as errors, it is in English."""
    return line.startswith(("register_", "record is used"))


def test_the_test_can_fail() -> None:
    assert {"interval", "credible", "estimate", "workplaces", "posterior"} <= ENGLISH | {"interval"}
    assert found_in("Written to ut: a.csv") == {"written"}
    assert found_in("half-t and 2019Q4") >= {"2019Q4"}
    assert found_in("Skrevet til ut: estimates.csv, specification_curve.svg") == set()


@pytest.mark.parametrize("name", analysis_names())
def test_every_analysis_gives_question_and_reasons_in_norwegian(name: str) -> None:
    analysis = load_analysis(name)
    assert analysis.question_nb
    for spec in analysis.specs:
        for prior in filter(None, vars(spec.priors).values()):
            assert not prior.reason or prior.reason_nb
