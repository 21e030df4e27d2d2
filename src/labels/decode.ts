import { problemOf, refusedValue } from './problem.ts'
import { type SortedLabels, sortLabels } from './sort.ts'
import type { BrokenTarget, ContainerLabels, LabelProblem } from './spec.ts'
import { containerRows, labelOf } from './table.ts'
import { type Decoded, decodeTarget, readValue } from './target.ts'
import { readText } from './text.ts'

/**
 * All that a container's labels say: the specs of its targets, the default one first, and every problem of those that cannot be used.
 * A target whose `enable` is missing or wrong is broken; with `enable: "false"` there is none, and its problems are the container's.
 * Labels of others are not looked at, but for those that miss our prefix by a slip.
 */
export function decodeLabels(labels: Readonly<Record<string, string>>): ContainerLabels {
  const sorted = sortLabels(labels)
  const problems = [...sorted.problems]
  const writing = readWriting(sorted, problems)
  const targets = sorted.targets.map(({ name, base, entries }) => decodeTarget(name, base, entries))
  refuseTwins(targets)
  const enable = readEnable(sorted)
  if (enable === false) {
    problems.push(...targets.flatMap((target) => target.problems))
    return { enabled: false, targets: [], broken: [], ...writing, problems }
  }
  if (enable !== true) for (const target of targets) target.problems.unshift(enable)
  return {
    enabled: enable === true,
    targets: targets.filter(({ problems }) => problems.length === 0).map(({ spec }) => spec),
    broken: targets.filter(({ problems }) => problems.length > 0).map(toBroken),
    ...writing,
    problems,
  }
}

/** What the container's labels say of the data of others that it writes. */
function readWriting({ groupWriter, writer }: SortedLabels, problems: LabelProblem[]) {
  const group = groupWriter && readValue(containerRows.groupWriter, groupWriter, problems)
  const others = writer && readValue(containerRows.writer, writer, problems)
  return {
    ...(group !== undefined && { groupWriter: group as string }),
    ...(others !== undefined && { writer: others as 'auto' | 'never' }),
  }
}

function readEnable({ enable }: SortedLabels): boolean | LabelProblem {
  const row = containerRows.enabled
  if (enable === undefined) return problemOf(labelOf(row), '', 'is missing: nothing is backed up without it', 'true')
  const parsed = readText(row.type, enable.value)
  return 'value' in parsed ? parsed.value : refusedValue(row, enable, parsed)
}

/** Which of two targets keeps the name is not ours to guess: snapshots are found by it. */
function refuseTwins(targets: Decoded[]): void {
  const names = Map.groupBy(targets, ({ name }) => name)
  for (const [name, twins] of names) {
    if (name === undefined || twins.length < 2) continue
    for (const { problems, nameLabel } of twins)
      problems.push(problemOf(nameLabel, name, 'names two targets of this container'))
  }
}

function toBroken({ name, problems }: Decoded): BrokenTarget {
  return name === undefined ? { problems } : { name, problems }
}
