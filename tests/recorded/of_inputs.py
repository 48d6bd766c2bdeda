"""Recorded calls of the inputs: the replica's files, good and bad ones, folders, drafts."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.errors import BayesSFError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.descriptives import describe_all, describe_by_industry
from bayes_sf.inputs.design import build_design, count_flow, follow_rules, score
from bayes_sf.inputs.files.delimited import csv_format, csv_records
from bayes_sf.inputs.files.tabular import read_cells
from bayes_sf.inputs.own_study.draft import draft_study
from bayes_sf.inputs.own_table import read_table
from bayes_sf.inputs.panel import build_panel
from bayes_sf.inputs.printed.drafts import draft_of_summary
from bayes_sf.inputs.printed.figure import read_figure
from bayes_sf.inputs.printed.folder import read_published
from bayes_sf.inputs.printed.grids import tables_of
from bayes_sf.inputs.printed.layouts import draft_of_tables
from bayes_sf.inputs.pseudonym import key_of, mask_numbers, workplace_number
from bayes_sf.inputs.published import published_table, rounding_interval, scalar
from bayes_sf.inputs.register.quarters import (
    parse_quarter,
    quarter_name,
    quarter_range,
    quarters_in_mask,
    working_days,
)
from bayes_sf.inputs.register.reader import read_register
from bayes_sf.inputs.survey import read_survey
from bayes_sf.spec.analysis import analysis_names, load_analysis
from tests.recorded.frames import gaps
from tests.recorded.values import refused

ROOT = Path(__file__).parents[1]
BAD, READ = ROOT / "bad_inputs", ROOT / "references/reread"
KEY = bytes(range(32))


def _said(call: Any) -> Any:
    """What a call returns, or what it is refused with, without folders."""
    found = refused(call)
    return str(found).replace(str(ROOT), "") if isinstance(found, BayesSFError) else found


def of_register() -> Any:
    names = [f"good_register_{kind}.csv" for kind in ("enterprise", "workplace")]
    found = read_register([BAD / name for name in names], key=KEY)
    chosen = found.workplaces["workplace"].iloc[:5] if "workplace" in found.workplaces else []
    return found.workplaces, refused(lambda: found.select(chosen)), found.extracts, found.problems


def of_survey() -> Any:
    found = read_survey(BAD / "good_survey.csv", key=KEY)
    return found


def of_quarters() -> Any:
    texts = ["2016K1", "2016Q4", "20163", "2016K5", "2016-2", "2016 K 2", "16K1", "2016", "2016Q0",
             "kv1 2016", "2016.4", "1899K1", "2101Q1", "", "2016K10"]  # fmt: skip
    first = parse_quarter("2016Q1")
    return [
        [_said(partial(parse_quarter, text)) for text in texts],
        [working_days(first + i) for i in range(24)], [quarter_name(first + i) for i in range(5)],
        list(quarter_range("2016Q2", "2017Q3")), _said(lambda: quarter_range("2017Q1", "2016Q4")),
        quarters_in_mask(0b1011), quarters_in_mask(0),
    ]  # fmt: skip


def of_numbers() -> Any:
    cells = ["912345678", "912 345 678", "91234567", "9123456789", "0123456789", "912345678.0",
             "\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", "91234567a", "", "  ", "9.12e8",
             "-912345678", "912\u00a0345\u00a0678", "0912345678", "00912345678", "100000008"]  # fmt: skip
    texts = ["row 912345678 and 91234567", "a912345678b", "912 345 678", "12345678901", "none"]
    keys = [b"", b"a", bytes(15), bytes(16), bytes(31), bytes(32), bytes(64), b"a" * 32, KEY]
    return (
        [workplace_number(cell) for cell in cells], [mask_numbers(text) for text in texts],
        [_said(partial(key_of, key)) for key in keys],
    )  # fmt: skip


def of_printed_figures() -> Any:
    texts = ["0.05", "0,05", "-1.230", "<0.001", "< .001", "***", "0.05*", "1 234", "1,234.5", "(0.2)",
             "[0.1, 0.2]", "NA", "", "-", "\u22120.5", "12 %", "1e-3", "0.000", "+0.1",
             ".5", "5.", "1.234.567", "0.05**", ">0.9", "= 0.2"]  # fmt: skip
    marks = [".", ","]
    return [
        [
            _said(lambda t=t, m=m, o=o: read_figure(t, "place", decimal_mark=m, **o))
            for m in marks for o in ({}, {"bounds": True}, {"marks": ("*", "**", "***")})
            for t in texts
        ],
        [_said(partial(rounding_interval, text)) for text in ("0.05", "-1.2", "3", "0", "-0.0", "x")],
        [_said(lambda: rounding_interval("1.20", decimals=1)), _said(partial(scalar, "no"))],
    ]  # fmt: skip


def of_published() -> Any:
    names = ("univariate", "46", "47", "q13", "no", "11")
    return [_said(partial(published_table, name)) for name in names]


def of_drafts() -> Any:
    found: dict[str, Any] = {}
    for path in sorted((READ / "summaries").glob("*.txt")):
        found[path.name] = draft_of_summary(path.read_text(encoding="utf-8"), path.name)
    for path in sorted((READ / "tables").glob("*.html")):
        found[path.name] = draft_of_tables(tables_of(path), path.name)
    text = (READ / "summaries/lme4_ml.txt").read_text(encoding="utf-8")
    for odd in ("Random effects:", "Fixed effects:", "Number of obs"):
        found[odd] = _said(
            lambda odd=odd: draft_of_summary(text.replace(odd, "Nothing"), "odd.txt")
        )
    return found


#: Changes to a folder of printed results that are refused, or not: each is made to the same one.
_CHANGES = (
    ("components.csv", "0.", "0,"), ("components.csv", "0.", "-0."), ("fit.csv", "1", "x"),
    ("study.toml", "schema = 1", "schema = 2"), ("study.toml", "n = ", "m = "),
    ("study.toml", "groups = ", "groups = -"), ("coefficients.csv", "estimate", "estimat"),
    ("coefficients.csv", "(Intercept)", "x"), ("components.csv", "variance", "sd"),
    ("study.toml", "REML", "reml2"), ("fit.csv", "model", "modell"), ("study.toml", "[", "[["),
    ("components.csv", "Residual", "residual"), ("coefficients.csv", ",", ";"),
    ("study.toml", "groups = ", "groups = 9"), ("study.toml", "groups = ", "sizes = [1, 1]\ngroups = "),
    ("study.toml", "groups = ", "smallest = 0\ngroups = "), ("study.toml", "groups = ", "largest = 1\ngroups = "),
    ("study.toml", "groups = ", 'icc = "1.2"\ngroups = '), ("study.toml", "groups = ", 'icc = "0.2"\ngroups = '),
    ("study.toml", "groups = ", "interval = { level = 1.0 }\ngroups = "), ("study.toml", "groups = ", "groups = 1 # "),
    ("study.toml", "groups = ", "groups = 2 # "), ("study.toml", "n = ", "n = 1 # "), ("study.toml", "n = ", "n = true # "),
    ("coefficients.csv", "0.", "1e"), ("coefficients.csv", "(Intercept)", "(intercept)"), ("fit.csv", "aic", "bic"), ("study.toml", "n = ", "n = 0 # "),
)  # fmt: skip


def of_folders() -> Any:
    source = ROOT / "printed_results/hox_popularity_sex"
    found = [read_published(source)]
    for name, old, new in _CHANGES:
        with tempfile.TemporaryDirectory() as place:
            for path in source.iterdir():
                text = path.read_text(encoding="utf-8")
                text = text.replace(old, new, 1) if path.name == name else text
                (Path(place) / path.name).write_text(text, encoding="utf-8")
            made = _said(lambda p=place: read_published(Path(p)))
            found.append(made.replace(place, "") if isinstance(made, str) else made)
    return found


_TABLE = "y;x;g;c\n1,5;2;a;ja\n2;3,25;b;nei\n;1;a;ja\n4;-;b;\n5;6;a;ja\n"


def of_own_tables() -> Any:
    texts = {
        "good": _TABLE, "points": _TABLE.replace(",", "."), "both": _TABLE.replace("3,25", "3.25"),
        "thousands": _TABLE.replace("1,5", "1,500").replace("3,25", "3,250"), "text": _TABLE.replace("6", "six"),
        "ragged": _TABLE + "1;2\n", "quotes": _TABLE.replace("ja", '"ja"'), "header": "y;x;g;c\n",
        "no g": _TABLE.replace(";g;", ";h;"), "twice": _TABLE.replace("x;g", "y;g"), "empty": "",
        "comma": _TABLE.replace(",", ".").replace(";", ","), "tab": _TABLE.replace(";", "\t"),
        "open quote": _TABLE.replace("ja", '"ja', 1), "spaces": _TABLE.replace("2;", " 2 ;"),
    }  # fmt: skip
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "t.csv"
        for name, text in texts.items():
            path.write_text(text, encoding="utf-8")
            found[name] = [
                _said(lambda: read_table(path, ["y", "x", "g", "c"], groups=["g"])),
                _said(lambda: csv_format(path)), _said(lambda: list(csv_records(path, csv_format(path)))),
                _said(lambda: read_table(path, ["y", "x", "g"], groups=["g"], decimal=".")),
            ]  # fmt: skip
        for encoding in ("utf-16", "cp1252", "utf-8-sig"):
            path.write_text(_TABLE.replace("ja", "jå"), encoding=encoding)
            found[encoding] = _said(lambda: csv_format(path)), _said(lambda: read_cells(path))
        found["draft"] = _said(
            lambda: draft_study(_written(path, gaps()), group="g", outcomes=["y"])
        )
        found["no group"] = _said(lambda: draft_study(_written(path, gaps())))
        gaps().to_excel(Path(place) / "t.xlsx", index=False)
        found["excel"] = _said(
            lambda: read_table(Path(place) / "t.xlsx", ["y", "x", "g", "c"], groups=["g"])
        )
    return found


def _written(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


def of_own_studies() -> Any:
    with sf.study(ROOT / "own_studies/pupils") as sample:
        return sample, [spec for name in analysis_names() for spec in load_analysis(name).specs]


def of_replica() -> Any:
    sample = sf.load_sample("replica")
    frame = sample.frame
    asked: dict[str, Any] = {"outcome": "absence_mean", "predictors": ("q13", "women_share")}
    every = describe_all(frame)
    weight = frame["n_employees"]
    return [
        every, describe_by_industry(frame), describe_by_industry(frame, weight),
        sample.missingness(), count_flow(frame, **asked), sample.digest, sample.problems,
        [_said(lambda k=k: score(frame, k)) for k in ("q13", "q17", "q14.1", "q21", "industry")],
        build_design(frame, **asked), build_design(frame, **asked, standardize=("q13",), min_quarters=5),
        _said(lambda: build_design(frame, outcome="absence_change", predictors=("q99",))),
        follow_rules(frame, **asked), follow_rules(frame, outcome="absence_change", min_quarters=1),
        build_panel(sample, ("q13", "women_share")), build_panel(sample, ("q17",), unlinked=True),
    ]  # fmt: skip


def of_codebook() -> Any:
    book = load_codebook()
    keys = ("q13", "q14.1", "q19r1", "industry", "no", "q99", "q1")
    return [
        [_said(lambda k=k: book.item(k)) for k in keys], [_said(partial(book.term, k)) for k in keys],
        [_said(partial(book.label, k)) for k in keys], [_said(partial(book.industry, k)) for k in keys],
        [len(item.categories) for item in book.items.values()], np.array(len(book.items)),
        [item.label for item in list(book.items.values())[:20]], list(book.controls), book.preventive,
    ]  # fmt: skip
