"""Running one process and saying what it took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")


class Failed(Exception):
    """A process that did not do its work: what it was and how it ended."""


def run(arguments: Sequence, stdin=None, stdout=None, environment=None, limit: float | None = None, codes=(0,)) -> dict:
    """Runs a command from start to exit. Wall, CPU (user + system) and peak memory of that process alone, in seconds and
    bytes. Raises `Failed` for an exit code not among `codes`, or when it takes longer than `limit` seconds."""
    told, tell = os.pipe()
    launcher = [sys.executable, "-I", "-S", LAUNCH, str(tell)]
    child = subprocess.Popen(
        [*launcher, *map(str, arguments)],
        stdin=stdin, stdout=stdout, env=environment, pass_fds=(tell,), start_new_session=True,
    )
    os.close(tell)
    try:
        code = child.wait(limit)
        figures = os.read(told, 4096)
    except BaseException as error:
        # Launcher and command are one process group; an interrupted run must not leave them behind.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Failed(f"stopped after {limit:g} s") from error
        raise
    finally:
        os.close(told)
    if code not in codes or not figures:
        raise Failed(f"`{' '.join(map(str, arguments))}` ended with {code}")
    return json.loads(figures)


def run_into(arguments: Sequence, out: Path, **more) -> dict:
    """The same with standard output to a file."""
    with open(out, "wb") as file:
        return run(arguments, stdout=file, **more)


def run_behind_cat(arguments: Sequence, source: Path, out: Path, pipe_out: bool, environment=None) -> dict:
    """`cat SOURCE | command > OUT`, or with `pipe_out` `cat SOURCE | command | cat > OUT`, from the command's start until
    the last byte is in OUT. CPU and memory are those of the command."""
    with open(out, "wb") as file:
        feed = subprocess.Popen(["cat", source], stdout=subprocess.PIPE)
        drain = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) if pipe_out else None
        figures = run(arguments, stdin=feed.stdout, stdout=drain.stdin if drain else file, environment=environment)
        ended = time.perf_counter()
        feed.stdout.close()
        if drain:
            drain.stdin.close()
        if feed.wait() or (drain and drain.wait()):
            raise Failed("a pipe broke")
        if drain:
            figures["wall"] += time.perf_counter() - ended
    return figures


def text_of(*arguments) -> str:
    """The first line a command prints, or nothing if it can't be run."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next(iter((done.stdout or done.stderr).strip().splitlines()), "")
