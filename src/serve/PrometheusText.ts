/** Writes metrics in the Prometheus text format 0.0.4. */
import type { Histogram } from "./Histogram.ts"

export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8"

export type Labels = Readonly<Record<string, string>>

const escaped = (value: string): string => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")

const labelled = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

export class PrometheusText {
  private text = ""

  counter(name: string, help: string, series: ReadonlyArray<readonly [Labels, number]>): this {
    return this.family(name, "counter", help, series)
  }

  gauge(name: string, help: string, series: ReadonlyArray<readonly [Labels, number]>): this {
    return this.family(name, "gauge", help, series)
  }

  histogram(name: string, help: string, labels: Labels, histogram: Histogram): this {
    this.header(name, "histogram", help)
    let cumulated = 0
    histogram.counts.forEach((count, bucket) => {
      cumulated += count
      const bound = histogram.bounds[bucket]
      this.line(`${name}_bucket`, { ...labels, le: bound === undefined ? "+Inf" : String(bound) }, cumulated)
    })
    this.line(`${name}_sum`, labels, histogram.sum)
    this.line(`${name}_count`, labels, histogram.count)
    return this
  }

  toString(): string {
    return this.text
  }

  private family(name: string, type: string, help: string, series: ReadonlyArray<readonly [Labels, number]>): this {
    this.header(name, type, help)
    for (const [labels, value] of series) this.line(name, labels, value)
    return this
  }

  private header(name: string, type: string, help: string): void {
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  private line(name: string, labels: Labels, value: number): void {
    this.text += `${name}${labelled(labels)} ${value}\n`
  }
}
