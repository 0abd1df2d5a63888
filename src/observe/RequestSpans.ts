/** Requests for a timeline, each from its arrival to its end with its stages one after the other; times in simulated ms. */
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"
import { NumberRows } from "../structures/NumberRows.ts"

export type StageName = "queued" | "prefill" | "transfer" | "decode" | "preempted"

/** A stage of a request, with what happened inside it. */
export interface Stage {
  readonly name: StageName
  readonly startMs: number
  readonly endMs: number
  readonly inside: ReadonlyArray<Stage>
}

export interface RequestSpan {
  readonly id: number
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly status: RequestStatus
  readonly promptTokens: number
  readonly emittedTokens: number
  readonly reusedTokens: number
  /** `-1` before routing. */
  readonly workerIndex: number
  /** `-1` but in disaggregated runs. */
  readonly prefillWorkerIndex: number
  readonly stages: ReadonlyArray<Stage>
}

/** Time without KV: from a preemption to the next admission; infinite where there was none. */
export interface Preemption {
  readonly startMs: number
  endMs: number
}

const statuses: ReadonlyArray<RequestStatus> = ["in_flight", "completed", "rejected", "failed"]

/** Stages in their order, without and with a hand-off; the first begins at the arrival. */
const aggregatedStages: ReadonlyArray<StageName> = ["queued", "prefill", "decode"]
const handoffStages: ReadonlyArray<StageName> = ["queued", "prefill", "transfer", "decode"]

const columns = {
  id: 0,
  startMs: 1,
  endMs: 2,
  status: 3,
  promptTokens: 4,
  emittedTokens: 5,
  reusedTokens: 6,
  workerIndex: 7,
  prefillWorkerIndex: 8,
  handedOver: 9,
  /** Starts of the second, third and fourth stage; `NaN` for those never reached. */
  turns: 10
} as const
const width = columns.turns + 3

const never: ReadonlyArray<Preemption> = []

export class RequestSpans {
  private readonly rows = new NumberRows(width)
  /** Names that the trace gives, by row. */
  private readonly names: Array<string | null> = []
  /** By request; most have none. */
  private readonly preemptions = new Map<number, ReadonlyArray<Preemption>>()

  get length(): number {
    return this.rows.length
  }

  /** Adds a request as of `nowMs`, which ends it unless its last token did. */
  add(request: SimRequest, nowMs: number, preemptions: ReadonlyArray<Preemption> | undefined): void {
    const { rows } = this
    const { arrivalMs, handoff } = request
    const row = rows.add()
    const { cells } = rows
    cells[row + columns.id] = request.id
    cells[row + columns.startMs] = arrivalMs
    cells[row + columns.endMs] = endOf(request, nowMs)
    cells[row + columns.status] = statuses.indexOf(request.status)
    cells[row + columns.promptTokens] = request.promptTokens
    cells[row + columns.emittedTokens] = request.emittedTokens
    cells[row + columns.reusedTokens] = request.reusedTokens
    cells[row + columns.workerIndex] = request.workerIndex
    cells[row + columns.prefillWorkerIndex] = handoff === null ? -1 : handoff.prefillWorkerIndex
    cells[row + columns.handedOver] = handoff === null ? 0 : 1
    cells[row + columns.turns] = handoff === null ? request.firstAdmitMs : handoff.prefillAdmitMs
    cells[row + columns.turns + 1] = handoff === null ? request.firstTokenMs : handoff.sourceHeldMs
    cells[row + columns.turns + 2] = handoff === null ? Number.NaN : handoff.decodeAdmitMs
    this.names.push(request.requestId)
    if (preemptions !== undefined) this.preemptions.set(request.id, preemptions)
  }

  /** Lets go of requests whose number is not divisible. */
  keepEvery(every: number): void {
    const { names, preemptions, rows } = this
    let kept = 0
    for (let row = 0; row < rows.length; row++) {
      const id = rows.get(row, columns.id)
      if (id % every !== 0) {
        preemptions.delete(id)
        continue
      }
      rows.copy(row, kept)
      names[kept++] = names[row] ?? null
    }
    rows.truncate(kept)
    names.length = kept
  }

  *all(): Generator<RequestSpan> {
    for (let row = 0; row < this.length; row++) yield this.at(row)
  }

  private at(row: number): RequestSpan {
    const cells = this.rows.pieceOf(row)
    const start = this.rows.offsetOf(row)
    const of = (column: number): number => cells[start + column]!
    const id = of(columns.id)
    return {
      id,
      name: this.names[row] ?? `request-${id}`,
      startMs: of(columns.startMs),
      endMs: of(columns.endMs),
      status: statuses[of(columns.status)] ?? "in_flight",
      promptTokens: of(columns.promptTokens),
      emittedTokens: of(columns.emittedTokens),
      reusedTokens: of(columns.reusedTokens),
      workerIndex: of(columns.workerIndex),
      prefillWorkerIndex: of(columns.prefillWorkerIndex),
      stages: this.stagesOf(row, this.preemptions.get(id) ?? never)
    }
  }

  /** Each stage that was reached goes on to the next one that was. */
  private stagesOf(row: number, preemptions: ReadonlyArray<Preemption>): ReadonlyArray<Stage> {
    const endMs = this.rows.get(row, columns.endMs)
    const names = this.rows.get(row, columns.handedOver) === 0 ? aggregatedStages : handoffStages
    const stages: Array<Stage> = []
    let stage = this.nextReached(row, 0, names.length, endMs)
    while (stage < names.length) {
      const next = this.nextReached(row, stage + 1, names.length, endMs)
      const startMs = this.startOf(row, stage)
      const untilMs = next < names.length ? this.startOf(row, next) : endMs
      if (untilMs > startMs) {
        stages.push({ name: names[stage]!, startMs, endMs: untilMs, inside: within(preemptions, startMs, untilMs) })
      }
      stage = next
    }
    return stages
  }

  /** The first stage from this one on that began by `endMs`; `stages` where there is none. */
  private nextReached(row: number, from: number, stages: number, endMs: number): number {
    let stage = from
    while (stage < stages && !(this.startOf(row, stage) <= endMs)) stage += 1
    return stage
  }

  private startOf(row: number, stage: number): number {
    return this.rows.get(row, stage === 0 ? columns.startMs : columns.turns + stage - 1)
  }
}

export const endOf = ({ arrivalMs, lastTokenMs, status }: SimRequest, nowMs: number): number =>
  Math.max(arrivalMs, status === "completed" && !Number.isNaN(lastTokenMs) ? lastTokenMs : nowMs)

/** The parts of preemptions that lie in a stage. */
const within = (preemptions: ReadonlyArray<Preemption>, startMs: number, endMs: number): ReadonlyArray<Stage> =>
  preemptions.length === 0
    ? nothing
    : preemptions.flatMap((each) => {
        const from = Math.max(each.startMs, startMs)
        const to = Math.min(each.endMs, endMs)
        return to > from ? [{ name: "preempted", startMs: from, endMs: to, inside: nothing }] : []
      })

const nothing: ReadonlyArray<Stage> = []
