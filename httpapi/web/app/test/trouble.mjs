// Boxes that are slow, break off or refuse, and more tabs than a browser has connections: the viewer can go on.

import { createServer, request as forward } from "node:http";
import { launch, open } from "./browser.mjs";

/** Stands before the box; meddle answers in its place where it returns true. */
async function startProxy(target, meddle) {
  const server = createServer(async (request, response) => {
    if (await meddle(request, response)) return;
    const onward = forward(new URL(request.url, target), { method: request.method, headers: request.headers }, answer => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
  return { base: `http://127.0.0.1:${server.address().port}/`, close: () => (server.closeAllConnections(), server.close()) };
}

const json = (response, status, value) => {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
  return true;
};

/** One page of a box that is meddled with. */
async function at(browser, target, meddle, walk) {
  const proxy = await startProxy(target, meddle);
  const { context, page } = await open(browser, proxy.base, { scheme: "light", width: 1360, height: 860 });
  page.setDefaultTimeout(20_000);
  try {
    await walk(page, proxy.base, context);
  } finally {
    await context.close();
    proxy.close();
  }
}

const enter = async (page, secret) => {
  await page.locator("main .secret input").fill(secret);
  await page.locator("main .secret button").click();
};

const walks = {
  async "a fourth tab loads, for hidden ones give their connections back"(browser, { base }) {
    await at(browser, base, () => false, async (first, address, context) => {
      const tabs = [];
      for (let n = 0; n < 4; n++) {
        const page = n ? await context.newPage() : first;
        page.setDefaultTimeout(20_000);
        await page.goto(`${address}#/timeline/cup-final`);
        await page.locator("[data-loaded=true]").waitFor();
        await page.evaluate(() => {
          globalThis.hide = hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
          };
          globalThis.hide(true);
        });
        await page.waitForTimeout(3_500);
        tabs.push(page);
      }
      const asked = first.waitForRequest(/overview\/live/);
      await tabs[0].evaluate(() => globalThis.hide(false));
      await asked;
      await first.locator(".heard.live").waitFor();
    });
  },
  async "the timeline is read on when an answer breaks off"(browser, { base }) {
    let broken = 0;
    const meddle = ({ url }, response) => {
      if (!/\/timeline\?/.test(url) || broken++) return false;
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 1000 });
      response.write('{"observations":[');
      setTimeout(() => response.destroy(), 50);
      return true;
    };
    await at(browser, base, meddle, async (page, address) => {
      await page.goto(`${address}#/timeline/cup-final`);
      await page.locator("[data-loaded=true]").waitFor();
      if (await page.getByText("Not all of the timeline").count()) throw new Error("it was given up");
    });
  },
  async "counts of a box that takes six seconds for them are shown"(browser, { base, token }) {
    const meddle = async ({ url }) => {
      if (/\/engagement/.test(url)) await new Promise(resolve => setTimeout(resolve, 6_000));
      return false;
    };
    await at(browser, base, meddle, async (page, address) => {
      await page.goto(`${address}#/instruments`);
      await enter(page, token);
      await page.locator(".figure", { hasText: "Decisions" }).locator("dd", { hasText: /\d/ }).waitFor();
    });
  },
  async "no ceiling is not a ceiling of nothing"(browser, { base }) {
    const meddle = async ({ url }, response) => {
      if (url !== "/v1/overview" && url !== "/v1/overview/live") return false;
      if (url.endsWith("live")) return json(response, 503, { title: "no events" });
      const told = await (await fetch(new URL("v1/overview", base))).json();
      return json(response, 200, { ...told, cloud: { ...told.cloud, usd_hour: 0.4, usd_ceiling: null } });
    };
    await at(browser, base, meddle, async (page, address) => {
      await page.goto(address);
      await page.locator(".figure", { hasText: "Ceiling" }).locator("dd", { hasText: "none" }).waitFor();
      if (await page.locator(".figure dd.warn", { hasText: "$0.40" }).count()) throw new Error("it warns of it");
    });
  },
  async "a key that is refused is said to be, and may be tried again"(browser, { base }) {
    let known = false;
    const meddle = ({ url }, response) => url.startsWith("/v1/") && !known && json(response, 401, { title: "who are you?" });
    await at(browser, base, meddle, async (page, address) => {
      await page.goto(address);
      await enter(page, "мой-ключ"); // cannot be sent
      if (!(await page.evaluate(() => document.querySelector("main .secret input:invalid")))) throw new Error("a key that cannot be sent is taken");
      await enter(page, "new-key");
      await page.getByText("was refused").waitFor();
      known = true; // the box was told of it
      await enter(page, "new-key");
      await page.locator(".media article").first().waitFor();
    });
  },
  async "an edit that does not stand any more does not bar those before it"(browser, { base, token }) {
    let undone = 0;
    const meddle = ({ url }, response) => /\/undo$/.test(url) && !undone++ && json(response, 409, { detail: "this edit does not stand" });
    await at(browser, base, meddle, async (page, address) => {
      await page.goto(`${address}#/timeline/cup-final`);
      await page.locator("[data-loaded=true]").waitFor();
      const editor = page.locator(".editor");
      const undo = editor.getByRole("button", { name: /^Undo/ });
      for (const keys of [["ArrowDown", "n"], ["n", "n"]]) {
        await page.locator("canvas.stage").focus();
        for (const key of keys) await page.keyboard.press(key);
        await editor.getByRole("button", { name: "Accept", exact: true }).click();
        if (await page.locator("dialog[open] input").or(editor.locator("[role=status] p")).first().waitFor().then(() => page.locator("dialog[open]").count())) {
          await page.locator("dialog input").fill(token);
          await page.locator("dialog").getByRole("button", { name: "Use it" }).click();
        }
        await editor.locator("[role=status]", { hasText: "Accepted" }).waitFor();
      }
      const second = await undo.textContent();
      await undo.click();
      await editor.getByText("does not stand").waitFor();
      if ((await undo.textContent()) === second) throw new Error("it is offered again");
      await undo.click();
      await editor.locator("[role=status]", { hasText: "Taken back" }).waitFor();
    });
  },
};

/** Walks through all of them; returns whether all went well. */
export async function trouble(box) {
  const browser = await launch();
  let good = true;
  for (const [what, walk] of Object.entries(walks)) {
    const wrong = await walk(browser, box).then(() => "", error => `: ${error.message}`);
    console.log(`${wrong ? "FAIL" : "ok  "} ${what}${wrong}`);
    good &&= !wrong;
  }
  await browser.close();
  return good;
}
