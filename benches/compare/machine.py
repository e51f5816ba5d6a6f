"""What the figures depend on: the machine, the versions, and the rivals' environment."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import process

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / ".bench"
PACKAGES = ("duckdb==2.0.0", "polars==2.1.0", "redis==8.1.0", "hiredis==3.5.0")


def venv_python() -> str:
    """The Python of the rivals' environment, made on first use."""
    python = BENCH / "venv/bin/python"
    marker = BENCH / "venv/installed.txt"
    wanted = "\n".join(PACKAGES)
    if not marker.exists() or marker.read_text() != wanted:
        print(f"setting up {python.parent.parent} with {', '.join(PACKAGES)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", BENCH / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        marker.write_text(wanted)
    return str(python)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two runs at once would overwrite each other's outputs, and both would measure nonsense."""
    BENCH.mkdir(exist_ok=True)
    with open(BENCH / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another run is measuring: it holds {file.name}") from None
        yield


def tool(name: str) -> str | None:
    """The path of a program: from `cargo install --root .bench/tools`, else from PATH; nothing if there is none."""
    own = BENCH / "tools/bin" / name
    return str(own) if own.exists() else shutil.which(name)


def digest_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name(chosen: str | None) -> str:
    """The evidence directory's name: the date and the machine."""
    cpu = re.sub(r"[^a-z0-9]+", "-", cpu_model().lower()).strip("-")[:40]
    return f"{datetime.date.today()}-{chosen or f'{cores()}x-{cpu}'}"


def cores() -> int:
    return len(os.sched_getaffinity(0))


def cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    return next(models, platform.processor() or platform.machine())


def facts(quell: str) -> dict:
    """Machine, versions and command, as they go into every piece of evidence."""
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    commit = process.text_of("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    return {
        "machine": f"{cpu_model()}, {cores()} cores, {memory / 2**20:.1f} GiB, Linux {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "quell": f"{process.text_of(quell, '--version')}, tree at {commit}, binary {digest_of(Path(quell))[:16]}",
        "Python packages": ", ".join((f"Python {platform.python_version()}", *PACKAGES)),
        "programs": ", ".join(versions()),
        "command": f"python3 benches/compare/run.py {' '.join(sys.argv[1:])}".strip(),
    }


def versions() -> list[str]:
    """The programs' own words, cut where they go on with how they were built."""
    found = []
    for program, *option in (
        ("xan", "--version"), ("qsv", "--version"), ("grep", "--version"), ("awk", "-W", "version"),
        ("redis-server", "--version"), ("dd", "--version"),
    ):
        path = tool(program)
        said = process.text_of(path, *option) if path else "not on this machine"
        said = re.sub(r"-mimalloc.*| sha=.*|,? Copyright.*", "", said)[:60]
        found.append(said if said.startswith(program) else f"{program}: {said}")
    return found + [f"sqlite {sqlite3.sqlite_version}"]
