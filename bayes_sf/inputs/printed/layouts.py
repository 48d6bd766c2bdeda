r"""Tables of models, placed into the files of a folder; what has no place is said.

Two layouts are known. In the wide one every model has columns (Estimates, CI, p: sjPlot's
`tab_model`, or a plain table of one model). In the stacked one every model has one column, and
what belongs to an estimate stands below it (R's `modelsummary` and `texreg`).

Examples
--------
>>> table = (
...     "<table><tr><th></th><th>(1)</th></tr><tr><td>x</td><td>0.52*</td></tr><tr><td></td>"
...     "<td>(0.21)</td></tr><tr><td>SD (Intercept g)</td><td>1.20</td></tr>"
...     "<tr><td>SD (Observations)</td><td>2.05</td></tr><tr><td>RMSE</td><td>2.0</td></tr></table>"
... )
>>> from bayes_sf.inputs.printed.grids import tables_of_html
>>> files = draft_of_tables(tables_of_html(table), "a.html")
>>> files["components.csv"]
'model,group,sd\n(1),g,1.20\n(1),Residual,2.05\n'
>>> print(files["study.toml"].splitlines()[2])
# row RMSE, column (1): 2.0
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.printed.grids import Cell, Grid

__all__ = ["draft_of_tables"]

_FIGURE: Final = r"[-\u2212\u2013]?\d*[.,]?\d+(?:[eE][-+]?\d+)?"
_STAR: Final = r"(?:\s*(\*+|\+))?"
#: Headings of statistics, without blanks and points, and our columns; "ci" is parted into two.
_STATISTICS: Final = {
    "estimates": "estimate", "estimate": "estimate", "b": "estimate", "coefficient": "estimate",
    "coef": "estimate", "stderror": "se", "standarderror": "se", "se": "se", "tvalue": "t",
    "t": "t", "zvalue": "z", "z": "z", "df": "df", "p": "p", "pvalue": "p", "pr(>|t|)": "p",
    "pr(>|z|)": "p", "ci": "ci", "95%ci": "ci", "confint(95%)": "ci", "confint": "ci",
    "ci(95%)": "ci",
}  # fmt: skip
_TERMS: Final = {"", "predictors", "predictor", "term", "terms", "variable", "parameter"}
#: Figures of a whole model, as programs call them, and our columns of fit.csv.
_FIT: Final = {
    "icc": "icc", "aic": "aic", "bic": "bic", "loglik": "loglik", "loglikelihood": "loglik",
    "deviance": "deviance", "r2marg": "r2_marginal", "r2cond": "r2_conditional",
    "observations": "n", "numobs": "n", "nobs": "n", "numberofobservations": "n",
}  # fmt: skip
_SECTIONS: Final = {"random effects", "fixed effects", "random parts", "fixed parts"}
_COEFFICIENT: Final = ("estimate", "se", "t", "z", "df", "p", "ci_low", "ci_high")
_COMPONENT: Final = ("variance", "sd", "corr")


def _put(place: dict[str, str], new: dict[str, str]) -> bool:
    """Place figures; False, and none of them, where another stands."""
    free = all(place.get(name, text) == text for name, text in new.items())
    place |= new if free else {}
    return free


@dataclass
class _Model:
    """What was placed of one model: coefficients by term, components by group and term."""

    outcome: str = ""
    coefficients: dict[str, dict[str, str]] = field(default_factory=dict)
    components: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    fit: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    def component(self, group: str, term: str, column: str, text: str) -> bool:
        """Place one; False where one stands there."""
        return _put(self.components.setdefault((group, term), {}), {column: text})


@dataclass
class _Draft:
    """Models by name, marks of significance, and what has no place."""

    models: dict[str, _Model] = field(default_factory=dict)
    stars: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    bracketed: bool = False
    #: Whether figures of whole models have begun: what follows is no coefficient.
    below: bool = False

    def leave(self, row: str, column: str, text: str) -> None:
        """Say what has no place."""
        shown = " ".join(f"row {row}, column {column}: {text}".split())
        self.left.append(shown)


def draft_of_tables(tables: Sequence[Grid], where: str) -> dict[str, str]:
    """Files of a folder, from the one table of models among some.

    Parameters
    ----------
    tables : sequence of Grid
    where : str
        The file's name.

    Returns
    -------
    dict of str to str
        Name of a file -> its content.

    Raises
    ------
    DataError
        Where none, or more than one, is a table of models; where commas and points are both in
        figures.
    """
    known = [table for table in map(_whole, tables) if _heading(table) is not None]
    known = known or [table for table in map(_whole, tables) if _is_stacked(table)]
    if len(known) != 1:
        raise DataError(
            where, "must hold one table of models", got=f"{len(known)} of {len(tables)} tables",
            fix="save one table: tab_model's or modelsummary's HTML, a CSV or Word table with term "
            "and estimate",
        )  # fmt: skip
    table = known[0]
    heading = _heading(table)
    draft = _stacked(table) if heading is None else _wide(table, heading)
    if not any(one.coefficients or one.components or one.fit for one in draft.models.values()):
        raise DataError(where, "must hold a table of models", got="no figure that has a place")
    return _files(draft, where)


def _whole(table: Grid) -> Grid:
    """Take away the two columns of modelsummary's CSV for what its other tables leave blank."""
    head = [cell.text.casefold() for cell in table[0]] if table else []
    if head[:3] != ["part", "term", "statistic"]:
        return table
    rows = [(Cell(""), *table[0][3:])]
    for _, term, statistic, *cells in table[1:]:
        first = statistic.text in {"", "estimate"}
        rows.append((term if first else Cell(""), *cells))
    return tuple(rows)


def _plain(text: str) -> str:
    """A heading or label, to be looked up."""
    return re.sub(r"[\s.\u00b7-]", "", text.casefold()).replace("\u00b2", "2")


def _heading(table: Grid) -> int | None:
    """The row that names statistics."""
    for at, row in enumerate(table[:3]):
        names = [_STATISTICS.get(_plain(cell.text)) for cell in row[1:]]
        if row and _plain(row[0].text) in _TERMS and "estimate" in names:
            return at
    return None


def _is_stacked(table: Grid) -> bool:
    """Whether figures of whole models, or components, are rows."""
    probe = _Draft(models={"": _Model()})
    labels = [(row[0].text, row[1].text) for row in table if len(row) > 1]
    return any(_place(probe, "", label, text) for label, text in labels)


def _starts(row: Sequence[Cell]) -> list[int]:
    """Column in which each cell begins."""
    return [0, *accumulate(cell.span for cell in row)][:-1]


def _named(draft: _Draft, labels: Iterable[str], *, outcomes: bool) -> list[str]:
    """A model for each label; labels that stand twice, or are blank, get a number."""
    wanted = [label.replace("\n", " ") for label in labels]
    names = []
    for at, label in enumerate(wanted, start=1):
        name = label if label and wanted.count(label) == 1 and not outcomes else f"model {at}"
        while name in draft.models or (name != label and name in wanted):
            name += " of the table"
        draft.models[name] = _Model(outcome=label if outcomes else "")
        names.append(name)
    return names


def _wide(table: Grid, heading: int) -> _Draft:
    """Every model has columns."""
    draft = _Draft()
    statistics = dict(zip(_starts(table[heading]), table[heading], strict=True))
    above = table[heading - 1] if heading else ()
    tops = [(at, cell) for at, cell in zip(_starts(above), above, strict=True) if at > 0]
    if not tops:
        tops = [(1, Cell("", max(statistics)))]
    names = _named(draft, [cell.text for _, cell in tops], outcomes=True)
    owner = {at: name for (start, cell), name in zip(tops, names, strict=True)
             for at in range(start, start + cell.span)}  # fmt: skip
    for row in table[heading + 1 :]:
        cells = dict(zip(_starts(row), row, strict=True))
        if not _apart(draft, row):
            for at, cell in list(cells.items())[1:]:
                own = statistics.get(at)
                if at in owner and cell.text:
                    _wide_cell(draft, owner[at], row[0].text, own.text if own else "", cell.text)
                elif cell.text:
                    draft.leave(row[0].text, str(at + 1), cell.text)
    return draft


def _wide_cell(draft: _Draft, model: str, label: str, heading: str, text: str) -> None:
    """One cell of a wide table."""
    if _place(draft, model, label, text):
        draft.below = True
        return
    statistic = _STATISTICS.get(_plain(heading))
    own: dict[str, str] = {}
    random = re.match(r"(sd|cor|var)__", label) is not None  # as broom names components
    fits = statistic and not random and not draft.below and _statistic(draft, own, statistic, text)
    if not fits or not _put(draft.models[model].coefficients.setdefault(label, {}), own):
        draft.leave(label, f"{heading} of {model}", text)


def _statistic(draft: _Draft, own: dict[str, str], statistic: str, text: str) -> bool:
    """Place what stands under the heading of a statistic."""
    if statistic == "ci":
        return _interval(own, text)
    pattern = rf"([<>]?\s*{_FIGURE}){_STAR}"
    found = re.fullmatch(pattern, text)
    if found is None:
        return False
    own[statistic] = found[1] + _mark_of(draft, found[1], found[2])
    return True


def _mark_of(draft: _Draft, figure: str, mark: str | None) -> str:
    """Stars behind a figure; a plus, which could be a sign, is left out and said."""
    if mark == "+":
        draft.left.append(f"the + behind {figure}, which is no mark here")
    return mark if mark and mark != "+" else ""


def _interval(own: dict[str, str], text: str) -> bool:
    """Both ends of an interval."""
    apart = r"\s*(?:\u2013|\u2014|;|,\s|\bto\b|\s-\s)\s*"
    found = re.fullmatch(rf"[\[(]?\s*({_FIGURE}){apart}({_FIGURE})\s*[\])]?", text)
    return found is not None and _put(own, {"ci_low": found[1], "ci_high": found[2]})


def _stacked(table: Grid) -> _Draft:
    """Every model has one column."""
    draft = _Draft()
    titles = next((at for at, row in enumerate(table) if len(row) > 1), 0)
    for row in table[:titles]:
        draft.leave("of titles", "any", row[0].text)
    names = _named(draft, [cell.text for cell in table[titles][1:]], outcomes=False)
    term = ""
    for row in table[titles + 1 :]:
        if _apart(draft, row):
            continue
        label = row[0].text
        term = label or term
        for at, cell in enumerate(row[len(names) + 1 :], start=len(names) + 2):
            draft.leave(label, str(at), cell.text)
        for name, cell in zip(names, row[1:], strict=False):
            whole = bool(label) and bool(cell.text) and _place(draft, name, label, cell.text)
            draft.below |= whole
            own = draft.models[name].coefficients
            placed = whole or not cell.text or (
                not draft.below and _stacked_cell(draft, own, term, cell.text, below=not label)
            )  # fmt: skip
            if not placed:
                draft.leave(label or f"below {term}", name, cell.text)
    return draft


#: What modelsummary writes before a figure that says what it is.
_SAYS: Final = {"t": "t", "z": "z", "p": "p", "se": "se", "df": "df"}


def _stacked_cell(
    draft: _Draft, own: dict[str, dict[str, str]], term: str, text: str, *, below: bool
) -> bool:  # fmt: skip
    """An estimate, or what belongs to it."""
    if not below:
        found = re.fullmatch(rf"({_FIGURE}){_STAR}(?:\s*\(({_FIGURE})\){_STAR})?", text)
        if found is None or term in own:
            return False
        mark = _mark_of(draft, found[1], found[2] or found[4])
        own[term] = {"estimate": found[1] + mark} | ({"se": found[3]} if found[3] else {})
        draft.bracketed |= bool(found[3])
        return True
    row = own.get(term)
    bracketed = re.fullmatch(rf"\(({_FIGURE})\)", text)
    said = re.fullmatch(rf"\(?(t|z|p|s\.e\.|df)\s*=\s*([<>]?\s*{_FIGURE})\)?", text)
    if row is None:
        return False
    if bracketed:
        draft.bracketed = True
        return _put(row, {"se": bracketed[1]})
    if said:
        return _put(row, {_SAYS[_plain(said[1])]: said[2]})
    return _interval(row, text)


def _apart(draft: _Draft, row: Sequence[Cell]) -> bool:
    """Whether a row is none of figures: a heading, or a note such as * p<0.05."""
    legend = " ".join(cell.text for cell in row)
    found = re.findall(r"(\*+)\s*p\s*<\s*(\d*\.\d+)", legend)
    draft.stars |= dict(found)
    lone = len([cell for cell in row if cell.text]) < 2
    alone = len(row) == 1 or re.match(rf"\(?{_FIGURE}", row[0].text) is not None
    if lone and not found and alone and row[0].text.casefold() not in _SECTIONS:
        draft.leave("of notes", "any", row[0].text)
    if found and not lone:
        draft.leave("of notes", "any", legend)
    return bool(found) or (lone and bool(row[0].text)) or not any(cell.text for cell in row)


def _place(draft: _Draft, model: str, label: str, text: str) -> bool:
    """Place a figure of a whole model, or of its components."""
    own = draft.models[model]
    column = _FIT.get(_plain(label))
    if column is not None:
        return re.fullmatch(_FIGURE, text) is not None and _put(own.fit, {column: text})
    both = re.fullmatch(rf"({_FIGURE})\s*/\s*({_FIGURE})", text)
    if _plain(label) in {"marginalr2/conditionalr2", "r2marginal/r2conditional"} and both:
        return _put(own.fit, {"r2_marginal": both[1], "r2_conditional": both[2]})
    return _place_component(own, label, text) or _place_named(own, label, text)


def _place_component(own: _Model, label: str, text: str) -> bool:
    """Components as tab_model writes them: a figure, and below the line whose it is."""
    name = _plain(label)
    if name in {"\u03c32", "sigma2"}:
        fits = re.fullmatch(_FIGURE, text) is not None
        return fits and own.component("Residual", "", "variance", text)
    if name not in _WHOSE:
        return False
    lines = [re.fullmatch(rf"({_FIGURE})\s+(\S.*)", line) for line in text.splitlines()]
    found = [(line[1], line[2]) for line in lines if line]
    if not found or len(found) < len(lines):
        return False
    placed = [_whose(own, _WHOSE[name], value, whose) for value, whose in found]
    return all(placed)


#: Rows of tab_model whose figures say whose they are.
_WHOSE: Final = {"n": "groups", "\u03c400": "intercept", "\u03c411": "slope", "\u03c101": "corr"}


def _whose(own: _Model, kind: str, value: str, whose: str) -> bool:
    """Place one figure of a group, or of a slope in it."""
    group, _, term = whose.partition(".")
    if kind == "groups":
        return _put(own.groups, {whose: value})
    if kind == "intercept":
        return own.component(whose, "(Intercept)", "variance", value)
    if kind == "slope":
        return bool(term) and own.component(group, term, "variance", value)
    return _correlation(own, value, whose)


def _correlation(own: _Model, value: str, whose: str) -> bool:
    """A correlation goes to the slope, which it must name unless its group has one."""
    slopes = [(group, term) for group, term in own.components if term not in {"", "(Intercept)"}]
    fits = [one for one in slopes if whose in {".".join(one), one[0]}]
    return len(fits) == 1 and own.component(*fits[0], "corr", value)


#: Components as modelsummary and texreg name them: term t of group g, of the residual without.
_NAMED: Final = (
    (r"SD \(Observations\)", "sd"), (r"Var: Residual", "variance"),
    (r"SD \((?P<t>\S+) (?P<g>\S.*)\)", "sd"), (r"Var: (?P<g>\S+) (?P<t>\S.*)", "variance"),
    (r"Cor \(\(?Intercept\)?~(?P<t>\S+) (?P<g>\S.*)\)", "corr"),
)  # fmt: skip


def _place_named(own: _Model, label: str, text: str) -> bool:
    """Place a component by its name, or a number of groups."""
    if re.fullmatch(_FIGURE, text) is None:
        return False
    if groups := re.fullmatch(r"Num\.? groups: (.+)", label):
        return _put(own.groups, {groups[1]: text})
    for pattern, column in _NAMED:
        if found := re.fullmatch(pattern, label):
            whose = found.groupdict()
            term = _intercept(whose["t"]) if whose else ""
            return own.component(whose.get("g", "Residual"), term, column, text)
    return False


def _intercept(term: str) -> str:
    return "(Intercept)" if term in {"Intercept", "(Intercept)"} else term


def _files(draft: _Draft, where: str) -> dict[str, str]:
    """The files of the folder."""
    coefficients = [
        {"model": name, "term": term, **cells}
        for name, model in draft.models.items() for term, cells in model.coefficients.items()
    ]  # fmt: skip
    components = [
        {"model": name, "group": group, "term": term, **cells}
        for name, model in draft.models.items()
        for (group, term), cells in model.components.items()
    ]  # fmt: skip
    fits = [{"model": name, **{key: text for key, text in model.fit.items() if key != "n"}}
            for name, model in draft.models.items()]  # fmt: skip
    found = {
        "study.toml": _toml(draft, _decimal_mark(draft, where)),
        "coefficients.csv": _csv(coefficients, ("model", "term", *_COEFFICIENT)),
        "components.csv": _csv(components, ("model", "group", "term", *_COMPONENT)),
        "fit.csv": _csv([row for row in fits if len(row) > 1], ("model", *_FIT.values())),
    }
    return {name: text for name, text in found.items() if text}


def _csv(rows: Sequence[dict[str, str]], columns: Iterable[str]) -> str:
    """Rows as text, without columns that none has; "" without rows."""
    used = [name for name in dict.fromkeys(columns) if any(row.get(name) for row in rows)]
    if used and not any(row.get("term") not in {None, "", "(Intercept)"} for row in rows):
        used = [name for name in used if name != "term" or "estimate" in used]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([used, *([row.get(name, "") for name in used] for row in rows)])
    return out.getvalue() if rows else ""


def _decimal_mark(draft: _Draft, where: str) -> str:
    """The mark that figures have: one of the two."""
    texts = [text for model in draft.models.values()
             for cells in (*model.coefficients.values(), *model.components.values(), model.fit)
             for text in cells.values()]  # fmt: skip
    comma = next((text for text in texts if re.search(r"\d,\d|^-?,\d", text)), None)
    point = next((text for text in texts if "." in text), None)
    if comma and point:
        raise DataError(
            where, "must have one decimal mark", got=f"{comma} and {point}",
            fix="write thousands without a mark",
        )  # fmt: skip
    return "," if comma else "."


def _toml(draft: _Draft, mark: str) -> str:
    """The head: what is open as comments, and what had no place."""
    lines = ["# A draft: read every line against the print, and say what is open."]
    if draft.left:
        lines += ["# Not placed:", *(f"# {text}" for text in dict.fromkeys(draft.left))]
    if draft.bracketed:
        lines.append("# Figures in brackets below or behind estimates were put as se: are they?")
    lines += ["schema = 1", 'kind = "published"', 'title = ""    # open', 'source = ""   # open',
              f'decimal_mark = "{mark}"', ""]  # fmt: skip
    for name, model in draft.models.items():
        lines += [f"[models.{_text(name)}]", *_model_lines(model), ""]
    marks = {
        row.get("estimate", "").lstrip("-.,0123456789eE\u2212\u2013")
        for model in draft.models.values()
        for row in model.coefficients.values()
    } - {""}
    if draft.stars:
        lines += ["[stars]", *(f'"{star}" = {level}' for star, level in draft.stars.items())]
    elif marks:
        lines.append("# [stars]: open: what marks behind estimates stand for")
    return "\n".join(lines) + "\n"


def _model_lines(model: _Model) -> list[str]:
    """Keys of one model."""
    terms = [
        term for term in model.coefficients if term.casefold() not in {"(intercept)", "intercept"}
    ]
    names = list(model.groups) or [g for g, _ in model.components if g != "Residual"][:1]
    slopes = any(term not in {"", "(Intercept)"} for _, term in model.components)
    several = len({group for group, _ in model.components if group != "Residual"}) > 1
    lines = [f"outcome = {_text(model.outcome)}", 'unit = ""     # open',
             'estimator = "unknown"    # REML or ML: open']  # fmt: skip
    lines += [f"group = {_text(names[0])}"] if names else []
    counts = list(model.groups.values())
    lines += [_count("n", model.fit.get("n", "")), _count("groups", counts[0] if counts else "")]
    lines += [f"# further groups: {g} ({k})" for g, k in list(model.groups.items())[1:]]
    if slopes or several:
        lines.append('random = "crossed"    # or nested: open' if several else 'random = "slopes"')
    if any("ci_low" in row for row in model.coefficients.values()):
        lines.append('interval = { level = 0.95, reference = "unknown" }    # open')
    if terms:
        named = ", ".join(f'{_text(term)} = "unknown"' for term in terms)
        lines.append(f"terms = {{ {named} }}    # within or between: open")
    return lines


def _count(key: str, text: str) -> str:
    """A key with a number of rows or groups; what is none stays open."""
    return f"{key} = {text}" if text.isdecimal() else f"# {key}: open {text}".rstrip()


def _text(value: str) -> str:
    """A text of TOML, which quotes as JSON does."""
    return json.dumps(value, ensure_ascii=False)
