import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { parsePolicyFile, profileFor } from "../../../src/router/kv/PolicyFile.ts"
import { PolicyClasses } from "../../../src/router/kv/PolicyClasses.ts"

const base = `default_policy_family: chat
uncached_isl_buckets:
  - min_tokens: 0
    bucket: short
  - min_tokens: 4000
    bucket: long
policy_classes:
  - {name: cs, policy_family: chat, cache_bucket: short, quantum: 100}
  - {name: cl, policy_family: chat, cache_bucket: long, quantum: 200, queue_policy: wspt, prefill_busy_threshold: 9}
`

const indented = base.replaceAll(/^(?=.)/gm, "    ")

const parse = (text: string) => Result.getOrThrow(parsePolicyFile("policy.yaml", text))

const problemOf = (text: string): string =>
  Result.match(parsePolicyFile("policy.yaml", text), {
    onFailure: (error) => error.message,
    onSuccess: () => assert.fail("accepted")
  })

describe("policy file", () => {
  it("reads a profile with its defaults", () => {
    const profile = parse(base).root!
    assert.strictEqual(profile.defaultFamily, "chat")
    assert.deepStrictEqual(profile.buckets, [
      { minTokens: 0, name: "short" },
      { minTokens: 4000, name: "long" }
    ])
    assert.deepStrictEqual(profile.classes[0], {
      name: "cs",
      member: { family: "chat", bucket: "short" },
      queuePolicy: "fcfs",
      quantumTokens: 100,
      prefillBusyTokens: undefined,
      prefillBusyFraction: 16,
      requestLimitPerWorker: undefined,
      rawTokenLimitPerWorker: undefined,
      cachedTokenLimitPerWorker: undefined
    })
    assert.strictEqual(profile.classes[1]!.queuePolicy, "wspt")
    assert.strictEqual(profile.classes[1]!.prefillBusyTokens, 9)
    assert.isUndefined(profile.classes[1]!.prefillBusyFraction)
  })

  it("selects a model's profile, else the root's, else none", () => {
    const both = parse(`${base}models:\n  big:\n${indented.replaceAll("quantum: 100", "quantum: 7")}`)
    assert.strictEqual(profileFor(both, "big")!.classes[0]!.quantumTokens, 7)
    assert.strictEqual(profileFor(both, "other")!.classes[0]!.quantumTokens, 100)
    assert.strictEqual(profileFor(both, undefined)!.classes[0]!.quantumTokens, 100)
    const modelsOnly = parse(`models:\n  big:\n${indented}`)
    assert.isUndefined(profileFor(modelsOnly, undefined))
    assert.isUndefined(profileFor(parse("models: {}\n"), "big"))
  })

  it("takes names from numbers and values from aliases", () => {
    const profile = parse(
      base
        .replace("name: cs", "name: 5")
        .replace("quantum: 100", "quantum: &q 0x10")
        .replace("quantum: 200", "quantum: *q")
    ).root!
    assert.strictEqual(profile.classes[0]!.name, "5")
    assert.deepStrictEqual(
      profile.classes.map((policy) => policy.quantumTokens),
      [16, 16]
    )
  })

  const broken = (from: string, to: string) => base.replace(from, to)
  const cases: ReadonlyArray<readonly [label: string, text: string, message: string]> = [
    ["empty", "", "policy.yaml:1: router policy config must define a root profile or at least one model profile"],
    ["a list", "[]", "policy.yaml:1: invalid type: sequence, expected a mapping"],
    ["not YAML", "a: [1\n", "policy.yaml:2: "],
    ["two documents", `${base}---\n${base}`, "policy.yaml:10: more than one YAML document in the file"],
    ["repeated key", `${base}default_policy_family: x\n`, "policy.yaml:10: not YAML: Map keys must be unique"],
    [
      "part of a profile",
      "default_policy_family: a\n",
      "policy.yaml:1: root profile must specify default_policy_family, uncached_isl_buckets, and policy_classes when any"
    ],
    [
      "unknown root key",
      `${base}foo: 1\n`,
      "policy.yaml:10: unknown field `foo`, expected one of `default_policy_family`, `policy_classes`, `uncached_isl_buckets`, `models`"
    ],
    [
      "unknown class key",
      broken("quantum: 100", "quantum: 1, foo: 2"),
      "policy.yaml:8: policy_classes[0]: unknown field `foo`, expected one of `name`"
    ],
    [
      "unknown bucket key",
      broken("bucket: short\n", "bucket: short\n    foo: 3\n"),
      "policy.yaml:5: uncached_isl_buckets[0]: unknown field `foo`"
    ],
    ["missing quantum", broken(", quantum: 100", ""), "policy.yaml:8: policy_classes[0]: missing field `quantum`"],
    [
      "zero quantum",
      broken("quantum: 100", "quantum: 0"),
      'policy.yaml:8: root policy class "cs" quantum must be greater than zero'
    ],
    [
      "fractional quantum",
      broken("quantum: 100", "quantum: 1.0"),
      "policy.yaml:8: policy_classes[0].quantum: invalid type: number `1.0`, expected a whole number"
    ],
    ["negative quantum", broken("quantum: 100", "quantum: -1"), "policy_classes[0].quantum: invalid type: number `-1`"],
    ["text quantum", broken("quantum: 100", "quantum: '1'"), 'policy_classes[0].quantum: invalid type: string "1"'],
    ["lcfs", broken("wspt", "lcfs"), 'policy.yaml:9: root policy class "cl" queue_policy must be fcfs or wspt'],
    [
      "unknown policy",
      broken("wspt", "FCFS"),
      "policy_classes[1].queue_policy: unknown variant `FCFS`, expected one of `fcfs`, `lcfs`, `wspt`"
    ],
    [
      "negative fraction",
      broken("quantum: 100", "quantum: 1, prefill_busy_threshold_frac: -0.5"),
      'root policy class "cs" prefill_busy_threshold_frac must be finite and non-negative'
    ],
    [
      "first bucket",
      broken("min_tokens: 0", "min_tokens: 1"),
      "policy.yaml:3: root uncached_isl_buckets must start at min_tokens 0"
    ],
    [
      "bucket order",
      broken("4000", "0"),
      "policy.yaml:5: root uncached_isl_buckets min_tokens must be strictly increasing"
    ],
    ["repeated bucket", broken("bucket: long", "bucket: short"), 'root contains duplicate cache bucket "short"'],
    ["bad name", broken("bucket: long", "bucket: 'a b'"), 'root cache bucket name "a b" must match [A-Za-z0-9_.-]+'],
    ["repeated class", broken("name: cl", "name: cs"), 'policy.yaml:9: root contains duplicate policy class "cs"'],
    [
      "unknown bucket",
      broken("cache_bucket: long", "cache_bucket: huge"),
      'root policy class "cl" references unknown cache bucket "huge"'
    ],
    [
      "half a member",
      broken(", cache_bucket: long", ""),
      'root policy class "cl" must specify both policy_family and cache_bucket or neither for an explicit class'
    ],
    [
      "two for a pair",
      `${base}  - {name: x, policy_family: chat, cache_bucket: long, quantum: 1}\n`,
      'root contains duplicate policy classes for family "chat" and bucket "long"'
    ],
    [
      "none for a pair",
      `${base}  - {name: x, policy_family: b, cache_bucket: long, quantum: 1}\n`,
      'root is missing a policy class for family "b" and bucket "short"'
    ],
    [
      "explicit like family",
      `${base}  - {name: chat, quantum: 1}\n`,
      'root explicit policy class "chat" collides with a policy family'
    ],
    [
      "unknown default",
      broken("family: chat", "family: vip"),
      'policy.yaml:1: root default_policy_family "vip" does not name a configured family'
    ],
    [
      "model error",
      `models:\n  big:\n${indented.replace("quantum: 100", "quantum: 0")}`,
      'policy.yaml:10: model "big" policy class "cs" quantum must be greater than zero'
    ],
    [
      "model not a profile",
      "models: {big: {default_policy_family: a}}\n",
      "models.big: missing field `policy_classes`"
    ],
    [
      "a value that holds itself",
      "models: &m {a: *m}\n",
      "policy.yaml:1: an alias stands for a value that contains it"
    ],
    ["the same model twice", "models: {5: 1, '5': 1}\n", 'policy.yaml:1: duplicate key "5"'],
    [
      "too many levels",
      `models: ${"[".repeat(200)}${"]".repeat(200)}\n`,
      "policy.yaml:1: nested more than 100 levels deep"
    ],
    [
      "null as a name",
      broken("name: cs", "name: null"),
      "policy_classes[0].name: invalid type: null, expected a string"
    ],
    ["nameless model", `models:\n  '':\n${indented}`, "model profile name must not be empty"]
  ]
  for (const [label, text, message] of cases) {
    it(`refuses: ${label}`, () => assert.include(problemOf(text), message))
  }
})

describe("policy classes", () => {
  const classes = new PolicyClasses(
    parse(
      `${base}  - {name: vip, quantum: 1}\n`
        + "  - {name: bl, policy_family: batch, cache_bucket: long, quantum: 1}\n"
        + "  - {name: bs, policy_family: batch, cache_bucket: short, quantum: 1}\n"
    ).root!
  )

  it("takes the bucket of the uncached tokens in the default family", () => {
    assert.deepStrictEqual(
      [0, 3999, 4000, 99_999].map((tokens) => classes.indexOf(null, tokens)),
      [0, 0, 1, 1]
    )
    assert.strictEqual(classes.indexOf("unheard-of", 4000), 1)
  })

  it("takes a named family, and an explicit class whatever its tokens", () => {
    assert.deepStrictEqual(
      [0, 4000].map((tokens) => classes.indexOf("batch", tokens)),
      [4, 3]
    )
    assert.deepStrictEqual(
      [0, 4000].map((tokens) => classes.indexOf("vip", tokens)),
      [2, 2]
    )
  })

  it("does not take a family's class by its own name", () => {
    assert.strictEqual(classes.indexOf("cl", 0), 0)
  })
})
