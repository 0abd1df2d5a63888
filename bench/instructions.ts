/**
 * Counts the instructions of whole runs of the bundled command, compiled code, garbage collection and the compiler's threads
 * included: a figure that a busy machine moves by one or two per cent, where times move by a quarter.
 *
 *     npm run build && node bench/instructions.ts [NAME...]
 *
 * Needs QEMU's user-mode emulator and a C compiler (Debian: qemu-user, gcc, libc6-dev). Without them use
 * `node bench/measure.ts`, with the two programs in turn. The emulator does not see cache misses: look at times as well.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { casesWith, root } from "./cases.ts"

const scratch = mkdtempSync(join(tmpdir(), "dynosim-instructions-"))
const plugin = join(scratch, "count.so")

/** Instructions of one run, in thousand millions, with all the code that earlier ones compiled (see src/cli/CompiledCode.ts). */
const counted = (command: ReadonlyArray<string>): number => {
  for (let run = 0; run < 3; run++)
    spawnSync(process.execPath, [join(root, "bundle/dynosim.mjs"), ...command], { stdio: "ignore" })
  const { status, stderr } = spawnSync(
    "qemu-x86_64",
    ["-cpu", "max", "-plugin", plugin, process.execPath, join(root, "bundle/dynosim.mjs"), ...command],
    { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" }
  )
  const instructions = /^instructions: (\d+)$/m.exec(stderr)?.[1]
  if (status !== 0 || instructions === undefined) throw new Error(`no count (status ${status}): ${stderr.slice(-500)}`)
  return Number(instructions) / 1e9
}

try {
  execFileSync("gcc", ["-shared", "-fPIC", "-O2", "-o", plugin, join(root, "bench/instructions/count.c")])
  const wanted = process.argv.slice(2)
  process.stdout.write(`Node.js ${process.version}\n\n| run | G instructions |\n|---|---|\n`)
  for (const [name, command] of Object.entries(casesWith(scratch))) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    process.stdout.write(`| ${name} | ${counted(command).toFixed(2)} |\n`)
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
