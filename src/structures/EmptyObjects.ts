/**
 * An empty array for objects. V8 takes `[]` for one of small integers until it holds something else, and compiles code for what it has seen:
 * that of a run would be thrown away when the next one begins with an empty array, and compiled anew.
 */
export const emptyObjects = <A extends object>(): Array<A> => {
  const objects = Array.from<A>({ length: 1 })
  objects.length = 0
  return objects
}
