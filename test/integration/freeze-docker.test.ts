import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type DockerUnderTest, dockerUnderTest } from '../support/docker.ts';
import { commandsOf } from '../support/freeze-scene.ts';
import { type Installation, installation } from '../support/installation.ts';

let docker: DockerUnderTest | undefined;
let place: Installation | undefined;

afterEach(async () => {
  await docker?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

it('stops containers on a real engine, and starts those that ran', async (context) => {
  docker = await dockerUnderTest(context, 'freeze');
  const { prefix, image } = docker;
  place = await installation();
  const { folder } = place;
  mkdirSync(join(folder, 'uploads'));
  for (const name of ['api', 'cron']) {
    await docker.docker(
      'run',
      '--detach',
      '--restart',
      'unless-stopped',
      '--name',
      `${prefix}-${name}`,
      image,
      'sleep',
      '1000000',
    );
  }
  await docker.docker('kill', `${prefix}-cron`);
  const container = (name: string, more: string) =>
    `  ${name}: { platform: docker, container: ${prefix}-${name}, stopWithin: 30s, ${more} }\n`;
  place.configure({
    sourceOptions: `, environment: staging }\n  uploads: { kind: files, paths: [${folder}/uploads]`,
    options: `services:\n${container('api', 'writes: [uploads]')}${container('cron', 'after: [api]')}`,
  });
  const run = commandsOf(place);
  const states = async () => {
    const wanted = ['api', 'cron'].map((name) => `${prefix}-${name}`);
    const format = '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}';
    return (await docker?.docker('inspect', '--format', format, ...wanted))?.split('\n');
  };
  expect(await states()).toEqual(['true unless-stopped', 'false unless-stopped']);

  const frozen = await run('freeze', '--yes', 'test');
  expect(frozen.exitCode, frozen.stdout).toBe(0);
  expect(JSON.stringify(frozen.records[0]?.places)).toContain('docker');
  expect((await states())?.map((each) => each.split(' ')[0])).toEqual(['false', 'false']);
  const thawed = await run('thaw', '--yes', 'test');
  expect(thawed.exitCode, thawed.stdout).toBe(0);
  expect(await states()).toEqual(['true unless-stopped', 'false unless-stopped']);
});
