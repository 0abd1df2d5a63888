/**
 * What the simulated model says: common three-letter words, each with the space before it, so that a word is one token of
 * TokenText.ts exactly and one token of most real tokenisers.
 *
 * The words follow from a seed, so equal requests get equal answers. As the answer is known beforehand, its KV blocks have the
 * identity of its text: a conversation that comes back with the answer in it finds the answer's blocks cached.
 */
import { bytesPerToken } from "./TokenText.ts"

const words = (
  "the and for are but not you all any can had her was one our out day get has him his how man new now old see two way who "
  + "boy did its let put say she too use air arm art ask bad bag bar bed big bit box bus buy car cat cow cry cup cut dog dry "
  + "ear eat egg end eye far few fly fun gas gun hat hit hot ice job key kid law lay leg lie lot low map mix mud net nor nut "
  + "oak oil own pay pen pet pig pot raw red rid row run sad sea set sit six sky sun tea ten tie tin top toy try van war wet "
  + "why win yes yet"
).split(" ")

export const wordCount = words.length
/** Characters of every word. */
export const wordCharacters = 4

const golden = 0x9e3779b1

/** Mixes a seed and a position into 32 well-spread bits. */
const mix = (seed: number, position: number): number => {
  let bits = (seed ^ Math.imul(position + 1, golden)) | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** Output token number `position`, from 0, as text. */
export const outputWord = (seed: number, position: number): string => ` ${words[mix(seed, position) % wordCount]!}`

/** `count` other words that might have come there, fewer where there are not as many. */
export const otherWords = (seed: number, position: number, count: number): ReadonlyArray<string> => {
  const chosen = mix(seed, position) % wordCount
  return Array.from(
    { length: Math.min(count, wordCount - 1) },
    (_, index) => ` ${words[(chosen + index + 1) % wordCount]!}`
  )
}

/** The same as a token. */
export const outputToken = (seed: number, position: number): number => {
  const word = outputWord(seed, position)
  let token = 0
  for (let byte = 0; byte < bytesPerToken; byte++) token |= word.charCodeAt(byte) << (8 * byte)
  return token
}

/** Output tokens `from … to` as text. */
export const outputText = (seed: number, from: number, to: number): string => {
  let text = ""
  for (let position = from; position < to; position++) text += outputWord(seed, position)
  return text
}
