"""What the published route read, recovered and assumed, as a table."""

from collections.abc import Sequence

from bayes_sf.analysis.replay.account import AccountRow
from bayes_sf.catalogue import language, said_of, say
from bayes_sf.output.numbers import fixed, interval
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.words import industry_name

__all__ = ["account_table"]


def account_table(account: Sequence[AccountRow]) -> Table:
    """Print what was read, recovered and assumed, per number.

    Parameters
    ----------
    account : sequence of AccountRow
        As `account_of` gives it.
    """
    body = tuple(
        (
            str(said_of(row.sample)), str(said_of(row.quantity)),
            row.industry if language() == "en" else industry_name(row.industry),
            say(row.status), fixed(row.value, 2),
            interval(row.low, row.high, 2) if row.high > row.low else "",
            str(said_of(row.unit)), str(said_of(row.how)),
        )
        for row in account
    )  # fmt: skip
    header = (
        say("sample"), say("quantity"), say("Industry").lower(), say("status"), say("value"),
        say("possible"), say("unit"), say("how"),
    )  # fmt: skip
    note = say(
        "Value: mean over the draws of what is possible; possible: smallest to largest of them."
    )
    return printed_table(say("What was read, recovered and assumed"), header, body, note)
