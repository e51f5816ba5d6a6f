// A service under test: a store of its own made from data/, a server on a port of its own, tokens for each role.

import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
    service.fill();
    await service.serve(options);
    return service;
  }

  constructor(directory) {
    this.directory = directory;
    this.store = join(directory, "store");
    this.said = "";
  }

  /// Records of the last ninety days, the same ones every time: the charts have something to show.
  fill() {
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const rows = { unsubscribes: ["email,list,at,source"], suppressions: ["email,reason,at,source"] };
    let number = 0;
    for (let day = 89; day >= 0; day--) {
      const date = new Date(Date.now() - day * 86_400_000);
      const at = date.toISOString().slice(0, 10);
      // A campaign every Tuesday brings opt-outs, and bounces a day later.
      const weekday = date.getUTCDay();
      const busy = { 2: 3, 3: 2, 0: 0.3, 6: 0.3 }[weekday] ?? 1;
      for (let i = 0; i < Math.round((6 + 5 * random()) * busy); i++) {
        const list = random() < 0.4 ? ["news", "offers", "events"][number % 3] : "";
        rows.unsubscribes.push(`reader${++number}@example.net,${list},${at},footer link`);
      }
      for (let i = 0; i < Math.round((2 + 3 * random()) * (weekday === 3 ? 3 : 1)); i++) {
        const reason = ["bounce", "bounce", "bounce", "complaint", "invalid", "manual"][Math.floor(6 * random())];
        rows.suppressions.push(`mailbox${++number}@example.net,${reason},${at},mail server`);
      }
    }
    for (const [kind, lines] of Object.entries(rows)) {
      const path = join(this.directory, `${kind}-of-late.csv`);
      writeFileSync(path, lines.join("\n") + "\n");
      this.quell("import", kind, path);
    }
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
