import type {
  ResourceUse,
  ServicePerformance,
  StatementMean,
} from '../validate/application/service-performance.ts';

/** What is usual: the median of what was measured each time, so that one slow or idle hour is not taken for it. `measured`: newest first. */
export function usualPerformance(measured: readonly ServicePerformance[]): ServicePerformance {
  const each = <Value>(of: (performance: ServicePerformance) => Readonly<Record<string, Value>>) =>
    grouped(measured.map(of));
  return {
    answersMs: mapped(
      each(({ answersMs }) => answersMs),
      (all) => mapped(grouped(all), median),
    ),
    resources: mapped(
      each(({ resources }) => resources),
      usualUse,
    ),
    statements: mapped(
      each(({ statements }) => statements),
      (all) => mapped(grouped(all), usualMean),
    ),
    errorForms: mapped(
      each(({ errorForms }) => errorForms),
      (all) => [...new Set(all.flat())],
    ),
  };
}

type Groups<Value> = ReadonlyMap<string, readonly Value[]>;

/** The values of each name, in the order in which they came. */
function grouped<Value>(records: readonly Readonly<Record<string, Value>>[]): Groups<Value> {
  const groups = new Map<string, Value[]>();
  for (const [name, value] of records.flatMap((record) => Object.entries(record))) {
    const group = groups.get(name) ?? [];
    group.push(value);
    groups.set(name, group);
  }
  return groups;
}

function mapped<Value, Result>(groups: Groups<Value>, map: (values: readonly Value[]) => Result) {
  return Object.fromEntries([...groups].map(([name, values]) => [name, map(values)]));
}

function usualUse(uses: readonly ResourceUse[]): ResourceUse {
  const processors = uses.flatMap((use) => use.processors ?? []);
  const memoryBytes = uses.flatMap((use) => use.memoryBytes ?? []);
  return {
    ...(processors.length > 0 ? { processors: median(processors) } : {}),
    ...(memoryBytes.length > 0 ? { memoryBytes: median(memoryBytes) } : {}),
  };
}

function usualMean(means: readonly StatementMean[]): StatementMean {
  const text = means.find((each) => each.text !== undefined)?.text;
  return {
    meanMs: median(means.map(({ meanMs }) => meanMs)),
    calls: Math.max(...means.map(({ calls }) => calls)),
    ...(text === undefined ? {} : { text }),
  };
}

/** Of two the larger: what was measured under load is usual, too. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
