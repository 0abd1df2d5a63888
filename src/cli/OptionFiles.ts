/** The options of a run from the command line and the files that it names: `--config FILE`, and `@FILE` for a JSON object. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { ConfigError } from "../config/ConfigError.ts"
import type { ConfigFile } from "../config/ReadConfig.ts"
import type { FlagSpec } from "../config/FlagSpec.ts"
import { type GivenOptions, readGivenOptions } from "../config/GivenOptions.ts"
import type { JsonSetting } from "../config/JsonSetting.ts"
import type { FlagValues } from "../config/ReadFlags.ts"
import { replayFlags } from "../config/ReplayFlags.ts"
import type { InputFile } from "../run/InputFiles.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { readTextFile } from "../settings/TextFile.ts"

export interface GivenWithFiles {
  readonly given: GivenOptions
  /** Files that options were read from, each once. */
  readonly files: ReadonlyArray<InputFile>
}

/** The policy file may also be named by the environment, as for the reference. */
const policyVariable = Config.option(Config.String("DYN_ROUTER_POLICY_CONFIG"))

/** `flags` are those of the command line, by name without dashes; they win over those of a configuration file. */
export const givenOptions = Effect.fnUntraced(function* (
  traces: ReadonlyArray<string>,
  flags: FlagValues
): Effect.fn.Return<GivenWithFiles, UsageError | ConfigError, FileSystem.FileSystem> {
  const files = new Map<string, InputFile>()
  const configured = yield* readConfigFile(flags, files)
  const values = yield* withObjectFiles(new Map([...(configured?.values ?? []), ...flags]), files)
  const traceFiles = traces.length > 0 || configured === undefined ? traces : configured.traces
  const given = yield* Effect.fromResult(readGivenOptions(traceFiles, values))
  return { given: yield* withPolicyVariable(given), files: [...files.values()] }
})

const withPolicyVariable = Effect.fnUntraced(function* (given: GivenOptions) {
  if (given.routerPolicyConfig !== undefined) return given
  const variable = yield* Effect.orDie(policyVariable)
  return Option.isNone(variable) || variable.value === "" ? given : { ...given, routerPolicyConfig: variable.value }
})

/** Runs whose settings come from a plan take no part of them from the environment, which another machine would not have. */
export const refusePolicyVariable: Effect.Effect<void, UsageError> = Effect.gen(function* () {
  const variable = yield* Effect.orDie(policyVariable)
  if (Option.isNone(variable) || variable.value === "") return
  return yield* usageError(
    "DYN_ROUTER_POLICY_CONFIG",
    "is not read by sweeps and searches",
    "unset it, and name the policy file in the settings: router-policy-config"
  )
})

/** What the configuration file says, if there is one, also where flags say something else. YAML is loaded only by those who use it. */
export const readConfigFile = Effect.fnUntraced(function* (
  flags: FlagValues,
  files: Map<string, InputFile>
): Effect.fn.Return<ConfigFile | undefined, UsageError | ConfigError, FileSystem.FileSystem> {
  const setting = flags.get("config")
  if (setting?._tag !== "Text") return undefined
  const { text: path } = setting
  files.set(path, { what: "the configuration file", path })
  const text = yield* readText("--config", path)
  const [{ parseConfigFile }, { checkOverridden, overriddenOptions }] = yield* Effect.promise(() =>
    Promise.all([import("../config/ConfigFile.ts"), import("../config/OverriddenOptions.ts")])
  )
  const file = yield* Effect.fromResult(parseConfigFile(path, text))
  const overridden = yield* withObjectFiles(overriddenOptions(file.values, flags), new Map())
  yield* Effect.fromResult(checkOverridden(overridden, file.values, flags))
  return file
})

const objectFlags = Object.entries<FlagSpec>(replayFlags)
  .filter(([, { kind }]) => kind.form === "json")
  .map(([name]) => name)

/** Options that are JSON objects, those given as `@FILE` read from there; `files` gathers what was read. */
export const withObjectFiles = Effect.fnUntraced(function* (
  values: FlagValues,
  files: Map<string, InputFile>
): Effect.fn.Return<FlagValues, UsageError | ConfigError, FileSystem.FileSystem> {
  const read = new Map(values)
  for (const name of objectFlags) {
    const path =
      fileOf(values.get(name)) ?? (namingFiles.has(name) ? yield* namedFile(name, values.get(name)) : undefined)
    if (path === undefined) continue
    const flag = placeOf(name, values.get(name))
    if (path === "") return yield* Effect.fail(usageError(flag, "expected a file after @, got none"))
    if (!files.has(path)) files.set(path, { what: `the file of --${name}`, path })
    const text = yield* readText(flag, path)
    const { parseSettingsFile } = yield* Effect.promise(() => import("../config/SettingsFile.ts"))
    const node = yield* Effect.fromResult(parseSettingsFile(path, text))
    read.set(name, { _tag: "Node", source: { _tag: "File", name: path }, path: "", node })
  }
  return read
})

/** Where a value stands: the flag, or the line of a file. */
const placeOf = (name: string, setting: JsonSetting | undefined): string =>
  setting?._tag === "Node" && setting.source._tag === "File"
    ? `${setting.source.name}:${setting.node.at.line}: ${setting.path}`
    : `--${name}`

/** The file that a value such as `@engine.json` names; a configuration file may hold such a value too. */
const fileOf = (setting: JsonSetting | undefined): string | undefined => {
  const value = setting === undefined ? undefined : textOf(setting)
  return value?.startsWith("@") === true ? value.slice(1) : undefined
}

/** Objects whose file is also named without an `@`: the planner's, as by the reference, and workloads, which are mostly files. */
const namingFiles: ReadonlySet<string> = new Set(["planner-config", "workload"])

const namedFile = Effect.fnUntraced(function* (
  name: string,
  setting: JsonSetting | undefined
): Effect.fn.Return<string | undefined, UsageError, FileSystem.FileSystem> {
  const text = setting === undefined ? undefined : textOf(setting)
  if (text === undefined) return undefined
  const files = yield* FileSystem.FileSystem
  if (text !== "" && (yield* Effect.orElseSucceed(files.exists(text), () => false))) return text
  if (/^\s*[{[]/.test(text)) return undefined
  return yield* usageError(placeOf(name, setting), `${JSON.stringify(text)} is neither a file nor a JSON object`)
})

const textOf = (setting: JsonSetting): string | undefined => {
  if (setting._tag === "Text") return setting.text
  return setting.node._tag === "String" ? setting.node.value : undefined
}

const readText = Effect.fnUntraced(function* (flag: string, path: string) {
  return yield* readTextFile(path, (reason) => usageError(flag, `cannot read ${path}: ${reason}`))
})
