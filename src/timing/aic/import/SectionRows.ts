/** Collects the rows of table sections: sorted by their keys, one row per key. */
import type { RowTable } from "../PerfTables.ts"

/** Which of several rows with the same key counts, in the order in which they were added. */
export type Repeated = "first" | "last"

/** A named section of a table file. */
export interface Section {
  readonly name: string
  readonly table: RowTable
}

export class SectionRows {
  private readonly names: ReadonlyArray<string>
  private readonly repeated: Repeated
  private readonly keys: ReadonlyArray<Array<number>>
  private readonly ms: Array<number> = []

  constructor(names: ReadonlyArray<string>, repeated: Repeated) {
    this.names = names
    this.repeated = repeated
    this.keys = names.map(() => [])
  }

  /** Adds row `row` of the key columns `columns`. */
  add(columns: ReadonlyArray<Int32Array>, row: number, ms: number): void {
    for (let i = 0; i < columns.length; i++) this.keys[i]!.push(columns[i]![row]!)
    this.ms.push(ms)
  }

  private compare(a: number, b: number): number {
    for (const column of this.keys) {
      const difference = column[a]! - column[b]!
      if (difference !== 0) return difference
    }
    return 0
  }

  /** Rows in order; of those with the same key only the one that counts. */
  private order(): ReadonlyArray<number> {
    const sorted = this.ms.map((_, row) => row).toSorted((a, b) => this.compare(a, b) || a - b)
    const beside = this.repeated === "first" ? -1 : 1
    return sorted.filter((row, i) => {
      const neighbour = sorted[i + beside]
      return neighbour === undefined || this.compare(row, neighbour) !== 0
    })
  }

  table(): RowTable {
    const order = this.order()
    return {
      rows: order.length,
      columns: Object.fromEntries(
        this.names.map((name, i) => [name, Int32Array.from(order, (row) => this.keys[i]![row]!)])
      ),
      latencyMs: Float64Array.from(order, (row) => this.ms[row]!)
    }
  }
}

/** Sections under construction, each made when its first row comes. */
export class Sections {
  private readonly byName = new Map<string, SectionRows>()

  /** The section to add rows to. */
  of(name: string, columns: ReadonlyArray<string>, repeated: Repeated = "first"): SectionRows {
    const known = this.byName.get(name)
    if (known !== undefined) return known
    const made = new SectionRows(columns, repeated)
    this.byName.set(name, made)
    return made
  }

  finished(): ReadonlyArray<Section> {
    return [...this.byName].map(([name, rows]) => ({ name, table: rows.table() }))
  }
}
