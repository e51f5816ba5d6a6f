// A service under test: a store of its own made from data/, a server on a port of its own, tokens for each role.

import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const QUELL = process.env.QUELL_BIN ?? join(ROOT, "target/debug/quell");

/// The files that every store holds, in the order in which they are imported.
const FILES = [
  ["contacts", "contacts.csv"],
  ["unsubscribes", "unsubscribes.csv"],
  ["preferences", "preferences.csv"],
  ["suppressions", "suppressions.csv"],
  ["domains", "domains.csv"],
];

export class Service {
  /// Makes the store and starts the server; `options` are more of `quell serve`.
  static async start(options = []) {
    const directory = mkdtempSync(join(tmpdir(), "quell-browser-"));
    const service = new Service(directory);
    service.quell("init");
    for (const [kind, file] of FILES) {
      service.quell("import", kind, join(ROOT, "data", file));
    }
    await service.serve(options);
    return service;
  }

  constructor(directory) {
    this.directory = directory;
    this.store = join(directory, "store");
    this.said = "";
  }

  /// Runs a command on the store and gives its standard output. Throws unless it exits with 0.
  quell(...words) {
    const options = { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
    return execFileSync(QUELL, ["--store", this.store, ...words], options);
  }

  /// A new token of this role.
  token(role) {
    const name = `${role} ${++this.tokens}`;
    return this.quell("token", "create", "--role", role, "--name", name).trim().split("\n").at(-1);
  }

  tokens = 0;

  async serve(options) {
    const words = ["--store", this.store, "serve", "--listen", "127.0.0.1:0", ...options];
    this.child = spawn(QUELL, words, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise((_, fail) => {
      this.child.once("exit", (code) => fail(new Error(`the server ended with ${code}: ${this.said}`)));
    });
    ended.catch(() => {});
    const lines = createInterface({ input: this.child.stderr });
    const listening = new Promise((found) => {
      lines.on("line", (line) => {
        this.said += `${line}\n`;
        const place = /listening on (https?:\/\/[^\s"]+)/.exec(line);
        if (place) found(place[1]);
      });
    });
    this.base = await Promise.race([listening, ended]);
  }

  /// Asks the API as a sending system would.
  async check(address, lists = []) {
    this.asker ??= this.token("decide");
    const answer = await fetch(`${this.base}/v1/check`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.asker}`, "content-type": "application/json" },
      body: JSON.stringify({ addresses: [address], lists }),
    });
    if (!answer.ok) throw new Error(`/v1/check: ${answer.status} ${await answer.text()}`);
    return (await answer.json()).results[0];
  }

  /// Stops the server and removes the store.
  async stop() {
    const ended = new Promise((done) => this.child.once("exit", done));
    if (this.child.exitCode === null) {
      this.child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
