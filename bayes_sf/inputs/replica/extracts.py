"""The two register extracts: rows of table 7 that give the rates and the covariates back.

Numbers. Every organisation number in use begins with 8 or 9; the replica's begin with 1 and have a right
control digit, so they pass every check and belong to nobody.

Extracts. The report's counts are 314 numbers in one file, 275 in the other, one in both and 582 linked:
314 + 275 - 1 is six too many. Here six enterprise numbers are of no surveyed workplace. The number in
both has one quarter in the first file and all its quarters in the second.
"""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import scalar
from bayes_sf.inputs.quarters import parse_quarter, working_days
from bayes_sf.inputs.replica.rates import N_QUARTERS, Gaps
from bayes_sf.inputs.replica.strata import Stratum, workplaces

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bayes_sf.inputs.replica.controls import Covariates

    type Array = NDArray[np.float64]
    type Mask = NDArray[np.bool_]

__all__ = ["HEAD_COUNT", "QUARTERS", "build_extracts", "draw_numbers", "workplace_rows"]

HEAD_COUNT = "n_employees"
QUARTERS = tuple(f"{2016 + t // 4}{t % 4 + 1}" for t in range(N_QUARTERS))

_CHECK_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)
_FIRST_DIGIT = "1"
_AGES = ("16_29", "30_49", "50_69")
# Absence of women against men, and of the age groups, relative to each other: invented.
_WOMEN_RISK, _AGE_RISK = 1.5, (0.8, 1.0, 1.2)
_SHARE_NOISE = 0.02
# Young workers' part of those under 50, by industry.
_YOUNG = (0.38, 0.30, 0.36, 0.34, 0.33, 0.22)
_POSITION, _POSITION_SPREAD, _DRIFT = 0.85, 0.05, 0.015
# Decimals of days: enough for outcomes to return to a millionth of a percentage point.
_DAYS, _LOST, _SHARED = 1, 6, 4
# Of the 63 without women's share, those whose seniors' share is known: 582 - 519 against 582 - 527.
_N_EXTRA = 6
# Private workplaces are found more often under the enterprise's number.
_PRIVATE_BY_ENTERPRISE = 3.0


def draw_numbers(rng: np.random.Generator, count: int) -> list[str]:
    """Draw organisation numbers with a right control digit that are not in use.

    Examples
    --------
    >>> draw_numbers(np.random.default_rng(0), 2)
    ['185062479', '163696175']
    """
    found: dict[str, None] = {}
    while len(found) < count:
        body = _FIRST_DIGIT + f"{int(rng.integers(10**7)):07d}"
        total = sum(w * int(digit) for w, digit in zip(_CHECK_WEIGHTS, body, strict=True))
        check = -total % 11
        if check < 10:
            found[f"{body}{check}"] = None
    return list(found)


def _share_quarters(rng: np.random.Generator, share: float, observed: "Mask") -> "Array":
    """Quarterly shares (20,) whose mean is `share` over the observed quarters and over all of them."""
    widest = min(_SHARE_NOISE, share / 2, (1 - share) / 2)
    noise = np.where(observed, rng.uniform(-widest, widest, N_QUARTERS), 0.0)
    noise[observed] -= noise[observed].mean()
    return np.clip(share + noise / 2, 0.0, 1.0)


def _without(rng: np.random.Generator) -> tuple["Mask", "Mask"]:
    """Which linked workplaces have no women's and no seniors' days, (605,) each.

    Of those without all controls, three have women's share and lack an answer to a risk item instead
    (`respondents`); some of the rest have seniors' share.
    """
    places = workplaces()
    women = places.linked & ~places.full
    for industry, stratum, count in _answerless():
        members = np.flatnonzero((places.industry == industry) & (places.stratum == stratum))
        women[members[:count]] = False
    senior = women.copy()
    n_kept = int(scalar("n_figure4") - scalar("n_figure3"))
    senior[rng.permutation(np.flatnonzero(women & places.mean))[:n_kept]] = False
    return women, senior


def _answerless() -> list[tuple[int, Stratum, int]]:
    """Industry, stratum and number of the workplaces with women's share but without a risk item."""
    return [(1, Stratum.MEAN_BARE, 1), (3, Stratum.CHANGE_BARE, 1), (4, Stratum.CHANGE_BARE, 1)]


def _days(rng: np.random.Generator, n_employees: float) -> "Array":
    """Contracted days per quarter, (20,): working days, position share and a slow drift."""
    position = np.clip(_POSITION + _POSITION_SPREAD * rng.standard_normal(), 0.6, 1.0)
    drift = np.exp(np.cumsum(_DRIFT * rng.standard_normal(N_QUARTERS)))
    calendar = np.array([working_days(parse_quarter(quarter)) for quarter in QUARTERS])
    return (n_employees * position * drift * calendar).round(_DAYS)


def workplace_rows(
    rng: np.random.Generator,
    number: str,
    industry: int,
    covariates: tuple[float, float, float],
    rates: "Array",
    row: "Mask",
) -> "pd.DataFrame":
    """Rows of one workplace.

    Parameters
    ----------
    rng : numpy.random.Generator
    number : str
        Organisation number.
    industry : int
    covariates : tuple of float
        Women's share, seniors' share (NaN where suppressed) and number of employees.
    rates : (20,) float array
        Percent of contracted days lost; NaN where not observed.
    row : (20,) bool array
        Which quarters have a row.

    Returns
    -------
    pandas.DataFrame
        Columns of table 7 and the number of employees.
    """
    import pandas as pd

    women_share, senior_share, n_employees = covariates
    observed = np.isfinite(rates)
    days = _days(rng, n_employees)
    senior = _share_quarters(rng, 0.3 if np.isnan(senior_share) else senior_share, observed)
    women = _share_quarters(rng, 0.5 if np.isnan(women_share) else women_share, observed)
    young = (1 - senior) * _YOUNG[industry]
    parts = np.stack([young, 1 - senior - young, senior])
    lost = (rates / 100 * days).round(_LOST)

    table: dict[str, object] = {"org_nr": number, "mdagsv": days, "mdag_kv": women * days}
    risk = parts * np.array(_AGE_RISK)[:, None]
    lost_parts = risk / risk.sum(axis=0)
    lost_women = women * _WOMEN_RISK / (women * _WOMEN_RISK + 1 - women)
    for prefix, scale in (("mdag_", days), ("mdag_KVINNER_", women * days)):
        table |= {f"{prefix}{age}": part * scale for age, part in zip(_AGES, parts, strict=True)}
    table |= {"sfdagsvj": lost, "td_kv": lost_women * lost}
    for prefix, scale in (("tdv_", lost), ("tdv_KVINNER_", lost_women * lost)):
        table |= {f"{prefix}{age}": p * scale for age, p in zip(_AGES, lost_parts, strict=True)}
    frame = pd.DataFrame(table)
    shared = [name for name in frame.columns if name not in {"org_nr", "mdagsv", "sfdagsvj"}]
    frame[shared] = frame[shared].round(_SHARED)
    if np.isnan(women_share):
        frame[[name for name in shared if "KVINNER" in name or name.endswith("_kv")]] = np.nan
    if np.isnan(senior_share):
        frame[[name for name in shared if name.endswith(_AGES)]] = np.nan
    frame["aar_kvartal"] = QUARTERS
    frame[HEAD_COUNT] = int(n_employees)
    return frame[row]


def build_extracts(
    rng: np.random.Generator,
    numbers: list[str],
    covariates: "Covariates",
    rates: "Array",
    gaps: Gaps,
) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """Make the extract by workplace number and the extract by enterprise number.

    Parameters
    ----------
    rng : numpy.random.Generator
    numbers : list of str
        One per surveyed workplace, and six more.
    covariates : Covariates
    rates : (605, 20) float array
    gaps : Gaps

    Returns
    -------
    tuple of pandas.DataFrame
        Columns of table 7 in its order, then the number of employees; ordered by number and quarter.
    """
    import pandas as pd

    places = workplaces()
    no_women, no_senior = _without(rng)
    made = {}
    for place in np.flatnonzero(places.linked):
        shares = (
            np.nan if no_women[place] else covariates.women_share[place],
            np.nan if no_senior[place] else covariates.senior_share[place],
            covariates.n_employees[place],
        )
        made[place] = workplace_rows(
            rng, numbers[place], int(places.industry[place]), shares, rates[place], gaps.row[place]
        )
    first, second, both = _sides(rng)
    extra = [
        workplace_rows(
            rng, number, 0, (0.3, 0.3, 40), rng.gamma(2.0, 2.5, N_QUARTERS).round(3), np.ones(N_QUARTERS, dtype=bool)
        )
        for number in numbers[len(places.industry) :]
    ]
    single = made[both].dropna(subset="sfdagsvj").head(1)
    by_workplace = pd.concat([*(made[place] for place in first), single])
    by_enterprise = pd.concat([*(made[place] for place in second), *extra])
    columns = [variable.column for variable in load_codebook().register]
    return tuple(  # type: ignore[return-value]
        frame.sort_values(["org_nr", "aar_kvartal"], ignore_index=True)[[*columns, HEAD_COUNT]]
        for frame in (by_workplace, by_enterprise)
    )


def _sides(rng: np.random.Generator) -> tuple[list[int], list[int], int]:
    """Places of the first extract, of the second, and the one of the second that is in both."""
    places = workplaces()
    linked = np.flatnonzero(places.linked)
    weight = np.where(places.industry[linked] < 3, 1.0, _PRIVATE_BY_ENTERPRISE)
    n_first = int(scalar("n_file_workplace_number")) - 1
    first = rng.choice(linked, n_first, replace=False, p=weight / weight.sum())
    second = np.setdiff1d(linked, first)
    full = second[places.stratum[second] == Stratum.CHANGE]
    return sorted(first.tolist()), sorted(second.tolist()), int(rng.choice(full))
