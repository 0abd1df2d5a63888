import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "examples/*.test.ts"],
    // One process runs all files after each other: starting one per file cost as much as the tests. What a test changes about the
    // process (its working directory, its environment) it puts back.
    isolate: false,
    // Node runs the sources itself, as `node src/cli/bin.ts` does: through the module runner of Vite, where every use of an import is the
    // call of a getter, the inner loops of the simulation cost twice as much. There is no `vi.mock` then; tests here hand in what they mean.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // Test files leave little behind and make much in between: fewer, larger scavenges.
    execArgv: ["--max-semi-space-size=64"],
    setupFiles: ["test/support/setup.ts"],
    // For what hangs, not for what is slow.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    env: {
      // What the user of this machine has imported is none of the tests' business.
      DYNOSIM_DATA: new URL(".cache/no-data", import.meta.url).pathname,
      // Programs that tests start are compiled once.
      NODE_COMPILE_CACHE: new URL(".cache/compiled", import.meta.url).pathname
    },
    reporters: ["default", ["json", { outputFile: ".cache/test-results.json" }]]
  }
})
