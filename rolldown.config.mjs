import { defineConfig } from "rolldown"
import { chunkScripts } from "./tools/package/ChunkScripts.mjs"
import { lighterEffect } from "./tools/package/LighterEffect.mjs"
import { bundledLicences } from "./tools/package/BundledLicences.mjs"
import { startChunks } from "./tools/package/StartChunks.mjs"

export default defineConfig({
  input: { dynosim: "src/cli/bin.ts", "sweep-worker": "src/cli/SweepWorker.ts" },
  platform: "node",
  preserveEntrySignatures: false,
  plugins: [lighterEffect(), bundledLicences("THIRD-PARTY-LICENSES.txt"), chunkScripts()],
  // jsonc-parser's "main" is UMD, whose requires a bundler cannot follow.
  resolve: { mainFields: ["module", "main"] },
  // A field that is only declared is made when the constructor gives it a value: V8 then knows its kind, keeps numbers unboxed and skips checks.
  // tsconfig.json has it made before, as `undefined`.
  tsconfig: false,
  transform: {
    assumptions: { setPublicClassFields: true },
    typescript: { removeClassFieldsWithoutInitializer: true }
  },
  output: {
    dir: "bundle",
    format: "esm",
    minify: true,
    // One character beyond Latin-1 would double what a file takes in memory.
    charset: "ascii",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
    codeSplitting: { groups: [{ name: startChunks(), debugName: "start" }], includeDependenciesRecursively: false },
    banner: ({ isEntry }) => (isEntry ? "#!/usr/bin/env node" : "")
  }
})
