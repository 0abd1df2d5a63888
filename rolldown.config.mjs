import { defineConfig } from "rolldown"
import { bundledLicences } from "./tools/package/BundledLicences.mjs"

export default defineConfig({
  input: { dynosim: "src/cli/bin.ts", "sweep-worker": "src/cli/SweepWorker.ts" },
  platform: "node",
  plugins: [bundledLicences("THIRD-PARTY-LICENSES.txt")],
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
