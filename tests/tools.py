"""What tests share: the replica's notice; tools of the machine, or else a test is skipped."""

import re
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bayes_sf.catalogue import speaking
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.faults import problem_table
from bayes_sf.inputs.sample import AnalysisSample

#: What every command that uses the replica says of it on stderr.
REPLICA_NOTICE = {
    "en": "Found in the data: register_workplace.csv: also in another extract, with at least as "
    "many observed quarters (rows: 1); the other extract's record is used (bayes-sf describe lists "
    "it).\n",
    "nb": "Funnet i dataene: register_workplace.csv: også i et annet uttrekk, med minst like mange "
    "observerte kvartaler (rader: 1); det andre uttrekkets post er brukt (bayes-sf describe viser "
    "det).\n",
}

#: What TeX says where a package, a language or a font is not installed. A fault in the text of ours
#: (an undefined command, a brace that is missing) sounds otherwise, and fails the test.
_LACKING = re.compile(
    r"^!.*(?:not found|Unknown option|not loadable|Unknown language).*$"
    r"|^.*can't find the format file.*$",
    re.MULTILINE,
)


def need(tool: str, *arguments: str, given: str = "", answer: str) -> None:
    """Skip where a tool does not do the smallest job: to be found is not to be whole."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    try:
        done = subprocess.run(
            [tool, *arguments], input=given, timeout=60,
            capture_output=True, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{tool} is here but does not run: {error}")
    if done.returncode or done.stdout.strip() != answer:
        said = (done.stderr or done.stdout).strip()[-200:]
        pytest.skip(f"{tool} is here but not whole: {said}")


def lacking_in_tex(log: str) -> str | None:
    """What this TeX lacks, in its own words, if that is why it stopped."""
    found = _LACKING.search(log)
    return found[0] if found else None


def spoken[**P, R](lang: str, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What a function returns in a language."""
    with speaking(lang):
        return function(*args, **named)


def own_workplaces(n: int = 420, seed: int = 1) -> AnalysisSample:
    """A sample that is nobody's and nobody recognises: made in milliseconds, no file is read.

    Mean absence is about the report's: 6 pp with an sd of 3.3, of which a third is between the six
    industries.
    """
    rng, book = np.random.default_rng(seed), load_codebook()
    keys = [industry.key for industry in book.industries]
    industry = np.repeat(keys, -(-n // len(keys)))[:n]
    level = dict(zip(keys, rng.normal(0.0, 1.9, len(keys)), strict=True))
    absence = 6.0 + np.array([level[key] for key in industry]) + rng.gamma(4.0, 1.35, n) - 5.4
    absence = np.abs(absence)
    absence[:: n // 20] = np.nan
    names = [f"{at:016x}" for at in range(n)]
    items = {
        item.key: rng.choice([answer.key for answer in item.categories], n)
        for item in book.items.values()
        if item.kind != "multi" and item.role != "group"
    }
    frame = pd.DataFrame({
        "workplace": names, "industry": industry.astype(object),
        **{key: values.astype(object) for key, values in items.items()},
        "absence_mean": absence, "absence_change": rng.normal(0.5, 2.0, n),
        "absence_trend": rng.normal(0.0, 0.2, n), "women_share": rng.uniform(0.1, 0.9, n),
        "senior_share": rng.uniform(0.1, 0.5, n), "n_employees": rng.integers(5, 90, n) * 1.0,
        "n_quarters": rng.integers(3, 21, n) * 1.0, "linked": True,
    })  # fmt: skip
    quarters = pd.DataFrame({
        "workplace": names, "industry": frame["industry"], "quarter": "2016Q1",
        "contracted_days": 60.0 * frame["n_employees"], "lost_days": 3.0, "absence": absence,
    })  # fmt: skip
    none = problem_table([])
    return AnalysisSample(
        frame, quarters, "microdata", "nobody's", ("2016Q1", "2020Q4"), none, none
    )
