/** Charts of pools that were scaled: how many workers took requests, started and finished what they had. */
import { chart } from "./Charts.mjs"

const states = ["ready", "starting", "draining"]

/** A size holds until the next one: a point at either end of each stretch. */
const stretches = (sizes, endMs) =>
  sizes.flatMap((size, index) => [
    [size.t_ms, size],
    [sizes[index + 1]?.t_ms ?? Math.max(endMs, size.t_ms), size]
  ])

/** One chart for each pool of `dynosim.scaling`, none where nothing was scaled; `endMs` is the end of the run. */
export const poolSizeCharts = ({ dynosim: { scaling } }, endMs) => {
  if (scaling === undefined) return []
  const { autoscaler, pool_sizes, scaling_events } = scaling
  return [...new Set(pool_sizes.map(({ pool }) => pool))].map((pool) => {
    const sizes = pool_sizes.filter((size) => size.pool === pool)
    const points = stretches(sizes, endMs)
    const ready = sizes.map((size) => size.ready)
    const changes = scaling_events.filter((event) => event.pool === pool).length
    return chart({
      data: [points.map(([ms]) => ms / 1000), ...states.map((state) => points.map(([, size]) => size[state]))],
      series: states,
      x: "simulated time (s)",
      y: "workers",
      description: `Workers${pool === "aggregated" ? "" : ` of the ${pool} pool`}: ${Math.min(...ready)} to ${Math.max(...ready)} ready${autoscaler === "none" ? "" : `, ${changes} changes by ${autoscaler}`}.`
    })
  })
}
