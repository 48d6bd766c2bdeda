"""Our answers of public data, beside emmeans's and lme4's (`tests/references/asked/public.csv`).

`uv run python tests/studies/asked.py FOLDER`, FOLDER as `tests/references/asked/public.R` has
filled it; writes `tests/references/asked/ours.csv`.
"""

import sys
from pathlib import Path

import pandas as pd

import bayes_sf as sf

TARGET = Path(__file__).parents[1] / "references" / "asked" / "ours.csv"
FORMULAS = {
    "sleepstudy": "y ~ x + (1 + x | g)",
    "exam": "y ~ x + sex + (1 + x | g)",
    "penicillin": "y ~ 1 + (1 | plate) + (1 | sample)",
    "oats": "y ~ nitro + variety + (1 | block/variety)",
}
NEW = {
    "sleepstudy": {"x": [0, 5, 12], "g": ["308", "335", "372"]},
    "exam": {"x": [-2, 0, 1.5], "sex": ["F", "M", "F"], "g": ["1", "17", "65"]},
    "penicillin": {"plate": ["a", "g", "x"], "sample": ["A", "F", "C"]},
}


def main(folder: Path) -> None:
    """Fit, ask, write."""
    fits = {
        name: sf.fit(formula, pd.read_csv(folder / f"{name}.csv"), engine="reml")
        for name, formula in FORMULAS.items()
    }
    new = {name: pd.DataFrame(rows) for name, rows in NEW.items()}
    asked = []
    for name, rows in new.items():
        asked.append((name, "predict known", fits[name].predict(rows)))
        if name != "exam":
            asked.append((name, "predict new", fits[name].predict(rows, groups="new")))
    sleep = fits["sleepstudy"].predict(new["sleepstudy"], groups="new", kind="outcome")
    asked.append(("sleepstudy", "outcome new", sleep))
    oats = fits["oats"]
    means = oats.predict(groups="none", at={"variety": ["Golden Rain", "Marvellous", "Victory"]})
    pairs = oats.comparisons({"variety": "pairwise"})
    asked += [
        ("exam", "comparison of sex", fits["exam"].comparisons("sex")),
        ("oats", "mean of variety", means), ("oats", "pairs of variety", pairs),
        ("oats", "slope of nitro", oats.slopes("nitro")),
    ]  # fmt: skip
    found = [
        (name, question, table.index.get_level_values(-1)[place], row["estimate"], row["sd"],
         row.get("df"), row.get("p"))
        for name, question, table in asked
        for place, (_, row) in enumerate(table.iterrows())
    ]  # fmt: skip
    columns = ["model", "question", "key", "estimate", "se", "df", "p"]
    pd.DataFrame(found, columns=columns).to_csv(TARGET, index=False, float_format="%.15g")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
