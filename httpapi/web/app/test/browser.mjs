// Chromium for the trial, with an ear for what must not be: console errors, and requests to anywhere but the box.

import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--autoplay-policy=no-user-gesture-required"],
});

/** Opens a page of its own and notes its faults. */
export async function open(browser, base, { scheme, width, height, touch = false }) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, hasTouch: touch, serviceWorkers: "block" });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  const heard = { faults, expecting: false }; // while an outage is made, the browser itself tells failed requests as errors
  const origin = new URL(base).origin;
  page.on("console", message => {
    if (message.type() !== "error") return;
    if (heard.expecting && /Failed to load resource|net::ERR/.test(message.text())) return;
    faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", error => faults.push(`error: ${error.stack ?? error.message}`));
  page.on("request", request => {
    const url = new URL(request.url());
    if (!["blob:", "data:"].includes(url.protocol) && url.origin !== origin) faults.push(`outside request: ${request.url()}`);
  });
  page.on("dialog", dialog => void dialog.accept());
  return { context, page, heard };
}

/** Serious and critical findings of axe, WCAG 2.2 AA and best practices. */
export async function axe(page) {
  await page.evaluate(axeSource); // by the debugger, which the page's policy does not bind
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { preload: false, resultTypes: ["violations"] }));
  const told = v => `${v.impact} ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => `${n.target.join(" ")} [${n.any[0]?.message ?? n.failureSummary}]`).join("; ")}`;
  return { serious: violations.filter(v => ["serious", "critical"].includes(v.impact)).map(told), lesser: violations.filter(v => !["serious", "critical"].includes(v.impact)).map(told) };
}

/** Counts the bytes that a page loads as the box sends them, by file. */
export function weigh(page) {
  const sizes = new Map();
  const reading = [];
  page.on("response", response => {
    const { pathname } = new URL(response.url());
    if (!/^\/$|\/assets\/|\.(js|css|svg|html)$/.test(pathname)) return;
    reading.push(response.request().sizes().then(({ responseBodySize }) => sizes.set(pathname, responseBodySize), () => undefined));
  });
  return async () => {
    await Promise.all(reading);
    return sizes;
  };
}
