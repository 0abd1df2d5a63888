/** Which policy class a request belongs to. */
import type { PolicyProfile } from "./PolicyProfile.ts"

export class PolicyClasses {
  /** Explicit class name to class index. */
  private readonly explicit = new Map<string, number>()
  /** Family name to class index per bucket. */
  private readonly families = new Map<string, Int32Array>()
  private readonly profile: PolicyProfile

  constructor(profile: PolicyProfile) {
    this.profile = profile
    profile.classes.forEach(({ member, name }, index) => {
      if (member === undefined) {
        this.explicit.set(name, index)
        return
      }
      const byBucket = this.families.get(member.family) ?? new Int32Array(profile.buckets.length)
      byBucket[profile.buckets.findIndex((bucket) => bucket.name === member.bucket)] = index
      this.families.set(member.family, byBucket)
    })
  }

  /**
   * Index of the class: the explicit one that the row names, else that of its family, or of the default family, for this many
   * uncached prompt tokens.
   */
  indexOf(policyClass: string | null, uncachedTokens: number): number {
    const { defaultFamily } = this.profile
    if (defaultFamily === undefined) return 0
    const named = policyClass ?? defaultFamily
    const explicit = this.explicit.get(named)
    if (explicit !== undefined) return explicit
    const family = this.families.get(named) ?? this.families.get(defaultFamily)!
    return family[this.bucketOf(uncachedTokens)]!
  }

  private bucketOf(uncachedTokens: number): number {
    const { buckets } = this.profile
    let bucket = 0
    while (bucket + 1 < buckets.length && buckets[bucket + 1]!.minTokens <= uncachedTokens) bucket += 1
    return bucket
  }
}
