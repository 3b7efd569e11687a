import type { Configuration } from '../config/index.ts';
import { defaultGrounds } from '../recovery/index.ts';
import type { AnySource, Finding } from '../sources/index.ts';

/**
 * Whether `recover` would know where to put a whole database. The folder of a server of this host is seen while it runs, and on the day
 * it is needed it does not.
 */
export async function examineGround(
  source: AnySource,
  { sources }: Configuration,
): Promise<readonly Finding[]> {
  const { name, kind } = source;
  if (kind !== 'postgres' && kind !== 'postgres-dump') return [];
  if (sources[name]?.ground !== undefined) return [];
  const [found] = await defaultGrounds(source);
  if (found?.ground.kind === 'folder') {
    const { folder } = found.ground;
    if (kind === 'postgres' && source.settings.local === folder) return [];
    const fact = `where ${name} is put by \`recover\` is known only while its server runs: ${folder}`;
    return [tell(fact, `ground: { kind: folder, folder: ${folder} }`, name)];
  }
  const fact = `nobody says where a restored ${name} is put: \`recover\` cannot bring all of it back`;
  const example =
    kind === 'postgres'
      ? 'ground: { kind: docker-volume, volume: NAME, image: "postgres:MAJOR" }, or folder, ssh-host, kubernetes-claim, server'
      : 'ground: { kind: server, connection: URL }';
  return [tell(fact, example, name)];
}

function tell(fact: string, example: string, name: string): Finding {
  const remedy = `Set it in sources.${name} before it is needed: ${example} (docs/guide/grounds.md).`;
  return { check: 'ground', outcome: 'warning', fact, remedy };
}
