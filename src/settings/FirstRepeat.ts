/** Where in a list something stands that stands before as well; -1 where nothing does. */
export const firstRepeat = (texts: ReadonlyArray<string>): number =>
  texts.findIndex((text, at) => texts.indexOf(text) < at)
