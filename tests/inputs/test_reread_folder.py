"""Folders of printed results: every file, key and cell checked, with its place."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bayes_sf as sf
from bayes_sf.analysis.printed.check import check_tables
from bayes_sf.errors import DataError, OutputError
from bayes_sf.inputs.printed.figure import read_figure
from bayes_sf.inputs.printed.folder import read_published
from bayes_sf.inputs.printed.templates import write_templates

CASES = Path(__file__).parents[1] / "printed_results"
SMALLEST = 'schema = 1\n[models.null]\nicc = "0.21"\nn = 1840\ngroups = 44\n'


def folder(place: Path, toml: str = SMALLEST, **files: str) -> Path:
    place.mkdir(exist_ok=True)
    (place / "study.toml").write_text(toml, encoding="utf-8")
    for name, text in files.items():
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("text", "value", "interval"),
    [
        ("\u22120.236", -0.236, (-0.2365, -0.2355)),
        (".236", 0.236, (0.2355, 0.2365)),
        ("7 185", 7185.0, (7184.5, 7185.5)),
        ("7\u00a0185", 7185.0, (7184.5, 7185.5)),
        ("1e-3", 0.001, (0.0005, 0.0015)),
        ("-0.236*", -0.236, (-0.2365, -0.2355)),
        ("+2", 2.0, (1.5, 2.5)),
        ("1.50E2", 150.0, (149.5, 150.5)),
    ],
)
def test_figures_as_reports_print_them(
    text: str, value: float, interval: tuple[float, float]
) -> None:
    figure = read_figure(text, "x.csv: row 2, column y")
    assert figure.value == value
    assert figure.interval == pytest.approx(interval, rel=1e-12)
    assert figure.stars == ("*" if "*" in text else "")


def test_a_figure_that_was_cut_off() -> None:
    figure = read_figure("-0.23", "")
    assert figure.as_rounded("truncated") == pytest.approx((-0.24, -0.23))
    assert figure.as_rounded("unknown") == pytest.approx((-0.24, -0.225))
    assert read_figure("0.00", "").as_rounded("truncated") == pytest.approx((-0.01, 0.01))


COEFFICIENTS = "model,term,estimate,se\nnull,(Intercept),{},{}\n"


@pytest.mark.parametrize(
    ("toml", "files", "message"),
    [
        ("title = 'x'\n", {}, r"study.toml: schema: must be there"),
        ("schema = 2\n", {}, "study.toml: schema: must be one of 1"),
        ('schema = 1\nkind = "data"\n', {}, "study.toml: kind: must be published"),
        ("schema = 1\ntitel = 'x'\n", {}, "study.toml: titel: is no key.*did you mean 'title'"),
        ("schema = 1\n[models.a]\nicc = 0.21\n", {}, "models.a.icc: must be text as printed"),
        ('schema = 1\n[models.a]\nicc = "21"\n', {}, "is it 0.21 or 21 %.*write 0.21"),
        ('schema = 1\n[models.a]\nicc = "21 %"\n', {}, "must be a number without a percent sign"),
        ("schema = 1\n[models.a]\ngroups = 1\n", {}, "models.a.groups: must be a whole number of"),
        ("schema = 1\n[models.a]\nn = 44\ngroups = 44\n", {}, "models.a.groups: must be fewer"),
        ("schema = 1\n[models.a]\nsizes = [3, 4]\nn = 8\n", {}, "models.a.sizes: must be None siz"),
        ("schema = 1\n[models.a]\nn = 9\ngroups = 2\nsize_bounds = [[1, 2], [3, 4]]\n", {},
         "models.a.size_bounds: must leave room for n = 9"),
        ("schema = 1\n[models.a]\nn = 9\ngroups = 3\nsize_bounds = [[1, 2], [3, 4]]\n", {},
         "models.a.size_bounds: must be one pair for each group"),
        ("schema = 1\n[models.a]\nestimator = 'reml'\n", {}, "models.a.estimator: must be one of"),
        ("schema = 1\n[models.a]\ntable = '3'\n[tables.2]\n", {}, "models.a.table: must be one of"),
        ("schema = 1\n[tables.2]\ndecimals = {estimat = 2}\n", {}, "did you mean 'estimate'"),
        ("schema = 1\n[models.a.interval]\nlevel = 95\n", {}, "interval.level: must be a probab"),
        ("schema = 1\n[models.a.interval]\nreference = 't:x'\n", {}, "must be t: and a number"),
        ("schema = 1\n[stars]\n'*' = 5\n", {}, "stars.*must lie between 0 and 1"),
        ("schema = 1\nstars = 5\n", {}, "study.toml: stars: must be a table of keys"),
        ("schema = 1\n[models.a]\nterms = 5\n", {}, "models.a.terms: must be a table of keys"),
        ("schema = 1\nmodels = 5\n", {}, "study.toml: models: must be a table of tables"),
        ("schema = 1\n[models]\na = 5\n", {}, "models.a: must be a table of keys"),
        ("schema = 1\n[tables]\na = 5\n", {}, "tables.a: must be a table of keys"),
        ("schema = 1\n[tables.2]\ndecimals = 2\n", {}, "decimals: must be a table of keys"),
        ("schema = 1\n[models.a]\ninterval = 'z'\n", {}, "interval: must be a table of keys"),
        ("schema = [\n", {}, "study.toml: must be valid TOML"),
        (SMALLEST, {"coefficients": COEFFICIENTS.format("12,637", "0.1").replace(
            "12,637", '"12,637"')}, "coefficients.csv: row 2, column estimate: must have the deci"),
        (SMALLEST, {"coefficients": COEFFICIENTS.format("12", "-0.1")},
         "coefficients.csv: row 2, column se: must not be negative"),
        (SMALLEST, {"coefficients": COEFFICIENTS.format("twelve", "0.1")},
         "coefficients.csv: row 2, column estimate: must be a number as printed"),
        (SMALLEST, {"coefficients": "model,term,estimate,std\nnull,x,1,2\n"},
         "coefficients.csv: row 1, column 4: must be one of"),
        (SMALLEST, {"coefficients": "model,term,estimate\nnul,x,1\n"},
         "coefficients.csv: row 2, column model: must be a model.*did you mean 'null'"),
        (SMALLEST, {"coefficients": "model,term,estimate\nnull,x,1\nnull,x,2\n"},
         "coefficients.csv: row 3: must not be the same as row 2"),
        (SMALLEST, {"coefficients": "model,term,estimate,ci_low\nnull,x,1,2\n"},
         "coefficients.csv: row 2, column ci_high: must be there"),
        (SMALLEST, {"coefficients": "model,term,ci_low,ci_high\nnull,x,2,1\n"},
         "coefficients.csv: row 2, column ci_low: must not be above"),
        (SMALLEST, {"coefficients": "model,term,p\nnull,x,1.2\n"}, "column p: must lie between"),
        (SMALLEST, {"components": "model,group,variance\nnull,g,-0.1\n"},
         "components.csv: row 2, column variance: must not be negative"),
        (SMALLEST, {"components": "model,group,variance,corr\nnull,g,1,1.2\n"},
         "components.csv: row 2, column corr: must lie between -1 and 1"),
        (SMALLEST, {"fit": "model,n\nnull,1841\n"}, "fit.csv: row 2, column n: must be what study"),
        (SMALLEST, {"fit": "model,n,n_groups\nnull,1840,1\n"}, "column n_groups: must be at leas"),
        (SMALLEST, {"fit": "model,icc\nnull,16.6\n"}, "is it 0.166 or 16.6 %"),
        (SMALLEST, {"fit": "model,n\nnull,18.5\n"}, "column n: must be a whole number"),
        (SMALLEST, {"groups": "model,group,n\nnull,a,3\nnull,b,4\n"}, "must have the 1840 rows"),
        (SMALLEST, {"coefficent": "model\nnull\n"}, "coefficent.csv: must be one of.*did you mea"),
        ("schema = 1\n[tables.2]\ntrailing_zeros = 'dropped'\n[models.null]\ntable = '2'\n",
         {"coefficients": COEFFICIENTS.format("0.5", "0.12")},
         "column estimate: must have known decimals"),
        ("schema = 1\n[tables.2]\ndecimals = {se = 1}\n[models.null]\ntable = '2'\n",
         {"coefficients": COEFFICIENTS.format("0.5", "0.12")},
         "column se: must have the 1 decimals"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(
    tmp_path: Path, toml: str, files: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_published(folder(tmp_path, toml, **files))


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a folder"):
        read_published(tmp_path / "none")
    with pytest.raises(DataError, match=r"study\.toml: must be in the folder"):
        read_published(tmp_path)


def test_only_coefficients_are_there(tmp_path: Path) -> None:
    text = COEFFICIENTS.format("1.25", "0.31") + "null,age,-.236*,.101\n"
    report = read_published(folder(tmp_path, "schema = 1\n", coefficients=text))
    found = sf.reread(report)["null"]
    assert (found.level, found.icc) == ("i", None)
    assert "the number of rows and of groups" in found.refused
    assert report.models["null"].coefficients[1].text("stars") == "*"
    assert [one.printed for one in found.coefficients] == ["1.25", "-.236"]
    runs = check_tables(report)
    assert all(run.needs for run in runs if not run.comparisons)


def test_decimals_that_were_dropped(tmp_path: Path) -> None:
    toml = (
        "schema = 1\n[tables.2]\ntrailing_zeros = 'dropped'\n"
        "decimals = {estimate = 3, se = 3}\n[models.null]\ntable = '2'\n"
    )
    report = read_published(folder(tmp_path, toml, coefficients=COEFFICIENTS.format("0.5", "0.12")))
    figures = report.models["null"].coefficients[0].figures
    assert figures["estimate"].interval == pytest.approx((0.4995, 0.5005))
    assert figures["se"].interval == pytest.approx((0.1195, 0.1205))


def test_norwegian_figures(tmp_path: Path) -> None:
    toml = SMALLEST.replace("schema = 1", 'schema = 1\ndecimal_mark = ","').replace("0.21", "0,21")
    text = COEFFICIENTS.replace(",", ";").format("1,25", "0,31")
    report = read_published(folder(tmp_path, toml, coefficients=text))
    assert report.models["null"].coefficients[0].figures["se"].value == 0.31


def test_templates_are_a_folder(tmp_path: Path, command: Any) -> None:
    code, out, _ = command("reread", "--init", str(tmp_path / "new"))
    assert code == 0
    assert "study.toml" in out
    report = read_published(tmp_path / "new")
    assert list(report.models) == ["null"]
    assert sf.reread(report)["null"].level == ""
    with pytest.raises(OutputError, match="is there already"):
        write_templates(tmp_path / "new")
    uncommented = (
        "\n".join(
            line.removeprefix("# ") if " = " in line or "[" in line[:4] else line
            for line in (tmp_path / "new" / "study.toml").read_text(encoding="utf-8").splitlines()
        )
        .replace("sizes = [40, 52, 38]", "# ")
        .replace("balanced = false", "# ")
        .replace("size_bounds =", "# ")
    )
    (tmp_path / "new" / "study.toml").write_text(uncommented, encoding="utf-8")
    assert read_published(tmp_path / "new").models["null"].n == 1840, "what is commented is valid"


def test_exit_codes_of_the_command(tmp_path: Path, command: Any) -> None:
    place = folder(tmp_path / "a", SMALLEST.replace("44", "1"))
    code, out, err = command("reread", str(place))
    assert (code, out) == (3, "")
    assert "study.toml: models.null.groups" in err
    code, _, err = command("check-published", "--tables", str(tmp_path / "none"))
    assert code == 3
    code, _, err = command("reread", str(place), "--icc", "0.2")
    assert code == 2
    assert "--icc: goes without FOLDER" in err


# A folder that somebody has broken is refused with its place, or is right -------------------------

BREAKS: tuple[Callable[[random.Random, str], str], ...] = (
    lambda rng, text: text[: (at := rng.randrange(len(text)))] + text[at + 1 :],
    lambda rng, text: text[: (at := rng.randrange(len(text)))] + rng.choice("x,.;-\"'[]=\n9 ")
    + text[at:],
    lambda rng, text: "\n".join(line for line in text.split("\n") if rng.random() > 0.15),
    lambda rng, text: text.replace(rng.choice("0123456789"), rng.choice("0123456789-e%")),
    lambda rng, text: text.replace(",", rng.choice(";\t|"), rng.randrange(1, 4)),
    lambda rng, text: text + rng.choice(["\n,,,", "\nnull,a,b,c", "\n\x00", "\n[models.null]"]),
)  # fmt: skip


def broken(seed: int, place: Path) -> Path:
    rng = random.Random(seed)
    source = rng.choice(sorted(CASES.iterdir()))
    place.mkdir()
    for path in source.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    target = rng.choice(sorted(place.iterdir()))
    text = target.read_text(encoding="utf-8")
    for _ in range(rng.randrange(1, 3)):
        text = rng.choice(BREAKS)(rng, text) if text else text
    target.write_text(text, encoding="utf-8", newline="")
    return place


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(s, marks=pytest.mark.slow)
                                                for s in range(12, 112))])  # fmt: skip
def test_a_broken_folder_is_refused_or_right(seed: int, tmp_path: Path) -> None:
    place = broken(seed, tmp_path / "broken")
    report, refused = None, ""
    try:
        report = read_published(place)
    except DataError as error:
        refused = str(error)
    if report is None:
        assert any(path.name in refused for path in place.iterdir()), f"no place in {refused}"
        return
    for model in sf.reread(report).values():  # what could be read is either an ICC or a reason
        assert model.icc is not None or model.refused
        if model.icc is not None:
            assert 0 <= model.icc.lower < model.icc.median < model.icc.upper <= 1
    assert len(check_tables(report)) == 17


@pytest.mark.parametrize(
    ("column", "least"), [("n", 1), ("n_groups", 2), ("min_size", 1), ("max_size", 1)]
)
def test_what_is_counted_has_a_least(tmp_path: Path, column: str, least: int) -> None:
    """A row, two groups, and groups that somebody is in."""
    toml, fit = "schema = 1\n[models.null]\n", f"model,{column}\nnull,{{}}\n"
    read_published(folder(tmp_path, toml, fit=fit.format(least)))
    with pytest.raises(DataError, match=f"column {column}: must be at least {least}"):
        read_published(folder(tmp_path, toml, fit=fit.format(least - 1)))
