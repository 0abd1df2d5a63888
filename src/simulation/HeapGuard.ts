/**
 * Ends a run in words before V8 ends the process: a heap that fills up gradually is not refused, V8 collects garbage ever more often, and
 * gives up in the middle of things when four fifths of the heap stay alive.
 */
import { collectGarbage, heapUse } from "../host/Node.ts"
import { OutOfMemory } from "./WorkerMemory.ts"
import { counted } from "../settings/Counted.ts"

/** A heap with more than this alive has no room for what comes until the next look. */
const fullShare = 0.7

export class HeapFull extends OutOfMemory {
  override readonly name = "HeapFull"
}

/** Throws {@link HeapFull} where what is alive fills the heap, `inFlight` requests among it. Looking costs two microseconds. */
export const checkHeap = (inFlight: number): void => {
  if (!isFull()) return
  // Most of it may be garbage: where this fits, V8 would have collected it soon.
  collectGarbage()
  if (!isFull()) return
  const mib = Math.round(heapUse().limitBytes / 2 ** 20)
  throw new HeapFull(
    `the heap of Node.js, ${mib} MiB, is full: ${counted(inFlight, "request")} in flight, and rows read for those to come`
  )
}

const isFull = (): boolean => {
  const { limitBytes, usedBytes } = heapUse()
  return usedBytes > fullShare * limitBytes
}
