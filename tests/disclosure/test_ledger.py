"""The ledger, and the release of what has left: known to whoever runs next, mended by nobody."""

import dataclasses
import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tools import own_workplaces

from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.learnt.ledger import Ledger
from bayes_sf.disclosure.learnt.left import Left
from bayes_sf.disclosure.learnt.together import told_together
from bayes_sf.errors import DataError, DisclosureError, OutputError, UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.audit import private_folder
from bayes_sf.output.contents import digests_of, unsafe_files
from bayes_sf.output.release import LIST, check_list, release
from bayes_sf.output.union import compared_tables
from bayes_sf.spec.model import ModelSpec

KEY = bytes(range(32))
NULL = ModelSpec("absence_mean", unit="pp", min_quarters=1)
pytestmark = pytest.mark.usefixtures("only_null_models")


@pytest.fixture(scope="module")
def sample() -> AnalysisSample:
    return own_workplaces()


def some(value: float) -> Left:
    return Left("absence_mean", ("a", "b"), np.array([[0.5, value]]), np.array([0.005]), 5.0, 0.4)


def test_it_keeps_what_has_left_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path, KEY) as ledger:
        assert ledger.add([some(0.5), some(0.25), some(0.5)], command="fit") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Ledger(path, KEY) as ledger:
        assert ledger.add([some(0.25)], command="compare") == 0
        assert [one.weights.tolist() for one in ledger.left] == [[[0.5, 0.5]], [[0.5, 0.25]]]
        assert ledger.left[0].workplaces == ("a", "b")


def test_a_ledger_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path, KEY) as ledger:
        ledger.add([some(0.5), some(0.25)], command="fit")
    whole = path.read_text(encoding="utf-8")
    count, first, second = whole.splitlines(keepends=True)
    few = "0" * 11 + "1" + count[12:]
    spoilt = (
        count + second, count + second + first, whole.replace('"fit"', '"fat"'),
        count + first, count, "", first + second, few + first,
    )  # fmt: skip
    for changed in spoilt:
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(DataError, match="must be a ledger"), Ledger(path, KEY):
            pass
    path.write_text(whole, encoding="utf-8")
    with pytest.raises(DataError, match="must be a ledger"), Ledger(path, bytes(32)):
        pass
    path.chmod(0o640)
    with pytest.raises(DataError, match="readable by you alone"), Ledger(path, KEY):
        pass
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(OutputError):
        Ledger(link, KEY)


def test_an_older_copy_put_back_is_noticed_and_one_taken_away(tmp_path: Path) -> None:
    path, witness = tmp_path / "ledger", tmp_path / "keys" / "study.key.ledger"
    witness.parent.mkdir()
    with Ledger(path, KEY, witness) as ledger:
        ledger.add([some(0.5)], command="fit")
    old = path.read_text(encoding="utf-8")
    with Ledger(path, KEY, witness) as ledger:
        ledger.add([some(0.25)], command="fit")
    assert stat.S_IMODE(witness.stat().st_mode) == 0o600
    new = path.read_text(encoding="utf-8")
    path.write_text(old, encoding="utf-8")
    with pytest.raises(DataError, match="last written"), Ledger(path, KEY, witness):
        pass
    with Ledger(path, KEY) as ledger:
        assert len(ledger.left) == 1, "whoever has no witness cannot know"
    path.unlink()
    with pytest.raises(DataError, match=r"last written .*no file"):
        Ledger(path, KEY, witness)
    assert not path.exists()
    with Ledger(tmp_path / "other", KEY) as ledger:
        ledger.add([some(0.75), some(0.125)], command="fit")
    path.write_bytes((tmp_path / "other").read_bytes())
    path.chmod(0o600)
    with pytest.raises(DataError, match="last written"), Ledger(path, KEY, witness):
        pass
    path.write_text(new, encoding="utf-8")
    with Ledger(path, KEY, witness) as ledger:
        assert len(ledger.left) == 2


def test_counts_that_have_left_are_remembered(sample: AnalysisSample, tmp_path: Path) -> None:
    """One workplace fewer in all tables, or one that answers otherwise: the difference is its."""
    path, frame = tmp_path / "ledger", sample.frame
    with Ledger(path, KEY) as ledger:
        control = Control.of(sample, Rules(before=ledger.left))
        control.count()
        control.count()
        assert control.releases is not None
        assert ledger.add(control.releases.left, command="describe") == 1
    answer = frame["q13"].copy()
    answer[5] = "very_small_extent" if answer[5] != "very_small_extent" else "dont_know"
    versions = {
        "the same": (frame, True),
        "one fewer": (frame.iloc[1:], False),
        "one other answer": (frame.assign(q13=answer), False),
        "four fewer": (frame.iloc[4:], True),
    }
    with Ledger(path, KEY) as ledger:
        for name, (other, leaves) in versions.items():
            again = dataclasses.replace(sample, frame=other.reset_index(drop=True))
            control = Control.of(again, Rules(before=ledger.left))
            if leaves:
                control.count()
                continue
            with pytest.raises(DisclosureError, match="what has left") as error:
                control.count()
            assert "one" not in str(error.value).split(), name
        control = Control.of(sample, Rules(before=ledger.left))
        control.count()
        assert control.releases is not None
        assert ledger.add(control.releases.left, command="describe") == 0, "the same again"


def test_a_run_that_was_killed_before_it_counted_has_left_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path, KEY) as ledger:
        ledger.add([some(0.5)], command="fit")
        before = path.read_text(encoding="utf-8").splitlines()[0]
        ledger.add([some(0.25)], command="fit")
    _, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([before, *lines]) + "\n", encoding="utf-8")
    with Ledger(path, KEY) as ledger:
        assert len(ledger.left) == 2
        ledger.add([some(0.125)], command="fit")
    with Ledger(path, KEY) as ledger:
        assert len(ledger.left) == 3


def test_a_second_run_waits_and_sees_what_the_first_let_out(tmp_path: Path) -> None:
    import fcntl
    import os

    path = tmp_path / "ledger"
    with Ledger(path, KEY) as ledger:
        ledger.add([some(0.5)], command="fit")
        other = os.open(path, os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)
    with Ledger(path, KEY) as ledger:
        assert len(ledger.left) == 1


def test_the_same_model_of_one_workplace_fewer_does_not_leave(
    sample: AnalysisSample, tmp_path: Path
) -> None:
    """A line taken out of the survey, and the command again: each run by itself is harmless."""
    spec = dataclasses.replace(NULL, min_quarters=4)
    usable = sample.frame["absence_mean"].notna() & (sample.frame["n_quarters"] >= 4)
    shorter = sample.frame.drop(index=sample.frame.index[usable][40]).reset_index(drop=True)
    fewer = dataclasses.replace(sample, frame=shorter)
    path = tmp_path / "ledger"
    with Ledger(path, KEY) as ledger:
        control = Control.of(sample, Rules(before=ledger.left))
        assert not control.withheld(spec)
        assert control.releases is not None
        ledger.add(control.releases.left, command="fit")
    assert not Control.of(fewer, Rules()).withheld(spec)
    with Ledger(path, KEY) as ledger:
        assert not Control.of(sample, Rules(before=ledger.left)).withheld(spec), "the same again"
        assert Control.of(fewer, Rules(before=ledger.left)).withheld(spec)


def test_counts_of_models_are_decided_beside_those_of_earlier_runs(sample: AnalysisSample) -> None:
    """Four fewer than a model that has left, of whom one is in an industry: its n is not said."""
    frame = sample.frame
    first = np.random.default_rng(4).random(len(frame)) < 0.7
    gone = [
        *np.flatnonzero(first & (frame["industry"] == "care"))[:1],
        *np.flatnonzero(first & (frame["industry"] == "construction"))[:3],
    ]
    second = first.copy()
    second[gone] = False
    names = tuple(frame["workplace"][first].astype(str))
    left = Left("absence_mean", names, np.ones((1, len(names))), np.array([0.5]), 5.0, 0.4)
    alone, beside = (
        Control.of(sample, Rules(before=before)).counts for before in ((), (left,))
    )  # fmt: skip
    assert alone is not None
    assert beside is not None
    assert alone.unsaid(second) == {}
    assert beside.unsaid(first) == {}
    assert "care" in beside.unsaid(second)


def of_a_run(folder: Path, **rules: object) -> Path:
    """A folder as a run on microdata writes it."""
    import json

    folder.mkdir(parents=True)
    said = {"min_workplaces": 3, "min_persons": 5, "dominance": [75, 90, 10], "active": True}
    (folder / "estimates.csv").write_text("a\n1\n", encoding="utf-8")
    private = private_folder(folder)
    private.mkdir()
    (private / "disclosure.csv").write_text("table\n", encoding="utf-8")
    files = digests_of({"estimates.csv": "a\n1\n"})
    content = {"rules": said | rules, "files": files}
    (private / "disclosure.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "fit.nc").write_text("draws", encoding="utf-8")  # whatever its mode
    (folder / "selection.csv").write_text("pseudonym\n", encoding="utf-8")
    (folder / "selection.csv").chmod(0o600)
    return folder


def test_what_is_released_has_no_log_and_a_signed_list(tmp_path: Path) -> None:
    of_a_run(tmp_path / "project" / "fit")
    copied, kept, *_ = release(tmp_path / "project", tmp_path / "send", KEY)
    assert {path.name for path in kept} == {
        "disclosure.csv", "disclosure.json", "fit.nc", "selection.csv",
    }  # fmt: skip
    names = {path.relative_to(tmp_path / "send").as_posix() for path in copied}
    assert names == {"fit/estimates.csv", LIST}
    assert check_list(tmp_path / "send", KEY)
    assert not check_list(tmp_path / "send", bytes(32))
    (tmp_path / "send" / "more.csv").write_text("", encoding="utf-8")
    assert not check_list(tmp_path / "send", KEY)


@pytest.mark.parametrize("name", ["estimates.csv", "mine.csv"])
def test_what_no_run_has_written_is_not_released(tmp_path: Path, name: str) -> None:
    """A table that was edited, or put there: by hand, or by a run without control before it."""
    folder = of_a_run(tmp_path / "project")
    (folder / name).write_text("a\n1.5\n", encoding="utf-8")
    with pytest.raises(DisclosureError, match=rf"{name}.* is not as a run"):
        release(tmp_path / "project", tmp_path / "send", KEY)
    assert not (tmp_path / "send").exists()


def test_files_are_read_before_they_are_sent(tmp_path: Path) -> None:
    """Numbers in full in a workbook, a page, the words of a drawing; what nobody can read."""
    full, few = "5.217200001", "5.217"
    contents: dict[str, str | bytes] = {}
    for name, number in (("full", full), ("few", few)):
        sheet, words = io.BytesIO(), io.BytesIO()
        with zipfile.ZipFile(sheet, "w") as archive:
            archive.writestr("xl/worksheets/sheet1.xml", f"<c><v>{number}</v></c>")
        with zipfile.ZipFile(words, "w") as archive:
            archive.writestr("word/document.xml", f"<w:t>{number}</w:t>")
        contents |= {
            f"{name}.xlsx": sheet.getvalue(), f"{name}.docx": words.getvalue(),
            f"{name}.html": f"<style>a{{b:1.23456789}}</style><td>{number}</td>",
            f"{name}.svg": f'<path d="M 1.23456789 2"/><text>{number}</text>',
            f"{name}.json": f'{{"mean": {number}}}', f"{name}.csv": f"mean\n{number}\n",
        }  # fmt: skip
    contents |= {"few.png": b"dots", "alone.png": b"dots", "odd.bin": "1", "broken.xlsx": "1"}
    for name, content in contents.items():
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(raw)
    files = sorted(tmp_path.iterdir())
    written = {tmp_path / name: digest for name, digest in digests_of(contents).items()}
    found = {path.name for path, _ in unsafe_files(files, written)}
    kinds = ("xlsx", "docx", "html", "svg", "json", "csv")
    assert found == {f"full.{kind}" for kind in kinds} | {"alone.png", "odd.bin", "broken.xlsx"}


@pytest.mark.parametrize(
    "rules", [{"active": False}, {"min_workplaces": 2}, {"dominance": [75, 90, 5]}]
)
def test_what_weaker_rules_made_is_not_released(tmp_path: Path, rules: dict[str, object]) -> None:
    of_a_run(tmp_path / "project", **rules)
    with pytest.raises(DisclosureError, match="with disclosure control"):
        release(tmp_path / "project", tmp_path / "send", KEY)
    assert not (tmp_path / "send").exists()


def test_several_runs_go_together_with_their_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    names = tuple(f"{at:02d}" for at in range(40))
    mean = Left("absence_mean", names, np.ones((1, 40)) / 40, np.array([0.005]), 5.0, 0.4)
    with Ledger(path, KEY) as ledger:
        ledger.add([mean], command="fit")
        mark = ledger.mark
    for name in ("one", "two"):
        of_a_run(tmp_path / "project" / name, ledger=mark)
    with pytest.raises(DisclosureError, match="one ledger"):
        release(tmp_path / "project", tmp_path / "send", KEY)
    found = release(tmp_path / "project", tmp_path / "send", KEY, path)
    assert (found.told.pairs, found.told.equations, found.cells) == (0, 1, 0)
    of_a_run(tmp_path / "project" / "three")
    with pytest.raises(DisclosureError, match="ledger of all runs"):
        release(tmp_path / "project", tmp_path / "more", KEY, path)


def test_what_runs_tell_together_is_not_released(tmp_path: Path) -> None:
    """An earlier rule let both leave, or a file of the ledger's owner."""
    path, names = tmp_path / "ledger", tuple(f"{at:02d}" for at in range(40))
    one = np.ones((1, 40))
    whole = Left("absence_mean", names, one / 40, np.array([0.005]), 5.0, 0.4)
    part = Left("absence_mean", names[1:], one[:, 1:] / 39, np.array([0.005]), 5.0, 0.4)
    with Ledger(path, KEY) as ledger:
        ledger.add([whole, part], command="fit")
        mark = ledger.mark
    of_a_run(tmp_path / "project" / "one", ledger=mark)
    with pytest.raises(DisclosureError, match=r"together .*absence_mean"):
        release(tmp_path / "project", tmp_path / "send", KEY, path)
    assert not (tmp_path / "send").exists()


def test_nearly_nested_means_are_told_from_their_equations() -> None:
    """Three fewer and two more: no rule on pairs sees it, the figures in full do."""
    names, one = tuple(f"{at:02d}" for at in range(40)), np.ones((1, 40))
    parts = [
        Left("y", names[a:b], one[:, a:b] / (b - a), np.array([5e-5]), 5.0, 0.4)
        for a, b in ((0, 40), (3, 40), (0, 37), (4, 40))
    ]
    assert told_together(parts[:2], 3).outcomes == ()
    assert told_together([parts[0], parts[1], parts[3]], 3).outcomes == ("y",)


@pytest.mark.parametrize(
    ("other", "told"),
    [("3,5.21", False), ("13,5.21", True), (":,5.21", True), ("15,5.21", False), ("12,6.1", False)],
)
def test_tables_of_two_runs_are_held_against_each_other(
    tmp_path: Path, other: str, *, told: bool
) -> None:
    """The same cell in two runs: one more, or hidden in one of them."""
    for name, figures in (("one", "12,5.21"), ("two", other)):
        (tmp_path / name).mkdir()
        text = f"model,group,n,mean\nq13,ict,{figures}\nq13,care,80,4.1\n"
        (tmp_path / name / "shrinkage.csv").write_text(text, encoding="utf-8")
    cells, found = compared_tables(sorted(tmp_path.rglob("*.csv")), 3)
    assert bool(found) == told
    assert cells == 2


def test_a_release_goes_to_a_folder_of_its_own(tmp_path: Path) -> None:
    of_a_run(tmp_path / "project")
    with pytest.raises(UsageError, match="outside of the results"):
        release(tmp_path / "project", tmp_path / "project" / "send", KEY)
