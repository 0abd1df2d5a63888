/**
 * The AIC timing model: measured kernel latencies of a GPU system, added up per pass (the AIConfigurator model as
 * ai-dynamo 1.3.1 evaluates it).
 *
 * Everything that can be missing is looked for when the layer is built: a run never fails on a call. Calls outside the
 * measured range are extrapolated as the reference does, and counted.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type { AicBundle } from "../bundle/AicBundle.ts"
import { Timing, type TimingModel, type TimingPhase } from "../Timing.ts"
import { AicError } from "./AicError.ts"
import { type AicModel, makeAicModel } from "./AicModel.ts"
import type { AicModelArgs } from "./AicArgs.ts"
import type { AicSetup } from "./AicSetup.ts"
import { CallsAhead } from "./CallsAhead.ts"
import { Coverage } from "./Coverage.ts"
import { aicSetup } from "./FindSetup.ts"

interface BoundSetup {
  readonly setup: AicSetup
  readonly model: AicModel
}

/** Adds to what is wrong with a table what else could be done. */
const advised = <A>(self: Effect.Effect<A, AicError>, wayOut: string): Effect.Effect<A, AicError> =>
  Effect.mapError(
    self,
    ({ advice, problem, where }) =>
      new AicError({ where, problem, advice: advice === undefined ? wayOut : `${advice}; ${wayOut}` })
  )

const bind = Effect.fnUntraced(function* (
  setup: AicSetup
): Effect.fn.Return<BoundSetup, AicError, FileSystem.FileSystem | Path.Path> {
  const tables = yield* setup.tables
  const model = makeAicModel(setup.lists, tables, setup.system)
  return { setup, model: yield* setup.wayOut === undefined ? model : advised(model, setup.wayOut) }
})

/**
 * What drafting costs a decode step: it verifies the drafts of each request as further requests, and each draft runs one
 * more layer. Formula of aiconfigurator, per step instead of per accepted token.
 */
interface DraftCost {
  readonly batchFactor: number
  readonly timeFactor: number
}

const noDrafts: DraftCost = { batchFactor: 1, timeFactor: 1 }

const draftCost = ({ shape: { layers } }: AicSetup, draftTokens: number): DraftCost => ({
  batchFactor: draftTokens + 1,
  timeFactor: (layers + draftTokens) / layers
})

const freeDrafts = (draftTokens: number): string =>
  `a decode step with ${draftTokens} draft tokens (aic_nextn) is timed like one without, as ai-dynamo 1.3.1 does; `
  + 'aic_nextn_cost "modelled" counts them'

/** One engine holds the global batch, the tables are per attention-DP rank. */
const timingModel = ({ model, setup }: BoundSetup, drafts: DraftCost, coverage: Coverage): TimingModel => {
  const ranks = setup.sizes.attentionDp
  const ahead = new CallsAhead("decode")
  const count = (phase: TimingPhase): void => coverage.count(phase, model.range)
  const rankBatch = (batch: number): number => Math.ceil(batch / ranks) * drafts.batchFactor
  return {
    prefillMs: (batch, meanIslTokens, meanPrefixTokens) => {
      const newTokens = meanIslTokens - meanPrefixTokens
      if (batch <= 0 || newTokens <= 0) return 0
      const ms = model.prefillMs(Math.ceil(batch / ranks), newTokens, meanPrefixTokens)
      count("prefill")
      return ms
    },
    decodeMs: (batch, _activeKvTokens, meanContextTokens) => {
      if (batch <= 0) return 0
      const ms = model.decodeMs(rankBatch(batch), meanContextTokens) * drafts.timeFactor
      count("decode")
      return ms
    },
    ahead: {
      begin: () => ahead.begin(),
      rowMs: (batch, meanContextTokens, steps, intoMs) => {
        const count = model.decodeRowMs(rankBatch(batch), meanContextTokens, steps, intoMs)
        if (drafts.timeFactor !== 1) for (let step = 0; step < count; step++) intoMs[step]! *= drafts.timeFactor
        ahead.note(model.range, count)
        return count
      },
      taken: (steps) => ahead.count(steps, coverage)
    }
  }
}

/**
 * Timing of one engine's passes; the models it makes share their tables and kept prices. `draftTokens` are those that each
 * decode step proposes per request.
 */
export const setupLayer = (
  setup: AicSetup,
  draftTokens = 0
): Layer.Layer<Timing, AicError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(Timing)(
    Effect.map(bind(setup), (bound) => {
      const coverage = new Coverage()
      const { countsDrafts } = setup
      const drafts = countsDrafts ? draftCost(setup, draftTokens) : noDrafts
      const free = draftTokens > 0 && !countsDrafts ? [freeDrafts(draftTokens)] : []
      return Timing.of({
        source: setup.source,
        ...(setup.tableFile === undefined ? {} : { tables: setup.tableFile }),
        notes: [...setup.notes, ...free],
        make: () => timingModel(bound, drafts, coverage),
        makeUncounted: () => timingModel(bound, drafts, new Coverage()),
        coverage: () => coverage.snapshot()
      })
    })
  )

/** As {@link setupLayer}, for the setup that some arguments come to. */
export const layer = (
  args: AicModelArgs,
  bundles: ReadonlyArray<AicBundle> = [],
  draftTokens = 0
): Layer.Layer<Timing, AicError, FileSystem.FileSystem | Path.Path> =>
  Layer.unwrap(Effect.map(aicSetup(args, bundles), (setup) => setupLayer(setup, draftTokens)))

/**
 * The router's estimate of a prefill (`router_prefill_load_model: "aic"`): ms of one request with `newTokens` to compute
 * after `prefixTokens` cached ones, on its own. Neither attention data parallelism nor speed-up applies.
 */
export const prefillEstimator = (
  args: AicModelArgs,
  bundles: ReadonlyArray<AicBundle> = []
): Effect.Effect<
  (newTokens: number, prefixTokens: number) => number | undefined,
  AicError,
  FileSystem.FileSystem | Path.Path
> =>
  Effect.map(
    Effect.flatMap(aicSetup(args, bundles), bind),
    ({ model }) =>
      (newTokens: number, prefixTokens: number) =>
        newTokens > 0 ? model.prefillMs(1, newTokens, prefixTokens) : undefined
  )
