import { assert, describe, it } from "@effect/vitest"
import { RunList } from "../../../src/engine/tiers/BlockRuns.ts"
import { CopyLane, type LaneCopy } from "../../../src/engine/tiers/CopyLane.ts"
import { HostCopies } from "../../../src/engine/tiers/HostCopies.ts"
import { RunningCopies } from "../../../src/engine/tiers/TierUser.ts"
import { TransferTimes } from "../../../src/engine/tiers/TransferTimes.ts"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"

const blockBytes = 3000

/** The model: every copy an object. */
class NaiveCopy implements LaneCopy<NaiveCopy> {
  readonly runs: ReadonlyArray<number>
  readonly holder: RunningCopies
  readonly bytes: number
  endMs = Number.NaN
  behind: NaiveCopy | undefined = undefined

  constructor(runs: ReadonlyArray<number>, holder: RunningCopies) {
    this.runs = runs
    this.holder = holder
    this.bytes = blockBytes * runs.reduce((sum, count, at) => (at % 2 === 1 ? sum + count : sum), 0)
  }
}

describe("copies to host memory", () => {
  it.each([1, 2, 3])("end as copies of a lane do, in their order, whatever is under way, seed %d", (seed) => {
    const random = new Pcg32(seed, 7)
    const copies = new HostCopies<RunningCopies>(0.001, 0.25, new TransferTimes(), blockBytes)
    const lane = new CopyLane<NaiveCopy>(0.001, 0.25)
    const holders = [new RunningCopies(), new RunningCopies(), new RunningCopies()]
    let unstarted: Array<NaiveCopy> = []
    const underWay: Array<NaiveCopy> = []
    let nowMs = 0
    let longest = 0
    for (let step = 0; step < 3000; step++) {
      nowMs += random.below(40) / 8
      const holder = holders[random.below(holders.length)]!
      const act = random.below(4)
      if (act < 2) {
        const runs = Array.from({ length: 2 * (1 + random.below(6)) }, (_, at) =>
          at % 2 === 0 ? 1024 * step + 32 * at : 1 + random.below(3)
        )
        const before = holder.copies
        const list = new RunList()
        for (let at = 0; at < runs.length; at += 2) list.add(runs[at]!, runs[at + 1]!)
        copies.add(list, holder)
        assert.strictEqual(holder.copies, before + 1)
        unstarted.push(new NaiveCopy(runs, holder))
      } else if (act === 2) {
        copies.start(nowMs)
        for (const copy of unstarted) {
          lane.start(copy, nowMs)
          underWay.push(copy)
          if (copy === unstarted.at(-1)) assert.strictEqual(copy.holder.lastEndMs, copy.endMs)
        }
        unstarted = []
      } else {
        const late = random.below(3) === 0 ? nowMs : nowMs - 1e4
        lane.advance(late, (copy) => {
          assert.strictEqual(copies.nextEndMs, copy.endMs)
          assert.strictEqual(copies.endMsOf(copies.first), copy.endMs)
          const arrived: Array<number> = []
          assert.strictEqual(
            copies.end((key, count) => void arrived.unshift(key, count)),
            copy.holder
          )
          assert.deepStrictEqual(arrived, [...copy.runs])
          assert.strictEqual(underWay.shift(), copy)
        })
      }
      longest = Math.max(longest, underWay.length)
      const traffic = [lane.nextEndMs, lane.active, lane.bytesMoved, lane.busyMs]
      assert.deepStrictEqual([copies.nextEndMs, copies.active, copies.bytesMoved, copies.busyMs], traffic)
      const sought = underWay[random.below(Math.max(1, underWay.length))]
      if (sought !== undefined)
        assert.strictEqual(copies.bringing(sought.runs[0]!), copies.first + underWay.indexOf(sought))
      assert.strictEqual(copies.bringing(unstarted[0]?.runs[0] ?? -5), -1)
    }
    assert.isAbove(longest, 100)
  })
})
