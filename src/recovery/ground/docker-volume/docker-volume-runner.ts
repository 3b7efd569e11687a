import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { GroundFile, ServiceSetting } from '../../../config/index.ts';
import { LifeboatError, sleep } from '../../../core/index.ts';
import { machinesOfEngine } from '../../../platforms/index.ts';
import type { GroundRequest } from '../ground.ts';
import type { ScriptEnd } from '../in-volume/run-script.ts';
import { script } from '../in-volume/script.ts';
import type { RunnerCall, ScriptRunner } from '../in-volume/script-place.ts';
import { type ComposeVolume, findComposeVolume } from './compose-volume.ts';
import { createVolume } from './create-volume.ts';
import { DockerClient, dockerFailed } from './docker-client.ts';

export type DockerVolumeSetting = Extract<GroundFile, { kind: 'docker-volume' }>;

/** Where the helper container has the volume. */
const mountPoint = '/volume';
/** A helper has nothing to end in order. */
const removalPatienceMs = 30_000;
const tokenLabel = 'io.lifeboat.token';

/** Runs the script in a helper container that has the volume, no network, and nothing else. */
export class DockerVolumeRunner implements ScriptRunner {
  readonly kind = 'docker-volume';
  readonly folder: string;
  readonly #setting: DockerVolumeSetting;
  readonly #services: readonly ServiceSetting[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #docker: DockerClient;

  /** `services`: whose compose files may name the volume. */
  constructor(
    setting: DockerVolumeSetting,
    services: readonly ServiceSetting[],
    environment: NodeJS.ProcessEnv,
  ) {
    this.#setting = setting;
    this.#services = services;
    this.#environment = environment;
    this.#docker = new DockerClient(setting.context, environment);
    this.folder = folderOf(setting);
  }

  describe(): string {
    const { subfolder } = this.#setting;
    return subfolder === undefined ? this.#volume() : `${subfolder} in ${this.#volume()}`;
  }

  describePath(path: string): string {
    return `${posix.relative(mountPoint, path)} in ${this.#volume()}`;
  }

  #volume(): string {
    const { volume, context } = this.#setting;
    return `docker volume ${volume}${context === undefined ? '' : ` (context ${context})`}`;
  }

  async identify({ signal }: GroundRequest) {
    const told = await this.#docker.ask(['info', '--format', '{{.ID}} {{.Name}}'], signal);
    const [engine = '', name = ''] = told.split(' ');
    // Without an engine the client answers with an empty template.
    if (engine === '') {
      throw dockerFailed({ exitCode: 1, stdout: Buffer.alloc(0), stderr: 'no engine answers' });
    }
    const where = ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'];
    const { context } = this.#setting;
    const endpoint = await this.#docker.ask([...where, ...(context ? [context] : [])], signal);
    const facts = JSON.stringify(['docker-volume', engine, this.#setting.volume, this.folder]);
    return {
      text: `${this.describe()} on ${name}`,
      fingerprint: createHash('sha256').update(facts).digest('hex').slice(0, 32),
      machines: await machinesOfEngine(engine, endpoint),
    };
  }

  async run(args: readonly string[], call: RunnerCall): Promise<ScriptEnd | undefined> {
    const { purpose, signal, token } = call;
    if (!(await this.#isThere(signal))) {
      // Starting a container with it would make it, without what compose knows it by.
      if (purpose === 'look') return undefined;
      if (purpose === 'move') throw this.#gone();
      await this.#create(signal);
    }
    if (purpose === 'move') await this.#refuseUsed(signal);
    const image = await this.#findImage(signal);
    const name = purpose === 'look' ? undefined : this.#helperName();
    if (name !== undefined) await this.#endFormer(name, token, signal);
    const words = [
      ...['run', '--rm', '--interactive', '--network', 'none', '--user', '0:0'],
      // Otherwise the engine would write what is read from the volume to its log, too.
      ...['--log-driver', 'none', '--label', `${tokenLabel}=${token}`],
      ...(name === undefined ? [] : ['--name', name]),
      ...['--mount', this.#mount(purpose)],
      ...['--entrypoint', 'sh', image, '-c', script, 'lifeboat', ...args],
    ];
    let isOver = false;
    try {
      const end = await this.#docker.run(words, { input: call.input, signal });
      isOver = true;
      return this.#judge(end, image);
    } finally {
      // The client is gone; what it started is not.
      if (!isOver && name !== undefined) await this.#remove(name);
    }
  }

  #mount(purpose: RunnerCall['purpose']): string {
    const words = ['type=volume', `source=${this.#setting.volume}`, `target=${mountPoint}`];
    // What an image has at that place is not to come into an empty volume.
    return [...words, 'volume-nocopy', ...(purpose === 'look' ? ['readonly'] : [])].join(',');
  }

  async #isThere(signal: AbortSignal | undefined): Promise<boolean> {
    const end = await this.#docker.run(['volume', 'inspect', this.#setting.volume], { signal });
    if (end.exitCode === 0) return true;
    if (/no such volume/i.test(end.stderr)) return false;
    throw dockerFailed(end);
  }

  async #create(signal: AbortSignal | undefined): Promise<void> {
    const { volume, context } = this.#setting;
    const [services, environment] = [this.#services, this.#environment];
    await createVolume({ volume, services, context, environment, signal });
  }

  /** A container that is paused or restarts counts too: it may write at any moment. */
  async #refuseUsed(signal: AbortSignal | undefined): Promise<void> {
    const states = ['running', 'paused', 'restarting'].flatMap((state) => [
      '--filter',
      `status=${state}`,
    ]);
    const format = `{{.Names}} {{.Label "${tokenLabel}"}}`;
    const told = await this.#docker.ask(
      ['ps', '--filter', `volume=${this.#setting.volume}`, ...states, '--format', format],
      signal,
    );
    const users = told
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([name = '', token = '']) => name !== '' && token === '')
      .map(([name = '']) => name);
    if (users.length === 0) return;
    throw new LifeboatError('target.in-use', `${users.join(', ')} uses ${this.describe()}`, {
      hint: `Stop it first, and what starts it again: \`docker stop ${users.join(' ')}\`, or \`docker compose stop\`.`,
      context: { containers: users },
    });
  }

  /** One helper at a time for each volume: the name is taken. One that a killed process left is ended. */
  async #endFormer(name: string, token: string, signal: AbortSignal | undefined): Promise<void> {
    const format = `{{.State}} {{.Label "${tokenLabel}"}}`;
    const told = await this.#docker.ask(
      ['ps', '--all', '--filter', `name=^/?${name}$`, '--format', format],
      signal,
    );
    if (told === '') return;
    const [state, owner] = told.split(' ');
    if (state === 'running' && owner !== token) {
      throw new LifeboatError(
        'ground.unavailable',
        `another delivery works at ${this.describe()}`,
        {
          hint: `It is the container ${name}. Wait until it has ended.`,
          context: { container: name, token: owner ?? '' },
          retryable: true,
        },
      );
    }
    await this.#remove(name, signal);
  }

  /** The engine may be at it already, as it was told to when the helper began: the name is free only once it is done. */
  async #remove(name: string, signal?: AbortSignal): Promise<void> {
    const until = performance.now() + removalPatienceMs;
    for (;;) {
      const { exitCode, stderr } = await this.#docker.run(['rm', '--force', name], { signal });
      const isUnderWay = exitCode !== 0 && /already in progress/i.test(stderr);
      if (!isUnderWay || performance.now() > until) return;
      await sleep(100, signal);
    }
  }

  #helperName(): string {
    const hash = createHash('sha256').update(this.#setting.volume).digest('hex').slice(0, 16);
    return `lifeboat-ground-${hash}`;
  }

  async #findImage(signal: AbortSignal | undefined): Promise<string> {
    if (this.#setting.image !== undefined) return this.#setting.image;
    const told = await this.#docker.ask(
      ['ps', '--all', '--filter', `volume=${this.#setting.volume}`, '--format', '{{.Image}}'],
      signal,
    );
    const found = told.split('\n')[0] || (await this.#composeVolume(signal))?.image;
    if (found) return found;
    throw new LifeboatError('ground.unavailable', `no image is known to read ${this.describe()}`, {
      hint: 'No container uses the volume. Name one that has sh and tar as `image` of the ground, such as busybox or the image of the service.',
    });
  }

  async #composeVolume(signal: AbortSignal | undefined): Promise<ComposeVolume | undefined> {
    const { volume, context } = this.#setting;
    const [services, environment] = [this.#services, this.#environment];
    return await findComposeVolume({ volume, services, context, environment, signal });
  }

  /** docker-run(1), "Exit status": these are of the engine, not of the script. */
  #judge(end: ScriptEnd, image: string): ScriptEnd {
    if (end.exitCode === 125) throw dockerFailed(end);
    if (end.exitCode !== 126 && end.exitCode !== 127) return end;
    throw new LifeboatError('ground.unavailable', `the image ${image} lacks a program`, {
      hint: 'It needs sh, tar, and the usual programs of busybox or coreutils. Name another `image` for the ground.',
      context: { said: end.stderr.split('\n').slice(-4) },
    });
  }

  #gone(): LifeboatError {
    return new LifeboatError('ground.failed', `there is no ${this.describe()} any more`, {
      hint: 'What was delivered there went with it. Fill it again.',
    });
  }
}

/** Errors: `config.invalid`. */
function folderOf({ subfolder, volume }: DockerVolumeSetting): string {
  const folder = posix.join(mountPoint, subfolder ?? '');
  const isInside = folder === mountPoint || folder.startsWith(`${mountPoint}/`);
  if (isInside && !folder.includes('\n')) return folder.replace(/\/$/, '');
  throw new LifeboatError('config.invalid', `${subfolder} is no folder in the volume ${volume}`, {
    hint: 'Name a folder relative to the root of the volume.',
  });
}
