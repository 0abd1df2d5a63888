/** Runs the program in this process, in a folder of its own, and catches what it prints. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { exitCodeOf } from "../../src/cli/ExitCode.ts"
import { main } from "../../src/cli/Main.ts"

export interface Outcome {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** A folder with some files, which is the working directory until {@link Folder.leave}. */
export class Folder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "dynosim-test-")))
  private readonly inputs: Set<string>
  private readonly before = process.cwd()

  /** Contents by name: text, or `binary:` and hexadecimal digits. */
  constructor(files: Readonly<Record<string, string>>) {
    this.inputs = new Set(Object.keys(files))
    for (const [name, content] of Object.entries(files)) this.write(name, content)
    process.chdir(this.path)
  }

  /** An input as it is. */
  add(name: string, content: Uint8Array): void {
    this.inputs.add(name)
    writeFileSync(join(this.path, name), content)
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true })
    writeFileSync(join(this.path, name), content.startsWith("binary:") ? Buffer.from(content.slice(7), "hex") : content)
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8")
  }

  /** Files that were not there at first, in order. */
  added(): ReadonlyArray<string> {
    return readdirSync(this.path, { recursive: true, encoding: "utf8" })
      .filter((name) => lstatSync(join(this.path, name)).isFile() && !this.inputs.has(name))
      .toSorted()
  }

  leave(): void {
    process.chdir(this.before)
    rmSync(this.path, { recursive: true })
  }
}

/** As Ctrl-C does. */
const interruptedAfter = <A, E, R>(run: Effect.Effect<A, E, R>, afterMs: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(run)
    const timer = setTimeout(() => fiber.interruptUnsafe(fiber.id), afterMs)
    const exit = yield* Fiber.await(fiber)
    clearTimeout(timer)
    return yield* exit
  })

const withoutLastLineEnd = (text: string): string => text.replace(/\n$/, "")

/** Never fails: the outcome says how it ended. */
export const program = (
  argv: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  interruptAfterMs?: number
): Effect.Effect<Outcome> =>
  Effect.suspend(() => {
    let stdout = ""
    let stderr = ""
    const console: Console.Console = {
      ...globalThis.console,
      log: (...parts) => void (stdout += `${parts.join(" ")}\n`),
      error: (...parts) => void (stderr += `${parts.join(" ")}\n`)
    }
    const toStdout = () =>
      Sink.forEach((piece: string | Uint8Array) =>
        Effect.sync(() => void (stdout += typeof piece === "string" ? piece : Buffer.from(piece).toString("latin1")))
      )
    const stdio = Layer.effect(
      Stdio.Stdio,
      Effect.map(Stdio.Stdio, (real) => ({ ...real, stdout: toStdout }))
    )
    const run = main(argv)
    return (interruptAfterMs === undefined ? run : interruptedAfter(run, interruptAfterMs)).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provide(stdio),
      Effect.provide(Layer.merge(ConfigProvider.layer(ConfigProvider.fromEnv({ env })), NodeServices.layer)),
      Effect.exit,
      Effect.map((exit) => ({
        exit: exitCodeOf(exit),
        stdout: withoutLastLineEnd(stdout),
        stderr: withoutLastLineEnd(stderr)
      }))
    )
  })

/** Runs the program among some files; `look` sees the folder afterwards. */
export const programIn = <A>(
  files: Readonly<Record<string, string>>,
  argv: ReadonlyArray<string>,
  look: (outcome: Outcome, folder: Folder) => A,
  env?: Readonly<Record<string, string>>
): Effect.Effect<A> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Folder(files)),
    (folder) => Effect.map(program(argv, env), (outcome) => look(outcome, folder)),
    (folder) => Effect.sync(() => folder.leave())
  )
