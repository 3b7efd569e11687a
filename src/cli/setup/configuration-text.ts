import { join } from 'node:path';
import { Document, isMap, type YAMLMap } from 'yaml';
import { withUser } from '../../sources/index.ts';
import type { ChosenService, SetupChoices } from './setup-choices.ts';

const everyNight = '0 2 * * *';
const everySunday = '0 5 * * 0';

/** The text of a new lifeboat.yaml that lies in `folder`. */
export function configurationText(choices: SetupChoices, folder: string): string {
  const { name, location, password, retention, files, stateFolder, services } = choices;
  const volumes = choices.volumes ?? [];
  const entries = services?.entries ?? [];
  const document = new Document({
    name,
    repositories: { main: { location, password } },
    ...(retention ? { retention, prune: everySunday } : {}),
    ...(stateFolder ? { state: stateFolder } : {}),
    sources: {
      ...(files
        ? {
            [files.name]: {
              kind: 'files',
              paths: files.paths,
              ...(files.exclude.length > 0 ? { exclude: files.exclude } : {}),
              backup: everyNight,
            },
          }
        : {}),
      ...Object.fromEntries(
        volumes.map(({ name: source, volume, context, image }) => [
          source,
          {
            kind: 'volume',
            volume,
            ...(context ? { context } : {}),
            ...(image ? { image } : {}),
            backup: everyNight,
          },
        ]),
      ),
      ...databaseSource(choices, folder),
    },
    ...(entries.length > 0
      ? { services: Object.fromEntries(entries.map((each) => [each.name, each.setting])) }
      : {}),
  });
  // Otherwise a source without comments before it would follow those at the end of the former one.
  document.commentBefore =
    ' What is protected, and where the backups live. For editors: lifeboat init --schema';
  for (const { name: source, note } of volumes) {
    if (note) commentOn(document, ['sources', source], note);
  }
  commentDatabase(document, choices, folder);
  commentServices(document, choices);
  // Long values stay on their line, to be copied.
  return document.toString({ lineWidth: 0 }).replace(/^(#[^\n]*\n)\n/, '$1');
}

function databaseSource(
  { connection, server }: SetupChoices,
  folder: string,
): Readonly<Record<string, object>> {
  if (!connection) return {};
  const password = (name: string) =>
    server?.hasPassword ? { password: { file: join(folder, name) } } : {};
  return {
    database: {
      kind: 'postgres',
      connection,
      ...password('database.password'),
      backup: everyNight,
      // The paths of a container are not those of this host.
      ...(server ? { local: 'never' } : {}),
      ...(server?.service ? { service: server.service } : {}),
      ...(server?.ground ? { ground: server.ground } : {}),
      ...(server
        ? {
            rescue: {
              connection: withUser(connection, server.user),
              ...password('owner.password'),
            },
          }
        : {}),
    },
  };
}

/** Lines to complete stand below what they belong to. */
function commentDatabase(
  document: Document,
  { connection, server, stateFolder }: SetupChoices,
  folder: string,
): void {
  if (!connection || stateFolder) return;
  const source = mapAt(document, ['sources', 'database']);
  const toComplete = (name: string) => ` password: { file: ${join(folder, name)} }`;
  if (server === undefined) {
    source.comment = [
      ' The password of the role, in the first line of a file that only you can read:',
      toComplete('database.password'),
      ' The owner of the tables or a superuser, because `rescue` writes:',
      ' rescue:',
      `   connection: ${withUser(connection, 'OWNER')}`,
      `  ${toComplete('owner.password')}`,
    ].join('\n');
    return;
  }
  commentOn(
    document,
    ['sources', 'database'],
    `The PostgreSQL in the container ${server.container}.`,
  );
  const rescue = mapAt(document, ['sources', 'database', 'rescue']);
  commentOn(
    document,
    ['sources', 'database', 'rescue'],
    'Who may write: `rescue` and `recover` put rows back and hold sessions off.',
  );
  const { ground, groundNote, hasPassword } = server;
  if (ground) {
    const where = 'Where its data lies, and `recover` puts it back.';
    commentOn(
      document,
      ['sources', 'database', 'ground'],
      [where, groundNote].filter(Boolean).join('\n'),
    );
  } else if (groundNote) source.comment = indented(groundNote);
  if (!hasPassword) {
    const what =
      ' If the server asks this role for a password: in the first line of a file that only you can read.';
    rescue.comment = `${what}\n${toComplete('owner.password')}`;
    const own = `${what}\n${toComplete('database.password')}`;
    source.comment = [source.comment, own].filter(Boolean).join('\n');
  }
}

function commentServices(document: Document, { services }: SetupChoices): void {
  if (services === undefined || services.entries.length === 0) return;
  const about =
    'What a recovery stops first and starts again: what writes to a source, and the server itself. `lifeboat services` shows them.';
  commentOn(document, ['services'], [about, ...services.notes].join('\n'));
  for (const each of services.entries) commentService(document, each);
}

function commentService(document: Document, { name, notes, address }: ChosenService): void {
  if (notes.length > 0) commentOn(document, ['services', name], notes.join('\n'));
  if (address === undefined) return;
  mapAt(document, [
    'services',
    name,
  ]).comment = ` An address that answers with 200 while it works; a recovery asks it:\n health: "${address}"`;
}

/** Above a key. */
function commentOn(document: Document, path: readonly string[], text: string): void {
  const map = mapAt(document, path.slice(0, -1));
  const pair = map.items.find(({ key }) => keyText(key) === path.at(-1));
  if (pair)
    pair.key = Object.assign(document.createNode(keyText(pair.key)), {
      commentBefore: indented(text),
    });
}

function mapAt(document: Document, path: readonly string[]): YAMLMap {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(node)) return node;
  throw new TypeError(`no map at ${path.join('.')}`);
}

function keyText(key: unknown): string {
  return typeof key === 'string' ? key : String((key as { value?: unknown }).value);
}

function indented(text: string): string {
  return text.replace(/^/gm, ' ');
}
