"""Which surveyed workplaces are missing, and which are won back where gaps are modelled.

A model of complete rows loses workplaces that are not in the register, that have too few observed
quarters, or of which one of its predictors is not known. Nothing here names a workplace; small
counts are printed as they are.

Examples
--------
>>> size_band(7), size_band(20), size_band(455), size_band(float("nan"))
('5-9', '20-49', '100+', 'not known')
"""

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.analysis.missing.missingness import count_by
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.design import score
from bayes_sf.inputs.register.quarters import quarter_range
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.inputs.panel import Panel

__all__ = ["REPRESENTATIVES", "SIZES", "complete_rows", "size_band", "who_is_missing", "won_back"]

#: Lower ends of the bands of employees; the report asked workplaces with five or more.
SIZES: Final = {"under 5": 0, "5-9": 5, "10-19": 10, "20-49": 20, "50-99": 50, "100+": 100}
#: The item on union representatives.
REPRESENTATIVES: Final = "q17"
_NOT_KNOWN = "not known"


def size_band(employees: float) -> str:
    """Return the band of a number of employees."""
    if math.isnan(employees):
        return _NOT_KNOWN
    return [band for band, lowest in SIZES.items() if employees >= lowest][-1]


def complete_rows(sample: AnalysisSample, spec: ModelSpec) -> "pd.Series[bool]":
    """Which surveyed workplaces a model of complete rows keeps, (n,).

    Parameters
    ----------
    sample : AnalysisSample
        The workplaces.
    spec : ModelSpec
        Its outcome, predictors and least number of quarters.
    """
    frame = sample.frame
    kept = frame["linked"] & (frame["n_quarters"] >= spec.min_quarters)
    for name in (spec.outcome, *spec.predictors):
        kept &= score(frame, name).notna()
    return kept


def who_is_missing(sample: AnalysisSample, specs: "tuple[ModelSpec, ...]") -> "pd.DataFrame":
    """Count what is missing by industry, size and union representatives.

    Parameters
    ----------
    sample : AnalysisSample
        The workplaces.
    specs : tuple of ModelSpec
        Models whose complete rows are counted, one for each outcome.

    Returns
    -------
    pandas.DataFrame
        ``by`` (industry, size, representatives, all), ``level``; ``surveyed``, ``linked`` and
        ``linked_share``; ``quarters_share``, the share of the linked workplaces' quarters that are
        observed; ``shares_known``, the share of the linked of which women's and seniors' share are
        known; and for every model ``complete_OUTCOME`` and its share of the surveyed,
        ``complete_OUTCOME_share``.
    """
    import pandas as pd

    frame = sample.frame
    linked = frame["linked"].to_numpy(dtype=bool)
    known = frame[["women_share", "senior_share"]].notna().all(axis=1)
    quarters = frame["n_quarters"] / len(quarter_range(*sample.period))
    complete = {f"complete_{spec.outcome}": complete_rows(sample, spec) for spec in specs}
    groups: dict[str, tuple[list[str], pd.Series[str]]] = {
        "industry": ([one.key for one in load_codebook().industries], frame["industry"]),
        "size": ([*SIZES, _NOT_KNOWN], frame["n_employees"].map(size_band)),
    }
    if REPRESENTATIVES in frame:
        levels = list(dict.fromkeys(frame[REPRESENTATIVES].sort_values(ascending=False)))
        groups["representatives"] = (levels, frame[REPRESENTATIVES])
    groups["all"] = (["all"], pd.Series("all", index=frame.index))
    of_linked = {"quarters": np.where(linked, quarters, np.nan),
                 "known": np.where(linked, known, np.nan)}  # fmt: skip
    table = count_by(groups, {"linked": linked, **of_linked, **complete})
    names = {"n": "surveyed", "known_share": "shares_known"}
    return table.rename(columns=names).drop(columns=["quarters", "known"])


def won_back(sample: AnalysisSample, spec: ModelSpec, panel: "Panel") -> "pd.DataFrame":
    """Count by industry how much of the sample the joint model wins back.

    Parameters
    ----------
    sample : AnalysisSample
        The workplaces.
    spec : ModelSpec
        The model of complete rows.
    panel : Panel
        What the joint model is fitted to.

    Returns
    -------
    pandas.DataFrame
        ``outcome, industry``; ``surveyed``; ``complete``, rows of the model of complete rows;
        ``joint``, workplaces in the panel; ``won`` their difference; and ``complete_share,
        won_share, joint_share`` of the surveyed. The last line is all industries.
    """
    import pandas as pd

    frame, rows = sample.frame, complete_rows(sample, spec)
    names = np.array(panel.industries)[panel.code]
    records = []
    industries = [one.key for one in load_codebook().industries]
    for key in [*industries, "all"]:
        here = frame["industry"] == key if key != "all" else pd.Series(True, index=frame.index)
        surveyed, complete = int(here.sum()), int((rows & here).sum())
        joint = int((names == key).sum()) if key != "all" else len(names)
        if surveyed:
            records.append(
                {
                    "outcome": spec.outcome, "industry": key, "surveyed": surveyed,
                    "complete": complete, "joint": joint, "won": joint - complete,
                    "complete_share": complete / surveyed,
                    "won_share": (joint - complete) / surveyed, "joint_share": joint / surveyed,
                }
            )  # fmt: skip
    return pd.DataFrame(records)
