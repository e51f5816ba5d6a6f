"""The service against Redis, over loopback, in turns: single addresses, batches, an import meanwhile, a batch as a file.

Redis is asked by its own benchmark: `SISMEMBER` on a set of the same addresses, 64 connections, one request at a time on
each. quell is asked over HTTP by wrk: JSON in, JSON out, with a bearer token, one address in ten suppressed and explained.
Both clients run on the machine they load.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import machine
import process

CONNECTIONS = 64
BATCH = 1_000
BODIES = {1: 20_000, BATCH: 100}
SUPPRESSED_SHARE = 0.1

SCRIPT = """
local bodies = {{}}
for body in io.lines("{path}") do bodies[#bodies + 1] = body end
local headers = {{ ["content-type"] = "application/json", ["authorization"] = "Bearer {token}" }}
local at = 0
request = function()
  at = at % #bodies + 1
  return wrk.format("POST", "/v1/check", headers, bodies[at])
end
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Redis:
    """A server with a set of all addresses of a file."""

    def __init__(self, suppressed: Path):
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(1)
        load = subprocess.Popen(
            ["redis-cli", "-p", str(self.port), "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        with open(suppressed, "rb") as file:
            next(file)
            while lines := list(itertools.islice(file, 1_000)):
                members = [line.strip().lower() for line in lines]
                parts = [b"*%d\r\n$4\r\nSADD\r\n$1\r\ns\r\n" % (len(members) + 2)]
                parts += [b"$%d\r\n%s\r\n" % (len(member), member) for member in members]
                load.stdin.write(b"".join(parts))
        load.stdin.close()
        if load.wait():
            raise process.Failed("redis-cli could not load the set")

    def rate(self, requests: int) -> dict:
        command = ["redis-benchmark", "-p", str(self.port), "-c", str(CONNECTIONS), "-n", str(requests), "--csv", "-r", "10000000"]
        said = subprocess.run([*command, "SISMEMBER", "s", "user__rand_int__@example.com"], capture_output=True, text=True, check=True)
        names, values = (line.replace('"', "").split(",") for line in said.stdout.strip().splitlines()[-2:])
        found = dict(zip(names, values))
        return {"amount": float(found["rps"]), "wall": float(found["p99_latency_ms"]) / 1e3}

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait()


class Service:
    """A running service over a copy of a store."""

    def __init__(self, binary: str, store: Path, place: Path):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        self.binary, self.place, self.store = binary, place, place / "store"
        subprocess.run(["cp", "-a", store, self.store], check=True)
        # Brings a store of an older version up before anything is measured.
        subprocess.run([binary, "--quiet", "--store", self.store, "compile"], check=True)
        command = [binary, "serve", "--store", self.store, "--listen", "127.0.0.1:0", "--rate-per-token", "1000000000"]
        self.server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.server.stderr:
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found[1]
                break
        said = subprocess.run(
            [binary, "--store", self.store, "token", "create", "--role", "decide", "--name", "bench"],
            capture_output=True, text=True, check=True,
        )
        self.token = said.stdout.strip().splitlines()[-1]

    def script(self, suppressed: list[str], batch: int, seed: int) -> Path:
        """What wrk asks: bodies of so many addresses."""
        chosen = random.Random(seed)

        def address() -> str:
            if chosen.random() < SUPPRESSED_SHARE:
                return chosen.choice(suppressed)
            return f"user{chosen.randrange(10**12):012}@example.com"

        bodies = self.place / f"bodies-{batch}"
        with open(bodies, "w") as file:
            for _ in range(BODIES[batch]):
                print(json.dumps({"addresses": [address() for _ in range(batch)]}), file=file)
        script = self.place / f"ask-{batch}.lua"
        script.write_text(SCRIPT.format(path=bodies, token=self.token))
        return script

    def rate(self, script: Path, batch: int, connections: int, seconds: int) -> dict:
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency", "-s", script, self.url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in said:
            raise process.Failed(f"the service refused: {said}")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
        return {"amount": rate * batch, "wall": float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]}

    def filtered(self, batch: Path, out: Path) -> dict:
        """A batch as a file, by curl."""
        command = ["curl", "--fail", "--silent", "--show-error", "-T", batch, "-X", "POST", "-o", out]
        command += ["-H", f"authorization: Bearer {self.token}", "-H", "content-type: text/csv", f"{self.url}/v1/filter"]
        return timed(command, batch, out)

    def commanded(self, batch: Path, out: Path) -> dict:
        """The same by the command."""
        return timed([self.binary, "--quiet", "--store", self.store, "filter", batch, "-o", out], batch, out)

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.place)


def timed(command: list, batch: Path, out: Path) -> dict:
    """A command that makes a new file of a batch: some file systems write the whole of one that is overwritten."""
    out.unlink(missing_ok=True)
    began = time.perf_counter()
    subprocess.run(command, check=True)
    wall = time.perf_counter() - began
    return {"wall": wall, "amount": batch.stat().st_size / wall}


def first_bytes(source: Path, out: Path, size: int) -> Path:
    """The first rows of a file, as many as fit."""
    with open(source, "rb") as file:
        data = file.read(size)
    out.write_bytes(data[: data.rindex(b"\n") + 1])
    return out


def measure(binary: str, store: Path, suppressed: Path, recipients: Path, rounds: int, seconds: int, import_rows: int) -> list[dict]:
    """Every measurement: the time is the 99th percentile of a request, the amount addresses, or bytes, a second."""
    with open(suppressed) as file:
        known = [line.strip() for line in itertools.islice(file, 1, None, 50)]
    service = Service(binary, store, machine.BENCH / "service")
    memory = Path(tempfile.mkdtemp(prefix="quell-", dir="/dev/shm"))
    redis = None
    raw = []

    def note(number: int, name: str, figures: dict) -> None:
        if number:
            raw.append({"round": number, "contender": name, "list": "", "cpu": "", "peak_rss": ""} | figures)
        print(f"  {number} {name}: {figures['amount']:,.0f}/s, {figures['wall'] * 1e3:.2f} ms", flush=True)

    try:
        redis = Redis(suppressed)
        scripts = {batch: service.script(known, batch, 1) for batch in BODIES}
        batch = first_bytes(recipients, service.place / "batch.csv", 100_000_000)
        for number in range(rounds + 1):
            note(number, "Redis: SISMEMBER, 64 connections", redis.rate(200_000))
            note(number, "quell: /v1/check of 1, 64 connections", service.rate(scripts[1], 1, CONNECTIONS, seconds))
            note(number, "quell: /v1/check of 1,000, 8 connections", service.rate(scripts[BATCH], BATCH, 8, seconds))
            for where, place in (("on disk", service.place), ("in memory", memory)):
                own, out = place / "own.csv", place / "kept.csv"
                note(number, f"quell filter, 100 MB to a file {where}", service.commanded(batch, own))
                note(number, f"quell: /v1/filter, 100 MB by curl to a file {where}", service.filtered(batch, out))
                if out.read_bytes() != own.read_bytes():
                    raise process.Failed("the service and the command keep different rows")
        more = service.place / "more.csv"
        with open(more, "w") as file:
            print("email", file=file)
            for row in range(import_rows):
                print(f"imported{row}@example.com", file=file)
        command = [binary, "--quiet", "--store", service.store, "import", "unsubscribes", more]
        importing = subprocess.Popen(command)
        number = 0
        while importing.poll() is None:
            number += 1
            note(number, f"quell: /v1/check of 1 while {import_rows:,} rows are imported", service.rate(scripts[1], 1, CONNECTIONS, 5))
    finally:
        service.stop()
        shutil.rmtree(memory)
        if redis:
            redis.stop()
    return raw
