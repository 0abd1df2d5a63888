/** `dynosim sweep PLAN` and its commands: the flags, and the hand-over to the code that does the work. */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import {
  sweepFlags,
  sweepKubernetesFlags,
  sweepMergeFlags,
  sweepNextFlags,
  sweepSlurmFlags
} from "../sweep/SweepFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

const plan = Argument.String("plan").pipe(Argument.withDescription("Plan, YAML or JSON: see docs/sweep.md"))

const merge = Command.make(
  "merge",
  {
    folders: Argument.String("folder").pipe(
      Argument.withDescription("Results folders of the shards of one plan"),
      Argument.atLeast(1)
    ),
    flags: flagParams(sweepMergeFlags)
  },
  Effect.fnUntraced(function* ({ flags, folders }) {
    const { mergeSweep } = yield* Effect.promise(() => import("./SweepMerge.ts"))
    yield* mergeSweep(folders, settingsOf(flags))
  })
).pipe(Command.withDescription("Bring the results of shards together and print the table of the whole sweep"))

const next = Command.make(
  "next",
  { plan, flags: flagParams(sweepNextFlags) },
  Effect.fnUntraced(function* ({ flags, plan }) {
    const { nextRound } = yield* Effect.promise(() => import("./SweepNext.ts"))
    yield* nextRound(plan, settingsOf(flags))
  })
).pipe(Command.withDescription("List the runs that a plan needs next, given what is stored"))

const slurm = Command.make(
  "slurm",
  { plan, flags: flagParams(sweepSlurmFlags) },
  Effect.fnUntraced(function* ({ flags, plan }) {
    const { writeSlurmScript } = yield* Effect.promise(() => import("./SweepJobs.ts"))
    yield* writeSlurmScript(plan, settingsOf(flags))
  })
).pipe(
  Command.withDescription("Print a job array of Slurm that runs a plan: a script for sbatch"),
  Command.withExamples([
    {
      command: "dynosim sweep slurm plan.yaml --shards 8 > sweep.sbatch",
      description: "Eight tasks, then: sbatch sweep.sbatch"
    }
  ])
)

const kubernetes = Command.make(
  "kubernetes",
  { plan, flags: flagParams(sweepKubernetesFlags) },
  Effect.fnUntraced(function* ({ flags, plan }) {
    const { writeIndexedJob } = yield* Effect.promise(() => import("./SweepJobs.ts"))
    yield* writeIndexedJob(plan, settingsOf(flags))
  })
).pipe(Command.withDescription("Print an indexed Job of Kubernetes that runs a plan: a manifest for kubectl apply"))

export const sweepCommand = Command.make(
  "sweep",
  { plan, flags: flagParams(sweepFlags) },
  Effect.fnUntraced(function* ({ flags, plan }) {
    const { runSweep } = yield* Effect.promise(() => import("./SweepRun.ts"))
    yield* runSweep(plan, settingsOf(flags))
  })
).pipe(
  Command.withSubcommands([merge, next, slurm, kubernetes]),
  Command.withExamples([
    { command: "dynosim sweep examples/sweep.yaml", description: "Every combination of a plan, or go on with it" }
  ])
)
