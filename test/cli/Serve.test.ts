/** `dynosim serve` from its command line. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FlagValues } from "../../src/config/ReadFlags.ts"
import { main } from "../../src/cli/Main.ts"
import { readServeSettings } from "../../src/cli/ServeSettings.ts"
import { defaultEngineArgs } from "../../src/engine/EngineArgs.ts"
import { Pace } from "../../src/online/Pace.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { defaultServeOptions, type ServeOptions } from "../../src/serve/ServeOptions.ts"
import { serve } from "../../src/serve/Server.ts"
import { aggregated, engineOf } from "../online/OnlineRuns.ts"

const flags = (given: Readonly<Record<string, string>>): FlagValues =>
  new Map(Object.entries(given).map(([name, text]) => [name, { _tag: "Text", flag: `--${name}`, text }]))

describe("the settings of a server", () => {
  it("have defaults", () => {
    assert.deepStrictEqual(Result.getOrThrow(readServeSettings(flags({}))), defaultServeOptions)
  })

  it("are read in their units", () => {
    const settings = Result.getOrThrow(
      readServeSettings(
        flags({
          host: "localhost",
          "allow-host": "sim.example.org, [fd00::1]",
          "allow-origin": "http://localhost:3000",
          port: "0",
          "served-model-name": "org/m",
          "max-model-len": "4096",
          "default-output-tokens": "5",
          "max-concurrent-requests": "6",
          "max-body-bytes": "7",
          "request-timeout-seconds": "0.5",
          "client-timeout-seconds": "2"
        })
      )
    )
    assert.deepStrictEqual(settings, {
      host: "localhost",
      allowedHosts: ["sim.example.org", "[fd00::1]"],
      allowedOrigins: ["http://localhost:3000"],
      port: 0,
      modelName: "org/m",
      maxContextTokens: 4096,
      defaultOutputTokens: 5,
      maxConcurrentRequests: 6,
      maxBodyBytes: 7,
      requestTimeoutSeconds: 0.5,
      clientTimeoutSeconds: 2,
      maxLagMs: defaultServeOptions.maxLagMs
    })
  })

  const refused: ReadonlyArray<readonly [flag: string, value: string, message: RegExp]> = [
    ["host", "", /^--host: expected a string that is not empty, got ""$/],
    ["allow-host", "", /^--allow-host: expected host names without port, separated by commas, got ""$/],
    ["allow-host", "a,http://b", /^--allow-host: .*, got "http:\/\/b"$/],
    ["allow-origin", "localhost", /^--allow-origin: expected origins such as .*, got "localhost"$/],
    ["port", "70000", /^--port: expected an integer from 0 to 65535, got 70000$/],
    ["port", "http", /^--port: expected an integer .*, got "http"$/],
    ["served-model-name", "", /^--served-model-name: expected a string that is not empty, got ""$/],
    ["max-model-len", "0", /^--max-model-len: expected an integer .*, got 0$/],
    ["max-concurrent-requests", "-1", /^--max-concurrent-requests: expected an integer .*, got -1$/],
    [
      "request-timeout-seconds",
      "0",
      /^--request-timeout-seconds: expected a number above 0, from 0.001 to \d+, got 0$/
    ],
    ["client-timeout-seconds", "1e9", /^--client-timeout-seconds: expected a number above 0, .* got 1e9$/]
  ]
  for (const [flag, value, message] of refused) {
    it(`refuse --${flag} ${value}`, () => {
      const result = readServeSettings(flags({ [flag]: value }))
      assert.match(Result.isFailure(result) ? result.failure.message : "accepted", message)
    })
  }
})

describe("a server of a program's own", () => {
  const wrong: ReadonlyArray<readonly [changes: Partial<ServeOptions>, flag: string, value: string]> = [
    [{ host: "" }, "host", ""],
    [{ port: 70_000 }, "port", "70000"],
    [{ allowedHosts: ["a", "http://b"] }, "allow-host", "a,http://b"],
    [{ allowedOrigins: ["localhost"] }, "allow-origin", "localhost"],
    [{ maxContextTokens: 0 }, "max-model-len", "0"],
    [{ requestTimeoutSeconds: 0 }, "request-timeout-seconds", "0"]
  ]
  for (const [changes, flag, value] of wrong) {
    it.effect(`says what the command says of --${flag} ${value}`, () =>
      Effect.gen(function* () {
        const command = readServeSettings(flags({ [flag]: value }))
        const nothing = () => Effect.void
        const error = yield* serve({ ...defaultServeOptions, ...changes }, nothing).pipe(
          Effect.provide(
            aggregated({ engine: engineOf(defaultEngineArgs), router: RoundRobin.layer, workers: 1 }).live
          ),
          Effect.provide(Pace.layerLive),
          Effect.flip
        )
        const expected = Result.isFailure(command) ? command.failure.message : "accepted"
        assert.strictEqual(`--${error.message.replace(/^[a-z_]+/, (key) => key.replaceAll("_", "-"))}`, expected)
      })
    )
  }
})

describe("dynosim serve", () => {
  /** Runs the command with what it prints. */
  const program = (argv: ReadonlyArray<string>, print: (line: string) => void) =>
    main(argv).pipe(
      Effect.provideService(Console.Console, { ...console, log: print, error: print }),
      Effect.provide(NodeServices.layer)
    )

  it.live("prints where it serves, and serves until it is interrupted", () =>
    Effect.gen(function* () {
      const greeting = yield* Deferred.make<string>()
      const words = [
        "serve",
        "--port",
        "0",
        "--num-workers",
        "2",
        "--router-mode",
        "kv_router",
        "--served-model-name",
        "m"
      ]
      yield* Effect.forkScoped(program(words, (line) => Deferred.doneUnsafe(greeting, Effect.succeed(line))))
      const line = yield* Deferred.await(greeting)
      const [, url] = /^serving m on (http:\S+): 2 workers, kv_router$/.exec(line) ?? []
      const models = yield* Effect.promise(() => fetch(`${url}/v1/models`).then((response) => response.text()))
      assert.include(models, '"id":"m"')
    })
  )

  it.live("says what is wrong with its deployment in one line", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const exit = yield* Effect.exit(program(["serve", "--num-workers", "0"], (line) => lines.push(line)))
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(lines, ["error: --num-workers: expected an integer from 1 to 65536, got 0"])
    })
  )

  it.live("warns of an address that others can reach, and says when it is none of this machine's", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      yield* Effect.exit(program(["serve", "--port", "8000", "--host", "192.0.2.1"], (line) => lines.push(line)))
      assert.strictEqual(lines.length, 2)
      assert.match(
        lines[0]!,
        /^note: --host: 192\.0\.2\.1 may be reached from other machines, and there is no authentication$/
      )
      assert.match(lines[1]!, /^error: --host: cannot listen on 192\.0\.2\.1:8000: .*EADDRNOTAVAIL/)
    })
  )
})
