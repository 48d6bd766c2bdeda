"""The two register extracts: rows of table 7 that give the rates and the covariates back.

Numbers. Every organisation number in use begins with 8 or 9; the replica's begin with 1 and have a
right control digit, so they pass every check and belong to nobody.

Extracts. The report's counts are 314 numbers in one file, 275 in the other, one in both and 582
linked: 314 + 275 - 1 is six too many. Here six enterprise numbers are of no surveyed workplace.
The number in both has one quarter in the first file and all its quarters in the second.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import scalar
from bayes_sf.inputs.register.quarters import parse_quarter, working_days
from bayes_sf.replica.register.rates import N_QUARTERS, Gaps
from bayes_sf.replica.survey.strata import Stratum, workplaces

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bayes_sf.replica.controls import Covariates

    type Array = NDArray[np.float64]
    type Mask = NDArray[np.bool_]

__all__ = ["HEAD_COUNT", "QUARTERS", "build_extracts", "draw_numbers"]

HEAD_COUNT = "n_employees"
QUARTERS = tuple(f"{2016 + t // 4}{t % 4 + 1}" for t in range(N_QUARTERS))

_CHECK_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)
_FIRST_DIGIT = "1"
_AGES = ("16_29", "30_49", "50_69")
# Absence of women against men, and of the age groups, relative to each other: invented.
_WOMEN_RISK, _AGE_RISK = 1.5, (0.8, 1.0, 1.2)
# Quarterly shares stray from the workplace's by this much, and by less where it is near 0 or 1.
_SHARE_NOISE = 0.01
# Young workers' part of those under 50, by industry.
_YOUNG = (0.38, 0.30, 0.36, 0.34, 0.33, 0.22)
_POSITION, _POSITION_SPREAD, _DRIFT = 0.85, 0.05, 0.015
# Decimals of days: enough for outcomes to return to a millionth of a percentage point.
_DAYS, _LOST, _SHARED = 1, 6, 4
# The numbers of no surveyed workplace: shares, employees, and shape and scale of gamma rates.
_EXTRA_SHARE, _EXTRA_EMPLOYEES, _EXTRA_RATES = 0.3, 40.0, (2.0, 2.5)
# Workplaces whose women's days are known although they lack full controls: the first of these
# (industry, stratum), who do not know an answer to a risk item instead (`respondents`).
_WITH_WOMEN = ((1, Stratum.MEAN_BARE), (3, Stratum.CHANGE_BARE), (4, Stratum.CHANGE_BARE))
# Private workplaces are found more often under the enterprise's number.
_PRIVATE_BY_ENTERPRISE = 3.0


@dataclass(frozen=True)
class _Unit:
    """One number of an extract.

    Parameters
    ----------
    number : str
    industry : int
    women_share, senior_share : float
        NaN where the days are suppressed.
    n_employees : float
    rates : (20,) float array
        Percent of contracted days lost; NaN where not observed.
    row : (20,) bool array
        Which quarters have a row.
    """

    number: str
    industry: int
    women_share: float
    senior_share: float
    n_employees: float
    rates: "Array"
    row: "Mask"


def draw_numbers(rng: np.random.Generator, count: int) -> list[str]:
    """Draw organisation numbers with a right control digit that are not in use.

    Examples
    --------
    >>> draw_numbers(np.random.default_rng(0), 2)
    ['185062422', '163696169']
    """
    found: dict[str, None] = {}
    while len(found) < count:
        body = _FIRST_DIGIT + f"{int(rng.integers(10**7)):07d}"
        total = sum(w * int(digit) for w, digit in zip(_CHECK_WEIGHTS, body, strict=True))
        check = -total % 11
        if check < 10:
            found[f"{body}{check}"] = None
    return list(found)


def _shares(rng: np.random.Generator, share: float, observed: "Mask") -> "Array":
    """Quarterly shares (20,) with mean `share` over the observed quarters and over all."""
    widest = min(_SHARE_NOISE, share / 4, (1 - share) / 4)
    noise = np.where(observed, rng.uniform(-widest, widest, N_QUARTERS), 0.0)
    noise[observed] -= noise[observed].mean()
    return np.asarray(share + noise)


def _contracted(rng: np.random.Generator, n_employees: float) -> "Array":
    """Contracted days per quarter, (20,): working days, position share and a slow drift."""
    position = np.clip(_POSITION + _POSITION_SPREAD * rng.standard_normal(), 0.6, 1.0)
    drift = np.exp(np.cumsum(_DRIFT * rng.standard_normal(N_QUARTERS)))
    calendar = np.array([working_days(parse_quarter(quarter)) for quarter in QUARTERS])
    return np.asarray((n_employees * position * drift * calendar).round(_DAYS))


def _rows(rng: np.random.Generator, unit: _Unit) -> "pd.DataFrame":
    """Rows of one number: columns of table 7 and the number of employees.

    Days split by age as the contracted days do, weighted by age's risk; women's age groups split as
    all do. Parts add up to their wholes but for rounding.
    """
    import pandas as pd

    observed = np.isfinite(unit.rates)
    days = _contracted(rng, unit.n_employees)
    senior = _shares(rng, np.nan_to_num(unit.senior_share, nan=_EXTRA_SHARE), observed)
    women = _shares(rng, np.nan_to_num(unit.women_share, nan=_EXTRA_SHARE), observed)
    young = (1 - senior) * _YOUNG[unit.industry]
    parts = np.stack([young, 1 - senior - young, senior])
    risk = parts * np.array(_AGE_RISK)[:, None]
    lost_parts = risk / risk.sum(axis=0)
    lost = (unit.rates / 100 * days).round(_LOST)
    lost_women = lost * women * _WOMEN_RISK / (women * _WOMEN_RISK + 1 - women)

    table: dict[str, Array] = {"mdag_kv": women * days, "td_kv": lost_women}
    for prefix, whole, split in (
        ("mdag_", days, parts),
        ("mdag_KVINNER_", women * days, parts),
        ("tdv_", lost, lost_parts),
        ("tdv_KVINNER_", lost_women, lost_parts),
    ):
        table |= {f"{prefix}{age}": whole * part for age, part in zip(_AGES, split, strict=True)}
    frame = pd.DataFrame(table).round(_SHARED)
    if np.isnan(unit.women_share):
        frame.loc[:, [name for name in table if "KVINNER" in name or name.endswith("_kv")]] = np.nan
    if np.isnan(unit.senior_share):
        frame.loc[:, [name for name in table if name.endswith(_AGES)]] = np.nan
    frame = frame.assign(org_nr=unit.number, mdagsv=days, sfdagsvj=lost, aar_kvartal=QUARTERS)
    return frame.assign(**{HEAD_COUNT: int(unit.n_employees)})[unit.row]


def _suppressed(rng: np.random.Generator) -> tuple["Mask", "Mask"]:
    """Which linked workplaces have no women's and no seniors' days, (605,) each."""
    places = workplaces()
    women = places.linked & ~places.full
    for industry, stratum in _WITH_WOMEN:
        of_stratum = (places.industry == industry) & (places.stratum == stratum)
        women[np.flatnonzero(of_stratum)[0]] = False
    senior = women.copy()
    n_kept = int(scalar("n_figure4") - scalar("n_figure3"))
    senior[rng.permutation(np.flatnonzero(women & places.mean))[:n_kept]] = False
    return women, senior


def _sides(rng: np.random.Generator) -> tuple[list[int], list[int], int]:
    """Places of the first extract, of the second, and the one of the second that is in both."""
    places = workplaces()
    linked = np.flatnonzero(places.linked)
    weight = np.where(places.industry[linked] < 3, 1.0, _PRIVATE_BY_ENTERPRISE)
    n_first = int(scalar("n_file_workplace_number") - scalar("n_duplicates"))
    first = rng.choice(linked, n_first, replace=False, p=weight / weight.sum())
    second = np.setdiff1d(linked, first)
    full = second[places.stratum[second] == Stratum.CHANGE]
    return sorted(first.tolist()), sorted(second.tolist()), int(rng.choice(full))


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
        One per surveyed workplace, and those of no surveyed workplace.
    covariates : Covariates
    rates : (605, 20) float array
        Percent; NaN where not observed.
    gaps : Gaps

    Returns
    -------
    tuple of pandas.DataFrame
        Columns of table 7 in its order, then the number of employees; by number and quarter.
    """
    import pandas as pd

    places = workplaces()
    no_women, no_senior = _suppressed(rng)
    made = {
        place: _rows(
            rng,
            _Unit(
                numbers[place],
                int(places.industry[place]),
                np.nan if no_women[place] else float(covariates.women_share[place]),
                np.nan if no_senior[place] else float(covariates.senior_share[place]),
                float(covariates.n_employees[place]),
                rates[place],
                gaps.row[place],
            ),
        )
        for place in np.flatnonzero(places.linked).tolist()
    }
    shares = (_EXTRA_SHARE, _EXTRA_SHARE, _EXTRA_EMPLOYEES)
    always = np.ones(N_QUARTERS, dtype=bool)
    extra = [
        _rows(rng, _Unit(number, 0, *shares, rng.gamma(*_EXTRA_RATES, N_QUARTERS), always))
        for number in numbers[len(places.industry) :]
    ]
    first, second, both = _sides(rng)
    one_quarter = made[both].dropna(subset="sfdagsvj").head(int(scalar("duplicate_quarters")))
    columns = [str(variable.column) for variable in load_codebook().register]

    def extract(parts: "list[pd.DataFrame]") -> "pd.DataFrame":
        ordered = pd.concat(parts).sort_values(["org_nr", "aar_kvartal"], ignore_index=True)
        return ordered[[*columns, HEAD_COUNT]]

    return (
        extract([*(made[place] for place in first), one_quarter]),
        extract([*(made[place] for place in second), *extra]),
    )
