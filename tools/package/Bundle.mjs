/** Bundles the command into bundle/, quietly, as a file that can be executed. Run from the repository root. */
import { chmodSync, rmSync } from "node:fs"
import { rolldown } from "rolldown"
import config from "../../rolldown.config.mjs"

const { output, ...input } = config
rmSync(output.dir, { recursive: true, force: true })
const bundle = await rolldown(input)
await bundle.write(output)
await bundle.close()
// npm does this when it links a package, and not again when the file is built anew.
chmodSync(`${output.dir}/dynosim.mjs`, 0o755)
