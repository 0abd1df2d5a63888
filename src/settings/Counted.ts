/** `1 request`, `2 requests`, for whoever is told how many there are. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`
