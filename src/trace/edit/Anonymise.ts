/**
 * A trace that tells nothing but its shape: every name and id is a number in the order of first appearance, times start at 0, and
 * what a replay does not need is left out.
 *
 * Memory follows the distinct blocks, 24 bytes each at most: only numbers that stand for nothing cannot be turned back.
 */
import * as Effect from "effect/Effect"
import type { HashIds } from "../../request/HashId.ts"
import { highHalf, lowHalf } from "../../request/HashId.ts"
import { LabelTree } from "../../structures/LabelTree.ts"
import { Pcg32 } from "../../structures/Pcg32.ts"
import { isAgenticRow } from "../AgenticMooncakeReader.ts"
import { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { ArrivalKeys } from "./ArrivalKeys.ts"
import { edited, type EditedTrace, refusal, rowByRow } from "./EditedTrace.ts"
import { OpenSessions } from "./OpenSessions.ts"
import { RowsInOrder } from "./RowsInOrder.ts"
import type { RowSteps } from "./RowSteps.ts"
import { shifted } from "./Times.ts"

/** How far times are blurred. */
export interface AnonymiseOptions {
  /** Times between sessions change by up to twice as much, in whole ms; 0 leaves them. */
  readonly jitterMs: number
  readonly seed: number | bigint
}

const root = 0

/** Numbers from 0 in the order in which ids are first seen. */
class IdNumbers {
  private readonly tree = new LabelTree()

  of(hashIds: HashIds): Uint32Array {
    return Uint32Array.from(hashIds, (id) => {
      const low = lowHalf(id)
      const high = highHalf(id)
      return (this.tree.child(root, low, high) || this.tree.add(root, low, high)) - 1
    })
  }
}

/** Names that are needed for as long as a trace goes on, such as those of requests that others wait for. */
class NameNumbers {
  private readonly prefix: string
  private readonly names = new Map<string, string>()

  constructor(prefix: string) {
    this.prefix = prefix
  }

  readonly of = (name: string): string => {
    const known = this.names.get(name)
    if (known !== undefined) return known
    const made = `${this.prefix}${this.names.size}`
    this.names.set(name, made)
    return made
  }
}

/** What hides the contents of rows: planned tokens, annotations, ids and names of policies and classes. */
const contentHider = (): ((row: TraceRow) => TraceRow) => {
  const ids = new IdNumbers()
  const policies = new NameNumbers("policy_")
  const classes = new NameNumbers("class_")
  return ({ annotations: _, ...row }) => ({
    ...row,
    hashIds: ids.of(row.hashIds),
    outputTokenIds: undefined,
    policyClass: row.policyClass === undefined ? undefined : policies.of(row.policyClass),
    className: row.className === undefined ? undefined : classes.of(row.className)
  })
}

/** The rows of a graph, whose waits need the names. */
const graphSteps = ({ survey: { originMs = 0 } }: TraceSource): RowSteps => {
  const hide = contentHider()
  const requests = new NameNumbers("request_")
  const sessions = new NameNumbers("session_")
  return rowByRow((row) => ({
    ...shifted(hide(row), -originMs),
    ...(row.sessionId === undefined ? {} : { sessionId: sessions.of(row.sessionId) }),
    ...(row.requestId === undefined ? {} : { requestId: requests.of(row.requestId) }),
    ...(isAgenticRow(row) ? { waitFor: row.waitFor.map(requests.of) } : {})
  }))
}

/** What a session is called from now on, and by how much it is moved. */
interface HiddenSession {
  readonly id: string
  readonly byMs: number
}

const sessionSteps = (trace: TraceSource, { jitterMs, seed }: AnonymiseOptions): RowSteps => {
  const { originMs = 0 } = trace.survey
  const random = new Pcg32(seed)
  const hide = contentHider()
  // No time becomes negative, which only some replays take.
  const jitter = (): number => (jitterMs === 0 ? 0 : Math.round(2 * jitterMs * random.unit()))
  const sessions = new OpenSessions(trace.survey, (_, index): HiddenSession => ({
    id: `session_${index}`,
    byMs: jitter() - originMs
  }))
  const keys = new ArrivalKeys(trace)
  const held = new RowsInOrder()
  let requests = 0
  return {
    take: (row, emit) => {
      const { byMs, id } = sessions.of(row)
      const hidden = shifted(
        {
          ...hide(row),
          sessionId: row.sessionId === undefined ? undefined : id,
          requestId: row.requestId === undefined ? undefined : `request_${requests++}`
        },
        byMs
      )
      if (jitterMs === 0) {
        emit(hidden)
        return undefined
      }
      const key = keys.of(row)
      if (key instanceof TraceError) return key
      held.add(hidden, key + byMs)
      held.release(key - originMs, emit)
      return undefined
    },
    end: (emit) => void held.release(Number.POSITIVE_INFINITY, emit)
  }
}

/** Rows keep their order, or come in that of their arrivals where times were jittered. */
export const anonymise = Effect.fnUntraced(function* (
  trace: TraceSource,
  options: AnonymiseOptions
): Effect.fn.Return<EditedTrace, TraceError> {
  const { graph, survey } = trace
  if (options.jitterMs > 0) {
    if (survey.openLoopProblem !== undefined) return yield* survey.openLoopProblem
    if (graph !== undefined) {
      return yield* refusal(trace, "has requests that wait for each other by name, whose times cannot be jittered")
    }
  }
  return edited(trace, () => (graph === undefined ? sessionSteps(trace, options) : graphSteps(trace)))
})
