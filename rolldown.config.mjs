import { defineConfig } from "rolldown"

export default defineConfig({
  input: { dynosim: "src/cli/bin.ts" },
  platform: "node",
  // jsonc-parser's "main" is UMD, whose requires a bundler cannot follow.
  resolve: { mainFields: ["module", "main"] },
  output: {
    dir: "bundle",
    format: "esm",
    minify: true,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
    banner: "#!/usr/bin/env node"
  }
})
