// The harness itself: a service that starts, a browser that reaches it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, profile } from "./browser.mjs";
import { Service } from "./service.mjs";

let browser, service;
before(async () => {
  service = await Service.start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

test("a browser reaches the service, and is told that it is ready", async () => {
  const page = await (await profile(browser)).newPage();
  const answer = await page.goto(`${service.base}/readyz`);
  assert.equal(answer.status(), 200);
  assert.match(await page.textContent("body"), /^ok, generation \d+/);
});

test("what stands in the samples is withheld", async () => {
  const answer = await service.check("robin@example.com");
  assert.equal(answer.verdict, "suppressed");
});
