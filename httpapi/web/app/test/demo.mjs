// The walk through the page at a real box: runs `spotter demo`, and takes its origin away and brings it back by a signal.
//
//   node test/demo.mjs --spotter ../../../bin/spotter --shots FOLDER

import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { spotter: { type: "string" }, shots: { type: "string" } } });
if (!values.spotter || !values.shots) throw new Error("say --spotter and --shots");

const patience = 120_000; // ms for the demo to make its programme, and to see a round of it
const watched = 45; // s of the event after which every clip of the programme was on screen

/** Runs the demo until it has told where its page is and what its admin token is. */
async function startDemo() {
  const child = spawn(values.spotter, ["demo"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise(resolve => child.on("exit", (code, signal) => resolve(code ?? signal)));
  const told = {};
  const lines = createInterface({ input: child.stdout });
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the demo told no page and admin token in time, but ${JSON.stringify(Object.keys(told))}`)), patience);
    child.on("error", reject);
    void ended.then(code => reject(new Error(`the demo ended by itself: ${code}`)));
    lines.on("line", line => {
      const [, name, value] = /^(page|admin token)\s+(\S+)$/.exec(line) ?? [];
      if (!name) return;
      told[name] = value;
      if (!told.page || !told["admin token"]) return;
      clearTimeout(late);
      resolve();
    });
  }).catch(error => {
    child.kill();
    throw error;
  });
  return {
    base: told.page, token: told["admin token"],
    toggle: () => child.kill("SIGUSR1"),
    async close() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Waits until the box has seen enough of the event for the walk. */
async function seen(base) {
  const begin = Date.now();
  let first = null;
  for (;;) {
    const { media: [demo] } = await (await fetch(`${base}v1/media`)).json();
    first ??= demo?.analyzed_until ?? null;
    if (first !== null && demo.analyzed_until - first >= watched) return;
    if (Date.now() - begin > patience) throw new Error(`the demo was not analysed in time: ${JSON.stringify(demo)}`);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}

/** Lets the walk switch the origin as it does the made-up box's: POST /media takes it away, POST /none brings it back. */
async function startSwitch(toggle) {
  let away = false;
  const server = createServer((request, response) => {
    const wanted = request.url === "/media";
    if (wanted !== away) toggle();
    away = wanted;
    response.end();
  });
  await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
  return { base: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

const demo = await startDemo();
const origin = await startSwitch(demo.toggle);
try {
  await seen(demo.base);
  const args = ["--base", demo.base, "--shots", values.shots, "--token", demo.token, "--switch", origin.base, "--outages", "media"];
  const walk = spawn(process.execPath, [fileURLToPath(new URL("page.mjs", import.meta.url)), ...args], { stdio: "inherit" });
  process.exitCode = await new Promise(resolve => walk.on("exit", code => resolve(code ?? 1)));
} finally {
  origin.close();
  await demo.close();
}
