/**
 * Empties a list that is filled again. Setting its length to 0 would give its storage back, and its next item would take new one, for seventeen:
 * worth it only where a list had very many.
 */
export const empty = (list: Array<unknown>): void => {
  while (list.length > 0) list.pop()
}
