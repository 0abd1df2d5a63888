/**
 * Rows that wait for their dispatch, kept compactly: a page of columns per 512 rows instead of an object per row.
 *
 * A row is named by a handle, which counts the rows before it. Rows leave one by one; a page serves again when its last row has left, so memory follows the
 * rows that still wait.
 */
import { grown } from "../structures/Grown.ts"
import { isNarrow, type HashIds } from "../request/HashId.ts"
import { noRoutingHints } from "../request/SimRequest.ts"
import type { RoutingHints } from "../request/SimRequest.ts"
import type { TraceRow } from "../trace/TraceRow.ts"

const pageRows = 512

/** What few rows have. */
export interface RowExtras {
  readonly requestId: string | null
  readonly className: string | null
  readonly hints: RoutingHints
  readonly outputTokenIds: Uint32Array | undefined
  readonly annotations: Readonly<Record<string, unknown>> | null
}

export const noExtras: RowExtras = {
  requestId: null,
  className: null,
  hints: noRoutingHints,
  outputTokenIds: undefined,
  annotations: null
}

const hintsOf = (row: TraceRow): RoutingHints =>
  row.priority === 0 && row.strictPriority === 0 && row.policyClass === undefined
    ? noRoutingHints
    : {
        // A negative priority counts as none in the router.
        priority: Math.max(0, row.priority),
        enginePriority: row.priority,
        strictPriority: row.strictPriority,
        policyClass: row.policyClass ?? null
      }

const extrasOf = (row: TraceRow): RowExtras => {
  const hints = hintsOf(row)
  const annotations = row.annotations ?? null
  if (
    hints === noRoutingHints
    && row.requestId === undefined
    && row.className === undefined
    && row.outputTokenIds === undefined
    && annotations === null
  ) {
    return noExtras
  }
  return {
    requestId: row.requestId ?? null,
    className: row.className ?? null,
    hints,
    outputTokenIds: row.outputTokenIds === undefined ? undefined : Uint32Array.from(row.outputTokenIds),
    annotations
  }
}

class Page {
  readonly delayMs = new Float64Array(pageRows)
  /** Handle of the row that {@link RowStore.append} put behind this one. */
  readonly next = new Float64Array(pageRows)
  readonly promptTokens = new Int32Array(pageRows)
  readonly outputTokens = new Int32Array(pageRows)
  /** Where each row's ids end in {@link hashIds}; they start where the previous row's end. */
  readonly hashEnds = new Uint32Array(pageRows)
  /** Ids of 32 bits, as almost all are; once a row has a wider one, all ids of the page are kept with 64 bits. */
  hashIds: Uint32Array | BigUint64Array
  readonly extras: Array<RowExtras> = []
  rows = 0
  left = 0

  /** `room`: for hash ids. */
  constructor(room: Uint32Array) {
    this.hashIds = room
  }

  /** All of its rows are gone: it is for others, with that room for their hash ids. */
  startAfresh(room: Uint32Array): void {
    this.hashIds = room
    this.next.fill(0)
    this.extras.length = 0
    this.rows = 0
  }

  add(row: TraceRow, hashIds: HashIds, delayMs: number): number {
    const index = this.rows++
    this.delayMs[index] = delayMs
    this.promptTokens[index] = row.promptTokens
    this.outputTokens[index] = row.outputTokens
    this.extras.push(extrasOf(row))
    const start = index === 0 ? 0 : this.hashEnds[index - 1]!
    const end = start + hashIds.length
    if (end > this.hashIds.length) this.grow(end)
    this.keepIds(hashIds, start)
    this.hashEnds[index] = end
    return index
  }

  /** All of its rows are there: it goes on with no more room than their ids need. */
  seal(): void {
    this.hashIds = this.hashIds.slice(0, this.hashEnds[this.rows - 1])
  }

  private keepIds(ids: HashIds, start: number): void {
    const kept = this.hashIds
    if (kept instanceof BigUint64Array) {
      for (let i = 0; i < ids.length; i++) kept[start + i] = BigInt(ids[i]!)
      return
    }
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!
      if (!isNarrow(id)) {
        this.hashIds = BigUint64Array.from(kept, BigInt)
        this.keepIds(ids, start)
        return
      }
      kept[start + i] = id
    }
  }

  private grow(needed: number): void {
    const length = Math.max(needed, this.hashIds.length * 2)
    this.hashIds = this.hashIds instanceof BigUint64Array ? grown(this.hashIds, length) : grown(this.hashIds, length)
  }
}

const noIds: HashIds = []

export class RowStore {
  private readonly keepsIds: boolean
  private readonly pages = new Map<number, Page>()
  private nextPage = 0
  private open: Page | undefined
  /** The page that was given up last. */
  private spare: Page | undefined = undefined
  /** For the hash ids of the open page: the next one goes on with it. */
  private room: Uint32Array

  /** `keepsIds`: somebody asks for {@link hashIds}. */
  constructor(keepsIds = true) {
    this.keepsIds = keepsIds
    this.room = new Uint32Array(keepsIds ? pageRows * 8 : 0)
  }

  /** Pages in memory. */
  get pageCount(): number {
    return this.pages.size
  }

  /** Keeps a row with its wait after the previous turn; returns its handle. */
  add(row: TraceRow, delayMs: number): number {
    if (this.open?.rows === pageRows) {
      this.keepRoom(this.open)
      this.open.seal()
      this.open = undefined
    }
    if (this.open === undefined) {
      this.open = this.openPage()
      this.pages.set(this.nextPage++, this.open)
    }
    this.open.left += 1
    return (this.nextPage - 1) * pageRows + this.open.add(row, this.keepsIds ? row.hashIds : noIds, delayMs)
  }

  /** Puts a row behind another one; {@link RowStore.next} leads from one to the other. */
  append(after: number, handle: number): void {
    this.page(after).next[after % pageRows] = handle
  }

  next(handle: number): number {
    return this.page(handle).next[handle % pageRows]!
  }

  delayMs(handle: number): number {
    return this.page(handle).delayMs[handle % pageRows]!
  }

  promptTokens(handle: number): number {
    return this.page(handle).promptTokens[handle % pageRows]!
  }

  outputTokens(handle: number): number {
    return this.page(handle).outputTokens[handle % pageRows]!
  }

  /** A view, valid until a row is added, or this one released. */
  hashIds(handle: number): HashIds {
    const page = this.page(handle)
    const index = handle % pageRows
    return page.hashIds.subarray(index === 0 ? 0 : page.hashEnds[index - 1], page.hashEnds[index])
  }

  extras(handle: number): RowExtras {
    return this.page(handle).extras[handle % pageRows]!
  }

  /** Forgets a row. */
  release(handle: number): void {
    const page = this.page(handle)
    page.left -= 1
    if (page.left === 0 && page.rows === pageRows) {
      this.pages.delete(Math.floor(handle / pageRows))
      this.spare = page
      if (page !== this.open) return
      this.keepRoom(page)
      this.open = undefined
    }
  }

  private openPage(): Page {
    const { spare } = this
    if (spare === undefined) return new Page(this.room)
    this.spare = undefined
    spare.startAfresh(this.room)
    return spare
  }

  private keepRoom({ hashIds }: Page): void {
    if (hashIds instanceof Uint32Array) this.room = hashIds
  }

  private page(handle: number): Page {
    return this.pages.get(Math.floor(handle / pageRows))!
  }
}
