import { metricRows, prefix } from './table.ts'
import type { MetricsView } from './view.ts'

export interface RenderedMetrics {
  contentType: string
  text: string
}

/** Renders every metric in the format of Prometheus. A target that is gone has no series any more. */
export async function renderMetrics(view: MetricsView): Promise<RenderedMetrics> {
  const { Counter, Gauge, Registry } = await import('@prometheus-io/client')
  const registry = new Registry()
  for (const { name, type, help, labels, samples } of metricRows) {
    const options = { name: prefix + name, help, labelNames: [...labels], registers: [registry] }
    if (type === 'gauge') {
      const gauge = new Gauge(options)
      for (const sample of samples(view)) gauge.set(sample.labels, sample.value)
    } else {
      const counter = new Counter(options)
      for (const sample of samples(view)) counter.inc(sample.labels, sample.value)
    }
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}
