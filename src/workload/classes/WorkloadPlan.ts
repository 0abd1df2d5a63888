/**
 * A workload file: classes of requests, each with its rate, lengths, sessions, shared prefixes, service level and priority. What may stand
 * in one, how it is read, and its schema all come from the tables here.
 *
 *     classes:
 *       chat:   {rate: 4, input_tokens: "lognormal:2000,0.8", output_tokens: 200, turns: "uniform:1,6", wait_ms: "exponential:8000"}
 *       batch:  {rate: 1, input_tokens: 8000, output_tokens: 400, sla_e2e_ms: 60000}
 */
import * as Result from "effect/Result"
import { complete, decode, type Plain } from "../../settings/Decode.ts"
import {
  duration,
  filledText,
  integer,
  type JsonSchema,
  type Kind,
  mostTokens,
  number,
  oneOf,
  positive
} from "../../settings/Kind.ts"
import { optional, setting, tableSchema, type Values } from "../../settings/Setting.ts"
import { SettingsError, settingsError } from "../../settings/SettingsError.ts"
import { defaultTraceBlockTokens } from "../../trace/FieldSchemas.ts"
import { arrivalProcesses, arrivalShape, maxIds, requestRate } from "../LoadSettings.ts"
import { lengths, waits } from "./Amounts.ts"
import { sharing } from "./Sharing.ts"

const dayCurve: Kind<ReadonlyArray<number>> = {
  expected: "a list of two numbers or more of at least 0, not all 0",
  form: "other",
  schema: { type: "array", minItems: 2, items: { type: "number", minimum: 0 } },
  read: (value) => {
    const kind = number(0, 1e9)
    const parts: ReadonlyArray<unknown> = Array.isArray(value) ? value : []
    const read = parts.map((part) => kind.read(part)).filter((part) => part !== undefined)
    return read.length >= 2 && read.length === parts.length && read.some((part) => part > 0) ? read : undefined
  }
}

const signed32 = integer(-(2 ** 31), 2 ** 31 - 1)

export const classSettings = {
  rate: optional(requestRate, undefined, "Sessions (requests, where they have one turn) per second, on average"),
  arrivals: setting(oneOf(arrivalProcesses), "poisson", "How gaps between arrivals vary"),
  arrivalShape: optional(arrivalShape, undefined, "Shape of gamma gaps; below 1 arrivals come in bursts"),
  gapsMs: optional(waits, undefined, "Gaps between arrivals, ms, in place of the rate"),
  dayCurve: optional(
    dayCurve,
    undefined,
    "The rate over a day, in equal parts: 24 numbers are hours. Only their ratios count, the average stays"
  ),
  inputTokens: optional(lengths, undefined, "Prompt tokens of a request, of a session's first one where it has turns"),
  outputTokens: optional(lengths, undefined, "Tokens that a request generates"),
  turns: setting(lengths, 1, "Turns of a session"),
  turnInputTokens: optional(
    lengths,
    undefined,
    "What a later turn adds to all that its session said and heard; input_tokens by default"
  ),
  waitMs: setting(waits, 0, "From the end of a turn to the next one, ms"),
  maxInputTokens: optional(integer(1, mostTokens), undefined, "A session ends where its prompt would be longer"),
  prefixGroups: setting(integer(0, maxIds), 0, "Groups of sessions whose prompts begin alike"),
  prefixTokens: optional(lengths, undefined, "Tokens that a group has in common, drawn per group; whole blocks count"),
  sharing: optional(sharing, undefined, "What prompts share with earlier ones of the class, as trace fit describes it"),
  priority: setting(signed32, 0, "Priority of the class's requests, as in traces"),
  strictPriority: setting(integer(0, 2 ** 32 - 1), 0, "Strict priority in the router's queue"),
  policyClass: optional(filledText, undefined, "Policy class of the router's queue"),
  slaTtftMs: optional(duration, undefined, "Longest time to first token of a good request, ms"),
  slaItlMs: optional(duration, undefined, "Longest mean inter-token latency of a good request, ms"),
  slaE2eMs: optional(duration, undefined, "Longest end-to-end latency of a good request, ms", { key: "sla_e2e_ms" })
}

const classesByName: Kind<ReadonlyMap<string, unknown>> = {
  expected: "an object with a class or more by name",
  form: "json",
  schema: {},
  read: (value) => (value instanceof Map && value.size > 0 ? value : undefined)
}

export const planSettings = {
  blockTokens: setting(integer(1, mostTokens), defaultTraceBlockTokens, "Prompt tokens that one hash id stands for"),
  requestCount: optional(
    integer(1, maxIds),
    undefined,
    "Sessions (requests, where they have one turn) of all classes together; --request-count wins"
  ),
  daySeconds: setting(positive(1, 1e9), 86_400, "Length of a day for day_curve, seconds"),
  classes: setting(classesByName, new Map(), "Classes of requests by name")
}

/** One class, complete. */
export type ClassPlan = Values<typeof classSettings> & {
  readonly name: string
  readonly inputTokens: NonNullable<Values<typeof classSettings>["inputTokens"]>
  readonly outputTokens: NonNullable<Values<typeof classSettings>["outputTokens"]>
}

/** A workload file that was read and checked: classes of requests and how each arrives. */
export interface WorkloadPlan {
  readonly blockTokens: number
  readonly requestCount: number | undefined
  readonly daySeconds: number
  readonly classes: ReadonlyArray<ClassPlan>
}

const schemaKey = "$schema"

const inside = (path: ReadonlyArray<string>, error: SettingsError): SettingsError =>
  new SettingsError({ ...error, path: [...path, ...error.path] })

/** Rules between the settings of a class. */
const problemOf = (of: Values<typeof classSettings>): SettingsError | undefined => {
  if (of.rate === undefined && of.gapsMs === undefined) return settingsError("rate", "is missing", "give it or gaps_ms")
  if (of.rate !== undefined && of.gapsMs !== undefined) {
    return settingsError("gaps_ms", "cannot stand beside rate", "both say how often requests arrive; leave one out")
  }
  if ((of.arrivalShape !== undefined) !== (of.arrivals === "gamma")) {
    return of.arrivalShape === undefined
      ? settingsError("arrival_shape", "is missing", "gamma gaps need it")
      : settingsError("arrival_shape", "is only for arrivals: gamma")
  }
  if ((of.prefixTokens !== undefined) !== of.prefixGroups > 0) {
    return of.prefixTokens === undefined
      ? settingsError("prefix_tokens", "is missing", "prefix_groups need it")
      : settingsError("prefix_groups", "is missing", "prefix_tokens are those of a group")
  }
  if (of.sharing !== undefined && of.prefixGroups > 0) {
    return settingsError("sharing", "cannot stand beside prefix_groups", "both say what prompts share; leave one out")
  }
  return undefined
}

const classOf = (name: string, written: unknown): Result.Result<ClassPlan, SettingsError> =>
  Result.gen(function* () {
    if (!(written instanceof Map)) return yield* Result.fail(settingsError("", "expected an object with settings"))
    const values = complete(classSettings, yield* decode(classSettings, written))
    const { inputTokens, outputTokens } = values
    if (inputTokens === undefined) return yield* Result.fail(settingsError("input_tokens", "is missing"))
    if (outputTokens === undefined) return yield* Result.fail(settingsError("output_tokens", "is missing"))
    const problem = problemOf(values)
    if (problem !== undefined) return yield* Result.fail(problem)
    return { ...values, name, inputTokens, outputTokens }
  })

const namedEntries = (classes: ReadonlyMap<unknown, unknown>): ReadonlyArray<readonly [string, unknown]> =>
  [...classes].map(([name, of]) => [String(name), of])

/** Reads what was written. */
export const decodeWorkload = (written: Plain): Result.Result<WorkloadPlan, SettingsError> =>
  Result.gen(function* () {
    const given = yield* decode(planSettings, new Map([...written].filter(([key]) => key !== schemaKey)))
    const { blockTokens, daySeconds, requestCount } = complete(planSettings, given)
    // Names of classes are no settings, so each class is read by itself.
    const classes = written.get("classes")
    const plans: Array<ClassPlan> = []
    for (const [name, of] of classes instanceof Map ? namedEntries(classes) : []) {
      plans.push(yield* Result.mapError(classOf(name, of), (error) => inside(["classes", name], error)))
    }
    if (plans.length === 0) {
      return yield* Result.fail(settingsError("classes", "is missing", "a workload has a class or more"))
    }
    return { blockTokens, classes: plans, daySeconds, requestCount }
  })

/** The JSON Schema of a workload file, for editors. */
export const workloadJsonSchema = (): JsonSchema => {
  const { properties, ...plan } = tableSchema(planSettings)
  const classes = {
    description: planSettings.classes.doc,
    type: "object",
    minProperties: 1,
    additionalProperties: { ...tableSchema(classSettings), required: ["input_tokens", "output_tokens"] }
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "dynosim workload",
    description: "A file for --workload, JSON or YAML: classes of requests and how they arrive.",
    ...plan,
    required: ["classes"],
    properties: { [schemaKey]: { type: "string" }, ...(isObject(properties) ? properties : {}), classes }
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null
