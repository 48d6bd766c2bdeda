"""The atlas: every entry has a source, and is re-read as recorded; its contradictions are known."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayes_sf as sf
from bayes_sf.analysis.printed.check import check_tables
from bayes_sf.analysis.printed.fan import icc_fan
from bayes_sf.inputs.printed.folder import PublishedReport
from bayes_sf.recovery.printed_icc import icc_posterior

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def atlas() -> PublishedReport:
    return sf.read_published(ROOT / "data" / "atlas")


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict[str, str]]:
    """`tests/studies/atlas.csv` by model."""
    path = ROOT / "tests" / "studies" / "atlas.csv"
    with path.open(encoding="utf-8") as file:
        return {line["model"]: line for line in csv.DictReader(file)}


def test_every_entry_has_a_source(atlas: PublishedReport, recorded: dict[str, Any]) -> None:
    assert len(atlas.models) >= 60
    assert list(recorded) == list(atlas.models)
    for name, model in atlas.models.items():
        table = atlas.header.tables[model.header.table]
        assert len(table.source) > 20, name
        assert table.seen, name
        assert recorded[name]["source"] == atlas.source_of(name)
        assert model.n is not None
        assert model.icc or model.components


#: Levels ii, ii+, iii and iii0, few and many groups, with and without predictors.
SAMPLE = ("sdq", "wbeing", "gpa_sex", "pulp", "penicillin", "music_instrument", "dyestuff2",
          "hsb_meanses")  # fmt: skip


def test_the_record_is_what_the_command_gives(
    tmp_path: Path, command: Any, recorded: dict[str, Any]
) -> None:
    """The folder without the other models: quick, and the same seeds."""
    found = sf.reread(ROOT / "data" / "atlas", models=SAMPLE)
    for name in SAMPLE:
        icc, line = found[name].icc, recorded[name]
        assert icc is not None
        assert found[name].level == line["level"]
        own = (icc.lower, icc.median, icc.upper, *icc.range)
        said = [float(line[key]) for key in ("lower", "median", "upper", "low_end", "high_end")]
        # four decimals are recorded; the rest is another machine's arithmetic
        assert own == pytest.approx(said, abs=2e-4)
    atlas = ROOT / "data" / "atlas"
    medians = icc_fan(lambda priors: sf.reread(atlas, models=["wbeing"], priors=priors).iccs)
    line = recorded["wbeing"]
    assert medians["median"].min() == pytest.approx(float(line["fan_low"]), abs=2e-4)
    assert medians["median"].max() == pytest.approx(float(line["fan_high"]), abs=2e-4)
    small = tmp_path / "one"
    small.mkdir()
    (small / "study.toml").write_text(
        'schema = 1\n[tables.x]\nsource = "a book, p. 2"\nseen = "here"\n[models.a]\ntable = "x"\n'
        'icc = "0.024"\nn = 26303\ngroups = 85\n', encoding="utf-8",
    )  # fmt: skip
    code, _, _ = command("reread", str(small), "--out", str(tmp_path / "out"))
    assert code == 0
    with (tmp_path / "out" / "icc.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert first["source"] == "a book, p. 2"
    assert float(first["median"]) == pytest.approx(float(recorded["sdq"]["median"]), abs=1e-4)


def test_what_contradicts_itself(atlas: PublishedReport) -> None:
    """Five prints, each looked at by hand (docs/atlas.md), and no other."""
    found = [one for run in check_tables(atlas) for one in run.findings]
    places = {str(one.place).split(",")[0] for one in found}
    assert places == {"components.csv: row 15", "indonesia", "mathstd", "music", "imm23",
                      "penicillin"}  # fmt: skip
    assert {one.rule for one in found} == {1, 2, 15}


def test_a_printed_interval_is_too_narrow_for_its_schools() -> None:
    """J. Am. Acad. Child Adolesc. Psychiatry 60:1467, table 2, prints 0.020 to 0.028.

    Fisher's (1925) z of equal groups, in closed form, allows twice the width; ours agrees with it
    to a tenth of its width: z is asymptotic.
    """
    icc, n, groups = 0.024, 26303, 85
    m = n / groups
    z = 0.5 * np.log((1 + (m - 1) * icc) / (1 - icc))
    ends = z + np.array([-1, 1]) * 1.96 * np.sqrt(m / (2 * (m - 1) * (groups - 2)))
    low, high = (np.exp(2 * ends) - 1) / (np.exp(2 * ends) + m - 1)
    found = icc_posterior(icc="0.024", n=n, groups=groups, balanced=True, estimator="REML")
    assert (found.lower, found.upper) == pytest.approx((low, high), abs=0.1 * (high - low))
    assert found.upper - found.lower > 2 * (0.028 - 0.020)
