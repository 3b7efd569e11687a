import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, openLocation } from '../../src/repository/index.ts';
import { openGcs } from '../../src/repository/location/gcs/gcs-location.ts';
import { testLocation } from '../../src/repository/location/location-contract.ts';
import { startGcsServer, type TestGcsServer } from '../support/fake-gcs-server.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const program = findProgram('fake-gcs-server');
let server: TestGcsServer;
let repositories = 0;

/** A place of its own in the one bucket. */
function open() {
  repositories++;
  return openGcs(`gs:${server.bucket}:/deep/${repositories}`, server.environment);
}

beforeAll(async () => {
  if (program !== undefined) server = await startGcsServer(program);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

it('has a fake-gcs-server to test against', (context) => {
  need(context, program, 'no fake-gcs-server on PATH');
});

if (program !== undefined) {
  testLocation('gs', async () => ({ location: open(), async [Symbol.asyncDispose]() {} }), {
    pages: true,
  });
}

function file(sizeBytes: number): { name: string; bytes: Uint8Array } {
  const bytes = new Uint8Array(randomBytes(sizeBytes));
  return { name: createHash('sha256').update(bytes).digest('hex'), bytes };
}

describe('a gs location', () => {
  it('lies as restic expects it, and stock restic opens it in the bucket', async (context) => {
    need(context, program, 'no fake-gcs-server on PATH');
    const text = `gs:${server.bucket}:/stock`;
    const location = openLocation(text, { environment: server.environment });
    await using repository = await initRepository({ location, password: new Secret('x') });
    const restic = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
    const stock = (...words: string[]) =>
      execFileSync(restic, ['--no-cache', '-r', text, ...words], {
        env: { ...process.env, ...server.environment, RESTIC_PASSWORD: 'x' },
        stdio: ['ignore', 'pipe', 'pipe'],
      }).toString();
    stock('backup', import.meta.filename);
    expect(stock('check', '--read-data')).toContain('no errors were found');
    expect(await repository.snapshots()).toHaveLength(1);
    const report = await repository.check({ readData: true });
    expect(report.findings).toEqual([]);
  });

  it('heals a damaged object, and lets no other bytes stand under a hash', async (context) => {
    need(context, program, 'no fake-gcs-server on PATH');
    const location = open();
    const { name, bytes } = file(1000);
    await location.write('data', name, bytes);
    await expect(location.write('data', name, file(1000).bytes)).rejects.toMatchObject({
      code: 'location.refused',
    });
    const path = join(server.folder, `deep/${repositories}/data/${name.slice(0, 2)}/${name}`);
    expect(existsSync(path)).toBe(true);
    const damaged = Uint8Array.from(bytes);
    damaged[500] = (damaged[500] as number) ^ 1;
    await replaceObject(`deep/${repositories}/data/${name.slice(0, 2)}/${name}`, damaged);
    expect(Buffer.compare(await location.read('data', name), damaged)).toBe(0);
    await location.write('data', name, bytes);
    expect(Buffer.compare(await location.read('data', name), bytes)).toBe(0);
  });

  it('says that a bucket is missing', async (context) => {
    need(context, program, 'no fake-gcs-server on PATH');
    await expect(
      openGcs('gs:no-such-bucket:/x', server.environment).create(),
    ).rejects.toMatchObject({
      code: 'location.file-missing',
      hint: expect.stringContaining('bucket exists'),
    });
  });

  it.each([
    ['gs:bucket:/a/b', 'gs:bucket:/a/b'],
    ['gs:bucket:a/b/', 'gs:bucket:/a/b'],
    ['gs:bucket/a', 'gs:bucket:/a'],
    ['gs:bucket', 'gs:bucket:/'],
    ['gs:bucket:/', 'gs:bucket:/'],
  ])('understands %s', (text, description) => {
    const environment = { GOOGLE_ACCESS_TOKEN: 'x' };
    expect(openLocation(text, { environment }).describe()).toBe(description);
  });

  it.each(['gs:', 'gs::/x', 'gs:Bad Bucket:/x', 'gs:bucket:/../x'])('refuses %s', (text) => {
    expect(() => openLocation(text)).toThrow('cannot use this repository location');
  });
});

async function replaceObject(object: string, bytes: Uint8Array): Promise<void> {
  const query = new URLSearchParams({ uploadType: 'media', name: object });
  const url = `${server.url}/upload/storage/v1/b/${server.bucket}/o?${query}`;
  const answer = await fetch(url, { method: 'POST', body: new Uint8Array(bytes) });
  expect(answer.status).toBe(200);
}
