"""What lme4, lmerTest, ordinal and brms recorded of models (`tests/references`), by our names."""

import re
from functools import cache
from pathlib import Path

import pandas as pd

REFERENCES = Path(__file__).parents[1] / "references"
MIXED, GLMER, BRMS = (REFERENCES / name for name in ("mixed", "glmer", "brms"))

#: R writes a dummy as the column and the level; formulae has brackets, and counts from 0.
_TERMS = (
    (r"\bc(low|mid|top)\b", r"c[\1]"), (r"poly\(x, 2\)1", "poly(x, 2)[0]"),
    (r"poly\(x, 2\)2", "poly(x, 2)[1]"), (r"I\(x\^2\)", "I(x ** 2)"),
    (r"\b(livch|period|year|temp|contact)(n\d|p\d|y\d\d|warm|yes)\b", r"\1[\2]"),
)  # fmt: skip
_FACTORS = {"h:g": "g:h", "variety:block": "block:variety"}


def models(folder: Path = MIXED) -> pd.DataFrame:
    """Every model: data, engine or family, formula, what is recorded."""
    return pd.read_csv(folder / "models.csv", keep_default_na=False).set_index("model")


@cache
def _fits(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "fits.csv", keep_default_na=False)


@cache
def data(name: str, folder: Path = MIXED) -> pd.DataFrame:
    """Rows that are kept here."""
    return pd.read_csv(folder / "data" / f"{name}.csv")


def kept(folder: Path = MIXED) -> list[str]:
    """Models whose rows are kept here."""
    table = models(folder)
    there = {path.stem for path in (folder / "data").glob("*.csv")}
    return list(table.index[table["data"].isin(there)])


def term(name: str) -> str:
    """Our name of a coefficient."""
    for pattern, ours in _TERMS:
        name = re.sub(pattern, ours, name)
    return name


def factor(name: str) -> str:
    """Our name of a factor: nested ones the other way round, and ``g.1`` is g."""
    name = re.sub(r"\.\d+$", "", name)
    return _FACTORS.get(name, name)


def recorded(model: str, quantity: str, folder: Path = MIXED) -> dict[str, float]:
    """Values of one quantity of lme4's, by our name."""
    table = _fits(folder)
    table = table[(table["model"] == model) & (table["quantity"] == quantity)]
    found = {}
    for row in table.itertuples():
        found[_name(quantity, str(row.term), str(row.other))] = float(row.value)
    return found


def _name(quantity: str, first: str, other: str) -> str:
    if quantity == "sd":
        return "sd_resid" if first == "Residual" else f"sd_{term(other)}|{factor(first)}"
    if quantity == "correlation":
        one, two = other.split(" ")
        return f"cor_{term(two)}.{term(one)}|{factor(first)}"
    if quantity in {"ranef", "condsd"}:
        level, _, column = other.rpartition("|")
        if factor(first) != first:  # the outer level comes last in R
            level = ":".join(reversed(level.split(":")))
        return f"{term(column)}|{factor(first)}|{level}"
    if quantity.startswith("profile"):
        kind, bar, at = first.partition("|")
        return "sd_resid" if first == "sigma" else f"{term(kind)}{bar}{factor(at)}"
    return term(first)
