import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { KvCache } from "../../../src/engine/sglang/KvCache.ts"
import { LongestPrefixFirst } from "../../../src/engine/sglang/LongestPrefixFirst.ts"
import { Sequence } from "../../../src/engine/sglang/Sequence.ts"
import { WaitingQueue } from "../../../src/engine/WaitingQueue.ts"
import { request } from "../../support/RequestBuilder.ts"
import { KvModel, type ModelRequest } from "./KvModel.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const prompt = Schema.Struct({ path: below(16), tokens: below(90) })

/** More than all prompts together. */
const enoughTokens = 6_000

/** Prompts fork every 24 tokens. */
const tokensOf = ({ path, tokens }: typeof prompt.Type): Array<string> =>
  Array.from({ length: tokens + 1 }, (_, position) => `${position}:${path & ((2 << Math.floor(position / 24)) - 1)}`)

/** Cache, interner and builders for one page size. */
class World {
  readonly kv: KvCache
  readonly model: KvModel
  readonly pageTokens: number
  private readonly identities = new Map<string, number>()
  private nextId = 0

  constructor(pageTokens: number) {
    this.pageTokens = pageTokens
    this.kv = new KvCache(Math.ceil(enoughTokens / pageTokens), pageTokens, undefined)
    this.model = new KvModel(enoughTokens, pageTokens)
  }

  sequence(tokens: ReadonlyArray<string>): Sequence {
    const blocks = Array.from({ length: Math.floor(tokens.length / this.pageTokens) }, (_, page) => {
      const prefix = tokens.slice(0, (page + 1) * this.pageTokens).join(" ")
      const known = this.identities.get(prefix) ?? this.identities.size
      this.identities.set(prefix, known)
      return known
    })
    return new Sequence(request({ id: this.nextId++, promptTokens: tokens.length, outputTokens: 1, blocks }), 1)
  }

  cache(tokens: Array<string>): void {
    const sequence = this.sequence(tokens)
    this.kv.extend(sequence, tokens.length)
    this.kv.finalise(sequence)
    store(this.model, tokens)
  }
}

const store = (model: KvModel, tokens: Array<string>): void => {
  const entry: ModelRequest = {
    tokens,
    promptTokens: tokens.length,
    slots: [],
    cached: 0,
    node: undefined,
    reserved: []
  }
  model.extend(entry, tokens.length)
  model.finalise(entry)
}

/** The policy as the reference describes it, with a second tree for what waits. */
const orderOf = (model: KvModel, pageTokens: number, prompts: ReadonlyArray<ReadonlyArray<string>>): Array<number> => {
  const scratch = new KvModel(enoughTokens, pageTokens)
  const ranked = prompts.map((tokens, index) => {
    const hit = model.matchLength(tokens)
    let later = false
    if (hit <= 32) {
      later = scratch.matchLength(tokens) >= 32
      if (!later) store(scratch, [...tokens])
    }
    return { index, hit, later }
  })
  return ranked.toSorted((a, b) => Number(a.later) - Number(b.later) || b.hit - a.hit).map(({ index }) => index)
}

const ids = (queue: WaitingQueue<Sequence>, sequences: ReadonlyArray<Sequence>): Array<number> => {
  const order: Array<number> = []
  queue.forEach((sequence) => void order.push(sequences.indexOf(sequence)))
  return order
}

describe("LongestPrefixFirst", () => {
  for (const pageTokens of [1, 3, 8, 16, 32, 64]) {
    it.prop(
      `orders as described, pages of ${pageTokens} tokens`,
      [Schema.Array(prompt).check(Schema.isMaxLength(6)), Schema.Array(prompt).check(Schema.isMaxLength(30))],
      ([cached, waiting]) => {
        const world = new World(pageTokens)
        for (const each of cached) world.cache(tokensOf(each))
        const prompts = waiting.map(tokensOf)
        const sequences = prompts.map((tokens) => world.sequence(tokens))
        const queue = new WaitingQueue<Sequence>()
        for (const sequence of sequences) queue.pushBack(sequence)
        new LongestPrefixFirst(world.kv.tree, pageTokens).order(queue)
        assert.deepStrictEqual(ids(queue, sequences), orderOf(world.model, pageTokens, prompts))
      },
      { arbitrary: { runs: 60, size: 40 } }
    )
  }

  it.each([
    [128, true],
    [129, false]
  ] as const)("orders a queue of %i: %s", (length, orders) => {
    const world = new World(4)
    const long = tokensOf({ path: 1, tokens: 80 })
    world.cache(long)
    const sequences = Array.from({ length }, (_, index) => world.sequence(index + 1 < length ? [`${index}`] : long))
    const queue = new WaitingQueue<Sequence>()
    for (const sequence of sequences) queue.pushBack(sequence)
    new LongestPrefixFirst(world.kv.tree, 4).order(queue)
    assert.strictEqual(queue.head === sequences.at(-1), orders)
  })
})
