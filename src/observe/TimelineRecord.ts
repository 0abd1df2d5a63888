/** What a timeline keeps of a run: passes, several of them as one where there are too many, and the stages of requests. */
import type { PassOutcome, WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"

/** Consecutive passes of a worker; times in simulated ms. */
export interface PassGroup {
  passes: number
  readonly startMs: number
  endMs: number
  /** Where the prefill part of the first pass ends. */
  readonly prefillEndMs: number
  /** Time that passes take; less than from start to end where the worker was idle in between. */
  busyMs: number
  prefillTokens: number
  decodeTokens: number
  preemptions: number
  /** State of the worker as the first pass starts. */
  readonly state: WorkerSnapshot
}

export const passGroup = (startMs: number, outcome: PassOutcome, state: WorkerSnapshot): PassGroup => ({
  passes: 1,
  startMs,
  endMs: outcome.endMs,
  prefillEndMs: outcome.prefillEndMs,
  busyMs: outcome.endMs - startMs,
  prefillTokens: outcome.prefillTokens,
  decodeTokens: outcome.emittedTokens,
  preemptions: outcome.preemptions,
  state
})

/** Adds the pass that comes next. */
export const addPass = (group: PassGroup, startMs: number, outcome: PassOutcome): void => {
  group.passes += 1
  group.endMs = outcome.endMs
  group.busyMs += outcome.endMs - startMs
  group.prefillTokens += outcome.prefillTokens
  group.decodeTokens += outcome.emittedTokens
  group.preemptions += outcome.preemptions
}

/** Adds what comes next. */
export const mergeInto = (group: PassGroup, next: PassGroup): void => {
  group.passes += next.passes
  group.endMs = next.endMs
  group.busyMs += next.busyMs
  group.prefillTokens += next.prefillTokens
  group.decodeTokens += next.decodeTokens
  group.preemptions += next.preemptions
}

export type StageName = "queued" | "prefill" | "transfer" | "decode" | "preempted"

/** A stage of a request, with what happened inside it. */
export interface Stage {
  readonly name: StageName
  readonly startMs: number
  readonly endMs: number
  readonly inside: ReadonlyArray<Stage>
}

/** A request from its arrival to its end, with its stages one after the other. */
export interface RequestSpan {
  readonly id: number
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly status: RequestStatus
  readonly promptTokens: number
  readonly emittedTokens: number
  readonly reusedTokens: number
  readonly workerIndex: number
  readonly prefillWorkerIndex: number | undefined
  readonly stages: ReadonlyArray<Stage>
}

/** Times without KV: from a preemption to the next admission; infinite where there was none. */
export interface Preemption {
  readonly startMs: number
  endMs: number
}

/** The moments at which one stage gives way to the next; `NaN` for those never reached. */
const turns = (request: SimRequest): ReadonlyArray<readonly [StageName, number]> => {
  const { arrivalMs, firstAdmitMs, firstTokenMs, handoff } = request
  if (handoff === null) {
    return [
      ["queued", arrivalMs],
      ["prefill", firstAdmitMs],
      ["decode", firstTokenMs]
    ]
  }
  return [
    ["queued", arrivalMs],
    ["prefill", handoff.prefillAdmitMs],
    ["transfer", handoff.sourceHeldMs],
    ["decode", handoff.decodeAdmitMs]
  ]
}

/** The request as of `nowMs`, which ends it unless its last token did. */
export const requestSpan = (
  request: SimRequest,
  nowMs: number,
  preemptions: ReadonlyArray<Preemption>
): RequestSpan => {
  const lastMs = request.status === "completed" ? request.lastTokenMs : Number.NaN
  const endMs = Math.max(request.arrivalMs, Number.isNaN(lastMs) ? nowMs : lastMs)
  const reached = turns(request).filter(([, startMs]) => !Number.isNaN(startMs) && startMs <= endMs)
  const stages = reached.map(([name, startMs], index): Stage => {
    const nextMs = Math.max(startMs, Math.min(reached[index + 1]?.[1] ?? endMs, endMs))
    return { name, startMs, endMs: nextMs, inside: within(preemptions, startMs, nextMs) }
  })
  return {
    id: request.id,
    name: request.requestId ?? `request-${request.id}`,
    startMs: request.arrivalMs,
    endMs,
    status: request.status,
    promptTokens: request.promptTokens,
    emittedTokens: request.emittedTokens,
    reusedTokens: request.reusedTokens,
    workerIndex: request.workerIndex,
    prefillWorkerIndex: request.handoff?.prefillWorkerIndex,
    stages: stages.filter((stage) => stage.endMs > stage.startMs)
  }
}

/** The parts of preemptions that lie in a stage. */
const within = (preemptions: ReadonlyArray<Preemption>, startMs: number, endMs: number): ReadonlyArray<Stage> =>
  preemptions.flatMap((each) => {
    const from = Math.max(each.startMs, startMs)
    const to = Math.min(each.endMs, endMs)
    return to > from ? [{ name: "preempted", startMs: from, endMs: to, inside: [] }] : []
  })
