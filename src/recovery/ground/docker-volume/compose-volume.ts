import type { DockerService, ServiceSetting } from '../../../config/index.ts';
import { isLifeboatError } from '../../../core/index.ts';
import { runScript, type ScriptEnd } from '../in-volume/run-script.ts';

/** A volume as the compose files of a configured service want it. */
export interface ComposeVolume {
  /** As `docker volume create` takes them; with those by which compose knows it as its own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly driver: string | undefined;
  readonly driverOptions: Readonly<Record<string, string>>;
  /** Of a service that mounts it. */
  readonly image: string | undefined;
}

/** What `compose config --format json` prints, as far as it is looked at. */
interface ComposeModel {
  readonly name?: string;
  readonly volumes?: Record<
    string,
    {
      readonly name?: string;
      readonly driver?: string;
      readonly driver_opts?: Record<string, string>;
      readonly labels?: Record<string, string>;
      readonly external?: unknown;
    }
  >;
  readonly services?: Record<
    string,
    { readonly image?: string; readonly volumes?: readonly { type?: string; source?: string }[] }
  >;
}

export interface FindComposeVolumeOptions {
  readonly volume: string;
  readonly services: readonly ServiceSetting[];
  readonly context: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks for a volume in the compose files of the configured services: after `docker compose down -v` nothing else tells what it was.
 * Undefined: none of them names it, or compose is not there to read them.
 */
export async function findComposeVolume(
  options: FindComposeVolumeOptions,
): Promise<ComposeVolume | undefined> {
  const seen = new Set<string>();
  for (const service of options.services) {
    if (service.platform !== 'docker' || service.compose === undefined) continue;
    const { files, project } = service.compose;
    const key = JSON.stringify([files, project]);
    if (service.context !== options.context || seen.has(key)) continue;
    seen.add(key);
    const model = await readModel(service.compose, options);
    const found = model && volumeIn(model, options.volume);
    if (found) return found;
  }
  return undefined;
}

function volumeIn(model: ComposeModel, volume: string): ComposeVolume | undefined {
  const { name: project = '', volumes = {}, services = {} } = model;
  const found = Object.entries(volumes).find(
    ([key, each]) => (each.name ?? `${project}_${key}`) === volume && !each.external,
  );
  if (found === undefined) return undefined;
  const [key, { driver, driver_opts = {}, labels = {} }] = found;
  const user = Object.values(services).find(({ volumes: mounts = [] }) =>
    mounts.some(({ type, source }) => type === 'volume' && source === key),
  );
  return {
    labels: {
      ...labels,
      'com.docker.compose.project': project,
      'com.docker.compose.volume': key,
    },
    driver,
    driverOptions: driver_opts,
    image: user?.image,
  };
}

async function readModel(
  { files, project }: NonNullable<DockerService['compose']>,
  { context, environment, signal }: FindComposeVolumeOptions,
): Promise<ComposeModel | undefined> {
  const words = [
    ...files.flatMap((file) => ['--file', file]),
    ...(project === undefined ? [] : ['--project-name', project]),
    'config',
    '--format',
    'json',
  ];
  const asPlugin = [...(context === undefined ? [] : ['--context', context]), 'compose', ...words];
  for (const [program, args] of [
    ['docker', asPlugin],
    ['docker-compose', words],
  ] as const) {
    const end = await runScript({ program, args, environment, signal }).catch(ignoreMissing);
    const model = end?.exitCode === 0 ? parseModel(end) : undefined;
    if (model) return model;
  }
  return undefined;
}

function parseModel({ stdout }: ScriptEnd): ComposeModel | undefined {
  try {
    return JSON.parse(stdout.toString('utf8')) as ComposeModel;
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!isLifeboatError(error, 'ground.unavailable')) throw error;
}
