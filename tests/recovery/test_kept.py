"""States that are kept: read as they were written, or not at all."""

from pathlib import Path

import numpy as np
import pytest

from bayes_sf.recovery import kept, study
from bayes_sf.recovery.kept import keep_states, kept_states
from bayes_sf.recovery.states import States

NAMES = ("small", "large")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAYES_SF_CACHE", str(tmp_path / "caches"))
    return tmp_path / "caches"


@pytest.fixture
def states() -> dict[str, States]:
    rng = np.random.default_rng(2)
    return {
        name: States(rng.integers(1, 90, (3, 6)), rng.normal(size=(3, 6)), rng.random(3))
        for name in NAMES
    }


def the_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_what_is_read_is_what_was_kept(folder: Path, states: dict[str, States]) -> None:
    assert kept_states(NAMES, 1, 3) is None
    keep_states(states, 1, 3)
    found = kept_states(NAMES, 1, 3)
    assert found is not None
    for one, name in zip(found, NAMES, strict=True):
        for part in ("sizes", "means", "within"):
            mine, theirs = getattr(one, part), getattr(states[name], part)
            assert mine.dtype == theirs.dtype
            assert np.array_equal(mine, theirs)
    assert kept_states(NAMES, 2, 3) is None
    assert kept_states(NAMES, 1, 4) is None
    assert len(list(folder.iterdir())) == 1


def test_any_damage_is_noticed(folder: Path, states: dict[str, States]) -> None:
    keep_states(states, 1, 3)
    file = the_file(folder)
    whole = file.read_bytes()
    rng = np.random.default_rng(5)
    for place in rng.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        assert kept_states(NAMES, 1, 3) is None
    for short in (b"", b"PK", whole[: len(whole) // 2]):
        file.write_bytes(short)
        assert kept_states(NAMES, 1, 3) is None


def test_other_code_or_tables_keep_their_own(
    folder: Path, states: dict[str, States], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_states(states, 1, 3)
    monkeypatch.setattr(kept, "_made_from", lambda: "another")
    assert kept_states(NAMES, 1, 3) is None
    assert folder.is_dir()


def test_a_changed_table_is_another_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "table_8.csv").write_text("n\n1\n", encoding="utf-8")
    monkeypatch.setattr(kept, "data_dir", lambda: tmp_path)
    one = kept._made_from.__wrapped__()
    assert one == kept._made_from.__wrapped__()
    (tmp_path / "published" / "table_8.csv").write_text("n\n2\n", encoding="utf-8")
    assert one != kept._made_from.__wrapped__()


def test_nothing_is_kept_where_nothing_may_be(
    tmp_path: Path, states: dict[str, States], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYES_SF_CACHE", "off")
    keep_states(states, 1, 3)
    assert kept_states(NAMES, 1, 3) is None
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("BAYES_SF_CACHE", str(tmp_path / "file"))
    keep_states(states, 1, 3)
    assert kept_states(NAMES, 1, 3) is None


def test_a_study_that_was_kept_is_the_one_that_was_drawn(
    folder: Path, states: dict[str, States], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn once, read after that."""
    drawn: list[int] = []

    def mean_states(draws: int, _: np.random.Generator) -> tuple[States, States]:
        drawn.append(draws)
        return states["small"], states["large"]

    monkeypatch.setattr(study, "mean_states", mean_states)
    monkeypatch.setattr(study, "change_states", lambda *_: states["large"])
    one, other = (study._draw_study.__wrapped__(4, 3) for _ in range(2))
    assert drawn == [3]
    assert folder.is_dir()
    assert np.array_equal(one.change.within, other.change.within)
    assert np.array_equal(other.small.means, states["small"].means)
