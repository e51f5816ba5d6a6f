// Chromium, and what every page is held to.

import { existsSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// The two themes, and a pointer's and a thumb's width.
export const THEMES = ["light", "dark"];
export const WIDTHS = [1280, 390];

/// How long anything may take: a loaded machine is slow, a wrong page never comes.
const PATIENCE = 20_000;

/// Starts Debian's Chromium; `CHROMIUM` names another one.
export async function launch() {
  const executablePath = PLACES.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error("no Chromium: install it, or name it in CHROMIUM");
  // Without its sandbox, which needs privileges that containers lack: it opens our own pages only.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none"];
  return chromium.launch({ executablePath, args });
}

/// A fresh profile; what goes wrong in its pages is kept in `context.faults`.
export async function profile(browser, { theme = "light", width = 1280, scripts = true, locale = "en-GB" } = {}) {
  const context = await browser.newContext({
    colorScheme: theme,
    javaScriptEnabled: scripts,
    locale,
    reducedMotion: "reduce",
    viewport: { width, height: width > 600 ? 900 : 844 },
    deviceScaleFactor: 1,
  });
  context.setDefaultTimeout(PATIENCE);
  context.faults = [];
  context.on("page", (page) => {
    page.on("pageerror", (error) => context.faults.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      // What the Content-Security-Policy stops is said here, too.
      if (message.type() === "error") context.faults.push(`${message.location().url}: ${message.text()}`);
    });
    page.on("request", (request) => {
      const foreign = !request.url().startsWith("data:") && new URL(request.url()).hostname !== "127.0.0.1";
      if (foreign) context.faults.push(`${page.url()} asks ${request.url()}`);
    });
  });
  return context;
}

/// What axe says of the page: empty when nothing keeps anybody out.
export async function barriers(page) {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  return violations.map(
    (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary ?? ""}`).join("; ")}`,
  );
}

/// Whether the page is wider than its window: then a thumb scrolls sideways.
export async function overflows(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
