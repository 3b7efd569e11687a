import { harmlessLines } from '../harmless-text.ts';
import type { OutputRange } from '../platform.ts';
import { type Container, nameOf } from './container.ts';
import type { DockerCall, DockerClient } from './docker-client.ts';

/** Both streams of all containers in the order of time, which `docker logs` gives each line. */
export async function outputOf(
  client: DockerClient,
  containers: readonly Container[],
  { lines, since }: OutputRange,
  call: DockerCall,
): Promise<readonly string[]> {
  const from = since === undefined ? [] : ['--since', since.toISOString()];
  const stamped: { readonly at: string; readonly text: string }[] = [];
  for (const each of containers) {
    const args = ['logs', '--timestamps', '--tail', String(lines), ...from, each.Id];
    const { stdout, stderr } = await client.run(args, { ...call, keep: 'newest' });
    const label = containers.length > 1 ? `${nameOf(each)}: ` : '';
    for (const line of [...harmlessLines(stdout), ...harmlessLines(stderr)]) {
      const space = line.indexOf(' ');
      const at = space === -1 ? line : line.slice(0, space);
      stamped.push({ at, text: label + line.slice(at.length + 1) });
    }
  }
  // Times have nine digits behind the point, so text sorts as time; equal ones stay in order.
  stamped.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return stamped.slice(-lines).map(({ text }) => text);
}
