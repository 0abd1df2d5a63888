/** `dynosim aic`: the measurements that AIC timing reads. Its code is imported when one of its commands runs. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"

const json = Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print JSON for programs"))

const list = Command.make(
  "list",
  {
    model: Flag.String("model").pipe(
      Flag.optional,
      Flag.withDescription(
        "Show where this model can be timed, and on how many GPUs at least: an id or a folder with config.json"
      )
    ),
    json
  },
  Effect.fnUntraced(function* (settings) {
    const { listAic } = yield* Effect.promise(() => import("./ListAic.ts"))
    yield* listAic(settings)
  })
).pipe(
  Command.withDescription("List the measurements at hand: systems, backends, versions, model families, formats"),
  Command.withExamples([
    { command: "dynosim aic list --model deepseek-ai/DeepSeek-V3", description: "Where a model can be timed" }
  ])
)

const chosen = (name: "system" | "backend", example: string) =>
  Flag.String(name).pipe(Flag.optional, Flag.withDescription(`Only this ${name}, such as ${example}; default: all`))

const compare = Command.make(
  "compare",
  {
    trace: Argument.String("trace").pipe(Argument.withDescription("Mooncake trace, plain or gzip")),
    model: Flag.String("model").pipe(Flag.withDescription("Model to serve: an id or a folder with config.json")),
    system: chosen("system", "b200_sxm"),
    backend: chosen("backend", "vllm"),
    json
  },
  Effect.fnUntraced(function* (settings) {
    const { compareSystems } = yield* Effect.promise(() => import("./CompareSystems.ts"))
    yield* compareSystems(settings)
  })
).pipe(Command.withDescription("Replay a trace on every system at hand, on the fewest GPUs that a model needs there"))

const source = Argument.String("source").pipe(
  Argument.withDescription("A wheel of aiconfigurator, or a folder with its systems (a checkout, an unpacked wheel)")
)

const importData = Command.make(
  "import",
  {
    source,
    system: chosen("system", "b200_sxm"),
    backend: chosen("backend", "sglang"),
    version: Flag.String("backend-version").pipe(
      Flag.optional,
      Flag.withDescription("This version of the backend; default: the usual one, else the newest")
    ),
    to: Flag.String("to").pipe(
      Flag.optional,
      Flag.withDescription(
        "Data folder to write to; default: DYNOSIM_DATA, else dynosim in XDG_DATA_HOME or ~/.local/share"
      )
    ),
    force: Flag.Boolean("force").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Take measurements that are marked incomplete too")
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Name what would be imported, and write nothing")
    )
  },
  Effect.fnUntraced(function* (settings) {
    const { importAic } = yield* Effect.promise(() => import("./ImportAic.ts"))
    yield* importAic(settings)
  })
).pipe(
  Command.withDescription("Make measurements of published data usable here, or on machines without network"),
  Command.withExamples([
    {
      command: "dynosim aic import aiconfigurator-0.10.0-cp310-abi3-manylinux_2_28_x86_64.whl --system b200_sxm",
      description: "Everything that a wheel has on B200"
    }
  ])
)

export const aicCommand = Command.make("aic").pipe(Command.withSubcommands([list, compare, importData]))
