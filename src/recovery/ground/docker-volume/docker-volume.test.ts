import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type DockerUnderTest, dockerUnderTest } from '../../../../test/support/docker.ts';
import { folderOfVolume } from '../../../../test/support/ground-places.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import type { ServiceSetting } from '../../../config/index.ts';
import { ScriptPlace } from '../in-volume/script-place.ts';
import { TreeGround } from '../tree-ground.ts';
import { DockerVolumeRunner, type DockerVolumeSetting } from './docker-volume-runner.ts';

function groundOf(
  volume: string,
  more: Partial<DockerVolumeSetting> = {},
  services: readonly ServiceSetting[] = [],
) {
  const setting = { kind: 'docker-volume', volume, ...more } as const;
  return new TreeGround(new ScriptPlace(new DockerVolumeRunner(setting, services, process.env)));
}

describe('a docker volume as a ground', () => {
  it('is swapped only while no container uses it, takes the image of one that did, and a folder in it', async (context) => {
    await using docker = await dockerUnderTest(context, 'ground-used');
    const [volume, name] = [`${docker.prefix}-data`, `${docker.prefix}-app`];
    const use = ['--volume', `${volume}:/data`, docker.image];
    await docker.docker(
      'run',
      '--detach',
      '--name',
      name,
      ...use,
      'sh',
      '-c',
      'mkdir -p /data/sub; echo former > /data/sub/file; sleep 600',
    );
    const ground = groundOf(volume, { subfolder: 'sub' });
    await ground.fill('a1', { kind: 'tree', folder: treeOf({ file: 'new' }), bytes: 3 });
    await expect(ground.swap('a1')).rejects.toMatchObject({
      code: 'target.in-use',
      context: { containers: [name] },
    });
    await docker.docker('pause', name);
    await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'target.in-use' });
    await docker.docker('unpause', name);
    await docker.docker('stop', '--time', '0', name);
    const kept = `.sub.lifeboat/a1/former in docker volume ${volume}`;
    expect(await ground.swap('a1')).toBe(kept);
    expect(await ground.formerAt('a1')).toBe(kept);
    const read = () => docker.docker('run', '--rm', ...use, 'cat', '/data/sub/file');
    expect(await read()).toBe('new');
    await ground.swapBack('a1');
    expect(await read()).toBe('former');
    await ground.discard('a1');
    expect(await docker.docker('run', '--rm', ...use, 'ls', '-A', '/data')).toBe('sub');
  });

  it('makes a volume that compose takes for its own, after it was removed with everything', async (context) => {
    await using docker = await dockerUnderTest(context, 'ground-compose');
    const folder = temporaryFolder('compose');
    folders.push(folder);
    const file = join(folder, 'compose.yaml');
    const project = docker.prefix;
    writeFileSync(
      file,
      `services:
  app:
    image: ${docker.image}
    command: ["sleep", "600"]
    stop_grace_period: 0s
    volumes: ["db-data:/data"]
volumes:
  db-data:
    labels: { kept: "yes" }
`,
    );
    const words = ['--file', file, '--project-name', project];
    await docker.compose(...words, 'up', '--detach');
    await docker.compose(...words, 'down', '--volumes');
    const volume = `${project}_db-data`;
    const service: ServiceSetting = {
      name: 'app',
      platform: 'docker',
      compose: { files: [file], service: 'app', project },
    };
    const ground = groundOf(volume, {}, [service]);
    expect(await ground.state('a1')).toBe('nothing');
    expect(await docker.docker('volume', 'ls', '--quiet', '--filter', `name=${volume}`)).toBe('');
    await ground.fill('a1', { kind: 'tree', folder: treeOf({ file: 'recovered' }), bytes: 9 });
    await ground.swap('a1');
    const labels = await docker.docker('volume', 'inspect', '--format', '{{json .Labels}}', volume);
    expect(JSON.parse(labels)).toMatchObject({
      'com.docker.compose.project': project,
      'com.docker.compose.volume': 'db-data',
      kept: 'yes',
    });
    await docker.compose(...words, 'up', '--detach');
    const app = await docker.compose(...words, 'exec', '-T', 'app', 'cat', '/data/file');
    expect(app).toBe('recovered');
    await docker.compose(...words, 'down', '--volumes');
    expect(await docker.docker('volume', 'ls', '--quiet', '--filter', `name=${volume}`)).toBe('');
  });

  it('goes on where a killed helper left it, and ends one that still works', async (context) => {
    await using docker = await dockerUnderTest(context, 'ground-kill');
    const volume = `${docker.prefix}-data`;
    await docker.docker('volume', 'create', volume);
    const seen = await folderOfVolume(docker, volume, context);
    writeFileSync(join(seen, 'former'), 'former');
    const ground = groundOf(volume, { image: docker.image });
    const big = temporaryFolder('delivery');
    folders.push(big);
    const tree = join(big, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'first'), Buffer.alloc(5_000_000, 'first'));
    writeFileSync(join(tree, 'second'), Buffer.alloc(5_000_000, 'second'));
    const delivery = { kind: 'tree', folder: tree, bytes: 10_000_000 } as const;
    const abort = new AbortController();
    // Aborted once some bytes have left; the helper is told nothing but that its input ended.
    const filling = ground.fill('a1', delivery, {
      signal: abort.signal,
      progress: (event) => {
        if (event.type === 'progress' && event.done > 5_000_000) abort.abort();
      },
    });
    await expect(filling).rejects.toMatchObject({ code: 'cancelled' });
    expect(await helpers(docker)).toBe('');
    expect(await ground.state('a1')).toBe('begun');
    await ground.fill('a1', delivery);
    expect(await ground.state('a1')).toBe('filled');
    await ground.swap('a1');
    expect(readdirSync(seen).sort()).toEqual(['.lifeboat', 'first', 'second']);
    expect(readFileSync(join(seen, 'second')).equals(readFileSync(join(tree, 'second')))).toBe(
      true,
    );
    await ground.swapBack('a1');
    expect(readFileSync(join(seen, 'former'), 'utf8')).toBe('former');
  });

  it('gives the room back when the volume fills up', async (context) => {
    await using docker = await dockerUnderTest(context, 'ground-full');
    const volume = `${docker.prefix}-data`;
    const options = ['type=tmpfs', 'device=tmpfs', 'o=size=2m'].flatMap((each) => ['--opt', each]);
    await docker.docker('volume', 'create', ...options, volume);
    // Such a volume is there as long as a container uses it.
    const use = ['--volume', `${volume}:/data`, docker.image];
    await docker.docker(
      'run',
      '--detach',
      '--name',
      `${docker.prefix}-app`,
      ...use,
      'sleep',
      '600',
    );
    const ground = groundOf(volume);
    const tree = treeOf({ large: 'x'.repeat(3_000_000) });
    const filling = ground.fill('a1', { kind: 'tree', folder: tree, bytes: 10 });
    await expect(filling).rejects.toMatchObject({ code: 'ground.no-room' });
    expect(await ground.state('a1')).toBe('nothing');
    expect(await ground.freeBytes()).toBeGreaterThan(2_000_000);
  });

  it('says what is wrong with the engine, the image, or the volume', async (context) => {
    await using docker = await dockerUnderTest(context, 'ground-wrong');
    const volume = `${docker.prefix}-data`;
    await docker.docker('volume', 'create', volume);
    const unavailable = { code: 'ground.unavailable' };
    await expect(groundOf(volume).state('a1')).rejects.toMatchObject(unavailable);
    await expect(groundOf(volume, { context: 'no-such-context' }).identify()).rejects.toMatchObject(
      unavailable,
    );
    await docker.docker('volume', 'rm', volume);
    expect(await groundOf(volume).state('a1')).toBe('nothing');
    expect(() => groundOf(volume, { subfolder: '../..' })).toThrow('no folder in the volume');
  });
});

async function helpers(docker: DockerUnderTest): Promise<string> {
  return await docker.docker('ps', '--all', '--quiet', '--filter', 'label=io.lifeboat.token=a1');
}

const folders: string[] = [];
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

function treeOf(files: Record<string, string>): string {
  const folder = temporaryFolder('delivery');
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}
