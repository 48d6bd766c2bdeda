"""Published route and microdata route on the replica: the same posteriors within the rounding.

Both give REML back the figures that the report prints, so that two estimates differ by less than
one unit of the last printed decimal: 0.001 of a fraction, 0.1 pp, in tables 4, 46 and 47; 0.001 pp
in figure 5. What the tables leave open beyond that (industry means, who answered) is averaged over
40 states on the published route and fixed in the replica; it moves sds and limits a little more.
"""

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Finished

#: One unit of the last printed decimal, pp.
UNIT = {"46": 0.1, "47": 0.1, "4": 0.1, "figure5": 0.001}

type Line = dict[str, str]

pytestmark = pytest.mark.slow  # all versions of all models


def lines(run: "Finished", name: str) -> list[Line]:
    path: Path = run.folder / "results" / name
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def pairs(
    reproduced_whole: "Finished", reproduced_replica: "Finished"
) -> list[tuple[str, Line, Line]]:
    """Table, and every slope on both routes."""

    def slopes(run: "Finished") -> dict[tuple[str, ...], Line]:
        return {
            (line["table"], line["question"], line["term"]): line
            for line in lines(run, "coefficients.csv")
            if line["table"] in UNIT and line["term"] not in {"(Intercept)", "Konstantledd"}
        }

    published, replica = slopes(reproduced_whole), slopes(reproduced_replica)
    assert published.keys() == replica.keys()
    return [(key[0], line, replica[key]) for key, line in published.items()]


def test_all_64_slopes_and_those_of_the_text(pairs: list[tuple[str, Line, Line]]) -> None:
    assert sum(table in {"46", "47"} for table, _, _ in pairs) == 64
    assert {line["basis"] for _, line, _ in pairs} == {"moments"}
    assert {line["basis"] for _, _, line in pairs} == {"data"}


def test_means_differ_by_less_than_the_rounding(pairs: list[tuple[str, Line, Line]]) -> None:
    """The largest distance is 0.75 of a unit, and 0.10 posterior sd."""
    distance = np.array([abs(float(a["mean"]) - float(b["mean"])) for _, a, b in pairs])
    units = np.array([UNIT[table] for table, _, _ in pairs])
    sds = np.array([float(b["sd"]) for _, _, b in pairs])
    assert (distance < units).all()
    assert (distance < 0.15 * sds).all()
    assert np.median(distance / sds) < 0.03


def test_spreads_and_limits_agree(pairs: list[tuple[str, Line, Line]]) -> None:
    """SEs are printed to one unit as well, so limits may differ by a little more than a unit."""
    for table, a, b in pairs:
        assert float(a["sd"]) == pytest.approx(float(b["sd"]), rel=0.08), a["term"]
        for name in ("lower", "upper"):
            assert float(a[name]) == pytest.approx(float(b[name]), abs=1.2 * UNIT[table]), a["term"]
        assert float(a["p_direction"]) == pytest.approx(float(b["p_direction"]), abs=0.04)


def test_icc(reproduced_whole: "Finished", reproduced_replica: "Finished") -> None:
    """Mean absence: variance components are printed to 4 digits. Change: REML's zero is a bound
    only, and the replica is one of the studies between its ends."""
    published = {(r["outcome"], r["case"]): r for r in lines(reproduced_whole, "icc.csv")}
    replica = {r["outcome"]: r for r in lines(reproduced_replica, "icc.csv")}
    mean = published["absence_mean", "all"]
    for name in ("mean", "median", "lower", "upper"):
        assert float(mean[name]) == pytest.approx(float(replica["absence_mean"][name]), abs=2e-3)
    for name in ("mean", "median", "upper"):
        low, high = (
            float(published["absence_change", case][name]) for case in ("lowest", "highest")
        )
        assert low < float(replica["absence_change"][name]) < high
