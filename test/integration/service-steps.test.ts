import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlatforms } from '../../src/platforms/index.ts';
import { recordServiceBaselines } from '../../src/recovery/service-baseline/record-service-baselines.ts';
import { forensicCopy } from '../../src/recovery/steps/kinds/forensic-copy.ts';
import { isolate } from '../../src/recovery/steps/kinds/isolate.ts';
import { pointServices } from '../../src/recovery/steps/kinds/point-services.ts';
import { redeploy } from '../../src/recovery/steps/kinds/redeploy.ts';
import { restoreFilesStep } from '../../src/recovery/steps/kinds/restore-files.ts';
import { rotateCredentials } from '../../src/recovery/steps/kinds/rotate-credentials.ts';
import { watch } from '../../src/recovery/steps/kinds/watch.ts';
import type { Repository } from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/index.ts';
import { dockerUnderTest } from '../support/docker.ts';
import { localRepository } from '../support/local-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { stepContext } from '../support/step-context.ts';

// Goal: steps of a recovery that are about services do what their plan says, go on after a crash, and say what they could not do.

describe('a step', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);

  beforeEach(() => {
    folder = temporaryFolder('steps');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function script(name: string, text: string): string {
    writeFileSync(at(name), `#!/bin/sh\ncd "${folder}"\n${text}\n`);
    chmodSync(at(name), 0o755);
    return at(name);
  }

  const shell = (more: string) =>
    `{ platform: shell, start: ["true"], stop: ["true"], isRunning: ["true"], writes: [uploads]${more} }`;
  const uploads = () => `sources: { uploads: { kind: files, paths: [${at('uploads')}] } }`;

  describe('that points services', () => {
    const input = { source: 'uploads', of: 'deliver', services: ['api', 'worker'] };
    const outcomes = {
      deliver: { text: '', result: { place: { host: 'new-host', port: 5433 } }, evidence: {} },
    };

    function context(isDone: boolean) {
      const point = script('point', 'echo "$1 $LIFEBOAT_HOST:$LIFEBOAT_PORT" >> pointed');
      const back = script('back', 'echo "$1 back" >> pointed');
      const done = script('done', 'grep -q "^$1 new-host" pointed 2>/dev/null');
      const points = (name: string) =>
        `, switch: { command: [${point}, ${name}], undo: [${back}, ${name}]${isDone ? `, isDone: [${done}, ${name}]` : ''} }`;
      return stepContext({
        folder,
        outcomes,
        yaml: `${uploads()}\nservices: { api: ${shell(points('api'))}, worker: ${shell(points('worker'))} }`,
      });
    }

    it('points each at where the data is, and back in the other order', async () => {
      const outcome = await pointServices.run(input, context(true));
      await pointServices.undo?.(input, outcome, context(true));
      expect(readFileSync(at('pointed'), 'utf8').split('\n')).toEqual([
        'api new-host:5433',
        'worker new-host:5433',
        'worker back',
        'api back',
        '',
      ]);
    });

    it('goes on where it was cut, and does none twice', async () => {
      writeFileSync(at('pointed'), 'api new-host:5433\n');
      expect(await pointServices.probe(input, context(true))).toEqual({ found: 'continue' });
      await pointServices.run(input, context(true));
      expect(readFileSync(at('pointed'), 'utf8')).toBe('api new-host:5433\nworker new-host:5433\n');
      expect(await pointServices.probe(input, context(true))).toMatchObject({ found: 'done' });
    });

    it('asks a person where nobody can tell', async () => {
      expect(await pointServices.probe(input, context(false))).toMatchObject({
        found: 'unclear',
        what: expect.stringContaining('api, worker'),
      });
    });

    it('says what a command said when it fails', async () => {
      const failing = context(true);
      script('point', 'echo "no such secret" >&2; exit 3');
      await expect(pointServices.run(input, failing)).rejects.toMatchObject({
        code: 'run.failed',
        message: expect.stringContaining('ended with 3: no such secret'),
      });
    });
  });

  describe('that watches', () => {
    let server: Server;
    let status = 200;

    beforeEach(async () => {
      status = 200;
      server = createServer((_, response) => response.writeHead(status).end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    afterEach(() => void server.close());

    function context() {
      const { port } = server.address() as AddressInfo;
      const health = `, health: "http://127.0.0.1:${port}/"`;
      return stepContext({ folder, yaml: `${uploads()}\nservices: { api: ${shell(health)} }` });
    }
    const input = { services: ['api'], sources: ['uploads'], durationMs: 1 };

    it('is content when all is well to the end', async () => {
      const outcome = await watch.run(input, context());
      expect(outcome.text).toContain('all is well');
    });

    it('names what did not run before and does not now, and what is not configured', async () => {
      const idle = { freeze: { text: '', result: { idle: ['api'] }, evidence: {} } };
      const down = (isRunning: string) =>
        stepContext({
          folder,
          outcomes: idle,
          yaml: `${uploads()}\nservices: { api: { platform: shell, start: ["true"], stop: ["true"], isRunning: ["${isRunning}"], writes: [uploads] } }`,
        });
      expect((await watch.run(input, down('false'))).text).toMatch(
        /^nothing was watched: api does not run \(.*\), and did not before the recovery/,
      );
      // Stopped when the plan was made, it is not in the plan at all.
      const without = { ...input, services: [] };
      expect((await watch.run(without, down('false'))).text).toContain('api does not run');
      expect((await watch.run(without, down('true'))).text).toContain('api runs now');
      const served = stepContext({
        folder,
        yaml: `sources: { database: { kind: postgres, connection: "postgres://x@127.0.0.1:9/x", service: db } }
services: { db: { platform: shell, start: ["true"], stop: ["true"], isRunning: ["false"] } }`,
      });
      const ofServer = { services: [], sources: ['database'], durationMs: 1 };
      expect((await watch.run(ofServer, served)).text).toContain('db does not run');
      const bare = stepContext({ folder, yaml: uploads() });
      expect((await watch.run(without, bare)).text).toBe(
        'nothing was watched: no service that writes to uploads is configured',
      );
    });

    it('fails when a service stays unwell, and says how', async () => {
      status = 500;
      await expect(watch.run(input, context())).rejects.toMatchObject({
        code: 'run.failed',
        message: expect.stringContaining('answered 500'),
      });
    });
  });

  describe('that isolates', () => {
    it('cuts a container off, keeps it running, and runs the commands', async (test) => {
      await using docker = await dockerUnderTest(test, 'isolate');
      const name = `${docker.prefix}-api`;
      await docker.docker('run', '-d', '--name', name, docker.image, 'sleep', '600');
      const firewall = script('firewall', 'echo "$1 $LIFEBOAT_INCIDENT" >> closed');
      const context = stepContext({
        folder,
        yaml: `${uploads()}
services: { api: { platform: docker, container: ${name} } }
recovery: { isolate: [{ name: outside, command: [${firewall}, close] }] }`,
      });
      const outcome = await isolate.run({ services: ['api'], commands: ['outside'] }, context);
      expect(outcome.text).toBe('cut off api, outside');
      expect(readFileSync(at('closed'), 'utf8')).toBe('close INC-1\n');
      const shown = await docker.docker(
        'inspect',
        '--format',
        '{{.State.Running}} {{len .NetworkSettings.Networks}}',
        name,
      );
      expect(shown).toBe('true 0');
      // Again, as after a crash.
      await isolate.run({ services: ['api'], commands: [] }, context);
    });

    it('names what its platform cannot cut off', async () => {
      const context = stepContext({
        folder,
        yaml: `${uploads()}\nservices: { api: ${shell('')} }`,
      });
      expect(await isolate.check?.({ services: ['api'], commands: [] }, context)).toEqual([
        expect.stringContaining('api cannot be cut off'),
      ]);
    });
  });

  it('that copies evidence keeps every byte, and what it was cut in is made anew', async () => {
    mkdirSync(at('real/inner'), { recursive: true });
    writeFileSync(at('real/inner/a'), 'encrypted');
    symlinkSync(at('real'), at('uploads'));
    const image = script('image', 'echo disk >> images');
    const context = stepContext({
      folder,
      yaml: `${uploads()}
recovery: { forensicCopies: [{ name: disk, command: [${image}] }] }`,
    });
    const input = { copies: ['disk'], sources: ['uploads'] };
    // As a run that was killed left it: a part, and no hashes.
    const place = at('state/forensic/INC-1/token-of-test-uploads-0');
    mkdirSync(join(place, 'files'), { recursive: true });
    writeFileSync(join(place, 'files/half'), 'half');
    expect(await forensicCopy.probe(input, context)).toEqual({ found: 'continue' });
    const { result } = await forensicCopy.run(input, context);
    expect(result).toMatchObject({ copies: [{ of: at('uploads'), files: 1, bytes: 9 }] });
    expect(existsSync(join(place, 'files/half'))).toBe(false);
    execFileSync('sha256sum', ['--strict', '-c', `${place}.SHA256SUMS`], {
      cwd: place,
    });
    // Once more: what is whole stays as it is, whatever became of the original.
    writeFileSync(at('real/inner/a'), 'gone');
    await forensicCopy.run(input, context);
    expect(readFileSync(join(place, 'files/inner/a'), 'utf8')).toBe('encrypted');
  });

  it('that changes credentials runs what there is a command for, and keeps nothing it prints', async () => {
    const rotate = script('rotate', 'echo "the new key is hunter2"; echo done >> rotated');
    const context = stepContext({
      folder,
      yaml: `${uploads()}
recovery: { credentials: [{ name: payment key, rotate: [${rotate}] }] }`,
    });
    const input = {
      credentials: [
        { name: 'payment key', from: 'configuration' as const, how: '' },
        { name: 'password of x', from: 'source' as const, how: 'ALTER ROLE' },
      ],
    };
    expect(await rotateCredentials.probe(input, context)).toMatchObject({ found: 'unclear' });
    const outcome = await rotateCredentials.run(input, context);
    expect(outcome.result).toEqual({
      changed: ['payment key'],
      byHand: ['password of x: ALTER ROLE'],
    });
    expect(readFileSync(at('rotated'), 'utf8')).toBe('done\n');
    expect(JSON.stringify([outcome, context.told])).not.toContain('hunter2');
    expect(await rotateCredentials.probe(input, context)).toMatchObject({ found: 'continue' });
    await rotateCredentials.run(input, context);
    expect(readFileSync(at('rotated'), 'utf8')).toBe('done\n');
  });

  describe('that restores files', () => {
    it('puts them beside, or back where they were; what is there and right is not written again', async () => {
      mkdirSync(at('uploads'));
      for (const name of ['kept', 'changed', 'lost']) writeFileSync(at(`uploads/${name}`), name);
      await using stored = await localRepository();
      const { repository } = stored;
      const { snapshot } = await backupFiles({
        repository,
        source: 'uploads',
        paths: [at('uploads')],
      });
      writeFileSync(at('uploads/changed'), 'encrypted');
      rmSync(at('uploads/lost'));
      writeFileSync(at('uploads/new'), 'written since');
      const context = stepContext({ folder, yaml: uploads(), repository });
      const input = { source: 'uploads', snapshot };
      const beside = await restoreFilesStep.run(
        { ...input, into: 'run-folder', replace: 'changed' },
        context,
      );
      const { place } = beside.result as { place: { folder: string } };
      expect(readFileSync(join(place.folder, 'lost'), 'utf8')).toBe('lost');

      await restoreFilesStep.run({ ...input, into: 'in-place', replace: 'missing' }, context);
      const read = (name: string) => readFileSync(at(`uploads/${name}`), 'utf8');
      expect([read('changed'), read('lost')]).toEqual(['encrypted', 'lost']);
      await restoreFilesStep.run({ ...input, into: 'in-place', replace: 'changed' }, context);
      expect([read('kept'), read('changed'), read('lost'), read('new')]).toEqual([
        'kept',
        'changed',
        'lost',
        'written since',
      ]);
    });
  });

  it('that redeploys is done when the service is made of what was recorded, and not before', async (test) => {
    await using docker = await dockerUnderTest(test, 'redeploy');
    const name = `${docker.prefix}-api`;
    const start = (greeting: string) =>
      `docker rm -f ${name} >/dev/null 2>&1; docker run -d --name ${name} -e GREETING=${greeting} ${docker.image} sleep 600`;
    const context = (command: string, repository: Repository) =>
      stepContext({
        folder,
        repository,
        yaml: `${uploads()}
services: { api: { platform: docker, container: ${name}, writes: [uploads], redeploy: [${command}] } }`,
      });
    await using stored = await localRepository();
    const { repository } = stored;
    const wrong = script('wrong', start('changed'));
    const right = script('right', start('welcome'));
    execFileSync(right);
    const { configuration, environment } = context(right, repository).surroundings;
    await recordServiceBaselines({
      configuration,
      platforms: createPlatforms({ environment }),
      repository,
      source: 'uploads',
      snapshot: 'ab12',
    });
    execFileSync(wrong);
    const input = { service: 'api', differs: ['the variable GREETING has another value'] };
    expect(await redeploy.probe(input, context(right, repository))).toMatchObject({
      found: 'unclear',
      what: expect.stringContaining('GREETING'),
    });
    await expect(redeploy.run(input, context(wrong, repository))).rejects.toMatchObject({
      code: 'run.failed',
      message: expect.stringContaining('GREETING'),
    });
    const outcome = await redeploy.run(input, context(right, repository));
    expect(outcome.text).toBe('api is made of what it was recorded as');
    expect(await redeploy.probe(input, context(right, repository))).toMatchObject({
      found: 'done',
    });
  });
});
