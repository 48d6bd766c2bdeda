"""Small panels that tests of the panel model share."""

from dataclasses import replace
from typing import Any

import numpy as np

from bayes_sf.inputs.panel import Choice, Panel

#: Sixteen quarters that hold the change, and the start of the pandemic.
QUARTERS = tuple(f"{2016 + i // 4}Q{1 + i % 4}" for i in range(2, 18))
TIME = (np.arange(16) - 7.5) / 12
#: What `make` makes quarters of.
TRUE = {"item": -0.6, "item_change": 0.4, "sd_workplace": 1.2, "sd_trend": 0.8, "sd_quarter": 1.0}


def make(
    seed: int = 3, n: int = 30, j: int = 3, missing: float = 0.3, *, gaps: bool = True
) -> Panel:
    """Make a panel of an item with five scores, and a share; with `gaps` both have some."""
    rng = np.random.default_rng(seed)
    code = np.arange(n) % j
    item = rng.integers(1, 6, n).astype(float)
    share = 1 / (1 + np.exp(-rng.normal(code - 1, 0.6)))
    days = np.exp(rng.normal(6, 0.8, (n, 1)) + rng.normal(0, 0.05, (n, len(TIME))))
    level = 6 + np.linspace(-1.5, 1.5, j)[code] + TRUE["item"] * (item - 3) + 0.5 * share
    level += TRUE["sd_workplace"] * rng.normal(size=n)
    change = 0.3 + TRUE["item_change"] * (item - 3) + TRUE["sd_trend"] * rng.normal(size=n)
    season = np.array([0.8, 0.0, -0.6, 0.2])[[int(q[-1]) - 1 for q in QUARTERS]]
    noise = TRUE["sd_quarter"] * (days / np.median(days)) ** -0.25
    y = level[:, None] + np.outer(change, TIME) + season + noise * rng.normal(size=days.shape)
    lost = rng.random(y.shape) < missing
    y, days = np.where(lost, np.nan, y), np.where(lost, np.nan, days)
    y[-1], days[-1] = np.nan, np.nan
    scores = np.arange(1.0, 6)[:, None]
    answer = item.astype(np.intp) - 1
    x, scales, choices = np.column_stack([item, share]), {}, ()
    if gaps:
        answer[[1, 4]], x[[1, 4], 0], x[[1, 7], 1] = -1, np.nan, np.nan
        scales, choices = {1: "logit"}, (Choice("item", (0,), scores, answer),)
    names = tuple(f"w{i}" for i in range(n))
    return Panel(
        names, tuple("abcdefgh"[:j]), code, QUARTERS, y, days, ("item", "share"), x, scales,
        choices, np.arange(n) < n - 1,
    )  # fmt: skip


def replaced(panel: Panel, **parts: Any) -> Panel:
    """Give the same panel with other figures."""
    return replace(panel, **parts)
