import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { DryRunLocation } from './dry-run-location.ts';
import { LocalLocation } from './local-location.ts';
import { testLocation } from './location-contract.ts';
import { MemoryLocation } from './memory-location.ts';

testLocation('dry run', async () => ({
  location: new DryRunLocation(new MemoryLocation()),
  async [Symbol.asyncDispose]() {},
}));

const bytes = Buffer.from('some bytes');
const name = createHash('sha256').update(bytes).digest('hex');

it('records what would be done, shows it as done, and does none of it', async () => {
  const files = new Map<string, Uint8Array>();
  const real = new MemoryLocation({ files });
  await real.write('config', 'config', bytes);
  await real.write('data', name, bytes);
  const before = new Map(files);
  const location = new DryRunLocation(real);
  await location.remove('data', name);
  await expect(location.read('data', name)).rejects.toMatchObject({
    code: 'location.file-missing',
  });
  expect(await location.list('data')).toEqual([]);
  await location.nested('lifeboat').write('index', name, bytes);
  expect(await location.nested('lifeboat').list('index')).toHaveLength(1);
  await location.write('data', name, bytes);
  expect(await location.read('data', name)).toEqual(new Uint8Array(bytes));
  await expect(location.write('config', 'config', bytes)).rejects.toMatchObject({
    code: 'location.refused',
  });
  expect(files).toEqual(before);
  expect(location.steps).toEqual([
    { operation: 'remove', area: '', kind: 'data', name },
    { operation: 'write', area: 'lifeboat/', kind: 'index', name, sizeBytes: 10 },
    { operation: 'write', area: '', kind: 'data', name, sizeBytes: 10 },
  ]);
});

it('keeps what it writes where there is room for it', async () => {
  const folder = temporaryFolder('dry-run');
  const location = new DryRunLocation(new MemoryLocation(), new LocalLocation(folder));
  await location.create();
  await location.nested('lifeboat').create();
  await location.nested('lifeboat').write('data', name, bytes);
  expect(await location.nested('lifeboat').read('data', name)).toEqual(new Uint8Array(bytes));
  expect(readdirSync(join(folder, 'lifeboat/data', name.slice(0, 2)))).toEqual([name]);
  rmSync(folder, { recursive: true, force: true });
});
