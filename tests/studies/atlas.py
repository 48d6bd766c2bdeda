"""The atlas re-read: how wide intervals of published ICCs are, which tables contradict themselves.

    python tests/studies/atlas.py

writes `tests/studies/atlas.csv` (a line for each model of `data/atlas`: what is printed, the 95 %
interval behind it, that over all that the print leaves open, and the medians' range under the
priors of `icc_fan`), the picture `docs/atlas.svg`, and
the tables between marks in `docs/atlas.md`.
"""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_sf.analysis.printed.check import check_tables
from bayes_sf.analysis.printed.fan import icc_fan
from bayes_sf.inputs.printed.folder import PublishedReport, read_published
from bayes_sf.output.figures.page import drawing, styled
from bayes_sf.recovery.reread.model import RereadModel
from bayes_sf.recovery.reread.report import reread

ROOT = Path(__file__).resolve().parents[2]
ATLAS, RECORD = ROOT / "data" / "atlas", Path(__file__).with_suffix(".csv")
PAGE, PICTURE = ROOT / "docs" / "atlas.md", ROOT / "docs" / "atlas.svg"
#: Groups: from, up to.
SIZES = ((2, 10), (11, 50), (51, 200), (201, 3000))
COLUMNS = ("model", "outcome", "n", "groups", "estimator", "printed", "level", "lower", "median",
           "upper", "low_end", "high_end", "fan_low", "fan_high", "source")  # fmt: skip


def record(report: PublishedReport, model: RereadModel, fan: pd.DataFrame) -> dict[str, Any]:
    """One line; without an ICC the figures are empty."""
    said = report.models[model.name]
    line = {
        "model": model.name, "outcome": said.header.outcome, "n": said.n, "groups": said.n_groups,
        "estimator": said.header.estimator, "printed": said.icc.text if said.icc else "",
        "level": model.level if model.icc else "none", "source": report.source_of(model.name),
    }  # fmt: skip
    if model.icc is not None:
        medians = fan.loc[fan["model"] == model.name, "median"]
        ends = (model.icc.lower, model.icc.median, model.icc.upper, *model.icc.range,
                medians.min(), medians.max())  # fmt: skip
        names = COLUMNS[7:14]
        line |= {name: f"{end:.4f}" for name, end in zip(names, ends, strict=True)}
    return line


def widths(lines: list[dict[str, Any]]) -> str:
    """Table: width of the intervals by number of groups."""
    rows = ["| groups | ICCs | median width | widest | with all that is left open | prior |",
            "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    for low, high in SIZES:
        own = [one for one in lines if one.get("lower") and low <= one["groups"] <= high]
        width = [float(one["upper"]) - float(one["lower"]) for one in own]
        whole = [float(one["high_end"]) - float(one["low_end"]) for one in own]
        moved = [float(one["fan_high"]) - float(one["fan_low"]) for one in own]
        rows.append(f"| {low} to {high} | {len(own)} | {np.median(width):.3f} | {max(width):.3f} | "
                    f"{np.median(whole):.3f} | {np.median(moved):.3f} |")  # fmt: skip
    return "\n".join(rows) + "\n"


def findings(report: PublishedReport) -> str:
    """Table: what contradicts itself."""
    rows = ["| where | printed | arithmetic | rule |", "|---|---|---|---:|"]
    rows += [f"| {one.place} | {one.printed} | {one.arithmetic} | {one.rule} |"
             for run in check_tables(report) for one in run.findings]  # fmt: skip
    return "\n".join(rows) + "\n"


def listed(lines: list[dict[str, Any]]) -> str:
    """Table: every ICC."""
    rows = ["| model | n | groups | printed ICC | level | median | 95 % interval | all ends |",
            "|---|---:|---:|---:|---|---:|---|---|"]  # fmt: skip
    for one in sorted(lines, key=lambda line: float(line.get("median", 2))):
        if "median" not in one:
            continue
        numbers = {key: f"{float(one[key]):.3f}" for key in COLUMNS[7:12]}
        rows.append(
            f"| {one['model']} | {one['n']} | {one['groups']} | {one['printed']} "
            f"| {one['level']} | {numbers['median']} | {numbers['lower']} to {numbers['upper']} | "
            f"{numbers['low_end']} to {numbers['high_end']} |"
        )
    return "\n".join(rows) + "\n"


def sources(report: PublishedReport) -> str:
    """List: where each model is printed, and where it was seen."""
    by: dict[tuple[str, str], list[str]] = {}
    for name, model in report.models.items():
        table = report.header.tables[model.header.table]
        by.setdefault((table.source, table.seen), []).append(name)
    return "".join(
        f"- {', '.join(names)}: {source}. {seen}\n" for (source, seen), names in by.items()
    )


def picture(lines: list[dict[str, Any]]) -> bytes:
    """Every ICC with its interval, by its median; few groups stand out."""
    import matplotlib.pyplot as plt

    known = sorted((one for one in lines if "median" in one), key=lambda one: float(one["median"]))
    with styled():
        figure, axes = plt.subplots(figsize=(9.0, 0.17 * len(known) + 1.2))
        for place, one in enumerate(known):
            low, middle, high, low_end, high_end = (float(one[key]) for key in COLUMNS[7:12])
            colour = "#D55E00" if one["groups"] <= SIZES[0][1] else "#0072B2"
            axes.plot((low_end, high_end), (place, place), color=colour, alpha=0.3, linewidth=1)
            axes.plot((low, high), (place, place), color=colour, linewidth=2.5)
            axes.plot(middle, place, "o", color=colour, markersize=4)
            if one["printed"]:
                axes.plot(float(one["printed"]), place, "|", color="#222222", markersize=8)
        labels = [f"{one['model']} ({one['groups']})" for one in known]
        axes.set_yticks(range(len(known)), labels, fontsize=7)
        axes.set(xlim=(0, 1), ylim=(-1, len(known)), xlabel="intraclass correlation")
        axes.grid(axis="x")
        title = (
            "Published ICCs re-read: median and 95 % interval (groups); up to ten groups in orange"
        )
        axes.set_title(title, fontsize=9, loc="left")
        figure.set_label(title)
        figure.tight_layout()
        return drawing(figure)


def filled(page: str, name: str, content: str) -> str:
    """The page with other content between its marks."""
    return re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
                  lambda found: found[1] + content + found[2], page, flags=re.DOTALL)  # fmt: skip


def main() -> None:
    """Write all of it."""
    report = read_published(ATLAS)
    found = reread(report)
    fan = icc_fan(lambda priors: reread(report, priors=priors).iccs)
    lines = [record(report, model, fan) for model in found.values()]
    with RECORD.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    PICTURE.write_bytes(picture(lines))
    page = PAGE.read_text(encoding="utf-8")
    for name, content in (
        ("widths", widths(lines)), ("findings", findings(report)), ("iccs", listed(lines)),
        ("sources", sources(report)),
    ):  # fmt: skip
        page = filled(page, name, content)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
