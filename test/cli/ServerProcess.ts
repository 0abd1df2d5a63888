/** Servers of the built program as processes, and the commands of the documentation that start them. */
import { assert } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")
const bundle = join(root, "bundle/dynosim.mjs")

const children: Array<ChildProcess> = []

/** Ends what a test has started and not ended. */
export const killServers = (): void => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
}

export interface Server {
  readonly child: ChildProcess
  readonly url: string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly stderr: () => string
  readonly stdout: () => string
}

/** Starts `dynosim` with these words on a free port, and waits for its greeting. */
export const start = async (words: ReadonlyArray<string>): Promise<Server> => {
  assert(existsSync(bundle), `${bundle} is missing: run npm run build:bundle`)
  const port = words.indexOf("--port")
  const others = port < 0 ? words : words.toSpliced(port, 2)
  const child = spawn(process.execPath, [bundle, ...others, "--port", "0"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"]
  })
  children.push(child)
  const ended = new Promise<number | NodeJS.Signals | null>((done) =>
    child.on("exit", (code, signal) => done(code ?? signal))
  )
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk) => (stdout += String(chunk)))
  child.stderr.on("data", (chunk) => (stderr += String(chunk)))
  const greeted = () => /^(?:serving|recording) \S+ on (http:[^ ]+?):? .*\n/m.exec(`${stdout}${stderr}`)?.[1]
  for (let url = greeted(); ; url = greeted()) {
    if (url !== undefined) return { child, url, ended, stderr: () => stderr, stdout: () => stdout }
    const next = [once(child.stdout, "data"), once(child.stderr, "data"), ended.then(() => undefined)]
    if ((await Promise.race(next)) === undefined) throw new Error(`the server ended: ${stdout}${stderr}`)
  }
}

/** Words of a command line with single or double quotes. */
export const wordsOf = (command: string): ReadonlyArray<string> =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!)

const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`)
]

/** Commands of the code blocks of all documents: a line, with the lines that an open quote or a backslash adds. */
export const commands = (name: string): ReadonlyArray<string> =>
  documents.flatMap((document) =>
    [...readFileSync(join(root, document), "utf8").matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
      [...block.replaceAll("\\\n", " ").matchAll(new RegExp(`^(?:npx )?${name} (?:'[^']*'|[^'\n])*`, "gm"))].map(
        ([command]) => command
      )
    )
  )
