import type { ConfigurationFile } from './schema.ts';
import { servicesInOrder } from './services-in-order.ts';
import { wrongStateServer } from './state-server.ts';

/** What is wrong with the names that the configuration uses; undefined when nothing is. */
export function checkReferences(data: ConfigurationFile): string | undefined {
  const known = Object.keys(data.repositories);
  const expected = `expected one of ${known.join(', ')}`;
  for (const [name, { copyFrom, copySchedule }] of Object.entries(data.repositories)) {
    const place = `repositories.${name}`;
    if (copyFrom === undefined) {
      if (copySchedule === undefined) continue;
      return `${place}.copyFrom: ${expected}, got nothing`;
    }
    if (!known.includes(copyFrom)) return `${place}.copyFrom: ${expected}, got "${copyFrom}"`;
    const circle = circleFrom(data, name);
    if (circle) return `${place}.copyFrom: expected no circle, got ${circle.join(' from ')}`;
  }
  const unchosen = defaultRepository(data) === undefined;
  for (const [name, source] of Object.entries(data.sources)) {
    const { repository } = source;
    const alsoTo = source.kind === 'postgres' ? (source.alsoTo ?? []) : [];
    if (repository === undefined && unchosen) {
      return `sources.${name}.repository: ${expected}, got nothing`;
    }
    if (repository !== undefined && !known.includes(repository)) {
      return `sources.${name}.repository: ${expected}, got "${repository}"`;
    }
    for (const other of alsoTo) {
      const isOwn = other === (repository ?? defaultRepository(data));
      if (known.includes(other) && !isOwn) continue;
      return `sources.${name}.alsoTo: ${expected} other than its own, got "${other}"`;
    }
  }
  return wrongServices(data) ?? wrongStateServer(data);
}

function wrongServices({ services = {}, sources }: ConfigurationFile): string | undefined {
  const expected = (all: object) => {
    const names = Object.keys(all);
    return names.length === 0 ? 'nothing, for there is none' : `one of ${names.join(', ')}`;
  };
  for (const [name, { writes = [], after = [] }] of Object.entries(services)) {
    const source = writes.find((each) => !Object.hasOwn(sources, each));
    if (source !== undefined) {
      return `services.${name}.writes: expected ${expected(sources)}, got "${source}"`;
    }
    const needed = after.find((each) => !Object.hasOwn(services, each));
    if (needed !== undefined) {
      return `services.${name}.after: expected ${expected(services)}, got "${needed}"`;
    }
  }
  for (const [name, source] of Object.entries(sources)) {
    const own = source.kind === 'postgres' ? source.service : undefined;
    if (own === undefined || Object.hasOwn(services, own)) continue;
    return `sources.${name}.service: expected ${expected(services)}, got "${own}"`;
  }
  const sorted = servicesInOrder(services);
  if ('order' in sorted) return undefined;
  return `services.${sorted.circle[0]}.after: expected no circle, got ${sorted.circle.join(' after ')}`;
}

/** Where a source goes that does not say: the only repository that is no copy. */
export function defaultRepository(data: ConfigurationFile): string | undefined {
  const all = Object.entries(data.repositories);
  const originals = all.length === 1 ? all : all.filter(([, each]) => each.copyFrom === undefined);
  return originals.length === 1 ? originals[0]?.[0] : undefined;
}

function circleFrom(data: ConfigurationFile, name: string): readonly string[] | undefined {
  const path = [name];
  for (let at = data.repositories[name]?.copyFrom; at !== undefined; ) {
    path.push(at);
    if (at === name) return path;
    if (path.indexOf(at) < path.length - 1) return undefined;
    at = data.repositories[at]?.copyFrom;
  }
  return undefined;
}
