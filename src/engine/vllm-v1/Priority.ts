/** The order of `policy: priority`: smaller priority value first, then earlier arrival, then the request's id. */
import type { WaitingQueue } from "../WaitingQueue.ts"
import type { Sequence } from "./Sequence.ts"

/** Requests that name no id stand in the order of their dispatch. */
const idOrder = (one: Sequence, other: Sequence): number => {
  const oneId = one.request.requestId
  const otherId = other.request.requestId
  if (oneId === null || otherId === null) return one.request.id - other.request.id
  return oneId < otherId ? -1 : oneId > otherId ? 1 : 0
}

const urgency = (one: Sequence, other: Sequence): number =>
  one.request.hints.enginePriority - other.request.hints.enginePriority
  || one.request.arrivalMs - other.request.arrivalMs

/** Puts a request in its place among those that wait. */
export const enqueueByPriority = (waiting: WaitingQueue<Sequence>, sequence: Sequence): void => {
  waiting.insertBefore(sequence, (waiter) => (urgency(sequence, waiter) || idOrder(sequence, waiter)) < 0)
}

/** Position of the running request that is to be preempted: the least urgent, the first of equals. */
export const leastUrgent = (running: ReadonlyArray<Sequence>): number => {
  let worst = 0
  for (let index = 1; index < running.length; index++) {
    if (urgency(running[index]!, running[worst]!) > 0) worst = index
  }
  return worst
}
