/**
 * The choices of a recorded run of the reference, made again: its KV router draws ties from a generator without a seed, so a run
 * can only be compared when every request goes where it went then. Each recorded choice must be one of this router's minima.
 *
 * Requests are told apart by their lengths, and by arrival, session and turn where lengths are equal.
 */
import type { SimRequest } from "../../src/request/SimRequest.ts"
import type { DecisionHook } from "../../src/router/kv/KvRouterCore.ts"
import { isClose } from "./Assertions.ts"
import type { RecordedRequests } from "./Comparison.ts"

export interface Guide {
  readonly hook: DecisionHook
  /** Recorded choices that would cost more here than another one. */
  readonly faults: ReadonlyArray<string>
}

/** The guide through a recorded run, where its command line asks for the KV router. */
export const guideFor = (words: ReadonlyArray<string>, recorded: RecordedRequests): Guide | undefined =>
  words.includes("kv_router") ? guideBy(recorded) : undefined

/** Where no session has a second turn the reference names none. */
const isSameOrUnnamed = (recorded: string | number | null, own: string | number | null): boolean =>
  recorded === null || own === null || recorded === own

const guideBy = (recorded: RecordedRequests): Guide => {
  const lines = new Map<number, number>()
  const taken = new Set<number>()
  const faults: Array<string> = []
  const column = (name: string, line: number): string | number | null => recorded[name]?.[line] ?? null

  const isLineOf = (request: SimRequest, line: number): boolean =>
    !taken.has(line)
    && column("input_length", line) === request.promptTokens
    && column("output_length", line) === request.outputTokens
    && isSameOrUnnamed(column("session_id", line), request.sessionId)
    && isSameOrUnnamed(column("turn_index", line), request.turnIndex)
    && isClose(request.arrivalMs, Number(column("arrival_time_ms", line)))

  const lineOf = (request: SimRequest): number => {
    const known = lines.get(request.id)
    if (known !== undefined) return known
    const line = recorded["arrival_time_ms"]!.findIndex((_, index) => isLineOf(request, index))
    taken.add(line)
    lines.set(request.id, line)
    return line
  }

  const hook: DecisionHook = ({ costs, minima, nowMs, request, role }) => {
    const worker = column(role === "prefill" ? "prefill_worker_idx" : "decode_worker_idx", lineOf(request))
    if (typeof worker !== "number") {
      faults.push(`request ${request.id} is routed at ${nowMs} ms, but is not in the recording`)
      return undefined
    }
    if (!minima.includes(worker)) {
      faults.push(
        `request ${request.id} went to ${role} worker ${worker} at ${nowMs} ms, where costs are ${costs.join(" ")}`
      )
    }
    return worker
  }
  return { hook, faults }
}
