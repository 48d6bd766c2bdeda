"""Words and sentences of what commands from reproduce to diagnose print, in both languages.

Examples
--------
>>> say("select years", "nb").format(2017, 2020)
'År 2017 til 2020. Rapporten brukte 2017 til 2021.'
"""

from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language

__all__ = ["say"]

#: Key -> Norwegian, English.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # check-published
    "rules": ("sammenlikninger      funn  regel", "   comparisons  findings  rule"),
    # plot
    "picture trace": ("kjeder", "trace"),
    "picture rank": ("ranger", "rank"),
    "picture forest": ("estimater", "forest"),
    "picture ppc": ("prediktiv kontroll", "ppc"),
    "picture loo_pit": ("loo_pit", "loo_pit"),
    "picture pair": ("parvis", "pair"),
    "picture energy": ("energi", "energy"),
    "picture shrinkage": ("krymping", "shrinkage"),
    "picture slopes": ("stigningstall", "slopes"),
    "user's data": ("Data gitt av brukeren.", "Data given by the user."),
    # fit
    "not converged": ("IKKE KONVERGERT", "NOT CONVERGED"),
    "resumed": (
        "{} av {} tilpasninger fantes fra en tidligere kjøring.",
        "{} of {} fits were there from an earlier run.",
    ),
    "group slope": (
        "Et ledd | {} er hvor langt bransjens stigningstall er fra alles.",
        "A slope | {0} is how far that {0}'s is from the slope of all.",
    ),
    "prior of first": ("A priori-fordelinger, den første modellens", "Priors of the first model"),
    # compare
    "no estimate": (
        "Uten sammenslåing kan modellen ikke tilpasses.",
        "No estimate without pooling: {}.",
    ),
    # loo
    "elpd": ("elpd", "elpd"),
    "difference": ("forskjell", "difference"),
    "difference se": ("dens std.feil", "SE of it"),
    "p_loo": ("p_loo", "p_loo"),
    "weight": ("vekt", "weight"),
    "bad k": ("dårlig k", "bad k"),
    "by": ("ved", "by"),
    "exact": ("eksakt", "exact"),
    "psis": ("psis", "psis"),
    "left out": ("utelatt", "left out"),
    "observed mean": ("observert", "observed mean"),
    "predicted": ("predikert", "predicted"),
    "loo title": ("Én utelatt", "Leave-one-out"),
    "loo note": (
        (
            "elpd: sum over virksomheter av log-tettheten som modellen gir hver av dem når den er "
            "utelatt; høyere er bedre, og en forskjell må ses ved siden av sin standardfeil. Vekt: "
            "stabling. Dårlig k: virksomheter med viktighetsvekter som ikke er til å stole på "
            "(psis); eksakt har ingen."
        ),
        (
            "elpd: sum over workplaces of the log density that a model gives to each when it is "
            "left out; higher is better, and a difference counts beside its SE. Weight: stacking. "
            "Bad k: workplaces whose importance weights are not to be trusted (psis); exact has "
            "none."
        ),
    ),
    "loo priors": ("A priori-fordelinger for {}: {}.", "Priors of {}: {}."),
    "groups title": ("Bransjer utelatt", "Industries left out"),
    "groups note": (
        "Intervall for gjennomsnittet av virksomhetene, {} med like haler.",
        "Interval of the mean of its workplaces, {} equal-tailed.",
    ),
    "checks": (
        (
            "Prediktive kontroller: {} av {} tall som vises (gjennomsnitt, sd, minste, største, "
            "andel <= 0; alle virksomheter og hver bransje), ligger utenfor 98\u00a0% av det "
            "modellen ville gitt."
        ),
        (
            "Predictive checks: {} of {} figures shown (of mean, sd, min, max, share <= 0; all "
            "workplaces and each industry) lie outside 98 % of what the model would make."
        ),
    ),
    "of": ("{} for {}", "{} of {}"),
    "all": ("alle", "all"),
    "more": ("og {} til", "and {} more"),
    "mean": ("gjennomsnitt", "mean"),
    "sd": ("sd", "sd"),
    "min": ("minste", "min"),
    "max": ("største", "max"),
    "share <= 0": ("andel <= 0", "share <= 0"),
    # select
    "select years": (
        "År {} til {}. Rapporten brukte 2017 til 2021.",
        "Years {} to {}. The report used 2017 to 2021.",
    ),
    "list": ("liste", "list"),
    "candidates": ("kandidater", "candidates"),
    "chosen": ("valgt", "chosen"),
    "belong rule": ("hører til: regel", "truly belong: rule"),
    "belong posterior": ("a posteriori", "posterior"),
    "strong reduction": ("sterk reduksjon", "strong reduction"),
    "stable low": ("stabilt lavt", "stable low"),
    "stable high": ("stabilt høyt", "stable high"),
    "belong note": (
        (
            "Hører til: hvor mange av de valgte som ventes å være blant like mange ytterste i "
            "virkeligheten (summen av prob_top). De andre var heldige eller uheldige: regresjon "
            "mot gjennomsnittet."
        ),
        (
            "Truly belong: how many of the chosen are expected to be truly among as many most "
            "extreme (the sum of prob_top). The others were lucky or unlucky: regression to the "
            "mean."
        ),
    ),
    "lists withheld": (
        "Selve listene, med pseudonym, skrives med --with-data.",
        "The lists themselves, by pseudonym, are written with --with-data.",
    ),
    # diagnose
    "sampled": (
        (
            "{} divergenser; E-BFMI {}; tredybde høyst {}. {} kjeder med {} etter {}, "
            "target_accept {}, startverdi {}. A priori-fordelinger: {}."
        ),
        (
            "{} divergences; E-BFMI {}; tree depth at most {}. {} chains of {} after {}, "
            "target_accept {}, seed {}. Priors: {}."
        ),
    ),
    "diagnosed": ("{} for {}, {} rader etter {}", "{} of {}, {} rows by {}"),
    "industry": ("bransje", "industry"),
    "passed": ("bestått", "passed"),
    "failed": ("STRØK  ", "FAILED"),
    "R-hat": ("R-hatt", "R-hat"),
    "bulk ESS": ("ESS, midten", "bulk ESS"),
    "tail ESS": ("ESS, halene", "tail ESS"),
    "divergences": ("divergenser", "divergences"),
    "below 1.01": ("under 1,01", "below 1.01"),
    "at least 400": ("minst 400", "at least 400"),
    "none": ("ingen", "none"),
    "not a number": ("ikke et tall", "not a number"),
    "verdict": ("Konklusjon: {}.", "Verdict: {}."),
    # reproduce
    "absence_mean": ("gjennomsnittlig fravær", "mean absence"),
    "absence_change": ("endring i fravær", "change in absence"),
    "lowest": ("ingen forskjell", "no difference"),
    "highest": ("størst", "largest"),
    "about zero": ("nær 0", "about 0"),
    "interval": ("{} intervall", "{} interval"),
    "icc note": (
        "{}; {} bransjer. Med a priori-fordelingene alene: median {}, {}.",
        "{}; {} industries. Under the prior alone: median {}, {}.",
    ),
    "boundary": (
        (
            "REMLs null er et estimat på randen: de to siste linjene er ytterpunktene for hva den "
            "lar være mulig av variasjon mellom bransjene."
        ),
        (
            "REML's zero is a boundary estimate: the last two lines are the ends of what it leaves "
            "possible for the variation between industries."
        ),
    ),
    "slopes": (
        "De sterkeste stigningstallene for {}, {} (tabell {})",
        "Strongest slopes on {}, {} (table {})",
    ),
    "slopes note": (
        (
            "{}. A priori-fordeling for stigningstall: {}; de andre som for ICC. Valgt etter "
            "|forventning/sd| blant {}; alle er i coefficients.csv."
        ),
        (
            "{}. Prior of slopes: {}; other priors as for the ICC. Chosen by |mean/sd| among {}; "
            "all are in coefficients.csv."
        ),
    ),
    "returned": (
        "REML gir {} av rapportens {} trykte tall igjen med den avrundingen de er trykt med.",
        "REML returns {} of {} published figures at their printed rounding.",
    ),
    "from summary": (
        (
            "De øvrige {} koeffisientene hører til modeller med kontrollvariabler, som rapporten "
            "ikke gir momentene til; fordelingene deres bygger på estimat og standardfeil (flat a "
            "priori)."
        ),
        (
            "The other {} coefficients belong to models with controls, whose moments the report "
            "does not determine; their posteriors rest on estimate and SE (flat priors)."
        ),
    ),
    "replay": (
        "Etterregning av rapporten: {} sammenligninger. Funn, hvert talt én gang: {}.",
        "Replay of the report: {} comparisons. Findings, each counted once: {}.",
    ),
    "page": (
        "Rapportens flernivåresultater som a posteriori-fordelinger",
        "The report's multilevel results as posteriors",
    ),
    "comes back": ("Hvor mye av rapporten som kommer igjen", "How much of the report comes back"),
    "not true": ("Hva som ikke kan være sant samtidig", "What cannot all be true"),
    "readers": ("Som én side for lesere: {}", "As one page for readers: {}"),
}


def say(key: str) -> str:
    """Return a word or sentence; what is not in the dictionary stays as it is."""
    return _WORDS[key][0 if lang == "nb" else 1] if key in _WORDS else key
