/** Text that is written again and again. */

const utf8 = new TextEncoder()

export interface EncodedText {
  readonly length: number
  /** Eight bytes each, zeros at the end. Bytes of UTF-8 are never those of a number that is none, which might change on its way. */
  readonly words: Float64Array
}

export const encoded = (text: string): EncodedText => {
  const bytes = utf8.encode(text)
  const words = new Float64Array(Math.ceil(bytes.length / 8))
  const padded = new Uint8Array(8 * words.length)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  for (let word = 0; word < words.length; word++) words[word] = view.getFloat64(8 * word, true)
  return { length: bytes.length, words }
}
