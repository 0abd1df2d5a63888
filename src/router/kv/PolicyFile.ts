/**
 * The router policy file (`router_policy_config`): YAML to validated profiles.
 *
 * ```yaml
 * default_policy_family: chat
 * uncached_isl_buckets:
 *   - {min_tokens: 0, bucket: short}
 *   - {min_tokens: 4096, bucket: long}
 * policy_classes:
 *   - {name: chat_short, policy_family: chat, cache_bucket: short, quantum: 8192}
 *   - {name: chat_long, policy_family: chat, cache_bucket: long, quantum: 2048, queue_policy: wspt}
 *   - {name: vip, quantum: 16384}
 * models:            # optional: whole profiles of the same form, chosen by --model-name
 * ```
 */
import * as Result from "effect/Result"
import { PolicyFileError } from "./PolicyFileError.ts"
import { type CacheBucket, defaultBusyFraction, type PolicyClass, type PolicyProfile } from "./PolicyProfile.ts"
import { lineOf, type Place, PolicyReader } from "./PolicyReader.ts"

/** All profiles of a file; there is at least one, or an empty `models` mapping. */
export interface PolicyDocument {
  readonly root: PolicyProfile | undefined
  readonly models: ReadonlyMap<string, PolicyProfile>
}

const profileKeys = ["default_policy_family", "policy_classes", "uncached_isl_buckets"]
const rootKeys = [...profileKeys, "models"]
const bucketKeys = ["min_tokens", "bucket"]
const classKeys = [
  "name",
  "policy_family",
  "cache_bucket",
  "queue_policy",
  "quantum",
  "prefill_busy_threshold",
  "prefill_busy_threshold_frac",
  "request_queue_limit_per_worker",
  "raw_isl_token_queue_limit_per_worker",
  "cached_token_queue_limit_per_worker"
]
const namePattern = /^[A-Za-z0-9_.-]+$/

/** Reads the text of a policy file; `file` is what errors call it. */
export const parsePolicyFile = (file: string, text: string): Result.Result<PolicyDocument, PolicyFileError> => {
  try {
    return Result.succeed(readDocument(new PolicyReader(file, text)))
  } catch (error) {
    if (error instanceof PolicyFileError) return Result.fail(error)
    throw error
  }
}

/** The profile of a model: its own, else the root's, else none (one class for everything). */
export const profileFor = (document: PolicyDocument, modelName: string | undefined): PolicyProfile | undefined =>
  (modelName === undefined ? undefined : document.models.get(modelName)) ?? document.root

const readDocument = (yaml: PolicyReader): PolicyDocument => {
  const places = yaml.isNull(yaml.root) ? new Map<string, Place>() : yaml.mapping(yaml.root, rootKeys)
  const root = readRoot(yaml, places)
  const models = new Map<string, PolicyProfile>()
  const modelsPlace = places.get("models")
  if (modelsPlace !== undefined) {
    for (const [name, place] of yaml.mapping(modelsPlace, undefined)) {
      if (name === "") throw yaml.failure(lineOf(place), "model profile name must not be empty")
      models.set(name, new ProfileReader(yaml, `model "${name}"`).read(place, yaml.mapping(place, profileKeys)))
    }
  }
  if (root === undefined && modelsPlace === undefined) {
    throw yaml.failure(1, "router policy config must define a root profile or at least one model profile")
  }
  return { root, models }
}

const readRoot = (yaml: PolicyReader, places: ReadonlyMap<string, Place>): PolicyProfile | undefined => {
  const given = profileKeys.filter((key) => {
    const place = places.get(key)
    return place !== undefined && !yaml.isNull(place)
  })
  if (given.length === 0) return undefined
  if (given.length < profileKeys.length) {
    throw yaml.failure(
      lineOf(yaml.root),
      "root profile must specify default_policy_family, uncached_isl_buckets, and policy_classes when any root profile field is present"
    )
  }
  return new ProfileReader(yaml, "root").read(yaml.root, places)
}

/** Reads one profile; `owner` says whose it is in errors. */
class ProfileReader {
  private readonly yaml: PolicyReader
  private readonly owner: string

  constructor(yaml: PolicyReader, owner: string) {
    this.yaml = yaml
    this.owner = owner
  }

  read(place: Place, places: ReadonlyMap<string, Place>): PolicyProfile {
    const familyPlace = this.yaml.required(place, places, "default_policy_family")
    const classesPlace = this.yaml.required(place, places, "policy_classes")
    const bucketsPlace = this.yaml.required(place, places, "uncached_isl_buckets")
    const defaultFamily = this.name(familyPlace, "policy family")
    const buckets = this.buckets(bucketsPlace)
    const classes = this.classes(classesPlace, buckets)
    this.checkFamilies(classesPlace, classes, buckets)
    if (!classes.some((policy) => policy.member?.family === defaultFamily)) {
      throw this.failure(familyPlace, `default_policy_family "${defaultFamily}" does not name a configured family`)
    }
    return { defaultFamily, buckets, classes }
  }

  private buckets(place: Place): ReadonlyArray<CacheBucket> {
    const buckets: Array<CacheBucket> = []
    for (const item of this.yaml.items(place)) {
      const places = this.yaml.mapping(item, bucketKeys)
      const minTokens = this.yaml.count(this.yaml.required(item, places, "min_tokens"))
      const name = this.name(this.yaml.required(item, places, "bucket"), "cache bucket")
      const previous = buckets.at(-1)
      if (previous === undefined && minTokens !== 0) {
        throw this.failure(item, "uncached_isl_buckets must start at min_tokens 0")
      }
      if (previous !== undefined && minTokens <= previous.minTokens) {
        throw this.failure(item, "uncached_isl_buckets min_tokens must be strictly increasing")
      }
      if (buckets.some((bucket) => bucket.name === name)) {
        throw this.failure(item, `contains duplicate cache bucket "${name}"`)
      }
      buckets.push({ minTokens, name })
    }
    if (buckets.length === 0) throw this.failure(place, "uncached_isl_buckets must not be empty")
    return buckets
  }

  private classes(place: Place, buckets: ReadonlyArray<CacheBucket>): ReadonlyArray<PolicyClass> {
    const classes: Array<PolicyClass> = []
    for (const item of this.yaml.items(place)) {
      const policy = this.policyClass(item, buckets)
      if (classes.some((other) => other.name === policy.name)) {
        throw this.failure(item, `contains duplicate policy class "${policy.name}"`)
      }
      classes.push(policy)
    }
    if (classes.length === 0) throw this.failure(place, "policy_classes must not be empty")
    return classes
  }

  private policyClass(item: Place, buckets: ReadonlyArray<CacheBucket>): PolicyClass {
    const places = this.yaml.mapping(item, classKeys)
    const name = this.name(this.yaml.required(item, places, "name"), "policy class")
    const own = (problem: string) => this.failure(item, `policy class "${name}" ${problem}`)
    const quantumTokens = this.yaml.count(this.yaml.required(item, places, "quantum"))
    if (quantumTokens === 0) throw own("quantum must be greater than zero")
    const policyPlace = places.get("queue_policy")
    const queuePolicy = policyPlace === undefined ? "fcfs" : this.yaml.oneOf(policyPlace, ["fcfs", "lcfs", "wspt"])
    if (queuePolicy === "lcfs") throw own("queue_policy must be fcfs or wspt")
    const prefillBusyTokens = this.optionalCount(places, "prefill_busy_threshold")
    const fraction = this.optional(places, "prefill_busy_threshold_frac", (place) => this.yaml.number(place))
    if (fraction !== undefined && !(Number.isFinite(fraction) && fraction >= 0)) {
      throw own("prefill_busy_threshold_frac must be finite and non-negative")
    }
    const member = this.member(places, own)
    if (member !== undefined && !buckets.some((bucket) => bucket.name === member.bucket)) {
      throw own(`references unknown cache bucket "${member.bucket}"`)
    }
    return {
      name,
      member,
      queuePolicy,
      quantumTokens,
      prefillBusyTokens,
      prefillBusyFraction: fraction ?? (prefillBusyTokens === undefined ? defaultBusyFraction : undefined),
      requestLimitPerWorker: this.optionalCount(places, "request_queue_limit_per_worker"),
      rawTokenLimitPerWorker: this.optionalCount(places, "raw_isl_token_queue_limit_per_worker"),
      cachedTokenLimitPerWorker: this.optionalCount(places, "cached_token_queue_limit_per_worker")
    }
  }

  private member(places: ReadonlyMap<string, Place>, own: (problem: string) => PolicyFileError): PolicyClass["member"] {
    const family = this.optional(places, "policy_family", (place) => this.name(place, "policy family"))
    const bucket = this.optional(places, "cache_bucket", (place) => this.name(place, "cache bucket"))
    if (family === undefined && bucket === undefined) return undefined
    if (family === undefined || bucket === undefined) {
      throw own("must specify both policy_family and cache_bucket or neither for an explicit class")
    }
    return { family, bucket }
  }

  /** Every (family, bucket) pair has exactly one class, and no explicit class is called like a family. */
  private checkFamilies(place: Place, classes: ReadonlyArray<PolicyClass>, buckets: ReadonlyArray<CacheBucket>): void {
    const covered = new Map<string, Set<string>>()
    for (const { member } of classes) {
      if (member === undefined) continue
      const { bucket, family } = member
      const seen = covered.get(family) ?? new Set()
      if (seen.has(bucket)) {
        throw this.failure(place, `contains duplicate policy classes for family "${family}" and bucket "${bucket}"`)
      }
      covered.set(family, seen.add(bucket))
    }
    for (const { member, name } of classes) {
      if (member === undefined && covered.has(name)) {
        throw this.failure(place, `explicit policy class "${name}" collides with a policy family`)
      }
    }
    for (const [family, seen] of covered) {
      const missing = buckets.find((bucket) => !seen.has(bucket.name))
      if (missing !== undefined) {
        throw this.failure(place, `is missing a policy class for family "${family}" and bucket "${missing.name}"`)
      }
    }
  }

  private name(place: Place, what: string): string {
    const name = this.yaml.text(place)
    if (!namePattern.test(name)) throw this.failure(place, `${what} name "${name}" must match [A-Za-z0-9_.-]+`)
    return name
  }

  private optional<A>(places: ReadonlyMap<string, Place>, key: string, read: (place: Place) => A): A | undefined {
    const place = places.get(key)
    return place === undefined || this.yaml.isNull(place) ? undefined : read(place)
  }

  private optionalCount(places: ReadonlyMap<string, Place>, key: string): number | undefined {
    return this.optional(places, key, (place) => this.yaml.count(place))
  }

  private failure(place: Place, problem: string): PolicyFileError {
    return this.yaml.failure(lineOf(place), `${this.owner} ${problem}`)
  }
}
