/** Digits of whole numbers, three at a time, into room that reaches four bytes beyond them. */

export const zero = 48
export const point = 46
export const billion = 1e9

/** The digits of 000 to 999, the first one in the lowest byte. */
export const threes = Int32Array.from({ length: 1000 }, (_, value) => {
  const [hundreds, tens, ones] = [Math.floor(value / 100), Math.floor(value / 10) % 10, value % 10]
  return ((zero + ones) << 16) | ((zero + tens) << 8) | (zero + hundreds)
})

/** Writes a whole number below a billion, and returns where it ends. */
export const writeWhole = (view: DataView, at: number, value: number): number => {
  if (value < 1000) return writeFirst(view, at, value)
  const thousands = (value / 1000) | 0
  if (thousands < 1000) return writeThree(view, writeFirst(view, at, thousands), value - thousands * 1000)
  const millions = (thousands / 1000) | 0
  return writeSix(view, writeFirst(view, at, millions), value - millions * 1e6)
}

/** Up to three digits, without zeros before them. */
const writeFirst = (view: DataView, at: number, value: number): number => {
  const digits = value < 10 ? 1 : value < 100 ? 2 : 3
  view.setInt32(at, threes[value]! >> (8 * (3 - digits)), true)
  return at + digits
}

export const writeThree = (view: DataView, at: number, value: number): number => {
  view.setInt32(at, threes[value]!, true)
  return at + 3
}

export const writeSix = (view: DataView, at: number, value: number): number => {
  const thousands = (value / 1000) | 0
  return writeThree(view, writeThree(view, at, thousands), value - thousands * 1000)
}
