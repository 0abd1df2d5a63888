/** Edits of traces: nothing is lost, order stays, sessions stay whole, and what was done can be undone. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { agenticMooncakeRows } from "../../../src/trace/AgenticMooncakeReader.ts"
import { surveyAgentic } from "../../../src/trace/AgenticSurvey.ts"
import { anonymise } from "../../../src/trace/edit/Anonymise.ts"
import { editedText, type EditedTrace, writableRows } from "../../../src/trace/edit/EditedTrace.ts"
import { merge } from "../../../src/trace/edit/Merge.ts"
import { sample } from "../../../src/trace/edit/Sample.ts"
import { scale } from "../../../src/trace/edit/Scale.ts"
import { slice } from "../../../src/trace/edit/Slice.ts"
import { capGaps, shift } from "../../../src/trace/edit/Times.ts"
import { traceStatistics } from "../../../src/trace/TraceStatistics.ts"
import type { TraceRow } from "../../../src/trace/TraceRow.ts"
import { fromRows, type TraceSource } from "../../../src/trace/TraceSource.ts"
import { file, jsonLines, linesOf, sourceOf } from "../TraceTexts.ts"

const blockTokens = 16

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Request = Schema.Struct({
  /** 0 is none. */
  session: integer(0, 3),
  gapMs: integer(1, 50),
  /** Only later turns wait; -1 leaves it to the timestamps. */
  delayMs: integer(-1, 40),
  inputTokens: integer(1, 100),
  outputTokens: integer(1, 9),
  firstId: integer(0, 2)
})
type Request = typeof Request.Type

const Requests = Schema.Array(Request).check(Schema.isMinLength(1), Schema.isMaxLength(16))

/** Rows in the order of their times; equal first ids make equal prefixes. */
const textOf = (requests: ReadonlyArray<Request>): string => {
  let timestamp = 0
  const seen = new Set<number>()
  const rows = requests.map(({ delayMs, firstId, gapMs, inputTokens, outputTokens, session }) => {
    timestamp += gapMs
    const isLater = session > 0 && seen.has(session)
    seen.add(session)
    return {
      timestamp,
      input_length: inputTokens,
      output_length: outputTokens,
      hash_ids: Array.from({ length: Math.ceil(inputTokens / blockTokens) }, (_, block) => firstId * 10 + block),
      ...(session === 0 ? {} : { session_id: `s${session}` }),
      ...(isLater && delayMs >= 0 ? { delay: delayMs } : {})
    }
  })
  return jsonLines(rows)
}

const traceOf = (requests: ReadonlyArray<Request>, chunkBytes?: number) =>
  sourceOf(textOf(requests), blockTokens, chunkBytes)

/** Without the lines that rows came from, and what readers keep for their checks. */
const plain = (row: TraceRow) => ({
  timestampMs: row.timestampMs,
  promptTokens: row.promptTokens,
  outputTokens: row.outputTokens,
  hashIds: Array.from(row.hashIds),
  sessionId: row.sessionId,
  delayMs: row.delayMs
})

/** The rows of an edited trace as they are written, or nothing when none is left. */
const rowsOf = (trace: EditedTrace) =>
  Stream.runCollect(writableRows(trace, { requests: 0 })).pipe(
    Effect.catch((error) =>
      error.problem === "nothing of it is left" ? Effect.succeed<ReadonlyArray<TraceRow>>([]) : Effect.fail(error)
    )
  )

const plainOf = (trace: EditedTrace) => Effect.map(rowsOf(trace), (rows) => rows.map(plain))

/** What an edit wrote, read again. */
const reread = (trace: EditedTrace) =>
  Effect.flatMap(Stream.runCollect(editedText(trace, { requests: 0 })), (pieces) =>
    sourceOf(pieces.join(""), trace.traceBlockTokens)
  )

const linesOfRows = (rows: ReadonlyArray<TraceRow>) => rows.map(({ line }) => line)

const isAscending = (values: ReadonlyArray<number>) =>
  assert.deepStrictEqual(
    values,
    values.toSorted((a, b) => a - b)
  )

/** Every session in the rows has all its turns there. */
const assertWhole = (all: ReadonlyArray<TraceRow>, kept: ReadonlyArray<TraceRow>) => {
  for (const sessionId of new Set(kept.map((row) => row.sessionId))) {
    if (sessionId === undefined) continue
    const turns = (rows: ReadonlyArray<TraceRow>) => linesOfRows(rows.filter((row) => row.sessionId === sessionId))
    assert.deepStrictEqual(turns(kept), turns(all))
  }
}

const everything = { by: "sessions", fromMs: 0, untilMs: Infinity, skip: 0, count: Infinity } as const

describe("slice", () => {
  it.effect.prop(
    "cuts in two what merging makes one again",
    [Requests, integer(0, 400), Schema.Literals(["sessions", "requests"])],
    ([requests, atMs, by]) =>
      Effect.gen(function* () {
        const trace = yield* traceOf(requests, 64)
        const all = yield* Stream.runCollect(trace.rows)
        const early = yield* slice(trace, { ...everything, by, untilMs: Math.max(1, atMs) })
        const late = yield* slice(trace, { ...everything, by, fromMs: Math.max(1, atMs) })
        const [first, second] = [yield* rowsOf(early), yield* rowsOf(late)]
        if (by === "sessions") {
          assertWhole(all, first)
          assertWhole(all, second)
        }
        isAscending(linesOfRows(first))
        isAscending(linesOfRows(second))
        if (first.length === 0 || second.length === 0 || by === "requests") {
          assert.deepStrictEqual(
            linesOfRows([...first, ...second]).toSorted((a, b) => a - b),
            linesOfRows(all)
          )
          return
        }
        const merged = yield* merge([yield* reread(early), yield* reread(late)], { keepsIds: true })
        // Rows of a session that waits come with the session that started last, so those of the two parts may change places.
        const sorted = (rows: ReadonlyArray<ReturnType<typeof plain>>) =>
          rows.toSorted((a, b) => (a.timestampMs ?? 0) - (b.timestampMs ?? 0))
        assert.deepStrictEqual(sorted(yield* plainOf(merged)), all.map(plain))
      })
  )

  it.effect("counts what is within the time", () =>
    Effect.gen(function* () {
      const trace = yield* sourceOf(
        jsonLines(
          [0, 10, 20, 30, 40].map((timestamp) => ({ timestamp, input_length: 1, output_length: 1, hash_ids: [1] }))
        )
      )
      const linesIn = (options: Partial<Parameters<typeof slice>[1]>) =>
        Effect.flatMap(slice(trace, { ...everything, ...options }), (part) => Effect.map(rowsOf(part), linesOfRows))
      assert.deepStrictEqual(yield* linesIn({ fromMs: 10, untilMs: 40 }), [2, 3, 4])
      assert.deepStrictEqual(yield* linesIn({ fromMs: 10, skip: 1, count: 2 }), [3, 4])
      assert.deepStrictEqual(yield* linesIn({ count: 1 }), [1])
      assert.deepStrictEqual(yield* linesIn({ skip: 9 }), [])
    })
  )

  it.effect("gives requests cut out of a session the times at which it would get there", () =>
    Effect.gen(function* () {
      const turn = (fields: object) => ({
        session_id: "a",
        input_length: 1,
        output_length: 1,
        hash_ids: [1],
        ...fields
      })
      const trace = yield* sourceOf(jsonLines([turn({ timestamp: 5 }), turn({ delay: 10 }), turn({ delay: 20 })]))
      const part = yield* rowsOf(yield* slice(trace, { ...everything, by: "requests", skip: 1 }))
      assert.deepStrictEqual(
        part.map(({ delayMs, timestampMs }) => [timestampMs, delayMs]),
        [
          [15, undefined],
          [35, undefined]
        ]
      )
    })
  )
})

describe("sample", () => {
  it.effect.prop(
    "keeps as many as asked for, in order and whole, and the same ones each time",
    [Requests, Schema.Literals(["sessions", "requests"]), integer(1, 16), integer(0, 99)],
    ([requests, by, wanted, seed]) =>
      Effect.gen(function* () {
        const trace = yield* traceOf(requests, 100)
        const all = yield* Stream.runCollect(trace.rows)
        const units = by === "sessions" ? trace.survey.sessions : trace.survey.rows
        const count = Math.min(wanted, units)
        const part = yield* sample(trace, { by, size: { count }, seed })
        const rows = yield* rowsOf(part)
        isAscending(linesOfRows(rows))
        if (by === "sessions") {
          assertWhole(all, rows)
          const names = rows.map(({ line, sessionId }) => sessionId ?? `line ${line}`)
          assert.strictEqual(new Set(names).size, count)
        } else assert.strictEqual(rows.length, count)
        assert.deepStrictEqual(linesOfRows(yield* rowsOf(part)), linesOfRows(rows))
      })
  )

  it.effect("takes every choice equally often", () =>
    Effect.gen(function* () {
      const trace = yield* sourceOf(
        jsonLines([0, 1, 2, 3].map((timestamp) => ({ timestamp, input_length: 1, output_length: 1, hash_ids: [1] })))
      )
      const found = new Map<string, number>()
      for (let seed = 0; seed < 600; seed++) {
        const rows = yield* rowsOf(yield* sample(trace, { by: "requests", size: { share: 0.5 }, seed }))
        const key = linesOfRows(rows).join()
        found.set(key, (found.get(key) ?? 0) + 1)
      }
      assert.strictEqual(found.size, 6)
      for (const times of found.values()) assert.isTrue(times > 70 && times < 130, [...found].join(" "))
    })
  )

  it.effect("refuses to find more than there is", () =>
    Effect.gen(function* () {
      const trace = yield* traceOf([{ session: 0, gapMs: 1, delayMs: 0, inputTokens: 1, outputTokens: 1, firstId: 0 }])
      const error = yield* Effect.flip(sample(trace, { by: "sessions", size: { count: 2 }, seed: 1 }))
      assert.strictEqual(error.message, "t.jsonl: has 1 session, fewer than the 2 asked for")
    })
  )
})

describe("merge", () => {
  it.effect.prop("loses nothing, keeps orders, keeps ids apart", [Requests, Requests], ([one, other]) =>
    Effect.gen(function* () {
      const traces = [yield* traceOf(one, 50), yield* traceOf(other, 90)] as const
      const originals = yield* Effect.forEach(traces, ({ rows }) => Stream.runCollect(rows))
      const merged = yield* merge(traces, { keepsIds: false })
      const rows = yield* rowsOf(merged)
      const idsOf = (found: ReadonlyArray<TraceRow>) => new Set(found.flatMap(({ hashIds }) => Array.from(hashIds)))
      const sizes = originals.map((rows) => Math.max(...Array.from(idsOf(rows), Number)) + 1)
      // The ids of the trace with the smaller ones stay.
      const offsets = sizes[0]! <= sizes[1]! ? [0, sizes[0]!] : [sizes[1]!, 0]
      const fromOther = rows.map(({ hashIds }) => Number(hashIds[0]) >= Math.max(...offsets) === offsets[1]! > 0)
      const parts = [rows.filter((_, row) => !fromOther[row]), rows.filter((_, row) => fromOther[row])]
      for (const [trace, part] of parts.entries()) {
        const back = part.map((row) => ({
          ...plain(row),
          sessionId: row.sessionId?.replace(`${trace + 1}/`, ""),
          hashIds: Array.from(row.hashIds, (id) => Number(id) - offsets[trace]!)
        }))
        assert.deepStrictEqual(back, originals[trace]!.map(plain))
      }
      // Arrivals are in order wherever those of both traces are.
      if (traces.every(({ survey }) => survey.order === "by-row")) isAscending(rows.map((row) => row.timestampMs!))
      const [first, second] = yield* Effect.forEach(traces, (trace) => traceStatistics(trace))
      const whole = yield* traceStatistics(yield* reread(merged))
      assert.strictEqual(whole.sharing?.tokens, first!.sharing!.tokens + second!.sharing!.tokens)
    })
  )

  it.effect("moves hash ids of 64 bits apart as well", () =>
    Effect.gen(function* () {
      const row = '{"timestamp":0,"input_length":1,"output_length":1,"hash_ids":[18446744073709551615]}\n'
      const merged = yield* rowsOf(yield* merge([yield* sourceOf(row), yield* sourceOf(row)], { keepsIds: false }))
      assert.strictEqual(new Set(merged.map(({ hashIds }) => hashIds[0])).size, 2)
      const same = yield* rowsOf(yield* merge([yield* sourceOf(row), yield* sourceOf(row)], { keepsIds: true }))
      assert.strictEqual(new Set(same.map(({ hashIds }) => hashIds[0])).size, 1)
    })
  )

  it.effect("refuses traces that do not go together", () =>
    Effect.gen(function* () {
      const at = (...times: ReadonlyArray<number | undefined>) =>
        jsonLines(times.map((timestamp) => ({ timestamp, input_length: 1, output_length: 1, hash_ids: [1] })))
      const refused = Effect.fnUntraced(function* (trace: TraceSource) {
        const merged = Effect.flatMap(merge([yield* sourceOf(at(0)), trace], { keepsIds: false }), rowsOf)
        return (yield* Effect.flip(merged)).message
      })
      assert.match(yield* refused(yield* sourceOf(at(5, 1))), /^t\.jsonl:2: trace line 2 starts before an earlier one/)
      assert.match(yield* refused(yield* sourceOf(at(undefined))), /requires first_arrival_timestamp_ms/)
      assert.match(yield* refused(yield* sourceOf(at(0), 16)), /has 16 tokens per hash id, and t\.jsonl has 64/)
      assert.match(yield* refused({ ...(yield* sourceOf(at(0))), accumulatesPrompts: true }), /mooncake-delta/)
    })
  )
})

describe("scale", () => {
  it.effect.prop(
    "has as many hash ids as prompts fill, and prompts that share what they shared",
    [Requests, Schema.Literals([0.1, 0.3, 0.5, 1, 1.7, 2, 3]), Schema.Literals([0.5, 1, 4])],
    ([requests, input, output]) =>
      Effect.gen(function* () {
        const trace = yield* traceOf(requests)
        const before = yield* Stream.runCollect(trace.rows)
        const scaled = yield* scale(trace, { rate: 1, input, output })
        const after = yield* rowsOf(scaled)
        assert.strictEqual(after.length, before.length)
        for (const [index, row] of after.entries()) {
          const original = before[index]!
          assert.strictEqual(row.promptTokens, Math.max(1, Math.round(original.promptTokens * input)))
          assert.strictEqual(row.outputTokens, Math.max(1, Math.round(original.outputTokens * output)))
          assert.strictEqual(row.hashIds.length, Math.ceil(row.promptTokens / blockTokens))
          assert.deepStrictEqual([row.timestampMs, row.delayMs], [original.timestampMs, original.delayMs])
        }
        const sharedBlocks = (a: TraceRow, b: TraceRow) => {
          let shared = 0
          while (shared < Math.min(a.hashIds.length, b.hashIds.length) && a.hashIds[shared] === b.hashIds[shared]) {
            shared += 1
          }
          return shared
        }
        for (let one = 0; one < before.length; one++) {
          for (let other = 0; other < one; other++) {
            const was = sharedBlocks(before[one]!, before[other]!)
            const is = sharedBlocks(after[one]!, after[other]!)
            // Full blocks that were equal stay so; the block in which prompts end may also count.
            const full = Math.min(
              was,
              Math.floor(before[one]!.promptTokens / blockTokens),
              Math.floor(before[other]!.promptTokens / blockTokens)
            )
            assert.isAtLeast(is, Math.floor(full * input + 1e-9) === 0 ? 0 : Math.floor(full * input + 1e-9) - 1)
            assert.isAtMost(is, Math.ceil(was * input))
          }
        }
      })
  )

  it.effect("scales blocks by whole numbers exactly", () =>
    Effect.gen(function* () {
      const row = (hash_ids: ReadonlyArray<number>) => ({
        timestamp: 0,
        input_length: hash_ids.length * blockTokens,
        output_length: 1,
        hash_ids
      })
      const trace = yield* sourceOf(jsonLines([row([1, 2, 3, 4]), row([1, 2, 9, 4]), row([1, 2, 3, 4, 5, 6])]), 16)
      const ratioOf = (of: TraceSource) => Effect.map(traceStatistics(of), ({ sharing }) => sharing?.tokens)
      assert.strictEqual(yield* ratioOf(trace), 2 * 16 + 4 * 16)
      for (const factor of [2, 3, 0.5]) {
        const scaled = yield* reread(yield* scale(trace, { rate: 1, input: factor, output: 1 }))
        assert.strictEqual(yield* ratioOf(scaled), (2 * 16 + 4 * 16) * factor)
      }
    })
  )

  it.effect.prop("comes faster, and as fast as before again", [Requests], ([requests]) =>
    Effect.gen(function* () {
      const trace = yield* traceOf(requests)
      const faster = yield* scale(trace, { rate: 4, input: 1, output: 1 })
      const back = yield* scale(yield* reread(faster), { rate: 0.25, input: 1, output: 1 })
      const before = yield* Stream.runCollect(trace.rows)
      for (const [index, row] of (yield* rowsOf(back)).entries()) {
        assert.closeTo(row.timestampMs!, before[index]!.timestampMs!, 1e-9)
        assert.strictEqual(row.delayMs, before[index]!.delayMs)
      }
      const { arrivals } = yield* traceStatistics(yield* reread(faster))
      const { arrivals: slow } = yield* traceStatistics(trace)
      assert.closeTo(arrivals!.lastMs - arrivals!.firstMs, (slow!.lastMs - slow!.firstMs) / 4, 1e-9)
    })
  )
})

describe("capGaps", () => {
  it.effect.prop(
    "leaves no longer pause, and all shorter ones",
    [Requests, integer(0, 60), integer(0, 60)],
    ([requests, maxGapMs, maxWaitMs]) =>
      Effect.gen(function* () {
        const trace = yield* traceOf(requests)
        const pauses = (rows: ReadonlyArray<TraceRow>) => {
          const last = new Map<string, number>()
          let startMs: number | undefined
          return rows.map((row) => {
            const timestampMs = row.timestampMs!
            const before = row.sessionId === undefined ? undefined : last.get(row.sessionId)
            if (row.sessionId !== undefined) last.set(row.sessionId, timestampMs)
            if (before !== undefined) return { waitMs: row.delayMs ?? timestampMs - before }
            const gapMs = startMs === undefined ? 0 : timestampMs - startMs
            startMs = timestampMs
            return { gapMs }
          })
        }
        const before = pauses(yield* Stream.runCollect(trace.rows))
        const after = pauses(yield* rowsOf(yield* capGaps(trace, { maxGapMs, maxWaitMs })))
        assert.deepStrictEqual(
          after,
          before.map(({ gapMs, waitMs }) =>
            waitMs === undefined ? { gapMs: Math.min(gapMs!, maxGapMs) } : { waitMs: Math.min(waitMs, maxWaitMs) }
          )
        )
      })
  )
})

describe("shift", () => {
  it.effect.prop("goes there and back", [Requests, integer(-1000, 1000)], ([requests, byMs]) =>
    Effect.gen(function* () {
      const trace = yield* traceOf(requests)
      const there = yield* reread(yield* shift(trace, { byMs }))
      assert.strictEqual(there.survey.originMs, trace.survey.originMs! + byMs)
      const back = yield* shift(there, { toMs: trace.survey.originMs! })
      assert.deepStrictEqual(yield* plainOf(back), (yield* Stream.runCollect(trace.rows)).map(plain))
    })
  )
})

describe("anonymise", () => {
  it.effect.prop("keeps the shape, and has nothing left to hide", [Requests], ([requests]) =>
    Effect.gen(function* () {
      const trace = yield* traceOf(requests, 80)
      const hidden = yield* reread(yield* anonymise(trace, { jitterMs: 0, seed: 1 }))
      const shape = ({ arrivals, file: _, ...rest }: Effect.Success<ReturnType<typeof traceStatistics>>) => ({
        ...rest,
        gapVariation: arrivals?.gapVariation
      })
      assert.deepStrictEqual(shape(yield* traceStatistics(hidden)), shape(yield* traceStatistics(trace)))
      assert.strictEqual(hidden.survey.originMs, 0)
      const again = yield* anonymise(hidden, { jitterMs: 0, seed: 2 })
      assert.deepStrictEqual(yield* plainOf(again), (yield* Stream.runCollect(hidden.rows)).map(plain))
    })
  )

  it.effect.prop(
    "moves sessions as a whole, by no more than asked for",
    [Requests, integer(1, 60)],
    ([requests, jitterMs]) =>
      Effect.gen(function* () {
        const trace = yield* traceOf(requests)
        const originMs = trace.survey.originMs!
        const before = yield* Stream.runCollect(trace.rows)
        const rows = yield* rowsOf(yield* anonymise(trace, { jitterMs, seed: 3 }))
        const moves = new Map<string, number>()
        for (const row of rows) {
          const original = before.find(({ line }) => line === row.line)!
          const moveMs = row.timestampMs! - (original.timestampMs! - originMs)
          assert.isTrue(moveMs >= 0 && moveMs <= 2 * jitterMs, String(moveMs))
          if (row.sessionId !== undefined) assert.strictEqual(moves.get(row.sessionId) ?? moveMs, moveMs)
          if (row.sessionId !== undefined) moves.set(row.sessionId, moveMs)
        }
        assert.deepStrictEqual(
          linesOfRows(rows).toSorted((a, b) => a - b),
          linesOfRows(before)
        )
        const { order } = (yield* fromRows({
          name: file,
          traceBlockTokens: blockTokens,
          rows: Stream.fromIterable(rows)
        })).survey
        if (trace.survey.order !== "none") assert.notStrictEqual(order, "none")
      })
  )

  it.effect("leaves out what only the content would tell", () =>
    Effect.gen(function* () {
      const trace = yield* sourceOf(
        jsonLines([
          {
            timestamp: 1e12,
            input_length: 1,
            output_length: 2,
            hash_ids: [987654321],
            session_id: "someone",
            request_id: "secret-7",
            policy_class: "acme",
            priority: 3,
            output_token_ids: [11, 12]
          }
        ])
      )
      const [text] = yield* Stream.runCollect(
        editedText(yield* anonymise(trace, { jitterMs: 0, seed: 1 }), { requests: 0 })
      )
      assert.deepStrictEqual(JSON.parse(text!), {
        timestamp: 0,
        input_length: 1,
        output_length: 2,
        hash_ids: [0],
        session_id: "session_0",
        request_id: "request_0",
        policy_class: "policy_0",
        priority: 3
      })
    })
  )
})

describe("graphs", () => {
  const node = (request_id: string, timestamp: number | undefined, wait_for: ReadonlyArray<string> = []) => ({
    request_id,
    ...(timestamp === undefined ? {} : { timestamp }),
    wait_for,
    delay: wait_for.length === 0 ? 0 : 500,
    input_length: 20,
    output_length: 1,
    hash_ids: [1, 2]
  })

  const graphOf = (rows: ReadonlyArray<object>) =>
    Effect.gen(function* () {
      const read = agenticMooncakeRows(linesOf(jsonLines(rows)), file, { traceBlockTokens: blockTokens })
      const { graph, survey } = yield* surveyAgentic(read, file)
      return {
        file,
        traceBlockTokens: blockTokens,
        survey,
        accumulatesPrompts: false,
        graph,
        notices: [],
        remarks: [],
        rows: read
      } satisfies TraceSource
    })

  /** Two parts, the second of which begins with a request that waits for one further down. */
  const rows = [
    node("a", 10),
    node("b", undefined, ["a"]),
    node("late", undefined, ["c"]),
    node("c", 5000),
    node("d", undefined, ["a", "b"])
  ]

  const again = (trace: EditedTrace) =>
    Effect.flatMap(Stream.runCollect(editedText(trace, { requests: 0 })), (pieces) =>
      graphOf(
        pieces
          .join("")
          .trim()
          .split("\n")
          .map((text) => JSON.parse(text))
      )
    )

  it.effect("are cut between the parts that hang together", () =>
    Effect.gen(function* () {
      const trace = yield* graphOf(rows)
      const linesIn = (options: Partial<Parameters<typeof slice>[1]>) =>
        Effect.flatMap(slice(trace, { ...everything, ...options }), (part) => Effect.map(rowsOf(part), linesOfRows))
      assert.deepStrictEqual(yield* linesIn({ count: 1 }), [1, 2, 5])
      assert.deepStrictEqual(yield* linesIn({ fromMs: 1000 }), [3, 4])
      const half = yield* again(yield* sample(trace, { by: "sessions", size: { share: 0.5 }, seed: 5 }))
      assert.oneOf(half.graph.requests, [2, 3])
      const error = yield* Effect.flip(slice(trace, { ...everything, by: "requests" }))
      assert.match(error.message, /wait for each other by name; take whole sessions/)
    })
  )

  it.effect("stay graphs under every edit", () =>
    Effect.gen(function* () {
      const trace = yield* graphOf([rows[0]!, rows[1]!, rows[3]!, rows[2]!, rows[4]!])
      const twice = yield* again(yield* merge([trace, trace], { keepsIds: false }))
      assert.strictEqual(twice.graph.requests, 10)
      for (const edit of [
        anonymise(trace, { jitterMs: 0, seed: 1 }),
        scale(trace, { rate: 2, input: 2, output: 2 }),
        shift(trace, { byMs: 7 }),
        capGaps(trace, { maxGapMs: 100, maxWaitMs: 50 })
      ]) {
        const { graph } = yield* again(yield* edit)
        assert.deepStrictEqual(graph.dependencies, trace.graph.dependencies)
      }
      const capped = yield* rowsOf(yield* capGaps(trace, { maxGapMs: 100, maxWaitMs: 50 }))
      assert.deepStrictEqual(
        capped.map(({ delayMs, timestampMs }) => [timestampMs, delayMs]),
        [
          [10, 0],
          [undefined, 50],
          [110, 0],
          [undefined, 50],
          [undefined, 50]
        ]
      )
    })
  )
})
