import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import {
  initRepository,
  type Location,
  openLocation,
  openRepository,
} from '../../src/repository/index.ts';
import { testLocation } from '../../src/repository/location/location-contract.ts';
import { minioRole } from '../support/minio-role.ts';
import { minio, type TestS3Server } from '../support/s3-server.ts';
import { need } from '../support/skip.ts';

const password = new Secret('geheim');
const folder = join(import.meta.dirname, '../../docs/guide/s3-policies');
const bucket = 'vault';
let server: TestS3Server | undefined;
let prefixes = 0;

beforeAll(async () => {
  if (minio.path === undefined) return;
  server = await minio.start(minio.path);
  await server.createBucket(bucket, { objectLock: true });
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** The policy of the guide, for a prefix of its own. */
async function role(host: TestS3Server, name: string, prefix: string): Promise<NodeJS.ProcessEnv> {
  const text = readFileSync(join(folder, `${name}.json`), 'utf8');
  const policy = text.replaceAll('BUCKET', bucket).replaceAll('PREFIX', prefix);
  return await minioRole(host, policy);
}

function at(host: TestS3Server, prefix: string, environment: NodeJS.ProcessEnv): Location {
  const lock = { durationMs: 60_000, mode: 'governance' as const };
  return openLocation(`s3:${host.url}/${bucket}/${prefix}`, { environment, lock });
}

function clientOf(host: TestS3Server, environment: NodeJS.ProcessEnv): S3Client {
  return new S3Client({
    endpoint: host.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
      sessionToken: environment.AWS_SESSION_TOKEN ?? '',
    },
  });
}

/** A repository with one snapshot, made by the owner. */
async function madeRepository(host: TestS3Server): Promise<string> {
  const prefix = `made/${++prefixes}`;
  await using repository = await initRepository({
    location: at(host, prefix, host.environment),
    password,
  });
  await publish(repository);
  return prefix;
}

async function publish(repository: Awaited<ReturnType<typeof openRepository>>) {
  await using writer = await repository.startBackup();
  const { id } = await writer.saveData(randomBytes(5000));
  const node = { name: 'a', type: 'file', mode: 0o644, mtimeNs: 0n, uid: 0, gid: 0 } as const;
  const tree = await writer.saveTree([{ ...node, content: [id], sizeBytes: 5000 }]);
  const about = { time: new Date(), tree, paths: ['/a'], tags: [] };
  return await writer.publishSnapshot({ ...about, filesTotal: 1, bytesTotal: 5000 });
}

async function versionsOf({ client }: TestS3Server, prefix: string) {
  const command = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: `${prefix}/` });
  return (await client.send(command)).Versions ?? [];
}

if (minio.path !== undefined) {
  testLocation('S3 with the policy of an append-only writer', async () => {
    const host = server as TestS3Server;
    const prefix = `contract/${++prefixes}`;
    const environment = await role(host, 'append-only-writer', prefix);
    return {
      location: at(host, prefix, environment),
      appendOnly: true,
      async [Symbol.asyncDispose]() {},
    };
  });
}

describe('the policies of the guide', () => {
  const running = (context: Parameters<typeof need>[0]) =>
    need(context, server, 'no minio on PATH');

  it.for(['append-only-writer', 'writer'])(
    'let the %s back up and destroy nothing',
    async (name, context) => {
      const host = running(context);
      const prefix = `made/${++prefixes}`;
      const environment = await role(host, name, prefix);
      {
        const location = at(host, prefix, environment);
        await using repository = await initRepository({ location, password });
        await publish(repository);
        await publish(repository);
        // A log without a snapshot of its source is a hint, no error.
        const segment = randomBytes(1000);
        await repository.log('x').appendPiece('1', 0n, new Uint8Array(segment.subarray(0, 100)));
        await repository.log('x').appendSegment('1', 0n, segment);
        const { findings } = await repository.check({ readData: true });
        expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(await location.probe?.()).toMatchObject({
          conditionalWrites: true,
          versioning: true,
          objectLock: true,
        });
      }
      const thief = clientOf(host, environment);
      for (const { Key, VersionId } of await versionsOf(host, prefix)) {
        const removal = { Bucket: bucket, Key, VersionId };
        const bypass = { ...removal, BypassGovernanceRetention: true };
        const RetainUntilDate = new Date(Date.now() + 1000);
        const retention = {
          ...removal,
          Retention: { Mode: 'GOVERNANCE', RetainUntilDate },
        } as const;
        for (const command of [new DeleteObjectCommand(removal), new DeleteObjectCommand(bypass)]) {
          await expect(thief.send(command)).rejects.toMatchObject({ name: 'AccessDenied' });
        }
        if (Key?.includes('/locks/')) continue;
        await expect(thief.send(new PutObjectRetentionCommand(retention))).rejects.toThrow();
        const shadow = thief.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
        if (name === 'writer') await shadow;
        else await expect(shadow).rejects.toMatchObject({ name: 'AccessDenied' });
      }
      const Rules = [
        {
          Status: 'Enabled',
          Filter: { Prefix: '' },
          NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        },
      ] as const;
      const lifecycle = new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: { Rules: [...Rules] },
      });
      await expect(thief.send(lifecycle)).rejects.toMatchObject({ name: 'AccessDenied' });
      const elsewhere = { Bucket: bucket, Key: 'elsewhere/x', Body: 'x' };
      await expect(thief.send(new PutObjectCommand(elsewhere))).rejects.toThrow();
    },
  );

  it('let a reader check, restore, look at the past, and change nothing', async (context) => {
    const host = running(context);
    const prefix = await madeRepository(host);
    const environment = await role(host, 'reader', prefix);
    const location = openLocation(`s3:${host.url}/${bucket}/${prefix}`, { environment });
    await using repository = await openRepository({ location, password });
    expect((await repository.check({ readData: true })).findings).toEqual([]);
    await expect(publish(repository)).rejects.toMatchObject({ code: 'location.refused' });
    await expect(
      repository.records.append({ kind: 'x', source: '', body: 1 }),
    ).rejects.toMatchObject({ code: 'location.refused' });
    const moment = new Date(Date.now() + 1000).toISOString();
    const past = openLocation(`${location.describe()}?versions=${moment}`, { environment });
    await using former = await openRepository({ location: past, password });
    expect((await former.check({ readData: true })).findings).toEqual([]);
  });

  it('let the admin remove versions, but none that is retained', async (context) => {
    const host = running(context);
    const prefix = await madeRepository(host);
    const admin = clientOf(host, await role(host, 'admin', prefix));
    for (const { Key, VersionId } of await versionsOf(host, prefix)) {
      const removal = { Bucket: bucket, Key, VersionId, BypassGovernanceRetention: true };
      const removing = admin.send(new DeleteObjectCommand(removal));
      if (Key?.includes('/locks/')) await removing;
      else await expect(removing).rejects.toThrow();
    }
    expect(await versionsOf(host, prefix)).not.toEqual([]);
  });
});
