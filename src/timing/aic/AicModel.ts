/**
 * A model's prefill and decode latency as the sum of its operations' prices: the arithmetic of the AIConfigurator
 * performance model as ai-dynamo 1.3.1 evaluates it.
 *
 * Everything is bound to tables up front, so a call only interpolates. Prices that do not depend on sequence lengths
 * are kept per decode batch. Prices are added in list order, because the result must match to the last bits.
 */
import * as Effect from "effect/Effect"
import type { AicError } from "./AicError.ts"
import { MeasuredRange } from "./MeasuredRange.ts"
import type { OpLists } from "./OpPlan.ts"
import type { PerfTables } from "./PerfTables.ts"
import { type PricedOp, priceOp } from "./PricedOp.ts"
import type { SystemConstants } from "./SystemConstants.ts"

/** Decode batches up to this size keep their prices; one entry is a few hundred bytes. */
const maxKeptBatch = 8192

/** Prices of a decode step of one batch that hold for every context length. */
interface BatchPrices {
  /** Sum of those before the first operation that reads sequences. */
  readonly beforeMs: number
  /** By operation; 0 for those that read sequences. */
  readonly ms: Float64Array
  /** What their look-ups left; `undefined` where they left nothing. */
  readonly left: MeasuredRange | undefined
}

export class AicModel {
  private readonly context: ReadonlyArray<PricedOp>
  private readonly generation: ReadonlyArray<PricedOp>
  /** Operations of a decode step that read sequences, by their places in it. */
  private readonly reading: ReadonlyArray<PricedOp>
  private readonly readingAt: Int32Array
  /** What the look-ups of the last call left. */
  readonly range: MeasuredRange
  private readonly batches: Array<BatchPrices | undefined> = Array.from({ length: maxKeptBatch + 1 })

  constructor(context: ReadonlyArray<PricedOp>, generation: ReadonlyArray<PricedOp>, range: MeasuredRange) {
    this.context = context
    this.generation = generation
    this.range = range
    this.reading = generation.filter((op) => op.readsSequence)
    this.readingAt = Int32Array.from(this.reading, (op) => generation.indexOf(op))
  }

  /** Milliseconds of prefilling `newTokens` (>= 1) in each of `batch` requests on top of `prefixTokens`. */
  prefillMs(batch: number, newTokens: number, prefixTokens: number): number {
    const tokens = batch * newTokens
    const sequenceTokens = newTokens + prefixTokens
    this.range.reset()
    let total = 0
    for (let i = 0; i < this.context.length; i++) {
      total += this.context[i]!.ms(batch, tokens, sequenceTokens, prefixTokens)
    }
    return total
  }

  /** Milliseconds of one decode step of `batch` requests (>= 1) of mean length `contextTokens`. */
  decodeMs(batch: number, contextTokens: number): number {
    const prices = this.batches[batch] ?? this.priceBatch(batch)
    this.range.reset()
    if (prices.left !== undefined) this.range.addFrom(prices.left)
    const { ms } = prices
    const { reading, readingAt } = this
    // In the order of the list, with what is known of it: one operation of ten reads sequences.
    let total = prices.beforeMs
    for (let k = 0; k < reading.length; k++) {
      total += reading[k]!.ms(batch, batch, contextTokens + 1, 0)
      const end = k + 1 < reading.length ? readingAt[k + 1]! : ms.length
      for (let i = readingAt[k]! + 1; i < end; i++) total += ms[i]!
    }
    return total
  }

  /**
   * Milliseconds of decode steps that follow each other as of `contextTokens`, each request a token longer in each: into `intoMs`, as many
   * of `steps` as have their prices from the same measurements and leave the same. How many is the answer, at least 1.
   */
  decodeRowMs(batch: number, contextTokens: number, steps: number, intoMs: Float64Array): number {
    const sequenceTokens = contextTokens + 1
    intoMs[0] = this.decodeMs(batch, contextTokens)
    const prices = this.batches[batch]
    const { reading, readingAt } = this
    let count = prices === undefined ? 1 : steps
    for (let k = 0; k < reading.length && count > 1; k++) {
      count = Math.min(count, 1 + (reading[k]!.row?.stepsFrom(sequenceTokens) ?? 0))
    }
    if (prices === undefined || count === 1) return 1
    const { beforeMs, ms } = prices
    for (let step = 1; step < count; step++) intoMs[step] = beforeMs
    for (let k = 0; k < reading.length; k++) {
      reading[k]!.row?.addTo(intoMs, 1, count, batch, sequenceTokens)
      const end = k + 1 < reading.length ? readingAt[k + 1]! : ms.length
      for (let i = readingAt[k]! + 1; i < end; i++) {
        const price = ms[i]!
        for (let step = 1; step < count; step++) intoMs[step]! += price
      }
    }
    return count
  }

  private priceBatch(batch: number): BatchPrices {
    this.range.reset()
    const ms = Float64Array.from(this.generation, (op) => (op.readsSequence ? 0 : op.ms(batch, batch, 0, 0)))
    const beforeMs = ms.subarray(0, this.readingAt[0] ?? ms.length).reduce((sum, price) => sum + price, 0)
    const prices = { beforeMs, ms, left: this.range.left ? copyOf(this.range) : undefined }
    if (batch <= maxKeptBatch) this.batches[batch] = prices
    return prices
  }
}

const copyOf = (range: MeasuredRange): MeasuredRange => {
  const copy = new MeasuredRange()
  copy.addFrom(range)
  return copy
}

/** Binds op lists to tables; fails where a table lacks what an operation needs. */
export const makeAicModel = (
  lists: OpLists,
  tables: PerfTables,
  system: SystemConstants
): Effect.Effect<AicModel, AicError> => {
  const range = new MeasuredRange()
  const source = { tables, system, range }
  return Effect.map(
    Effect.all([
      Effect.forEach(lists.context, (op) => priceOp(source, op)),
      Effect.forEach(lists.generation, (op) => priceOp(source, op))
    ]),
    ([context, generation]) => new AicModel(context, generation, range)
  )
}
