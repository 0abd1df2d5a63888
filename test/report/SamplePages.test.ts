import { assert, describe, it } from "@effect/vitest"
import { type ScratchFile, openScratchFile } from "../../src/host/Node.ts"
import { SamplePages } from "../../src/report/SamplePages.ts"
import { assertCloseTo, naiveStatistics, pseudoRandom } from "./NaiveStatistics.ts"

/** More than what stays in memory: seven pages and a bit in the file. */
const count = 200_000

const values = (seed: number): ReadonlyArray<number> => {
  const random = pseudoRandom(seed)
  return Array.from({ length: count }, () => random() * 1000)
}

const filled = (numbers: ReadonlyArray<number>, open?: () => ScratchFile | undefined): SamplePages => {
  const pages = new SamplePages(undefined, open)
  for (const value of numbers) pages.add(value)
  return pages
}

/** A file that takes so many pages and no more, and says how many it took. */
const fileOf = (room: number) => {
  const pages: Array<Uint8Array> = []
  const file: ScratchFile = {
    append: (bytes) => pages.length < room && pages.push(bytes.slice()) > 0,
    read: (position, bytes) => {
      assert.strictEqual(position, 0)
      pages.forEach((page, index) => bytes.set(page, index * page.length))
    }
  }
  return { pages, open: () => file }
}

describe("SamplePages", () => {
  it("has the same statistics to the last bit with a scratch file, without one, and with one that is full", () => {
    const numbers = values(1)
    const memory = filled(numbers, () => undefined)
    const expected = memory.statistics()
    assertCloseTo(expected, naiveStatistics(numbers), 1e-12)
    for (const room of [0, 1, 3, 1000]) {
      const file = fileOf(room)
      const pages = filled(numbers, file.open)
      assert.deepStrictEqual(pages.statistics(), expected)
      assert.strictEqual(file.pages.length, Math.min(room, Math.floor(count / 8192) - 16))
    }
    assert.deepStrictEqual(filled(numbers).statistics(), expected)
  })

  it("orders values of either sign, and without one", () => {
    for (const numbers of [
      [3, -1, 0, -0, 2.5, -1e-300, 7, -8],
      [-0, 5],
      [0, 5e-324, 1e100],
      [-2, -3]
    ]) {
      assertCloseTo(filled(numbers).statistics(), naiveStatistics(numbers), 1e-12)
    }
    assert.strictEqual(filled([Number.POSITIVE_INFINITY, 1, 2]).statistics().median, 2)
    assert.strictEqual(Object.is(filled([0, -0, 4]).statistics().min, -0), true)
  })

  it("goes on after it was asked", () => {
    const [first, second] = [values(2), values(3)]
    const pages = filled(first)
    assertCloseTo(pages.statistics(), naiveStatistics(first), 1e-12)
    for (const value of second) pages.add(value)
    assertCloseTo(pages.statistics(), naiveStatistics([...first, ...second]), 1e-12)
    assertCloseTo(pages.statistics(), naiveStatistics([...first, ...second]), 1e-12)
  })

  it("visits all values in the order they came", () => {
    const numbers = values(4)
    const seen: Array<number> = []
    filled(numbers).forEach((value) => seen.push(value))
    assert.deepStrictEqual(seen, numbers)
  })
})

describe("a scratch file", () => {
  it("gives back what was added", () => {
    const file = openScratchFile()!
    assert.isTrue(file.append(Uint8Array.of(1, 2, 3)))
    assert.isTrue(file.append(Uint8Array.of(4)))
    const read = new Uint8Array(2)
    file.read(2, read)
    assert.deepStrictEqual([...read], [3, 4])
    assert.throws(() => file.read(3, read), "ends at 4")
  })
})
