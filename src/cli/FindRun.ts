/** `dynosim find`: flags -> question -> runs -> answer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { FlagTable } from "../config/FlagSpec.ts"
import { readGivenOptions } from "../config/GivenOptions.ts"
import type { JsonObject } from "../settings/JsonNode.ts"
import { type FlagValues, readFlags } from "../config/ReadFlags.ts"
import { replayFlags } from "../config/ReplayFlags.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import { type Condition, parseConditions } from "../report/Condition.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printable } from "../report/Printable.ts"
import type { InputFile } from "../run/InputFiles.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { CellStore } from "../sweep/CellStore.ts"
import { baseOfFlags, fewestWorkers, highestLoad, type Question } from "../sweep/Find.ts"
import { fewestWorkersFlags, highestLoadFlags, searchFlags } from "../sweep/FindFlags.ts"
import { answerOf, findJson, findLines, outOfReach } from "../sweep/FindText.ts"
import { Search } from "../sweep/Search.ts"
import { summarise } from "../sweep/Summary.ts"
import * as Sweep from "../sweep/Sweep.ts"
import { configText } from "../sweep/SweepText.ts"
import { sweepMetrics } from "../sweep/SweepMetrics.ts"
import { type Found, threshold } from "../sweep/Threshold.ts"
import { printerBeside } from "./OutputPaths.ts"
import { checkSweepOutputs } from "./SweepRun.ts"
import { seenOffLater } from "./SeenOffLater.ts"
import { threadRunner } from "./SweepThreads.ts"
import { failWith, thresholdsFrom } from "./Thresholds.ts"
import { readConfigFile, refusePolicyVariable, withObjectFiles } from "./OptionFiles.ts"

interface FindSettings {
  readonly where?: ReadonlyArray<string> | undefined
  readonly results?: string | undefined
  readonly threads?: number | undefined
  readonly json?: string | undefined
  readonly bestConfig?: string | undefined
}

/** Flags of the replays, not of the command itself. */
const isOfReplay = ([name]: readonly [string, unknown]): boolean =>
  Object.hasOwn(replayFlags, name) && !Object.hasOwn(searchFlags, name) && name !== "config"

/** Why a search cannot do with an option, if it cannot: an option of a configuration file, as flags like it are unknown to the command. */
type Refusal = (given: FlagValues) => UsageError | undefined

/** The options of every run: those of `--config`, and the flags over them; `read` gathers the files that they stand in. */
const baseOf = Effect.fnUntraced(function* (
  traces: ReadonlyArray<string>,
  flags: FlagValues,
  read: Map<string, InputFile>,
  refusalOf: Refusal
) {
  const own: FlagValues = new Map([...flags].filter(isOfReplay))
  const configured = yield* readConfigFile(flags, read)
  if (configured === undefined) return yield* baseFrom(traces, own, read)
  const refusal = refusalOf(configured.values)
  if (refusal !== undefined) return yield* refusal
  return yield* baseFrom(traces.length > 0 ? traces : configured.traces, new Map([...configured.values, ...own]), read)
})

/** What is wrong with the options is told here, in the words of a replay, before anything is run. */
const baseFrom = Effect.fnUntraced(function* (
  traces: ReadonlyArray<string>,
  given: FlagValues,
  read: Map<string, InputFile>
) {
  yield* refusePolicyVariable
  const values = yield* withObjectFiles(given, read)
  yield* Effect.fromResult(Result.flatMap(readGivenOptions(traces, values), validateReplayOptions))
  return yield* Effect.fromResult(baseOfFlags(traces, values, replayFlags))
})

const conditionsOf = Effect.fnUntraced(function* ({ where = [] }: FindSettings) {
  if (where.length === 0) {
    return yield* usageError("--where", "is missing", "say what is to be met, such as --where 'p99_ttft_ms < 2 s'")
  }
  return yield* Effect.fromResult(thresholdsFrom(parseConditions(where, sweepMetrics), "--where"))
})

/** Runs what the search asks for, and keeps what it says at its end. */
const search = Effect.fnUntraced(function* (question: Question, { results, threads = 2 }: FindSettings) {
  let found: Found | undefined
  const strategy = {
    name: question.what,
    *search() {
      found = yield* threshold(question.row)
    }
  }
  const store = results === undefined ? CellStore.layerMemory : CellStore.layerFolder(results)
  const { failed } = yield* Stream.run(Sweep.run(question.plan), summarise(question.plan)).pipe(
    Effect.provideService(Search, strategy),
    (runs) => seenOffLater(runs, Layer.merge(threadRunner(threads), store))
  )
  const [failure] = failed
  if (failure !== undefined) {
    return yield* usageError(`${question.what} ${failure.cell.values[0]}`, `the run failed: ${failure.reason}`)
  }
  return found
})

const find = Effect.fnUntraced(function* (
  settings: FindSettings,
  read: ReadonlyMap<string, InputFile>,
  ask: (constraints: ReadonlyArray<Condition>) => Effect.Effect<Question>
) {
  const question = yield* ask(yield* conditionsOf(settings))
  yield* checkSweepOutputs(question.plan, settings, [...read.values()], settings.results)
  const found = yield* search(question, settings)
  if (found === undefined) return
  const answer = answerOf(found)
  const problem = outOfReach(question, found)
  const { bestConfig, json } = settings
  const print = yield* printerBeside([json, bestConfig])
  yield* OutputFile.each(
    [
      ...(json === undefined ? [] : [OutputFile.write(json, findJson(question, found))]),
      ...(bestConfig === undefined || answer === undefined ? [] : [OutputFile.write(bestConfig, configText(answer))]),
      print(findLines(question, found).map(printable).join("\n"))
    ],
    failWith(problem === undefined ? [] : [problem])
  )
}, Effect.scoped)

/** Only the flags that a command has of its own. */
const ownFlags = (table: FlagTable, flags: FlagValues): FlagValues =>
  new Map([...flags].filter(([name]) => Object.hasOwn(table, name) && !isOfReplay([name, undefined])))

const withoutOption = (base: JsonObject, name: string): JsonObject => ({
  ...base,
  entries: new Map([...base.entries].filter(([key]) => key !== name))
})

export const findFewestWorkers = Effect.fnUntraced(function* (traces: ReadonlyArray<string>, flags: FlagValues) {
  const settings = yield* Effect.fromResult(readFlags(fewestWorkersFlags, ownFlags(fewestWorkersFlags, flags)))
  const read = new Map<string, InputFile>()
  // A router needs more than one worker to be checked at all; the number is what is looked for.
  const base = withoutOption(yield* baseOf(traces, withTwoWorkers(flags), read, unfitForWorkers), "num-workers")
  yield* find(settings, read, (constraints) =>
    Effect.succeed(fewestWorkers(base, constraints, settings.maxWorkers ?? 64))
  )
})

/** Options that make two pools. */
const pools = ["prefill-engine-args", "decode-engine-args", "num-prefill-workers", "num-decode-workers"]

/** Options that say who decides how many workers there are. */
const scalers = ["autoscale", "autoscale-config", "autoscale-schedule", "planner-config"]

const unfitForWorkers: Refusal = (given) => {
  const pool = pools.find((name) => given.has(name))
  if (pool !== undefined) {
    return usageError(
      `--${pool}`,
      "two pools have no single number of workers",
      "list deployments in a plan: dynosim sweep"
    )
  }
  const scaler = scalers.find((name) => given.has(name))
  return scaler === undefined
    ? undefined
    : usageError(`--${scaler}`, "decides itself how many workers there are, which is what is looked for")
}

const unfitForLoad: Refusal = (given) => {
  const load = ["replay-concurrency", "arrival-speedup-ratio"].find((name) => given.has(name))
  return load === undefined
    ? undefined
    : usageError(`--${load}`, "is what is looked for", "leave it out: the load as it is counts as 1")
}

const withTwoWorkers = (flags: FlagValues): FlagValues =>
  new Map([...flags, ["num-workers", { _tag: "Text", flag: "--num-workers", text: "2" }] as const])

export const findHighestLoad = Effect.fnUntraced(function* (traces: ReadonlyArray<string>, flags: FlagValues) {
  const settings = yield* Effect.fromResult(readFlags(highestLoadFlags, ownFlags(highestLoadFlags, flags)))
  const read = new Map<string, InputFile>()
  const base = yield* baseOf(traces, flags, read, unfitForLoad)
  yield* find(settings, read, (constraints) => Effect.succeed(highestLoad(base, constraints)))
})
