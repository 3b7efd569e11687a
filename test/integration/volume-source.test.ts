import {
  chownSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VolumeSource } from '../../src/sources/index.ts';
import { dockerUnderTest } from '../support/docker.ts';
import { listEntries } from '../support/entry-list.ts';
import { filesInstallation } from '../support/files-installation.ts';
import { folderOfVolume } from '../support/ground-places.ts';
import { makeOddTree } from '../support/odd-tree.ts';
import { need } from '../support/skip.ts';
import { smallDisk } from '../support/small-disk.ts';

// Goal: a Docker volume is a source like a folder: stored with all that a file system knows, never taken for empty when it is gone, and put
// back as it was, also into a volume that has to be made anew.

describe('a Docker volume as a source', () => {
  it('is stored, and put back byte by byte into the volume, also after it was removed', async (context) => {
    await using docker = await dockerUnderTest(context, 'volume');
    const volume = `${docker.prefix}-uploads`;
    await docker.docker('volume', 'create', volume);
    const folder = await folderOfVolume(docker, volume, context);
    const setting = `  uploads: { kind: volume, volume: ${volume}, exclude: ['/cache'] }\n`;
    await using place = await filesInstallation('documents', setting);
    // Closes its socket, which nothing keeps.
    await (await makeOddTree(join(folder, 'odd')))[Symbol.asyncDispose]();
    mkdirSync(join(folder, 'cache'));
    writeFileSync(join(folder, 'cache', 'thumbnail'), 'no');
    await docker.docker(
      'run',
      '--rm',
      '-v',
      `${volume}:/data`,
      docker.image,
      'sh',
      '-c',
      'chown 33:34 /data; chmod 2770 /data',
    );
    const backup = await place.run('backup', 'uploads');
    expect(backup.exitCode, backup.stdout).toBe(0);
    expect(backup.records.find(({ type }) => type === 'backup')).toMatchObject({ kind: 'volume' });
    rmSync(join(folder, 'cache'), { recursive: true });
    const before = seen(folder);

    const target = join(place.stateFolder, '..', 'restored');
    const beside = await place.run('restore', 'uploads', '--target', target);
    expect(beside.exitCode, beside.stdout).toBe(0);
    expect(seen(target)).toEqual(before);

    const points = await place.run('points', 'uploads');
    expect(points.records[0]).toMatchObject({ type: 'snapshot', source: 'uploads' });
    const status = await place.run('status', 'uploads');
    expect(status.records[0]).toMatchObject({ source: 'uploads', kind: 'volume' });
    const one = await place.run(
      'restore',
      'uploads',
      '--target',
      `${target}-one`,
      '--path',
      'odd/acl',
    );
    expect(one.exitCode, one.stdout).toBe(0);
    expect(readdirSync(`${target}-one`)).toEqual(['acl']);
    const outside = await place.run('restore', 'uploads', '--target', target, '--path', '../..');
    expect(outside.records.at(-1)).toMatchObject({ code: 'usage.invalid' });
    const id = String(points.records[0]?.id);
    const unnamed = await place.run('restore', '--snapshot', id, '-r', 'main', '--in-place');
    expect(unnamed.records.at(-1)).toMatchObject({ code: 'usage.invalid' });

    writeFileSync(join(folder, 'odd', 'm0777'), 'damaged');
    rmSync(join(folder, 'odd', 'deep'), { recursive: true });
    const inPlace = await place.run('restore', 'uploads', '--in-place', '--yes', 'uploads');
    expect(inPlace.exitCode, inPlace.stdout).toBe(0);
    expect(seen(folder)).toEqual(before);

    await docker.docker('volume', 'rm', volume);
    const gone = await place.run('backup', 'uploads');
    expect(gone.exitCode).toBe(1);
    expect(gone.records.at(-1)).toMatchObject({ type: 'error', code: 'volume.missing' });
    const damage = await place.run('assess', 'uploads', '--quick');
    expect(damage.records.find(({ type }) => type === 'damage-report')).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ kind: 'path-missing', object: `docker volume ${volume}` }),
      ]),
    });
    const again = await place.run('restore', 'uploads', '--in-place', '--yes', 'uploads');
    expect(again.exitCode, again.stdout).toBe(0);
    expect(seen(await folderOfVolume(docker, volume, context))).toEqual(before);
    expect(readFileSync(join(folder, 'odd', 'm0777'), 'utf8')).toBe('content');
  }, 180_000);

  it('is read through a container where it cannot be in place, and empty folders are not taken for it', async (context) => {
    await using docker = await dockerUnderTest(context, 'volume-far');
    need(context, process.getuid?.() === 0, 'only root may keep owners');
    const volume = `${docker.prefix}-share`;
    const setting = `  share: { kind: volume, volume: ${volume}, subfolder: media, image: ${docker.image} }\n`;
    await using place = await filesInstallation('documents', setting);
    const share = join(place.stateFolder, '..', 'share');
    const media = join(share, 'media');
    mkdirSync(join(media, 'empty'), { recursive: true });
    writeFileSync(join(media, 'large'), Buffer.alloc(3_000_000, 'large '));
    symlinkSync('large', join(media, 'link'));
    chownSync(join(media, 'large'), 33, 34);
    chownSync(media, 33, 34);
    for (const each of ['large', 'empty', '.']) utimesSync(join(media, each), 1.7e9, 1.7e9);
    lutimesSync(join(media, 'link'), 1.7e9, 1.7e9);
    // Docker mounts it while a container uses it, and none does.
    const options = ['type=none', 'o=bind', `device=${share}`].flatMap((each) => ['--opt', each]);
    await docker.docker('volume', 'create', ...options, volume);
    const doctor = await place.run('doctor', 'share');
    expect(doctor.records).toContainEqual(
      expect.objectContaining({ check: 'volume', outcome: 'warning' }),
    );
    const backup = await place.run('backup', 'share');
    expect(backup.exitCode, backup.stdout).toBe(0);
    expect(existsSync(join(place.stateFolder, 'volumes', 'share'))).toBe(false);
    const again = await place.run('backup', 'share');
    expect(again.records.find(({ type }) => type === 'backup')).toMatchObject({
      counts: { filesUnmodified: 1, filesChanged: 0 },
    });
    const target = join(place.stateFolder, '..', 'restored');
    const beside = await place.run('restore', 'share', '--target', target);
    expect(beside.exitCode, beside.stdout).toBe(0);
    expect(seen(target)).toEqual(seen(media));

    // A copy that is broken off, or has no room, leaves nothing.
    const abort = new AbortController();
    const stateFolder = join(place.stateFolder, 'other');
    const own = { kind: 'volume', name: 'share', volume, image: docker.image } as const;
    const source = new VolumeSource({ ...own, stateFolder, environment: process.env });
    const cut = source.read({
      signal: abort.signal,
      progress: ({ type }) => type === 'progress' && abort.abort(),
    });
    await expect(cut).rejects.toMatchObject({ code: 'cancelled' });
    expect(existsSync(join(stateFolder, 'volumes', 'share'))).toBe(false);
    expect(await docker.docker('ps', '--all', '--quiet', '--filter', `volume=${volume}`)).toBe('');
    using small = smallDisk(context, 1);
    const crowded = new VolumeSource({
      ...own,
      stateFolder: small.folder,
      environment: process.env,
    });
    await expect(crowded.read({})).rejects.toMatchObject({ code: 'disk.full' });

    rmSync(join(media, 'large'));
    const damage = await place.run('assess', 'share');
    const report = damage.records.find(({ type }) => type === 'damage-report');
    expect(report).toMatchObject({
      sources: [{ kind: 'volume', files: { found: { missing: { files: 1 }, same: 0 } } }],
    });
    const inPlace = await place.run('restore', 'share', '--in-place', '--yes', 'share');
    expect(inPlace.records.at(-1)).toMatchObject({ code: 'volume.unreadable' });
    rmSync(media, { recursive: true });
    const gone = await place.run('backup', 'share');
    expect(gone.records.at(-1)).toMatchObject({ code: 'volume.missing' });
  }, 180_000);
});

/** With the attributes of the folder itself: a service may not write into a volume that is another account's. */
function seen(folder: string) {
  const { mode, uid, gid } = lstatSync(folder);
  return { ...listEntries(folder), '/': `${mode.toString(8)} ${uid}:${gid}` };
}
