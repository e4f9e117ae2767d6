"""Ctrl-C: what runs ends soon, with no broken file, no hung thread and no process left over.

Each case runs in a process of its own, which is sent the signal at several moments. It says which threads
were alive when the interrupt had come through, and does its work once more to show that it still can.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from autograd import Program
from optim.checkpoints import read_checkpoint

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a signal is sent, which is POSIX")

MOMENTS = (0.0, 0.02, 0.11)  # seconds after the work has begun
SOON = 20.0  # seconds: far more than it takes, and far less than for ever

# Each work is repeated until the signal comes, once for each moment, and then done once more. Further
# signals are ignored: one is sent again where the first met a moment at which Python drops exceptions.
CHILD = """
import signal, sys, threading, time
from pathlib import Path
import numpy as np
from autograd import *
from optim import Adam, fit
{works}
def threads():
    return [one.name for one in threading.enumerate() if one is not threading.main_thread()]
def processes():
    children = Path(f"/proc/self/task/{{threading.get_native_id()}}/children")
    found = children.read_text().split() if children.exists() else []
    return [one for one in found if ") Z" not in Path(f"/proc/{{one}}/stat").read_text()]
def left(of):
    "What runs on. One that was interrupted in the making finds nothing to do, and ends by itself."
    for _ in range(100):
        if not of():
            break
        time.sleep(0.02)
    return of()
for work in works:
    for _ in range({moments}):
        sys.stdin.readline()  # the files are looked at until then
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            print("begun", work.__name__, flush=True)
            while True:
                work()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            still = left(threads)
            work()
            print("threads", still, "processes", left(processes), flush=True)
"""

SCANS = ("llvm", "interpreter", "python")

LOSS = """
def loss(w, x, y):
    return (w[0] * x + w[1] - y) ** 2
x = np.linspace(-1.0, 1.0, 1_000)
def train(engine):
    Path("checkpoint").unlink(missing_ok=True)
    fit(loss, [0.0, 0.0], (x, x), Adam(lr=0.01), 5, 10, engine=engine, checkpoint="checkpoint")
"""
FORMULA = """
def heavy(x):
    for _ in range(20):
        x = tanh(x) * 1.5
    return x
x = np.linspace(-1.0, 1.0, 200_000)
"""
LONG = """
def long(x):
    y = x
    for i in range(500):
        y = y * 0.5 + sin(x * i)
    return y
def compile(engine):
    jit(grad(long), engine=engine)(0.5)
    trace(long, 1.0).save("program")
"""
PICTURE = """
y = Value(0.5)
for _ in range(20):
    y = (y * 1.1).tanh()
"""

# What is defined first, and the works.
CASES = {
    "training": (LOSS, [f"train({engine!r})" for engine in ("llvm", "python", "eager")]),
    "compiling": (LONG, [f"compile({engine!r})" for engine in ("llvm", "interpreter", "numpy")]),
    "drawing": (PICTURE, ['draw(y).render("graph.svg")', 'explain(y).save("page.html")']),
    "batches on all cores": (
        FORMULA,
        [
            'vmap(heavy, engine="llvm")(x)',
            'vmap(heavy, engine="llvm", reduce="sum")(x)',
            'vmap(heavy, engine="interpreter")(x)',
            'vmap(heavy, engine="numpy", reduce="mean")(x)',
        ],
    ),
    "loops": (
        FORMULA,
        [
            f"scan(lambda c, one: (tanh(c + one), c), 0.0, x, engine={engine!r})"
            for engine in ("llvm", "python")
        ],
    ),
}


# Each of one call into compiled code, which would last for many minutes.
LONG_LOOPS = [
    "scan(lambda c, _: (c * 0.5 + 1.0, None), 0.0, None, length=10**11)",
    "scan(lambda c, _: (fori_loop(0, 10**11, lambda i, s: tanh(s) + i, c), None), 0.0, None, length=2)",
    'jit(grad(lambda p: fori_loop(0, 10**11, lambda _, c: tanh(c * p), p, checkpoint="binomial")))(0.5)',
    "vmap(lambda p: fori_loop(0, 10**11, lambda _, c: tanh(c * p), p))(np.ones(2))",
]


@pytest.mark.parametrize("call", LONG_LOOPS)
def test_a_long_compiled_loop_ends_with_what_a_handler_of_signals_raises(call):
    code = f"""
import signal
import numpy as np
from autograd import *
class Late(Exception):
    pass
def raise_late(*_):
    raise Late("too late")
signal.signal(signal.SIGALRM, raise_late)
jit(lambda x: x * x)(1.0)
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    {call}
except Late as error:
    print(error, scan(lambda c, x: (c + x, None), 0.0, np.arange(4.0))[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=SOON,
        check=False,
    )
    assert done.stdout == "too late 6.0\n", done.stderr


@pytest.mark.parametrize("name", CASES)
def test_an_interrupt_leaves_nothing_broken_and_nothing_running(name, tmp_path):
    first, calls = CASES[name]
    listed = ", ".join(f"lambda: {call}" for call in calls)
    code = CHILD.format(works=f"{first}\nworks = [{listed}]", moments=len(MOMENTS))
    complaints = tmp_path / "stderr"
    # A group of its own: the signal goes to the process alone, as that of an editor or a notebook does.
    with (
        complaints.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        ) as child,
        ThreadPoolExecutor(1) as reader,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            for moment in MOMENTS * len(calls):
                print(file=child.stdin, flush=True)
                assert child.stdout.readline().startswith("begun"), complaints.read_text()
                time.sleep(moment)
                line = reader.submit(child.stdout.readline)
                assert answer(child, line) == "threads [] processes []\n", complaints.read_text()
                check_files(tmp_path)
            assert child.wait(SOON) == 0, complaints.read_text()
        finally:
            child.kill()


def answer(child: subprocess.Popen[str], line: Future[str]) -> str:
    """What the child says once it has been interrupted."""
    for _ in range(round(SOON)):
        child.send_signal(signal.SIGINT)
        with suppress(TimeoutError):
            return line.result(1.0)
    return "nothing: it did not end"


def check_files(folder: Path) -> None:
    """What is there is whole, and nothing is there that was not asked for."""
    for path in folder.iterdir():
        if path.name == "checkpoint":
            read_checkpoint(path)
        elif path.name == "program":
            Program.load(path)
        elif path.name in ("graph.svg", "page.html"):
            assert path.read_text("utf-8").rstrip().endswith(("</svg>", "</html>"))
        else:
            assert path.name == "stderr", f"{path.name} is left over"
