/** What the next window will bring, from those before it. Windows before the first with anything in them are skipped. */

export interface Predictor {
  add(value: number): void
  /** 0 before anything was seen. */
  predict(): number
}

/** The next one is like the last. */
class ConstantPredictor implements Predictor {
  private last = 0

  add(value: number): void {
    this.last = value
  }

  predict(): number {
    return this.last
  }
}

export interface KalmanSettings {
  /** Variance of the level and of the trend per window, and of what is measured. */
  readonly level: number
  readonly trend: number
  readonly measured: number
}

/** Variance of the state before anything is known. */
const unknownVariance = 1000

/** A Kalman filter of level and trend. */
class KalmanPredictor implements Predictor {
  private readonly noise: KalmanSettings
  private level = Number.NaN
  private trend = 0
  /** Covariance of level and trend: [[levels, both], [both, trends]]. */
  private levels = unknownVariance
  private both = 0
  private trends = unknownVariance
  /** The state is ahead of what was measured. */
  private stepped = false

  constructor(noise: KalmanSettings) {
    this.noise = noise
  }

  add(value: number): void {
    if (Number.isNaN(this.level)) {
      this.level = value
      return
    }
    if (!this.stepped) this.step()
    this.stepped = false
    const variance = this.levels + this.noise.measured
    const [levelGain, trendGain] = [this.levels / variance, this.both / variance]
    const surprise = value - this.level
    this.level += levelGain * surprise
    this.trend += trendGain * surprise
    this.trends -= trendGain * this.both
    this.both -= levelGain * this.both
    this.levels -= levelGain * this.levels
  }

  predict(): number {
    if (Number.isNaN(this.level)) return 0
    if (!this.stepped) this.step()
    this.stepped = true
    return this.level
  }

  private step(): void {
    this.level += this.trend
    this.levels += 2 * this.both + this.trends + this.noise.level
    this.both += this.trends
    this.trends += this.noise.trend
  }
}

/** Works on log(1 + x), so that it follows factors; never predicts less than nothing. */
class LogPredictor implements Predictor {
  private readonly inner: Predictor

  constructor(inner: Predictor) {
    this.inner = inner
  }

  add(value: number): void {
    this.inner.add(Math.log1p(value))
  }

  predict(): number {
    return Math.max(0, Math.expm1(this.inner.predict()))
  }
}

class SkipsIdleStart implements Predictor {
  private readonly inner: Predictor
  private started = false

  constructor(inner: Predictor) {
    this.inner = inner
  }

  add(value: number): void {
    if (!this.started && value === 0) return
    this.started = true
    this.inner.add(value)
  }

  predict(): number {
    return this.started ? this.inner.predict() : 0
  }
}

export interface PredictorSettings {
  readonly kind: "constant" | "kalman"
  readonly log1p: boolean
  readonly kalman: KalmanSettings
}

export const predictorOf = ({ kalman, kind, log1p }: PredictorSettings): Predictor => {
  const plain = kind === "constant" ? new ConstantPredictor() : new KalmanPredictor(kalman)
  return new SkipsIdleStart(log1p ? new LogPredictor(plain) : plain)
}
