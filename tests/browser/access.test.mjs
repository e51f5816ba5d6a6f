// Every page, in both themes and at both widths: axe finds nothing, nothing is wider than the window.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { THEMES, WIDTHS, barriers, launch, overflows, profile } from "./browser.mjs";
import { OPEN_PAGES, PAGES } from "./pages.mjs";
import { Service } from "./service.mjs";
import { signIn } from "./stories.mjs";

let browser, service, token;
before(async () => {
  browser = await launch();
  service = await Service.start();
  token = service.token("admin");
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

/// Looks at a page in both themes and at both widths. Only style sheets know of them, so it is brought up once.
async function visit(t, context, name, open) {
  await t.test(name, async () => {
    const page = await context.newPage();
    await open(page, service);
    for (const [at, colorScheme] of THEMES.entries()) {
      const width = WIDTHS[at];
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      assert.deepEqual(await barriers(page), [], `${colorScheme}, ${width} px`);
      assert.equal(await overflows(page), false, `wider than ${width} px`);
    }
    await page.close();
  });
}

test("every page of the console is open to everybody", async (t) => {
  const context = await profile(browser);
  const page = await context.newPage();
  await signIn(page, service, token);
  await page.close();
  for (const [name, open] of Object.entries(PAGES)) await visit(t, context, name, open);
  // A page that is not there is an error to the browser, too.
  assert.deepEqual(context.faults.filter((fault) => !/nothing-here.*404/.test(fault)), []);
  await context.close();
});

test("so is every page that needs no session", async (t) => {
  const context = await profile(browser);
  for (const [name, open] of Object.entries(OPEN_PAGES)) await visit(t, context, name, open);
  assert.deepEqual(context.faults, []);
  await context.close();
});

test("what axe is asked to find it finds", async () => {
  const context = await profile(browser);
  const page = await context.newPage();
  await page.setContent("<main><h1>x</h1><img src='data:,'><input></main>");
  const found = (await barriers(page)).join(" ");
  assert.match(found, /image-alt/);
  assert.match(found, /label/);
  await context.close();
});
