import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { DockerVolumeRunner } from '../../src/recovery/ground/docker-volume/docker-volume-runner.ts';
import { diskActions } from '../../src/recovery/ground/folder/folder-actions.ts';
import { FolderPlace } from '../../src/recovery/ground/folder/folder-place.ts';
import type { PlaceUnderTest } from '../../src/recovery/ground/ground-contract.ts';
import { ScriptPlace } from '../../src/recovery/ground/in-volume/script-place.ts';
import { SshRunner } from '../../src/recovery/ground/ssh-host/ssh-runner.ts';
import { TreeGround } from '../../src/recovery/ground/tree-ground.ts';
import { type DockerUnderTest, dockerUnderTest } from './docker.ts';
import { dyingBefore } from './dying-actions.ts';
import { temporaryFolder } from './postgres.ts';
import { findProgram } from './programs.ts';
import { localShell } from './script-runner.ts';
import { need } from './skip.ts';
import { smallDisk } from './small-disk.ts';
import { startSshServer } from './ssh-server.ts';

/** In memory, where bringing to the disk takes no time. */
const diskMib = 400;

/** `moved`: what is delivered lies on the same file system; `link`: it does not, and a link leads to the folder. */
export async function folderPlace(
  context: TestContext,
  kind: 'moved' | 'link' | 'mount point',
): Promise<PlaceUnderTest> {
  const disk = smallDisk(context, diskMib);
  const seen = kind === 'mount point' ? disk.folder : join(disk.folder, "it's a\nfolder");
  mkdirSync(seen, { recursive: true });
  const folder = kind === 'link' ? join(disk.folder, 'link') : seen;
  if (folder !== seen) symlinkSync(seen, folder);
  return {
    folder: seen,
    ground: new TreeGround(new FolderPlace(folder)),
    dyingBefore: (change) =>
      new TreeGround(new FolderPlace(folder, dyingBefore(diskActions, change))),
    async removeTarget() {
      if (seen !== disk.folder) rmSync(seen, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: async () => disk[Symbol.dispose](),
    ...(kind === 'moved' ? { scratch: disk.folder } : {}),
  };
}

/** `sh` with the programs of this host in a folder behind a link, or with those of busybox alone in a mount point. */
export async function scriptPlace(
  context: TestContext,
  kind: 'coreutils' | 'busybox',
): Promise<PlaceUnderTest> {
  const busybox = kind === 'busybox' ? findProgram('busybox') : undefined;
  if (kind === 'busybox') need(context, busybox, 'busybox is not installed');
  const disk = smallDisk(context, diskMib);
  const shell = localShell(busybox);
  const seen = busybox ? disk.folder : join(disk.folder, "it's a\tfolder \\040");
  mkdirSync(seen, { recursive: true });
  const folder = busybox ? seen : join(disk.folder, 'link');
  if (folder !== seen) symlinkSync(seen, folder);
  return {
    folder: seen,
    ground: new TreeGround(new ScriptPlace(shell.runner(folder))),
    dyingBefore: (change) => new TreeGround(new ScriptPlace(shell.dyingBefore(folder, change))),
    async removeTarget() {
      if (seen !== disk.folder) rmSync(seen, { recursive: true });
    },
    async [Symbol.asyncDispose]() {
      disk[Symbol.dispose]();
      shell[Symbol.dispose]();
    },
  };
}

export async function sshPlace(context: TestContext): Promise<PlaceUnderTest> {
  const { host, port, identity, knownHosts, ...server } = await startSshServer(context);
  const outer = temporaryFolder('ground');
  const folder = join(outer, "it's a $(folder) %s \\ ü");
  mkdirSync(folder);
  const setting = { kind: 'ssh-host', host, port, identity, knownHosts, folder } as const;
  return {
    folder,
    ground: new TreeGround(new ScriptPlace(new SshRunner(setting, process.env))),
    removeTarget: async () => rmSync(folder, { recursive: true }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      rmSync(outer, { recursive: true, force: true });
    },
  };
}

export async function dockerVolumePlace(context: TestContext): Promise<PlaceUnderTest> {
  const docker = await dockerUnderTest(context, 'ground');
  const volume = `${docker.prefix}-data`;
  await docker.docker('volume', 'create', volume);
  const setting = { kind: 'docker-volume', volume, image: docker.image } as const;
  return {
    folder: await folderOfVolume(docker, volume, context),
    ground: new TreeGround(new ScriptPlace(new DockerVolumeRunner(setting, [], process.env))),
    removeTarget: async () => void (await docker.docker('volume', 'rm', volume)),
    [Symbol.asyncDispose]: () => docker[Symbol.asyncDispose](),
  };
}

/** Where this host sees the files of a volume. */
export async function folderOfVolume(
  docker: DockerUnderTest,
  volume: string,
  context: TestContext,
): Promise<string> {
  const folder = await docker.docker('volume', 'inspect', '--format', '{{.Mountpoint}}', volume);
  return need(context, existsSync(folder) && folder, 'the volumes of the engine are not seen here');
}
