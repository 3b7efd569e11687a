import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ObjectVersion,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import {
  burstsOf,
  type CheckFinding,
  type CheckReport,
  initRepository,
  LocalLocation,
  openLocation,
  openRepository,
  type Repository,
  type Snapshot,
} from '../../src/repository/index.ts';
import { storeFolder } from '../compat/store-folder.ts';
import { type S3Program, s3Programs, type TestS3Server } from '../support/s3-server.ts';
import { need } from '../support/skip.ts';

const password = new Secret('geheim');
const periodMs = 3_600_000;
const lockFor = (durationMs: number) => ({ durationMs, mode: 'compliance' as const });
let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'lifeboat-ransom-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The log of the scene has no snapshot of its source: that is a hint. */
function errorsOf({ findings }: CheckReport): readonly CheckFinding[] {
  return findings.filter(({ severity }) => severity === 'error');
}

/** All bytes of all files below a tree, by path. */
async function contents(repository: Repository, snapshot: Snapshot): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const walk = async (tree: Snapshot['tree'], path: string): Promise<void> => {
    for (const node of await repository.readTree(tree)) {
      const name = `${path}/${node.name}`;
      if (node.subtree !== undefined) await walk(node.subtree, name);
      if (node.type !== 'file') continue;
      const parts: Uint8Array[] = [];
      for await (const part of repository.readFileContent(node.content ?? [])) {
        parts.push(new Uint8Array(part));
      }
      files.set(name, Buffer.concat(parts).toString('hex'));
    }
  };
  await walk(snapshot.tree, '');
  return files;
}

/** What does not depend on the server is tried on one, on both in the long run. */
const isThorough = ({ name }: S3Program) => name === 'minio' || process.env.LIFEBOAT_SOAK === '1';

describe.each(s3Programs)('$name', (program) => {
  let server: TestS3Server | undefined;
  beforeAll(async () => {
    if (program.path === undefined) return;
    server = await program.start(program.path);
    await server.createBucket('vault', { objectLock: true });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const versionsOf = async ({ client }: TestS3Server, Prefix: string) => {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: 'vault', Prefix }));
    expect(page.IsTruncated).toBe(false);
    return page.Versions ?? [];
  };
  const retainedUntil = async ({ client }: TestS3Server, { Key, VersionId }: ObjectVersion) => {
    const command = new GetObjectRetentionCommand({ Bucket: 'vault', Key, VersionId });
    return (await client.send(command)).Retention?.RetainUntilDate?.getTime() ?? 0;
  };

  it('restores every byte after everything was overwritten and removed', async (context) => {
    const host = need(context, server, `no ${program.name} on PATH`);
    const place = `s3:${host.url}/vault/attacked`;
    const { environment } = host;
    const folder = join(root, `${program.name}-source`);
    mkdirSync(join(folder, 'inner'), { recursive: true });
    for (let i = 0; i < 20; i++) writeFileSync(join(folder, 'inner', `${i}`), randomBytes(30_000));
    const location = openLocation(place, { environment, lock: lockFor(periodMs) });
    let before: Map<string, string>;
    {
      await using repository = await initRepository({ location, password });
      await storeFolder(repository, folder);
      writeFileSync(join(folder, 'inner', 'more'), randomBytes(30_000));
      await storeFolder(repository, folder);
      await repository.log('database').appendSegment('00000001', 0n, randomBytes(5000));
      await repository.records.append({ kind: 'proof', source: 'x', body: { good: true } });
      const [latest] = await repository.snapshots();
      before = await contents(repository, latest as Snapshot);
      expect(before.size).toBe(21);
    }
    // Servers tell the time of a version in whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const moment = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 1100));

    // The attacker has the credentials of the writer, and more.
    const { client } = host;
    const stored = await versionsOf(host, 'attacked/');
    const listed = await client.send(
      new ListObjectsV2Command({ Bucket: 'vault', Prefix: 'attacked/' }),
    );
    for (const { Key } of listed.Contents ?? []) {
      const body = { Bucket: 'vault', Key, Body: randomBytes(100) };
      await client.send(new PutObjectCommand(body));
      await client.send(new DeleteObjectCommand({ Bucket: 'vault', Key }));
    }
    const kept = stored.filter(({ Key }) => !Key?.includes('/locks/'));
    expect(kept.length).toBeGreaterThan(10);
    for (const { Key, VersionId } of stored) {
      // What is superseded within minutes is not retained: a lock, the newest piece of a log.
      if (!Key?.includes('/locks/')) continue;
      await client.send(new DeleteObjectCommand({ Bucket: 'vault', Key, VersionId }));
    }
    for (const { Key, VersionId } of kept) {
      const removal = { Bucket: 'vault', Key, VersionId, BypassGovernanceRetention: true };
      await expect(client.send(new DeleteObjectCommand(removal))).rejects.toThrow();
    }
    await expect(
      openRepository({ location: openLocation(place, { environment }), password }),
    ).rejects.toMatchObject({ code: 'repository.missing' });

    const history = await openLocation(place, { environment }).history?.();
    const burst = burstsOf(history?.changes ?? []).at(-1);
    expect(burst).toMatchObject({ overwritten: kept.length, removed: kept.length });
    expect(burst?.start.getTime()).toBeGreaterThan(Date.parse(moment));

    const past = openLocation(`${place}?versions=${moment}`, { environment });
    await using repository = await openRepository({ location: past, password });
    const report = await repository.check({ readData: true });
    expect(errorsOf(report)).toEqual([]);
    expect(report.snapshots).toBe(2);
    const [latest] = await repository.snapshots();
    expect(await contents(repository, latest as Snapshot)).toEqual(before);
    expect(await repository.log('database').coverage()).toMatchObject([{ start: 0n, end: 5000n }]);
    expect(await repository.records.list({ kind: 'proof' })).toHaveLength(1);

    const copies = new LocalLocation(join(root, `${program.name}-copy`));
    await using clean = await initRepository({ location: copies, password });
    expect(await repository.copyTo(clean)).toMatchObject({ problems: [] });
    expect(errorsOf(await clean.check({ readData: true }))).toEqual([]);
    const [copied] = await clean.snapshots();
    expect(await contents(clean, copied as Snapshot)).toEqual(before);
  });

  it('takes the version whose bytes have the name when others stand before it', async (context) => {
    const host = need(context, server, `no ${program.name} on PATH`);
    const place = `s3:${host.url}/vault/overwritten`;
    const { environment, client } = host;
    const folder = join(root, `${program.name}-other`);
    mkdirSync(folder);
    for (let i = 0; i < 5; i++) writeFileSync(join(folder, `${i}`), randomBytes(9000));
    const location = openLocation(place, { environment, lock: lockFor(periodMs) });
    await using first = await initRepository({ location, password });
    await storeFolder(first, folder);
    const wanted = await contents(first, (await first.snapshots())[0] as Snapshot);
    for (const { Key } of await versionsOf(host, 'overwritten/')) {
      const body = { Bucket: 'vault', Key, Body: randomBytes(100) };
      if (!Key?.includes('/locks/')) await client.send(new PutObjectCommand(body));
    }
    await expect(
      openRepository({ location: openLocation(place, { environment }), password }),
    ).rejects.toThrow();
    const later = new Date(Date.now() + 60_000).toISOString();
    const past = openLocation(`${place}?versions=${later}`, { environment });
    await using repository = await openRepository({ location: past, password });
    expect((await repository.check({ readData: true })).findings).toEqual([]);
    expect(await contents(repository, (await repository.snapshots())[0] as Snapshot)).toEqual(
      wanted,
    );
    await expect(past.write('data', '0'.repeat(64), Buffer.from('x'))).rejects.toMatchObject({
      code: 'location.refused',
    });
  });

  if (isThorough(program))
    it('brings back what forget and prune removed', async (context) => {
      const host = need(context, server, `no ${program.name} on PATH`);
      const place = `s3:${host.url}/vault/pruned`;
      const { environment } = host;
      const folder = join(root, `${program.name}-pruned`);
      mkdirSync(folder);
      const location = openLocation(place, { environment, lock: lockFor(periodMs) });
      await using repository = await initRepository({ location, password });
      writeFileSync(join(folder, 'old'), randomBytes(20_000));
      const old = await storeFolder(repository, folder);
      const wanted = await contents(repository, await repository.findSnapshot(old));
      writeFileSync(join(folder, 'old'), randomBytes(20_000));
      await storeFolder(repository, folder);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const moment = new Date().toISOString();
      await new Promise((resolve) => setTimeout(resolve, 1100));
      // All that a program of this format can do to it, with the right password.
      expect((await repository.forget({ ids: [old] })).removed).toEqual([old]);
      const report = await repository.prune({ keepMarkedMs: 0 });
      expect(report.filesRemoved).toBeGreaterThan(0);
      expect(errorsOf(await repository.check({ readData: true }))).toEqual([]);
      expect(await repository.snapshots()).toHaveLength(1);

      const past = openLocation(`${place}?versions=${moment}`, { environment });
      await using former = await openRepository({ location: past, password });
      expect(await contents(former, await former.findSnapshot(old))).toEqual(wanted);
      expect((await former.check({ readData: true })).findings).toEqual([]);
    });

  if (isThorough(program))
    it('retains what a copy brings, and again what an earlier copy brought', async (context) => {
      const host = need(context, server, `no ${program.name} on PATH`);
      const place = `s3:${host.url}/vault/copied`;
      const { environment } = host;
      const folder = join(root, `${program.name}-copied`);
      mkdirSync(folder);
      const source = new LocalLocation(join(root, `${program.name}-main`));
      await using main = await initRepository({ location: source, password });
      const copyWith = async (durationMs: number) => {
        const location = openLocation(place, { environment, lock: lockFor(durationMs) });
        const exists = (await location.list('config')).length > 0;
        await using offsite = await (exists ? openRepository : initRepository)({
          location,
          password,
        });
        expect(await main.copyTo(offsite)).toMatchObject({ problems: [] });
      };
      writeFileSync(join(folder, 'one'), randomBytes(9000));
      await storeFolder(main, folder);
      await copyWith(60_000);
      writeFileSync(join(folder, 'two'), randomBytes(9000));
      await storeFolder(main, folder);
      await copyWith(periodMs);
      const now = Date.now();
      const files = await versionsOf(host, 'copied/');
      expect(files.filter(({ Key }) => Key?.startsWith('copied/data/')).length).toBeGreaterThan(2);
      for (const file of files) {
        if (file.Key?.includes('/locks/')) continue;
        expect(await retainedUntil(host, file)).toBeGreaterThan(now + periodMs - 5000);
      }
    });

  it('retains again what a new snapshot shares with old ones, and only what is due', async (context) => {
    const host = need(context, server, `no ${program.name} on PATH`);
    const place = `s3:${host.url}/vault/renewed`;
    const { environment } = host;
    const folder = join(root, `${program.name}-renewed`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'old'), randomBytes(9000));
    const open = (durationMs: number) => {
      return openLocation(place, { environment, lock: lockFor(durationMs) });
    };
    {
      await using repository = await initRepository({ location: open(60_000), password });
      await storeFolder(repository, folder);
    }
    const first = await versionsOf(host, 'renewed/');
    const ends = async (files: readonly ObjectVersion[]) => {
      const due = files.filter(({ Key }) => !Key?.includes('/locks/'));
      return await Promise.all(due.map((file) => retainedUntil(host, file)));
    };
    for (const end of await ends(first)) expect(end).toBeLessThan(Date.now() + 90_001);

    // As if most of the time had passed: the promise is longer now than what is left.
    {
      await using repository = await openRepository({ location: open(periodMs), password });
      writeFileSync(join(folder, 'new'), randomBytes(9000));
      await storeFolder(repository, folder);
    }
    const now = Date.now();
    const all = await versionsOf(host, 'renewed/');
    // No file has a second version: nothing was written again.
    const keys = all.map(({ Key }) => Key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const end of await ends(all)) expect(end).toBeGreaterThan(now + periodMs - 5000);

    // All is retained for longer than the promise: a third snapshot touches nothing.
    const formerEnds = await ends(all);
    {
      await using repository = await openRepository({ location: open(periodMs), password });
      await storeFolder(repository, folder);
      const records = await repository.records.list({ kind: 'object-versions' });
      expect(records.length).toBe(3);
      const [, , { body } = { body: {} }] = records;
      const { files } = body as { files: [string, string, number, number][] };
      const stored = await versionsOf(host, 'renewed/');
      const versions = new Map(stored.map(({ Key, VersionId }) => [Key, VersionId]));
      for (const [path, versionId] of files) {
        const key = `renewed/${path.replace(/^data\/(..)/, 'data/$1/$1')}`;
        expect(versions.get(key), path).toBe(versionId);
      }
      expect(files.some(([path]) => path.startsWith('snapshots/'))).toBe(true);
    }
    expect(await ends(all)).toEqual(formerEnds);
  });
});
