/** Who is told which blocks a tier holds, as far as others can have them. */
import { frameSize } from "../../structures/FrameMask.ts"
import { lastOctet, wideMembersFrom } from "../../structures/WideFrame.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { RunList } from "./BlockRuns.ts"

export class TierListeners {
  /** Whether nobody is told anything. */
  areNone = true
  private readonly sinks: Array<KvEventSink> = []
  /** Scratch list. */
  private readonly runs = new RunList()

  add(sink: KvEventSink | undefined): void {
    if (sink === undefined || this.sinks.includes(sink)) return
    this.sinks.push(sink)
    this.areNone = false
  }

  /** Members of a frame of 32 have come or gone: told eight at a time, the last ones first, but for what a worker has generated itself. */
  tell(frameNumber: number, members: number, isHere: boolean): void {
    const { runs, sinks } = this
    if (frameNumber < 0 || this.areNone) return
    for (let rest = members; rest !== 0;) {
      const octet = rest & wideMembersFrom(lastOctet(rest), frameSize)
      rest &= ~octet
      runs.clear()
      runs.addMembers(frameNumber, octet)
      for (const sink of sinks)
        for (let run = 0; run < runs.count; run++)
          if (isHere) sink.stored(runs.keyOf(run), runs.lengthOf(run))
          else sink.removed(runs.keyOf(run), runs.lengthOf(run))
    }
  }
}
