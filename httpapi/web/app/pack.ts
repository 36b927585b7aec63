// Leaves the built page as the box embeds it: each large file once more in brotli, NAME.br. Brotli and not gzip, since the same
// text gives the same bytes on every machine.

import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { Plugin } from "vite";

const least = 1024; // bytes; what is smaller goes in one packet anyway

/** What an earlier build left in the folder goes, but for the file to keep. */
export function pack({ keep }: { keep: string }): Plugin {
  return {
    name: "pack",
    apply: "build",
    async writeBundle({ dir = "" }, bundle) {
      const built = new Set(Object.keys(bundle));
      for (const file of await readdir(dir, { recursive: true, withFileTypes: true })) {
        const path = join(file.parentPath, file.name);
        const name = path.slice(dir.length + 1);
        if (file.isFile() && name !== keep && !built.has(name)) await rm(path);
      }
      for (const [name, output] of Object.entries(bundle)) {
        const content = Buffer.from(output.type === "chunk" ? output.code : output.source);
        if (content.length < least) continue;
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
        await writeFile(join(dir, `${name}.br`), brotliCompressSync(content, { params }));
      }
    },
  };
}
