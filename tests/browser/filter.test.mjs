// A batch sent by a page's script: a browser sends all of it before it reads anything, and hides trailers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, profile } from "./browser.mjs";
import { Service } from "./service.mjs";

/// More than the service keeps in memory for who does not read yet.
const ROWS = 200_000;

let browser, service, context, page, token;
before(async () => {
  browser = await launch();
  service = await Service.start();
  token = service.token("decide");
  context = await profile(browser);
  page = await context.newPage();
  await page.goto(`${service.base}/console/`);
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

/// Lets the page send so many rows, of which one in a thousand is suppressed, and then `last`.
function filter(query, last = "") {
  return page.evaluate(
    async ([query, token, rows, last]) => {
      const lines = ["email,number"];
      for (let row = 0; row < rows; row++) {
        lines.push(row % 1_000 ? `reader.of.pages${row}@example.com,${row}` : `robin@example.com,${row}`);
      }
      const body = new Blob([lines.join("\n"), "\n", last], { type: "text/csv" });
      const answer = await fetch(`/v1/filter${query}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body,
      });
      const rest = { status: answer.status, type: answer.headers.get("content-type") };
      try {
        return { ...rest, text: await answer.text() };
      } catch (error) {
        return { ...rest, broken: error.name };
      }
    },
    [query, token, ROWS, last],
  );
}

test("a page gets the rows of a batch that may be mailed", async () => {
  const { status, type, text } = await filter("");
  assert.deepEqual([status, type], [200, "text/csv"]);
  const kept = text.split("\n");
  assert.deepEqual(kept.slice(0, 2), ["email,number", "reader.of.pages1@example.com,1"]);
  const expected = ["email,number"];
  for (let row = 0; row < ROWS; row++) {
    if (row % 1_000) expected.push(`reader.of.pages${row}@example.com,${row}`);
  }
  // Not `equal`, which would print both.
  assert.ok(text === `${expected.join("\n")}\n`, `${kept.length} lines came`);
});

test("a batch that fails after its first rows is an error to the page, not a short batch", async () => {
  const { status, broken, text } = await filter("?invalid=fail", "nobody,0\n");
  assert.equal(status, 200, "rows were on their way");
  assert.equal(text, undefined);
  assert.equal(broken, "TypeError");
});

test("a batch that fails at once is a problem document", async () => {
  const { status, type, text } = await filter("?email_column=nowhere");
  assert.deepEqual([status, type], [400, "application/problem+json"]);
  assert.match(JSON.parse(text).detail, /nowhere/);
});
