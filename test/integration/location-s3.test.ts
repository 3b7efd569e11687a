import { createHash, randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testLocation } from '../../src/repository/location/location-contract.ts';
import { openS3 } from '../../src/repository/location/s3/open-s3.ts';
import { startFaultyProxy } from '../support/faulty-http-proxy.ts';
import { s3Programs, type TestS3Server } from '../support/s3-server.ts';
import { need } from '../support/skip.ts';

const small = { wholeUpToBytes: 6 * 2 ** 20, partBytes: 5 * 2 ** 20 };

function file(sizeBytes: number): { name: string; bytes: Uint8Array } {
  const bytes = new Uint8Array(randomBytes(sizeBytes));
  return { name: createHash('sha256').update(bytes).digest('hex'), bytes };
}

describe.each(s3Programs)('$name', (program) => {
  it('is there to test against', (context) => {
    need(context, program.path, `no ${program.name} on PATH`);
  });
  if (program.path === undefined) return;
  const path = program.path;
  let server: TestS3Server;
  let prefixes = 0;

  beforeAll(async () => {
    server = await program.start(path);
    for (const name of ['plain', 'public']) await server.createBucket(name);
    await server.createBucket('locked', { objectLock: true });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const lockFor = (durationMs: number) => ({ durationMs, mode: 'governance' as const });
  const open = (bucket: string, lockMs?: number) =>
    openS3(`s3:${server.url}/${bucket}/test/${++prefixes}`, {
      environment: server.environment,
      lock: lockMs === undefined ? undefined : lockFor(lockMs),
      partSizes: small,
    });

  for (const [bucket, lockMs] of [
    ['plain', undefined],
    ['locked', undefined],
    ['locked', 3_600_000],
  ] as const) {
    const title = `${program.name}, bucket ${bucket}${lockMs ? ', retained' : ''}`;
    testLocation(title, async () => ({
      location: open(bucket, lockMs),
      async [Symbol.asyncDispose]() {},
    }));
  }

  it('sends large objects in parts, reads them whole and in ranges', async () => {
    const location = open('plain');
    const { name, bytes } = file(13 * 2 ** 20 + 5);
    await location.write('data', name, bytes);
    await location.write('data', name, bytes);
    expect(Buffer.compare(await location.read('data', name), bytes)).toBe(0);
    const range = { offset: 5 * 2 ** 20 - 1, length: 2 * 2 ** 20 };
    const part = await location.read('data', name, range);
    const wanted = bytes.subarray(range.offset, range.offset + range.length);
    expect(Buffer.compare(part, wanted)).toBe(0);
    expect(await location.list('data')).toEqual([{ name, sizeBytes: bytes.length }]);
    const wrong = location.write('data', file(3).name, bytes);
    await expect(wrong).rejects.toMatchObject({ code: 'repository.damaged' });
  });

  it('lists more than one answer holds', async () => {
    const location = open('locked');
    const names = Array.from({ length: 1100 }, () => file(1).name.slice(0, 62));
    const files = names.map((each) => file(2 + Number.parseInt(each.slice(0, 1), 16)));
    for (let at = 0; at < files.length; at += 50) {
      const some = files.slice(at, at + 50);
      await Promise.all(some.map(({ name, bytes }) => location.write('index', name, bytes)));
    }
    const wanted = new Set(files.map((each) => each.name));
    const listed = await location.list('index');
    expect(new Set(listed.map((each) => each.name))).toEqual(wanted);
    expect(listed).toHaveLength(wanted.size);
    const moment = new Date(Date.now() + 60_000).toISOString();
    const past = openS3(`${location.describe()}?versions=${moment}`, {
      environment: server.environment,
    });
    expect(new Set((await past.list('index')).map((each) => each.name))).toEqual(wanted);
  });

  it('reads a public bucket without credentials', async () => {
    const location = open('public');
    const { name, bytes } = file(1000);
    await location.write('data', name, bytes);
    const Statement = ['arn:aws:s3:::public', 'arn:aws:s3:::public/*'].map((Resource, nth) => ({
      Effect: 'Allow',
      Principal: { AWS: ['*'] },
      Action: [nth === 0 ? 's3:ListBucket' : 's3:GetObject'],
      Resource: [Resource],
    }));
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await server.client.send(new PutBucketPolicyCommand({ Bucket: 'public', Policy }));
    const anybody = openS3(`${location.describe()}?anonymous=true`, { environment: {} });
    expect(await anybody.read('data', name)).toEqual(bytes);
    expect(await anybody.list('data')).toHaveLength(1);
    const other = file(5);
    await expect(anybody.write('data', other.name, other.bytes)).rejects.toMatchObject({
      code: 'location.refused',
    });
  });

  it('refuses bytes that are not those of the name, and says that trying again may help', async () => {
    const location = open('plain');
    const wrong = location.write('data', file(3).name, file(1000).bytes);
    await expect(wrong).rejects.toMatchObject({ code: 'location.unreachable', retryable: true });
    expect(await location.list('data')).toEqual([]);
  });

  it('replaces a damaged copy when the same file is written again', async () => {
    const location = open('plain');
    const { name, bytes } = file(1000);
    const Key = `test/${prefixes}/data/${name.slice(0, 2)}/${name}`;
    await server.client.send(
      new PutObjectCommand({ Bucket: 'plain', Key, Body: Buffer.alloc(1000) }),
    );
    await location.write('data', name, bytes);
    expect(await location.read('data', name)).toEqual(bytes);
  });

  it('ignores objects that lie elsewhere', async () => {
    const location = open('plain');
    const { name } = file(10);
    for (const key of [`index/x/${name}`, 'index/README', `data/${name}`]) {
      const Key = `test/${prefixes}/${key}`;
      await server.client.send(new PutObjectCommand({ Bucket: 'plain', Key, Body: 'x' }));
    }
    expect(await location.list('index')).toEqual([]);
    expect(await location.list('data')).toEqual([]);
  });

  it('goes through a proxy, but not for what is on this machine', async () => {
    await using proxy = await startFaultyProxy(server.url);
    const environment = { ...server.environment, HTTP_PROXY: proxy.url };
    const { name, bytes } = file(1000);
    const address = `plain/proxied/${++prefixes}?path-style=true`;
    const far = openS3(`s3:http://backup.test/${address}`, { environment });
    await far.write('index', name, bytes);
    expect(await far.read('index', name)).toEqual(bytes);
    expect(proxy.seen.length).toBeGreaterThan(1);
    const seen = proxy.seen.length;
    const near = openS3(`s3:${server.url}/${address}`, { environment });
    expect(await near.read('index', name)).toEqual(bytes);
    expect(proxy.seen.length).toBe(seen);
  });

  it('names a bucket that is missing and a key that is wrong', async () => {
    const absent = openS3(`s3:${server.url}/absent/x`, { environment: server.environment });
    await expect(absent.create()).rejects.toMatchObject({
      code: 'location.refused',
      message: expect.stringContaining('no such bucket'),
    });
    const environment = { ...server.environment, AWS_SECRET_ACCESS_KEY: 'wrong-wrong' };
    const stranger = openS3(`s3:${server.url}/plain/x`, { environment });
    const refused = await stranger.list('data').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'location.refused', hint: /access key/ });
    expect(JSON.stringify(refused) + String(refused)).not.toContain('wrong-wrong');
  });

  it('retains what it writes, locks excepted', async () => {
    const location = open('locked', 3_600_000);
    const prefix = `test/${prefixes}`;
    const [lock, pack, nested, piece] = [file(10), file(20), file(30), file(40)];
    await location.write('locks', lock.name, lock.bytes);
    await location.write('data', pack.name, pack.bytes);
    await location.nested('lifeboat').write('index', nested.name, nested.bytes);
    await location.nested('lifeboat').write('locks', piece.name, piece.bytes);
    const until = async (key: string) => {
      const Key = `${prefix}/${key}`;
      const head = await server.client.send(new HeadObjectCommand({ Bucket: 'locked', Key }));
      return [head.ObjectLockMode, head.ObjectLockRetainUntilDate, head.VersionId] as const;
    };
    const packKey = `data/${pack.name.slice(0, 2)}/${pack.name}`;
    expect(await until(`locks/${lock.name}`)).toMatchObject([
      undefined,
      undefined,
      expect.any(String),
    ]);
    expect(await until(`lifeboat/locks/${piece.name}`)).toMatchObject([
      undefined,
      undefined,
      expect.any(String),
    ]);
    expect((await until(packKey))[0]).toBe('GOVERNANCE');
    expect((await until(`lifeboat/index/${nested.name}`))[0]).toBe('GOVERNANCE');
    const [, first, VersionId] = await until(packKey);
    expect(first?.getTime()).toBeGreaterThan(Date.now() + 5_000_000);
    const removal = { Bucket: 'locked', Key: `${prefix}/${packKey}`, VersionId };
    await expect(server.client.send(new DeleteObjectCommand(removal))).rejects.toThrow();
    await location.remove('data', pack.name);
    expect(await location.list('data')).toEqual([]);
    // A delete marker stands there now, which is no file.
    await location.write('data', pack.name, pack.bytes);
    expect(await location.read('data', pack.name)).toEqual(pack.bytes);
    expect((await location.modifiedAt?.('data', pack.name))?.getTime()).toBeGreaterThan(
      Date.now() - 600_000,
    );
    expect(await location.modifiedAt?.('data', file(10).name)).toBeUndefined();
  });

  it('extends the genuine version, however many stand before it', async () => {
    const writer = open('locked', 60_000);
    const prefix = `test/${prefixes}`;
    const other = openS3(`s3:${server.url}/locked/${prefix}`, {
      environment: server.environment,
      lock: lockFor(60_000),
    });
    const { name, bytes } = file(100);
    await writer.write('data', name, bytes);
    const Key = `${prefix}/data/${name.slice(0, 2)}/${name}`;
    await server.client.send(new PutObjectCommand({ Bucket: 'locked', Key, Body: 'evil' }));
    await server.client.send(new DeleteObjectCommand({ Bucket: 'locked', Key }));
    const until = new Date(Date.now() + 7_200_000);
    const due = { atLeast: until, until };
    const own = writer.objectLock?.takeWritten('data', name);
    const extended = await other.objectLock?.retain('data', name, due);
    expect(extended).toMatchObject({ versionId: own?.versionId, sizeBytes: 100 });
    const VersionId = extended?.versionId;
    const retention = async () => {
      const command = new GetObjectRetentionCommand({ Bucket: 'locked', Key, VersionId });
      return (await server.client.send(command)).Retention?.RetainUntilDate;
    };
    const reached = await retention();
    expect(reached?.getTime()).toBeGreaterThan(until.getTime() - 1001);
    const less = new Date(Date.now() + 1_000_000);
    const forgotten = own && { ...own, retainedUntil: undefined };
    await writer.objectLock?.retain('data', name, { atLeast: less, until: less, known: forgotten });
    expect(await retention()).toEqual(reached);
    const outdated = { versionId: 'not-there', sizeBytes: 100, retainedUntil: undefined };
    const again = await other.objectLock?.retain('data', name, { ...due, known: outdated });
    expect(again).toMatchObject({ versionId: own?.versionId });
    const gone = other.objectLock?.retain('data', file(10).name, due);
    await expect(gone).rejects.toMatchObject({ code: 'location.file-missing' });
  });

  it('finds out what the bucket can do', async () => {
    const query = { conditionalWrites: true, defaultRetentionDays: undefined };
    expect(await open('locked').probe?.()).toMatchObject({
      ...query,
      versioning: true,
      objectLock: true,
    });
    expect(await open('plain').probe?.()).toMatchObject({
      ...query,
      versioning: false,
      objectLock: false,
    });
    expect(await open('plain').nested('lifeboat').list('locks')).toEqual([]);
    await expect(open('plain', 60_000).create()).rejects.toMatchObject({
      code: 'location.refused',
      message: expect.stringContaining('no object lock'),
    });
  });
});
