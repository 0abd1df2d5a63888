/** Values and texts that programs trip over. */
import type { Dice } from "../differential/Dice.ts"

/** As JSON; sizes that a machine would have to work for are left out, so that a case stays cheap. */
export const hostileValues: ReadonlyArray<string> = [
  "0",
  "-0",
  "-1",
  "1",
  "2",
  "3.5",
  "1e-320",
  "-1e-9",
  "4294967296",
  "9007199254740993",
  "18446744073709551616",
  "1e308",
  "1e999",
  "-1e999",
  "NaN",
  "Infinity",
  "null",
  "true",
  "false",
  "[]",
  "{}",
  "[[]]",
  "[null]",
  "[1,2,3]",
  '""',
  '"0"',
  '"1e3"',
  '"\\u0000"',
  '"\\u001b[2J\\u0007"',
  '"../../etc/passwd"',
  '"__proto__"',
  '"\\ud800"',
  '"🦀"',
  '{"__proto__":{"a":1}}',
  '{"a":1,"a":2}',
  "0x10",
  "01",
  "1.",
  ".5",
  "+1",
  "1_000",
  "'x'",
  "undefined"
]

const hostileBytes: ReadonlyArray<Uint8Array> = [
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe],
  [0],
  [0xc3, 0x28],
  [0xed, 0xa0, 0x80],
  [0x1b, 0x5b, 0x32, 0x4a],
  [0x0d],
  [0x0d, 0x0a],
  [0x0a, 0x0a],
  [0xe2, 0x80, 0xa8]
].map((bytes) => Uint8Array.from(bytes))

const splice = (bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array =>
  Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])

const nested = (dice: Dice): string => {
  const [open, close] = dice.pick([
    ["[", "]"],
    ['{"a":', "}"]
  ] as const)
  const depth = dice.pick([3, 100, 20_000])
  return open.repeat(depth) + (dice.chance(0.5) ? `1${close.repeat(depth)}` : "")
}

/** A token of JSON or YAML (a word, a number, a string) becomes another one. */
const replaceToken = (dice: Dice, bytes: Uint8Array): Uint8Array => {
  const text = Buffer.from(bytes).toString("latin1")
  const tokens = [...text.matchAll(/"[^"\n]*"|-?[\w.]+/g)]
  if (tokens.length === 0) return bytes
  const token = dice.pick(tokens)
  const replacement = dice.chance(0.1)
    ? nested(dice)
    : dice.chance(0.3)
      ? dice.pick(tokens)[0]
      : dice.pick(hostileValues)
  return splice(bytes, token.index, token[0].length, Buffer.from(replacement))
}

const mutations: ReadonlyArray<(dice: Dice, bytes: Uint8Array) => Uint8Array> = [
  replaceToken,
  replaceToken,
  replaceToken,
  (dice, bytes) => splice(bytes, dice.between(0, bytes.length), 0, dice.pick(hostileBytes)),
  (dice, bytes) => splice(bytes, dice.between(0, bytes.length), dice.between(1, 40), new Uint8Array(0)),
  (dice, bytes) => bytes.subarray(0, dice.between(0, bytes.length)),
  (dice, bytes) =>
    splice(bytes, dice.between(0, Math.max(0, bytes.length - 1)), 1, Uint8Array.of(dice.between(0, 255))),
  (dice, bytes) => {
    const from = dice.between(0, bytes.length)
    return splice(bytes, dice.between(0, bytes.length), 0, bytes.subarray(from, from + dice.between(1, 200)))
  }
]

/** `bytes` with one to four changes. */
export const mutated = (dice: Dice, bytes: Uint8Array): Uint8Array => {
  let result = bytes
  for (let left = dice.pick([1, 1, 1, 2, 4]); left > 0; left--) result = dice.pick(mutations)(dice, result)
  return result
}
