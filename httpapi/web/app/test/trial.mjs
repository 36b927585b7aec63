// The trial of the built page against the mock: npm run build && npm run trial [FOLDER for pictures]

import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startMock } from "../mock/server.mjs";
import { keyed } from "./keyed.mjs";

const mock = await startMock({ token: "trial-token" });
const shots = process.argv[2] ?? join(tmpdir(), "page-shots");
const walk = spawn(process.execPath, [fileURLToPath(new URL("page.mjs", import.meta.url)), "--base", mock.base, "--shots", shots, "--token", "trial-token", "--switch", `${mock.base}mock/outage/`, "--made-up"], { stdio: "inherit" });
process.exitCode = await new Promise(resolve => walk.on("exit", code => resolve(code ?? 1)));
mock.close();

const locked = await startMock({ key: "trial-key", hours: 1, count: 1800 });
await keyed(locked.base, "trial-key", shots).catch(error => {
  console.log(`FAIL ${error.message}`);
  process.exitCode = 1;
});
locked.close();
