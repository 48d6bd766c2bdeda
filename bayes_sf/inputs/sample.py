"""Survey and register together: one frozen sample that every model and table starts from.

A surveyed workplace is linked by its workplace number or, where the survey has one, by its
enterprise number; if both are in the register, the record with more observed quarters is used and
the workplace number's if equal. Workplaces that are not found stay in the sample, unlinked. One
record may serve several workplaces of an enterprise, but then `problems` says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.design import build_design, count_flow
from bayes_sf.inputs.faults import join_problems, problem, problem_table
from bayes_sf.inputs.pseudonym import run_key
from bayes_sf.inputs.register.quarters import quarter_name, quarter_range
from bayes_sf.inputs.register.reader import Register, read_register
from bayes_sf.inputs.survey import Survey, read_survey
from bayes_sf.inputs.toml import read_toml
from bayes_sf.resources import data_dir

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

__all__ = ["AnalysisSample", "design", "digest_of", "link", "load_sample", "read_mapping"]

type Source = Literal["replica", "microdata"]
#: Digest of the bundled replica: data that are known to be of nobody.
INVENTED = "182ab29a236fa80f4a4c82bfccdba2003d82539f9b244f5fe512d97ac3e25adc"
REPLICA_FILES = ("survey.csv", "register_workplace.csv", "register_enterprise.csv")


@dataclass(frozen=True)
class AnalysisSample:
    """Surveyed workplaces with their answers, outcomes and controls.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per surveyed workplace: `workplace` (pseudonym), `industry`, items as category keys,
        `linked`, and what `Register.workplaces` has, missing where not linked.
    quarters : pandas.DataFrame
        One row per linked workplace and quarter in the extracts: `workplace`, `industry`, `quarter`
        ("2016Q1"), contracted, lost, women's and seniors' days, `head_count`, `absence` (pp).
    source : {"replica", "microdata"}
        Whether the workplaces are synthetic. Everything printed from the replica says so.
    digest : str
        SHA-256 of all answers and figures, whatever the file format and the pseudonyms' key.
    period : tuple of str
        First and last quarter that count.
    extracts, problems : pandas.DataFrame
        As in `Register`; `problems` also has those of the survey, and of how its numbers link.
    """

    frame: "pd.DataFrame" = field(repr=False)
    quarters: "pd.DataFrame" = field(repr=False)
    source: Source
    digest: str
    period: tuple[str, str]
    extracts: "pd.DataFrame" = field(repr=False)
    problems: "pd.DataFrame" = field(repr=False)

    @property
    def invented(self) -> bool:
        """Whether these are the bundled replica's answers and figures, whatever it is called."""
        if self.digest != INVENTED:
            return False
        known = _replica(run_key())  # the digest is of the files: nothing has changed since
        pairs = ((self.frame, known.frame), (self.quarters, known.quarters))
        return all(
            mine.drop(columns="workplace").equals(own.drop(columns="workplace"))
            for mine, own in pairs
        )

    def flow(
        self, *, outcome: str, predictors: Sequence[str] = (), min_quarters: int = 3
    ) -> "pd.DataFrame":
        """Count who is left after each rule, by industry; see `count_flow`."""
        return count_flow(
            self.frame, outcome=outcome, predictors=predictors, min_quarters=min_quarters
        )

    def missingness(self) -> "pd.DataFrame":
        """Tell which quarters are observed: `industry, workplace, quarter, state`.

        Returns
        -------
        pandas.DataFrame
            One row per linked workplace and quarter of the period, by industry and then from most
            to fewest observed quarters; `state` is "observed", "no absence" (a row without lost or
            contracted days) or "no row".
        """
        import pandas as pd

        linked = self.frame[self.frame["linked"]]
        order = linked.sort_values(["industry", "n_quarters"], ascending=[True, False])
        names = [quarter_name(index) for index in quarter_range(*self.period)]
        grid = order[["industry", "workplace"]].merge(pd.Series(names, name="quarter"), how="cross")
        rows = self.quarters[["workplace", "quarter", "absence"]].assign(row=True)
        grid = grid.merge(rows, how="left", on=["workplace", "quarter"])
        state = grid["row"].isna().map({True: "no row", False: "no absence"})
        grid["state"] = state.mask(grid["absence"].notna(), "observed")
        return grid.drop(columns=["row", "absence"])


def design(
    sample: AnalysisSample,
    *,
    outcome: str,
    predictors: Sequence[str] = (),
    min_quarters: int = 3,
    **options: Sequence[str],
) -> "pd.DataFrame":
    """Build the data of one model from a sample; options and all are those of `build_design`.

    Examples
    --------
    >>> sample = load_sample("replica")
    >>> list(design(sample, outcome="absence_mean", predictors=["q13"]))
    ['workplace', 'industry', 'absence_mean', 'q13']
    """
    return build_design(
        sample.frame,
        outcome=outcome,
        predictors=predictors,
        min_quarters=min_quarters,
        **options,
    )


def load_sample(
    source: Literal["replica"] | None = None,
    *,
    survey: str | Path | None = None,
    register: str | Path | Sequence[str | Path] = (),
    mapping: str | Path | None = None,
    decimal: str | None = None,
    key: bytes | None = None,
    backend: "str | SparkSession | None" = None,
) -> AnalysisSample:
    """Read the bundled replica, or a survey and its register extracts.

    Parameters
    ----------
    source : "replica", optional
        The synthetic study that travels with the package, read once in a process.
    survey : path, optional
        The survey file, where `source` is not given.
    register : path or sequence of paths, optional
        The register extracts.
    mapping : path, optional
        TOML file with tables `[survey]` and `[register]` of our column names to the files'.
    decimal : {",", "."}, optional
        Decimal mark of the register's texts, where a file leaves it open.
    key : bytes, optional
        Secret key of the pseudonyms, to have the same ones in another run.
    backend : str or pyspark.sql.SparkSession, optional
        Spark that reads the register, see `read_register`.

    Returns
    -------
    AnalysisSample
        Read, checked and linked.

    Raises
    ------
    UsageError
        If it is not said what to read, or how to read the replica.
    DataError
        If the files break a rule.
    """
    extracts: list[str | Path] = [register] if isinstance(register, str | Path) else list(register)
    if (source is None) != (survey is not None and bool(extracts)) or (
        source and (mapping or decimal or backend)
    ):
        raise UsageError("load_sample", "needs 'replica', or both survey and register")
    secret = key or run_key()
    if source is not None:
        if source != "replica":
            raise UsageError(
                "load_sample", "must name a bundled sample: published or replica", got=source
            )
        return _copy(_replica(secret))
    assert survey is not None
    columns = read_mapping(mapping) if mapping else {}
    return link(
        read_survey(survey, mapping=columns.get("survey"), key=secret),
        read_register(
            extracts, mapping=columns.get("register"), decimal=decimal, key=secret, backend=backend
        ),
    )


@lru_cache(maxsize=4)
def _replica(key: bytes) -> AnalysisSample:
    """Read the replica once in a process: its files do not change."""
    survey, *extracts = (data_dir() / "replica" / name for name in REPLICA_FILES)
    people, register = read_survey(survey, key=key), read_register(extracts, key=key)
    return link(people, register, source="replica")


def _copy(sample: AnalysisSample) -> AnalysisSample:
    """The same sample with frames of its own: what a caller does to them stays with the caller."""
    frames = ("frame", "quarters", "extracts", "problems")
    return replace(sample, **{name: getattr(sample, name).copy() for name in frames})


def read_mapping(path: str | Path) -> dict[str, dict[str, str]]:
    """Read a TOML file that says how columns are named.

    Returns
    -------
    dict
        "survey" and "register", each our name to theirs.

    Raises
    ------
    SpecError
        If the file is not TOML.
    UsageError
        If it has anything but these two tables of text.
    """
    path = Path(path)
    tables = read_toml(path)
    for name, names in tables.items():
        if name not in {"survey", "register"} or not isinstance(names, dict):
            raise UsageError(f"{path.name}: {name}", "must be a table [survey] or [register]")
        for ours, theirs in names.items():
            where = f"{path.name}: {name}.{ours}"
            if isinstance(theirs, dict):
                whole = ".".join([ours, *theirs])
                fix = f'write names that have a point in quotes: "{whole}" = ...'
                raise UsageError(where, "must be text", got="a table", fix=fix)
            if not isinstance(theirs, str):
                raise UsageError(where, "must be text", got=theirs)
    return tables


def link(survey: Survey, register: Register, *, source: Source = "microdata") -> AnalysisSample:
    """Link surveyed workplaces with the register's.

    Parameters
    ----------
    survey : Survey
        Read with the same key as the register.
    register : Register
        Its extracts.
    source : {"replica", "microdata"}
        What the sample says of itself.

    Returns
    -------
    AnalysisSample
        All surveyed workplaces, linked or not.

    Raises
    ------
    DataError
        If no surveyed workplace is in the register.
    """
    import pandas as pd

    people = survey.frame
    by_number = [
        people[["workplace"]].assign(record=people[name], by=rank)
        for rank, name in enumerate(("workplace", "enterprise"))
    ]
    candidates = pd.concat(by_number).dropna(subset="record")
    outcomes, quarters = register.select(candidates["record"])
    found = candidates.merge(outcomes.rename(columns={"workplace": "record"}), on="record")
    if found.empty:
        raise DataError(
            "survey and register",
            "must have workplaces in common",
            got=f"none of {len(people)} surveyed workplaces in the register",
            fix="check that both have the same kind of number",
        )
    found = found.sort_values(["n_quarters", "by"], ascending=[False, True], kind="stable")
    found = found.drop_duplicates("workplace")
    found_odd = [survey.problems, register.problems, _odd_links(people, found)]
    frame = people.drop(columns="enterprise").merge(found, how="left", on="workplace")
    frame["linked"] = frame["record"].notna()
    places = frame.loc[frame["linked"], ["workplace", "industry", "record"]]
    quarters = places.merge(quarters.rename(columns={"workplace": "record"}), on="record")
    quarters["quarter"] = quarters["quarter"].map(quarter_name)
    for end in ("first_quarter", "last_quarter"):
        frame[end] = frame[end].map(lambda index: quarter_name(int(index)), na_action="ignore")
    frame = frame.drop(columns=["record", "by", "extract", "observed"])
    quarters = quarters.drop(columns="record")
    return AnalysisSample(
        frame=frame,
        quarters=quarters,
        source=source,
        digest=digest_of(frame, quarters, unit="workplace"),
        period=register.period,
        extracts=register.extracts,
        problems=join_problems(found_odd),
    )


def _odd_links(people: "pd.DataFrame", found: "pd.DataFrame") -> "pd.DataFrame":
    """Report workplaces that share a register record, and enterprise numbers that are none."""
    shared = found[found.duplicated("record", keep=False)]
    own = people[people["enterprise"] == people["workplace"]]
    odd = (
        ("the same register record as another workplace", shared, "the record is used for each"),
        ("the enterprise number is the workplace's own", own, "counted as not given"),
    )
    return problem_table(
        [
            problem(
                "survey", fault, rows=len(rows), places=((w, None) for w in rows["workplace"]),
                consequence=consequence,
            )
            for fault, rows, consequence in odd
            if len(rows)
        ]
    )  # fmt: skip


def digest_of(*frames: "pd.DataFrame", unit: str) -> str:
    """Fingerprint of the contents, without the pseudonyms; twelve digits survive every format.

    Parameters
    ----------
    *frames : pandas.DataFrame
    unit : str
        Column of the pseudonyms.
    """
    sha = sha256()
    for frame in frames:
        content = frame.drop(columns=unit).to_csv(index=False, float_format="%.12g")
        sha.update(content.encode())
    return sha.hexdigest()
