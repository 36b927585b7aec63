// The trial of the built page against the mock: npm run build && npm run trial [FOLDER for pictures] [FILE for the README's picture]

import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startMock } from "../mock/server.mjs";
import { keyed } from "./keyed.mjs";
import { trouble } from "./trouble.mjs";

const mock = await startMock({ token: "trial-token" });
const [shots = join(tmpdir(), "page-shots"), picture = ""] = process.argv.slice(2);
const args = ["--base", mock.base, "--shots", shots, "--token", "trial-token", "--switch", `${mock.base}mock/outage/`, "--made-up", "--picture", picture];
const walk = spawn(process.execPath, [fileURLToPath(new URL("page.mjs", import.meta.url)), ...args], { stdio: "inherit" });
process.exitCode = await new Promise(resolve => walk.on("exit", code => resolve(code ?? 1)));
if (!(await trouble({ base: mock.base, token: "trial-token" }))) process.exitCode = 1;
mock.close();

const locked = await startMock({ key: "trial-key", hours: 1, count: 1800 });
await keyed(locked.base, "trial-key", shots).catch(error => {
  console.log(`FAIL ${error.message}`);
  process.exitCode = 1;
});
locked.close();
