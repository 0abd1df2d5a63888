/**
 * Ends what `SmallHeap.ts` begins replays with: that V8 marks the heap in one go.
 *
 * V8 would mark beside a run, and end that when the run next waits. A simulation never does: while much is compiled as well, the heap grows by half
 * before V8 ends it all the same. In one go it takes a few milliseconds. But then V8 asks less often whether the heap is due, and lets that
 * of a long run grow on and on; a long run has nothing left to compile, and has it marked beside it.
 */
import * as Stream from "effect/Stream"
import { setFlagsFromString } from "node:v8"
import type { ReplayEvent } from "../report/ReplayEvent.ts"

/** The heap is due after some 9,000 requests, and next after a third more each time. */
const inOneGoRequests = 20_000

export class HeapMarking {
  private requests = 0

  readonly through = <E, R>(events: Stream.Stream<ReplayEvent, E, R>): Stream.Stream<ReplayEvent, E, R> =>
    Stream.mapArray(events, (chunk) => {
      for (const { _tag } of chunk) {
        if (_tag !== "Request") continue
        this.requests += 1
        if (this.requests === inOneGoRequests) markBeside()
      }
      return chunk
    })
}

const markBeside = (): void => {
  setFlagsFromString("--incremental-marking")
  // Code that is kept for the next process goes by the flags that this one has at its end.
  process.prependOnceListener("exit", () => setFlagsFromString("--no-incremental-marking"))
}

/** The flag is one of the process, so all that is replayed in it counts. */
export const heapMarking = new HeapMarking()
