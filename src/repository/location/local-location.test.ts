import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { LocalLocation } from './local-location.ts';
import { testLocation } from './location-contract.ts';

testLocation('local', async () => {
  const folder = temporaryFolder('local');
  return {
    location: new LocalLocation(join(folder, 'deep', 'repository')),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('a local location', () => {
  let folder: string;
  let location: LocalLocation;
  const bytes = Buffer.from('some bytes');
  const name = createHash('sha256').update(bytes).digest('hex');

  beforeEach(async () => {
    folder = temporaryFolder('local');
    location = new LocalLocation(folder);
    await location.create();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('has the layout of restic, with read-only files', async () => {
    expect(readdirSync(folder).sort()).toEqual(['data', 'index', 'keys', 'locks', 'snapshots']);
    expect(readdirSync(join(folder, 'data'))).toHaveLength(256);
    await location.write('data', name, bytes);
    expect(statSync(join(folder, 'data', name.slice(0, 2), name)).mode & 0o777).toBe(0o400);
    expect(readdirSync(join(folder, 'data', name.slice(0, 2)))).toEqual([name]);
  });

  it('ignores foreign files, folders and temporary files, and clears old ones of its own', async () => {
    const old = `.${name}-tmp-0123456789ab`;
    const young = `.${name}-tmp-ba9876543210`;
    for (const each of [old, young, `${name}-tmp-1234`, 'README']) {
      writeFileSync(join(folder, 'index', each), 'half');
    }
    mkdirSync(join(folder, 'index', name));
    const longAgo = new Date(Date.now() - 2 * 24 * 3_600_000);
    for (const each of [old, `${name}-tmp-1234`, 'README']) {
      utimesSync(join(folder, 'index', each), longAgo, longAgo);
    }
    expect(await location.list('index')).toEqual([]);
    expect(readdirSync(join(folder, 'index'))).not.toContain(old);
    expect(readdirSync(join(folder, 'index'))).toHaveLength(4);
  });

  it('makes a lost subfolder again, but not a repository whose disk is not mounted', async () => {
    await location.write('config', 'config', bytes);
    rmSync(join(folder, 'data'), { recursive: true });
    await location.write('data', name, bytes);
    expect(await location.read('data', name)).toEqual(new Uint8Array(bytes));
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    for (const each of [location, location.nested('lifeboat')]) {
      await expect(each.write('data', name, bytes)).rejects.toMatchObject({
        code: 'location.file-missing',
      });
    }
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
    await expect(location.write('data', name, bytes)).rejects.toMatchObject({
      code: 'location.file-missing',
    });
    expect(() => statSync(folder)).toThrow();
  });

  it('replaces a damaged copy when the same file is written again', async () => {
    await location.write('data', name, bytes);
    const path = join(folder, 'data', name.slice(0, 2), name);
    rmSync(path);
    writeFileSync(path, 'cut');
    await location.write('data', name, bytes);
    expect(await location.read('data', name)).toEqual(new Uint8Array(bytes));
  });
});
