/**
 * Counts of non-negative values in buckets of constant relative width: the sketch behind percentiles of runs too long to
 * keep every value.
 *
 * A bucket is a value's binary exponent and the 14 leading bits of its fraction, so each power of two is divided into
 * 16,384 equal parts and no logarithm is taken: the same values give the same buckets on any machine. A bucket answers with
 * its midpoint, which is off by at most half a width: 2^-15 of the value, and of its reciprocal. Zeros are counted
 * exactly. One power of two costs 128 KiB, taken when its first value comes.
 */

const fractionBits = 14
const bucketsPerOctave = 1 << fractionBits
/** Bits of the high word's fraction below the bucket number. */
const restBits = 20 - fractionBits
const exponents = 1 << 11

/** Largest relative distance between a value and its bucket's midpoint. */
export const logHistogramError = 2 ** -(fractionBits + 1)

export class LogHistogram {
  private zeros = 0
  private readonly octaves: Array<Float64Array | undefined> = Array.from({ length: exponents })
  private readonly bits = new DataView(new ArrayBuffer(8))

  /** Adds `count` occurrences of a finite `value >= 0`. */
  add(value: number, count: number): void {
    if (value === 0) {
      this.zeros += count
      return
    }
    this.bits.setFloat64(0, value)
    const high = this.bits.getUint32(0)
    const octave = this.octaves[high >>> 20] ?? this.newOctave(high >>> 20)
    octave[(high >>> restBits) & (bucketsPerOctave - 1)]! += count
  }

  /** The value at `rank` of the ascending order, to within {@link logHistogramError}; ranks past the end give `Infinity`. */
  valueAt(rank: number): number {
    let seen = this.zeros
    if (rank < seen) return 0
    for (let exponent = 0; exponent < exponents; exponent++) {
      const octave = this.octaves[exponent]
      if (octave === undefined) continue
      for (let bucket = 0; bucket < bucketsPerOctave; bucket++) {
        seen += octave[bucket]!
        if (rank < seen) return this.midpoint(exponent, bucket)
      }
    }
    return Number.POSITIVE_INFINITY
  }

  private newOctave(exponent: number): Float64Array {
    const octave = new Float64Array(bucketsPerOctave)
    this.octaves[exponent] = octave
    return octave
  }

  private midpoint(exponent: number, bucket: number): number {
    this.bits.setUint32(0, ((exponent << 20) | (bucket << restBits) | (1 << (restBits - 1))) >>> 0)
    this.bits.setUint32(4, 0)
    return this.bits.getFloat64(0)
  }
}
