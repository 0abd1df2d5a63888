/** A calibration to read: the factors as engine arguments, and what they do to requests that no fit has seen. */
import type { Calibration } from "./Calibration.ts"
import { percent, table } from "./ComparisonText.ts"
import { englishNumber } from "../settings/EnglishNumber.ts"
import { counted } from "../settings/Counted.ts"

const ms = (value: number): string => englishNumber(value, 2, 2)

/** The calibration as text for a terminal. */
export const calibrationText = (calibration: Calibration): string =>
  [
    `fitted to ${counted(calibration.fitted_pairs, "request")} (matched by ${calibration.matched_by}) in ${counted(calibration.simulations, "simulation")}`,
    `errors of the ${counted(calibration.held_back_pairs, "request")} held back, mean and mean absolute:`,
    "",
    ...table([
      ["", "before", "", "", "after", "", ""],
      ...calibration.errors.map(({ after, before, metric }) => [
        metric,
        ...[before, after].flatMap(({ mean_absolute_error, mean_error, relative_absolute_error }) => [
          ms(mean_error),
          ms(mean_absolute_error),
          percent(relative_absolute_error).replace("+", "")
        ])
      ])
    ]),
    "",
    ...calibration.undetermined.map((name) => `note: ${name} makes no difference to this run and is left as it was`),
    `--extra-engine-args '${engineArgsText(calibration)}'`
  ].join("\n")

/** Seven digits are more than any measurement has. */
export const engineArgsText = ({ engine_args }: Calibration): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(engine_args).map(([key, value]) => [key, Number(value.toPrecision(7))]))
  )
