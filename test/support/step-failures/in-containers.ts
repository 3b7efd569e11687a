import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { createPlatforms } from '../../../src/platforms/index.ts';
import { recordServiceBaselines } from '../../../src/recovery/service-baseline/record-service-baselines.ts';
import { type DockerUnderTest, dockerUnderTest } from '../docker.ts';
import { type FaultyRelay, startFaultyRelay } from '../faulty-relay.ts';
import { findProgram } from '../programs.ts';
import { stepContext } from '../step-context.ts';
import type { FailingWay, FailureTable } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';

// Kinds that drive containers: the real engine, behind a relay, and a program before `docker` that is broken.

const minutes = 60_000;
const engineSocket = '/var/run/docker.sock';

interface Containers {
  readonly docker: DockerUnderTest;
  readonly relay: FaultyRelay;
  readonly name: string;
}

const known = new WeakMap<FailureScene, Containers>();

function containersOf(scene: FailureScene): Containers {
  return known.get(scene) as Containers;
}

/** A container that runs, and a way to its engine of its own. */
async function prepare(scene: FailureScene, broken: string): Promise<void> {
  const docker = scene.use(await dockerUnderTest(scene.context, 'failing'));
  const socket = scene.at('docker.sock');
  const relay = scene.use(await startFaultyRelay(engineSocket, socket));
  scene.environment.DOCKER_HOST = `unix://${socket}`;
  const name = `${docker.prefix}-api`;
  known.set(scene, { docker, relay, name });
  writeFileSync(scene.at('name'), name);
  const real = findProgram('docker') as string;
  scene.script(
    'up',
    `docker rm -f ${name} >/dev/null 2>&1
docker run -d --name ${name} -e GREETING=\${1:-welcome} ${docker.image} sleep 600 >/dev/null`,
  );
  await docker.docker(
    'run',
    '-d',
    '--name',
    name,
    '-e',
    'GREETING=welcome',
    docker.image,
    'sleep',
    '600',
  );
  scene.script('bin/docker', `exec ${real} "$@"`, broken);
}

const yaml = (
  scene: FailureScene,
  more = '',
) => `sources: { uploads: { kind: files, paths: [${scene.at('uploads')}] } }
services: { api: { platform: docker, container: ${containersOf(scene).name}, writes: [uploads]${more} } }`;

interface Docker extends Partial<FailingWay> {
  /** What `docker` does while it is broken. */
  readonly broken?: string;
  readonly cutAt?: string;
}

/** What is compared is what the container is and does, by the engine itself. */
async function facts(scene: FailureScene): Promise<string> {
  const { docker, name } = containersOf(scene);
  const format = '{{.State.Running}} {{len .NetworkSettings.Networks}} {{.Config.Env}}';
  return await docker.docker('inspect', '--format', format, name);
}

function withContainer({ broken = '', cutAt, ...rest }: Docker): FailingWay {
  return {
    fault: '',
    async prepare(scene) {
      await prepare(scene, broken);
      if (cutAt !== undefined) containersOf(scene).relay.breakAt(cutAt, 'cut');
    },
    yaml: (scene) => yaml(scene),
    steps: () => [],
    says: /./,
    mend: (scene) => containersOf(scene).relay.mend(),
    state: facts,
    ...rest,
  };
}

function identifying(rest: Docker): FailingWay {
  const places: Record<string, { text: string; fingerprint: string }> = {};
  return withContainer({
    steps: () => [{ id: 'it', kind: 'identify', isDestructive: false, input: { places } }],
    ...rest,
    async prepare(scene) {
      await prepare(scene, rest.broken ?? '');
      const { surroundings } = stepContext({ folder: scene.folder, yaml: yaml(scene) });
      const [service] = surroundings.configuration.services;
      if (!service) throw new TypeError('no service');
      // By the engine alone: the program is broken already.
      const platform = createPlatforms({ environment: process.env }).of(service);
      places['service api'] = await platform.identify();
      if (rest.cutAt !== undefined) containersOf(scene).relay.breakAt(rest.cutAt, 'cut');
    },
  });
}

function isolating(rest: Docker): FailingWay {
  return withContainer({
    steps: () => [
      {
        id: 'it',
        kind: 'isolate',
        title: 'Cut it off',
        input: { services: ['api'], commands: [] },
      },
    ],
    holds: async (scene) => expect(await facts(scene)).toMatch(/^true 1 /),
    done: async (scene) => expect(await facts(scene)).toMatch(/^true 0 /),
    stays: /Cut it off/,
    ...rest,
  });
}

function redeploying(rest: Docker & { readonly deploys?: string }): FailingWay {
  const { deploys = '', ...others } = rest;
  return withContainer({
    yaml: (scene) => yaml(scene, `, redeploy: [${scene.script('deploy', './up', deploys)}]`),
    steps: () => [
      {
        id: 'it',
        kind: 'redeploy',
        title: 'Deploy it',
        input: { service: 'api', differs: ['GREETING'] },
      },
    ],
    isAsked: true,
    done: async (scene) => expect(await facts(scene)).toMatch(/^true 1 .*GREETING=welcome/),
    stays: /Deploy it/,
    state: () => 'as the command left it, and told',
    ...others,
    async prepare(scene) {
      await prepare(scene, rest.broken ?? '');
      const { docker, name, relay } = containersOf(scene);
      const { configuration } = stepContext({
        folder: scene.folder,
        yaml: yaml(scene),
      }).surroundings;
      await recordServiceBaselines({
        configuration,
        platforms: createPlatforms({ environment: process.env }),
        repository: scene.repository,
        source: 'uploads',
        snapshot: 'ab12',
      });
      await docker.docker('rm', '-f', name);
      await docker.docker(
        'run',
        '-d',
        '--name',
        name,
        '-e',
        'GREETING=wrong',
        docker.image,
        'sleep',
        '600',
      );
      if (rest.cutAt !== undefined) relay.breakAt(rest.cutAt, 'cut');
    },
  });
}

const refuses = 'echo "permission denied while trying to connect" >&2; exit 1';

export const inContainers: FailureTable = {
  identify: {
    'time-out': identifying({
      fault: 'docker does not answer',
      broken: 'touch hangs; exec sleep 600',
      passesMs: minutes,
      says: /docker did not end within/,
    }),
    'non-zero': identifying({
      fault: 'docker ends with 1',
      broken: refuses,
      says: /permission denied while trying to connect/,
    }),
    partial: {
      cannot:
        'a database server that does not answer is named in the outcome, since it may be what the recovery is about; services and grounds have to answer, which are the other ways',
    },
    cut: identifying({
      fault: 'the connection to the engine is cut',
      cutAt: '/info',
      says: /docker|daemon|EOF/,
    }),
    'wrong answer': identifying({
      fault: 'docker answers with something else',
      broken: 'echo "{}"; exit 0',
      says: /cannot ask the Docker engine/,
    }),
  },
  isolate: {
    cut: isolating({
      fault: 'the connection to the engine is cut',
      isQuick: true,
      cutAt: '/disconnect',
      says: /docker|daemon|EOF/,
    }),
    'wrong answer': isolating({
      fault: 'docker answers with something else',
      broken: 'echo "{}"; exit 0',
      says: /api|docker/,
    }),
  },
  restart: {
    cut: withContainer({
      fault: 'the connection to the engine is cut',
      cutAt: '/restart',
      steps: () => [{ id: 'it', kind: 'restart', input: { service: 'api' } }],
      says: /docker|daemon|EOF/,
      isAsked: true,
    }),
  },
  redeploy: {
    'time-out': redeploying({
      fault: 'its command does not end',
      deploys: 'touch hangs; exec sleep 600',
      passesMs: 30 * minutes,
      says: /cannot deploy api as it was: .*did not end within/,
    }),
    'non-zero': redeploying({
      fault: 'its command ends with 3',
      deploys: 'echo "no such image" >&2; exit 3',
      says: /could not deploy api as it was: .*ended with 3: no such image/,
    }),
    partial: redeploying({
      fault: 'its command removes the container, and does not start another',
      deploys: './up half; docker stop -t 0 $(cat name) >/dev/null; exit 1',
      says: /could not deploy api as it was: .*ended with 1/,
    }),
    cut: redeploying({
      fault: 'the connection to the engine is cut as the container is made',
      cutAt: '/containers/create',
      says: /could not deploy api as it was|docker|daemon/,
    }),
    'wrong answer': redeploying({
      fault: 'its command deploys another one, and ends with 0',
      isQuick: true,
      deploys: './up other; exit 0',
      says: /api is not what it was recorded as after its redeploy command: .*GREETING/,
    }),
  },
};
