import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dockerUnderTest } from '../support/docker.ts';
import { listEntries } from '../support/entry-list.ts';
import { filesInstallation } from '../support/files-installation.ts';
import { folderOfVolume } from '../support/ground-places.ts';
import { makeOddTree } from '../support/odd-tree.ts';

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

    writeFileSync(join(folder, 'odd', 'm0777'), 'damaged');
    rmSync(join(folder, 'odd', 'deep'), { recursive: true });
    const inPlace = await place.run('restore', 'uploads', '--in-place', '--yes', 'uploads');
    expect(inPlace.exitCode, inPlace.stdout).toBe(0);
    expect(seen(folder)).toEqual(before);

    await docker.docker('volume', 'rm', volume);
    const gone = await place.run('backup', 'uploads');
    expect(gone.exitCode).toBe(1);
    expect(gone.records.at(-1)).toMatchObject({ type: 'error', code: 'volume.missing' });
    const again = await place.run('restore', 'uploads', '--in-place', '--yes', 'uploads');
    expect(again.exitCode, again.stdout).toBe(0);
    expect(seen(await folderOfVolume(docker, volume, context))).toEqual(before);
    expect(readFileSync(join(folder, 'odd', 'm0777'), 'utf8')).toBe('content');
  }, 60_000);
});

/** With the attributes of the folder itself: a service may not write into a volume that is another account's. */
function seen(folder: string) {
  const { mode, uid, gid } = lstatSync(folder);
  return { ...listEntries(folder), '/': `${mode.toString(8)} ${uid}:${gid}` };
}
