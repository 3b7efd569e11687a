import { hostname } from 'node:os';
import type { Assessment } from './assessment.ts';
import { sinceOf } from './assessment.ts';
import type { HostDamage } from './host-damage.ts';
import { lookAtDisks } from './look-at-disks.ts';
import { lookAtKernel } from './look-at-kernel.ts';
import { lookAtMemory } from './look-at-memory.ts';

/** The host that this runs on. */
export async function assessHost(assessment: Assessment): Promise<HostDamage> {
  const { runner, limits, surroundings, now } = assessment;
  const since = sinceOf(assessment, now);
  const [disks, memory, kernel] = await Promise.all([
    runner.run('host: disks', limits.hostMs, (part) => lookAtDisks(placesOf(assessment), part)),
    runner.run('host: memory', limits.hostMs, () => lookAtMemory()),
    runner.run('host: kernel', limits.hostMs, (part) =>
      lookAtKernel(since, surroundings.environment, part),
    ),
  ]);
  return { name: hostname(), disks, memory, kernel };
}

/** Paths of this host that the configuration names, and what lies there. */
function placesOf({ surroundings }: Assessment) {
  const { sources, repositories, stateFolder, scratchFolder } = surroundings.configuration;
  const places = [
    { path: stateFolder, what: 'state' },
    ...(scratchFolder === undefined ? [] : [{ path: scratchFolder, what: 'scratch' }]),
  ];
  for (const [name, source] of Object.entries(sources)) {
    if (source.kind === 'files') {
      places.push(...source.paths.map((path) => ({ path, what: `source ${name}` })));
    } else if (source.kind === 'postgres' && source.local?.startsWith('/')) {
      places.push({ path: source.local, what: `source ${name}` });
    }
  }
  for (const [name, { location }] of Object.entries(repositories)) {
    if (location.startsWith('/')) places.push({ path: location, what: `repository ${name}` });
  }
  return places;
}
