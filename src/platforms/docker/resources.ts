import { z } from 'zod';
import { parseByteSize } from '../../config/index.ts';
import type { ServiceResources } from '../platform.ts';
import { readAnswer } from '../read-answer.ts';
import { type Container, isAlive } from './container.ts';
import type { DockerCall, DockerClient } from './docker-client.ts';

const usage = z.object({ CPUPerc: z.string(), MemUsage: z.string() });

/** The sum over the containers that run, as `docker stats` measures it over about a second; undefined where it has no figures yet. */
export async function resourcesOf(
  client: DockerClient,
  containers: readonly Container[],
  call: DockerCall,
): Promise<ServiceResources | undefined> {
  const ids = containers.filter(isAlive).map(({ Id }) => Id);
  if (ids.length === 0) return { processors: 0, memoryBytes: 0 };
  const { stdout } = await client.run(
    ['stats', '--no-stream', '--format', '{{json .}}', ...ids],
    call,
  );
  const lines = stdout.split('\n').filter((line) => line !== '');
  const each = lines.map((line) => readAnswer(usage, line, call)).map(figuresOf);
  // What runs takes room: `0B` stands for a figure that is not there.
  if (each.some(({ memoryBytes }) => !(memoryBytes > 0))) return undefined;
  return {
    processors: each.reduce((sum, { processors }) => sum + processors, 0),
    memoryBytes: each.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  };
}

/** `12.34%` of one processor, `1.5MiB / 2GiB`. */
function figuresOf({ CPUPerc, MemUsage }: z.infer<typeof usage>) {
  return {
    processors: (Number.parseFloat(CPUPerc) || 0) / 100,
    memoryBytes: parseByteSize(MemUsage.split('/')[0] as string) ?? 0,
  };
}
