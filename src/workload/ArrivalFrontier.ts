/**
 * How far into the future a workload that reads its rows little by little can see: no row still to come is ready
 * before the frontier.
 */

/**
 * Ready times of later turns are sums of waits that round separately from the timestamps that bound them; this much
 * doubt, relative, is left at the bound. Reading a little further than needed changes nothing else.
 */
const doubt = 1e-9

export class ArrivalFrontier {
  private readonly moves: boolean
  private frontierMs = Number.NEGATIVE_INFINITY

  /** One that does not move lets nothing through before the rows end. */
  constructor(moves: boolean) {
    this.moves = moves
  }

  /** No row still to come is ready before `readyMs`. */
  raise(readyMs: number): void {
    if (this.moves) this.frontierMs = Math.max(this.frontierMs, readyMs - Math.abs(readyMs) * doubt)
  }

  /** Whether whatever is ready at `readyMs` surely comes before all rows still to come. */
  hasPassed(readyMs: number): boolean {
    return readyMs < this.frontierMs
  }
}
