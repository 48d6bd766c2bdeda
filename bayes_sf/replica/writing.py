"""The replica's files: three tables and a page that says what they are."""

from pathlib import Path
from typing import TYPE_CHECKING

from bayes_sf.folder import ready_folder, write_files

if TYPE_CHECKING:
    from bayes_sf.replica.make import Replica

__all__ = ["FILES", "describe", "write_replica"]

FILES = ("survey.csv", "register_workplace.csv", "register_enterprise.csv", "README.md")

_PAGE = """\
# The replica: a synthetic study

**No real workplace is in these files.** `bayes-sf replica --seed {seed} --out DIR` made them from
the report's printed tables and random numbers; `bayes_sf/replica/` is the program. They
serve to try the package, and to check that its ordinary pipeline gives the report's tables back.
Nothing that the report does not print can be learnt from them.

| file | what |
|---|---|
| `survey.csv` | {n_survey} workplaces: number, industry, one column per item |
| `register_workplace.csv` | {n_first} numbers, {rows_first} rows: workplace x quarter |
| `register_enterprise.csv` | {n_second} numbers, {rows_second} rows: by enterprise number |

Answers are the codebook's codes: 98 does not know, 99 was not asked. The extracts have the 18
columns of table 7 and `n_employees`; an empty cell is missing; quarters are written `20161`. All
organisation numbers begin with 1, have a right control digit and are not in use: numbers in use
begin with 8 or 9.

## What is reproduced

- Every count of tables 11-45, by industry, filters respected. The few who were asked q20 or q22
  and did not know, whom the report's NA holds together with those not asked, have code 98.
- Tables 8 and 9 and the totals: 605 surveyed, 582 linked, 572 with at least three quarters, 420
  with both ends of the change, 519 with women's share, 527 with seniors', 516 and 403 with all
  controls; 362 with a quarter without lost days, 92 with fewer than ten quarters, 10 with one or
  two; smallest models of 303 (table 46) and 252 (table 47); 314 and 275 numbers in the extracts,
  one in both, 23 workplaces in neither.
- The two variance components, on the 582.
- Of the {compared} printed figures of figure 5 and tables 3, 4, 5, 46 and 47, **{hit}** at their
  printed rounding, {slopes}.
- The correlation of change and trend, {correlation:.2f}.
- What the text says of figures 1 and 2: the industries with the highest, the lowest and the most
  spread absence, and the one without a median increase.

{misses}

## What is invented

Everything else. Which workplace gave which answer, and how items correlate; who is not linked and
who lacks which quarters, within the printed totals by industry; every workplace's absence, change
and covariates beyond the few sums that the printed models fix; all quarters, seasons and gaps; days
by age and sex; the industries of the eleven who do not know what their bonus depends on; the number
of employees, constant over the quarters.

Three decisions where the report leaves a choice:

- 314 + 275 - 1 numbers are six more than the 582 linked. Here six numbers of the second extract
  belong to no surveyed workplace. The number in both extracts has one quarter in the first and all
  of its quarters in the second.
- The variance components are those of the 582: on figure 5's 572 its standard errors leave no room
  for them.
- Tables 46 and 47 do not say which model is the smallest: here it is q20r3's in both.

More in `docs/decisions/replica.md`.
"""


def _misses(replica: "Replica") -> str:
    """Table of the figures not returned."""
    if not replica.misses:
        return "No figure is missed."
    lines = [
        "Not returned:",
        "",
        "| table | question | term | figure | published | replica |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {m.table} | {m.question} | {m.term} | {m.figure} | {m.published} | {m.replica} |"
        for m in replica.misses
    ]
    return "\n".join(lines)


def describe(replica: "Replica") -> str:
    """Write the page that goes with the files.

    Parameters
    ----------
    replica : Replica

    Returns
    -------
    str
        Markdown; every number of it is counted from the replica.
    """
    first, second = replica.by_workplace, replica.by_enterprise
    of_slopes = [miss for miss in replica.misses if not miss.of_intercept]
    return _PAGE.format(
        seed=replica.seed,
        n_survey=len(replica.survey),
        n_first=first["org_nr"].nunique(),
        rows_first=len(first),
        n_second=second["org_nr"].nunique(),
        rows_second=len(second),
        compared=replica.compared,
        hit=replica.compared - len(replica.misses),
        slopes="among them all of the slopes"
        if not of_slopes
        else f"{len(of_slopes)} of the misses on slopes",
        correlation=replica.correlation,
        misses=_misses(replica),
    )


def write_replica(replica: "Replica", directory: str | Path) -> tuple[Path, ...]:
    """Write the replica's files, all of them or none.

    Parameters
    ----------
    replica : Replica
    directory : path
        Made if it is not there; files of the same names are replaced.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    OutputError
        If the directory cannot be written to.
    """
    target = Path(directory)
    tables = (replica.survey, replica.by_workplace, replica.by_enterprise)
    texts = [
        *(table.to_csv(index=False, lineterminator="\n") for table in tables),
        describe(replica),
    ]
    return write_files(ready_folder(target), dict(zip(FILES, texts, strict=True)))
