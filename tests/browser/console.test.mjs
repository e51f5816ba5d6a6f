// The console as an operator uses it: the whole story of a resubscribe, an import, the charts, the end of a session.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, after, before, test } from "node:test";
import { launch, profile } from "./browser.mjs";
import { Service } from "./service.mjs";
import { PERSON, linkOf, lookUp, preview, sendFile, signIn } from "./stories.mjs";

let browser, service, context;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());
afterEach(async () => {
  const faults = context?.faults.filter((fault) => !context.expected?.test(fault)) ?? [];
  await context?.close();
  await service?.stop();
  assert.deepEqual(faults, [], "no error, no refused script or style, nothing asked of anybody else");
});

async function open(options) {
  service = await Service.start();
  context = await profile(browser, options);
  return context.newPage();
}

/// Signs in, looks the person up, resubscribes them with a preview, and sees them gone from the suppressed.
async function resubscribe(page) {
  await signIn(page, service, service.token("operator"));
  await lookUp(page);
  assert.match(await page.locator("main").innerText(), /bulk: withheld/i);
  await preview(page);
  const shown = await page.locator("main").innerText();
  assert.match(shown, /Nothing has changed yet/);
  assert.match(shown, /unsubscribe of .*robin@example.com/i, "what will be deleted");
  assert.match(shown, /offers/, "what will still block");
  assert.equal((await service.check(PERSON)).verdict, "suppressed", "a preview changes nothing");
  await page.getByRole("button", { name: "Resubscribe" }).click();
  await page.getByText(/^Done/).first().waitFor();
  assert.match(await page.locator("main").innerText(), /generation [\d,]+/);
  assert.equal((await service.check(PERSON, ["news"])).verdict, "clear");
  const left = await service.check(PERSON, ["offers"]);
  assert.deepEqual(left.reasons.map((reason) => reason.reason), ["opted_out"], "a list not named is left");
  await page.getByRole("link", { name: "Everything about this address" }).click();
  const after = await page.locator("main").innerText();
  assert.match(after, /bulk: clear/i);
  assert.match(after, /ticket 4711/, "the permission stands in the history");
}

test("an operator looks a person up and makes them reachable again", async () => {
  await resubscribe(await open());
});

test("the same on a telephone, in the dark", async () => {
  await resubscribe(await open({ width: 390, theme: "dark" }));
});

test("the same without any script", async () => {
  await resubscribe(await open({ scripts: false }));
});

test("the same by the keyboard alone", async () => {
  const page = await open();
  const type = (text) => page.keyboard.type(text);
  // Goes on from element to element until the one that has the focus is called so.
  const tabTo = async (name) => {
    for (let step = 0; step < 80; step++) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const at = document.activeElement;
        const label = at.labels?.[0]?.textContent ?? at.getAttribute("aria-label") ?? at.textContent;
        const style = getComputedStyle(at);
        const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        return { label: label.replace(/\s+/g, " ").trim(), seen };
      });
      if (focused.label.startsWith(name)) {
        assert.ok(focused.seen, `the focus on ${name} is seen`);
        return;
      }
    }
    assert.fail(`the keyboard does not reach ${name}`);
  };
  const focused = (id) => page.waitForFunction((id) => document.activeElement?.id === id, id);
  await page.goto(`${service.base}/console/`);
  await focused("token");
  await type(service.token("operator"));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${service.base}/console/`);
  await focused("q");
  await type(PERSON);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/console\/person\?/);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.keyboard.press("Enter");
  await tabTo("The block everywhere");
  if (!(await page.evaluate(() => document.activeElement.checked))) await page.keyboard.press("Space");
  await tabTo("How was permission given?");
  await page.keyboard.press("ArrowDown");
  await tabTo("Evidence");
  await type("call of 3 May 2026, ticket 4711");
  await tabTo("Preview");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /^Resubscribe/ }).waitFor();
  await tabTo("Resubscribe");
  await page.keyboard.press("Enter");
  await page.getByText(/^Done/).first().waitFor();
  assert.equal((await service.check(PERSON, ["news"])).verdict, "clear");
});

test("without a permission nothing changes, and the form says what is missing", async () => {
  const page = await open({ scripts: false });
  await signIn(page, service, service.token("operator"));
  await lookUp(page);
  await page.evaluate(() => document.querySelectorAll("[required]").forEach((one) => one.removeAttribute("required")));
  await page.getByRole("checkbox", { name: /everywhere/ }).check();
  context.expected = /status of 422/;
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("Nothing was changed").waitFor();
  assert.equal((await service.check(PERSON)).verdict, "suppressed");
});

test("a search finds while it is typed, and a pattern finds several", async () => {
  const page = await open();
  await signIn(page, service, service.token("operator"));
  const search = page.getByRole("searchbox");
  await search.pressSequentially("rob", { delay: 10 });
  await page.locator("#answer table").getByText(PERSON).first().waitFor();
  // What begins with a `*` reads every key, so it waits for Enter.
  await search.fill("*@example.org");
  await search.press("Enter");
  await page.locator("#answer table").getByText("@example.org").first().waitFor();
  assert.ok((await page.locator("#answer tbody tr").count()) > 1);
});

test("a file is imported after it was looked at, and its rejects are at hand", async () => {
  const page = await open();
  await signIn(page, service, service.token("operator"));
  const file = {
    name: "bounces.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("email,reason\nfresh@example.com,bounce\nodd@example.com,weather\n"),
  };
  await sendFile(page, service, file);
  await page.getByRole("heading", { name: "Understood as native suppressions" }).waitFor();
  assert.equal((await service.check("fresh@example.com")).verdict, "clear", "a preview applies nothing");
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: /Download with line/ }).click();
  const rejects = readFileSync(await (await download).path(), "utf8");
  assert.match(rejects, /^line,cause,row\n3,/);
  await page.getByRole("checkbox", { name: /Leave 1 row out/ }).check();
  await page.getByRole("button", { name: "Apply it" }).click();
  await page.getByText("Applied.").waitFor();
  assert.equal((await service.check("fresh@example.com")).verdict, "suppressed");
  await page.getByRole("link", { name: "Import another file" }).click();
  assert.match(await page.locator("main").innerText(), /bounces\.csv \(console, by operator/);
});

test("the charts count, and a list is downloaded as it is exported", async () => {
  const page = await open();
  await signIn(page, service, service.token("operator"), "/console/reports");
  await page.getByRole("heading", { name: "By reason" }).waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "unsubscribes.csv" }).click();
  const file = readFileSync(await (await download).path(), "utf8");
  assert.equal(file, service.quell("export", "unsubscribes", "--format", "csv"));
});

test("the link of a mail leads to one button, in the reader's language, without a script", async () => {
  const page = await open({ scripts: false, locale: "de-DE" });
  const url = linkOf(service, "reader@example.com", "news");
  await page.goto(url);
  assert.equal(await page.locator("html").getAttribute("lang"), "de");
  assert.equal(await page.locator("button").count(), 1);
  assert.equal((await service.check("reader@example.com", ["news"])).verdict, "clear", "looking changes nothing");
  await page.locator("button").click();
  await page.locator("[role=status]").waitFor();
  assert.equal((await service.check("reader@example.com", ["news"])).verdict, "suppressed");
  assert.deepEqual(await context.cookies(), [], "no cookie");
});

test("whoever signs out, or whose token is revoked, is out", async () => {
  const page = await open();
  await signIn(page, service, service.token("operator"));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/sign-in/);
  await page.goto(`${service.base}/console/state`);
  assert.match(page.url(), /sign-in/);
  const token = service.token("operator");
  await page.goto(`${service.base}/console/`);
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${service.base}/console/`);
  service.quell("token", "revoke", `operator ${service.tokens}`);
  const end = Date.now() + 5_000;
  while (!/sign-in/.test(page.url())) {
    assert.ok(Date.now() < end, "a revoked token's session goes on");
    await page.goto(`${service.base}/console/state`);
  }
});
