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

for (const theme of THEMES) {
  for (const width of WIDTHS) {
    test(`every page is open to everybody: ${theme}, ${width} px`, async (t) => {
      const visit = async (context, name, open) => {
        await t.test(name, async () => {
          const page = await context.newPage();
          await open(page, service);
          assert.deepEqual(await barriers(page), []);
          assert.equal(await overflows(page), false, "wider than the window");
          await page.close();
        });
      };
      const strangers = await profile(browser, { theme, width });
      for (const [name, open] of Object.entries(OPEN_PAGES)) await visit(strangers, name, open);
      assert.deepEqual(strangers.faults, []);
      await strangers.close();
      const context = await profile(browser, { theme, width });
      const page = await context.newPage();
      await signIn(page, service, token);
      await page.close();
      for (const [name, open] of Object.entries(PAGES)) await visit(context, name, open);
      // A page that is not there is an error to the browser, too.
      assert.deepEqual(context.faults.filter((fault) => !/nothing-here.*404/.test(fault)), []);
      await context.close();
    });
  }
}

test("what axe is asked to find it finds", async () => {
  const context = await profile(browser);
  const page = await context.newPage();
  await page.setContent("<main><h1>x</h1><img src='data:,'><input></main>");
  const found = (await barriers(page)).join(" ");
  assert.match(found, /image-alt/);
  assert.match(found, /label/);
  await context.close();
});
