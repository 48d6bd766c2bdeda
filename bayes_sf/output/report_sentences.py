"""Sentences of the report in Norwegian and English; numbers are put in by `report_statements`."""

from collections.abc import Mapping
from typing import Final

from bayes_sf.inputs.variables import Language

__all__ = ["say"]

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {  # Norwegian, English
    # The page
    "title": (
        "Forebyggende arbeidsmiljøarbeid og sykefravær: en bayesiansk gjenanalyse",
        "Preventive work-environment work and sickness absence: a Bayesian re-analysis",
    ),
    "skip": ("Hopp til innholdet", "Skip to the content"),
    "contents": ("Innhold", "Contents"),
    "sort": ("Sorter etter", "Sort by"),
    "scroll": ("Tabell, kan rulles sidelengs", "Table, scrolls sideways"),
    "real": ("VIRKELIGE TALL", "REAL NUMBERS"),
    "synthetic": ("SYNTETISK", "SYNTHETIC"),
    "own": ("EGNE DATA", "OWN DATA"),
    "banner published": (
        "Tallene gjelder den virkelige studien: de er regnet ut fra rapportens trykte tabeller, "
        "uten mikrodata.",
        "The numbers are about the real study: they are computed from the report's printed tables, "
        "without microdata.",
    ),
    "banner replica": (
        "Alt er regnet ut fra oppdiktede virksomheter, unntatt det som er merket som virkelige "
        "tall. Ingenting her er et funn om virkelige virksomheter.",
        "Everything is computed from invented workplaces, except what is marked as real numbers. "
        "Nothing here is a finding about real workplaces.",
    ),
    "banner microdata": (
        "Tallene er regnet ut fra filene som ble oppgitt, unntatt det som er merket som rapportens.",
        "The numbers are computed from the files that were given, except what is marked as the "
        "report's.",
    ),
    # Headings
    "asked": ("Hva ble undersøkt?", "What was asked?"),
    "found": ("Hva sier dataene?", "What do the data say?"),
    "sure": ("Hvor sikkert er det?", "How sure is that?"),
    "icc": ("Hvor mye som ligger mellom bransjene", "How much lies between industries"),
    "effects": ("Hvilke svar som henger sammen med fravær", "Which answers go with absence"),
    "industries": ("Bransjene", "Industries"),
    "missing": ("Hvem som mangler", "Who is missing"),
    "sensitivity": (
        "Hvor mye a priori-fordelingene betyr", "How much the priors matter",
    ),
    "explorer": ("Flytt a priori-fordelingene selv", "Move the priors yourself"),
    "diagnostics": ("Kontroll av beregningene", "Checks of the computation"),
    "replay": ("Rapportens egne tall, etterregnet", "The report's own numbers, replayed"),
    "methods": ("Metode", "Methods"),
    "provenance": ("Opphav, og hvordan dette siteres", "Provenance, and how to cite this"),
    # First page
    "question": (
        "Ledere i {n} virksomheter i {groups} bransjer svarte på {items} spørsmål om forebyggende "
        "arbeidsmiljøarbeid. Svarene ble koblet til legemeldt sykefravær i NAVs register. To ting "
        "ble undersøkt: hvor mye av forskjellene i fravær som ligger mellom bransjene, og hvilke "
        "svar som henger sammen med høyere eller lavere fravær.",
        "Managers of {n} workplaces in {groups} industries answered {items} questions about "
        "preventive work-environment work. Their answers were linked to doctor-certified sickness "
        "absence in NAV's register. Two things were asked: how much of the differences in absence "
        "lies between industries, and which answers go with higher or lower absence.",
    ),
    "share": (
        "{outcome}: av variasjonen mellom virksomheter ligger {median} mellom bransjene og resten "
        "mellom virksomheter i samme bransje ({level} intervall {interval}; n = {n}). {published}",
        "{outcome}: of the variation between workplaces, {median} lies between industries and the "
        "rest between workplaces of the same industry ({level} interval {interval}; n = {n}). "
        "{published}",
    ),
    "share printed": (
        "Rapporten oppgir {value} uten intervall.",
        "The report prints {value} without an interval.",
    ),
    "share zero": (
        "Rapporten skriver at andelen er nær null.",
        "The report says that the share is close to zero.",
    ),
    "levels": (
        "{outcome}: forventet nivå er lavest i {low} ({low_value}) og høyest i {high} "
        "({high_value}), i prosent av avtalte dagsverk, {level} intervall i parentes.",
        "{outcome}: the expected level is lowest in {low} ({low_value}) and highest in {high} "
        "({high_value}), in percent of contracted days, {level} interval in parentheses.",
    ),
    "apart": (
        "{outcome}: {k} av {m} sammenhenger har et {level} intervall som utelater null. Var det "
        "ingen sammenheng noe sted, ville i gjennomsnitt {expected} av {m} intervaller gjort det.",
        "{outcome}: {k} of {m} associations have a {level} interval that leaves out zero. If there "
        "were no association anywhere, {expected} of {m} intervals would do so on average.",
    ),
    "one apart": (
        "{label}, {contrast}: {mean} prosentpoeng ({interval}).",
        "{label}, {contrast}: {mean} percentage points ({interval}).",
    ),
    "size": (
        "Størrelse: fra den ene enden av skalaen til den andre går {large} av {m} sammenhenger med "
        "over {level} sannsynlighet sammen med en forskjell på minst {amount} prosentpoeng, og "
        "{small} med over {level} sannsynlighet med en mindre. Om de øvrige {rest} avgjør ikke "
        "dataene det.",
        "Size: from one end of the scale to the other, {large} of {m} associations have a "
        "difference of at least {amount} percentage points with a probability above {level}, and "
        "{small} a smaller one with a probability above {level}. Of the other {rest} the data do "
        "not say.",
    ),
    "prior icc": (
        "{outcome}: over {v} kombinasjoner av a priori-fordelinger går forventet ICC fra {low} til "
        "{high}.",
        "{outcome}: over {v} combinations of priors the mean of the ICC goes from {low} to {high}.",
    ),
    "prior slopes": (
        "{changed} av {m} konklusjoner om sammenhenger (fortegnet, og om intervallet utelater "
        "null) endres under minst én av de {v} kombinasjonene av a priori-fordelinger.",
        "{changed} of {m} conclusions on associations (the sign, and whether the interval leaves "
        "out zero) change under at least one of the {v} combinations of priors.",
    ),
    "few": (
        "Det er {groups} bransjer. Hvor mye {groups} bransjer varierer, er lite å bygge en andel "
        "på; derfor står a priori-fordelingen ved siden av hvert ICC-intervall.",
        "There are {groups} industries. What {groups} industries say of a variance is what the "
        "interval of the ICC rests on; the prior is therefore shown beside it.",
    ),
    "observed": (
        "Virksomhetene er observert, ikke trukket til tiltak: hvert tall er en sammenheng, ikke en "
        "virkning.",
        "Workplaces were observed, not assigned to measures: every number is an association, not "
        "an effect.",
    ),
    "replayed": (
        "Rapportens trykte tall er holdt mot hverandre i {compared} sammenligninger; {impossible} "
        "kan ikke stemme, og {doubtful} kan bare stemme på måter rapporten ikke beskriver.",
        "The report's printed numbers were held against each other in {compared} comparisons; "
        "{impossible} cannot be true, and {doubtful} only in ways that the report does not "
        "describe.",
    ),
    # Sections
    "published gap": (
        "{asked} virksomheter svarte. {mean} er med i modellene for gjennomsnittlig fravær og "
        "{change} i modellene for endring; de øvrige har for få kvartaler i registeret. De som "
        "mangler, er her utelatt, som i rapporten.",
        "{asked} workplaces answered. {mean} are in the models of mean absence and {change} in "
        "those of the change; the others have too few quarters in the register. They are left out "
        "here, as in the report.",
    ),
    "sample gap": (
        "Tabellene viser hvem som er igjen etter hver regel. De som mangler, er utelatt, som i "
        "rapporten.",
        "The tables show who is left after each rule. Those who are missing are left out, as in "
        "the report.",
    ),
    "first version": (
        "Åpne punkter og gjennomsnitt er fra den av de {n} mulige versjonene av studien som ligger "
        "nærmest de trykte tallene; fordelingene er gjennomsnitt over alle.",
        "Open points and raw means are of that one of the {n} possible versions of the study that "
        "is nearest to the printed figures; posteriors are averages over all.",
    ),
    "fan": (
        "Tabellen har én rad for hver kombinasjon. Ingen modell er tilpasset på nytt: de samme "
        "nodene er vektet om.",
        "The table has a row for every combination. No model was fitted again: the same nodes are "
        "weighed anew.",
    ),
    "exact": (
        "Beregningene er numerisk integrasjon, uten simulering. Største uoppløste andel av en "
        "fordelingsfunksjon, over alle modeller og a priori-fordelinger: {error}.",
        "The computation is numerical integration, without simulation. The largest unresolved "
        "share of a distribution function, over all models and priors: {error}.",
    ),
    "returned": (
        "REML gir {hit} av rapportens {total} trykte tall igjen med den avrundingen de er trykt "
        "med.",
        "REML returns {hit} of {total} figures that the report prints, at their printed rounding.",
    ),
    "from summary": (
        "De øvrige {left} koeffisientene hører til modeller med kontrollvariabler, som ikke kan "
        "gjenskapes; fordelingene deres bygger på estimat og standardfeil (flat a priori).",
        "The other {left} coefficients belong to models with controls, which cannot be recovered; "
        "their posteriors rest on estimate and standard error (flat priors).",
    ),
    "findings": (
        "Funnene er skrevet på engelsk, de umulige først.",
        "The impossible ones come first.",
    ),
    "model text": (
        "Virksomhet i i bransje j har utfallet y, og x er svaret på ett spørsmål. Hvert spørsmål "
        "har sin egen modell; nullmodellen er uten x.",
        "Workplace i in industry j has the outcome y, and x is the answer to one item. Each item "
        "has a model of its own; the null model is without x.",
    ),
    "icc text": (
        "ICC er bransjenes andel av variansen som modellen ikke forklarer (justert ICC).",
        "The ICC is the industries' share of the variance that predictors leave (adjusted ICC).",
    ),
    "posterior text": (
        "Gitt de to standardavvikene er alt annet normalfordelt og integreres ut; fordelingen av "
        "standardavvikene regnes ut på et rutenett. Intervaller har like haler, {level}.",
        "Given the two standard deviations all else is normal and is integrated out; the "
        "distribution of the standard deviations is computed on a grid. Intervals are equal-tailed, "
        "{level}.",
    ),
    "priors text": (
        "A priori-fordelinger (skalaen følger utfallets spredning, sd):",
        "Priors (their scale follows the outcome's spread, sd):",
    ),
    "source": ("Data", "Data"),
    "digest": ("Fingeravtrykk av data", "Digest of the data"),
    "seed": ("Startverdi for tilfeldige tall", "Seed"),
    "versions": ("Versjoner", "Versions"),
    "cite report": (
        "Data og spørreundersøkelse: Oxford Research og NORCE for NAV (2022).",
        "Data and survey: Oxford Research and NORCE for NAV (2022).",
    ),
    "cite package": (
        "Denne analysen: bayes_sf {version}, bayes-sf report --data {source} --seed {seed}.",
        "This analysis: bayes_sf {version}, bayes-sf report --data {source} --seed {seed}.",
    ),
    "limits": (
        "Det de publiserte tabellene ikke avgjør, er trukket i {n} versjoner som alle gir de trykte "
        "tallene innenfor avrunding; LIMITATIONS.md i pakken sier hva som er antatt.",
        "What the published tables do not decide is drawn in {n} versions that all give the printed "
        "figures within rounding; LIMITATIONS.md of the package says what is assumed.",
    ),
    # Tables
    "contrast title": (
        "Fra den ene enden av skalaen til den andre", "From one end of the scale to the other",
    ),
    "contrast": ("Kontrast", "Contrast"),
    "at least": ("P(≥ {amount} pp)", "P(≥ {amount} pp)"),
    "inside": ("P(innenfor ±{rope} pp)", "P(inside ±{rope} pp)"),
    "verdict": ("Dom", "Verdict"),
    "verdict inside": ("innenfor", "inside"),
    "verdict outside": ("utenfor", "outside"),
    "verdict undecided": ("uavgjort", "undecided"),
    "rope note": (
        "Dom: om hele intervallet ligger innenfor, utenfor eller på tvers av ±{rope} prosentpoeng, "
        "som leseren har valgt (ROPE).",
        "Verdict: whether the whole interval lies inside, outside or across ±{rope} percentage "
        "points, as the reader chose (ROPE).",
    ),
    "fan title": (
        "ICC og konklusjoner under hver a priori-fordeling", "ICC and conclusions under every prior",
    ),
    "slope prior": ("Stigningstall", "Slopes"),
    "group prior": ("Std.avvik mellom bransjer", "sd between industries"),
    "apart count": ("{outcome}: intervaller uten null", "{outcome}: intervals without zero"),
    "changed count": ("Endrede konklusjoner", "Changed conclusions"),
    "fan note": (
        "Endret: fortegn, eller om intervallet utelater null, i forhold til første rad; av {m}.",
        "Changed: sign, or whether the interval leaves out zero, against the first row; of {m}.",
    ),
    # Explorer
    "explorer text": (
        "Velg utfall, spørsmål og a priori-fordelinger. Nettleseren regner fordelingene ut på nytt "
        "med de samme nodene som Python; ingenting sendes noe sted.",
        "Choose outcome, item and priors. The browser computes the posteriors again on the same "
        "nodes as Python; nothing is sent anywhere.",
    ),
    "explorer no script": (
        "Denne delen trenger skript; alt annet på siden virker uten.",
        "This part needs scripts; everything else on the page works without.",
    ),
    "explorer outcome": ("Utfall", "Outcome"),
    "explorer item": ("Spørsmål", "Item"),
    "explorer contrast": ("Kontrast", "Contrast"),
    "explorer family": ("A priori for std.avvik mellom bransjer", "Prior on sd between industries"),
    "explorer group scale": ("Skala, sd(y)", "Scale, sd(y)"),
    "explorer slope scale": (
        "A priori for stigningstallet: skala, sd(y)/sd(x)", "Prior on the slope: scale, sd(y)/sd(x)",
    ),
    "explorer flat": ("Flat a priori for stigningstallet", "Flat prior on the slope"),
    "explorer rope": ("Ubetydelig forskjell (ROPE), ± prosentpoeng",
                      "Negligible difference (ROPE), ± percentage points"),
    "explorer reset": ("Tilbake til utgangspunktet", "Back to the start"),
    "explorer result": ("Resultat", "Result"),
    "explorer start": (
        "Startverdien for ROPE er bare et sted å begynne, ikke et råd.",
        "Where the ROPE starts is a place to begin, not advice.",
    ),
    "explorer picture icc": ("ICC: søyler a posteriori, linje a priori",
                             "ICC: bars posterior, line prior"),
    "explorer picture effect": (
        "Kontrast i prosentpoeng: kurve a posteriori, skygge ROPE",
        "Contrast in percentage points: curve posterior, shade ROPE",
    ),
    "explorer left out": (
        "Modeller der en bransje har færre enn {least} virksomheter, er utelatt her.",
        "Models in which an industry has fewer than {least} workplaces are left out here.",
    ),
    # Filled in by the page's script
    "js icc": (
        "ICC: forventning {mean}, median {median}, 95\u00a0% intervall {lower} til {upper}.",
        "ICC: mean {mean}, median {median}, 95 % interval {lower} to {upper}.",
    ),
    "js effect": (
        "Kontrast: {mean} prosentpoeng, 95\u00a0% intervall {lower} til {upper}; P(retning) {direction}; "
        "P(innenfor ROPE) {inside}; {verdict}.",
        "Contrast: {mean} percentage points, 95 % interval {lower} to {upper}; P(direction) "
        "{direction}; P(inside ROPE) {inside}; {verdict}.",
    ),
}  # fmt: skip


def say(key: str, lang: Language, **values: object) -> str:
    """Return a text with its values put in.

    Examples
    --------
    >>> say("few", "en", groups=6)[:24]
    'There are 6 industries. '
    """
    text = _TEXTS[key][0 if lang == "nb" else 1]
    return text.format(**values) if values else text
