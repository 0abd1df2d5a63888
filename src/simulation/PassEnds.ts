/**
 * When the passes under way in a pool end: their events in the loop's queue.
 *
 * At one instant passes end in the order in which they started. One that is computed ahead of time is in the queue long before it
 * starts, and takes the place there that it would have had: passes that follow one another start in the first round of their
 * instant, by ascending worker.
 */
import { type EventQueue, placeInRound } from "./EventQueue.ts"

export class PassEnds {
  private readonly queue: EventQueue
  private readonly payloadOf: (worker: number) => number
  /** By worker: its event, and when and in which round its first pass under way started. */
  private readonly events: Array<number> = []
  private readonly firstStartsMs: Array<number> = []
  private readonly rounds: Array<number> = []

  constructor(queue: EventQueue, payloadOf: (worker: number) => number) {
    this.queue = queue
    this.payloadOf = payloadOf
  }

  /** The worker starts passes at `nowMs`, in this round of the instant; the last of them from `startMs` to `endMs`. */
  started(worker: number, endMs: number, startMs: number, nowMs: number, round: number): void {
    this.firstStartsMs[worker] = nowMs
    this.rounds[worker] = round
    this.push(worker, endMs, startMs)
  }

  /** The last pass of those under way is another one now, by default the first one. */
  moved(worker: number, endMs: number, startMs = this.firstStartsMs[worker]!): void {
    this.callOff(worker)
    this.push(worker, endMs, startMs)
  }

  callOff(worker: number): void {
    this.queue.callOff(this.events[worker]!)
  }

  private push(worker: number, endMs: number, startMs: number): void {
    const round = startMs === this.firstStartsMs[worker] ? this.rounds[worker]! : 0
    const payload = this.payloadOf(worker)
    this.events[worker] = this.queue.push(endMs, startMs, payload, placeInRound(round, payload))
  }
}
