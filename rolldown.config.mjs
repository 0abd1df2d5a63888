import { defineConfig } from "rolldown"

export default defineConfig({
  input: { dynosim: "src/cli/bin.ts" },
  platform: "node",
  output: {
    dir: "bundle",
    format: "esm",
    minify: true,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
    banner: "#!/usr/bin/env node"
  }
})
