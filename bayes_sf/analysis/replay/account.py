"""What of the published route was read, what was recovered and what was assumed, per number."""

from dataclasses import dataclass

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.catalogue import Message, Printed, mark
from bayes_sf.inputs.published import scalar
from bayes_sf.recovery.mean_states import EXTRA_SPREAD
from bayes_sf.recovery.printed import SELECTION
from bayes_sf.recovery.states import States
from bayes_sf.recovery.study import PublishedStudy

__all__ = ["AccountRow", "account_of"]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One number of the published route.

    Parameters
    ----------
    sample : str
        Which workplaces.
    quantity : str
        What it is.
    industry : str
        Industry, or "" for all.
    status : str
        ``read`` from a table, ``recovered`` from several, or ``assumed``.
    value : float
        The number, or the mean over what is possible.
    sd, low, high : float
        Spread over what is possible (0 and the value itself where it was read).
    unit : str
        Its unit.
    how : str
        Where it was read, or how it was found.
    """

    sample: str
    quantity: str
    industry: str
    status: str
    value: float
    sd: float
    low: float
    high: float
    unit: str
    how: str


def account_of(study: PublishedStudy) -> tuple[AccountRow, ...]:
    """List every number that the published route rests on.

    Parameters
    ----------
    study : PublishedStudy
        As recovered.
    """
    rows = []
    for label, states, table, status in (
        (
            Message("mean absence, {}", study.large.sizes[0].sum()),
            study.large,
            Message("tables {}, {}", 8, 46),
            mark("assumed"),
        ),
        (
            Message("mean absence, {}", study.small.sizes[0].sum()),
            study.small,
            Message("tables {}, figure {}", 8, 5),
            mark("read"),
        ),
        (
            Message("change, {}", study.change.sizes[0].sum()),
            study.change,
            Message("tables {}, {}", 9, 47),
            mark("read"),
        ),
    ):
        rows += _state_rows(study, label, states, table, status)
    middle, log_sd = EXTRA_SPREAD
    extra = scalar("n_linked") - scalar("n_mean")
    notes = (
        (
            Message("mean absence"),
            Message("spread of a mean of one or two quarters, times that of the others"),
            Message("assumed"),
            middle,
            Message(
                "{} workplaces; prior median, log-normal, log sd {}, then estimated",
                f"{extra:.0f}",
                Printed(log_sd),
            ),
        ),
        (
            Message("both"),
            Message("log sd of the residual variance among those who answered an item"),
            Message("assumed"), SELECTION, Message("times the share without a usable answer"),
        ),
        (
            Message("both"), Message("answers of the workplaces in a sample"), Message("assumed"),
            float("nan"),
            Message("a simple random sample of their industry's answers (tables 12-45)"),
        ),
        (
            Message("mean absence"),
            Message("workplaces behind the printed variance components"),
            Message("recovered"),
            scalar("n_linked"),
            Message(
                "figure 5's standard error does not allow them to be those of the smaller sample"
            ),
        ),
        (
            Message("change"),
            Message("variation between industries"),
            Message("recovered"),
            float("nan"),
            Message(
                "only bounded, by REML's estimate being zero: drawn evenly from all that is "
                "possible"
            ),
        ),
    )  # fmt: skip
    fixed = (
        AccountRow(sample, quantity, "", status, value, 0.0, value, value, "", how)
        for sample, quantity, status, value, how in notes
    )
    return (*rows, *fixed)


def _state_rows(
    study: PublishedStudy, label: str, states: States, table: str, status: str
) -> list[AccountRow]:
    """Sizes, means and residual sd of one sample."""
    sizes = {
        "read": Message("read from the table"),
        "assumed": Message(
            "table 8 and the ten others, at random among the workplaces that it misses"
        ),
    }[status]
    means = Message("from the intercepts' t and the variance components ({})", table)
    rows = []
    for j, industry in enumerate(study.industries):
        count = _spread(states.sizes[:, j].astype(float))
        mean = _spread(states.means[:, j])
        rows.append(
            AccountRow(
                label, Message("workplaces"), industry, status, *count, Message("workplaces"), sizes
            )
        )
        rows.append(
            AccountRow(
                label, Message("mean outcome"), industry, Message("recovered"), *mean,
                Message("pp"), means,
            )
        )  # fmt: skip
    df = states.sizes.sum(axis=1) - states.sizes.shape[1]
    sd = _spread(np.sqrt(states.within / df))
    how = Message("from variance components, estimates and standard errors ({})", table)
    rows.append(
        AccountRow(
            label, Message("sd within industries"), "", Message("recovered"), *sd, Message("pp"),
            how,
        )
    )  # fmt: skip
    return rows


def _spread(values: Floats) -> tuple[float, float, float, float]:
    """Mean, sd, smallest and largest of what is possible."""
    return float(values.mean()), float(values.std()), float(values.min()), float(values.max())
