"""`bayes-sf select`: annex 1's three lists, and how many of the chosen truly belong.

The lists are single workplaces: they are microdata, and written only with `--with-data`.

A list of the most extreme figures holds the lucky and unlucky too. The sum of `prob_top` over the
chosen is how many of them are expected to be truly among as many most extreme; the rest would be
found nearer to the middle another time (regression to the mean).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.choices.selection import LISTS, select_cases
from bayes_sf.catalogue import mark, say
from bayes_sf.disclosure.control import Control
from bayes_sf.disclosure.protected_cases import pass_with_consent, protect_belonging
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.run import Asked, Content, Run
from bayes_sf.output.runs.describe import with_source
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.words import STATEMENTS, industry_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Choice", "count_belonging", "run_select"]


@dataclass(frozen=True)
class Choice:
    """What to select.

    Parameters
    ----------
    years : tuple of int
        First and last year.
    top : int
        Length of each list per industry; even, since one list is made of two halves.
    seed : int
        Of the draws behind the probabilities.

    Raises
    ------
    UsageError
        If the years do not follow one another, or the length is not an even number above zero.
    """

    years: tuple[int, int]
    top: int
    seed: int

    def __post_init__(self) -> None:
        """Check years and length."""
        if not self.years[0] < self.years[1]:
            raise UsageError("--years", "must be a first year and a later one", got=self.years)
        if self.top < 2 or self.top % 2:
            raise UsageError("--top", "must be an even number of at least 2", got=self.top)


def run_select(
    sample: AnalysisSample, choice: Choice, asked: Asked, *, with_data: bool = False
) -> Run:
    """Select workplaces: `belonging.csv`, and with data `selection.csv`.

    Parameters
    ----------
    sample : AnalysisSample
        The workplaces; those not linked are no candidates.
    choice : Choice
        What to select.
    asked : Asked
    with_data : bool
        Whether the lists themselves are written: `selection.csv` has one line per workplace and
        list that the rule or the posterior chooses, by pseudonym; `belonging.csv` also counts the
        other candidates.

    Raises
    ------
    UsageError
        If the first or the last year has no observed quarter.
    """
    size = sample.frame.set_index("workplace")["n_employees"]
    lists = select_cases(
        sample.quarters, size, years=choice.years, top=choice.top, seed=choice.seed
    )
    control = Control.of(sample, asked.rules)
    passed = protect_belonging(count_belonging(lists), control)
    chosen = lists[lists["chosen"] | lists["posterior_chosen"]]
    shown = passed.also(pass_with_consent(chosen if with_data else None))
    return Run(
        asked, control,
        shown.map(lambda both: _content(both[0], both[1], choice, sample, asked)),
    )  # fmt: skip


def _content(
    belonging: "pd.DataFrame",
    chosen: "pd.DataFrame | None",
    choice: Choice,
    sample: AnalysisSample,
    asked: Asked,
) -> Content:
    """The table, and files."""
    tables = {"belonging": belonging} | ({} if chosen is None else {"selection": chosen})
    closed = (
        [say("The lists themselves, by pseudonym, are written with --with-data.")]
        if chosen is None
        else []
    )
    return Content(
        frames=with_source(tables, sample.source),
        tables=(_belonging_table(belonging, asked),),
        lines=[say("Years {} to {}. The report used 2017 to 2021.", *choice.years)],
        after=closed,
        about={"years": choice.years, "top": choice.top, "data": sample.digest},
        said={
            "source": asked.source, "statement": STATEMENTS[asked.source],
            "years": choice.years,
        },
        unsaid=("selection",),
        private=("selection.csv",),
    )  # fmt: skip


def count_belonging(lists: "pd.DataFrame") -> "pd.DataFrame":
    """Count, per list and industry, the chosen and those of them expected to truly belong.

    Parameters
    ----------
    lists : pandas.DataFrame
        All candidates, as `select_cases` gives them.

    Returns
    -------
    pandas.DataFrame
        `list, industry, candidates, chosen, belong_by_rule, belong_by_posterior`: the last two sum
        `prob_top` over those chosen by the report's rule and by posterior rank; missing where one
        of the list's strata has too few candidates for a posterior.
    """
    import pandas as pd

    order = [industry.key for industry in load_codebook().industries]
    ordered = lists.assign(
        list=pd.Categorical(lists["list"], LISTS), industry=pd.Categorical(lists["industry"], order)
    )
    records = []
    for (name, industry), part in ordered.groupby(["list", "industry"], sort=True, observed=True):
        by_rule, by_posterior = (
            (part["prob_top"] * part[chosen]).sum(skipna=False)
            for chosen in ("chosen", "posterior_chosen")
        )  # fmt: skip
        counts = len(part), int(part["chosen"].sum())
        records.append((name, industry, *counts, by_rule, by_posterior))
    columns = ["list", "industry", "candidates", "chosen", "belong_by_rule", "belong_by_posterior"]
    return pd.DataFrame(records, columns=columns)


#: Annex 1's lists.
_LISTS: Final = {
    "strong reduction": mark("strong reduction"),
    "stable low": mark("stable low"),
    "stable high": mark("stable high"),
}


def _belonging_table(belonging: "pd.DataFrame", asked: Asked) -> Table:
    """How many truly belong, by list and industry; what has no posterior does not exist."""
    shown = belonging.assign(
        list=[say(_LISTS[str(name)]) for name in belonging["list"]],
        industry=[industry_name(str(name)) for name in belonging["industry"]],
    )
    columns = (
        Column("list", say("list"), "text"), Column("industry", say("Industry"), "text"),
        Column("candidates", say("candidates"), "integer"),
        Column("chosen", say("chosen"), "integer"),
        Column("belong_by_rule", say("truly belong: rule"), decimals=1),
        Column("belong_by_posterior", say("posterior"), decimals=1),
    )  # fmt: skip
    return table_from_frame(
        shown,
        say("How many of the chosen belong"),
        columns=columns,
        notes=(
            say(
                "Truly belong: how many of the chosen are expected to be truly among as "
                "many most extreme (the sum of prob_top). The others were lucky or "
                "unlucky: regression to the mean."
            ),
        ),
        source=asked.source,
    )
