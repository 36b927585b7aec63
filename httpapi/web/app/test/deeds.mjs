// What a viewer does on the page, and what must come of it.

import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";

/** The video plays, and the names beside it are those of the position that is shown. */
export async function inStep({ page, base, media, check, go, shot }) {
  await go(page, "player");
  await page.waitForFunction(() => document.querySelector("video")?.currentTime > 0 && document.querySelector("video").readyState >= 2);
  const first = await page.evaluate(() => document.querySelector("video").currentTime);
  await page.waitForTimeout(3000);
  const later = await page.evaluate(() => document.querySelector("video").currentTime);
  check(later - first > 1, `the video plays (${(later - first).toFixed(1)} s in 3 s)`);
  // With a window of no length only who is on screen now is told. Whoever came more than a second ago and is still there must be shown,
  // and nobody who is not there within that second.
  await page.locator(".slider input").first().fill("0");
  await page.waitForTimeout(1200);
  const at = async (position, backward) => {
    const query = new URLSearchParams({ position: position.toFixed(3), backward: String(backward), forward: "0" });
    const told = await (await fetch(`${base}v1/media/${encodeURIComponent(media)}/context?${query}`)).json();
    return [...told.celebrities, ...told.objects].map(one => one.name);
  };
  const wrong = [];
  let asked = 0;
  const enough = 10; // looks at somebody who is there; in some scenes nobody is
  for (const begin = Date.now(); asked < enough && Date.now() - begin < 45_000;) {
    await page.waitForTimeout(400);
    const { position, names } = await page.evaluate(() => ({
      position: Number(document.querySelector(".position").dataset.position),
      names: [...document.querySelectorAll(".sightings li")].map(li => li.dataset.name),
    }));
    const [before, now, near] = await Promise.all([at(position - 1, 0), at(position, 0), at(position, 1.2)]);
    const there = before.filter(name => now.includes(name));
    asked += there.length;
    wrong.push(...there.filter(name => !names.includes(name)).map(name => `${name} is missing`), ...names.filter(name => !near.includes(name)).map(name => `${name} is gone`));
  }
  check(asked >= enough && wrong.length === 0, `names come and go within a second of their position (${asked} looked at) ${wrong.slice(0, 5).join(", ")}`);
  await page.locator(".slider input").first().fill("10");
  await shot("player-playing");
}

/** A viewer is engaged, answers, and is told what the box says. */
export async function poll({ page, check, go, shot }) {
  await go(page, "player");
  await page.getByLabel("Profile").fill("trial");
  await page.getByRole("button", { name: "Engage" }).click();
  const card = page.locator(".instrument");
  const none = page.getByText("Nothing suits");
  await card.or(none).first().waitFor();
  if (await none.count()) return console.log("     nothing suits the viewer here; no instrument was tried");
  await page.locator(".log li.good", { hasText: "view" }).first().waitFor();
  const choice = card.locator(".choices button").first();
  if (await choice.count()) await choice.click();
  else {
    await card.getByLabel("Your answer").fill("three");
    await card.getByRole("button", { name: "Answer" }).click();
  }
  await page.locator(".log li.good", { hasText: /answer|click/ }).first().waitFor();
  await shot("player-engaged");
  await card.getByRole("button", { name: "Dismiss" }).click();
  await page.locator(".log li.good", { hasText: "dismiss" }).first().waitFor();
  check(true, "an instrument is shown, answered and dismissed");
}

/** The whole event is panned and zoomed; frames are counted while it is drawn. */
export async function panRate({ page, check, go, shot }) {
  await go(page, "timeline");
  await page.locator("[data-loaded=true]").waitFor();
  const counts = await page.evaluate(() => document.querySelector(".counts").textContent);
  await page.getByRole("button", { name: "Player" }).click(); // the video's decoding is not what is measured
  await page.waitForTimeout(500);
  const measured = await page.evaluate(async () => {
    const canvas = document.querySelector("canvas.stage");
    const frame = canvas.getBoundingClientRect();
    const fire = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 7, button: 0, clientX: frame.left + x, clientY: frame.top + y, bubbles: true }));
    canvas.setPointerCapture = () => undefined; // made events have no pointer to capture
    const pan = async (seconds, wheel) => {
      const times = [];
      const middle = frame.width / 2;
      fire("pointerdown", middle, 200);
      const begin = performance.now();
      for (let n = 0; performance.now() - begin < seconds * 1000; n++) {
        const now = await new Promise(requestAnimationFrame);
        times.push(now);
        fire("pointermove", middle + 150 * Math.sin(n / 12), 200 + 40 * Math.sin(n / 20));
        if (wheel) canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: n % 120 < 60 ? -40 : 40, clientX: frame.left + middle, clientY: frame.top + 200, bubbles: true, cancelable: true }));
      }
      fire("pointerup", middle, 200);
      const steps = times.slice(1).map((t, i) => t - times[i]).sort((a, b) => a - b);
      return { fps: (1000 * steps.length) / steps.reduce((a, b) => a + b, 0), p95: steps[Math.floor(steps.length * 0.95)] };
    };
    const whole = await pan(4, false);
    return { whole, zooming: await pan(4, true), span: Number(canvas.dataset.span) };
  });
  const told = ({ fps, p95 }) => `${fps.toFixed(1)} frames a second, 95 % within ${p95.toFixed(0)} ms`;
  console.log(`     ${counts}`);
  check(measured.whole.fps >= 30, `all of the event is panned at ${told(measured.whole)}`);
  check(measured.zooming.fps >= 30, `zoomed while it is panned at ${told(measured.zooming)}`);
  await page.getByRole("button", { name: "Player" }).click();
  await shot("timeline-panned");
}

/** Renames an observation on the timeline, by keyboard; the API tells the new name; takes it back. */
export async function rename({ page, base, media, options, check, go, shot }) {
  await go(page, "timeline");
  await page.locator("[data-loaded=true]").waitFor();
  const canvas = page.locator("canvas.stage");
  await canvas.focus();
  await page.getByRole("button", { name: "All", exact: true }).click();
  await canvas.focus();
  for (const key of ["ArrowDown", "n", "n", "n"]) await page.keyboard.press(key);
  for (let i = 0; i < 14; i++) await page.keyboard.press("+");
  const editor = page.locator(".editor");
  await editor.getByRole("button", { name: "Rename …" }).click();
  const name = `Trial ${Date.now() % 100_000}`;
  await editor.getByLabel("New name").fill(name);
  await shot("timeline-rename");
  await editor.getByRole("button", { name: "Rename", exact: true }).click();
  const dialog = page.locator("dialog[open]");
  await dialog.or(editor.locator("[role=status] p")).first().waitFor();
  if (await dialog.count()) {
    await dialog.locator("input").fill(options.token);
    await dialog.getByRole("button", { name: "Use it" }).click();
  }
  await editor.locator("h2", { hasText: name }).waitFor();
  const has = async () => (await (await fetch(`${base}v1/media/${encodeURIComponent(media)}/timeline?from=0&until=3600`)).text()).includes(name);
  check(await has(), "a rename reaches the API");
  await shot("timeline-renamed");
  await editor.getByRole("button", { name: /^Undo/ }).click();
  await editor.locator("[role=status]", { hasText: "Taken back" }).waitFor();
  check(!(await has()), "and is taken back");
}

/** The banner comes with each outage, says which it is, and goes with it. */
export async function outages({ page, heard, options, check, go, shot }) {
  const set = kind => fetch(new URL(kind, options.switch), { method: "POST" });
  await go(page, "air");
  heard.expecting = true;
  for (const kind of options.outages.split(",")) {
    const begin = Date.now();
    await set(kind);
    await page.locator(`[data-outage=${kind}]`).waitFor();
    check(true, `the banner tells: ${kind}, after ${Date.now() - begin} ms`);
    await page.waitForTimeout(300);
    await shot(`outage-${kind}`);
    await set("none");
    await page.locator("[data-outage]").first().waitFor({ state: "detached" });
  }
  check(true, "the banners go when all is well again");
}

/** A click on the timeline seeks the player beside it, where the stream has that position. */
export async function seek({ page, check, go, shot }) {
  await go(page, "air"); // the view is made anew
  await go(page, "timeline");
  await page.locator("[data-loaded=true]").waitFor();
  await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2 && document.querySelector(".side .position")?.textContent.includes(":"));
  await page.getByRole("button", { name: "Follow live" }).click();
  for (let i = 0; i < 3; i++) await page.getByRole("button", { name: "Zoom in" }).click();
  await page.waitForTimeout(500);
  const canvas = page.locator("canvas.stage");
  const before = await page.evaluate(() => document.querySelector("video").currentTime);
  const { from, span } = await canvas.evaluate(c => ({ from: Number(c.dataset.from), span: Number(c.dataset.span) }));
  const frame = await canvas.boundingBox();
  const gutter = Math.round(Math.min(170, Math.max(92, frame.width * 0.17)));
  const x = gutter + (frame.width - gutter) * 0.7;
  await canvas.click({ position: { x, y: 120 } });
  await page.waitForTimeout(700);
  const after = await page.evaluate(() => ({ time: document.querySelector("video").currentTime, told: document.querySelector(".side .position").textContent, trouble: document.querySelector(".side .trouble").textContent }));
  const wanted = from + span * 0.7;
  const [, hours, minutes, seconds] = /(\d+):(\d+):([\d.]+)/.exec(after.told) ?? [];
  const position = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  check(Math.abs(position - wanted) < 3.5, `a click seeks the player (to ${wanted.toFixed(1)}, it is at ${position.toFixed(1)}; video from ${before.toFixed(1)} to ${after.time.toFixed(1)}) ${after.trouble}`);
  await page.getByRole("button", { name: "Follow live" }).click();
  await page.waitForTimeout(3000);
  await shot("timeline-live");
}

/** Faults of an instrument are shown, and nothing is taken. */
export async function faultyInstrument({ page, heard, check, go, shot }) {
  await go(page, "instruments");
  await page.getByRole("button", { name: "New …" }).click();
  const editor = page.getByRole("region", { name: "New instrument" });
  await editor.getByLabel("Id").fill("trial-faulty");
  await editor.getByLabel("JSON").fill('{"kind": 1}');
  heard.expecting = true; // a refusal is told by the browser as an error
  await editor.getByRole("button", { name: "Save" }).click();
  await editor.locator(".wrong li").first().waitFor();
  await page.waitForTimeout(200);
  heard.expecting = false;
  await shot("instruments-faults");
  check((await editor.locator(".wrong li").count()) >= 1, "an instrument's faults are shown");
}

/** A photo is added, with its hints; an unknown face gets a name. Only where the gallery is made up. */
export async function enrol({ page, check, go, shot }) {
  await go(page, "people");
  await page.locator(".people li").first().waitFor();
  const form = page.getByRole("region", { name: "Add by photo" });
  await form.getByLabel("Name").fill("Zoe Trial");
  await form.getByLabel(/^Photo/).setInputFiles({ name: "zoe.jpg", mimeType: "image/jpeg", buffer: Buffer.alloc(5000, 1) });
  await form.getByRole("button", { name: "Add" }).click();
  await form.locator(".hints li").first().waitFor();
  await page.locator(".people b", { hasText: "Zoe Trial" }).waitFor();
  const unknown = page.locator(".people li.unknown").first();
  await unknown.getByLabel("Name").fill("Yann Trial");
  await unknown.getByRole("button", { name: "Name it" }).click();
  await page.locator(".people b", { hasText: "Yann Trial" }).waitFor();
  await shot("people-enrolled");
  check(true, "a photo is added with its hints, and an unknown face named");
}

/** Two fingers zoom the timeline, one moves it. */
export async function pinch({ page, check, go }) {
  await go(page, "timeline");
  const canvas = page.locator("canvas.stage");
  await canvas.scrollIntoViewIfNeeded();
  const frame = await canvas.boundingBox();
  const session = await page.context().newCDPSession(page);
  const touch = (type, ...xs) => session.send("Input.dispatchTouchEvent", { type, touchPoints: xs.map((x, id) => ({ x: frame.x + x, y: frame.y + 150, id })) });
  const seen = () => canvas.evaluate(c => ({ from: Number(c.dataset.from), span: Number(c.dataset.span) }));
  const before = await seen();
  await touch("touchStart", 200, 240);
  for (let apart = 20; apart <= 60; apart += 10) await touch("touchMove", 220 - apart, 220 + apart);
  await touch("touchEnd");
  await page.waitForTimeout(300);
  const zoomed = await seen();
  await touch("touchStart", 300);
  for (let x = 290; x >= 200; x -= 10) await touch("touchMove", x);
  await touch("touchEnd");
  await page.waitForTimeout(300);
  const moved = await seen();
  check(zoomed.span < before.span / 2, `two fingers zoom (${before.span.toFixed(0)} s to ${zoomed.span.toFixed(0)} s)`);
  check(moved.from > zoomed.from, "one finger moves");
}

/** The picture that the README shows: the player, with who is on screen beside it. */
export async function picture({ page, check, go }, path) {
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 800 });
  await go(page, "player");
  await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2 && document.querySelectorAll(".sightings li").length > 0);
  await page.waitForTimeout(2000);
  const shot = await page.screenshot();
  const palette = ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "png_pipe", "-i", "-", "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none", "-frames:v", "1", path];
  const ffmpeg = spawn("ffmpeg", palette, { stdio: ["pipe", "inherit", "inherit"] }); // 256 colours, of which a clip needs most
  ffmpeg.stdin.end(shot);
  const code = await new Promise(resolve => ffmpeg.on("exit", resolve));
  const { size } = await stat(path);
  check(code === 0 && size < 300_000, `the picture for the README has ${size} bytes (less than 300,000)`);
}
