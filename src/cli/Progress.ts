/**
 * One line that says how far a run is: simulated time and finished requests, redrawn ten times a second.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SimulationView } from "../simulation/SimulationView.ts"
import { englishNumber } from "../settings/EnglishNumber.ts"
import { counted } from "../settings/Counted.ts"

/** Writes to a terminal that somebody looks at; `undefined` (the default) when there is none, as in pipes. */
export const ProgressTerminal = Context.Reference<((text: string) => void) | undefined>(
  "dynosim/cli/ProgressTerminal",
  { defaultValue: () => undefined }
)

const redrawEveryMs = 100
const clearLine = "\r\u001b[2K"

const grouped = (count: number): string => englishNumber(count)

/** `total` is the number of requests, `undefined` when it is not known. */
export const progressText = (
  view: Pick<SimulationView["Service"], "nowMs" | "finishedRequests">,
  total: number | undefined
): string => {
  const finished = view.finishedRequests()
  const requests = `${total === undefined ? "" : `${grouped(finished)} of `}${counted(total ?? finished, "request")}`
  return `${grouped(Math.floor(view.nowMs() / 1000))} s simulated, ${requests} done`
}

export interface Progress {
  /** Takes the view of the run to show. */
  readonly monitor: (view: SimulationView["Service"]) => void
}

/** Shows progress until the scope closes, then wipes the line; does nothing without a terminal. */
export const showProgress = Effect.fnUntraced(function* (
  total: number | undefined,
  quiet: boolean
): Effect.fn.Return<Progress, never, Scope.Scope> {
  const write = yield* ProgressTerminal
  if (write === undefined || quiet) return { monitor: () => {} }
  let view: SimulationView["Service"] | undefined
  const draw = Effect.sync(() => {
    if (view !== undefined) write(`${clearLine}${progressText(view, total)}`)
  })
  yield* Effect.acquireRelease(
    Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(redrawEveryMs), draw))),
    () => Effect.sync(() => write(clearLine))
  )
  return { monitor: (given) => void (view = given) }
})
