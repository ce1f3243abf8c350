import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// Asset addresses are relative, and index.html has a <base> that the Go handler
// fills in, so that one build serves under every path prefix.
export default defineConfig({
  base: "./",
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: {
    alias: { "@falkorpat/sdk": fileURLToPath(new URL("../../gen/typescript/index.js", import.meta.url)) },
  },
  build: {
    // scripts/publish.mjs brings it into dist/.
    outDir: "node_modules/.dist",
    emptyOutDir: true,
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    // data: addresses would have to be allowed by the Content-Security-Policy.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    // The notices of what is bundled travel with the program.
    license: { fileName: "licenses.md" },
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/docs", "/openapi.json", "/openapi.yaml"].map((path) => [path, "http://localhost:3000"]),
    ),
  },
});
