"""One rival in a process of its own: prepares, then runs the measured part and prints its figures as JSON.

    python rival.py duckdb|duckdb-unordered|polars SUPPRESSED.csv RECIPIENTS.csv OUTPUT.csv THREADS
    python rival.py digest FILE.csv

The suppressed list is loaded, normalised and in memory before the clock starts: the rivals are measured at their best.
Both sides are compared as lower(trim(email)), which is what people write; it knows less than quell's normalisation.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measured(work) -> None:
    """Runs the measured part and prints what it took. Peak memory is the whole process's."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_rss": peak}))


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
    """What rows a file holds, whatever their order and quoting: count and an order-free sum over their values."""
    import duckdb

    count, total = duckdb.execute(
        "SELECT count(*), sum(hash(id, email, given, family, city, country, spent)::HUGEINT) "
        f"FROM read_csv('{path}', all_varchar = true, header = true)"
    ).fetchone()
    print(json.dumps({"rows": count, "sum": str(total)}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["digest", path]:
            digest(path)
        case ["polars", suppressed, recipients, output, threads]:
            polars_anti_join(suppressed, recipients, output, int(threads))
        case ["duckdb" | "duckdb-unordered" as name, suppressed, recipients, output, threads]:
            duckdb_anti_join(suppressed, recipients, output, int(threads), name == "duckdb")
        case _:
            sys.exit(__doc__)
