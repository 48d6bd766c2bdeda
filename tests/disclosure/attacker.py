"""An attacker who knows what is published, what anybody can know, and linear programming.

Unknown counts are named by tuples: an answer by ``(question, answer, industry)``, a state of the
register by ``(quarter, state, industry)``, workplaces that are left after some rules by
``("flow", *rules, industry)``, surveyed ones by ``("size", industry)``.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix

from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.disclosure.learnt.knowledge import Knowledge, as_weights
from bayes_sf.disclosure.learnt.left import Left
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.variables import Item
from bayes_sf.output.words.words import industry_name
from bayes_sf.spec.analysis import load_analysis

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

    def recovered(self, targets: list[Name]) -> dict[Name, tuple[float, float]]:
        """Smallest and largest value of counts that are known to less than an interval of three.

        Every solution of a linear program is a set of counts that nothing known contradicts. A
        target that has been seen that far apart in two of them needs no program of its own.
        """
        size, places = len(self.names), [self.names[target] for target in targets]
        (equal, known), (least, zero) = self._matrix(self.equal), self._matrix(self.least)
        ends = np.full((2, len(targets)), [[np.inf], [-np.inf]])
        found = {}
        for at, target in enumerate(targets):
            for sign in (1, -1):
                if is_wide(*ends[:, at]):
                    break
                cost = np.zeros(size)
                cost[places[at]] = sign
                solved = linprog(
                    cost, A_ub=least, b_ub=zero, A_eq=equal, b_eq=known, bounds=(0, None)
                )
                assert solved.status in {0, 3}, solved.message  # solved, or without end
                if solved.status == 3:
                    ends[1, at] = np.inf
                    continue
                ends[0] = np.minimum(ends[0], solved.x[places])
                ends[1] = np.maximum(ends[1], solved.x[places])
            low, high = map(float, ends[:, at])
            if not is_wide(low, high):
                found[target] = low, high
        return found

    def _matrix(self, rows: list[tuple[dict[int, float], float]]) -> tuple[coo_matrix, list[float]]:
        """Coefficients, and what their sums are."""
        cells = [(r, c, v) for r, (row, _) in enumerate(rows) for c, v in row.items()]
        at, column, value = zip(*cells, strict=True)
        return coo_matrix((value, (at, column)), (len(rows), len(self.names))), [v for _, v in rows]


def is_wide(low: float, high: float) -> bool:
    """Whether an interval holds whole numbers that are three apart."""
    if math.isinf(high):
        return low < math.inf
    return math.floor(high + 1e-6) - math.ceil(low - 1e-6) >= WIDTH


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


def whole_of(rows: pd.DataFrame) -> float:
    """How many there are in all: the number that most counts and their rounded shares allow.

    Not all do: shares of a question that only some are asked are of those.
    """
    count, percent = rows["count"].astype(float), rows["percent"].astype(float)
    likely = (count / percent * 100).median().round()
    near = [likely + off for off in (0, -1, 1, -2, 2, -3, 3) if likely + off > 0]
    return float(max(near, key=lambda n: ((count / n * 100 - percent).abs() <= 0.05 + 1e-9).sum()))


def know_answers(attack: Attack, tables: dict[str, pd.DataFrame]) -> None:
    cells, total = tables["by_industry"], tables["univariate"]
    shown = cells[(cells["count"] != HIDDEN) & (cells["count"] != "0")]
    whole = total[(total["count"] != HIDDEN) & (total["count"] != "0")]
    attack.same({("size", j): 1.0 for j in INDUSTRIES}, whole_of(whole))
    for industry, part in shown.groupby("industry"):
        attack.same({("size", str(industry)): 1.0}, whole_of(part))
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


# Counts of models, wherever a run says them


def rules_of(steps: Iterable[str]) -> frozenset[str]:
    """Rules, with those that they imply: who has three quarters has one."""
    found = set(steps)
    for step in list(found):
        if step.startswith("at least "):
            least = int(step.split()[2])
            found |= {f"at least {k} observed quarters" for k in range(1, least)}
        if step.startswith("absence_"):
            found.add("at least 1 observed quarters")
        if step.endswith(("observed", "observed quarters", "known")):
            found.add("linked to the register")
    return frozenset(found)


def know_parts(attack: Attack) -> None:
    """Who meets more rules is part of those who meet some of them."""
    chains = list(dict.fromkeys(name[1:-1] for name in attack.names if name[0] == "flow"))
    rules = [rules_of(chain) for chain in chains]
    for larger, some in zip(chains, rules, strict=True):
        for smaller, more in zip(chains, rules, strict=True):
            if smaller == larger or not some <= more:
                continue
            for j in INDUSTRIES:
                one, two = step_of(list(larger), j), step_of(list(smaller), j)
                if some == more:
                    attack.same({one: 1.0, two: -1.0})
                else:
                    attack.no_less({one: 1.0, two: -1.0})


class Tables(HTMLParser):
    """Rows of every table of a page, as texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
        if tag == "table":
            self.tables.append([])
        elif self.tables and tag == "tr":
            self.tables[-1].append([])
        elif self.tables and self.tables[-1] and tag in {"td", "th"}:
            self.tables[-1][-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.tables[-1][-1][-1] += data.strip()


class Run:
    """What commands have written of how many workplaces industries and models have.

    Parameters
    ----------
    sample : AnalysisSample
        For the rules of each model only, which the package's documents tell.
    folders : mapping
        Folder -> analysis that its command was given; "" where it needs none.
    """

    def __init__(self, sample: AnalysisSample, folders: Mapping[Path, str]) -> None:
        self.sample = sample
        self.counts: list[tuple[tuple[str, ...], str, int]] = []
        for folder, analysis in folders.items():
            for path in sorted(folder.rglob("*.csv")):
                self._read(path, analysis)
            for path in sorted(folder.glob("report*.html")):
                self._read_page(path)

    def chain(self, analysis: str, model: str, outcome: str) -> tuple[str, ...]:
        """Rules of a model, in order; `loo` calls an analysis's only model as the analysis."""
        specs, names = load_analysis(analysis).specs, {model}
        if len(specs) == 1 and model == Path(analysis).stem:
            names.add(specs[0].name)
        spec = next(one for one in specs if one.outcome == outcome and one.name in names)
        flow = self.sample.flow(
            outcome=outcome, predictors=spec.predictors, min_quarters=spec.min_quarters
        )
        return tuple(flow["step"])

    def _tell(self, chain: tuple[str, ...], industry: str, n: str) -> None:
        if n not in {HIDDEN, ""}:
            self.counts.append((chain, industry, int(float(n))))

    def _read(self, path: Path, analysis: str) -> None:
        """Read what has an n; know what else names industries."""
        lines = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
        kind = path.stem.partition("_null_")[0].rpartition("_en_")[2]
        read = {
            "shrinkage": self._groups, "checks": self._groups, "groups": self._groups,
            "refits": self._refits, "specifications": self._specifications,
            "options": self._options,
            "estimates": self._whole, "pooling": self._whole,
        }.get(kind)  # fmt: skip
        if read and analysis:
            read([line for line in lines if "Group" not in line], analysis)
            return
        known = {*INDUSTRIES, *LABELS}
        named = any(known & {*line, *line.values()} for line in lines)
        same = kind.startswith(("flow_", "table_", "shrinkage_"))  # as `describe` and `compare` say
        assert not named or same or kind in READ, f"{path} names industries: how is it to be read?"

    def _groups(self, lines: list[dict[str, str]], analysis: str) -> None:
        for line in lines:
            chain = self.chain(analysis, line["model"], line["outcome"])
            self._tell(chain, line["group"] or "all", line["n"])

    def _whole(self, lines: list[dict[str, str]], analysis: str) -> None:
        for line in lines:
            self._tell(self.chain(analysis, line["model"], line["outcome"]), "all", line["n"])

    def _refits(self, lines: list[dict[str, str]], analysis: str) -> None:
        """What all have, less what is left without an industry, is the industry's."""
        whole = ""
        for line in lines:
            chain = self.chain(analysis, line["model"], line["outcome"])
            if line["left_out"] == "nobody":
                whole = line["n"]
                self._tell(chain, "all", whole)
            elif line["left_out"] == "industry" and not {HIDDEN, ""} & {line["n"], whole}:
                self._tell(chain, line["which"], str(int(whole) - int(line["n"])))

    def _options(self, lines: list[dict[str, str]], _: str) -> None:
        for line in lines:
            assert line["option"] not in INDUSTRIES or line["n_least"] == HIDDEN

    def _specifications(self, lines: list[dict[str, str]], _: str) -> None:
        """Rows of other definitions: no n that is an equation in one of an industry's."""
        for line in lines:
            assert line.get("without", "none") == "none" or line["n"] in {HIDDEN, ""}

    def _read_page(self, path: Path) -> None:
        """Levels of industries on a page: of the null models, in the order of the outcomes."""
        found = [table for table in Tables(path.read_text(encoding="utf-8")).tables
                 if any("Raw mean" in row for row in table)]  # fmt: skip
        for table, outcome in zip(found, ("absence_mean", "absence_change"), strict=True):
            head = next(row for row in table if "Raw mean" in row)
            for row in table:
                if row and row[0] in LABELS:
                    n = row[head.index("n")]
                    self._tell(self.chain("null", "null", outcome), LABELS[row[0]], n)


#: Files that name industries and are read elsewhere (answers, flow, states of the register), or say
#: no number of workplaces.
READ: Final = {
    "by_industry", "flow", "missingness", "univariate", "belonging", "disclosure", "fan", "days",
    "cells", "estimates",
}  # fmt: skip
LABELS: Final = {industry_name(key): key for key in INDUSTRIES}


def know_models(attack: Attack, run: Run) -> None:
    """The n of models, of industries in them, and what is left where an industry is left out."""
    for chain, industry, n in run.counts:
        names = INDUSTRIES if industry == "all" else [industry]
        attack.same({step_of(list(chain), j): 1.0 for j in names}, float(n))


# Outcomes, from figures of models and of sets of models


def outcome_widths(
    left: Sequence[Left], frame: pd.DataFrame, outcome: str, *, targets: int
) -> list[float]:
    """Half of the interval in which each of the best known outcomes lies, in what is allowed.

    The attacker has every figure rounded, knows that absence is 0 to 100, and the outcome of the
    workplace that tells most of the target. What is allowed is 10 % or half a percentage point.
    """
    y = np.nan_to_num(frame[outcome].to_numpy(float))
    place = {name: at for at, name in enumerate(frame["workplace"])}
    rows, ends, known = [], [], Knowledge.of_spread(float(np.std(y)), len(y))
    for one in left:
        weights = as_weights(one.weights, [place[name] for name in one.workplaces], len(y))
        known = known.after(weights, np.maximum(one.half, 1e-3))  # whom to look for
        for row, half in zip(weights, one.half, strict=True):
            value = np.round(row @ y / (2 * half)) * 2 * half
            rows.append(row)
            ends.append((value - half, value + half))
    matrix, (low, high) = np.array(rows), np.array(ends).T
    allowed = np.maximum(0.5, 0.1 * y)
    order = [k for k in np.argsort(known.spread() / allowed) if np.isfinite(frame[outcome].iloc[k])]
    widths = []
    for target in order[:targets]:
        shared = np.abs(known.cov[target]) / np.sqrt(np.diag(known.cov))
        shared[target] = 0.0
        other = int(np.argmax(shared))
        bounds = [(0.0, 100.0)] * len(y)
        bounds[other] = (y[other], y[other])
        found = []
        for sign in (1.0, -1.0):
            cost = np.zeros(len(y))
            cost[target] = sign
            solved = linprog(
                cost, A_ub=csr_matrix(np.vstack([matrix, -matrix])), b_ub=[*high, *-low],
                bounds=bounds, method="highs",
            )  # fmt: skip
            found.append(sign * solved.fun if solved.status == 0 else sign * -np.inf)
        widths.append(float((found[1] - found[0]) / 2 / allowed[target]))
    return widths
