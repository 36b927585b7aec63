// A box that wants a key: the page asks for it, and all that it loads then has it.

import { join } from "node:path";
import { launch, open } from "./browser.mjs";

export async function keyed(base, key, shots) {
  const browser = await launch();
  try {
    const { page, heard } = await open(browser, base, { scheme: "light", width: 1360, height: 860 });
    heard.expecting = true; // the refusal before the key is known
    await page.goto(base);
    await page.getByLabel("API key or token").fill(key);
    await page.screenshot({ path: join(shots, "key.png") });
    heard.expecting = false;
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator(".media article").first().waitFor();
    await page.evaluate(() => (location.hash = "#/timeline/cup-final"));
    await page.locator("[data-loaded=true]").waitFor();
    await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2);
    await page.waitForTimeout(1500);
    if (heard.faults.length) throw new Error(`with a key: ${heard.faults.join("; ")}`);
    console.log("ok   a box that wants a key is asked with it");
  } finally {
    await browser.close();
  }
}
