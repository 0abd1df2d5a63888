/** Where AIC arguments are blamed that tables do not know: where their user wrote them. */
import { AicError } from "../timing/aic/AicError.ts"

type Blame = (error: AicError) => AicError

/** Names of arguments, and not of a file or a table. */
const isOfArguments = /^(aic_|num_gpu_blocks)/

const placed =
  (placeOf: (argument: string) => string): Blame =>
  (error) =>
    isOfArguments.test(error.where) ? new AicError({ ...error, where: placeOf(error.where) }) : error

/** Among engine arguments that were given in one place. */
export const blamingPlace = (place: string): Blame => placed((argument) => `${place}${argument}`)

/** In the flags of the router's estimate. */
export const blamingFlags: Blame = placed((argument) =>
  argument.replaceAll(/aic_\w+/g, (name) => `--${name.replaceAll("_", "-")}`)
)
