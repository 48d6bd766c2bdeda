"""A study of one's own: what is drafted and read; its commands are in `tests/cli`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_sf.disclosure.control import Rules
from bayes_sf.errors import SpecError, UsageError
from bayes_sf.inputs.own_study.draft import draft_study
from bayes_sf.inputs.own_study.folder import read_study
from bayes_sf.inputs.own_study.header import Privacy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    df = pd.DataFrame({
        "school": np.repeat([f"S{k}" for k in range(6)], 7), "score": rng.normal(size=42).round(3),
        "ses": rng.normal(size=42).round(3), "class": np.tile([f"C{k}" for k in range(14)], 3),
    })  # fmt: skip
    df.to_csv(tmp_path / "pupils.csv", index=False)
    return tmp_path / "pupils.csv"


def test_what_a_draft_is_asked_for_must_be_a_column(file: Path) -> None:
    with pytest.raises(UsageError, match=r"--group: must be a column of pupils\.csv.*'school'"):
        draft_study(file, group="skool", outcomes=["score"])
    with pytest.raises(UsageError, match=r"--outcome: .*got 'age'\); its columns: school, score"):
        draft_study(file, group="school", outcomes=["score", "age"])
    with pytest.raises(UsageError, match=r"--group: must be named.*school \(6 values\), class"):
        draft_study(file, outcomes=["score"])
    with pytest.raises(UsageError, match="--outcome: must be named: 2 columns"):
        draft_study(file, group="school")


def test_a_draft_protects_as_many_as_a_study_that_says_nothing(file: Path) -> None:
    """And that is what the report's study asks of persons."""
    draft = draft_study(file, group="school", outcomes=["score"])
    study = read_study(file.parent)
    assert study.header.group == "school"
    assert list(study.header.outcomes) == ["score"]
    assert study.header.privacy == Privacy() == Privacy(min_units=Rules().min_persons)
    assert study.least == Privacy().min_units
    assert any(f"fewer than {Privacy().min_units} have" in line for line in draft.assumed)


@pytest.mark.parametrize(
    ("unit", "least"), [('"pupil"', 3), ('"school"', 1 + 7 + 7), ('"class"', 1 + 3 + 3)]
)
def test_units_of_several_rows_are_protected_as_the_largest(
    file: Path, unit: str, least: int
) -> None:
    pd.read_csv(file).assign(pupil=range(42)).to_csv(file, index=False)
    privacy = f"[disclosure]\nunit = {unit}\nmin_units = 3\n"
    (file.parent / "study.toml").write_text(
        'schema = 1\nkind = "data"\nfile = "pupils.csv"\n'
        '[group]\ncolumn = "school"\none = "school"\nmany = "schools"\n'
        f'[outcomes.score]\nlabel = "Score"\n{privacy}', encoding="utf-8",
    )  # fmt: skip
    study = read_study(file.parent)
    assert (study.least, study.named) == (least, unit == '"pupil"')


@pytest.mark.parametrize("part", ["rows", "group", "disclosure", "outcomes.score"])
def test_a_part_is_a_table(file: Path, part: str) -> None:
    lines = {
        "rows": 'rows = { one = "pupil", many = "pupils" }',
        "group": 'group = { column = "school", one = "school", many = "schools" }',
        "disclosure": "disclosure = { min_units = 3 }", "outcomes.score": "outcomes.score = {}",
    } | {part: f"{part} = 5"}  # fmt: skip
    text = 'schema = 1\nkind = "data"\nfile = "pupils.csv"\n' + "\n".join(lines.values())
    (file.parent / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=f"study.toml: {part}: must be a table"):
        read_study(file.parent)
