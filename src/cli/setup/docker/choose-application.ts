import { LifeboatError } from '../../../core/index.ts';
import type { DockerSurvey } from '../../../platforms/index.ts';
import type { Ask, CommandContext } from '../../command.ts';
import type { ChosenServer, ChosenServices, ChosenVolume } from '../setup-choices.ts';
import { uniqueName } from '../unique-name.ts';
import { isAgreed } from '../yes-or-no.ts';
import { type Application, isServerAt } from './applications.ts';
import { chosenServer, isServer, proposedUrl, type ServerContainer } from './server.ts';
import { type Candidate, candidatesOf, chosenServices, isOf } from './services.ts';
import { type Store, storesOf } from './stores.ts';

/** Given by options; what is undefined is asked, or proposed. */
export interface GivenParts {
  readonly connection: string | undefined;
  readonly volumes: readonly ChosenVolume[] | undefined;
  /** Of the source that folders of the host go to. */
  readonly files: string;
  /** The application was chosen, not only found by what the options name: all of it is offered. */
  readonly isWhole: boolean;
  /** Paths are named too: there is something to protect, whatever is chosen here. */
  readonly hasPaths: boolean;
}

export interface ChosenApplication {
  readonly connection?: string;
  readonly server?: ChosenServer;
  readonly volumes: readonly ChosenVolume[];
  /** Absolute. */
  readonly folders: readonly string[];
  readonly services?: ChosenServices;
}

export const databaseSource = 'database';

/** What of an application is protected, and how a recovery goes about it. Errors: `usage.invalid`, `cancelled`. */
export async function chooseApplication(
  application: Application,
  survey: DockerSurvey,
  given: GivenParts,
  context: CommandContext,
  ask: Ask | undefined,
): Promise<ChosenApplication> {
  const database = await chooseDatabase(application, given, context, ask);
  const taken = new Set([databaseSource, given.files]);
  const stores = await chooseStores(application, given, context, ask, taken);
  if (database === undefined && stores.length === 0 && !given.hasPaths) {
    throw nothingLeft(application);
  }
  const candidates = candidatesOf(application, database?.container);
  const writers = ask && (await askForWriters(candidates, context, ask));
  const services = chosenServices({
    application,
    candidates,
    server: database?.container,
    ...(writers ? { writers } : {}),
    database: databaseSource,
    stores,
    context: survey.context,
  });
  const names = services.entries.map(({ name }) => name);
  const question = `May a recovery stop and start ${names.join(', ')}, and put data back where it was? (It asks again before it does.)`;
  const mayAct = names.length > 0 && (!ask || (await isAgreed(ask, question)));
  const container = database?.container;
  const own = candidates.find((each) => isOf(container, each.containers));
  return {
    ...(database === undefined ? {} : { connection: database.connection }),
    ...(container === undefined
      ? {}
      : { server: chosenServer(container, mayAct ? own?.name : undefined, survey.context) }),
    volumes: stores.flatMap(({ source, store, volume }) =>
      store.kind === 'folder'
        ? []
        : [
            {
              name: source,
              volume: store.name,
              ...{ context: survey.context, image: container?.image },
              note: store.usedAt,
              ...volume,
            },
          ],
    ),
    folders: stores.flatMap(({ store }) => (store.kind === 'folder' ? [store.name] : [])),
    ...(mayAct ? { services } : {}),
  };
}

interface ChosenDatabase {
  readonly connection: string;
  /** Undefined: the server at that address is none that was seen. */
  readonly container: ServerContainer | undefined;
}

async function chooseDatabase(
  { containers }: Application,
  { connection, isWhole }: GivenParts,
  context: CommandContext,
  ask: Ask | undefined,
): Promise<ChosenDatabase | undefined> {
  const servers = containers.filter(isServer);
  if (connection !== undefined) {
    // Another server than this one must never be taken for it: its data would be put into this one's volume.
    const container = servers.find((each) => isServerAt(each, connection));
    if (container === undefined && isWhole) context.output.warn(...notAmong(servers));
    return { connection, container };
  }
  if (!isWhole) return undefined;
  for (const container of servers) {
    const url = proposedUrl(container);
    if (url === undefined && !ask) continue;
    const chosen = ask ? await askForServer(ask, container, url, context) : url;
    if (chosen === undefined) continue;
    for (const { name } of servers.filter((other) => other !== container)) {
      context.output.warn(
        `${name} is a PostgreSQL too, and init sets up one`,
        'Add it to lifeboat.yaml as a source of its own.',
      );
    }
    return { connection: chosen, container };
  }
  if (servers.length > 0 && !ask) throw unreachable(servers);
  return undefined;
}

async function askForServer(
  ask: Ask,
  container: ServerContainer,
  url: string | undefined,
  { output }: CommandContext,
): Promise<string | undefined> {
  if (url === undefined) output.warn(...whyUnreachable(container));
  const answer = await ask.choose<'yes' | 'other' | 'no'>(
    `Protect the PostgreSQL in ${container.name}${url === undefined ? '' : `, at ${url}`}`,
    [
      ...(url === undefined ? [] : [{ value: 'yes', label: 'yes' } as const]),
      { value: 'other', label: 'yes, at an address that I type' },
      { value: 'no', label: 'no' },
    ],
    url === undefined ? 'other' : 'yes',
  );
  if (answer === 'no') return undefined;
  if (answer === 'yes') return url;
  const example = url ?? `postgres://lifeboat@127.0.0.1:5432/${container.server.database}`;
  return (await ask.text('Server to protect', example)).trim() || example;
}

function whyUnreachable({ name, server }: ServerContainer): readonly [string, string] {
  return [
    `${name} publishes no fixed port for its PostgreSQL, so nothing outside of Docker reaches it`,
    `In its compose file: ports: ["127.0.0.1:5432:${server.port}"], then \`docker compose up -d\`.`,
  ];
}

function notAmong(servers: readonly ServerContainer[]): readonly [string, string] {
  const known = servers.flatMap((each) => proposedUrl(each) ?? []).join(', ');
  return [
    'no container here publishes the address of --connection, so nothing says which one is that server',
    known === '' ? 'Add `service` and `ground` to lifeboat.yaml yourself.' : `Seen: ${known}`,
  ];
}

function unreachable([first]: readonly ServerContainer[]): LifeboatError {
  const [fact, hint] = whyUnreachable(first as ServerContainer);
  return new LifeboatError('usage.invalid', fact, {
    hint: `${hint} Or give --connection URL; or --volume NAME, to protect files alone.`,
  });
}

interface NamedStore {
  /** Name of the source. */
  readonly source: string;
  readonly store: Store;
  /** As an option named it. */
  readonly volume?: ChosenVolume;
}

async function chooseStores(
  { project, containers }: Application,
  { volumes, files, isWhole }: GivenParts,
  { output }: CommandContext,
  ask: Ask | undefined,
  taken: Set<string>,
): Promise<readonly NamedStore[]> {
  const { offered, leftOut } = storesOf(containers);
  if (volumes !== undefined) {
    return volumes.map((volume) => {
      const known = offered.find(({ kind, name }) => kind === 'volume' && name === volume.volume);
      const store = known ?? { kind: 'volume', name: volume.volume, usedAt: '', writers: [] };
      const { name, ...rest } = volume;
      return {
        source: uniqueName(name, taken),
        store,
        volume: { ...rest, name, ...(store.usedAt === '' ? { note: undefined } : {}) },
      };
    });
  }
  if (!isWhole) return [];
  for (const { name, why } of leftOut) output.warn(`not backed up: ${name}`, `It is ${why}.`);
  const chosen: NamedStore[] = [];
  for (const store of offered) {
    const question = `Back up the ${store.kind} ${store.name} (${store.usedAt})`;
    if (ask && !(await isAgreed(ask, question))) continue;
    const short = store.name.startsWith(`${project}_`)
      ? store.name.slice(`${project}_`.length)
      : store.name;
    const source = store.kind === 'folder' ? files : uniqueName(short, taken);
    chosen.push({ source, store });
  }
  return chosen;
}

/** One question for all of them; a name that is not understood is asked for again. */
async function askForWriters(
  candidates: readonly Candidate[],
  { output }: CommandContext,
  ask: Ask,
): Promise<readonly string[]> {
  const likely = candidates.filter(({ writesToServer }) => writesToServer !== 'no');
  const possible = candidates.filter(({ containers }) => !containers.some(isServer));
  if (likely.length === 0) return [];
  const proposal = likely.map(({ name }) => name).join(', ');
  const agreed = await isAgreed(
    ask,
    `These write to the database, so that a recovery stops them first: ${proposal}`,
  );
  if (agreed) return likely.map(({ name }) => name);
  for (;;) {
    const text = await ask.text('Which do: names with commas between (or nothing)', proposal);
    const names = text.split(',').map((each) => each.trim());
    const given = names.filter((each) => each !== '');
    const unknown = given.find((each) => !possible.some(({ name }) => name === each));
    if (unknown === undefined) return given;
    output.warn(
      `there is no ${unknown} here`,
      `There are ${possible.map(({ name }) => name).join(', ')}.`,
    );
  }
}

function nothingLeft({ project }: Application): LifeboatError {
  return new LifeboatError(
    'usage.invalid',
    `there is nothing to protect${project === undefined ? '' : ` in ${project}`}: no PostgreSQL and no volume or folder with files was chosen`,
    { hint: 'Give --connection URL, --volume NAME or --path FOLDER.' },
  );
}
