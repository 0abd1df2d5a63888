/** Routers of somebody's own that do what they must not fail a live run as they fail one offline. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { layer as plainWorkload } from "../support/PlainWorkload.ts"
import { row } from "../support/RequestBuilder.ts"
import { releasing, stubborn } from "../support/WrongRouters.ts"
import { aggregated, disaggregated, engineOf, failures, type Wiring } from "./OnlineRuns.ts"

const workload = plainWorkload({
  traceBlockTokens: 512,
  rows: [1, 2, 3].map((line) =>
    row({ timestampMs: 5 * line, promptTokens: 64, outputTokens: 4, hashIds: [line] }, line)
  )
})

const pool = (router: ReturnType<typeof stubborn>) => aggregated({ engine: engineOf(engineArgs()), router, workers: 2 })

const pools = (router: ReturnType<typeof stubborn>) =>
  disaggregated(engineArgs(), engineArgs(), router, { prefillWorkers: 2, decodeWorkers: 2 })

describe("a router that does what it must not", () => {
  for (const [what, wiring, problem] of [
    [
      "a worker that does not exist",
      pool(stubborn(2)),
      "the stubborn router sent request 0 to worker 2 of the aggregated pool"
    ],
    ["a negative one", pool(stubborn(-2)), "the stubborn router sent request 0 to worker -2 of the aggregated pool"],
    [
      "no worker at all",
      pool(stubborn(Number.NaN)),
      "the stubborn router sent request 0 to worker NaN of the aggregated pool"
    ],
    [
      "such a worker for a parked request",
      pool(releasing(7)),
      "the releasing router sent request 1 to worker 7 of the aggregated pool"
    ],
    [
      "such a worker of two pools",
      pools(stubborn(2)),
      /^the stubborn router sent request 0 to worker 2 of the (prefill|decode) pool/
    ],
    [
      "a worker to decode that it leaves open",
      pools(releasing(0)),
      "the releasing router parked request 1 of the decode pool"
    ]
  ] as ReadonlyArray<readonly [string, Wiring, string | RegExp]>) {
    it.effect(`says so of ${what}`, () =>
      Effect.gen(function* () {
        for (const error of yield* failures(wiring, workload)) {
          assert(error._tag === "ReplayError")
          assert.strictEqual(error.reason, "router")
          if (typeof problem === "string") assert.include(error.message, problem)
          else assert.match(error.message, problem)
        }
      })
    )
  }
})
