"""An attacker with every file of one `describe` run, and linear programming, learns no hidden cell.

The attacker knows what anybody can: that answers add up to the industries' sizes and to the totals
of table 11, that who was not asked a question answered an earlier one so, that the flow only falls,
that equal rules give equal steps, and that states of the register add up to the linked workplaces.
Every cell that the rules call sensitive must then be left an interval of three or more.
"""

import dataclasses
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample, load_sample
from bayes_sf.inputs.variables import Item
from bayes_sf.output.described_sample import description_tables
from bayes_sf.output.description import write_description
from bayes_sf.output.disclosure import HIDDEN
from bayes_sf.output.suppression import Suppression

INDUSTRIES = [industry.key for industry in load_codebook().industries]
ITEMS = {i.printed_key: i for i in load_codebook().items.values() if i.parent is None}
STATES = ("observed", "no_absence", "no_row")
WIDTH = 3

type Name = tuple[str, ...]


class Attack:
    """Linear equations and inequalities in unknown counts."""

    def __init__(self) -> None:
        self.names: dict[Name, int] = {}
        self.equal: list[tuple[dict[int, float], float]] = []
        self.least: list[tuple[dict[int, float], float]] = []

    def row(self, terms: dict[Name, float]) -> dict[int, float]:
        return {self.names.setdefault(n, len(self.names)): value for n, value in terms.items()}

    def same(self, terms: dict[Name, float], value: float = 0.0) -> None:
        self.equal.append((self.row(terms), value))

    def no_less(self, terms: dict[Name, float]) -> None:
        """The sum of the terms is not below zero."""
        self.least.append((self.row({n: -v for n, v in terms.items()}), 0.0))

    def bounds(self, targets: list[Name]) -> Iterator[tuple[Name, float, float]]:
        """The smallest and the largest value of each count that nothing known contradicts."""
        size = len(self.names)

        def matrix(rows: list[tuple[dict[int, float], float]]) -> tuple[coo_matrix, list[float]]:
            cells = [(r, c, v) for r, (row, _) in enumerate(rows) for c, v in row.items()]
            at, column, value = zip(*cells, strict=True)
            return coo_matrix((value, (at, column)), (len(rows), size)), [v for _, v in rows]

        (equal, known), (least, zero) = matrix(self.equal), matrix(self.least)
        for target in targets:
            ends = []
            for sign in (1, -1):
                cost = np.zeros(size)
                cost[self.names[target]] = sign
                found = linprog(
                    cost, A_ub=least, b_ub=zero, A_eq=equal, b_eq=known, bounds=(0, None)
                )
                assert found.status in {0, 3}, found.message  # solved, or without end
                ends.append(sign * found.fun if found.status == 0 else math.inf)
            yield target, ends[0], ends[1]


def key_of(item: Item, answer: str) -> str:
    try:
        return item.category(answer).key
    except UsageError:
        return answer


def published(folder: Path) -> dict[str, pd.DataFrame]:
    names = ("univariate", "by_industry", "flow", "missingness")
    return {
        name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in names
    }


def know_answers(attack: Attack, tables: dict[str, pd.DataFrame]) -> None:
    cells, total = tables["by_industry"], tables["univariate"]
    shown = cells[(cells["count"] != HIDDEN) & (cells["count"] != "0")]
    whole = total[(total["count"] != HIDDEN) & (total["count"] != "0")]
    share = whole["percent"].astype(float)
    n = (whole["count"].astype(float) / share * 100).median().round()  # many rows say the same
    attack.same({("size", j): 1.0 for j in INDUSTRIES}, n)
    for industry, part in shown.groupby("industry"):
        one = part["count"].astype(float) / part["percent"].astype(float) * 100
        attack.same({("size", str(industry)): 1.0}, one[one.index].median().round())
    for question, part in cells.groupby("question", sort=False):
        item, answers = ITEMS[str(question)], list(part["category"].unique())
        missing = {answer.key for answer in item.missing}
        for line in part.itertuples():
            if line.count != HIDDEN:
                attack.same({(question, line.category, line.industry): 1.0}, float(line.count))
        for line in total[total["question"] == question].itertuples():
            own = key_of(item, line.category)
            rows = [a for a in answers if key_of(item, a) == own] or [
                a for a in answers if key_of(item, a) in missing and own in missing
            ]
            if line.count != HIDDEN:
                sums = {(str(question), a, j): 1.0 for a in rows for j in INDUSTRIES}
                attack.same(sums, float(line.count))
        for j in INDUSTRIES:
            mine = {(str(question), a, j): 1.0 for a in answers}
            if item.kind != "multi":
                attack.same({**mine, ("size", j): -1.0})
                continue
            gone = {n: -1.0 for n in mine if key_of(item, n[1]) in missing}
            for name in mine.keys() - gone.keys():
                attack.no_less({("size", j): 1.0, name: -1.0, **gone})
    know_filters(attack, cells)


def know_filters(attack: Attack, cells: pd.DataFrame) -> None:
    for question, part in cells.groupby("question", sort=False):
        item = ITEMS[str(question)]
        if item.asked_if is None:
            continue
        parent = next(i for i in ITEMS.values() if i.key == item.asked_if.item)
        before = cells[cells["question"] == parent.printed_key]["category"].unique()
        missing = {answer.key for answer in item.missing}
        gone = [a for a in part["category"].unique() if key_of(item, a) in missing]
        for j in INDUSTRIES:
            left = {(parent.printed_key, a, j): -1.0 for a in before
                    if key_of(parent, a) not in item.asked_if.any_of}  # fmt: skip
            here = {(str(question), a, j): 1.0 for a in gone}
            if item.kind == "multi":
                attack.same({**here, **left})
            else:
                attack.no_less({**here, **left})


def step_of(steps: list[str], industry: str) -> Name:
    return ("flow", *steps, industry)


def know_flow(attack: Attack, tables: dict[str, pd.DataFrame]) -> None:
    cells = tables["by_industry"]
    for _, part in tables["flow"].groupby(["analysis", "outcome"], sort=False):
        steps = list(part["step"])
        names = [partial(step_of, steps[: at + 1]) for at in range(len(steps))]
        for at, line in enumerate(part.to_dict("records")):
            name = names[at]
            if line["all"] != HIDDEN:
                attack.same({name(j): 1.0 for j in INDUSTRIES}, float(line["all"]))
            for j in INDUSTRIES:
                if line[j] != HIDDEN:
                    attack.same({name(j): 1.0}, float(line[j]))
                if at == 0:
                    attack.same({name(j): 1.0, ("size", j): -1.0})
                    continue
                attack.no_less({names[at - 1](j): 1.0, name(j): -1.0})
                item = ITEMS.get(steps[at].split()[0])
                if item is not None:  # who did not answer is in the question's table
                    missing = {answer.key for answer in item.missing}
                    answers = cells[cells["question"] == item.printed_key]["category"].unique()
                    dropped = {(item.printed_key, a, j): 1.0 for a in answers
                               if key_of(item, a) in missing or a == "(missing)"}  # fmt: skip
                    attack.no_less({**dropped, names[at - 1](j): -1.0, name(j): 1.0})


def know_missing(attack: Attack, tables: dict[str, pd.DataFrame]) -> None:
    for line in tables["missingness"].to_dict("records"):
        j, quarter = line["industry"], line["quarter"]
        linked = ("flow", "surveyed", "linked to the register", j)
        states = {(quarter, state, j): 1.0 for state in STATES}
        attack.same({**states, linked: -1.0})
        for state in STATES:
            if line[state] != HIDDEN:
                attack.same({(quarter, state, j): 1.0}, float(line[state]))


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
    cells = tables["by_industry.csv"]
    few = cells[cells["count"].between(1, WIDTH - 1)]
    names: list[Name] = list(zip(few["question"], few["category"], few["industry"], strict=True))
    for line in tables["missingness.csv"].to_dict("records"):
        names += [(line["quarter"], s, line["industry"]) for s in STATES if 0 < line[s] < WIDTH]
    for _, part in tables["flow.csv"].groupby(["analysis", "outcome"], sort=False):
        counts, steps = part[INDUSTRIES].to_numpy(int), tuple(part["step"])
        for at, column in np.argwhere(
            (np.diff(-counts, axis=0) > 0) & (np.diff(-counts, axis=0) < WIDTH)
        ):
            names.append(("drop", *steps[: at + 2], INDUSTRIES[column]))
    return list(dict.fromkeys(names))


def attacked(folder: Path, targets: list[Name]) -> dict[Name, tuple[float, float]]:
    tables, attack = published(folder), Attack()
    know_answers(attack, tables)
    know_flow(attack, tables)
    know_missing(attack, tables)
    for target in targets:
        if target[0] == "drop":
            before, after = ("flow", *target[1:-2], target[-1]), ("flow", *target[1:])
            attack.same({target: 1.0, before: -1.0, after: 1.0})
    return {name: (low, high) for name, low, high in attack.bounds(targets)}


def recovered(folder: Path, targets: list[Name]) -> dict[Name, tuple[float, float]]:
    """Counts that the attacker knows to less than an interval of three."""
    return {
        name: (low, high)
        for name, (low, high) in attacked(folder, targets).items()
        if math.floor(high + 1e-6) - math.ceil(low - 1e-6) < WIDTH
    }


@pytest.mark.parametrize(("industry", "size"), [("ict", 2), ("", 0)])
def test_no_hidden_cell_is_recovered(
    replica: AnalysisSample, tmp_path: Path, industry: str, size: int
) -> None:
    """Two workplaces in one industry, and all of them; more in `tests/studies/disclosure.csv`."""
    sample = with_small_industry(replica, industry, size) if industry else replica
    write_description(tmp_path, sample)
    targets = sensitive(sample)
    assert len(targets) > 100
    assert recovered(tmp_path, targets) == {}


def test_the_attacker_can_attack(
    replica: AnalysisSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the small cells themselves are hidden, most of them come back exactly."""

    def only_small(question: Any, *_: object) -> Suppression:
        return Suppression(question.rules != "", (), complete=True)

    monkeypatch.setattr("bayes_sf.output.protected_answers._suppressed", only_small)
    write_description(tmp_path, replica)
    cells = description_tables(replica)["by_industry.csv"]
    true = cells.set_index(["question", "category", "industry"])["count"]
    targets = [name for name in sensitive(replica) if name in true.index][:30]
    found = recovered(tmp_path, targets)
    assert len(found) > 15
    assert sum(low == high == true[name] for name, (low, high) in found.items()) > 10
