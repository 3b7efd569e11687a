import { describe, expect, it } from 'vitest';
import { Secret } from '../core/index.ts';
import { initRepository } from './init-repository.ts';
import { MemoryLocation } from './location/memory-location.ts';
import { openRepository } from './open-repository.ts';

const password = new Secret('pw');

async function created(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const repository = await initRepository({ location: new MemoryLocation({ files }), password });
  await repository[Symbol.asyncDispose]();
  return files;
}

const openAs = (files: Map<string, Uint8Array>, secret = password) =>
  openRepository({ location: new MemoryLocation({ files }), password: secret });
const initIn = (files: Map<string, Uint8Array>) =>
  initRepository({ location: new MemoryLocation({ files }), password });

describe('opening', () => {
  it('gives the repository that was created', async () => {
    const location = new MemoryLocation();
    const made = await initRepository({ location, password });
    const opened = await openRepository({ location, password });
    expect(opened.id).toBe(made.id);
    expect(opened.id).toMatch(/^[0-9a-f]{64}$/);
    expect(await opened.snapshots()).toEqual([]);
    await expect(opened.findSnapshot('latest')).rejects.toMatchObject({
      code: 'repository.snapshot-missing',
    });
  });

  it('says that there is none, with a hint', async () => {
    await expect(openAs(new Map())).rejects.toMatchObject({
      code: 'repository.missing',
      hint: expect.stringContaining('lifeboat init'),
    });
  });

  it('refuses a wrong password', async () => {
    await expect(openAs(await created(), new Secret('pw '))).rejects.toMatchObject({
      code: 'repository.wrong-password',
      message: expect.not.stringContaining('pw '),
    });
  });

  it('recognises one that was begun and never finished', async () => {
    const files = await created();
    files.delete('config/config');
    await expect(openAs(files)).rejects.toMatchObject({ code: 'repository.half-created' });
    await expect(initIn(files)).rejects.toMatchObject({ code: 'repository.half-created' });
  });

  it('calls a lost config damage when there are backups', async () => {
    const files = await created();
    files.delete('config/config');
    files.set(`data/${'ab'.repeat(32)}`, new Uint8Array(10));
    await expect(openAs(files)).rejects.toMatchObject({ code: 'repository.damaged' });
    await expect(initIn(files)).rejects.toMatchObject({ code: 'repository.damaged' });
  });

  it('names a damaged key file or config, and a sound key still opens', async () => {
    const files = await created();
    const [key] = [...files.keys()].filter((path) => path.startsWith('keys/')) as [string];
    const intact = new Map(files);
    files.set(key, new Uint8Array(100));
    await expect(openAs(files)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining(key),
      hint: expect.not.stringContaining('lifeboat check'),
    });
    const withBadKey = new Map([[`keys/${'00'.repeat(32)}`, new Uint8Array(5)], ...intact]);
    await (await openAs(withBadKey))[Symbol.asyncDispose]();
    await expect(openAs(withBadKey, new Secret('another'))).rejects.toMatchObject({
      code: 'repository.wrong-password',
      hint: expect.stringContaining('its bytes do not match its name'),
    });
    await expect(
      openAs(new Map([...intact, ['config/config', new Uint8Array(100)]])),
    ).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining('config'),
    });
  });
});

describe('creating', () => {
  it('refuses where a repository is', async () => {
    await expect(initIn(await created())).rejects.toMatchObject({ code: 'repository.exists' });
  });

  it('at the same time from two sides makes one repository', async () => {
    const files = new Map<string, Uint8Array>();
    const outcomes = await Promise.allSettled([initIn(files), initIn(files)]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).toMatchObject([{ reason: { code: 'repository.exists' } }]);
    expect([...files.keys()].filter((path) => path.startsWith('keys/'))).toHaveLength(1);
    await (await openAs(files))[Symbol.asyncDispose]();
  });
});
