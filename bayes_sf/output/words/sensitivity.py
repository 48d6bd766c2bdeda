"""Words and sentences of sensitivity tables and figures, in Norwegian and English.

Examples
--------
>>> say("reml", "nb"), say("no such word", "nb")
('REML', 'no such word')
>>> sentence_of("days", "en")[:30]
'ASSOCIATION, NOT THE EFFECT OF'
"""

from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language

__all__ = ["say", "sentence_of"]

#: Key -> Norwegian, English.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # Titles
    "prior": ("Før data: hva a priori-fordelingene sier", "Before the data: what the priors say"),
    "fan": ("A priori-vifte", "Prior fan"),
    "scaling": ("Potens av a priori og data", "Power-scaling of prior and data"),
    "ladder": ("Stigen", "The ladder"),
    "controls": ("Kontroll for", "Controls"),
    "controls title": ("Kontrollvariabler", "Controls one by one"),
    "controls identical": (
        "Kontrollvariabler på de samme virksomhetene i alle trinn",
        "Controls on the same workplaces at every step",
    ),
    "controls own": (
        "Kontrollvariabler på de virksomhetene som er igjen, som i rapporten",
        "Controls on the workplaces that are left, as in the report",
    ),
    "size": ("Praktisk betydning", "Practical size"),
    "exceedance": ("Sannsynlighet for minst så mye", "Probability of at least so much"),
    "bayes": ("Bayesfaktorer", "Bayes factors"),
    "days": (
        "Tapte dagsverk i året (sammenheng, ikke effekt av tiltak)",
        "Lost working days a year (association, not the effect of an intervention)",
    ),
    "designs": ("Styrke, feil fortegn (S) og overdrivelse (M)", "Power, type S and type M errors"),
    "planning": ("Hva neste studie trenger", "What the next study needs"),
    "multiplicity": ("Mange sammenligninger", "Many comparisons"),
    # Columns
    "quantity": ("Størrelse", "Quantity"),
    "observed": ("Observert", "Observed"),
    "p_above": ("P(mer enn observert)", "P(above observed)"),
    "p_impossible": ("P(umulig)", "P(impossible)"),
    "priors tried": ("A priori-fordelinger", "Priors"),
    "first": ("Modellens egen", "The model's own"),
    "means": ("Forventning", "Means"),
    "lowers": ("Nedre grenser", "Lower limits"),
    "uppers": ("Øvre grenser", "Upper limits"),
    "changed": ("Annen konklusjon", "Other conclusion"),
    "sensitivity prior": ("A priori", "Prior"),
    "sensitivity data": ("Data", "Data"),
    "diagnosis": ("Diagnose", "Diagnosis"),
    "rung": ("Trinn", "Rung"),
    "change": ("Endring", "Change"),
    "change_se": ("i std.feil", "in SEs"),
    "lost": ("Tapt", "Lost"),
    "loss": ("Av tap", "By loss"),
    "adjustment": ("Av justering", "By adjustment"),
    "contrast": ("Kontrast", "Contrast"),
    "inside": ("P(uten betydning)", "P(too small)"),
    "below": ("P(under)", "P(below)"),
    "above": ("P(over)", "P(above)"),
    "verdict": ("Konklusjon", "Verdict"),
    "amount": ("Minst", "At least"),
    "p_at_least": ("P(minst så mye)", "P(at least)"),
    "p_less": ("P(lavere)", "P(lower)"),
    "p_more": ("P(høyere)", "P(higher)"),
    "width": ("A priori-sd", "Prior sd"),
    "bf01": ("BF01", "BF01"),
    "span": ("over tabellenes mulige data", "over the possible data"),
    "p_null": ("P(ingen), like odds", "P(none), even odds"),
    "variation": ("Variasjon", "Variation"),
    "employees": ("Årsverk", "Full-time equivalents"),
    "days_mean": ("Dagsverk", "Days"),
    "days_thousand": ("1000 dagsverk", "1,000 days"),
    "days_more": ("P(flere)", "P(more)"),
    "cost": ("Kostnad", "Cost"),
    "power": ("Styrke", "Power"),
    "type_s": ("S", "S"),
    "type_m": ("M", "M"),
    "detectable": ("Minste som oppdages", "Smallest detectable"),
    "industries": ("Bransjer", "Industries"),
    "per_industry": ("Virksomheter i hver", "Workplaces in each"),
    "workplaces": ("Virksomheter", "Workplaces"),
    "expected_width": ("Intervallets bredde", "Width of interval"),
    "correlation": ("Korr.", "Corr."),
    "p": ("p", "p"),
    "bonferroni": ("Bonf.", "Bonf."),
    "bh": ("BH", "BH"),
    "pooled": ("Sammenslått", "Pooled"),
    "rank": ("Rang", "Rank"),
    "ranks": ("rangintervall", "of rank"),
    "p_top": ("P(topp {})", "P(top {})"),
    # Quantities
    "level": ("Nivå ved gjennomsnittlige prediktorer", "Level at the predictors' means"),
    "sd_group": ("Std.avvik mellom bransjer", "sd between industries"),
    "sd_resid": ("Std.avvik innen bransjer", "sd within industries"),
    "icc": ("ICC", "ICC"),
    "groups differ": ("Avstand mellom to bransjer", "Distance between two industries"),
    "sd_outcome": ("Std.avvik mellom alle virksomheter", "sd of all workplaces"),
    "outcome": ("Én virksomhets utfall", "Outcome of one workplace"),
    # Names of priors
    "prior slope": ("stigning", "slope"),
    "prior sd_group": ("bransjer", "sd_group"),
    "prior sceptical": ("skeptisk", "sceptical"),
    "prior exponential": ("eksponentiell", "exponential"),
    "prior half-normal": ("halvnormal", "half-normal"),
    "prior half-t": ("halv-t", "half-t"),
    "prior as": ("som", "as"),
    "prior stated": ("oppgitt", "stated"),
    "prior one": ("ett", "one"),
    "prior step": ("trinn", "step"),
    "prior 2.5": ("2,5", "2.5"),
    # Rungs and steps
    "ols": ("MKM (uten bransjer)", "OLS (no industries)"),
    "no pooling": ("Uten sammenslåing", "No pooling"),
    "reml": ("REML", "REML"),
    "flat prior": ("A posteriori, flat a priori", "Posterior, flat prior"),
    "stated prior": ("A posteriori, modellens a priori", "Posterior, the model's prior"),
    "student": ("Student-t", "Student-t"),
    "known precision": ("Kjent presisjon", "Known precision"),
    "imputation": ("Felles imputering", "Joint imputation"),
    "none": ("ingen", "none"),
    "all": ("alle", "all"),
    # Verdicts and diagnoses
    "verdict inside": ("uten betydning", "too small to matter"),
    "verdict outside": ("har betydning", "large enough to matter"),
    "verdict undecided": ("uavklart", "undecided"),
    "strong prior or weak data": ("sterk a priori eller svake data", "strong prior or weak data"),
    "prior and data may conflict": (
        "a priori og data kan stride mot hverandre",
        "prior and data may conflict",
    ),
    "zero": ("null", "zero"),
    "sign": ("fortegn", "sign"),
    "vary expected": ("forventet", "expected"),
    "vary workplaces": ("nye virksomheter", "new workplaces"),
    "vary industries": ("nye bransjer", "new industries"),
    "in all": ("i alt", "all"),
    "all but scaling": ("Alt unntatt potens", "All but power-scaling"),
    # Why a rung is not there
    "is sampled: ask for it": (
        "krever simulering: --sampled",
        "is sampled: ask for it with --sampled",
    ),
    "no saved result was given": ("ingen lagret fil er gitt", "no saved result was given"),
    "is about means over quarters": ("gjelder gjennomsnitt", "is about means over quarters"),
    "needs rows: sufficient statistics are not enough": (
        "krever virksomheter, ikke bare tabeller",
        "needs rows: sufficient statistics are not enough",
    ),
    "did not converge": ("konvergerte ikke", "did not converge"),
}

#: Key -> Norwegian, English.
_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "prior": (
        (
            "Trukket fra a priori-fordelingene alene; prediktorene varierer som i dataene. Umulig: "
            "utenfor 0 til 100 prosent (endring: −100 til 100)."
        ),
        (
            "Drawn from the priors alone; predictors vary as in the data. Impossible: outside 0 "
            "to 100 percent (change: −100 to 100)."
        ),
    ),
    "fan": (
        (
            "Alle a priori-fordelinger veier de samme nodene, ingenting er tilpasset på "
            "nytt. Annen konklusjon: antall der intervallet utelater null (ICC: hele intervallet "
            "over 0,1) på en annen måte enn med modellens egen."
        ),
        (
            "All priors weigh the same nodes, nothing is fitted again. Other conclusion: how many "
            "exclude zero (ICC: have the whole interval above 0.1) otherwise than the model's own."
        ),
    ),
    "scaling": (
        (
            "Avstand per fordobling av potensen (Kallioinen mfl. 2024); fra 0,05 regnes "
            "a posteriori som følsom. Bransjeeffektenes fordeling er en del av modellen og "
            "skaleres ikke."
        ),
        (
            "Distance per doubling of the power (Kallioinen et al. 2024); from 0.05 on a "
            "posterior is called sensitive. The distribution of industries' effects is part of "
            "the model and stays."
        ),
    ),
    "ladder": (
        (
            "Samme virksomheter på alle trinn (unntatt felles imputering). Endring fra trinnet "
            "før, også i REMLs standardfeil; Student-t, kjent presisjon og imputering: fra "
            "modellens a priori. Intervaller: Wald, fra a posteriori med like haler."
        ),
        (
            "The same workplaces at every rung (but for joint imputation). Change from the rung "
            "before, also in standard errors of REML; Student-t, known precision and imputation: "
            "from the model's prior. Intervals: Wald, posterior equal-tailed."
        ),
    ),
    "controls identical": (
        "De virksomhetene som har alle kontrollvariabler: trinnene skiller seg bare ved justering.",
        "The workplaces that have all controls: steps differ by adjustment alone.",
    ),
    "controls own": (
        (
            "Tap: uten kontrollen, på trinnets virksomheter mot alle. Justering: med mot uten, "
            "på de samme virksomhetene."
        ),
        (
            "Loss: without the control, on the step's workplaces against all. Adjustment: with it "
            "against without, on the same workplaces."
        ),
    ),
    "controls replica": (
        (
            "SYNTETISK: rapporten trykker bare første og siste trinn. Hvor mye av veien som er "
            "tap og hvor mye som er justering, kan denne kopien ikke si om den virkelige studien."
        ),
        (
            "SYNTHETIC: the report prints the first and the last step only. How much of the way is "
            "loss and how much adjustment, this copy cannot say of the real study."
        ),
    ),
    "size": (
        (
            "Konklusjonen er om hele intervallet ligger i området, utenfor, eller ingen av delene "
            "(Kruschke 2018). Området er brukerens."
        ),
        (
            "The verdict is whether the whole interval lies in the region, outside, or neither "
            "(Kruschke 2018). The region is the user's."
        ),
    ),
    "exceedance": (
        "Sannsynlighet for at kontrasten er minst så stor, og i hvilken retning.",
        "Probability that the contrast is at least so large, and in which direction.",
    ),
    "bayes": (
        (
            "BF01: ingen sammenheng mot normal(0, bredde) for stigningstallet, i sd(y)/sd(x) "
            "(Savage-Dickey)."
        ),
        (
            "BF01: no association against normal(0, width) for the slope, in sd(y)/sd(x) "
            "(Savage-Dickey)."
        ),
    ),
    "days": (
        (
            "SAMMENHENG, IKKE EFFEKT AV TILTAK: så mange flere (eller færre) tapte dagsverk i "
            "året går sammen med kontrasten. Nye virksomheter og bransjer legger til "
            "tilfeldig variasjon."
        ),
        (
            "ASSOCIATION, NOT THE EFFECT OF AN INTERVENTION: so many more (or fewer) lost "
            "working days a year go with the contrast. New workplaces and industries add chance."
        ),
    ),
    "designs": (
        (
            "Over en fordeling av sanne forskjeller, ikke estimatet selv. S: andel "
            "signifikante funn med feil fortegn. M: hvor mange ganger for store de er. Minste: "
            "oppdages med 80 %."
        ),
        (
            "Over a distribution of true differences, never the estimate itself. S: share of "
            "significant findings with the wrong sign. M: how many times too large they "
            "are. Smallest: found with 80 % power."
        ),
    ),
    "planning": (
        "Forventet, gitt det som nå er kjent om spredningene og hvordan prediktoren varierer.",
        "To expect, given what is now known of the spreads and of how the predictor varies.",
    ),
    "multiplicity": (
        (
            "Per std.avvik av prediktoren. Alle stigningstall for utfallet, delvis sammenslått mot "
            "null. Rang etter størrelse, 1 er størst."
        ),
        (
            "Per sd of the predictor. All slopes of the outcome, partially pooled towards "
            "zero. Rank by size, 1 is the largest."
        ),
    ),
    "sweep": (
        "Rapporten sier ikke hvordan spørsmålene henger sammen: felles korrelasjon prøves.",
        "The report does not say how items go together: a common correlation is tried.",
    ),
    "left": ("Uten svar", "Without an answer"),
    "heading": ("Hvor langt det flytter seg", "How far it moves"),
}


def say(key: str) -> str:
    """Return a word; what is not in the dictionary stays as it is."""
    return _WORDS[key][0 if lang == "nb" else 1] if key in _WORDS else key


def sentence_of(key: str) -> str:
    """Return a sentence."""
    return _SENTENCES[key][0 if lang == "nb" else 1]
