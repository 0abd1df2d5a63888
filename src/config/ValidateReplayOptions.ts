/**
 * Holds the options of a run against each other: the first rule that is broken, in the order of the reference
 * (ai-dynamo 1.3.1), or the complete {@link ReplayOptions}.
 *
 * Pure: no file is opened. What depends on the content of a trace or policy file is checked where that file is read.
 */
import * as Result from "effect/Result"
import { type Checked, decodeDeployment, deploymentOptionsOf, deploymentProblem } from "./DeploymentOptions.ts"
import type { GivenOptions } from "./GivenOptions.ts"
import { noticesOf } from "./OptionNotices.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { runSettings } from "../run/RunSettings.ts"
import { replayFlags } from "./ReplayFlags.ts"
import { poolProblem } from "./rules/DeploymentRules.ts"
import { inputOf, inputProblem, rangeProblem, traceProblem } from "./rules/InputRules.ts"
import { formatProblem, loadOf, measureOf, measureProblem, serviceLevelOf, speedupProblem } from "./rules/LoadRules.ts"
import { outputProblem, outputsOf } from "./rules/OutputRules.ts"
import { scalingFlagsProblem, scalingOf } from "./rules/ScalingRules.ts"
import { estimateProblem, incompleteEstimateProblem, modelNameProblem } from "./rules/RoutingRules.ts"
import { check } from "./rules/Rule.ts"

/** Options from text with positions: complete and free of contradictions, or the first thing that is wrong and where. */
export const validateReplayOptions = (given: GivenOptions): Checked<ReplayOptions> =>
  Result.gen(function* () {
    yield* check(inputProblem(given))
    const settings = yield* decodeDeployment(given)
    yield* check(
      incompleteEstimateProblem(given)
        ?? scalingFlagsProblem(given)
        ?? rangeProblem(replayFlags, given)
        ?? poolProblem(given)
        ?? estimateProblem(given, settings.router)
        ?? modelNameProblem(given)
    )
    const input = yield* inputOf(given)
    const deployed = deploymentOptionsOf(given, settings)
    yield* check(
      deploymentProblem(given, deployed.deployment)
        ?? formatProblem(given, input)
        ?? traceProblem(input)
        ?? speedupProblem(given)
        ?? measureProblem(given)
        ?? outputProblem(given)
    )
    const options = {
      input,
      load: loadOf(given),
      ...deployed,
      mode: given.replayMode ?? runSettings.replayMode.absent,
      maxSimTimeMs: given.maxSimTimeSeconds === undefined ? undefined : given.maxSimTimeSeconds * 1000,
      serviceLevel: serviceLevelOf(given),
      ...measureOf(given),
      outputs: outputsOf(given),
      scaling: yield* scalingOf(given, deployed.deployment),
      workerEvents: given.workerEvents,
      check: given.check ?? false,
      quiet: given.quiet ?? false
    } satisfies Omit<ReplayOptions, "notices">
    return { ...options, notices: noticesOf(given, options) }
  })
