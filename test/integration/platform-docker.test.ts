import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import type { DockerService } from '../../src/config/index.ts';
import type { Platform } from '../../src/platforms/index.ts';
import { createPlatforms, requirePlace } from '../../src/platforms/index.ts';
import { type PlatformUnderTest, testPlatform } from '../../src/platforms/platform-contract.ts';
import { type DockerUnderTest, dockerUnderTest } from '../support/docker.ts';
import { ownEngine } from '../support/own-engine.ts';
import { temporaryFolder } from '../support/postgres.ts';

const secret = 'correct-horse-7f2a';
/** Says hello, answers on port 8080, ends at once when asked to. */
const body = `trap 'exit 0' TERM
for n in 1 2 3; do echo hello $n; done
mkdir /www; echo here >/www/index.html; httpd -p 8080 -h /www
while :; do sleep 1 & wait $!; done`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) });
    return true;
  } catch {
    return false;
  }
}

function platformOf(service: DockerService, environment = process.env): Platform {
  return createPlatforms({ environment }).of(service);
}

function containerService(container: string): DockerService {
  return { platform: 'docker', name: 'web', container };
}

/** Ids and moments of start of all that runs under the prefix. */
async function incarnationOf(engine: DockerUnderTest, name: string): Promise<string | undefined> {
  const ids = await engine.docker('ps', '--quiet', '--no-trunc', '--filter', `name=^/?${name}`);
  if (ids === '') return undefined;
  const format = '{{.Id}} {{.State.StartedAt}}';
  return engine.docker('inspect', '--format', format, ...ids.split('\n').sort());
}

async function container(context: TestContext): Promise<PlatformUnderTest> {
  const engine = await dockerUnderTest(context, 'platform');
  const port = await freePort();
  const [web, slow] = [`${engine.prefix}-web`, `${engine.prefix}-slow`];
  const start = (value: string) =>
    engine.docker(
      ...['run', '--detach', '--name', web, '--restart', 'always', '--env', `SECRET=${value}`],
      ...['--publish', `127.0.0.1:${port}:8080`, engine.image, 'sh', '-c', body],
    );
  await start(secret);
  const service = containerService(web);
  return {
    platform: platformOf(service),
    service,
    absent: containerService(`${engine.prefix}-gone`),
    async slow() {
      await engine.docker(
        'run',
        '--detach',
        '--name',
        slow,
        '--stop-timeout',
        '60',
        engine.image,
        'sleep',
        '1000',
      );
      return containerService(slow);
    },
    secret,
    incarnation: () => incarnationOf(engine, web),
    async changeSecret(value) {
      await engine.docker('rm', '--force', web);
      await start(value);
    },
    isReachable: () => answers(port),
    withoutProgram: platformOf(service, { PATH: '/nowhere' }),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

testPlatform('docker, container', container, { interruptAfterMs: [20, 120] });

/** The file of a project with `web`, `slow` and `ghost`, of which only the first was started. */
async function composed(engine: DockerUnderTest, scale: number): Promise<string> {
  const file = join(temporaryFolder('compose'), 'compose.yaml');
  writeComposeFile(file, engine, secret, scale);
  await engine.compose('--file', file, 'up', '--detach', '--wait', 'web');
  return file;
}

function writeComposeFile(
  file: string,
  { prefix, image }: DockerUnderTest,
  value: string,
  scale: number,
): void {
  const web = {
    image,
    command: ['sh', '-c', body.replaceAll('$', '$$')],
    environment: { SECRET: value },
    restart: 'unless-stopped',
    scale,
    networks: { default: { aliases: ['api'] } },
    healthcheck: { test: ['CMD', 'pidof', 'httpd'], interval: '300ms' },
  };
  const slow = { image, command: ['sleep', '1000'], stop_grace_period: '60s' };
  const services = { web, slow, ghost: { image, command: ['sleep', '1000'] } };
  writeFileSync(file, JSON.stringify({ name: prefix, services }));
}

async function composeService(context: TestContext): Promise<PlatformUnderTest> {
  const engine = await dockerUnderTest(context, 'compose');
  const file = await composed(engine, 1);
  const of = (name: string): DockerService => ({
    platform: 'docker',
    name,
    compose: { files: [file], service: name, project: engine.prefix },
  });
  return {
    platform: platformOf(of('web')),
    service: of('web'),
    absent: of('ghost'),
    async slow() {
      await engine.compose('--file', file, 'up', '--detach', 'slow');
      return of('slow');
    },
    secret,
    incarnation: () => incarnationOf(engine, `${engine.prefix}-web`),
    async changeSecret(value) {
      writeComposeFile(file, engine, value, 1);
      await engine.compose('--file', file, 'up', '--detach', '--wait', 'web');
    },
    async isReachable() {
      const hosts = `web api ${engine.prefix}-web-1`;
      const ask = `for host in ${hosts}; do timeout 3 wget -qO- http://$host:8080/ || exit 1; done`;
      const network = `${engine.prefix}_default`;
      try {
        const said = await engine.docker(
          'run',
          '--rm',
          '--network',
          network,
          engine.image,
          'sh',
          '-c',
          ask,
        );
        return said === 'here\nhere\nhere';
      } catch {
        return false;
      }
    },
    withoutProgram: platformOf(of('web'), { PATH: '/nowhere' }),
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      rmSync(dirname(file), { recursive: true });
    },
  };
}

testPlatform('docker, compose service', composeService, {
  absentBecomes: 'running',
  interruptAfterMs: [60],
});

describe('compose services', () => {
  it('are made again after a down, as many as there were, and only they', async (context) => {
    await using engine = await dockerUnderTest(context, 'down');
    const file = await composed(engine, 2);
    // The project is found by its containers, and after the down by its file.
    const service: DockerService = {
      platform: 'docker',
      name: 'web',
      compose: { files: [file], service: 'web' },
    };
    const platform = platformOf(service);
    const before = await platform.inspect(service);
    expect(before.text).toMatch(/web-1: runs .* \(healthy\); .*web-2: runs/);
    await engine.compose('--file', file, 'down', '--volumes');
    expect(await platform.inspect(service)).toMatchObject({ status: 'absent' });
    await platform.stop(service);
    await platform.restore(service, before);
    const after = await platform.inspect(service);
    expect(after.status).toBe('running');
    const about = ({ restore }: typeof before) =>
      (restore.containers as Record<string, unknown>[]).map(({ id: _, ...others }) => others);
    expect(about(after)).toEqual(about(before));
    expect(await incarnationOf(engine, `${engine.prefix}-slow`)).toBeUndefined();
    await engine.compose('--file', file, 'down');
    await platform.restart(service);
    expect(await platform.inspect(service)).toMatchObject({ status: 'running' });
    rmSync(dirname(file), { recursive: true });
  });
});

describe('an engine that is started anew', () => {
  it('starts what was only stopped, leaves alone what Lifeboat stopped, and is no other engine', async (context) => {
    await using own = await ownEngine(context);
    const [plain, held] = [containerService('plain'), containerService('held')];
    for (const name of ['plain', 'held']) {
      const options = ['--detach', '--network', 'none', '--restart', 'always', '--name', name];
      await own.docker('run', ...options, own.image, 'sh', '-c', body);
    }
    const platform = platformOf(held, own.environment);
    const [before, identity] = [await platform.inspect(held), await platform.identify()];
    await own.docker('stop', 'plain');
    await platform.stop(held);
    await own.startAnew();
    expect(await platform.inspect(plain)).toMatchObject({ status: 'running' });
    expect(await platform.inspect(held)).toMatchObject({ status: 'stopped' });
    await platform.restore(held, before);
    expect(await platform.inspect(held)).toMatchObject({
      status: 'running',
      restore: before.restore,
    });
    await requirePlace(platform, identity);
    await expect(requirePlace(platformOf(held), identity)).rejects.toMatchObject({
      code: 'platform.other-place',
    });
  });
});

describe('containers', () => {
  it('lose their restart policy while they are stopped, and get just that back', async (context) => {
    await using engine = await dockerUnderTest(context, 'policy');
    const name = `${engine.prefix}-loop`;
    const service = containerService(name);
    const platform = platformOf(service);
    // Ends again and again: the engine is about to start it at any moment.
    const body = ['sh', '-c', 'sleep 0.3; exit 3'];
    await engine.docker(
      'run',
      '--detach',
      '--name',
      name,
      '--restart',
      'on-failure:90',
      engine.image,
      ...body,
    );
    const policy = () =>
      engine.docker('inspect', '--format', '{{json .HostConfig.RestartPolicy}}', name);
    const before = await platform.inspect(service);
    await platform.stop(service);
    expect(JSON.parse(await policy())).toMatchObject({ Name: 'no' });
    await setTimeout(500);
    expect(await platform.inspect(service)).toMatchObject({ status: 'stopped' });
    // Put back it ends again and again as before. A busy engine may take it for running when it is looked at.
    const result = await platform
      .restore(service, before, { timeoutMs: 6_000 })
      .catch((error) => error.code);
    expect([undefined, 'platform.timeout']).toContain(result);
    expect(JSON.parse(await policy())).toEqual({ Name: 'on-failure', MaximumRetryCount: 90 });
  });

  it('that were paused are paused again', async (context) => {
    await using engine = await dockerUnderTest(context, 'paused');
    const name = `${engine.prefix}-web`;
    const service = containerService(name);
    const platform = platformOf(service);
    await engine.docker('run', '--detach', '--name', name, engine.image, 'sh', '-c', body);
    await engine.docker('pause', name);
    const before = await platform.inspect(service);
    expect(before).toMatchObject({ status: 'running', text: 'paused' });
    await platform.stop(service);
    await platform.restore(service, before);
    expect(await engine.docker('inspect', '--format', '{{.State.Status}}', name)).toBe('paused');
    await engine.docker('unpause', name);
  });

  it('that would be removed by a stop are refused and left alone', async (context) => {
    await using engine = await dockerUnderTest(context, 'autoremove');
    const name = `${engine.prefix}-web`;
    await engine.docker('run', '--rm', '--detach', '--name', name, engine.image, 'sh', '-c', body);
    const service = containerService(name);
    await expect(platformOf(service).stop(service)).rejects.toMatchObject({
      code: 'platform.failed',
      message: expect.stringContaining('--rm'),
    });
    expect(await incarnationOf(engine, name)).toBeDefined();
  });

  it('that end at once, or never get healthy, are no success', async (context) => {
    await using engine = await dockerUnderTest(context, 'ends');
    const [ends, sick] = [`${engine.prefix}-ends`, `${engine.prefix}-sick`];
    await engine.docker('create', '--name', ends, engine.image, 'sh', '-c', 'exit 3');
    const health = ['--health-cmd', 'false', '--health-interval', '200ms', '--health-retries', '2'];
    await engine.docker('create', '--name', sick, ...health, engine.image, 'sh', '-c', body);
    const wanted = { status: 'running', text: '', restore: {} } as const;
    const platform = platformOf(containerService(ends));
    await expect(platform.restore(containerService(ends), wanted)).rejects.toMatchObject({
      code: 'platform.failed',
      message: expect.stringMatching(
        `^cannot start the container ${ends}: ${ends} exited with 3, at [0-9-]{10}T[0-9:]{8}Z$`,
      ),
    });
    const waiting = platform.restore(containerService(sick), wanted, { timeoutMs: 2_500 });
    await expect(waiting).rejects.toMatchObject({
      code: 'platform.timeout',
      message: expect.stringMatching(/within 2.5 s: .* \((unhealthy|starting)\)/),
    });
  });

  it('come back into their networks with aliases and addresses, and stay out until then', async (context) => {
    await using engine = await dockerUnderTest(context, 'networks');
    const [name, net, shared] = [
      `${engine.prefix}-web`,
      `${engine.prefix}-net`,
      `${engine.prefix}-host`,
    ];
    await engine.docker('network', 'create', '--subnet', '10.213.77.0/28', net);
    const join = ['--network', net, '--ip', '10.213.77.5', '--network-alias', 'api'];
    await engine.docker('run', '--detach', '--name', name, ...join, engine.image, 'sh', '-c', body);
    await engine.docker('network', 'connect', 'bridge', name);
    const service = containerService(name);
    const { isolation, ...platform } = platformOf(service);
    const undo = await isolation?.prepare(service);
    expect(JSON.stringify(undo)).toContain('"aliases":["api"],"ip":"10.213.77.5"');
    await isolation?.isolate(service);
    await platform.restart(service);
    const networks = () =>
      engine.docker('inspect', '--format', '{{json .NetworkSettings.Networks}}', name);
    expect(await networks()).toBe('{}');
    await isolation?.rejoin(service, undo ?? {});
    const joined = JSON.parse(await networks());
    expect(Object.keys(joined).sort()).toEqual(['bridge', net]);
    expect(joined[net]).toMatchObject({ IPAddress: '10.213.77.5' });
    expect(joined[net].Aliases).toContain('api');
    await engine.docker(
      'run',
      '--detach',
      '--name',
      shared,
      '--network',
      'host',
      engine.image,
      'sleep',
      '60',
    );
    await expect(isolation?.isolate(containerService(shared))).rejects.toMatchObject({
      code: 'platform.failed',
      message: expect.stringContaining('network of the host'),
    });
  });

  it('give both streams in the order of time', async (context) => {
    await using engine = await dockerUnderTest(context, 'streams');
    const name = `${engine.prefix}-talks`;
    const talk = 'for n in 1 2 3; do echo out $n; sleep 0.05; echo err $n >&2; sleep 0.05; done';
    await engine.docker('run', '--name', name, engine.image, 'sh', '-c', talk);
    const service = containerService(name);
    const lines = await platformOf(service).output(service, { lines: 4 });
    expect(lines).toEqual(['out 2', 'err 2', 'out 3', 'err 3']);
  });

  it('of an engine that cannot be reached are not called absent', async (context) => {
    await dockerUnderTest(context, 'unreachable');
    const service = containerService('web');
    const environment = { ...process.env, DOCKER_HOST: 'unix:///nowhere/docker.sock' };
    const unknown = { ...service, context: 'no-such-context' };
    for (const call of [
      () => platformOf(service, environment).inspect(service),
      () => platformOf(service, environment).stop(service),
      () => platformOf(unknown).inspect(unknown),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'platform.unavailable',
        hint: expect.stringContaining('docker info'),
      });
    }
  });
});
