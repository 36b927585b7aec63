import { defineConfig } from "vite";
import { pack } from "./pack.ts";

// The box serves the page with a policy that allows external files of its own alone (no inline script or style, no data addresses),
// so nothing may be inlined. Addresses are relative: the page works behind a proxy's prefix too.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [pack({ keep: "README.md" })],
  build: {
    outDir: "../dist", // what the program embeds
    emptyOutDir: false, // pack does it
    target: "es2022",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: true,
    license: { fileName: "licences.md" }, // of the libraries that are in it
    reportCompressedSize: true,
    chunkSizeWarningLimit: 600, // hls.js, which is loaded when a player is opened
  },
  server: { proxy: Object.fromEntries(["/v1", "/admin", "/client", "/openapi.json"].map(path => [path, "http://127.0.0.1:8090"])) },
});
