"""`bayes-sf select`: annex 1's three lists, and how many of the chosen truly belong.

The lists are single workplaces: they are microdata, and written only with `--with-data`.

A list of the most extreme figures holds the lucky and unlucky too. The sum of `prob_top` over the
chosen is how many of them are expected to be truly among as many most extreme; the rest would be
found nearer to the middle another time (regression to the mean).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_sf.analysis.choices.selection import LISTS, select_cases
from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, Rules
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.variables import Language
from bayes_sf.output.audit import disclosure_files, notice
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.runs.describe import source_texts
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.commands import say
from bayes_sf.output.words.sentences import STATEMENTS
from bayes_sf.output.words.words import industry_name, word

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["Cases", "Choice", "count_belonging", "print_cases", "write_cases"]


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


@dataclass(frozen=True, eq=False)
class Cases:
    """The lists that were made.

    Parameters
    ----------
    source : {"replica", "microdata"}
        Whose workplaces.
    years : tuple of int
        First and last year.
    belonging : pandas.DataFrame
        As `count_belonging` gives it.
    files : tuple of pathlib.Path
        What was written.
    disclosure : str
        What disclosure control did.
    lang : {"en", "nb"}
        Language of what is printed; files are in English.
    """

    source: str
    years: tuple[int, int]
    belonging: "pd.DataFrame" = field(repr=False)
    files: tuple[Path, ...]
    disclosure: str = ""
    lang: Language = "en"


def write_cases(
    folder: Path,
    sample: AnalysisSample,
    choice: Choice,
    *,
    rules: Rules | None = None,
    with_data: bool = False,
    lang: Language = "en",
) -> Cases:
    """Select workplaces and write `belonging.csv`, and with data `selection.csv`.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    sample : AnalysisSample
        The workplaces; those not linked are no candidates.
    choice : Choice
        What to select.
    rules : Rules, optional
        Of disclosure control.
    with_data : bool
        Whether the lists themselves are written.
    lang : {"en", "nb"}
        Language of what is printed.

    Returns
    -------
    Cases
        `selection.csv` has one line per workplace and list that the rule or the posterior chooses,
        by pseudonym; `count_belonging` also counts the other candidates.

    Raises
    ------
    DataError
        If the first or the last year has no observed quarter.
    """
    size = sample.frame.set_index("workplace")["n_employees"]
    lists = select_cases(
        sample.quarters, size, years=choice.years, top=choice.top, seed=choice.seed
    )
    chosen = lists[lists["chosen"] | lists["posterior_chosen"]]
    control = Control.of(sample, rules or Rules())
    belonging, log = protect_belonging(count_belonging(lists), control)
    tables = {"belonging.csv": belonging, **({"selection.csv": chosen} if with_data else {})}
    files = write_files(folder, {**source_texts(tables, sample), **disclosure_files(control, log)})
    said = notice(control, log, lang)
    return Cases(sample.source, choice.years, belonging, files, said, lang)


def protect_belonging(
    belonging: "pd.DataFrame", control: Control
) -> "tuple[pd.DataFrame, tuple[Hidden, ...]]":
    """Hide lines of few candidates, and of industries that are hidden.

    Parameters
    ----------
    belonging : pandas.DataFrame
        As `count_belonging`; there is no total, so a hidden line cannot be had from others.
    control : Control
    """
    if not control.active:
        return belonging, ()
    values = ["candidates", "chosen", "belong_by_rule", "belong_by_posterior"]
    shown = belonging.astype(dict.fromkeys(values, object))
    log = []
    for _, part in belonging.groupby("list", sort=False, observed=True):
        sizes = dict(zip(part["industry"], part["candidates"], strict=True))
        groups = control.hidden_groups({str(name): int(n) for name, n in sizes.items()})
        for at, industry in part["industry"].items():
            if industry in groups:
                shown.loc[at, values] = HIDDEN
                log.append(Hidden("belonging", str(industry), str(part["list"].iloc[0]),
                                  groups[industry]))  # fmt: skip
    return shown, tuple(log)


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


def print_cases(console: "Console", cases: Cases, *, as_json: bool) -> None:
    """Print how many of the chosen truly belong.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    cases : Cases
        The lists.
    as_json : bool
        One JSON object instead.
    """
    if as_json:
        content = {
            "source": cases.source,
            "statement": STATEMENTS["en"][cases.source],
            "years": cases.years,
            "belonging": cases.belonging.to_dict("records"),
            "disclosure": cases.disclosure,
            "files": [str(path) for path in cases.files],
        }
        console.file.write(json_text(content))
        return
    lang = cases.lang
    console.print(STATEMENTS[lang][cases.source], style="bold")
    console.print(say("select years", lang).format(*cases.years))
    print_table(console, _belonging_table(cases))
    console.print()
    print_end(console, cases.files, lang=lang, disclosure=cases.disclosure)
    if all(path.name != "selection.csv" for path in cases.files):
        console.print(say("lists withheld", lang))


def _belonging_table(cases: Cases) -> Table:
    """How many truly belong, by list and industry; what has no posterior does not exist."""
    lang = cases.lang
    shown = cases.belonging.assign(
        list=[say(str(name), lang) for name in cases.belonging["list"]],
        industry=[industry_name(str(name), lang) for name in cases.belonging["industry"]],
    )
    columns = (
        Column("list", say("list", lang), "text"),
        Column("industry", word("industry", lang), "text"),
        Column("candidates", say("candidates", lang), "integer"),
        Column("chosen", say("chosen", lang), "integer"),
        Column("belong_by_rule", say("belong rule", lang), decimals=1),
        Column("belong_by_posterior", say("belong posterior", lang), decimals=1),
    )
    return table_from_frame(
        shown, word("belonging", lang), columns=columns, notes=(say("belong note", lang),),
        source=cases.source, lang=lang,
    )  # fmt: skip
