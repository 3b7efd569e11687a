import { readFile } from 'node:fs/promises';
import { fileError } from '../../core/index.ts';
import { concealArguments } from '../conceal-arguments.ts';
import { hashEnvironment } from '../hash-environment.ts';
import { hashFiles } from '../hash-files.ts';
import type { ServiceBaseline } from '../service-baseline.ts';
import type { SystemdCall, SystemdClient } from './systemd-client.ts';
import { showUnit } from './unit.ts';
import { isHoldFile } from './unit-hold.ts';

const properties = 'ExecStart,Environment,EnvironmentFiles,FragmentPath,DropInPaths';

/** What a unit is made of. Its environment files count as environment: their own hashes would give short secrets away. */
export async function unitBaseline(
  client: SystemdClient,
  unit: string,
  salt: Uint8Array,
  call: SystemdCall,
): Promise<ServiceBaseline> {
  const found = await showUnit(client, unit, properties, call);
  const all = (key: string) => found.get(key) ?? [];
  const words = (key: string) =>
    all(key).flatMap((text) => text.split(' ').filter((word) => word !== ''));
  const environment = [...all('Environment').flatMap(pairsOf)];
  for (const entry of all('EnvironmentFiles')) {
    environment.push(...(await pairsOfFile(entry.replace(/ \(ignore_errors=\w+\)$/, ''))));
  }
  const files = [...words('FragmentPath'), ...words('DropInPaths')];
  return {
    command: concealArguments(all('ExecStart').flatMap(argumentsOf), salt),
    environment: hashEnvironment(environment, salt),
    ports: [],
    files: await hashFiles(files.filter((file) => !isHoldFile(file))),
  };
}

/** `{ path=/bin/sh ; argv[]=/bin/sh -c true ; ignore_errors=no ; ... }`: systemd joins the arguments by blanks. */
function argumentsOf(text: string): readonly string[] {
  const joined = /argv\[\]=(.*) ; ignore_errors=/s.exec(text)?.[1];
  return joined === undefined ? [] : joined.split(' ');
}

/** `NAME=value "OTHER=two words"`. */
function pairsOf(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted?.replace(/\\(.)/g, '$1') ?? (bare as string),
  );
}

async function pairsOfFile(path: string): Promise<readonly string[]> {
  try {
    const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
    return lines.filter((line) => /^[A-Za-z_]\w*=/.test(line));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, `cannot read ${path}`);
  }
}
