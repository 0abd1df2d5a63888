/**
 * Runs of one kind call mostly the same code. Each thread compiles what it calls for itself, and some of it anew once other engines or
 * routers are in play: so threads keep to their kinds while they can.
 */
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { enginesOf } from "../run/WorkerGroups.ts"

/** A name of the kind. */
export const kindOf = ({ deployment, routing }: Pick<ReplayOptions, "deployment" | "routing">): string => {
  const engines = enginesOf(deployment).map(({ aic, engineProfile, engineType }) =>
    [engineType, engineProfile, aic === undefined ? "formula" : "tables"].join("/")
  )
  return [routing.mode, deployment._tag, ...new Set(engines)].join(" ")
}

/**
 * Takes the next of the runs that wait: the first of the kind `last`, which a thread was at before; otherwise the first of a kind that nobody
 * is at, otherwise the first.
 */
export const takeNext = <Waiting extends { readonly kind: string }>(
  waiting: Array<Waiting>,
  last: string | undefined,
  others: ReadonlyArray<string | undefined>
): Waiting | undefined => {
  const same = waiting.findIndex(({ kind }) => kind === last)
  const place = same >= 0 ? same : waiting.findIndex(({ kind }) => !others.includes(kind))
  return waiting.splice(Math.max(place, 0), 1)[0]
}
