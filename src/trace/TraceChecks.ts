/**
 * Signs that rows are not what they are read as: rows of other dialects are often accepted, and give wrong numbers.
 *
 * Folded over the first pass of a trace. Memory: two numbers per session that has several rows or a name; nothing per row.
 */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { isNarrow, lowHalf, type HashId } from "../request/HashId.ts"
import type { JsonObject } from "./JsonLine.ts"
import { MistakenKeys } from "./MistakenKeys.ts"
import type { TraceError } from "./TraceError.ts"
import type { TraceRow } from "./TraceRow.ts"
import { counted } from "../settings/Counted.ts"

/** A row that says how long its prompt is, apart from its hash ids. */
export interface CheckedRow extends TraceRow {
  /** As written, before it is cut to what the hash ids supply; `undefined` where the row leaves it out. */
  readonly statedTokens: number | undefined
}

export interface ChecksOptions {
  readonly traceBlockTokens: number
  /** What the rows are read as. */
  readonly format: "mooncake" | "mooncake-delta" | "agentic_mooncake"
  /** Keys that the format reads. */
  readonly known: ReadonlySet<string>
}

interface Dialect {
  readonly keys: ReadonlyArray<string>
  readonly says: (keys: string, line: number) => string
}

const agentic: Dialect = {
  keys: ["wait_for", "tool_wait_ms", "branches", "prefix_reset", "tool_events"],
  says: (keys, line) =>
    `rows have ${keys} (first on line ${line}), which this format ignores: if they wait for each other,`
    + ` give --trace-format agentic_mooncake`
}

const bailian: Dialect = {
  keys: ["chat_id", "parent_chat_id"],
  says: (keys, line) =>
    `rows have ${keys} (first on line ${line}): these look like Bailian rows, whose timestamps are seconds and whose`
    + ` hash ids stand for 16 tokens; give --trace-format bailian`
}

const dynamo: Dialect = {
  keys: ["schema", "event_type"],
  says: (keys, line) =>
    `rows have ${keys} (first on line ${line}): for Dynamo request traces give --trace-format dynamo`
}

const texts: Dialect = {
  keys: ["text_input", "messages", "payload"],
  says: (keys, line) =>
    `rows have ${keys} (first on line ${line}), whose text is ignored: only lengths and hash ids count`
}

/** Keys that other formats own. */
class ForeignKeys {
  private readonly dialects: ReadonlyArray<Dialect>
  private readonly owners = new Map<string, Dialect>()
  private readonly found = new Map<Dialect, { readonly line: number; readonly keys: Set<string> }>()

  constructor(format: ChecksOptions["format"]) {
    this.dialects = format === "agentic_mooncake" ? [bailian, dynamo, texts] : [agentic, bailian, dynamo, texts]
    for (const dialect of this.dialects) for (const key of dialect.keys) this.owners.set(key, dialect)
  }

  add(object: JsonObject, line: number): void {
    for (const key in object) {
      const owner = this.owners.get(key)
      if (owner === undefined) continue
      const known = this.found.get(owner)
      if (known === undefined) this.found.set(owner, { line, keys: new Set([key]) })
      else known.keys.add(key)
    }
  }

  notices(): ReadonlyArray<string> {
    return this.dialects.flatMap((dialect) => {
      const found = this.found.get(dialect)
      return found === undefined ? [] : [dialect.says([...found.keys].join(" and "), found.line)]
    })
  }
}

/** Whether the numbers of hash ids and of prompt tokens go together, and at which block size they would. */
class BlockFit {
  private readonly traceBlockTokens: number
  private rows = 0
  private withMore = 0
  private withFewer = 0
  /** Block sizes that fit all rows so far: `ceil(tokens / size)` is the number of ids. */
  private least = 1
  private most = Number.POSITIVE_INFINITY

  constructor(traceBlockTokens: number) {
    this.traceBlockTokens = traceBlockTokens
  }

  add(ids: number, tokens: number | undefined): void {
    if (tokens === undefined || ids === 0) return
    this.rows += 1
    const filled = Math.ceil(tokens / this.traceBlockTokens)
    if (ids > filled) this.withMore += 1
    else if (ids < filled) this.withFewer += 1
    this.least = Math.max(this.least, Math.ceil(tokens / ids))
    if (ids > 1) this.most = Math.min(this.most, Math.ceil(tokens / (ids - 1)) - 1)
  }

  notices(): ReadonlyArray<string> {
    const { rows, traceBlockTokens, withFewer, withMore } = this
    if (withMore === 0 && (withFewer === 0 || this.fitting === undefined)) return []
    const [count, what] = withMore > 0 ? [withMore, "more"] : [withFewer, "fewer"]
    const has = `${count} of ${counted(rows, "row")} ${count === 1 ? "has" : "have"} ${what}`
    const remedy =
      this.fitting === undefined
        ? "no block size fits all rows"
        : `${this.fitting} fits all rows: give --trace-block-size ${this.fitting}`
    return [`${has} hash ids than their prompts fill at ${counted(traceBlockTokens, "token")} per id; ${remedy}`]
  }

  /** A power of two where there is one. */
  private get fitting(): number | undefined {
    if (this.least > this.most) return undefined
    const power = 2 ** Math.ceil(Math.log2(this.least))
    return power <= this.most ? power : this.least
  }
}

/** Whether later turns of sessions begin with the turn before. */
class TurnPrefixes {
  /** Place and id of the last whole block of each session's latest prompt. */
  private readonly last = new Map<string, { block: number; id: HashId }>()
  private readonly traceBlockTokens: number
  private laterTurns = 0
  private continuing = 0

  constructor(traceBlockTokens: number) {
    this.traceBlockTokens = traceBlockTokens
  }

  add({ hashIds, promptTokens, sessionId }: TraceRow): void {
    if (sessionId === undefined) return
    const previous = this.last.get(sessionId)
    if (previous !== undefined) {
      this.laterTurns += 1
      if (hashIds[previous.block] === previous.id) this.continuing += 1
    }
    const block = Math.floor(promptTokens / this.traceBlockTokens) - 1
    const id = hashIds[block]
    if (block < 0 || id === undefined) this.last.delete(sessionId)
    else if (previous === undefined) this.last.set(sessionId, { block, id })
    else {
      previous.block = block
      previous.id = id
    }
  }

  notices(format: ChecksOptions["format"]): ReadonlyArray<string> {
    const { continuing, laterTurns } = this
    const others = laterTurns - continuing
    if (format === "mooncake" && others > continuing) {
      return [
        `${others} of ${counted(laterTurns, "later turn")} of sessions ${others === 1 ? "does" : "do"} not begin with the prompt of the turn before:`
          + ` if rows hold what each turn adds, give --trace-format mooncake-delta`
      ]
    }
    if (format === "mooncake-delta" && continuing > others) {
      return [
        `${continuing} of ${counted(laterTurns, "later turn")} of sessions ${continuing === 1 ? "begins" : "begin"} with the prompt of the turn before:`
          + ` if rows hold whole prompts, give --trace-format mooncake`
      ]
    }
    return []
  }
}

/** Fewer rows than this may well come within a moment. */
const leastRows = 20
/** Timestamps of traces in whole milliseconds go further than this within minutes. */
const secondsBelow = 1e5
const mostPerSecond = 1000

/** Whether timestamps look like seconds. */
class ArrivalUnit {
  private rows = 0
  private firstMs = Number.POSITIVE_INFINITY
  private lastMs = Number.NEGATIVE_INFINITY

  add(timestampMs: number | undefined): void {
    if (timestampMs === undefined) return
    this.rows += 1
    this.firstMs = Math.min(this.firstMs, timestampMs)
    this.lastMs = Math.max(this.lastMs, timestampMs)
  }

  notices(): ReadonlyArray<string> {
    const spanMs = this.lastMs - this.firstMs
    const perSecond = this.rows / (spanMs / 1000)
    if (this.rows < leastRows || !(spanMs > 0) || this.lastMs >= secondsBelow || perSecond <= mostPerSecond) return []
    return [
      `${this.rows} requests within ${Math.ceil(spanMs)} ms are ${Math.round(perSecond)} per second:`
        + ` if the timestamps are seconds, give --time-unit s`
    ]
  }
}

export class TraceChecks {
  private readonly options: ChecksOptions
  private readonly keys: ForeignKeys
  private readonly mistakes: MistakenKeys
  private readonly blocks: BlockFit
  private readonly turns: TurnPrefixes
  private readonly arrivals = new ArrivalUnit()
  /** Some id does not fit in 32 bits. */
  private wideIds = false

  constructor(options: ChecksOptions) {
    this.options = options
    this.keys = new ForeignKeys(options.format)
    this.mistakes = new MistakenKeys(options.known)
    this.blocks = new BlockFit(options.traceBlockTokens)
    this.turns = new TurnPrefixes(options.traceBlockTokens)
  }

  /** Looks at the keys of a line. */
  readonly object = (object: JsonObject, line: number): void => {
    this.keys.add(object, line)
    this.mistakes.add(object, line)
  }

  /** The same rows, looked at on their way; for one pass from start to end. */
  watch<Row extends CheckedRow, E, R>(rows: Stream.Stream<Row, E, R>): Stream.Stream<Row, E, R> {
    return Stream.mapArray(rows, (chunk: Arr.NonEmptyReadonlyArray<Row>) => {
      for (const row of chunk) this.row(row)
      return chunk
    })
  }

  /** What is worth a word; `rows` are read once more if some ids are wide. */
  notices(rows: Stream.Stream<TraceRow, TraceError>): Effect.Effect<ReadonlyArray<string>, TraceError> {
    const found = [
      ...this.keys.notices(),
      ...this.mistakes.notices(),
      ...this.blocks.notices(),
      ...this.turns.notices(this.options.format),
      ...this.arrivals.notices()
    ]
    return this.wideIds ? Effect.map(sharedLowHalves(rows), (more) => [...found, ...more]) : Effect.succeed(found)
  }

  private row(row: CheckedRow): void {
    const { hashIds } = row
    this.blocks.add(hashIds.length, row.statedTokens)
    this.turns.add(row)
    this.arrivals.add(row.timestampMs)
    if (this.wideIds) return
    for (let i = 0; i < hashIds.length; i++) if (!isNarrow(hashIds[i]!)) this.wideIds = true
  }
}

/** Distinct low halves kept at the most, about 64 MiB. */
const maxLowHalves = 1 << 20

/** Ids that differ only above bit 31: other replayers count them as equal. */
const sharedLowHalves = (rows: Stream.Stream<TraceRow, TraceError>): Effect.Effect<ReadonlyArray<string>, TraceError> =>
  Effect.suspend(() => {
    const firstWith = new Map<number, HashId>()
    const shared = new Set<number>()
    const add = (id: HashId): void => {
      const low = lowHalf(id)
      const first = firstWith.get(low)
      if (first !== undefined && first !== id) shared.add(low)
      else if (firstWith.size < maxLowHalves) firstWith.set(low, id)
    }
    const addAll = (chunk: ReadonlyArray<TraceRow>): Effect.Effect<void> =>
      Effect.sync(() => {
        for (const { hashIds } of chunk) for (let i = 0; i < hashIds.length; i++) add(hashIds[i]!)
      })
    return Effect.map(Stream.runForEachArray(rows, addAll), () => {
      const [low] = shared
      if (low === undefined) return []
      const atLeast = firstWith.size === maxLowHalves ? "at least " : ""
      return [
        `${atLeast}${shared.size} hash ids, such as ${String(firstWith.get(low))}, agree with another one in their low 32 bits:`
          + ` all 64 bits count here, but not in every replayer`
      ]
    })
  })
