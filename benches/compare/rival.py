"""One rival in a process of its own: prepares, then runs the measured part and prints its figures as JSON.

    python rival.py NAME SUPPRESSED.csv RECIPIENTS.csv OUTPUT.csv THREADS
    python rival.py digest FILE.csv

The suppressed list is loaded and normalised before the clock starts: the rivals are measured at their best.
Both sides are compared as lower(trim(email)), which is what people write; it knows less than quell's normalisation.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable

import look_ups


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def nothing() -> dict:
    return {"cpu": 0.0, "peak_rss": 0}


def measured(work: Callable[[], None], server: Callable[[], dict] = nothing) -> None:
    """Runs the measured part and prints what it took. Peak memory is the whole process's, load included; a server's CPU
    and memory are added."""
    before = server()
    cpu, wall = cpu_seconds(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    after = server()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"wall": wall, "cpu": cpu + after["cpu"] - before["cpu"], "peak_rss": peak + after["peak_rss"]}))


def duckdb_anti_join(suppressed: str, recipients: str, output: str, threads: int, ordered: bool) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET preserve_insertion_order = {str(ordered).lower()}")
    connection.execute(
        "CREATE TABLE suppressed AS SELECT DISTINCT lower(trim(email)) AS key FROM read_csv(?, all_varchar = true, header = true)",
        [suppressed],
    )
    measured(
        lambda: connection.execute(
            f"""
            COPY (
                SELECT r.* FROM read_csv('{recipients}', all_varchar = true, header = true) r
                ANTI JOIN suppressed s ON lower(trim(r.email)) = s.key
            ) TO '{output}' (FORMAT csv, HEADER true)
            """
        )
    )


def polars_anti_join(suppressed: str, recipients: str, output: str, threads: int) -> None:
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    key = pl.col("email").str.strip_chars().str.to_lowercase().alias("key")
    known = pl.read_csv(suppressed, infer_schema=False).select(key).unique()

    def work() -> None:
        (
            pl.scan_csv(recipients, infer_schema=False)
            .with_columns(key)
            .join(known.lazy(), on="key", how="anti")
            .drop("key")
            .sink_csv(output, engine="streaming")
        )

    measured(work)


def digest(path: str) -> None:
    """What rows a file holds, whatever their order and quoting: count and an order-free sum over their values, as they
    are and in lower case."""
    import duckdb

    columns = ("id", "email", "given", "family", "city", "country", "spent")
    folded = ", ".join(f"lower({column})" for column in columns)
    source = f"read_csv('{path}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
    count, total, lower = duckdb.execute(
        f"SELECT count(*), sum(hash({', '.join(columns)})::HUGEINT), sum(hash({folded})::HUGEINT) FROM {source}"
    ).fetchone()
    print(json.dumps({"rows": count, "sum": str(total), "lower": str(lower)}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["digest", path]:
            digest(path)
        case ["polars", suppressed, recipients, output, threads]:
            polars_anti_join(suppressed, recipients, output, int(threads))
        case ["duckdb" | "duckdb-unordered" as name, suppressed, recipients, output, threads]:
            duckdb_anti_join(suppressed, recipients, output, int(threads), name == "duckdb")
        case ["sqlite-look-ups", suppressed, recipients, output, _]:
            look_ups.sqlite_row_by_row(suppressed, recipients, output, measured)
        case ["sqlite-anti-join", suppressed, recipients, output, _]:
            look_ups.sqlite_anti_join(suppressed, recipients, output, measured)
        case ["redis", suppressed, recipients, output, _]:
            look_ups.redis_batches(suppressed, recipients, output, measured)
        case _:
            sys.exit(__doc__)
