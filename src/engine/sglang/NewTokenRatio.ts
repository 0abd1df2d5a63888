/**
 * Which share of their remaining output tokens running requests are expected to need: falls a little with every pass, and jumps
 * back up when the pool turned out to be too full.
 */

/** A conservativeness of 1 starts here. */
const initialRatio = 0.7
const minFactor = 0.14
const decayPasses = 600

export class NewTokenRatio {
  value: number
  private readonly initial: number
  private readonly min: number
  private readonly step: number

  constructor(conservativeness: number) {
    this.initial = initialRatio * conservativeness
    this.min = this.initial * minFactor
    this.step = (this.initial - this.min) / decayPasses
    this.value = this.initial
  }

  reset(): void {
    this.value = this.initial
  }

  /** So many passes are over. */
  decay(passes = 1): void {
    for (let pass = 0; pass < passes && this.value > this.min; pass++) {
      this.value = Math.max(this.value - this.step, this.min)
    }
  }
}
