/** A timeline must be one that trace viewers can read: slices nest, asynchronous events pair up, nothing lies outside the run. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { PassGroup, PassGroups } from "../../src/observe/PassGroups.ts"
import { TimelineProbe, type TimelineOptions } from "../../src/observe/TimelineProbe.ts"
import { timelineText } from "../../src/observe/TimelineText.ts"
import { randomRun } from "../simulation/RandomRun.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, type Outcome, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

const Event = Schema.Struct({
  ph: Schema.Literals(["M", "X", "C", "b", "e"]),
  name: Schema.String,
  pid: Schema.Number,
  tid: Schema.optionalKey(Schema.Number),
  id: Schema.optionalKey(Schema.Number),
  ts: Schema.optionalKey(Schema.Number),
  dur: Schema.optionalKey(Schema.Number),
  args: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})
type Event = typeof Event.Type

const decode = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ traceEvents: Schema.Array(Event), otherData: Schema.Unknown }))
)
const eventsOf = (probe: TimelineProbe): ReadonlyArray<Event> => decode([...timelineText(probe)].join("")).traceEvents

const groupsOf = (groups: PassGroups): ReadonlyArray<PassGroup> =>
  Array.from({ length: groups.length }, (_, group) => groups.at(group))

const totalOf = (groups: ReadonlyArray<PassGroup>, of: (group: PassGroup) => number): number =>
  groups.reduce((total, group) => total + of(group), 0)

/** So many passes as one each, from passes that are groups of their own. */
const joined = (passes: ReadonlyArray<PassGroup>, passesPerGroup: number): ReadonlyArray<PassGroup> =>
  Array.from({ length: Math.ceil(passes.length / passesPerGroup) }, (_, group) => {
    const those = passes.slice(group * passesPerGroup, (group + 1) * passesPerGroup)
    return {
      ...those[0]!,
      passes: those.length,
      endMs: those.at(-1)!.endMs,
      busyMs: totalOf(those, ({ busyMs }) => busyMs),
      prefillTokens: totalOf(those, ({ prefillTokens }) => prefillTokens),
      decodeTokens: totalOf(those, ({ decodeTokens }) => decodeTokens),
      preemptions: totalOf(those, ({ preemptions }) => preemptions)
    }
  })

/** Sums of times may be formed in another order. */
const toNanoseconds = (group: PassGroup): PassGroup => ({ ...group, busyMs: Math.round(group.busyMs * 1e6) })

/** Every `b` has its `e`, innermost first, at or after it; what is inside lies inside. */
const checkPairs = (events: ReadonlyArray<Event>): Map<number, Array<string>> => {
  const stages = new Map<number, Array<string>>()
  const open = new Map<number, Array<Event>>()
  for (const event of events.filter(({ ph }) => ph === "b" || ph === "e")) {
    const id = event.id ?? -1
    const stack = open.get(id) ?? []
    open.set(id, stack)
    const outer = stack.at(-1)
    assert.isAtLeast(event.ts ?? -1, outer?.ts ?? 0)
    if (event.ph === "b") {
      stack.push(event)
      if (event.name !== "request") stages.set(id, [...(stages.get(id) ?? []), event.name])
    } else assert.strictEqual(stack.pop()?.name, event.name)
  }
  for (const stack of open.values()) assert.deepStrictEqual(stack, [])
  return stages
}

/** Slices of a worker follow one another. */
const checkTracks = (events: ReadonlyArray<Event>): void => {
  const ends = new Map<string, number>()
  for (const { dur = -1, pid, tid, ts = -1 } of events.filter(({ ph }) => ph === "X")) {
    assert.isAtLeast(dur, 0)
    const track = `${pid} ${tid}`
    assert.isAtLeast(ts, (ends.get(track) ?? 0) - 1e-6 * Math.max(1, ts))
    ends.set(track, ts + dur)
  }
}

const tokensOf = (events: ReadonlyArray<Event>, name: string): number =>
  events
    .filter((event) => event.ph === "X" && event.name === name)
    .reduce((total, { args }) => total + Number(args?.["tokens"]), 0)

/** Requests begin at their arrival and end at their last token. */
const checkRequests = (events: ReadonlyArray<Event>, { records }: Outcome): void => {
  const at = (phase: "b" | "e") =>
    new Map(events.filter(({ name, ph }) => ph === phase && name === "request").map(({ id = -1, ts = -1 }) => [id, ts]))
  const [begins, ends] = [at("b"), at("e")]
  assert.strictEqual(begins.size, records.length)
  for (const { arrivalMs, id, lastTokenMs, status } of records) {
    assert.approximately(begins.get(id) ?? -1, arrivalMs * 1000, 1e-3 + arrivalMs * 1e-9)
    if (status === "completed") assert.approximately(ends.get(id) ?? -1, lastTokenMs * 1000, 1e-3 + lastTokenMs * 1e-9)
  }
}

const blocks = (index: number): ReadonlyArray<number> => Array.from({ length: 10 }, (_, block) => index * 100 + block)
const rowsEvery = (everyMs: number, count: number, outputTokens = 300) =>
  Array.from({ length: count }, (_, index) =>
    row({ timestampMs: index * everyMs, promptTokens: 640, outputTokens, hashIds: blocks(index % 20) }, index + 1)
  )
const workload = (rows = rowsEvery(2, 60)) => PlainWorkload.layer({ rows, traceBlockTokens: 64 })

const tight = Effect.fnUntraced(function* (options: TimelineOptions) {
  const probe = new TimelineProbe(options)
  const outcome = yield* replay(topology(engineArgs({ numGpuBlocks: 40 }), 2), workload(), { probes: [probe] })
  return { probe, outcome, events: eventsOf(probe) }
})

describe("a timeline", () => {
  it.effect.prop(
    "pairs its events, nests them, and has all tokens",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const probe = new TimelineProbe()
        const outcome = yield* replay(topology(run.args, run.workers), PlainWorkload.layer(run), { probes: [probe] })
        const events = eventsOf(probe)
        checkPairs(events)
        checkTracks(events)
        checkRequests(events, outcome)
        assert.strictEqual(
          tokensOf(events, "decode"),
          outcome.records.reduce((total, { emittedTokens }) => total + emittedTokens, 0)
        )
      }).pipe(Effect.catchTag("ReplayError", () => Effect.void)),
    { arbitrary: { runs: 60, size: 40 } }
  )

  for (const requests of ["retry", "fail"] as const) {
    it.effect(`shows how requests of a failed worker ended (${requests})`, () =>
      Effect.gen(function* () {
        const probe = new TimelineProbe()
        const outcome = yield* replay(topology(engineArgs({ numGpuBlocks: 40 }), 2), workload(), {
          probes: [probe],
          workerEvents: [{ atMs: 400, pool: "aggregated", kind: "fail", worker: 1, requests }]
        })
        const events = eventsOf(probe)
        checkRequests(events, outcome)
        checkPairs(events)
        const begins = new Map(
          events.filter(({ name, ph }) => ph === "b" && name === "request").map(({ args, id = -1 }) => [id, args])
        )
        const [lost] = outcome.summary.scaling!.workerEvents
        assert.isAbove(lost!.failed + lost!.retried, 3)
        for (const { id, status, workerIndex } of outcome.records) {
          assert.strictEqual(begins.get(id)?.["status"], status)
          assert.strictEqual(begins.get(id)?.["worker"], workerIndex)
        }
      })
    )
  }

  it.effect("shows what a request goes through, preemptions inside", () =>
    Effect.gen(function* () {
      const { events } = yield* tight({})
      const stages = [...checkPairs(events).values()]
      assert.isTrue(stages.some((names) => names.includes("preempted")))
      for (const names of stages) {
        assert.deepStrictEqual(
          names.filter((name) => name !== "preempted"),
          ["queued", "prefill", "decode"].filter((name) => names.includes(name))
        )
      }
    })
  )

  it.effect("shows the transfer of a disaggregated run", () =>
    Effect.gen(function* () {
      const probe = new TimelineProbe()
      const args = engineArgs({ kvTransferBandwidthGbS: 1, kvBytesPerToken: 100_000 })
      const pools = disaggregatedTopology(args, { prefillWorkers: 2, decodeWorkers: 1 })
      const outcome = yield* replay(pools, workload(rowsEvery(50, 4)), { probes: [probe] })
      const events = eventsOf(probe)
      checkTracks(events)
      checkRequests(events, outcome)
      for (const names of checkPairs(events).values()) {
        assert.deepStrictEqual(
          names.filter((name) => name !== "queued"),
          ["prefill", "transfer", "decode"]
        )
      }
      assert.sameMembers(
        events.filter(({ name }) => name === "process_name").map(({ args }) => args?.["name"]),
        ["prefill workers", "decode workers", "requests"]
      )
    })
  )

  it.effect("stays within its size: fewer requests, evenly, and passes joined", () =>
    Effect.gen(function* () {
      const whole = yield* tight({})
      const size = (probe: TimelineProbe) => [...timelineText(probe)].join("").length
      const maxBytes = size(whole.probe) / 5
      const { events, probe } = yield* tight({ maxBytes })
      assert.isAtMost(size(probe), maxBytes * 1.2)
      const { everyRequests, passesPerGroup } = probe.sampling
      assert.isAbove(passesPerGroup, 1)
      const ids = new Set(events.flatMap(({ id }) => (id === undefined ? [] : [id])))
      assert.deepStrictEqual(
        [...ids].toSorted((a, b) => a - b),
        Array.from({ length: Math.ceil(60 / everyRequests) }, (_, index) => index * everyRequests)
      )
      checkPairs(events)
      checkTracks(events)
      const slices = events.filter(({ ph }) => ph === "X")
      const told = (of: (event: Event) => unknown): number =>
        slices.reduce((total, event) => total + Number(of(event) ?? 0), 0)
      const groups = probe.workers.flatMap((worker) => groupsOf(worker.groups))
      assert.isAbove(
        totalOf(groups, ({ prefillTokens }) => prefillTokens),
        0
      )
      assert.strictEqual(
        told(({ name }) => (name.endsWith(" passes") ? name.split(" ")[0] : name === "decode")),
        totalOf(groups, ({ passes }) => passes)
      )
      assert.strictEqual(
        told(({ args, name }) => args?.["prefill_tokens"] ?? (name === "prefill" ? args?.["tokens"] : 0)),
        totalOf(groups, ({ prefillTokens }) => prefillTokens)
      )
      assert.strictEqual(
        told(({ args, name }) => args?.["decode_tokens"] ?? (name === "decode" ? args?.["tokens"] : 0)),
        totalOf(groups, ({ decodeTokens }) => decodeTokens)
      )
      assert.strictEqual(
        told(({ args, name }) => (name === "decode" ? 0 : args?.["preemptions"])),
        totalOf(groups, ({ preemptions }) => preemptions)
      )
    })
  )

  it.effect("names requests as the trace does, or by their numbers, also where only some of them are left", () =>
    Effect.gen(function* () {
      const rows = rowsEvery(2, 60, 2).map((each, index) =>
        index % 4 === 0 && index < 40 ? { ...each, requestId: `call "${index}"` } : each
      )
      const probe = new TimelineProbe({ maxBytes: 12_000 })
      yield* replay(topology(engineArgs(), 2), workload(rows), { probes: [probe] })
      assert.isAbove(probe.sampling.everyRequests, 1)
      const begun = eventsOf(probe).filter(({ name, ph }) => ph === "b" && name === "request")
      assert.isAbove(begun.length, 5)
      for (const { args, id = -1 } of begun)
        assert.strictEqual(args?.["request"], id % 4 === 0 && id < 40 ? `call "${id}"` : `request-${id}`)
    })
  )

  it.effect("joins passes as if they had been groups of so many from the start", () =>
    Effect.gen(function* () {
      const whole = yield* tight({})
      // Joined first when they are fewer, and when they are more than one piece of memory takes.
      for (const maxBytes of [100_000, 1_000_000]) {
        const { probe } = yield* tight({ maxBytes })
        const { passesPerGroup } = probe.sampling
        assert.isAbove(passesPerGroup, 1)
        for (const [worker, { groups }] of probe.workers.entries()) {
          const passes = groupsOf(whole.probe.workers[worker]!.groups)
          assert.deepStrictEqual(groupsOf(groups).map(toNanoseconds), joined(passes, passesPerGroup).map(toNanoseconds))
        }
      }
    })
  )

  it.effect("shows a window of time, and every so many-th request", () =>
    Effect.gen(function* () {
      const { events } = yield* tight({ fromMs: 100, untilMs: 400, everyRequests: 7 })
      const slices = events.filter(({ ph }) => ph === "X")
      assert.isAbove(slices.length, 0)
      for (const { dur = 0, ts = 0 } of slices) {
        assert.isAtLeast(ts + dur, 50_000)
        assert.isAtMost(ts, 400_000)
      }
      for (const { id } of events) if (id !== undefined) assert.strictEqual(id % 7, 0)
    })
  )
})
