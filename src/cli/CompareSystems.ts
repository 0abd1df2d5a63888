/** `dynosim aic compare`: a trace replayed on every slice at hand, on the fewest GPUs that a model can be timed on there. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { FlagValues } from "../config/ReadFlags.ts"
import { readGivenOptions } from "../config/GivenOptions.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import type { Report } from "../report/Report.ts"
import * as Run from "../run/Run.ts"
import { modelConfig } from "../timing/aic/KnownModels.ts"
import { modelShape } from "../timing/aic/ModelConfig.ts"
import { type Layout, smallestLayout } from "../timing/aic/SmallestLayout.ts"
import { spreadText } from "../timing/aic/Spreads.ts"
import { type Slice, slices } from "../timing/aic/TableSlices.ts"
import { textTable } from "./TextTable.ts"
import { englishNumber } from "../settings/EnglishNumber.ts"

interface CompareSettings {
  readonly trace: string
  readonly model: string
  readonly system: Option.Option<string>
  readonly backend: Option.Option<string>
  readonly json: boolean
}

interface Compared {
  readonly slice: Slice
  readonly layout: Layout
  readonly report: Report
}

/** Options of a replay on one worker of a slice. */
const optionsFor = (trace: string, model: string, { backend, system, version }: Slice, { sizes }: Layout) => {
  const engine = {
    engine_type: backend,
    aic_backend: backend,
    aic_system: system,
    aic_backend_version: version,
    aic_model_path: model,
    aic_tp_size: sizes.tp,
    aic_attention_dp_size: sizes.attentionDp,
    aic_moe_tp_size: sizes.moeTp,
    aic_moe_ep_size: sizes.moeEp
  }
  const name = "extra-engine-args"
  const flags: FlagValues = new Map([[name, { _tag: "Text", flag: `--${name}`, text: JSON.stringify(engine) }]])
  return Result.flatMap(readGivenOptions([trace], flags), validateReplayOptions)
}

const compareOne = (trace: string, model: string) =>
  Effect.fnUntraced(function* (slice: Slice) {
    const layout = yield* Effect.option(smallestLayout(slice, model))
    if (Option.isNone(layout)) return []
    const options = yield* Effect.fromResult(optionsFor(trace, model, slice, layout.value))
    const compared: Compared = { slice, layout: layout.value, report: yield* Run.report(options) }
    return [compared]
  })

/** What is worth a word about each replay. */
const notes = ({ report, slice }: Compared): ReadonlyArray<string> =>
  report.dynosim.warnings.map((warning) => `note: ${slice.system} ${slice.backend}: ${warning}`)

/** Milliseconds, or tokens per second. */
const figure = (value: number): string => englishNumber(value, 1, 1)

const row = ({ layout, report, slice }: Compared): ReadonlyArray<string> => [
  slice.system,
  `${slice.backend} ${slice.version}`,
  String(layout.gpus),
  spreadText(layout.sizes),
  `${report.dynosim.completed_requests} of ${report.dynosim.offered_requests}`,
  figure(report.mean_ttft_ms),
  figure(report.p99_ttft_ms),
  figure(report.mean_itl_ms),
  figure(report.p99_itl_ms),
  figure(report.output_throughput_tok_s),
  figure(report.output_throughput_tok_s / layout.gpus)
]

const heading = [
  "system",
  "backend",
  "GPUs",
  "layout",
  "requests",
  "TTFT",
  "p99 TTFT",
  "ITL",
  "p99 ITL",
  "tokens/s",
  "per GPU"
]

const compareJson = ({ layout, report, slice }: Compared) => ({
  system: slice.system,
  backend: slice.backend,
  backend_version: slice.version,
  gpus: layout.gpus,
  aic_tp_size: layout.sizes.tp,
  aic_attention_dp_size: layout.sizes.attentionDp,
  aic_moe_tp_size: layout.sizes.moeTp,
  aic_moe_ep_size: layout.sizes.moeEp,
  report
})

const has = (wanted: Option.Option<string>, value: string): boolean => Option.isNone(wanted) || wanted.value === value

export const compareSystems = Effect.fnUntraced(function* ({ backend, json, model, system, trace }: CompareSettings) {
  const { config, id } = yield* modelConfig(model)
  yield* modelShape(id, config)
  const wanted = (yield* slices).filter((slice) => has(system, slice.system) && has(backend, slice.backend))
  const compared = (yield* Effect.forEach(wanted, compareOne(trace, model))).flat()
  if (json) return yield* Console.log(JSON.stringify(compared.map(compareJson), undefined, 2))
  yield* Effect.forEach(compared.flatMap(notes), (note) => Console.error(note), { discard: true })
  const left = wanted.length - compared.length
  yield* Console.log(
    [
      `${id}, one worker each; TTFT and ITL in ms, output tokens per second:`,
      ...textTable([heading, ...compared.map(row)]),
      ...(left === 0 ? [] : [`${left} more cannot time it: dynosim aic list --model ${id}`])
    ].join("\n")
  )
})
