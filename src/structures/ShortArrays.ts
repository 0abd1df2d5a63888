/**
 * Room for many short arrays of integers that live about as long as each other, cut out of few long ones.
 *
 *     block  │ array │ array │ array │ … │ unused │        4096 integers; the next array that does not fit begins another
 *
 * A typed array of its own has memory of its own outside of the heap: taking, zeroing, counting and freeing it costs more than filling
 * it. A block is freed with the last of its arrays. Long arrays get memory of their own: no block loses more than a quarter.
 */

const blockLength = 4096
const longLength = blockLength / 4

export class ShortArrays {
  private block = new Int32Array(0)
  private used = 0

  /** An array of zeros. */
  take(length: number): Int32Array {
    if (length > longLength) return new Int32Array(length)
    if (this.used + length > this.block.length) {
      this.block = new Int32Array(blockLength)
      this.used = 0
    }
    const array = this.block.subarray(this.used, this.used + length)
    this.used += length
    return array
  }
}
