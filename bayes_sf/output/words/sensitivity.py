"""What parts, rungs, quantities and priors of a sensitivity analysis are called, and their notes.

Examples
--------
>>> part_word("reml"), part_word("no such word")
('REML', 'no such word')
>>> part_note("days")[:30]
'ASSOCIATION, NOT THE EFFECT OF'
"""

from collections.abc import Mapping
from typing import Final

from bayes_sf.catalogue import Marked, mark, mark_as, say

__all__ = ["part_note", "part_word"]

#: By a key of the analysis.
_WORDS: Final[Mapping[str, Marked]] = {
    "prior": mark("Before the data: what the priors say"),
    "fan": mark("Prior fan"),
    "scaling": mark("Power-scaling of prior and data"),
    "ladder": mark("The ladder"),
    "controls title": mark("Controls one by one"),
    "controls identical": mark("Controls on the same workplaces at every step"),
    "controls own": mark("Controls on the workplaces that are left, as in the report"),
    "size": mark("Practical size"),
    "exceedance": mark("Probability of at least so much"),
    "bayes": mark("Bayes factors"),
    "days": mark("Lost working days a year (association, not the effect of an intervention)"),
    "designs": mark("Power, type S and type M errors"),
    "planning": mark("What the next study needs"),
    "multiplicity": mark("Many comparisons"),
    "contrast": mark("Contrast"),
    "days_mean": mark("Days"),
    "days_thousand": mark("1,000 days"),
    "level": mark("Level at the predictors' means"),
    "sd_group": mark("sd between industries"),
    "sd_resid": mark("sd within industries"),
    "icc": mark("ICC"),
    "groups differ": mark("Distance between two industries"),
    "sd_outcome": mark("sd of all workplaces"),
    "outcome": mark("Outcome of one workplace"),
    "prior slope": mark("slope"),
    "prior sd_group": mark("sd_group"),
    "prior sceptical": mark("sceptical"),
    "prior exponential": mark("exponential"),
    "prior half-normal": mark("half-normal"),
    "prior half-t": mark("half-t"),
    "prior as": mark("as"),
    "prior stated": mark("stated"),
    "prior one": mark("one"),
    "prior step": mark("step"),
    "prior 2.5": mark("2.5"),
    "ols": mark("OLS (no industries)"),
    "cluster robust": mark("OLS, cluster-robust (CR2)"),
    "no pooling": mark("No pooling"),
    "reml": mark("REML"),
    "flat prior": mark("Posterior, flat prior"),
    "stated prior": mark("Posterior, the model's prior"),
    "student": mark("Student-t"),
    "known precision": mark("Known precision"),
    "imputation": mark("Joint imputation"),
    "none": mark("none"),
    "all": mark("all"),
    "verdict inside": mark("too small to matter"),
    "verdict outside": mark("large enough to matter"),
    "verdict undecided": mark_as("verdict undecided", "undecided"),
    "strong prior or weak data": mark("strong prior or weak data"),
    "prior and data may conflict": mark("prior and data may conflict"),
    "vary expected": mark("expected"),
    "vary workplaces": mark("new workplaces"),
    "vary industries": mark("new industries"),
    "all but scaling": mark("All but power-scaling"),
    "is sampled: ask for it": mark("is sampled: ask for it with --sampled"),
    "no saved result was given": mark("no saved result was given"),
    "is about means over quarters": mark("is about means over quarters"),
    "needs rows: sufficient statistics are not enough": mark(
        "needs rows: sufficient statistics are not enough"
    ),
    "did not converge": mark("did not converge"),
}
#: What is said below the table of a part.
_NOTES: Final[Mapping[str, Marked]] = {
    "prior": mark(
        "Drawn from the priors alone; predictors vary as in the data. Impossible: outside 0 to "
        "100 percent (change: −100 to 100)."
    ),
    "fan": mark(
        "All priors weigh the same nodes, nothing is fitted again. Other conclusion: how many "
        "exclude zero (ICC: have the whole interval above 0.1) otherwise than the model's own."
    ),
    "scaling": mark(
        "Distance per doubling of the power (Kallioinen et al. 2024); from 0.05 on a posterior "
        "is called sensitive. The distribution of industries' effects is part of the model and "
        "stays."
    ),
    "ladder": mark(
        "The same workplaces at every rung (but for joint imputation). Change from the rung "
        "before, also in standard errors of REML; Student-t, known precision and imputation: "
        "from the model's prior. Intervals: Wald (CR2: Student's t), posterior equal-tailed."
    ),
    "controls identical": mark(
        "The workplaces that have all controls: steps differ by adjustment alone."
    ),
    "controls own": mark(
        "Loss: without the control, on the step's workplaces against all. Adjustment: with it "
        "against without, on the same workplaces."
    ),
    "size": mark(
        "The verdict is whether the whole interval lies in the region, outside, or neither "
        "(Kruschke 2018). The region is the user's."
    ),
    "exceedance": mark(
        "Probability that the contrast is at least so large, and in which direction."
    ),
    "bayes": mark(
        "BF01: no association against normal(0, width) for the slope, in sd(y)/sd(x) "
        "(Savage-Dickey)."
    ),
    "days": mark(
        "ASSOCIATION, NOT THE EFFECT OF AN INTERVENTION: so many more (or fewer) lost working "
        "days a year go with the contrast. New workplaces and industries add chance."
    ),
    "designs": mark(
        "Over a distribution of true differences, never the estimate itself. S: share of "
        "significant findings with the wrong sign. M: how many times too large they are. "
        "Smallest: found with 80 % power."
    ),
    "planning": mark(
        "To expect, given what is now known of the spreads and of how the predictor varies."
    ),
    "multiplicity": mark(
        "Per sd of the predictor. All slopes of the outcome, partially pooled towards zero. Rank "
        "by size, 1 is the largest."
    ),
}


def part_word(key: str) -> str:
    """Return what a key is called; what is not known stays as it is."""
    return say(_WORDS[key]) if key in _WORDS else key


def part_note(part: str) -> str:
    """Return what is said below the table of a part."""
    return say(_NOTES[part])
