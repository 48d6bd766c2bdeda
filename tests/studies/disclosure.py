"""The attacker of `tests/disclosure`, on samples of which one industry is cut down.

`uv run python tests/studies/disclosure.py` writes `disclosure.csv`: sensitive counts of each
sample, the share of answers and of the flow's counts that are hidden, and how many sensitive counts
come back from all outputs of a run but the page (0 is wanted).
"""

import dataclasses
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import bayes_sf as sf  # noqa: E402
from tests.disclosure.attacker import INDUSTRIES  # noqa: E402
from tests.disclosure.test_disclosure_attack import with_small_industry  # noqa: E402
from tests.disclosure.test_disclosure_run import (  # noqa: E402
    COMMANDS,
    attacker_of,
    recovered,
    run_commands,
)

SIZES = (1, 2, 3, 4, 5, 8, 15)


def attack(one: tuple[str, int]) -> tuple[object, ...]:
    """Attack one sample."""
    industry, size = one
    small = with_small_industry(sf.load_sample("replica"), industry, size)
    sample = dataclasses.replace(small, source="microdata")
    with tempfile.TemporaryDirectory() as folder:
        commands = {name: given for name, given in COMMANDS.items() if name != "report"}
        outputs = run_commands(sample, Path(folder), commands)
        answers = pd.read_csv(outputs["describe"] / "by_industry.csv", dtype=str)["count"]
        flow = pd.read_csv(outputs["describe"] / "flow.csv", dtype=str)[INDUSTRIES]
        analyses = ["null", "q13_controls", "q17_controls", f"{folder}/items.toml"]
        sensitive, found = recovered(attacker_of(outputs, sample), sample, analyses)
    shares = [f"{(table == ':').to_numpy().mean():.3f}" for table in (answers, flow)]
    print(*one, sensitive, *shares, list(found.items())[:2], file=sys.stderr, flush=True)
    return (*one, sensitive, *shares, len(found))


def main() -> None:
    """Attack every sample, two at a time."""
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(attack, product(INDUSTRIES, SIZES)))
    columns = [
        "industry", "workplaces", "sensitive", "answers_hidden", "flow_hidden", "recovered",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(HERE / "disclosure.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
