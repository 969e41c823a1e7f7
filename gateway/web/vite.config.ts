import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Writes a packed copy beside every text asset, so that the gateway need not pack it for each visitor. */
function packed(): Plugin {
  return {
    name: "weft-packed",
    apply: "build",
    writeBundle({ dir = "dist" }, bundle) {
      for (const fileName of Object.keys(bundle)) {
        const written = readFileSync(join(dir, fileName));
        if (/\.(js|css|svg)$/.test(fileName) && written.length > 1024) {
          writeFileSync(join(dir, `${fileName}.gz`), gzipSync(written, { level: 9 }));
        }
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), packed()],
  resolve: {
    // asked for by a test helper of @rjsf/core; it compiles schemas with `eval`, which the page's policy forbids
    alias: { "@rjsf/validator-ajv8": join(import.meta.dirname, "src/pages/studio/no-validator.ts") },
  },
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        manualChunks: (id) =>
          /node_modules\/(react|react-dom|scheduler|react-router)\//.test(id) ? "react" : undefined,
      },
    },
  },
  // `npx vite` while developing: the page from here, the API from a hub that runs
  server: { proxy: { "/v1": process.env.WEFT_URL ?? "http://127.0.0.1:8480" } },
});
