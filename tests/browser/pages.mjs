// Every page there is, each brought up from nothing: for what looks at all of them.

import { join } from "node:path";
import { ROOT } from "./service.mjs";
import { PERSON, linkOf, lookUp, preview, sendFile } from "./stories.mjs";

const MIXED = {
  name: "bounces.csv",
  mimeType: "text/csv",
  buffer: Buffer.from("email,reason\nann@example.com,bounce\nbob@example.com,complaint\neve@example.com,weather\n"),
};
const AMBIGUOUS = {
  name: "export.csv",
  mimeType: "text/csv",
  buffer: Buffer.from("status,reason,email,created\n5.1.1,gone,gone@example.com,1790083507\n"),
};

/// Name → how it comes up on a page of somebody signed in as an admin.
export const PAGES = {
  search: async (page, service) => page.goto(`${service.base}/console/`),
  results: async (page, service) => {
    await page.goto(`${service.base}/console/search?q=${encodeURIComponent("*@example.com")}`);
  },
  person: async (page, service) => {
    await page.goto(`${service.base}/console/`);
    await lookUp(page);
  },
  resubscribe: async (page, service) => {
    await PAGES.person(page, service);
    await preview(page);
  },
  changes: async (page, service) => page.goto(`${service.base}/console/changes`),
  state: async (page, service) => page.goto(`${service.base}/console/state`),
  import: async (page, service) => page.goto(`${service.base}/console/import`),
  "import-preview": async (page, service) => {
    await sendFile(page, service, MIXED);
    await page.getByRole("heading", { name: /^Understood/ }).waitFor();
  },
  "import-choice": async (page, service) => {
    await sendFile(page, service, AMBIGUOUS);
    await page.getByText("may be several things").waitFor();
  },
  "import-refused": async (page, service) => {
    await sendFile(page, service, join(ROOT, "data/README.md"));
    await page.getByRole("alert").waitFor();
  },
  "import-done": async (page, service) => {
    await sendFile(page, service, join(ROOT, "data/suppression_bounces.csv"));
    await page.getByRole("button", { name: "Apply it" }).click();
    await page.getByText("Applied.").waitFor();
  },
  reports: async (page, service) => {
    await page.goto(`${service.base}/console/reports`);
    await page.getByRole("heading", { name: "By reason" }).waitFor();
  },
  access: async (page, service) => page.goto(`${service.base}/console/access`),
  missing: async (page, service) => page.goto(`${service.base}/console/nothing-here`),
};

/// The pages of people who have no session.
export const OPEN_PAGES = {
  "sign-in": async (page, service) => page.goto(`${service.base}/console/sign-in`),
  unsubscribe: async (page, service) => page.goto(linkOf(service, PERSON, "offers")),
  preferences: async (page, service) => page.goto(linkOf(service, PERSON, "offers").replace("/u/", "/p/")),
  unsubscribed: async (page, service) => {
    await page.goto(linkOf(service, "reader@example.com", "offers"));
    await page.locator("form button").click();
    await page.locator("[role=status]").waitFor();
  },
};
