"""An attacker with every file of one `describe` run, and linear programming, learns no hidden cell.

The attacker knows what anybody can: that answers add up to the industries' sizes and to the totals
of table 11, that who was not asked a question answered an earlier one so, that the flow only falls,
that equal rules give equal steps, and that states of the register add up to the linked workplaces.
Every cell that the rules call sensitive must then be left an interval of three or more.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayes_sf.disclosure.suppression import Suppression
from bayes_sf.inputs.sample import AnalysisSample, load_sample
from bayes_sf.output.run import Asked
from bayes_sf.output.runs.describe import run_describe
from bayes_sf.output.tables.described_sample import description_tables
from tests.disclosure.attacker import (
    INDUSTRIES,
    STATES,
    WIDTH,
    Attack,
    Name,
    know_answers,
    know_flow,
    know_missing,
    published,
)


@pytest.fixture(autouse=True, scope="module")
def own_data() -> Iterator[None]:
    """The replica as data of one's own: nobody recognises its digest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayes_sf.inputs.sample.INVENTED", "")
        yield


def with_small_industry(sample: AnalysisSample, industry: str, size: int) -> AnalysisSample:
    """The replica with few workplaces in one industry."""
    frame = sample.frame
    mine = frame[(frame["industry"] == industry) & frame["linked"]].iloc[:size]
    kept = frame[(frame["industry"] != industry) | frame.index.isin(mine.index)]
    quarters = sample.quarters[sample.quarters["workplace"].isin(kept["workplace"])]
    return dataclasses.replace(
        sample, frame=kept.reset_index(drop=True), quarters=quarters.reset_index(drop=True)
    )


@pytest.fixture(scope="module")
def replica() -> AnalysisSample:
    return load_sample("replica")


def sensitive(sample: AnalysisSample) -> list[Name]:
    """Every count below three, and the steps that differ by so few, that the truth holds."""
    tables = description_tables(sample)
    cells = tables["by_industry"]
    few = cells[cells["count"].between(1, WIDTH - 1)]
    names: list[Name] = list(zip(few["question"], few["category"], few["industry"], strict=True))
    for line in tables["missingness"].to_dict("records"):
        names += [(line["quarter"], s, line["industry"]) for s in STATES if 0 < line[s] < WIDTH]
    for _, part in tables["flow"].groupby(["analysis", "outcome"], sort=False):
        counts, steps = part[INDUSTRIES].to_numpy(int), tuple(part["step"])
        for at, column in np.argwhere(
            (np.diff(-counts, axis=0) > 0) & (np.diff(-counts, axis=0) < WIDTH)
        ):
            names.append(("drop", *steps[: at + 2], INDUSTRIES[column]))
    return list(dict.fromkeys(names))


def recovered(folder: Path, targets: list[Name]) -> dict[Name, tuple[float, float]]:
    """Counts that the attacker of a `describe` run knows to less than an interval of three."""
    tables, attack = published(folder), Attack()
    know_answers(attack, tables)
    know_flow(attack, tables)
    know_missing(attack, tables)
    for target in targets:
        if target[0] == "drop":
            before, after = ("flow", *target[1:-2], target[-1]), ("flow", *target[1:])
            attack.same({target: 1.0, before: -1.0, after: 1.0})
    return attack.recovered(targets)


@pytest.mark.slow  # `tests/disclosure/test_disclosure_run.py` attacks all outputs of such a sample
@pytest.mark.parametrize(("industry", "size"), [("ict", 2), ("", 0)])
def test_no_hidden_cell_is_recovered(
    replica: AnalysisSample, tmp_path: Path, industry: str, size: int
) -> None:
    """Two workplaces in one industry, and all of them; more in `tests/studies/disclosure.csv`."""
    sample = with_small_industry(replica, industry, size) if industry else replica
    run_describe(sample, Asked(source=sample.source)).write(tmp_path)
    targets = sensitive(sample)
    assert len(targets) > 100
    assert recovered(tmp_path, targets) == {}


@pytest.mark.slow  # `test_release_sets.py` and `test_disclosure_run.py` look at it as well
def test_the_attacker_can_attack(
    replica: AnalysisSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the small cells themselves are hidden, most of them come back exactly."""

    def only_small(question: Any, *_: object) -> Suppression:
        return Suppression(question.rules != "", (), complete=True)

    monkeypatch.setattr("bayes_sf.disclosure.protected_answers._suppressed", only_small)
    run_describe(replica, Asked(source=replica.source)).write(tmp_path)
    cells = description_tables(replica)["by_industry"]
    true = cells.set_index(["question", "category", "industry"])["count"]
    targets = [name for name in sensitive(replica) if name in true.index][:30]
    found = recovered(tmp_path, targets)
    assert len(found) > 15
    assert sum(low == high == true[name] for name, (low, high) in found.items()) > 10
