import { z } from 'zod';
import { parseByteSize } from '../../config/index.ts';
import type { ServiceResources } from '../platform.ts';
import { readAnswer } from '../read-answer.ts';
import { type Container, isAlive } from './container.ts';
import type { DockerCall, DockerClient } from './docker-client.ts';

const usage = z.object({ CPUPerc: z.string(), MemUsage: z.string() });

/** The sum over the containers that run, as `docker stats` measures it over about a second. */
export async function resourcesOf(
  client: DockerClient,
  containers: readonly Container[],
  call: DockerCall,
): Promise<ServiceResources> {
  const ids = containers.filter(isAlive).map(({ Id }) => Id);
  if (ids.length === 0) return { processors: 0, memoryBytes: 0 };
  const { stdout } = await client.run(
    ['stats', '--no-stream', '--format', '{{json .}}', ...ids],
    call,
  );
  const lines = stdout.split('\n').filter((line) => line !== '');
  const each = lines.map((line) => readAnswer(usage, line, call));
  return {
    // `12.34%` of one processor, `1.5MiB / 2GiB`.
    processors: sum(each.map(({ CPUPerc }) => Number.parseFloat(CPUPerc) / 100)),
    memoryBytes: sum(
      each.map(({ MemUsage }) => parseByteSize(MemUsage.split('/')[0] as string) ?? 0),
    ),
  };
}

function sum(values: readonly number[]): number {
  return values.filter(Number.isFinite).reduce((total, value) => total + value, 0);
}
