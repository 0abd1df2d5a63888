/** The built server as a process, started by the commands that the documentation shows and asked with the requests it shows. */
import { afterEach, assert, describe, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")
const bundle = join(root, "bundle/dynosim.mjs")

const children: Array<ChildProcess> = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
})

interface Server {
  readonly child: ChildProcess
  readonly url: string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly stderr: () => string
}

/** Starts `dynosim` with these words on a free port, and waits for its greeting. */
const start = async (words: ReadonlyArray<string>): Promise<Server> => {
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
  child.stderr.on("data", (chunk) => (stderr += String(chunk)))
  while (!stdout.includes("\n")) {
    const [chunk] = await Promise.race([once(child.stdout, "data"), ended.then(() => [undefined])])
    if (chunk === undefined) throw new Error(`the server ended: ${stderr}`)
    stdout += String(chunk)
  }
  const [, url] = /^serving \S+ on (http:\S+):/.exec(stdout) ?? []
  assert(url !== undefined, stdout)
  return { child, url, ended, stderr: () => stderr }
}

/** Words of a command line with single or double quotes. */
const wordsOf = (command: string): ReadonlyArray<string> =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!)

const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`)
]

/** Commands of the code blocks of all documents: a line, with the lines that an open quote or a backslash adds. */
const commands = (name: string): ReadonlyArray<string> =>
  documents.flatMap((document) =>
    [...readFileSync(join(root, document), "utf8").matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
      [...block.replaceAll("\\\n", " ").matchAll(new RegExp(`^(?:npx )?${name} (?:'[^']*'|[^'\n])*`, "gm"))].map(
        ([command]) => command
      )
    )
  )

const serveCommands = commands("dynosim serve")
const curlCommands = commands("curl")

/** The request that a curl command makes of the server at `url`. */
const curl = async (command: string, url: string): Promise<Response> => {
  const [, ...words] = wordsOf(command)
  const headers: Record<string, string> = {}
  let body: string | undefined
  let target = ""
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "-H") {
      const [name = "", value = ""] = (words.shift() ?? "").split(/:\s*/, 2)
      headers[name] = value
    } else if (word === "-d") body = words.shift()
    else if (!word.startsWith("-")) target = word
  }
  const { pathname } = new URL(target)
  return fetch(url + pathname, body === undefined ? { headers } : { method: "POST", headers, body })
}

describe("the served deployment as documented", () => {
  it("has commands and requests", () => {
    assert.isAtLeast(serveCommands.length, 3)
    assert.isAtLeast(curlCommands.length, 4)
  })

  for (const command of serveCommands) {
    it(`${command} serves, and ends with 0 when it is told to`, async () => {
      const server = await start(wordsOf(command.replace(/^npx /, "")).slice(1))
      assert.strictEqual((await fetch(`${server.url}/health`)).status, 200)
      server.child.kill("SIGTERM")
      assert.strictEqual(await server.ended, 0, server.stderr())
    })
  }

  it("answers the documented requests", async () => {
    const server = await start(["serve", "--extra-engine-args", '{"speedup_ratio": 50}'])
    for (const command of curlCommands) {
      const response = await curl(command, server.url)
      assert.strictEqual(response.status, 200, command)
      assert.notStrictEqual((await response.text()).trim(), "", command)
    }
  })
})

describe("a server that is told to end", () => {
  /** A stream that would go on for minutes, once its first event has come. */
  const streaming = async (url: string): Promise<ReadableStreamDefaultReader<Uint8Array>> => {
    const body = JSON.stringify({ model: "dynosim", prompt: "a", max_tokens: 100_000, stream: true })
    const response = await fetch(`${url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body
    })
    const reader = response.body!.getReader()
    await reader.read()
    return reader
  }

  for (const [signal, code] of [
    ["SIGTERM", 0],
    ["SIGINT", 130]
  ] as const) {
    it(`ends with ${code} on ${signal}, also while it streams`, async () => {
      const server = await start(["serve", "--max-model-len", "200000"])
      const reader = await streaming(server.url)
      server.child.kill(signal)
      assert.strictEqual(await server.ended, code, server.stderr())
      assert.strictEqual(server.stderr(), "")
      const rest = async (): Promise<string> => {
        for (;;) if ((await reader.read()).done) return "whole"
      }
      assert.strictEqual(await rest().catch(() => "cut"), "cut")
    })
  }
})
