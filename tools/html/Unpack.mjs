/** Undoes src/html/PackedColumns.ts and PackedText.ts. */
const none = -(2 ** 31)

const inflated = (data) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0))
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")))
}

export const unpackText = (data) => inflated(data).text()

/** Numbers of a packed column; null for none. */
export const unpack = async ({ data, deltas, step }) => {
  const planes = new Uint8Array(await inflated(data).arrayBuffer())
  const count = planes.length / 4
  const values = Array.from({ length: count })
  let before = 0
  for (let index = 0; index < count; index++) {
    let value = 0
    for (let plane = 0; plane < 4; plane++) value |= planes[plane * count + index] << (8 * plane)
    if (deltas && index > 0) value = (value + before) | 0
    before = value
    values[index] = value === none ? null : value * step
  }
  return values
}

export const unpackAll = async (columns) =>
  Object.fromEntries(
    await Promise.all(Object.entries(columns).map(async ([name, column]) => [name, await unpack(column)]))
  )
