/**
 * The reference's KV router, decision by decision: each request is forced onto the worker that the reference chose, which must be
 * one of this router's exact minima, and every time of every request must then be the reference's.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { RequestRecord, SimRequest } from "../../src/request/SimRequest.ts"
import type { RoutingDecision } from "../../src/router/kv/KvRouterCore.ts"
import { isClose } from "../support/Assertions.ts"
import { type GoldenRequests, goldenNames, loadGolden, run } from "./GoldenRun.ts"

/**
 * Finds the recorded line of a request by its lengths, its place in its session where the trace has sessions, and its
 * arrival; each line is taken once.
 */
class Recording {
  private readonly lines: GoldenRequests
  private readonly bySession: boolean
  private readonly byKey = new Map<string, Array<number>>()
  private readonly byRequest = new Map<number, number>()

  constructor(lines: GoldenRequests) {
    this.lines = lines
    // Rows without a session get one of the reference's making in a closed loop: "request_N".
    this.bySession = lines.sessionId.some((id) => id !== null && !id.startsWith("request_"))
    lines.arrivalMs.forEach((_, line) => {
      const key = this.key(
        lines.promptTokens[line]!,
        lines.outputTokens[line]!,
        lines.sessionId[line]!,
        lines.turnIndex[line]!
      )
      const same = this.byKey.get(key)
      if (same === undefined) this.byKey.set(key, [line])
      else same.push(line)
    })
  }

  private key(promptTokens: number, outputTokens: number, sessionId: string | null, turnIndex: number | null): string {
    const lengths = `${promptTokens}/${outputTokens}`
    return this.bySession ? `${lengths}/${sessionId}/${turnIndex}` : lengths
  }

  /** Line of the request; looked for when it is routed for the first time. */
  find(request: SimRequest): number {
    const known = this.byRequest.get(request.id)
    if (known !== undefined) return known
    const candidates =
      this.byKey.get(this.key(request.promptTokens, request.outputTokens, request.sessionId, request.turnIndex)) ?? []
    const at = candidates.findIndex((line) => isClose(request.arrivalMs, this.lines.arrivalMs[line]!))
    assert(at >= 0, `request ${request.id} arrived at ${request.arrivalMs}: not in the recording`)
    const [line] = candidates.splice(at, 1)
    this.byRequest.set(request.id, line!)
    return line!
  }

  check(record: RequestRecord): void {
    const line = this.byRequest.get(record.id)
    assert(line !== undefined, `request ${record.id} was never routed`)
    const { lines } = this
    const expect = (what: string, actual: number, expected: number | null | undefined) =>
      assert(
        expected === null ? Number.isNaN(actual) : isClose(actual, expected ?? Number.NaN),
        `${what} of request ${record.id}: expected ${expected}, got ${actual}`
      )
    expect("first admission", record.firstAdmitMs, lines.firstAdmitMs[line])
    expect("first token", record.firstTokenMs, lines.firstTokenMs[line])
    expect("last token", record.lastTokenMs, lines.lastTokenMs[line])
    const { handoff } = record
    if (handoff === null) return expect("reused tokens", record.reusedTokens, lines.reusedTokens[line])
    expect("reused tokens", handoff.prefillReusedTokens, lines.reusedTokens[line])
    expect("route overlap", handoff.prefillRouteOverlapTokens, lines.prefillRouteOverlapTokens?.[line])
    expect("prefill admission", handoff.prefillAdmitMs, lines.prefillAdmitMs?.[line])
    expect("end of prefill", handoff.sourceHeldMs, lines.sourceHeldMs?.[line])
    expect("reservation", handoff.destinationReservedMs, lines.destinationReservedMs?.[line])
    expect("activation", handoff.destinationActivatedMs, lines.destinationActivatedMs?.[line])
    expect("decode admission", handoff.decodeAdmitMs, lines.decodeAdmitMs?.[line])
    expect("release", handoff.sourceReleasedMs, lines.sourceReleasedMs?.[line])
  }
}

/** Log-likelihood of a pick under the softmax of the costs, less its expectation, and its variance. */
const surprise = ({ costs }: RoutingDecision, worker: number, temperature: number) => {
  const lowest = Math.min(...costs)
  const range = Math.max(...costs) - lowest
  const weights = costs.map((cost) => (range === 0 ? 1 : Math.exp(-(cost - lowest) / (range * temperature))))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const logs = weights.map((weight) => Math.log(weight / total))
  const mean = weights.reduce((sum, weight, i) => sum + (weight / total) * logs[i]!, 0)
  const variance = weights.reduce((sum, weight, i) => sum + (weight / total) * (logs[i]! - mean) ** 2, 0)
  return { excess: logs[worker]! - mean, variance }
}

const temperature = 0.5

describe("guided replay of recorded runs", () => {
  for (const name of goldenNames) {
    const golden = loadGolden(name)
    const { requests } = golden
    if (requests === null) continue
    it.effect(name, () =>
      Effect.gen(function* () {
        const recording = new Recording(requests)
        const softmax = golden.arguments.some((text) => text.includes("router_temperature"))
        let excess = 0
        let variance = 0
        const { records } = yield* run(golden, {}, (decision) => {
          const line = recording.find(decision.request)
          const workers = decision.role === "prefill" ? requests.prefillWorker! : requests.worker
          const worker = workers[line]!
          if (softmax) {
            const step = surprise(decision, worker, temperature)
            excess += step.excess
            variance += step.variance
          } else {
            assert.include(
              decision.minima,
              worker,
              `request ${decision.request.id} at ${decision.nowMs} ms: costs ${decision.costs}`
            )
          }
          return worker
        })
        assert.strictEqual(records.length, requests.arrivalMs.length)
        for (const record of records) recording.check(record)
        if (softmax) assert.isBelow(Math.abs(excess) / Math.sqrt(variance), 3)
      })
    )
  }
})
