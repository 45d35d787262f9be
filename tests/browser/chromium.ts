/**
 * Chromium without a screen, and what it says of a page.
 *
 * @module
 */

import axe from "axe-core";
import assert from "node:assert/strict";
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Page,
} from "playwright-core";
import type { Grant } from "../../src/dashboard/roles.ts";
import { PASSWORD, type TestDashboard } from "../helpers/dashboard.ts";

/** Debian's. */
const PROGRAM = "/usr/bin/chromium";

/** What counts as a failure of axe-core's. */
const SERIOUS: readonly unknown[] = ["serious", "critical"];

/** Where pictures of pages are put, to be looked at; nowhere if not set. */
const PICTURES = Deno.env.get("DASHBOARD_PICTURES");

/** A Chromium that runs. */
export async function startChromium(): Promise<Browser & AsyncDisposable> {
  return await chromium.launch({
    executablePath: PROGRAM,
    // As root it has no sandbox; it sees our own pages alone.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

/** What a window has seen. */
export interface Window {
  readonly page: Page;
  readonly context: BrowserContext;
  /** URLs that were asked, and how many octets each answer had. */
  readonly asked: { url: string; octets: number }[];
  /** What the console says of policies and errors. */
  readonly complaints: string[];
}

/** How a window looks. */
export interface Look {
  /** Whether scripts run; they do if left out. */
  readonly scripts?: boolean;
  /** Pixels. */
  readonly width?: number;
  /** Colours. */
  readonly colours?: "light" | "dark";
}

/** Opens a window on a dashboard, whose own address it then is. */
export async function openWindow(
  browser: Browser,
  dashboard: TestDashboard,
  { scripts = true, width = 1280, colours = "light" }: Look = {},
): Promise<Window> {
  const { port } = new URL(dashboard.base);
  // A name that browsers trust without TLS.
  dashboard.world.url = `http://localhost:${port}`;
  const context = await browser.newContext({
    baseURL: dashboard.world.url,
    javaScriptEnabled: scripts,
    viewport: { width, height: 800 },
    colorScheme: colours,
  });
  const page = await context.newPage();
  const asked: Window["asked"] = [];
  const complaints: string[] = [];
  page.on("requestfinished", async (request) => {
    const entry = { url: request.url(), octets: 0 };
    asked.push(entry);
    const body = await request.response().then((response) => response?.body())
      .catch(() => undefined);
    entry.octets = body?.length ?? 0;
  });
  page.on("requestfailed", (request) => {
    asked.push({ url: request.url(), octets: 0 });
  });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { page, context, asked, complaints };
}

/** Makes an account by a one-time link, which signs it in. */
export async function signIn(
  { page }: Window,
  dashboard: TestDashboard,
  grant: Grant,
): Promise<void> {
  await page.goto(dashboard.invite(grant));
  await page.getByLabel("Name or mail address").fill(
    `n${crypto.randomUUID().slice(0, 4)}`,
  );
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** Has axe-core look at what a window shows, and looks at its width. */
export async function judge(
  { page }: Window,
  name: string,
): Promise<void> {
  if (PICTURES !== undefined) {
    const path = `${PICTURES}/${name.replace(/\W+/g, "-")}.png`;
    await page.screenshot({ path, fullPage: true });
  }
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    // deno-lint-ignore no-explicit-any
    () => (globalThis as any).axe.run(),
  ) as axe.AxeResults;
  const serious = violations.filter(({ impact }) => SERIOUS.includes(impact))
    .map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
  assert.deepEqual(serious, [], name);
  const [inner, outer] = await page.evaluate(
    "[document.documentElement.scrollWidth, innerWidth]",
  ) as [number, number];
  const broken = await page.evaluate(
    "[...document.querySelectorAll('nav a')].filter((a) => a.offsetHeight > 60).length",
  );
  assert.equal(broken, 0, `${name} breaks words of its navigation`);
  assert.ok(
    inner <= outer,
    `${name} is ${inner} wide, and the window ${outer}`,
  );
}

/** A window has asked nobody else, and was refused nothing. */
export function assertQuiet(
  { asked, complaints }: Window,
  dashboard: TestDashboard,
): void {
  const strange = asked.filter(({ url }) =>
    !url.startsWith(`${dashboard.world.url}/`) && !url.startsWith("data:")
  );
  assert.deepEqual(strange, []);
  // That a page is not there is said by the console, too.
  const other = complaints.filter((text) =>
    !/status of (400|401|404)/.test(text)
  );
  assert.deepEqual(other, []);
}
