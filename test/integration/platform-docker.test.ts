import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import type { DockerService } from '../../src/config/index.ts';
import type { Platform } from '../../src/platforms/index.ts';
import { createPlatforms } from '../../src/platforms/index.ts';
import { type PlatformUnderTest, testPlatform } from '../../src/platforms/platform-contract.ts';
import { type DockerUnderTest, dockerUnderTest } from '../support/docker.ts';
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

/** The name of the file of a project with `web`, twice, `slow` and `ghost`, of which the first two were started. */
async function composed(engine: DockerUnderTest, value = secret): Promise<string> {
  const file = join(temporaryFolder('compose'), 'compose.yaml');
  writeComposeFile(file, engine, value);
  await engine.compose('--file', file, 'up', '--detach', '--wait', 'web');
  return file;
}

function writeComposeFile(file: string, { prefix, image }: DockerUnderTest, value: string): void {
  const web = {
    image,
    command: ['sh', '-c', body.replaceAll('$', '$$')],
    environment: { SECRET: value },
    restart: 'unless-stopped',
    scale: 2,
    networks: { default: { aliases: ['api'] } },
    healthcheck: { test: ['CMD', 'pidof', 'httpd'], interval: '300ms' },
  };
  const slow = { image, command: ['sleep', '1000'], stop_grace_period: '60s' };
  const services = { web, slow, ghost: { image, command: ['sleep', '1000'] } };
  writeFileSync(file, JSON.stringify({ name: prefix, services }));
}

async function composeService(context: TestContext): Promise<PlatformUnderTest> {
  const engine = await dockerUnderTest(context, 'compose');
  const file = await composed(engine);
  const of = (name: string): DockerService => ({
    platform: 'docker',
    name,
    compose: { files: [file], service: name },
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
      writeComposeFile(file, engine, value);
      await engine.compose('--file', file, 'up', '--detach', '--wait', 'web');
    },
    async isReachable() {
      const hosts = `web api ${engine.prefix}-web-2`;
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
