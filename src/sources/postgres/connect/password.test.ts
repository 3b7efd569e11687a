import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { Secret } from '../../../core/index.ts';
import { parseConnectionUrl } from '../connection-url.ts';
import { findInPasswordFile, findPassword } from './password.ts';

const settings = parseConnectionUrl('postgres://backup@db.example:5433/shop');

describe('password', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = temporaryFolder('password');
    file = join(folder, 'pgpass');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const find = async (env: NodeJS.ProcessEnv, given = settings, databases = ['shop']) =>
    (await findPassword(given, databases, env)).reveal();

  it('is taken from the settings, then PGPASSWORD, then the password file', async () => {
    writeFileSync(file, '*:*:*:*:filed\n', { mode: 0o600 });
    const env = { PGPASSWORD: 'environment', PGPASSFILE: file };
    expect(await find(env, { ...settings, password: new Secret('given') })).toBe('given');
    expect(await find(env)).toBe('environment');
    expect(await find({ PGPASSFILE: file })).toBe('filed');
  });

  it('is not taken from a file that others can read, and the error says so', async () => {
    for (const mode of [0o640, 0o604, 0o620]) {
      writeFileSync(file, '*:*:*:*:filed\n');
      chmodSync(file, mode);
      const error = await find({ PGPASSFILE: file }).catch((each: unknown) => each);
      expect(error).toMatchObject({
        code: 'postgres.refused',
        message: expect.stringContaining('others on this machine can read it'),
        hint: `Run: chmod 600 ${file}`,
      });
      expect(JSON.stringify(error)).not.toContain('filed');
    }
  });

  it('is missing where no file is, none that is one, and no line fits', async () => {
    const none = { code: 'postgres.refused', message: expect.stringContaining('there is none') };
    await expect(find({ PGPASSFILE: file })).rejects.toMatchObject(none);
    mkdirSync(file);
    await expect(find({ PGPASSFILE: file })).rejects.toMatchObject({
      message: expect.stringContaining('is no plain file'),
    });
    rmSync(file, { recursive: true });
    writeFileSync(file, 'elsewhere:*:*:*:filed\n', { mode: 0o600 });
    await expect(find({ PGPASSFILE: file })).rejects.toMatchObject({
      message: expect.stringContaining(`no line of ${file} fits`),
    });
  });

  it('is the one of the first line that fits, for the first database that has one', async () => {
    const text = [
      '# a comment',
      'db.example:5433:shop:backup:of-the-database',
      'db.example:5433:replication:other:of-another-role',
      'db.example:*:replication:backup:with\\:colon\\\\and backslash',
      '*:*:*:*:too late',
    ].join('\n');
    const found = (database: string) => findInPasswordFile(text, settings, database)?.reveal();
    expect(found('replication')).toBe('with:colon\\and backslash');
    expect(found('shop')).toBe('of-the-database');
    expect(found('other')).toBe('too late');
    expect(findInPasswordFile('db.example:1:*:*:x', settings, 'shop')).toBeUndefined();
    expect(findInPasswordFile('db.example:5433:*:*', settings, 'shop')).toBeUndefined();
    writeFileSync(file, 'db.example:5433:shop:backup:second choice\n', { mode: 0o600 });
    const both = ['replication', 'shop'];
    expect(await find({ PGPASSFILE: file }, settings, both)).toBe('second choice');
  });

  it('takes an escaped star for a star, and a folder of sockets as libpq names it', () => {
    const starred = { ...settings, user: '*' };
    expect(findInPasswordFile('*:*:*:\\*:x', settings, 'shop')).toBeUndefined();
    expect(findInPasswordFile('*:*:*:\\*:x', starred, 'shop')?.reveal()).toBe('x');
    const socket = (host: string, line: string) =>
      findInPasswordFile(line, { ...settings, host }, 'shop')?.reveal();
    expect(socket('/var/run/postgresql', 'localhost:*:*:*:x')).toBe('x');
    expect(socket('/srv/sockets', 'localhost:*:*:*:x')).toBeUndefined();
    expect(socket('/srv/sockets', '/srv/sockets:*:*:*:x')).toBe('x');
  });
});
