import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { Secret } from '../../../core/index.ts';
import { parseConnectionUrl } from '../connection-settings.ts';
import { findInPasswordFile, findPassword } from './password.ts';

const settings = parseConnectionUrl('postgres://backup@db.example:5433/shop');

describe('password', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder('password');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is taken from the settings, then PGPASSWORD, then the password file', async () => {
    const file = join(folder, 'pgpass');
    writeFileSync(file, '*:*:*:*:filed\n', { mode: 0o600 });
    const env = { PGPASSWORD: 'environment', PGPASSFILE: file };
    const given = { ...settings, password: new Secret('given') };
    expect((await findPassword(given, env))?.reveal()).toBe('given');
    expect((await findPassword(settings, env))?.reveal()).toBe('environment');
    expect((await findPassword(settings, { PGPASSFILE: file }))?.reveal()).toBe('filed');
  });

  it('is not taken from a file that others can read, or that is missing', async () => {
    const file = join(folder, 'pgpass');
    expect(await findPassword(settings, { PGPASSFILE: file })).toBeUndefined();
    writeFileSync(file, '*:*:*:*:filed\n');
    chmodSync(file, 0o640);
    expect(await findPassword(settings, { PGPASSFILE: file })).toBeUndefined();
  });

  it('is the one of the first line that fits', () => {
    const text = [
      '# a comment',
      'db.example:5433:shop:backup:of-the-database',
      'db.example:5433:replication:other:of-another-role',
      'db.example:*:replication:backup:with\\:colon\\\\and backslash',
      '*:*:*:*:too late',
    ].join('\n');
    expect(findInPasswordFile(text, settings)?.reveal()).toBe('with:colon\\and backslash');
    expect(findInPasswordFile('db.example:1:*:*:x', settings)).toBeUndefined();
    expect(findInPasswordFile('db.example:5433:*:*', settings)).toBeUndefined();
  });
});
