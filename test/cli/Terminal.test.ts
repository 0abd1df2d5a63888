/** The command on a real terminal: a pseudo-terminal that `script` of util-linux makes. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const bin = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")
const hasScript = spawnSync("script", ["--version"]).status === 0
if (!hasScript) console.warn("no script (util-linux): nothing is printed to a real terminal")

/** What a terminal of so many columns gets to see. */
const onTerminal = (columns: number, environment: string, ...words: ReadonlyArray<string>): string => {
  const folder = mkdtempSync(join(tmpdir(), "dynosim-terminal-"))
  try {
    const command = [process.execPath, bin, ...words].map((word) => `'${word}'`).join(" ")
    return execFileSync("script", ["-qec", `stty cols ${columns} && ${environment} ${command}`, "/dev/null"], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"]
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

// Long enough, many times over, for the line to be drawn, which comes ten times a second.
const load = ["--input-tokens=3000", "--output-tokens=300", "--request-count=100000", "--request-rate=100"]
const run = ["replay", ...load, "--num-workers=64", "--report-json=r.json"]

describe.skipIf(!hasScript)("on a terminal", () => {
  it(
    "a run shows how far it is, then the summary, as wide and as colourful as the terminal is",
    { timeout: 120_000 },
    () => {
      const seen = onTerminal(200, "NO_COLOR=", ...run).replaceAll("\u001b", "ESC")
      assert.match(seen, /\rESC\[2K[\d,]+ s simulated, [\d,]+ of 100,000 requests done/)
      assert.match(seen, /\rESC\[2K(?!\d)/)
      assert.include(seen, "ESC[1mEngine:")
      assert.match(seen, /┃ +Time to First Token \(ms\) +┃/)
    }
  )

  it("narrow ones get the compact table, and NO_COLOR no colour", { timeout: 120_000 }, () => {
    const few = run.map((word) => word.replace("100000", "10"))
    const seen = onTerminal(90, "NO_COLOR=1", ...few)
    assert.match(seen, /TTFT \(ms\) /)
    assert.notInclude(seen, "┃")
    assert.notInclude(seen, "\u001b[1m")
    assert.match(seen, /\r?\nRequests: +10 offered = 10 completed/)
  })
})
