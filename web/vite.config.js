// Builds the console's page: one script, one style sheet, and the map symbols drawn here, once, instead of in every browser.
import { defineConfig } from "vite";
import { drawSymbols } from "./symbols.js";

const symbols = () => ({
  name: "skywarden-symbols",
  generateBundle() {
    for (const [name, source] of Object.entries(drawSymbols())) {
      this.emitFile({ type: "asset", fileName: `symbols/${name}.svg`, source });
    }
  },
});

export default defineConfig({
  base: "./", // the page also stands under a path, behind a proxy
  plugins: [symbols()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the page's policy allows no data: addresses
    license: { fileName: "licenses.md" }, // of everything that went into the page
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
  },
});
