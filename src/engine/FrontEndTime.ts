/**
 * Time that a request spends in the front end (HTTP, tokenisation) between its arrival and the first queue. A client's time to first
 * token holds it, an engine's does not.
 */

/** ms that a prompt of so many tokens takes. */
export type FrontEndTime = (promptTokens: number) => number

/** As the engine arguments say; `undefined` where it takes no time. */
export const frontEndTimeOf = ({
  frontendMs,
  frontendUsPerToken
}: {
  readonly frontendMs: number
  readonly frontendUsPerToken: number
}): FrontEndTime | undefined =>
  frontendMs === 0 && frontendUsPerToken === 0
    ? undefined
    : (promptTokens) => frontendMs + (frontendUsPerToken * promptTokens) / 1000
