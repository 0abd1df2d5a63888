/** The memory of a pool of workers, refused in words before the machine refuses it. */

/** A run that needs more memory than there is. */
export class OutOfMemory extends Error {
  override readonly name = "OutOfMemory"
}

/** Pools below this many KV blocks in all are made without asking. */
const unaskedBlocks = 20_000_000

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1)

/** Makes `workers` workers of `blocks` KV blocks each, unless all of them would take more than is left once the first is there. */
export const spawnWorkers = <Worker>(
  workers: number,
  blocks: number,
  spawn: (workerIndex: number) => Worker
): Array<Worker> => {
  if (workers * blocks < unaskedBlocks) return Array.from({ length: workers }, (_, index) => spawn(index))
  // What a worker touches at once; pages that it only reserves may never be needed.
  const before = process.memoryUsage.rss()
  const first = spawn(0)
  const neededBytes = (process.memoryUsage.rss() - before) * (workers - 1)
  const availableBytes = process.availableMemory()
  if (neededBytes > availableBytes) {
    throw new OutOfMemory(
      `${workers} workers of ${blocks} KV blocks need another ${gib(neededBytes)} GiB, the machine has ${gib(availableBytes)} GiB left`
    )
  }
  return [first, ...Array.from({ length: workers - 1 }, (_, index) => spawn(index + 1))]
}
