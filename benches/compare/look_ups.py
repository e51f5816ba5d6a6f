"""The rivals that ask a database: SQLite and Redis, from Python, its csv module reading and writing the rows."""

from __future__ import annotations

import contextlib
import csv
import itertools
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

#: Rows of one SMISMEMBER, and how many of them are on the way at once.
BATCH, IN_FLIGHT = 1_000, 10


def keys(suppressed: str) -> Iterator[str]:
    with open(suppressed, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            yield row[0].strip().lower()


def loaded(directory: str, suppressed: str) -> sqlite3.Connection:
    """The list as a table whose primary key is the address, all of it in SQLite's cache or the system's."""
    connection = sqlite3.connect(f"{directory}/suppressed.db", isolation_level=None, cached_statements=16)
    connection.execute("PRAGMA journal_mode = off")
    connection.execute("PRAGMA synchronous = off")
    connection.execute("PRAGMA mmap_size = 4294967296")
    connection.execute("PRAGMA cache_size = -1048576")
    connection.execute("CREATE TABLE suppressed (email TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("BEGIN")
    connection.executemany("INSERT OR IGNORE INTO suppressed VALUES (?)", ((key,) for key in sorted(keys(suppressed))))
    connection.execute("COMMIT")
    return connection


@contextlib.contextmanager
def filtered(recipients: str, output: str):
    """The recipients' header, their rows, and a writer that has written the header to the output."""
    with open(recipients, newline="", encoding="utf-8") as source, open(output, "w", newline="") as target:
        rows, writer = csv.reader(source), csv.writer(target, lineterminator="\n")
        header = next(rows)
        writer.writerow(header)
        yield header, rows, writer


def sqlite_row_by_row(suppressed: str, recipients: str, output: str, measured: Callable) -> None:
    """One prepared SELECT a row."""
    with tempfile.TemporaryDirectory(dir=Path(output).parent) as directory:
        connection = loaded(directory, suppressed)

        def work() -> None:
            with filtered(recipients, output) as (header, rows, writer):
                at = header.index("email")
                ask = connection.execute
                writer.writerows(
                    row
                    for row in rows
                    if ask("SELECT 1 FROM suppressed WHERE email = ?", (row[at].strip().lower(),)).fetchone() is None
                )

        measured(work)
        connection.close()


def sqlite_anti_join(suppressed: str, recipients: str, output: str, measured: Callable) -> None:
    """The recipients into a table, then one statement; both are in the time."""
    with tempfile.TemporaryDirectory(dir=Path(output).parent) as directory:
        connection = loaded(directory, suppressed)

        def work() -> None:
            with filtered(recipients, output) as (header, rows, writer):
                connection.execute(f"CREATE TABLE recipients ({', '.join(header)})")
                connection.execute("BEGIN")
                connection.executemany(f"INSERT INTO recipients VALUES ({', '.join('?' * len(header))})", rows)
                writer.writerows(
                    connection.execute(
                        "SELECT r.* FROM recipients r WHERE NOT EXISTS "
                        "(SELECT 1 FROM suppressed s WHERE s.email = lower(trim(r.email)))"
                    )
                )
                connection.execute("COMMIT")

        measured(work)
        connection.close()


def redis_batches(suppressed: str, recipients: str, output: str, measured: Callable) -> None:
    """SMISMEMBER for 1,000 rows at a time, ten of them pipelined, over a Unix socket to a server without persistence."""
    import redis

    # A Unix socket's path may not be long.
    directory = tempfile.mkdtemp(prefix="quell-redis-")
    socket = f"{directory}/socket"
    options = ("--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", directory)
    server = subprocess.Popen(("redis-server", *options), stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(unix_socket_path=socket)
        awaited(client)
        listed = keys(suppressed)
        while batch := list(itertools.islice(listed, BATCH * IN_FLIGHT)):
            client.sadd("suppressed", *batch)

        def used() -> dict:
            told = client.info()
            return {
                "cpu": told["used_cpu_user"] + told["used_cpu_sys"],
                "peak_rss": max(told["used_memory_peak"], told["used_memory_rss"]),
            }

        measured(lambda: ask(client, recipients, output), used)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)


def ask(client, recipients: str, output: str) -> None:
    with open(recipients, newline="", encoding="utf-8") as source, open(output, "w", newline="") as target:
        rows, writer = csv.reader(source), csv.writer(target, lineterminator="\n")
        header = next(rows)
        writer.writerow(header)
        at = header.index("email")
        while wave := list(itertools.islice(rows, BATCH * IN_FLIGHT)):
            pipeline = client.pipeline(transaction=False)
            for first in range(0, len(wave), BATCH):
                pipeline.smismember("suppressed", [row[at].strip().lower() for row in wave[first : first + BATCH]])
            found = itertools.chain.from_iterable(pipeline.execute())
            writer.writerows(row for row, hit in zip(wave, found, strict=True) if not hit)


def awaited(client) -> None:
    """Until the server answers; it takes a moment to open its socket."""
    import redis

    for _ in range(200):
        try:
            client.ping()
            return
        except (redis.exceptions.ConnectionError, FileNotFoundError):
            time.sleep(0.05)
    raise SystemExit("redis-server did not start")
