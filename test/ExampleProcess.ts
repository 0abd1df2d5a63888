/**
 * A process that runs examples after each other, each when the one before has nothing left to do, which is when a process of its own would
 * have ended. Its arguments are `FILE WORD…`, one for each; a line with {@link beginning} comes before the output of each.
 */
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"

const commands = process.argv.slice(2)

process.on("beforeExit", () => {
  const command = commands.shift()
  if (command === undefined) return
  const [file = "", ...words] = command.split(" ")
  process.argv = [process.execPath, resolve(file), ...words]
  process.stdout.write(`\n:: ${command}\n`)
  void import(pathToFileURL(resolve(file)).href)
})
