/**
 * Requests in a timeline: nestable asynchronous events (`b`, `e`), each from its arrival to its end, with its stages one after the other in
 * it and the time without KV inside those.
 */
import type { TextBytes } from "../structures/TextBytes.ts"
import { type TextTemplate, textTemplate, thousandths, whole } from "../structures/TextTemplate.ts"
import { endOfArguments, EventHead, nanoseconds, separator } from "./EventText.ts"
import { never, type Preemption, requestColumn, type RequestSpans, statuses } from "./RequestSpans.ts"

const numberedName = textTemplate`"request-${whole}"`
const tokenArguments = statuses.map(
  (status) =>
    textTemplate`,"status":"${status}","prompt_tokens":${whole},"output_tokens":${whole},"reused_tokens":${whole}`
)
const workerArgument = textTemplate`,"worker":${whole}`
const prefillWorkerArgument = textTemplate`,"prefill_worker":${whole}`

/** The two events of what takes time. */
interface Span {
  readonly begin: TextTemplate
  readonly end: TextTemplate
}

export class RequestText {
  private readonly out: TextBytes
  private readonly head: EventHead
  /** Of what is written, in the order of its text. */
  private readonly numbers = new Float64Array(3)
  /** Begins where its name as an argument follows. */
  private readonly request: Span
  private readonly preempted: Span
  /** Stages in their order, without and with a hand-off; the first begins at the arrival. */
  private readonly aggregatedStages: ReadonlyArray<Span>
  private readonly handoffStages: ReadonlyArray<Span>

  constructor(out: TextBytes, pid: number) {
    const event = (phase: string, name: string, closing: string): TextTemplate =>
      textTemplate`,"ph":"${phase}","pid":${pid},"cat":"request","name":"${name}"${closing}`
    const span = (name: string): Span => ({ begin: event("b", name, "}"), end: event("e", name, "}") })
    this.out = out
    this.head = new EventHead(out, textTemplate`${separator}{"ts":${thousandths},"id":${whole}`)
    this.request = { ...span("request"), begin: event("b", "request", ',"args":{"request":') }
    this.preempted = span("preempted")
    this.aggregatedStages = ["queued", "prefill", "decode"].map(span)
    this.handoffStages = ["queued", "prefill", "transfer", "decode"].map(span)
  }

  /** Writes requests from this row on until the text is so long; returns the next row. */
  write(requests: RequestSpans, from: number, untilBytes: number): number {
    this.head.forget()
    let row = from
    while (row < requests.length && this.out.length < untilBytes) this.writeRow(requests, row++)
    return row
  }

  private writeRow(requests: RequestSpans, row: number): void {
    const { head, request } = this
    const cells = requests.rows.pieceOf(row)
    const at = requests.rows.offsetOf(row)
    const id = cells[at + requestColumn.id]!
    head.next[1] = id
    this.event(request.begin, cells[at + requestColumn.startMs]!)
    this.writeArguments(cells, at, requests.nameOf(row))
    this.writeStages(cells, at, requests.preemptionsOf(id))
    this.event(request.end, cells[at + requestColumn.endMs]!)
  }

  private writeArguments(cells: Float64Array, at: number, name: string | null): void {
    const { numbers, out } = this
    if (name === null) out.fillOne(numberedName, cells[at + requestColumn.id]!)
    else out.text(JSON.stringify(name))
    numbers[0] = cells[at + requestColumn.promptTokens]!
    numbers[1] = cells[at + requestColumn.emittedTokens]!
    numbers[2] = cells[at + requestColumn.reusedTokens]!
    out.fill(tokenArguments[cells[at + requestColumn.status]!]!, numbers)
    const worker = cells[at + requestColumn.workerIndex]!
    if (worker >= 0) out.fillOne(workerArgument, worker)
    const prefillWorker = cells[at + requestColumn.prefillWorkerIndex]!
    if (prefillWorker >= 0) out.fillOne(prefillWorkerArgument, prefillWorker)
    out.fill(endOfArguments, numbers)
  }

  /** Each stage that was reached goes on to the next one that was. */
  private writeStages(cells: Float64Array, at: number, preemptions: ReadonlyArray<Preemption>): void {
    const stages = cells[at + requestColumn.handedOver] === 0 ? this.aggregatedStages : this.handoffStages
    const endMs = cells[at + requestColumn.endMs]!
    let stage = 0
    let startMs = cells[at + requestColumn.startMs]!
    for (let next = 1; next <= stages.length; next++) {
      const turnMs = next === stages.length ? endMs : cells[at + requestColumn.turns + next - 1]!
      if (!(turnMs <= endMs)) continue
      if (turnMs > startMs) this.writeStage(stages[stage]!, startMs, turnMs, preemptions)
      stage = next
      startMs = turnMs
    }
  }

  private writeStage(stage: Span, startMs: number, endMs: number, preemptions: ReadonlyArray<Preemption>): void {
    this.event(stage.begin, startMs)
    for (const preemption of preemptions) {
      // The part of it that lies in the stage.
      const fromMs = Math.max(preemption.startMs, startMs)
      const toMs = Math.min(preemption.endMs, endMs)
      if (toMs > fromMs) this.writeStage(this.preempted, fromMs, toMs, never)
    }
    this.event(stage.end, endMs)
  }

  /** Of the request that is written. */
  private event(template: TextTemplate, timeMs: number): void {
    const { head, numbers, out } = this
    head.next[0] = nanoseconds(timeMs)
    head.write()
    out.fill(template, numbers)
  }
}
