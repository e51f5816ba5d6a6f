// What an operator does, step by step, in words that every way of doing it shares.

import assert from "node:assert/strict";

export const PERSON = "robin@example.com";

/// Signs in as a person does who was sent a link to some page.
export async function signIn(page, service, token, path = "/console/") {
  await page.goto(`${service.base}${path}`);
  assert.match(page.url(), /\/console\/sign-in/, "nobody is let in without a session");
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${service.base}${path}`);
}

/// From the search to the page of the person.
export async function lookUp(page, address = PERSON) {
  await page.getByRole("searchbox").fill(address);
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/\/console\/person\?/);
  await page.getByRole("heading", { level: 1, name: address }).waitFor();
}

/// Fills in the permission and asks for the preview.
export async function preview(page, { lists = [] } = {}) {
  await page.getByRole("checkbox", { name: /everywhere/ }).check();
  for (const list of lists) {
    await page.getByRole("checkbox", { name: `List ${list}` }).check();
  }
  await page.getByLabel("How was permission given?").selectOption({ index: 1 });
  await page.getByLabel("Evidence").fill("call of 3 May 2026, ticket 4711");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { level: 1, name: /^Resubscribe/ }).waitFor();
}

/// Sends a file from the page where an import begins, and waits until it is read.
export async function sendFile(page, service, file) {
  await page.goto(`${service.base}/console/import`);
  await page.getByLabel("File", { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.waitForURL(/\/console\/import\/[0-9a-f]{32}$/);
}

/// What the address in the list-unsubscribe header of a mail is.
export function linkOf(service, address, list) {
  const words = ["link", address, "--base-url", service.base, ...(list ? ["--list", list] : [])];
  const line = service.quell(...words).split("\n").find((text) => text.startsWith("List-Unsubscribe: "));
  return /<([^>]+)>/.exec(line)[1];
}
