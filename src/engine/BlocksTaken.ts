/**
 * How many KV blocks requests take before each of the passes computed ahead of their time: stretches of passes before which equally many
 * were taken.
 *
 *     passes    0  1  2 │ 3  4 │ 5 …       the token of pass 2 opens a block, and so do two of pass 4
 *     blocks    0  0  0 │ 1  1 │ 3 …
 */
export class BlocksTaken {
  /** Of each stretch: the first pass behind it. */
  readonly ends: Int32Array
  /** Of each stretch: what was taken before every one of its passes. */
  readonly blocks: Int32Array
  private stretches = 0

  /** For so many stretches. */
  constructor(stretches: number) {
    this.ends = new Int32Array(stretches)
    this.blocks = new Int32Array(stretches)
  }

  clear(): void {
    this.stretches = 0
  }

  /** The next stretch, up to pass `end`. */
  add(end: number, blocks: number): void {
    this.ends[this.stretches] = end
    this.blocks[this.stretches] = blocks
    this.stretches += 1
  }

  /** What was taken before this pass, which must belong to a stretch. */
  before(pass: number): number {
    const { blocks, ends } = this
    let stretch = 0
    while (ends[stretch]! <= pass) stretch += 1
    return blocks[stretch]!
  }
}
