"""Write a small valid study and, from it, one file for each fault that a reader must survive.

`uv run python tests/bad_inputs/make.py` renews them all. The workplace numbers have right control
digits and begin with 1, as no Norwegian number does.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.register.extract import COLUMNS

HERE = Path(__file__).parent
PER_INDUSTRY = 4
QUARTERS = [f"{year}{quarter}" for year in range(2016, 2021) for quarter in range(1, 5)]


def numbers(n: int, *, start: int = 10_000_000) -> list[str]:
    """Numbers with a right control digit, the last of nine (modulus 11)."""
    stem = np.arange(start, start + 2 * n)
    digits = stem[:, None] // 10 ** np.arange(7, -1, -1) % 10
    control = -(digits @ np.array([3, 2, 7, 6, 5, 4, 3, 2])) % 11
    return [str(number) for number in (stem * 10 + control)[control < 10][:n]]


def survey() -> pd.DataFrame:
    """Answers drawn at random among those that each workplace may give, as codes."""
    rng = np.random.default_rng(1)
    book = load_codebook()
    n = PER_INDUSTRY * len(book.industries)
    columns = {"org_nr": numbers(n)}
    keys = {}
    for item in book.items.values():
        if item.kind == "multi":
            continue
        answers = [a for a in (*item.categories, *item.missing) if a.key != "not_asked"]
        draw = rng.integers(0, len(answers), n)
        if item.role == "group":
            draw = np.arange(n) % len(answers)
        keys[item.key] = [answers[i].key for i in draw]
        codes = [answers[i].code for i in draw]
        if item.asked_if is not None:
            gate = keys[item.asked_if.item]
            asked = [key in item.asked_if.any_of for key in gate]
            codes = [code if yes else 99 for code, yes in zip(codes, asked, strict=True)]
        columns[item.key] = codes
    return pd.DataFrame(columns).astype(str)


def register(org_nrs: Iterable[str], *, seed: int = 2) -> pd.DataFrame:
    """Twenty quarters of each workplace, one in ten without lost days."""
    rng = np.random.default_rng(seed)
    rows = []
    for org_nr in org_nrs:
        size, women = rng.uniform(300, 5000), rng.uniform(0.1, 0.9)
        for quarter in QUARTERS:
            contracted = size * rng.uniform(0.9, 1.1)
            lost = contracted * rng.uniform(0.0, 0.15)
            ages = rng.dirichlet([2, 4, 3])
            days = [contracted, contracted * women, *(contracted * ages)]
            days += [*(contracted * women * ages), lost, lost * women, *(lost * ages)]
            days += [*(lost * women * ages)]
            rows.append([org_nr, *np.round(days, 2), quarter])
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    gaps = rng.random(len(frame)) < 0.1
    lost = [name for name in frame if name.startswith(("sfdag", "td"))]
    frame.loc[gaps, lost] = np.nan
    return frame


def write(frame: pd.DataFrame, name: str, **options: Any) -> None:
    """Write one CSV."""
    frame.to_csv(HERE / name, **{"index": False, "sep": ";", "lineterminator": "\n", **options})


def spoil(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    """Copy a frame with one cell changed; row 0 is row 2 of the file."""
    spoilt = frame.astype(object).copy()
    spoilt.loc[row, column] = value
    return spoilt


def make_survey_faults(good: pd.DataFrame) -> None:
    """One survey for each fault."""
    write(good.iloc[:0], "survey_header_only.csv")
    write(good.drop(columns=["q13", "q17"]), "survey_missing_columns.csv")
    write(good.rename(columns={"q14.2": "q14.1"}), "survey_duplicated_columns.csv")
    write(good, "survey_wrong_delimiter.csv", sep="\t")
    write(good, "survey_wrong_encoding.csv", encoding="utf-16")
    write(spoil(good, 3, "industry", "fishing"), "survey_unknown_industry.csv")
    write(spoil(good, 4, "q13", "7"), "survey_code_outside_codebook.csv")
    not_asked = good.index[good["q20r1"] == "99"][0]
    write(spoil(good, not_asked, "q20r1", "3"), "survey_answer_where_not_asked.csv")
    write(spoil(good, 5, "org_nr", good["org_nr"][5][:-1] + "x"), "survey_invalid_number.csv")
    write(spoil(good, 6, "org_nr", good["org_nr"][7]), "survey_workplace_twice.csv")
    write(good.assign(org_nr=numbers(len(good), start=20_000_000)), "survey_not_in_register.csv")
    many = pd.DataFrame({f"x{i}": ["1"] for i in range(10_000)})
    write(many, "survey_10000_columns.csv")
    (HERE / "survey_empty.csv").write_bytes(b"")
    (HERE / "survey_directory.csv").mkdir(exist_ok=True)
    (HERE / "survey_directory.csv" / ".gitkeep").touch()
    whole = HERE / "whole.sav"
    pyreadstat.write_sav(good.rename(columns=lambda name: name.replace(".", "_")), str(whole))
    content = whole.read_bytes()
    (HERE / "survey_truncated.sav").write_bytes(content[: len(content) // 2])
    whole.unlink()


def make_register_faults(good: pd.DataFrame) -> None:
    """One extract for each fault."""
    comma = {"decimal": ","}
    write(good.iloc[:0], "register_header_only.csv")
    write(good.drop(columns=["mdagsv"]), "register_missing_columns.csv", **comma)
    write(good.rename(columns={"td_kv": "mdag_kv"}), "register_duplicated_columns.csv", **comma)
    write(good, "register_wrong_delimiter.csv", sep="|")
    write(spoil(good, 2, "sfdagsvj", "mange"), "register_text_in_numbers.csv", decimal=".")
    write(pd.concat([good, spoil(good.iloc[:1], 0, "sfdagsvj", 1.5)]), "register_two_rows.csv")
    write(spoil(good, 3, "aar_kvartal", "2016K5"), "register_quarter_2016K5.csv")
    write(spoil(good, 4, "org_nr", good["org_nr"][4][:-1]), "register_invalid_number.csv")
    write(spoil(good, 1, "mdagsv", "1234,5"), "register_two_decimal_marks.csv")
    points = good.map(lambda cell: f"{cell % 900:.3f}" if isinstance(cell, float) else cell)
    points = points.replace("nan", "")
    write(points, "register_point_of_decimals_or_thousands.csv")
    write(spoil(good, 1, "mdagsv", "1,234"), "register_comma_of_thousands.csv", sep=",")
    lines = good.to_csv(index=False, sep=";", lineterminator="\n").splitlines()
    ragged = [line + ";1" if i == 3 else line for i, line in enumerate(lines)]
    (HERE / "register_ragged.csv").write_text("\n".join(ragged) + "\n")
    whole = HERE / "whole.parquet"
    good.to_parquet(whole)
    content = whole.read_bytes()
    (HERE / "register_truncated.parquet").write_bytes(content[: len(content) // 2])
    whole.unlink()


def main() -> None:
    """Write everything."""
    good = survey()
    write(good, "good_survey.csv")
    extract = register(good["org_nr"][:-2])
    write(extract.iloc[: len(extract) // 2], "good_register_workplace.csv", sep=",")
    write(extract.iloc[len(extract) // 2 :], "good_register_enterprise.csv", sep=",")
    make_survey_faults(good)
    make_register_faults(extract.iloc[: len(QUARTERS)].reset_index(drop=True))


if __name__ == "__main__":
    main()
