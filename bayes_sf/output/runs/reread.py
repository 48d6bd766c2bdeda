"""`bayes-sf reread`: the posterior behind a printed ICC."""

from typing import Final

import pandas as pd

from bayes_sf.catalogue import mark, say
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.gate import holds_no_data
from bayes_sf.output.numbers import ICC_DECIMALS, fixed, interval
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import interval_name, of_groups
from bayes_sf.recovery.printed_icc import IccPosterior

__all__ = ["run_reread"]

#: Ends of what the print leaves open, and the print itself.
_CASES: Final = {
    "as printed": mark("as printed"), "sizes equal": mark("sizes equal"),
    "sizes very unequal": mark("sizes very unequal"), "REML": mark("by REML"),
    "ML": mark("by maximum likelihood"), "no difference": mark("no difference at all"),
    "largest that is called zero": mark("largest that is called zero"),
    "largest that is printed so": mark("largest ICC that is printed so"),
}  # fmt: skip
#: What is assumed, by what `IccPosterior.assumed` begins with.
_ASSUMED: Final = {
    "sizes of groups": mark(
        "sizes of groups, drawn from equal to very unequal; printed sizes would narrow it"
    ),
    "estimator": mark("REML, since the report does not say; both are shown"),
    "a variance printed as zero is only bounded": mark(
        "a variance printed as zero is only bounded; what is called zero is drawn"
    ),
}
#: Whose figures these are.
_STATEMENT: Final = mark("Re-read from printed figures: no data were there.")


def run_reread(found: IccPosterior, asked: Asked) -> Run:
    """Show a re-read ICC, its prior, and the ends of what the print leaves open.

    Parameters
    ----------
    found : IccPosterior
    asked : Asked
    """
    passed = holds_no_data(found, "printed figures only")
    return Run(asked, Control(microdata=False), passed.map(_content))


def _content(found: IccPosterior) -> Content:
    """The table, and the same as a frame."""
    rows = {"as printed": found, **found.ends}
    frame = pd.DataFrame(
        {
            "case": list(rows), "lower": [r.lower for r in rows.values()],
            "median": [r.median for r in rows.values()],
            "upper": [r.upper for r in rows.values()], "mean": [r.mean for r in rows.values()],
            "prior_median": found.prior_median, "prior_lower": found.prior_lower,
            "prior_upper": found.prior_upper, "level": found.level,
        }
    )  # fmt: skip
    return Content(
        frames={"icc": frame},
        tables=(_table(rows, found),),
        lines=[say("Assumed: {}.", say(_ASSUMED[why.partition(":")[0]])) for why in found.assumed],
        about={
            "printed": found.printed, "n": found.n, "groups": found.groups,
            "priors": found.priors, "assumed": list(found.assumed),
        },
        statement=_STATEMENT,
    )  # fmt: skip


def _table(rows: dict[str, IccPosterior], found: IccPosterior) -> Table:
    """A line for each case, and one for the prior."""

    def line(name: str, lower: float, median: float, upper: float) -> tuple[str, str, str]:
        return name, fixed(median, ICC_DECIMALS), interval(lower, upper, ICC_DECIMALS)

    lines = [line(say(_CASES[case]), r.lower, r.median, r.upper) for case, r in rows.items()]
    prior = (found.prior_lower, found.prior_median, found.prior_upper)
    title = say(
        "Intraclass correlation, printed as {} (n = {}, {} groups)", found.printed, found.n,
        found.groups,
    )  # fmt: skip
    kind = interval_name("credible-eti", found.level)
    priors = of_groups(prior_words(found.priors), own="group")
    note = say("{}. Priors: {}.", kind, priors)
    header = ("ICC", say("Median").lower(), say("interval"))
    return printed_table(title, header, [*lines, line(say("prior alone"), *prior)], note)
