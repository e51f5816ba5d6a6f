"""Who takes part: quell's modes, the rivals, and the copy that is the limit."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import machine
import process
from stores import Quell

RIVAL = Path(__file__).with_name("rival.py")
#: The contender whose time the others are divided by.
REFERENCE = "quell, 2 threads"
ONE_THREAD = "quell, 1 thread"
#: Behind the name of a contender whose list is one of digests.
MD5 = ", list of MD5 digests"
DUCKDB, POLARS, COPY = "DuckDB, in order", "Polars, streaming", "copy in 1 MiB blocks"
#: What a workload of many quoted cells is measured with; the others are in the full field.
CORE = (REFERENCE, "quell, from a pipe", DUCKDB, "DuckDB, any order", POLARS, COPY)
#: Asked of quell and of the two engines: other rows would end the run. The other rivals may keep others, and it is said.
SURE = ("quell", "DuckDB", "Polars")


@dataclass(frozen=True)
class Contender:
    name: str
    #: Writes its output to the path and says what it took.
    run: Callable[[Path], dict]
    #: Where the suppressed list is when the clock starts.
    listed: str
    #: Its input and output are in lower case, because it can't fold letters.
    lower: bool = False
    writes_rows: bool = True
    #: Only contenders of one group read the same files, and must keep the same rows.
    group: str = ""


@dataclass(frozen=True)
class Files:
    """The workload, and copies of it for those who can't read it as it is."""

    suppressed: Path
    recipients: Path

    def lower_recipients(self) -> Path:
        return lowered(self.recipients, header=True)

    def lower_addresses(self) -> Path:
        """The list without its header: `email` as a pattern would match the header of the recipients."""
        return lowered(self.suppressed, header=False)


def lowered(path: Path, header: bool) -> Path:
    target = path.with_name(f"lower-{path.name}")
    if not target.exists():
        unfinished = target.with_suffix(".unfinished")
        with open(path, "rb") as source, open(unfinished, "wb") as out:
            if not header:
                source.readline()
            while block := source.read(1 << 22):
                out.write(block.lower())
        unfinished.rename(target)
    return target


def quell_modes(quell: Quell, files: Files) -> list[Contender]:
    def file_to_file(threads: int) -> Callable[[Path], dict]:
        return lambda out: quell.run("filter", files.recipients, "-o", out, "--threads", threads)

    def piped(pipe_out: bool) -> Callable[[Path], dict]:
        command = quell.command("filter", "--threads", 2)
        return lambda out: process.run_behind_cat(command, files.recipients, out, pipe_out, quell.environment)

    index = "index on disk, opened in the time"
    return [
        Contender(REFERENCE, file_to_file(2), index),
        Contender(ONE_THREAD, file_to_file(1), index),
        Contender("quell, from a pipe", piped(False), index),
        Contender("quell, pipe to pipe", piped(True), index),
    ]


def hashed(quell: Quell, digests: Quell, files: Files) -> list[Contender]:
    """The same batch against the list of addresses and against its digests: what the digests of the rows cost."""

    def file_to_file(of: Quell, threads: int) -> Callable[[Path], dict]:
        return lambda out: of.run("filter", files.recipients, "-o", out, "--threads", threads)

    addresses = [mode for mode in quell_modes(quell, files) if mode.name in (REFERENCE, ONE_THREAD)]
    index = "index of digests on disk, opened in the time"
    names = ((REFERENCE, 2), (ONE_THREAD, 1))
    return addresses + [Contender(f"{name}{MD5}", file_to_file(digests, threads), index) for name, threads in names]


def engines(python: str, files: Files, threads: int, limit: float) -> list[Contender]:
    """Rivals driven by Python, in a process of their own that prepares before it starts the clock."""

    def engine(word: str) -> Callable[[Path], dict]:
        return lambda out: in_python(python, [word, files.suppressed, files.recipients, out, threads], limit)

    memory = "in memory before the clock"
    return [
        Contender(DUCKDB, engine("duckdb"), memory),
        Contender("DuckDB, any order", engine("duckdb-unordered"), memory),
        Contender(POLARS, engine("polars"), memory),
    ]


def look_ups(python: str, files: Files, limit: float) -> list[Contender]:
    """A database asked row by row, as services do. Too slow for the large sizes."""

    def asked(word: str) -> Callable[[Path], dict]:
        return lambda out: in_python(python, [word, files.suppressed, files.recipients, out, 1], limit)

    disk = "table on disk, cached, before the clock"
    found = [
        Contender("SQLite, a look-up a row", asked("sqlite-look-ups"), disk),
        Contender("SQLite, anti-join", asked("sqlite-anti-join"), disk),
    ]
    if machine.tool("redis-server"):
        found.append(Contender("Redis, SMISMEMBER by 1,000", asked("redis"), "in the server before the clock"))
    return found


def missing(everybody: bool) -> list[str]:
    """What this machine lacks of the optional rivals, for the evidence; Redis only takes part with everybody."""
    wanted = ("xan", "qsv", "redis-server") if everybody else ("xan", "qsv")
    return [f"{program}: not on this machine, not measured" for program in wanted if not machine.tool(program)]


def programs(files: Files, limit: float) -> list[Contender]:
    """Command-line tools; each reads the list within its time."""
    found = []
    inside = "read in the time"

    def add(name: str, program: str, *arguments) -> None:
        if path := machine.tool(program):
            command = [path, *arguments, files.recipients, "email", files.suppressed]
            found.append(Contender(name, lambda out: process.run_into(command, out, limit=limit), inside))

    add("xan join --anti", "xan", "join", "--anti", "--ignore-case", "email")
    add("qsv join --left-anti", "qsv", "join", "--left-anti", "--ignore-case", "email")
    return found


def text_tools(files: Files, limit: float) -> list[Contender]:
    """grep and awk: they know no quoting, so only an address in front of the first quoted cell is safe with them."""
    found = []
    inside = "read in the time"
    c_locale = os.environ | {"LC_ALL": "C"}
    if awk := machine.tool("awk"):
        script = "NR==FNR{listed[tolower($1)];next} FNR==1||!(tolower($2) in listed)"
        command = [awk, "-F,", script, files.suppressed, files.recipients]
        run = lambda out: process.run_into(command, out, limit=limit, environment=c_locale)
        found.append(Contender("awk, hash of the list", run, inside))
    if grep := machine.tool("grep"):
        patterns, rows = files.lower_addresses(), files.lower_recipients()
        search = [grep, "-vFf", patterns, rows]
        run_grep = lambda out: process.run_into(search, out, limit=limit, environment=c_locale)
        found.append(Contender("grep -vFf, letters folded before", run_grep, inside, lower=True))
    return found


def copy(files: Files) -> Contender:
    command = lambda out: ["dd", f"if={files.recipients}", f"of={out}", "bs=1M", "status=none"]
    return Contender(COPY, lambda out: process.run(command(out)), "none", writes_rows=False)


def in_python(python: str, arguments: list, limit: float) -> dict:
    """A rival's own figures: it starts the clock itself, once the list is loaded."""
    with tempfile.TemporaryFile("w+") as told:
        process.run([python, RIVAL, *arguments], stdout=told, limit=limit)
        told.seek(0)
        return json.loads(told.read().splitlines()[-1])
