import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Sequence } from "../../../src/engine/vllm/Sequence.ts"
import { SteadyDecode } from "../../../src/engine/vllm/SteadyDecode.ts"
import { request } from "../../support/RequestBuilder.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** One pass: who joins after it, and with which countdowns those go on that it finds due (0: they leave, -1: they find no room). */
const Pass = Schema.Struct({
  joins: Schema.Array(between(1, 12)).check(Schema.isMaxLength(3)),
  again: Schema.Array(between(-1, 12)),
  /** Take all quiet steps first, at once. */
  runsAhead: Schema.Boolean,
  dissolves: Schema.Literals(["no", "no", "no", "between passes", "scheduled"])
})

/** What every request is at any time when it is served token by token. */
interface Counted {
  readonly sequence: Sequence
  generated: number
  lastMs: number
  lastButOneMs: number
  countdown: number
  isLate: boolean
}

const decoding = (turn: number, countdown: number, tokenMs: number): Sequence => {
  const sequence = new Sequence(
    request({ promptTokens: 10 + turn, outputTokens: 1000, blocks: [] }),
    1000,
    new Int32Array(0),
    0
  )
  return Object.assign(sequence, {
    turn,
    countdown,
    generatedTokens: 1,
    computedTokens: 10 + turn,
    lastTokenMs: tokenMs
  })
}

class Model {
  members: Array<Counted> = []

  step(tokenMs: number): ReadonlyArray<Counted> {
    for (const member of this.members) {
      member.generated += 1
      member.lastButOneMs = member.lastMs
      member.lastMs = tokenMs
      member.countdown -= 1
    }
    return this.members.filter(({ countdown }) => countdown === 0)
  }

  get quietSteps(): number {
    return this.members.length === 0 ? 0 : Math.min(...this.members.map(({ countdown }) => countdown)) - 1
  }
}

const giveTokenBack = (member: Counted): void => {
  member.sequence.generatedTokens -= 1
  member.generated -= 1
  member.lastMs = member.lastButOneMs
  member.countdown = 1
  member.isLate = true
}

const assertExact = ({ countdown, generated, lastMs, sequence }: Counted, scheduled: boolean): void => {
  const { computedTokens, generatedTokens, lastTokenMs } = sequence
  assert.deepStrictEqual(
    { computedTokens, countdown: sequence.countdown, generatedTokens, lastTokenMs },
    {
      computedTokens: sequence.promptTokens + generated - (scheduled ? 0 : 1),
      countdown,
      generatedTokens: generated,
      lastTokenMs: lastMs
    }
  )
}

describe("SteadyDecode", () => {
  it.prop(
    "finds who is due, in order, and knows how far everybody is",
    [Schema.Array(Pass)],
    ([passes]) => {
      const steady = new SteadyDecode(12)
      const model = new Model()
      let running: Array<Sequence> = []
      let nowMs = 0
      let turns = 0
      for (const { again, dissolves, joins, runsAhead } of passes) {
        assert.strictEqual(steady.quietSteps, model.quietSteps)
        if (runsAhead && model.quietSteps > 0) {
          const steps = model.quietSteps
          for (let step = 0; step < steps; step++) model.step((nowMs += 1.1))
          steady.takeQuietSteps(steps, nowMs)
        }
        steady.scheduled = dissolves === "scheduled"
        if (dissolves !== "no") {
          steady.dissolve(running)
          for (const member of model.members) assertExact(member, dissolves === "scheduled" || member.isLate)
          model.members = []
          running = []
        }
        nowMs += 1.1
        const due = model.step(nowMs)
        assert.strictEqual(steady.due, due.length)
        const found: Array<Sequence> = []
        for (let each = steady.takeStep(nowMs); each !== undefined;) {
          const next = steady.nextOf(each)
          const member = model.members.find(({ sequence }) => sequence === each)!
          const countdown = again[found.length] ?? 3
          each.countdown = 0
          assertExact(member.isLate ? { ...member, lastMs: member.lastButOneMs } : member, false)
          if (countdown < 0) {
            giveTokenBack(member)
            steady.delay(each)
          } else {
            if (member.isLate) steady.catchUp(each)
            member.isLate = false
            each.countdown = countdown
            member.countdown = countdown
            if (countdown > 0) steady.schedule(each)
            else steady.leave(each)
          }
          found.push(each)
          each = next
        }
        assert.deepStrictEqual(
          found.map(({ turn }) => turn),
          due.map(({ sequence }) => sequence.turn)
        )
        model.members = model.members.filter(({ countdown }) => countdown > 0)
        for (const countdown of joins) {
          const sequence = decoding(turns++, countdown, nowMs)
          steady.join(sequence, nowMs)
          model.members.push({ sequence, generated: 1, lastMs: nowMs, lastButOneMs: 0, countdown, isLate: false })
        }
        running = model.members.map(({ sequence }) => sequence)
        steady.checkInvariants(running)
        assert.strictEqual(steady.size, model.members.length)
        assert.strictEqual(steady.late, model.members.filter(({ isLate }) => isLate).length)
        assert.strictEqual(
          steady.contextTokens,
          model.members.reduce((sum, { generated, sequence }) => sum + sequence.promptTokens + generated, 0)
        )
      }
    },
    { arbitrary: { runs: 300, size: 60 } }
  )

  /** Requests of so many prompt and output tokens that have emitted their second token, over blocks of 4 tokens. */
  const growing = (...sizes: ReadonlyArray<readonly [promptTokens: number, outputTokens: number]>) => {
    const steady = new SteadyDecode(4)
    sizes.forEach(([promptTokens, outputTokens], turn) => {
      const asked = request({ promptTokens, outputTokens, blocks: [] })
      const sequence = new Sequence(asked, outputTokens, new Int32Array(0), Math.floor(promptTokens / 4))
      const countdown = Math.min(4 - ((promptTokens + 1) % 4), outputTokens - 2)
      steady.join(Object.assign(sequence, { turn, countdown, generatedTokens: 2, computedTokens: promptTokens + 1 }), 1)
    })
    return steady
  }

  it("knows how far the blocks go that members open", () => {
    // Blocks are opened in step 1, 5, … by the first request, and in step 3, 7, … by the second.
    const steady = growing([6, 100], [8, 100])
    assert.deepStrictEqual(
      [0, 1, 2].map((blocks) => steady.stepsWithin(blocks)),
      [0, 2, 4]
    )
    assert.deepStrictEqual(
      [0, 1, 2, 3].map((step) => steady.blocksTaken.before(step)),
      [0, 1, 1, 2]
    )
  })

  it("stops before the last token of a member, also of one that opens a block before", () => {
    assert.strictEqual(growing([8, 5]).stepsWithin(9), 2)
    assert.strictEqual(growing([6, 5]).stepsWithin(9), 2)
    assert.strictEqual(growing([6, 4], [8, 100]).stepsWithin(9), 1)
  })

  it("knows whether somebody who is late waits for room still", () => {
    const steady = growing([7, 100], [11, 100])
    const copy = { live: true, endedMs: Number.POSITIVE_INFINITY }
    steady.takeQuietSteps(3, 4)
    const first = steady.takeStep(5)!
    const second = steady.nextOf(first)!
    for (const sequence of [first, second]) {
      sequence.generatedTokens -= 1
      steady.delay(sequence)
    }
    assert.deepStrictEqual([steady.late, steady.awaitsRoom], [2, false])
    second.waitsFor = copy
    assert.isTrue(steady.awaitsRoom)
    copy.live = false
    assert.isFalse(steady.awaitsRoom)
  })

  it("looks in between at who is due later than its calendar reaches", () => {
    const steady = new SteadyDecode(100_000)
    const sequence = decoding(0, 5000, 1)
    steady.join(sequence, 1)
    assert.strictEqual(steady.quietSteps, 1022)
    steady.takeQuietSteps(1022, 2)
    assert.strictEqual(steady.takeStep(3), sequence)
    assert.strictEqual(sequence.generatedTokens, 1 + 1023)
  })

  it("notices a member that was written to behind its back", () => {
    const steady = new SteadyDecode(16)
    const sequence = decoding(0, 5, 1)
    steady.join(sequence, 1)
    sequence.generatedTokens += 1
    assert.throws(() => steady.checkInvariants([sequence]), "know")
  })
})
