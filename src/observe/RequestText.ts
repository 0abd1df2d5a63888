/**
 * Requests in a timeline: nestable asynchronous events (`b`, `e`), each from its arrival to its end, with its stages one after the other in
 * it and the time without KV inside those.
 */
import { encoded, type EncodedText, type TextBytes } from "../structures/TextBytes.ts"
import { separator, writeTimestamp } from "./EventText.ts"
import { type Preemption, requestColumn, type RequestSpans, statuses } from "./RequestSpans.ts"

const begin = encoded(`${separator}{"ph":"b","cat":"request","id":`)
const end = encoded(`${separator}{"ph":"e","cat":"request","id":`)
const closing = "}".charCodeAt(0)

const givenNameKey = encoded(',"args":{"request":')
const numberedNameKey = encoded(',"args":{"request":"request-')
const endOfNumberedName = encoded('"')
const statusKeys = statuses.map((status) => encoded(`,"status":"${status}","prompt_tokens":`))
const outputTokensKey = encoded(',"output_tokens":')
const reusedTokensKey = encoded(',"reused_tokens":')
const workerKey = encoded(',"worker":')
const prefillWorkerKey = encoded(',"prefill_worker":')

const never: ReadonlyArray<Preemption> = []

export class RequestText {
  private readonly out: TextBytes
  /** What stands between an event's number and its time. */
  private readonly request: EncodedText
  private readonly preempted: EncodedText
  /** Stages in their order, without and with a hand-off; the first begins at the arrival. */
  private readonly aggregatedStages: ReadonlyArray<EncodedText>
  private readonly handoffStages: ReadonlyArray<EncodedText>

  constructor(out: TextBytes, pid: number) {
    const place = (name: string): EncodedText => encoded(`,"name":"${name}","pid":${pid},"ts":`)
    this.out = out
    this.request = place("request")
    this.preempted = place("preempted")
    this.aggregatedStages = ["queued", "prefill", "decode"].map(place)
    this.handoffStages = ["queued", "prefill", "transfer", "decode"].map(place)
  }

  /** Writes requests from this row on until the text is so long; returns the next row. */
  write(requests: RequestSpans, from: number, untilBytes: number): number {
    let row = from
    while (row < requests.length && this.out.length < untilBytes) this.writeRow(requests, row++)
    return row
  }

  private writeRow(requests: RequestSpans, row: number): void {
    const { out, request } = this
    const cells = requests.rows.pieceOf(row)
    const at = requests.rows.offsetOf(row)
    const id = cells[at + requestColumn.id]!
    this.event(begin, request, id, cells[at + requestColumn.startMs]!)
    this.writeArguments(cells, at, requests.nameOf(row))
    out.character(closing)
    this.writeStages(cells, at, id, requests.preemptionsOf(id))
    this.event(end, request, id, cells[at + requestColumn.endMs]!)
    out.character(closing)
  }

  private writeArguments(cells: Float64Array, at: number, name: string | null): void {
    const { out } = this
    if (name === null)
      out
        .constant(numberedNameKey)
        .number(cells[at + requestColumn.id]!)
        .constant(endOfNumberedName)
    else out.constant(givenNameKey).text(JSON.stringify(name))
    out.constant(statusKeys[cells[at + requestColumn.status]!]!).number(cells[at + requestColumn.promptTokens]!)
    out.constant(outputTokensKey).number(cells[at + requestColumn.emittedTokens]!)
    out.constant(reusedTokensKey).number(cells[at + requestColumn.reusedTokens]!)
    const worker = cells[at + requestColumn.workerIndex]!
    if (worker >= 0) out.constant(workerKey).number(worker)
    const prefillWorker = cells[at + requestColumn.prefillWorkerIndex]!
    if (prefillWorker >= 0) out.constant(prefillWorkerKey).number(prefillWorker)
    out.character(closing)
  }

  /** Each stage that was reached goes on to the next one that was. */
  private writeStages(cells: Float64Array, at: number, id: number, preemptions: ReadonlyArray<Preemption>): void {
    const stages = cells[at + requestColumn.handedOver] === 0 ? this.aggregatedStages : this.handoffStages
    const endMs = cells[at + requestColumn.endMs]!
    let stage = 0
    let startMs = cells[at + requestColumn.startMs]!
    for (let next = 1; next <= stages.length; next++) {
      const turnMs = next === stages.length ? endMs : cells[at + requestColumn.turns + next - 1]!
      if (!(turnMs <= endMs)) continue
      if (turnMs > startMs) this.writeStage(stages[stage]!, id, startMs, turnMs, preemptions)
      stage = next
      startMs = turnMs
    }
  }

  private writeStage(
    stage: EncodedText,
    id: number,
    startMs: number,
    endMs: number,
    preemptions: ReadonlyArray<Preemption>
  ): void {
    const { out } = this
    this.event(begin, stage, id, startMs)
    out.character(closing)
    for (const preemption of preemptions) {
      // The part of it that lies in the stage.
      const fromMs = Math.max(preemption.startMs, startMs)
      const toMs = Math.min(preemption.endMs, endMs)
      if (toMs > fromMs) this.writeStage(this.preempted, id, fromMs, toMs, never)
    }
    this.event(end, stage, id, endMs)
    out.character(closing)
  }

  private event(phase: EncodedText, place: EncodedText, id: number, ms: number): void {
    writeTimestamp(this.out.constant(phase).number(id).constant(place), ms)
  }
}
