/**
 * Whose scheduling rules an engine follows. The default is what the reference's simulator does; the others decide like a release of
 * vLLM itself. docs/fidelity.md lists the rules of each.
 */
import { schedulerRules, type VllmProfileName } from "./vllm-v1/SchedulerRules.ts"

/** The rules of the reference's simulator. */
export const defaultEngineProfile = "dynamo-1.3.1"

/** Names of `engine_profile`: whose scheduling rules an engine follows. */
export const engineProfiles = [defaultEngineProfile, "vllm-0.33", "vllm-0.25", "vllm-0.17"] as const

/** One of {@link engineProfiles}. */
export type EngineProfileName = (typeof engineProfiles)[number]

/** A profile that decides like a release of vLLM. */
export const isVllmProfile = (profile: EngineProfileName): profile is VllmProfileName =>
  Object.hasOwn(schedulerRules, profile)
