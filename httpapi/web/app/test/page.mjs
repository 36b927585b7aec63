// Walks through all views of the page at a box, real or made up, and fails where something is not as it should be.
//
//   node test/page.mjs --base http://127.0.0.1:8080/ --shots FOLDER [--token ADMIN_TOKEN] [--media ID] [--switch http://127.0.0.1:8090/mock/outage/]
//
// With --switch it makes the --outages too. --made-up says that the box is, and nothing that is done to it matters. --picture makes
// docs/page.png. Times are of this machine beside its other work.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { axe, launch, open, weigh } from "./browser.mjs";
import { enrol, faultyInstrument, inStep, outages, panRate, picture, pinch, poll, rename, seek } from "./deeds.mjs";

const { values: options } = parseArgs({ options: {
  base: { type: "string" }, shots: { type: "string" }, token: { type: "string", default: "" }, media: { type: "string", default: "" }, switch: { type: "string", default: "" },
  outages: { type: "string", default: "media,events,box" }, "made-up": { type: "boolean", default: false }, picture: { type: "string", default: "" },
} });
if (!options.base || !options.shots) throw new Error("say --base and --shots");
const base = options.base.replace(/\/*$/, "/");
await mkdir(options.shots, { recursive: true });
const overview = await (await fetch(`${base}v1/overview`)).json();
const media = options.media || overview.media.find(m => m.state === "live" && m.player)?.media || overview.media[0]?.media;
if (!media) throw new Error("the box has no media");

const failures = [];
const check = (good, what) => {
  console.log(`${good ? "ok  " : "FAIL"} ${what}`);
  if (!good) failures.push(what);
};

const views = {
  air: { path: "air", ready: ".media article" },
  player: { path: `player/${encodeURIComponent(media)}`, ready: ".position[data-position]:not([data-position=''])" },
  timeline: { path: `timeline/${encodeURIComponent(media)}`, ready: "[data-loaded=true]" },
  people: { path: "people", ready: ".people li, .empty", admin: true },
  instruments: { path: "instruments", ready: "table.instruments tbody tr, .empty", admin: true },
};

const go = async (page, name) => {
  await page.evaluate(hash => (location.hash = hash), `#/${views[name].path}`);
  if (views[name].admin && options.token) {
    const field = page.locator("main .secret input");
    await page.locator(`${views[name].ready}, main .secret input`).first().waitFor();
    if (await field.count()) {
      await field.fill(options.token);
      await page.locator("main .secret button").click();
    }
  }
  if (!views[name].admin || options.token) await page.locator(views[name].ready).first().waitFor();
};

const browser = await launch();
try {
  for (const [label, shape] of Object.entries({ desktop: { width: 1360, height: 860 }, phone: { width: 390, height: 844, touch: true } })) {
    for (const scheme of ["light", "dark"]) {
      const { context, page, heard } = await open(browser, base, { scheme, ...shape });
      const weights = weigh(page);
      await page.goto(base);
      await page.locator(views.air.ready).first().waitFor();
      if (label === "desktop" && scheme === "light") {
        await page.locator(".chart canvas").waitFor();
        const sizes = await weights();
        const total = [...sizes.values()].reduce((sum, n) => sum + n, 0);
        for (const [file, bytes] of sizes) console.log(`     ${String(bytes).padStart(7)} ${file}`);
        check(total <= 300_000 && total > 1000, `first load ${total} bytes compressed (at most 300,000)`);
        check(![...sizes.keys()].some(f => /hls/.test(f)), "hls.js is not in the first load");
      }
      for (const name of Object.keys(views)) {
        await go(page, name);
        await page.waitForTimeout(name === "timeline" || name === "player" ? 2500 : 600);
        await page.screenshot({ path: join(options.shots, `${name}-${label}-${scheme}.png`), fullPage: label === "phone" });
        const found = await axe(page);
        check(found.serious.length === 0, `axe: ${name}, ${label}, ${scheme}${found.serious.map(f => `\n       ${f}`).join("")}`);
        for (const lesser of found.lesser) console.log(`     note: ${lesser}`);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        check(wider <= 0, `nothing is wider than the screen: ${name}, ${label}, ${scheme}`);
      }
      if (label === "phone") await pinch({ page, check, go });
      check(heard.faults.length === 0, `no console error, no outside request: ${label}, ${scheme}${heard.faults.map(f => `\n       ${f}`).join("")}`);
      await context.close();
    }
  }

  const { page, heard } = await open(browser, base, { scheme: "dark", width: 1360, height: 860 });
  const trial = { page, heard, base, media, options, check, go, shot: name => page.screenshot({ path: join(options.shots, `${name}.png`) }) };
  await page.goto(base);
  await inStep(trial);
  if (overview.engage) await poll(trial);
  await panRate(trial);
  if (overview.edits && options.token) await rename(trial);
  await seek(trial);
  if (overview.engage && options.token) await faultyInstrument(trial);
  if (options["made-up"]) await enrol(trial);
  if (options.picture) await picture(trial, options.picture);
  if (options.switch) await outages(trial);
  check(heard.faults.length === 0, `no console error in the trial${heard.faults.map(f => `\n       ${f}`).join("")}`);
} finally {
  await browser.close();
}
console.log(failures.length ? `\n${failures.length} failed` : "\nall good");
process.exitCode = failures.length ? 1 : 0;
