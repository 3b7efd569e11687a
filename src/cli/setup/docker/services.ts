import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ServiceFile } from '../../../config/index.ts';
import { baseName, type SurveyedContainer } from '../../../platforms/index.ts';
import type { ChosenService, ChosenServices } from '../setup-choices.ts';
import { uniqueName } from '../unique-name.ts';
import type { Application } from './applications.ts';
import type { ServerContainer } from './server.ts';
import { labelOf, type Store } from './stores.ts';

/** What is stopped and started as one: a service of compose with all of its containers, or a container. */
export interface Candidate {
  /** In `services`. */
  readonly name: string;
  readonly containers: readonly SurveyedContainer[];
  /** Whether it writes to the server; `possible`: it could, and nothing shows whether it does. */
  readonly writesToServer: 'known' | 'possible' | 'no';
  /** By which it is found among the files that compose was given; undefined: they are not on this host. */
  readonly composeFiles: readonly string[] | undefined;
}

/** Last parts of the names of images that are never clients of a PostgreSQL. */
const others =
  /^(nginx|traefik|caddy|haproxy|httpd|redis|valkey|keydb|memcached|rabbitmq|nats|eclipse-mosquitto|mailhog|mailpit|minio|elasticsearch|opensearch|prometheus|loki)$/;

export function candidatesOf(
  { containers }: Application,
  server: ServerContainer | undefined,
): readonly Candidate[] {
  const groups = new Map<string, SurveyedContainer[]>();
  for (const each of containers) {
    if (each.unfit !== undefined) continue;
    const key = filesOf(each) ? `${each.compose?.project}/${each.compose?.service}` : each.name;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const taken = new Set<string>();
  return [...groups.values()]
    .sort((a, b) => Number(isOf(server, b)) - Number(isOf(server, a)))
    .map((group) => {
      const [first] = group as [SurveyedContainer];
      const composeFiles = filesOf(first);
      const name = composeFiles ? labelOf(first) : first.name;
      return {
        name: uniqueName(name, taken),
        containers: group,
        writesToServer: server && !isOf(server, group) ? relationOf(group, server) : 'no',
        composeFiles,
      };
    });
}

export function isOf(
  server: ServerContainer | undefined,
  containers: readonly SurveyedContainer[],
): boolean {
  return containers.some((each) => each.name === server?.name);
}

function filesOf({ compose }: SurveyedContainer): readonly string[] | undefined {
  if (compose === undefined || compose.files.length === 0) return undefined;
  return compose.files.every((file) => existsSync(file)) ? compose.files : undefined;
}

function relationOf(
  group: readonly SurveyedContainer[],
  server: ServerContainer,
): Candidate['writesToServer'] {
  const [{ image, compose, networks, server: ownServer }] = group as [SurveyedContainer];
  const isAfter =
    compose?.project === server.compose?.project &&
    compose?.after.includes(server.compose?.service ?? '') === true;
  if (isAfter || group.some(({ namesServers }) => namesServers.includes(server.name))) {
    return 'known';
  }
  if (ownServer !== undefined || others.test(baseName(image))) return 'no';
  // On the network that every container gets, none has a name to be found by.
  const shared = networks.some((each) => each !== 'bridge' && server.networks.includes(each));
  return shared ? 'possible' : 'no';
}

export interface ServicesWish {
  readonly application: Application;
  readonly candidates: readonly Candidate[];
  readonly server: ServerContainer | undefined;
  /** Names of the candidates that write to the server; undefined: those that may, with a note where nothing shows it. */
  readonly writers?: readonly string[];
  /** Of the source of the server. */
  readonly database: string;
  /** What is backed up, by the name of its source. */
  readonly stores: readonly { readonly source: string; readonly store: Store }[];
  readonly context: string | undefined;
}

/** Entries of `services`. */
export function chosenServices(wish: ServicesWish): ChosenServices {
  const { application, candidates, server, database, stores, context } = wish;
  const writesOf = (each: Candidate) => [
    ...(isWriter(each, wish) ? [database] : []),
    ...stores
      .filter(({ store }) => store.writers.some((writer) => isAmong(writer, each)))
      .map(({ source }) => source),
  ];
  // Beside a project, containers have nothing to do with each other unless something shows it.
  const meant = candidates.filter(
    (each) =>
      isOf(server, each.containers) ||
      writesOf(each).length > 0 ||
      (application.project !== undefined && each.composeFiles !== undefined),
  );
  const entries = meant.map((each): ChosenService => {
    const [first] = each.containers as [SurveyedContainer];
    const writes = [...new Set(writesOf(each))];
    const after = afterOf(each, meant, server, writes.includes(database));
    const [address] = first.server ? [] : first.addresses;
    const setting: ServiceFile = {
      platform: 'docker',
      ...placeOf(each),
      ...(context === undefined ? {} : { context }),
      ...(writes.length > 0 ? { writes } : {}),
      ...(after.length > 0 ? { after } : {}),
    };
    return {
      name: each.name,
      setting,
      notes: notesOf(each, wish, database),
      ...(address ? { address: `http://${address.host}:${address.hostPort}/` } : {}),
    };
  });
  return { entries, notes: [...caveatsOf(meant), ...leftOutOf(application)] };
}

function isAmong(container: SurveyedContainer, { containers }: Candidate): boolean {
  return containers.some(({ name }) => name === container.name);
}

function isWriter({ name, writesToServer }: Candidate, { writers }: ServicesWish): boolean {
  return writers ? writers.includes(name) : writesToServer !== 'no';
}

function placeOf({ containers, composeFiles }: Candidate) {
  const [{ name, compose }] = containers as [SurveyedContainer];
  if (compose === undefined || composeFiles === undefined) return { container: name };
  const { service, project } = compose;
  return { compose: { files: [...composeFiles], service, project } };
}

/** As compose says; and what writes to a server needs it, where that cannot become a circle. */
function afterOf(
  each: Candidate,
  all: readonly Candidate[],
  server: ServerContainer | undefined,
  isWriter: boolean,
): string[] {
  const [{ compose }] = each.containers as [SurveyedContainer];
  const isNeeded = ({ containers: [other] }: Candidate) =>
    other?.compose !== undefined &&
    other.compose.project === compose?.project &&
    compose?.after.includes(other.compose.service);
  const needsNothing = (server?.compose?.after ?? []).length === 0;
  return all
    .filter(
      (other) =>
        other !== each &&
        (isNeeded(other) || (isWriter && needsNothing && isOf(server, other.containers))),
    )
    .map(({ name }) => name);
}

function notesOf(each: Candidate, { writers }: ServicesWish, database: string): readonly string[] {
  const [{ compose }] = each.containers as [SurveyedContainer];
  return [
    ...(writers === undefined && each.writesToServer === 'possible'
      ? [
          `Nothing shows whether it writes to ${database}; a recovery stops it to be safe. If it does not, take that out of \`writes\`.`,
        ]
      : []),
    ...(compose !== undefined && each.composeFiles === undefined
      ? [
          `Its compose file (${compose.files.join(', ') || 'not told'}) is not on this host: a container that is gone cannot be made again.`,
        ]
      : []),
  ];
}

/** What compose was told besides its files: a recovery does not tell it. */
function caveatsOf(all: readonly Candidate[]): readonly string[] {
  const notes = all.flatMap(({ containers: [first], composeFiles: [file] = [] }) => {
    const { compose } = first as SurveyedContainer;
    if (compose === undefined || file === undefined) return [];
    const { project, folder, environmentFiles } = compose;
    return [
      ...(folder === '' || folder === dirname(file)
        ? []
        : [
            `${project} was made with --project-directory ${folder}; a recovery begins paths at ${dirname(file)}. Write absolute paths into the compose file.`,
          ]),
      ...(environmentFiles === undefined
        ? []
        : [
            `${project} was made with --env-file ${environmentFiles}; a recovery reads ${dirname(file)}/.env alone. Put there what the compose file needs.`,
          ]),
    ];
  });
  return [...new Set(notes)];
}

function leftOutOf({ containers }: Application): readonly string[] {
  return containers.flatMap(({ name, unfit }) =>
    unfit === undefined
      ? []
      : [`${name} is left out: ${unfit}. Stop it yourself before a recovery.`],
  );
}
