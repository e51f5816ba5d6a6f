#!/usr/bin/env python3
"""Holds a running service to its own OpenAPI description.

    python3 tests/api/run.py --quell target/debug/quell --seconds 60 --seed 7

Starts the service on a store of its own, asks it what users ask and compares each answer with the schema that the
description gives for it; then schemathesis makes up requests, valid and invalid, until the time is spent. Prints the
seed, and exits 1 when an answer is not as described. Schemathesis is installed into target/ by pip, once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: Schemathesis is given its time and this much more to end.
GRACE_SECONDS = 240
PERMISSION = {"channel": "phone", "evidence": "call of 3 May, ticket 4711", "by": "support"}

#: One address with every kind of record, so that answers hold every kind of object.
FILES = {
    "contacts": "contact_id,email,bulk_email,email_allowed,at\n"
    "1,all@example.com,Do Not Allow,Allow,2024-01-01\n2,ALL@example.com,Allow,Do Not Allow,\n",
    "unsubscribes": "email,list,state,class,source\nall@example.com,,inactive,,old tool\nall@example.com,news,active,all,\n",
    "preferences": "email,list,preference,at\nall@example.com,offers,Out,2024-04-02\nall@example.com,events,In,\n",
    "suppressions": "email,reason,class,expires_at,source\nall@example.com,bounce,,,server\nall@example.com,complaint,,,isp\n"
    "all@example.com,invalid,bulk,2999-01-01,\nall@example.com,manual,,,desk\n",
    "domains": "domain,subdomains,source\nexample.com,true,contract\n",
    # MD5 and SHA-256 of all@example.com.
    "digests": "digest,list\n{md5},\n{sha256},news\n",
}


def main() -> int:
    options = arguments()
    python = schemathesis(options)
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        # Once more, where jsonschema is.
        return subprocess.run([python, __file__, *sys.argv[1:]], check=False).returncode
    seed = options.seed if options.seed is not None else random.randrange(2**31)
    print(f"api: seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as directory, Service(options.quell, Path(directory)) as service:
        wrong = by_hand(service)
        for line in wrong:
            print(f"api: {line}", file=sys.stderr)
        made_up = 0 if options.seconds == 0 else by_schemathesis(python, service, options, seed)
        code, said = service.stop()
    if code != 0:
        print(f"api: the service ended with {code}:\n{said}", file=sys.stderr)
    return 1 if wrong or made_up or code != 0 else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quell", type=Path, required=True, help="the binary")
    parser.add_argument("--seconds", type=int, default=60, help="how long schemathesis may take; 0 leaves it out")
    parser.add_argument("--examples", type=int, default=40, help="how many requests it makes up for a route at most")
    parser.add_argument("--seed", type=int, help="repeats a run")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "api-venv", help="where it is installed")
    return parser.parse_args()


def schemathesis(options: argparse.Namespace) -> Path:
    """The Python that has schemathesis as tests/api/requirements.txt names it; installs it if need be."""
    python = options.venv / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text()
    mark = options.venv / "installed.txt"
    if mark.is_file() and mark.read_text() == wanted:
        return python
    try:
        venv.create(options.venv, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", HERE / "requirements.txt"], check=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemExit(f"api: schemathesis is needed and can't be installed (a network is needed, once): {error}")
    mark.write_text(wanted)
    return python


class Service:
    """A service on a port of its own, over a store that holds `FILES` and the samples of data/."""

    def __init__(self, quell: Path, directory: Path):
        self.quell, self.directory = quell.resolve(), directory
        self.store = directory / "store"

    def __enter__(self) -> Service:
        self.run("init")
        import hashlib

        address = b"all@example.com"
        digests = {name: hashlib.new(name, address).hexdigest() for name in ("md5", "sha256")}
        for kind, text in FILES.items():
            path = self.directory / f"{kind}.csv"
            path.write_text(text.format(**digests) if kind == "digests" else text)
            self.run("import", kind, path)
        for kind in ("contacts", "unsubscribes", "preferences", "suppressions"):
            self.run("import", kind, ROOT / "data" / f"{kind}.csv")
        command = [self.quell, "serve", "--listen", "127.0.0.1:0", "--store", self.store]
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self.url = ""
        while not self.url:
            line = self.child.stderr.readline()
            if not line:
                raise SystemExit(f"api: the service does not listen: {''.join(self.said)}")
            self.said.append(line)
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found[1]
        # Read on, or the service would wait for room in the pipe.
        self.reader = threading.Thread(target=lambda: self.said.extend(self.child.stderr), daemon=True)
        self.reader.start()
        self.token = self.run("token", "create", "--role", "admin", "--name", "api").splitlines()[-1]
        header = self.run("link", "link@example.com", "--base-url", self.url).splitlines()[0]
        self.link = header.rstrip(">").rsplit("/", 1)[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait()

    def run(self, *words: object) -> str:
        command = [self.quell, *map(str, words), "--store", self.store]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"api: `{' '.join(map(str, command))}` ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None):
        data = None if body is None else json.dumps(body).encode()
        every = {"Authorization": f"Bearer {self.token}"}
        if data is not None:
            every["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, every | (headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers.get_content_type(), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get_content_type(), error.read()

    def stop(self) -> tuple[int, str]:
        self.child.terminate()
        code = self.child.wait(60)
        self.reader.join(10)
        return code, "".join(self.said)


#: What is asked by hand: method, path, body, status, and what the answer must hold, so that a schema is compared with
#: more than empty lists.
ASKED = [
    ("GET", "/healthz", None, 200, []),
    ("GET", "/readyz", None, 200, []),
    ("GET", "/metrics", None, 200, []),
    ("GET", "/openapi.json", None, 200, []),
    ("POST", "/v1/check", {"addresses": ["all@example.com", "robin@example.com", "clear@example.org", "none"],
                           "lists": ["news", "offers"]}, 200, ["complaint", "opted_out", "clear", "invalid"]),
    ("POST", "/v1/check", {"addresses": "all@example.com"}, None, []),
    ("GET", "/v1/records?address=ALL@example.com", None, 200,
     ["contact", "unsubscribe", "preference", "suppression", "domain", "digest"]),
    ("GET", "/v1/records?address=clear@example.org", None, 200, []),
    ("GET", "/v1/records?address=none", None, 400, []),
    ("GET", "/v1/records", None, 400, []),
    ("GET", "/v1/history?address=all@example.com", None, 200, ["imported"]),
    ("POST", "/v1/unsubscribes", {"address": "new@example.org", "list": "news", "source": "reply"}, 201, []),
    ("POST", "/v1/unsubscribes", {"address": "new@example.org", "class": "all"}, 201, []),
    ("POST", "/v1/unsubscribes", {"address": "none"}, 400, []),
    ("POST", "/v1/resubscribes", {"address": "all@example.com"}, 422, []),
    ("POST", "/v1/resubscribes", {"address": "all@example.com", "permission": PERMISSION}, 200,
     ["contact_id", "set_by", "still_blocked_by", "Do Not Allow"]),
    ("POST", "/v1/resubscribes", {"address": "all@example.com", "all_lists": True, "include": ["complaint", "manual"],
                                  "permission": PERMISSION}, 200, ["preference", "suppression", "set_by"]),
    ("GET", "/v1/history?address=all@example.com", None, 200, ["resubscribed", "call of 3 May"]),
]


def by_hand(service: Service) -> list[str]:
    """What is wrong with the answers to ASKED."""
    import jsonschema_rs

    description = json.loads(service.ask("GET", "/openapi.json")[2])
    wrong = []
    for method, path, body, expected, holds in ASKED:
        status, kind, answer = service.ask(method, path, body)
        what = f"{method} {path} {body or ''}: {status} {kind}"
        if expected is not None and status != expected:
            wrong.append(f"{what}, expected {expected}: {answer.decode()}")
            continue
        operation = description["paths"].get(path.split("?")[0], {}).get(method.lower(), {})
        response = operation.get("responses", {}).get(str(status))
        if response and "$ref" in response:
            response = description["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        if not response or kind not in response.get("content", {}):
            wrong.append(f"{what}: the description has no such answer")
            continue
        schema = response["content"][kind]["schema"] | {"components": description["components"]}
        value = json.loads(answer) if kind.endswith("json") else answer.decode()
        for error in jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(value):
            wrong.append(f"{what}: {error.message} at {list(error.instance_path)}")
        wrong.extend(f"{what}: holds no `{word}`: {answer.decode()}" for word in holds if word.encode() not in answer)
    asked = {(method.lower(), path.split("?")[0]) for method, path, *_ in ASKED}
    for path, item in description["paths"].items():
        for method in item:
            if path.startswith("/v1/") and (method, path) not in asked and path != "/v1/filter":
                wrong.append(f"{method} {path} is not asked by hand: add it to ASKED")
    return wrong


def by_schemathesis(python: Path, service: Service, options: argparse.Namespace, seed: int) -> int:
    """Made-up requests, valid and invalid; the exit code."""
    command = [
        python.with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml", "run", f"{service.url}/openapi.json",
        "--checks", "all", "--max-examples", str(options.examples), "--max-time", str(options.seconds),
        "--seed", str(seed), "--request-timeout", "30", "--continue-on-failure", "--generation-database", "none", "--phases", "examples,coverage,fuzzing",
        # Most of what it makes up for a form of one of three texts is none: that is no fault of the service.
        "--suppress-health-check", "filter_too_much",
    ]
    environment = os.environ | {"QUELL_TOKEN": service.token, "QUELL_LINK": service.link, "NO_COLOR": "1"}
    timeout = options.seconds + GRACE_SECONDS
    return subprocess.run(command, cwd=service.directory, env=environment, timeout=timeout, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
