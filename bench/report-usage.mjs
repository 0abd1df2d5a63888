// Preloaded into a measured process: at its exit, writes what the operating system charged it to the file in DYNOSIM_USAGE_FILE.
import { writeFileSync } from "node:fs"

process.on("exit", () => {
  const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage()
  writeFileSync(
    process.env.DYNOSIM_USAGE_FILE,
    JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMegabytes: maxRSS / 1024 })
  )
})
