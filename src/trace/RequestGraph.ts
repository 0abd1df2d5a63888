/**
 * Which requests wait for which, by their position in the trace: checked, compact and immutable.
 */
export interface RequestGraph {
  readonly requests: number
  /** Dependencies of each request; one that is named twice counts twice. */
  readonly dependencies: Uint32Array
  /** Where each request's dependents end in {@link dependents}; they start where the previous one's end. */
  readonly dependentEnds: Uint32Array
  /** Requests that wait for a request, in trace order. */
  readonly dependents: Uint32Array
}

/** The edges of a graph in any order, as pairs: `waiting[i]` waits for `awaited[i]`. */
export interface Edges {
  readonly waiting: ArrayLike<number>
  readonly awaited: ArrayLike<number>
}

/** Gathers edges by what they wait for. Edges must be sorted by the waiting request. */
export const requestGraph = (requests: number, { awaited, waiting }: Edges): RequestGraph => {
  const dependencies = new Uint32Array(requests)
  const dependentEnds = new Uint32Array(requests)
  for (let edge = 0; edge < awaited.length; edge++) {
    dependencies[waiting[edge]!]! += 1
    dependentEnds[awaited[edge]!]! += 1
  }
  let start = 0
  for (let request = 0; request < requests; request++) {
    const count = dependentEnds[request]!
    dependentEnds[request] = start
    start += count
  }
  const dependents = new Uint32Array(awaited.length)
  for (let edge = 0; edge < awaited.length; edge++) {
    dependents[dependentEnds[awaited[edge]!]!++] = waiting[edge]!
  }
  return { requests, dependencies, dependentEnds, dependents }
}

/** Where a request's edges start in lists sorted by the waiting request. */
const edgeStarts = (requests: number, waiting: ArrayLike<number>): Uint32Array => {
  const starts = new Uint32Array(requests + 1)
  for (let edge = 0; edge < waiting.length; edge++) starts[waiting[edge]! + 1]! += 1
  for (let request = 0; request < requests; request++) starts[request + 1]! += starts[request]!
  return starts
}

const unseen = 0
const open = 1
const done = 2

/**
 * The request that a depth-first walk, in trace order and along the dependencies in the order of the edges, meets again
 * before it has left it; `-1` when there is no cycle. Edges must be sorted by the waiting request.
 */
export const findCycle = (requests: number, { awaited, waiting }: Edges): number => {
  const starts = edgeStarts(requests, waiting)
  const next = starts.slice()
  const state = new Uint8Array(requests)
  const path: Array<number> = []
  for (let root = 0; root < requests; root++) {
    if (state[root] === unseen) path.push(root)
    while (path.length > 0) {
      const request = path.at(-1)!
      state[request] = open
      const edge = next[request]!
      if (edge === starts[request + 1]) {
        state[request] = done
        path.pop()
        continue
      }
      next[request] = edge + 1
      const dependency = awaited[edge]!
      if (state[dependency] === open) return dependency
      if (state[dependency] === unseen) path.push(dependency)
    }
  }
  return -1
}
