/** The KV cache and its model, taken through the same steps. */
import { assert } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { KvCache } from "../../../src/engine/sglang/KvCache.ts"
import { Sequence } from "../../../src/engine/sglang/Sequence.ts"
import { assertSameNumbers } from "../../support/Assertions.ts"
import { request } from "../../support/RequestBuilder.ts"
import { eachBlock } from "../EachBlock.ts"
import { KvModel, type ModelRequest } from "./KvModel.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))

/** What happens next; whoever cannot do it does nothing. */
export const Step = Schema.Struct({
  act: Schema.Literals([
    "arrive",
    "extend",
    "generate",
    "generate",
    "generate",
    "cache",
    "finalise",
    "retract",
    "reserve",
    "activate",
    "evict"
  ]),
  /** Which request acts, and which path of the prefix tree a new one takes. */
  which: below(64),
  tokens: below(40)
})
/** How a request stands towards the cache. */
export type Stage = "waiting" | "decoding" | "reserved"

export interface Member {
  readonly sequence: Sequence
  readonly model: ModelRequest
  readonly id: number
  stage: Stage
}

export class KvPair {
  readonly members: Array<Member> = []
  private readonly pageTokens: number
  private readonly kv: KvCache
  private readonly model: KvModel
  private readonly identities = new Map<string, number>()
  private readonly announced = new Set<number>()
  /** Which of the cache's slots is which of the model's, as far as seen. */
  private readonly slotNames = new Map<number, number>()
  private readonly slotNumbers = new Map<number, number>()
  private nextId = 0

  constructor(capacityPages: number, pageTokens: number) {
    this.pageTokens = pageTokens
    this.model = new KvModel(capacityPages * pageTokens, pageTokens)
    const sink = eachBlock({
      stored: (block) => {
        if (this.announced.has(block)) throw new Error(`block ${block} is announced twice`)
        this.announced.add(block)
      },
      removed: (block) => {
        if (!this.announced.delete(block)) throw new Error(`block ${block} is withdrawn but not announced`)
      }
    })
    this.kv = new KvCache(capacityPages, pageTokens, sink)
  }

  /** Prompts take paths through a tree with a fork every 7 tokens. Tokens tell their path, so that equal pages have equal prefixes. */
  arrive(which: number, length: number): void {
    const tokens = Array.from(
      { length: length + 1 },
      (_, position) => `${position}:${which & ((2 << Math.floor(position / 7)) - 1)}`
    )
    const blocks = Array.from({ length: Math.floor(tokens.length / this.pageTokens) }, (_, page) =>
      this.identityOf(tokens, page)
    )
    const id = this.nextId++
    const sequence = new Sequence(request({ id, promptTokens: tokens.length, outputTokens: 40, blocks }), 40)
    const model = { tokens, promptTokens: tokens.length, slots: [], cached: 0, node: undefined, reserved: [] }
    this.members.push({ sequence, model, id, stage: "waiting" })
  }

  extend(member: Member, tokens: number): void {
    const { model, sequence } = member
    const missing = sequence.knownTokens - sequence.materialisedTokens
    const end = sequence.materialisedTokens + Math.min(missing, tokens + 1)
    this.kv.makeAvailable(end - sequence.materialisedTokens)
    this.model.makeAvailable(end - model.slots.length)
    assert.strictEqual(this.kv.extend(sequence, end), this.model.extend(model, end))
    if (sequence.materialisedTokens === sequence.knownTokens) this.startDecoding(member)
  }

  generate(member: Member): void {
    const { model, sequence } = member
    if (sequence.remainingTokens === 0) return
    this.kv.makeAvailable(1)
    this.model.makeAvailable(1)
    const at = this.kv.pool.take(1)
    assert.strictEqual(at >= 0, this.model.generate(model, `${member.id}#${model.tokens.length}`))
    if (at < 0) return
    const { frames, pool } = this.kv
    if (pool.numbered) frames.slots[sequence.slotOffset + sequence.materialisedTokens] = pool.entries[at]!
    sequence.generatedTokens += 1
    sequence.materialisedTokens += 1
    this.cache(member)
    if (sequence.materialisedTokens % this.pageTokens === 0) this.kv.openPage(sequence)
  }

  cache({ model, sequence }: Member): void {
    this.kv.cachePrefix(sequence)
    this.model.cachePrefix(model)
  }

  finalise(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1)
    this.kv.finalise(member.sequence)
    this.model.finalise(member.model)
  }

  retract(member: Member): void {
    member.stage = "waiting"
    this.kv.retract(member.sequence)
    this.model.retract(member.model)
  }

  reserve(member: Member): void {
    const missing = this.kv.reserve(member.sequence, member.sequence.promptTokens)
    assert.strictEqual(missing, this.model.reserve(member.model))
    if (missing >= 0) member.stage = "reserved"
  }

  activate(member: Member): void {
    assert.strictEqual(this.kv.activate(member.sequence), this.model.activate(member.model))
    this.startDecoding(member)
  }

  evict(tokens: number): void {
    this.kv.makeAvailable(this.kv.pool.available + tokens)
    this.model.evict(tokens)
  }

  /** Everything that can be seen of both is the same, and the cache agrees with itself. */
  compare(): void {
    const { kv, model } = this
    assert.strictEqual(kv.pool.available, model.stack.length)
    if (kv.pool.numbered) this.compareSlots()
    assert.strictEqual(kv.evictableTokens, model.evictable)
    for (const {
      model: { tokens },
      sequence
    } of this.members) {
      const pages = Math.floor(sequence.knownTokens / this.pageTokens)
      if (sequence.keys.length < pages) continue
      assert.strictEqual(kv.tree.matchingPages(sequence.keys, pages) * this.pageTokens, model.matchLength(tokens))
    }
    const known = model.announced.flatMap((hash) => this.identities.get(hash) ?? [])
    assertSameNumbers(
      [...this.announced].toSorted((a, b) => a - b),
      known.toSorted((a, b) => a - b)
    )
    const reserved = this.members.reduce((sum, { model }) => sum + model.reserved.length, 0)
    kv.checkInvariants(
      this.members.map(({ sequence }) => sequence),
      reserved
    )
  }

  /** Nobody is left: everything cached can be evicted, one eviction after the other in the same order. */
  drain(): void {
    for (let member = this.members[0]; member !== undefined; member = this.members[0]) {
      if (member.stage === "reserved") this.activate(member)
      this.finalise(member)
    }
    this.compare()
    assert.strictEqual(this.kv.evictableTokens, this.kv.tree.pages * this.pageTokens)
    assert.strictEqual(this.kv.activeTokens, 0)
    while (this.kv.evictableTokens > 0) {
      this.evict(1)
      this.compare()
    }
  }

  private startDecoding(member: Member): void {
    member.stage = "decoding"
    this.kv.openPage(member.sequence)
  }

  /** Once the cache tells slots apart, it does so exactly as the model does, under numbers of its own. */
  private compareSlots(): void {
    const { slotNames, slotNumbers } = this
    const free = this.freeSlots()
    this.model.stack.forEach((number, level) => {
      const name = free[level]!
      if (!slotNames.has(number)) slotNames.set(number, name)
      if (!slotNumbers.has(name)) slotNumbers.set(name, number)
      if (slotNames.get(number) !== name || slotNumbers.get(name) !== number)
        assert.fail(`slot ${number} of the model was ${slotNames.get(number)} and is ${name}`)
    })
  }

  private freeSlots(): Array<number> {
    const { pool } = this.kv
    const count = pool.available
    const at = pool.take(count)
    const slots = Array.from(pool.entries.subarray(at, at + count))
    pool.giveBack(at + count, count)
    return slots
  }

  private identityOf(tokens: ReadonlyArray<string>, page: number): number {
    let hash = ""
    for (let at = 0; at <= page; at++) {
      hash += `/${tokens.slice(at * this.pageTokens, (at + 1) * this.pageTokens).join(" ")}`
    }
    const known = this.identities.get(hash)
    if (known !== undefined) return known
    this.identities.set(hash, this.identities.size)
    return this.identities.size - 1
  }
}

/** Does one step, if some request can. */
export const apply = (pair: KvPair, { act, tokens, which }: typeof Step.Type): void => {
  const among = (stage: Stage, fresh = false): Member | undefined => {
    const able = pair.members.filter(
      (member) => member.stage === stage && (!fresh || member.sequence.materialisedTokens === 0)
    )
    return able[which % Math.max(1, able.length)]
  }
  const waiting = among("waiting")
  const decoding = among("decoding")
  if (act === "arrive") pair.arrive(which, tokens)
  else if (act === "evict") pair.evict(tokens)
  else if (act === "extend" && waiting !== undefined) pair.extend(waiting, tokens)
  else if (act === "cache" && waiting !== undefined) pair.cache(waiting)
  else if (act === "generate" && decoding !== undefined) pair.generate(decoding)
  else if (act === "finalise" && decoding !== undefined) pair.finalise(decoding)
  else if (act === "retract" && decoding !== undefined) pair.retract(decoding)
  else if (act === "reserve") {
    const fresh = among("waiting", true)
    if (fresh !== undefined && fresh.sequence.generatedTokens === 0) pair.reserve(fresh)
  } else if (act === "activate") {
    const reserved = among("reserved")
    if (reserved !== undefined) pair.activate(reserved)
  }
}
