import { englishNumber } from "./EnglishNumber.ts"

/** `1 request`, `2,000 requests`, for whoever is told how many there are. */
export const counted = (count: number, what: string, severalOfIt = `${what}s`): string =>
  `${englishNumber(count)} ${count === 1 ? what : severalOfIt}`
