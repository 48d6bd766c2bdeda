"""Recorded numbers: what some hundred small calls give, to full precision, as it was.

A net under the tests of every room, which stay the judges of what is right: here nothing is known
but that a result has changed. It holds all that examples of the documentation make, and the calls
of the files `of_*`: results, tables, texts of errors at both sides of limits. Where a change is
meant, `uv run python tests/recorded/record.py` writes `numbers.json` anew, its diff says what has
changed, and whatever is a number of users' has its line in CHANGELOG.md under Numbers.

Between machines and versions of BLAS direct algebra differs by 1e-12, searches by what they stop
at: hence a relative difference of 1e-7, and 1e-9 beside zero.
"""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.recorded.calls import CALLS
from tests.recorded.examples import EXAMPLES, made
from tests.recorded.values import Leaf, recorded

NUMBERS = Path(__file__).with_name("numbers.json")

#: What takes more than a fifth of a second by itself, or by the fits that it shares with others.
LONG = (
    "analysis.asked.comparisons.comparisons", "analysis.choices.control_ladder",
    "analysis.pooling.compare_pooling", "analysis.printed.fan",
    "analysis.priors.power_scaling.power_scaling", "analysis/of_check_fit",
    "analysis/of_cluster_robust", "analysis/of_comparisons", "analysis/of_completed_panel",
    "analysis/of_delta", "analysis/of_group_slopes", "analysis/of_hypothesis",
    "analysis/of_influence", "analysis/of_loo", "analysis/of_multiplicity",
    "analysis/of_planning", "analysis/of_poststratify", "analysis/of_predict",
    "analysis/of_printed_sizes", "analysis/of_prior_tables", "analysis/of_ranking",
    "analysis/of_refused", "analysis/of_reread", "analysis/of_sensitivity",
    "analysis/of_slopes", "analysis/of_study_complete", "analysis/of_tables_of_others",
    "analysis/of_tidied", "analysis/of_unseen", "engines.gaussian.repeated",
    "engines.sampled.log_prior", "engines.sampled.pointwise", "engines/of_crossed",
    "engines/of_exact", "engines/of_exact_priors", "engines/of_imputed",
    "engines/of_imputed_kinds", "engines/of_maximum", "engines/of_maximum_nodes",
    "engines/of_mixed_profile", "engines/of_panel", "engines/of_panel_counts",
    "engines/of_repeats", "engines/of_rows_of_draws", "engines/of_sampled", "engines/of_saved",
    "engines/of_weights", "inputs/of_own_tables", "inputs/of_register", "inputs/of_replica",
    "recovery/of_change", "recovery/of_printed_iccs", "recovery/of_printed_models",
    "recovery/of_states", "recovery/of_study", "replica.published.targets.targets",
    "spec/of_formulas", "spec/of_frames", "spec/of_statements",
)  # fmt: skip
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name in LONG else name
    for name in (*CALLS, *EXAMPLES)
]


@pytest.fixture(scope="module")
def kept() -> dict[str, dict[str, Leaf]]:
    """All that is recorded."""
    found: dict[str, dict[str, Leaf]] = json.loads(NUMBERS.read_text(encoding="utf-8"))
    return found


def found(name: str) -> dict[str, Leaf]:
    """What a call or an example gives now."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        given: Any = CALLS[name]() if name in CALLS else made(EXAMPLES[name]())
    return recorded(given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_what_was_recorded_is_still_so(name: str, kept: dict[str, dict[str, Leaf]]) -> None:
    now, then = found(name), kept[name]
    assert list(now) == list(then)
    for key, value in then.items():
        if isinstance(value, float):
            near = pytest.approx(value, rel=1e-7, abs=1e-9, nan_ok=True)
            assert now[key] == near, f"{name}: {key}"
        else:
            assert now[key] == value, f"{name}: {key}"


def test_nothing_else_is_recorded(kept: dict[str, dict[str, Leaf]]) -> None:
    assert set(kept) == {*CALLS, *EXAMPLES}
