import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StepKindName } from '../../../src/recovery/index.ts';
import type { FailingWay } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';

// What breaks of a database server, of its programs and of what holds its backups, and the steps that take them.

export const source = 'database';

export function change(id: string, kind: StepKindName, input: Readonly<Record<string, unknown>>) {
  return { id, kind, input };
}

export function look(id: string, kind: StepKindName, input: Readonly<Record<string, unknown>>) {
  return { id, kind, input, isDestructive: false };
}

/** `lifeboat.yaml` with the server behind the relay. */
export function yaml(scene: FailureScene, more = '', lines = ''): string {
  const { database } = scene;
  return `sources: { database: { kind: postgres, connection: "${database.url()}", programs: ${database.programs}${more} } }\n${lines}`;
}

export async function customers(scene: FailureScene, table = 'customers'): Promise<number> {
  const { server } = scene.database;
  const { rows } = await server.query(`select count(*)::int as n from ${table}`, 'shop');
  return rows[0].n;
}

export const dies = 'echo "could not map anonymous shared memory" >&2; exit 1';
export type Program = 'postgres' | 'pg_dump' | 'pg_restore';

export function faultOf(scene: FailureScene, name: Program): string {
  return join(scene.database.faults, `broken-${name}`);
}

/** A program of the server fails from now on, until the scene is mended. */
export function breakProgram(scene: FailureScene, name: Program, how: string): void {
  writeFileSync(faultOf(scene, name), `${how}\n`);
  scene.defer(() => mendAll(scene));
}

export const hangs = (scene: FailureScene) => `touch ${scene.database.faults}/hung; exec sleep 600`;

export function mendAll(scene: FailureScene): void {
  const { relay, faults } = scene.database;
  relay.mend();
  for (const name of readdirSync(faults)) rmSync(join(faults, name));
}

/** Nothing is heard of the server any more, without an end of the connection: only Ctrl-C ends that. */
export function hanging(
  marker: string,
): Pick<FailingWay, 'fault' | 'prepare' | 'cancels' | 'code' | 'says'> {
  return {
    fault: 'the server is not heard of any more, and Ctrl-C is pressed',
    prepare: (scene) => scene.database.relay.breakAt(marker, 'hang'),
    cancels: (scene) => scene.database.relay.isBroken(),
    code: 'cancelled',
    says: /step "Do it" was interrupted/,
  };
}

export const hungProgram: Pick<FailingWay, 'fault' | 'prepare' | 'cancels' | 'code' | 'says'> = {
  fault: 'the server of the restored data hangs, and Ctrl-C is pressed',
  prepare: (scene) => breakProgram(scene, 'postgres', hangs(scene)),
  cancels: (scene) => existsSync(join(scene.database.faults, 'hung')),
  code: 'cancelled',
  says: /step "Do it" was interrupted/,
};

export const deadProgram: Pick<FailingWay, 'fault' | 'prepare' | 'says'> = {
  fault: 'the server of the restored data does not start',
  prepare: (scene) => breakProgram(scene, 'postgres', dies),
  says: /could not map anonymous shared memory|did not start|single-user/,
};

export function packs({ database }: FailureScene) {
  return {
    folder: join(database.repositoryFolder, 'data'),
    away: `${database.repositoryFolder}.away`,
  };
}

export function packsBack(scene: FailureScene): void {
  const { folder, away } = packs(scene);
  if (!existsSync(away)) return;
  rmSync(folder, { recursive: true, force: true });
  renameSync(away, folder);
}

export const vanished: Pick<FailingWay, 'fault' | 'prepare' | 'mend' | 'says'> = {
  fault: 'the packs of the repository vanish',
  prepare(scene) {
    const { folder, away } = packs(scene);
    renameSync(folder, away);
    scene.defer(() => packsBack(scene));
  },
  mend: packsBack,
  says: /data\/|missing|no snapshot|no transaction/,
};

/** Turns bits of every pack over; done twice all is as before. */
export function turnBits(scene: FailureScene): void {
  const found = readdirSync(packs(scene).folder, { recursive: true, withFileTypes: true });
  for (const each of found.filter((entry) => entry.isFile())) {
    const path = join(each.parentPath, each.name);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 500) bytes[at] = (bytes[at] as number) ^ 1;
    execFileSync('chmod', ['u+w', path]);
    writeFileSync(path, bytes);
  }
}

export const otherBytes: Pick<FailingWay, 'fault' | 'prepare' | 'mend' | 'says'> = {
  fault: 'the repository gives other bytes',
  prepare(scene) {
    turnBits(scene);
    scene.release = () => {
      turnBits(scene);
      scene.release = () => {};
    };
    scene.defer(() => scene.release());
  },
  mend: (scene) => scene.release(),
  // What cannot be read is told as a warning, and is then not there.
  says: /MAC does not match|no snapshot|no transaction/,
};

export const restored = ({ database: { commitLsn } }: FailureScene) =>
  look('restore', 'restore', { source, target: { kind: 'lsn', lsn: commitLsn, inclusive: false } });
