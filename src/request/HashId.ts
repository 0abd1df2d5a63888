/**
 * Hash ids of trace blocks: integers from 0 to 2^64 - 1, those from 2^53 on as `bigint`.
 *
 * Equal ids at equal places of two prompts are equal content; nothing else is known of them, so all 64 bits count. Tables keep an
 * id as two signed halves of 32 bits. Almost every trace has ids below 2^32 only: {@link isNarrow} is the fast way.
 */
export type HashId = number | bigint

/** The ids of one prompt, in order. */
export type HashIds = ArrayLike<HashId>

const maxNarrow = 0xffffffff
const two32 = 2 ** 32

/** Whether the high half is 0. */
export const isNarrow = (id: HashId): id is number => typeof id === "number" && id <= maxNarrow

export const lowHalf = (id: HashId): number => (typeof id === "number" ? id | 0 : Number(BigInt.asIntN(32, id)))

export const highHalf = (id: HashId): number =>
  typeof id === "number" ? Math.floor(id / two32) | 0 : Number(BigInt.asIntN(32, id >> 32n))

/** The one spelling of an id: a number wherever that is exact. */
export const plainId = (id: HashId): HashId =>
  typeof id === "bigint" && id <= Number.MAX_SAFE_INTEGER ? Number(id) : id
