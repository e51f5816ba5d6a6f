// Pictures of the pages, for the README: docs/screenshots/PAGE-WIDTH-THEME.png.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { THEMES, WIDTHS, launch, profile } from "./browser.mjs";
import { OPEN_PAGES, PAGES } from "./pages.mjs";
import { ROOT, Service } from "./service.mjs";
import { signIn } from "./stories.mjs";

/// All of them, or only those named in the arguments.
const WANTED = process.argv.slice(2);
const TO = process.env.SCREENSHOTS ?? join(ROOT, "docs/screenshots");
/// Those that the README shows.
const SHOWN = ["search", "person", "resubscribe", "import-preview", "reports", "state", "unsubscribe"];

const wanted = (name) => (WANTED.length > 0 ? WANTED.includes(name) || WANTED.includes("all") : SHOWN.includes(name));

/// Fewer colours are a third of the bytes; without pngquant the picture stays as it is.
function shrink(path) {
  try {
    execFileSync("pngquant", ["--force", "--skip-if-larger", "--output", path, "64", path], { stdio: "ignore" });
  } catch {
    // Not there, or no gain.
  }
}

mkdirSync(TO, { recursive: true });
const browser = await launch();
try {
  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      // A store of its own each: the pictures of one look do not show what another one changed.
      const service = await Service.start();
      try {
        const token = service.token("admin");
        const strangers = await profile(browser, { theme, width });
        const insiders = await profile(browser, { theme, width });
        const first = await insiders.newPage();
        await signIn(first, service, token);
        await first.close();
        const all = [
          ...Object.entries(OPEN_PAGES).map(([name, open]) => [strangers, name, open]),
          ...Object.entries(PAGES).map(([name, open]) => [insiders, name, open]),
        ];
        for (const [context, name, open] of all.filter(([, name]) => wanted(name))) {
          const page = await context.newPage();
          await open(page, service);
          await page.mouse.move(0, 0);
          const path = join(TO, `${name}-${width}-${theme}.png`);
          await page.screenshot({ path, fullPage: true, animations: "disabled", caret: "hide" });
          shrink(path);
          await page.close();
        }
      } finally {
        await service.stop();
      }
    }
  }
} finally {
  await browser.close();
}
