"""A draft of a folder of printed results from what a program printed: to be read and confirmed.

lme4's and lmerTest's `summary()` are read here: their formula, estimator, criterion, random and
fixed effects and correlations, rows and groups; tables by `layouts.py`. What the print does not say
(whether a predictor varies within groups, what intervals refer to, title and source) stays open in
`study.toml`.
A print that is not whole is refused: nothing is filled in.
"""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.printed.grids import tables_of
from bayes_sf.inputs.printed.layouts import draft_of_tables
from bayes_sf.inputs.printed.templates import write_beside

__all__ = ["draft_of_summary", "write_draft"]

_RESPONSE: Final = re.compile(r"^Formula:\s*(\S+)\s*~(.*)$", re.MULTILINE)
_COUNTS: Final = re.compile(r"^Number of obs:\s*(\d+),\s*groups:\s*(.+)$", re.MULTILINE)
#: Columns of fixed effects as R names them, and ours.
_FIXED: Final = (
    ("Estimate", "estimate"), ("Std. Error", "se"), ("df", "df"), ("t value", "t"),
    ("z value", "z"), ("Pr(>|t|)", "p"), ("Pr(>|z|)", "p"),
)  # fmt: skip
_LINEAR: Final = "Linear mixed model fit by "
#: Ends of names of files that hold tables.
_TABLES: Final = frozenset({".html", ".htm", ".csv", ".docx"})


def draft_of_summary(text: str, where: str) -> dict[str, str]:
    """Files of a folder, from the text of a `summary()` of lme4 or lmerTest.

    Parameters
    ----------
    text : str
    where : str
        The file's name.

    Returns
    -------
    dict of str to str
        Name of a file -> its content.

    Raises
    ------
    DataError
        For a text that is none, or not whole.
    """
    if _LINEAR not in text:
        raise DataError(
            where, "must hold the summary() of a linear mixed model of lme4 or lmerTest",
            fix="save what R prints as text; write other tables into the CSV files by hand",
        )  # fmt: skip
    if text.count(_LINEAR) > 1:
        raise DataError(where, "must hold one model", got=f"{text.count(_LINEAR)} summaries")
    kind = text.partition(_LINEAR)[2]
    estimator = "ML" if kind.startswith("maximum likelihood") else "REML"
    response, counts = _RESPONSE.search(text), _COUNTS.search(text)
    if response is None or counts is None:
        absent = "Formula:" if response is None else "Number of obs:"
        raise DataError(where, f"must hold the line {absent}", fix="save the whole summary")
    groups = [part.strip().rpartition(",") for part in counts[2].split(";")]
    components, slopes = _random(text, where)
    fixed, terms = _fixed(text, where)
    files = {
        "study.toml": _toml(
            response[1], estimator, counts[1], [(g.strip(), n.strip()) for g, _, n in groups],
            terms, slopes=slopes,
        ),
        "components.csv": components, "coefficients.csv": fixed,
    }  # fmt: skip
    fit = _fit(text)
    if fit:
        files["fit.csv"] = fit
    correlations = _correlations(text, terms)
    if correlations:
        files["fixed_cov.csv"] = correlations
    return files


def _section(text: str, title: str, where: str) -> list[str]:
    """Lines of a section, up to a blank one."""
    lines = text.splitlines()
    starts = [at for at, line in enumerate(lines) if line.strip().startswith(title)]
    if not starts:
        raise DataError(where, f"must hold the section {title}", fix="save the whole summary")
    found = []
    for line in lines[starts[0] + 1 :]:
        if not line.strip() or line.startswith(("Number of obs", "---")):
            break
        found.append(line)
    if len(found) < 2:
        raise DataError(where, f"must have lines in the section {title}")
    return found


def _rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def _random(text: str, where: str) -> tuple[str, bool]:
    """Components, and whether slopes differ."""
    head, *lines = _section(text, "Random effects:", where)
    if not all(name in head for name in ("Groups", "Name", "Variance", "Std.Dev.")):
        raise DataError(where, "must have Groups, Name, Variance and Std.Dev.", got=head.strip())
    name_at = head.index("Name")
    rows, group, slopes = [], "", False
    for line in lines:
        group = line[:name_at].strip() or group
        parts = re.fullmatch(
            r"\s*(.*?)\s+([\d.]+(?:e[-+]?\d+)?)\s+([\d.]+(?:e[-+]?\d+)?)((?:\s+-?[\d.]+)*)\s*",
            " " + line[name_at:],
        )
        if parts is None:
            rule = "must have name, variance and sd in every line of random effects"
            raise DataError(where, rule, got=line.strip())
        correlations = parts[4].split()
        slopes |= parts[1] not in {"", "(Intercept)"}
        rows.append(
            ["model", "" if group == "Residual" else group, parts[1], parts[2], parts[3],
             correlations[0] if correlations else ""]
        )  # fmt: skip
    return _rows(("model", "group", "term", "variance", "sd", "corr"), rows), slopes


def _fixed(text: str, where: str) -> tuple[str, list[str]]:
    """Coefficients, and their terms."""
    head, *lines = _section(text, "Fixed effects:", where)
    found = sorted((head.index(theirs), ours) for theirs, ours in _FIXED if theirs in head)
    names = [ours for _, ours in found]
    if names[:2] != ["estimate", "se"]:
        raise DataError(where, "must have Estimate and Std. Error", got=head.strip())
    rows, terms = [], []
    for line in lines:
        cells = re.sub(r"<\s+", "<", line).split()
        stars = cells.pop() if set(cells[-1]) <= {"*", "."} else ""
        if len(cells) <= len(names):
            raise DataError(where, f"must have a term and {len(names)} figures", got=line.strip())
        term = " ".join(cells[: -len(names)])
        terms.append(term)
        rows.append(["model", term, *cells[-len(names) :], stars if set(stars) <= {"*"} else ""])
    return _rows(("model", "term", *names, "stars"), rows), terms


def _fit(text: str) -> str:
    """Criterion, or the line of AIC and BIC."""
    criterion = re.search(r"REML criterion at convergence:\s*(-?[\d.]+)", text)
    if criterion:
        return _rows(("model", "criterion"), [["model", criterion[1]]])
    line = re.search(
        r"AIC\s+BIC\s+logLik\s+(?:deviance|-2\*log\(L\))\s+df\.resid\s*\n\s*"
        r"(-?[\d.]+)\s+(-?[\d.]+)\s+(-?[\d.]+)\s+(-?[\d.]+)\s+\d+", text,
    )  # fmt: skip
    if line:
        return _rows(("model", "aic", "bic", "loglik", "deviance"), [["model", *line.groups()]])
    return ""


def _correlations(text: str, terms: Sequence[str]) -> str:
    """Correlations of two fixed effects; of more R shortens their names."""
    found = re.search(
        r"Correlation of Fixed Effects:\s*\n\s*\S+\s*\n(\S+)\s+(-?[\d.]+)\s*$", text, re.MULTILINE
    )
    if found is None or len(terms) != 2:
        return ""
    return _rows(("model", "term_a", "term_b", "corr"), [["model", terms[0], terms[1], found[2]]])


def _toml(
    outcome: str, estimator: str, n: str, groups: Sequence[tuple[str, str]],
    terms: Sequence[str], *, slopes: bool,
) -> str:  # fmt: skip
    """The head, with what is open as comments."""
    random = "slopes" if slopes else "crossed" if len(groups) > 1 else "intercept"
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in
              (("outcome", outcome), ("group", groups[0][0]))}  # fmt: skip
    predictors = [term for term in terms if term != "(Intercept)"]
    named = ", ".join(f'"{term}" = "unknown"' for term in predictors)
    lines = [
        "# A draft: read every line against the print, and say what is open.",
        "schema = 1", 'kind = "published"', 'title = ""    # open', 'source = ""   # open',
        'decimal_mark = "."', "", "[models.model]", f'outcome = "{quoted["outcome"]}"',
        'unit = ""     # open', f'estimator = "{estimator}"', f'group = "{quoted["group"]}"',
        f"n = {n}", f"groups = {groups[0][1]}",
        f'random = "{random}"' + ("    # or nested: open" if random == "crossed" else ""),
    ]  # fmt: skip
    if predictors:
        lines.append(f"terms = {{ {named} }}    # within or between: open")
    if len(groups) > 1:
        lines.append(f"# further groups: {', '.join(f'{g} ({k})' for g, k in groups[1:])}")
    lines += ["", "[stars]", '"***" = 0.001', '"**" = 0.01', '"*" = 0.05']
    return "\n".join(lines) + "\n"


def write_draft(file: Path, folder: Path) -> tuple[Path, ...]:
    """Write the draft of a folder.

    Parameters
    ----------
    file : pathlib.Path
        What a program printed: a `summary()` as text, or a table as `.html`, `.csv` or `.docx`.
    folder : pathlib.Path
        It is made where it is not there; nothing in it is replaced.

    Returns
    -------
    tuple of pathlib.Path
        What was written.

    Raises
    ------
    DataError
        For a file that cannot be read, or is no print that is known.
    OutputError
        Where one of the files is there already, or the folder cannot be written to.
    """
    if file.suffix.casefold() in _TABLES:
        return write_beside(folder, draft_of_tables(tables_of(file), file.name))
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(file), "must be text in UTF-8", got=str(error)) from None
    return write_beside(folder, draft_of_summary(text, file.name))
