"""Output that nobody reads, that has no place or no such letters; and Ctrl-C anywhere."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bayes_sf import cli
from bayes_sf.cli import interruption
from bayes_sf.cli.console import stdout
from bayes_sf.cli.streams import escaped, nearest

pytestmark = pytest.mark.usefixtures("ctrl_c_is_heard")

type Command = Callable[..., tuple[int, str, str]]

TEXT = "−0.5 – 1.0 × τ ≥ é ø Å 😀"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("ascii", "-0.5 - 1.0 x tau >= e o A ?"),
        ("cp1252", "-0.5 – 1.0 × tau >= é ø Å ?"),
        ("utf-8", TEXT),
    ],
)
def test_letters_that_are_not_there_are_replaced(encoding: str, said: str) -> None:
    done = write(f"sys.stdout.write({TEXT!r})", encoding=encoding)
    assert done.stdout.decode(encoding) == said
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("ascii", "2.61x10^-13 9x10^14 5x10^23 r^2 > 2 1/2, inf, 7"),
        ("cp1252", "2.61×10^-13 9×10^14 5×10²³ r² > 2½, inf, 7"),
        ("latin-1", "2.61×10^-13 9×10^14 5×10²³ r² > 2½, inf, 7"),
    ],
)
def test_powers_and_numbers_stay_what_they_are(encoding: str, said: str) -> None:
    text = "2.61×10⁻¹³ 9×10¹⁴ 5×10²³ r² > 2½, ∞, ７"
    for stream in ("stdout", "stderr"):
        done = write(f"sys.{stream}.write({text!r})", encoding=encoding)
        assert getattr(done, stream).decode(encoding) == said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_json_loses_nothing(encoding: str) -> None:
    text = json.dumps(TEXT, ensure_ascii=False)
    done = write(f"sys.stdout.write({text!r})", encoding=encoding, as_json=True)
    assert json.loads(done.stdout.decode(encoding)) == TEXT


def test_other_errors_of_encoding_stay() -> None:
    for handler in (nearest, escaped):
        with pytest.raises(UnicodeDecodeError):
            handler(UnicodeDecodeError("ascii", b"\xff", 0, 1, "no"))


def write(
    what: str, *, encoding: str = "utf-8", as_json: bool = False, shell: str = '"$@"'
) -> subprocess.CompletedProcess[bytes]:
    """Run some lines between the preparation of streams and the end of a process."""
    code = f"""
import sys
from bayes_sf.cli.streams import prepare_streams
prepare_streams(as_json={as_json})
try:
    {what}
    sys.stdout.flush()
except Exception as error:
    sys.stderr.write(str(error))
    sys.exit(getattr(error, "exit_code", 1))
"""
    return subprocess.run(
        ["bash", "-c", shell, "bash", sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=False,
    )  # fmt: skip


LONG = "[print('x' * 99) for _ in range(9999)]"


@pytest.mark.parametrize(
    ("shell", "what", "code", "out", "err"),
    [
        ('"$@" | head -1; exit ${PIPESTATUS[0]}', LONG, 0, b"x" * 99 + b"\n", b""),
        ('"$@" > /dev/full', LONG, 2, b"", b"stdout: must be writable (got 'No space left"),
        ('"$@" > /dev/full', "print('short')", 2, b"", b"stdout: must be writable"),
        ('"$@" >&-', LONG, 0, b"", b""),
        ('"$@" 2>&-', "sys.stderr.write('a'); sys.exit(3)", 3, b"", b""),
        ('"$@" 2>/dev/full', "sys.stderr.write('a'); sys.exit(3)", 3, b"", b""),
        ('"$@" >&- 2>&- <&-', "assert open('/dev/null').fileno() > 2; sys.exit(3)", 3, b"", b""),
    ],
    ids=[
        "reader leaves",
        "full",
        "full at the end",
        "no stdout",
        "no stderr",
        "stderr full",
        "none",
    ],
)
def test_a_stream_that_takes_nothing(
    shell: str, what: str, code: int, out: bytes, err: bytes
) -> None:
    done = write(what, shell=shell)
    assert (done.returncode, done.stdout) == (code, out)
    assert done.stderr.startswith(err)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


@pytest.mark.parametrize("columns", ["0", "1", "20", "-3", "wide"])
def test_no_width_loses_what_is_printed(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stdout().print("one two three")
    assert "".join(capsys.readouterr().out.split()) == "onetwothree"


@pytest.mark.parametrize("size", ["³", "-1", "", "1e3", "７", "9" * 5000])
def test_a_width_that_is_none_is_not_heard(size: str) -> None:
    lines = f"import os; os.environ.update(COLUMNS={size!r}, LINES={size!r})"
    size_ = "from rich.console import Console; print(Console().size)"
    done = write(f"{lines}; prepare_streams(as_json=False); {size_}")
    assert done.returncode == 0, done.stderr
    assert b"ConsoleDimensions(" in done.stdout


# Ctrl-C


def test_an_error_that_a_library_makes_of_ctrl_c(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB's error of an interrupted query; without Ctrl-C the same error is a fault of ours."""

    def swallow(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    monkeypatch.setattr("bayes_sf.output.runs.reproduce.run_reproduce", swallow)
    assert command("reproduce") == (130, "", "bayes-sf: interrupted\n")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("bayes_sf.output.runs.reproduce.run_reproduce", fail)
    assert command("reproduce")[0] == 1


#: Both of the engine's threads work at once, each at a part that takes minutes.
QUERY = """
import signal, sys
from bayes_sf import cli
from bayes_sf.inputs.register.connection import connect
from bayes_sf.output.runs import reproduce as reproduction

engine = connect("1GB").con
engine.execute("set threads = 2")
engine.execute("create table a as select range i from range(500000)")

def query(*_, **__):
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    engine.sql("select sum(a.i * b.i) from a, range(100000) b(i)").fetchall()

reproduction.run_reproduce = query
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
sys.argv = ["bayes-sf", "reproduce", "--quiet", "--out", sys.argv[1]]
cli.main()
"""


@pytest.mark.slow
def test_a_real_query_is_interrupted(tmp_path: Path) -> None:
    """All its threads: the engine waits for those that nobody stops."""
    done = subprocess.run(
        [sys.executable, "-c", QUERY, str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "bayes-sf: interrupted\n"


def test_queries_are_stopped_where_connections_are_closed_or_idle() -> None:
    from bayes_sf.inputs.register.connection import connect, stop_queries

    closed, idle = connect("1GB").con, connect("1GB").con
    closed.close()
    stop_queries()
    assert idle.execute("select 42").fetchall() == [(42,)]


def test_ctrl_c_that_falls_into_the_end_of_an_object_comes_again(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ending:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def work(*_: object, **__: object) -> None:
        Ending()
        for _second in range(10):
            signal.sigtimedwait([], 1)  # ends with the signal

    monkeypatch.setattr("bayes_sf.output.runs.reproduce.run_reproduce", work)
    assert command("reproduce") == (130, "", "bayes-sf: interrupted\n")


def test_ctrl_c_while_the_command_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, interruption.leaving_when_interrupted():
        raise KeyboardInterrupt
    assert left.value.code == 130
    assert capsys.readouterr().err == "bayes-sf: interrupted\n"


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interruption.heed_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


# The range of seeds, on every command that has one


@pytest.mark.parametrize("seed", ["-1", "4294967296", "99999999999999999999999999"])
@pytest.mark.parametrize(
    "arguments", [("reproduce",), ("fit", "q13"), ("select",), ("impute",), ("replica",)],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_a_seed_that_is_none(command: Command, arguments: tuple[str, ...], seed: str) -> None:
    code, out, err = command(*arguments, "--seed", seed)
    assert (code, out) == (2, "")
    assert err == (f"bayes-sf: --seed: must be a whole number from 0 to 4294967295 (got {seed})\n")


def test_every_seed_is_checked() -> None:
    import typer

    group = typer.main.get_command(cli.app)
    seeds = [
        (name, parameter)
        for name, one in group.commands.items()
        for parameter in one.params
        if "--seed" in parameter.opts
    ]
    assert len(seeds) > 10
    assert all(parameter.callback is not None for _, parameter in seeds)
