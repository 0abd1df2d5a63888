/**
 * Requests that have not ended, by number.
 *
 * A `Map` lets go of a table with all that is in it each time it fills: what such a table holds as it grows old stays with it, and so does
 * the next table, until the whole heap is collected.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import { IntMap } from "../structures/IntMap.ts"

export class LiveRequests {
  /** By number, where in {@link requests} it is, from 1. */
  private readonly places = new IntMap()
  private readonly requests: Array<SimRequest | undefined> = []
  private readonly free: Array<number> = []

  add(request: SimRequest): void {
    const place = this.places.get(request.id) || (this.free.pop() ?? this.requests.push(undefined))
    this.places.set(request.id, place)
    this.requests[place - 1] = request
  }

  has(id: number): boolean {
    return this.places.get(id) !== 0
  }

  /** The request of this number, which leaves; `undefined` where there is none. */
  take(id: number): SimRequest | undefined {
    const place = this.places.get(id)
    if (place === 0) return undefined
    const request = this.requests[place - 1]
    this.requests[place - 1] = undefined
    this.places.delete(id)
    this.free.push(place)
    return request
  }

  /** All of them, which leave, in the order of their numbers. */
  takeAll(): ReadonlyArray<SimRequest> {
    const all = this.requests.filter((request) => request !== undefined)
    for (const { id } of all) this.take(id)
    return all.toSorted((one, other) => one.id - other.id)
  }
}
