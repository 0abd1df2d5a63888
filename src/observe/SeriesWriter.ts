/** Writes the time series of a run as a table: no object is made of a row. */
import type { Cells, TableWriter } from "../report/TableWriter.ts"
import { SeriesIntervals, type SeriesLine } from "./SeriesIntervals.ts"
import { diskBlocksOf } from "./SeriesState.ts"

export class SeriesWriter extends SeriesIntervals {
  private readonly writer: TableWriter

  /** `intervalMs > 0`: simulated time of a row. The columns of the writer are those of a series. */
  constructor(intervalMs: number, writer: TableWriter) {
    super(intervalMs)
    this.writer = writer
  }

  protected give(line: SeriesLine): void {
    writeCells(this.writer.cells, line)
    this.writer.add()
  }
}

const none = Number.NaN

/** In the order of the columns: those of texts have no number, those of numbers no text. */
const writeCells = ({ numbers, texts }: Cells, line: SeriesLine): void => {
  const { state, tally } = line
  const { firstTokens, tokenGaps } = tally
  const { tiers } = state
  let at = 0
  numbers[at++] = line.startMs
  numbers[at++] = line.endMs
  texts[at++] = line.scope
  texts[at++] = line.role
  numbers[at++] = line.worker ?? none
  texts[at++] = line.group
  numbers[at++] = state.workersUp
  numbers[at++] = state.workersStarting
  numbers[at++] = state.workersDraining
  numbers[at++] = state.waiting
  numbers[at++] = state.running
  numbers[at++] = line.routerQueue ?? none
  numbers[at++] = state.activeBlocks
  numbers[at++] = state.cachedBlocks
  numbers[at++] = state.freeBlocks
  numbers[at++] = tiers === undefined ? none : tiers.hostBlocks
  numbers[at++] = tiers === undefined ? none : diskBlocksOf(tiers)
  numbers[at++] = tiers === undefined ? none : tiers.movedBlocks
  numbers[at++] = tiers === undefined ? none : tiers.busyLinks
  numbers[at++] = tally.passes
  numbers[at++] = tally.prefillTokens
  numbers[at++] = tally.decodeTokens
  numbers[at++] = tally.preemptions
  numbers[at++] = tally.busyMs
  numbers[at++] = tally.arrivals
  numbers[at++] = tally.completed
  numbers[at++] = tally.rejected
  numbers[at++] = tally.failed
  numbers[at++] = firstTokens
  numbers[at++] = tally.inputTokens
  numbers[at++] = tally.sharedReusedTokens
  // Of none it is none.
  numbers[at++] = tally.ttftMs / firstTokens
  numbers[at++] = firstTokens === 0 ? none : tally.maxTtftMs
  numbers[at++] = tokenGaps
  numbers[at++] = tally.gapsMs / tokenGaps
  numbers[at++] = tokenGaps === 0 ? none : tally.maxGapMs
}
