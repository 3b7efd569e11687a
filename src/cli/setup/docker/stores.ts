import { baseName, type SurveyedContainer } from '../../../platforms/index.ts';

/** A place where containers keep files. */
export interface Store {
  readonly kind: 'volume' | 'folder';
  /** Of the volume, or the path. */
  readonly name: string;
  /** Who has it, as `/uploads of api`. */
  readonly usedAt: string;
  readonly writers: readonly SurveyedContainer[];
}

export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

export interface Stores {
  readonly offered: readonly Store[];
  readonly leftOut: readonly LeftOut[];
}

/** Images whose files are no backup when they are copied while it runs. */
const databases =
  /^(mysql|mariadb|percona|mongo|mongodb|redis|valkey|keydb|elasticsearch|opensearch|clickhouse(-server)?|cassandra|influxdb|couchdb|neo4j|rabbitmq|kafka|zookeeper|etcd|mssql)$/;
/** What belongs to the system, not to an application. */
const systemFolder =
  /^\/(?:(?:bin|boot|dev|etc|lib\d*|proc|run|sbin|sys|tmp|usr)(?:\/|$)|var\/(?:run|lib\/docker|log)(?:\/|$)|$|home$|root$|var$|srv$|opt$)/;

/** Volumes and folders of the host that containers write files to; what is read alone came from elsewhere. */
export function storesOf(containers: readonly SurveyedContainer[]): Stores {
  const mounts = containers.flatMap((container) =>
    container.mounts.map((mount) => ({ ...mount, container })),
  );
  const offered: Store[] = [];
  const leftOut: LeftOut[] = [];
  for (const name of new Set(mounts.map((each) => each.name))) {
    const users = mounts.filter((each) => each.name === name);
    const writing = users.filter(({ isWritable }) => isWritable);
    const [first] = users;
    // What a PostgreSQL has is its data; that is protected as a server.
    if (first === undefined || writing.length === 0) continue;
    if (users.some(({ container }) => container.server)) continue;
    const store = {
      kind: first.kind,
      name,
      usedAt: users.map(({ at, container }) => `${at} of ${labelOf(container)}`).join(', '),
      writers: [...new Set(writing.map(({ container }) => container))],
    };
    const why = whyNot(store);
    if (why === undefined) offered.push(store);
    else if (why !== '') leftOut.push({ name: store.name, why });
  }
  return { offered, leftOut };
}

/** Empty: nobody would expect it. */
function whyNot({ kind, name, writers }: Store): string | undefined {
  const database = writers.find(({ image }) => databases.test(baseName(image)));
  if (database !== undefined) {
    return `the data of ${baseName(database.image)}: files copied while it runs are no backup. Back up what it exports, or name it by --volume if it may be`;
  }
  if (kind === 'volume') {
    // Another one takes its place when the container is made again.
    return /^[0-9a-f]{64}$/.test(name)
      ? `a volume without a name (${writers.map(labelOf).join(', ')}): it goes with its container. Give it one in the compose file to protect it`
      : undefined;
  }
  const holdsProject = writers.some(({ compose }) =>
    `${compose?.folder ?? ''}/`.startsWith(`${name}/`),
  );
  return holdsProject || systemFolder.test(name) ? '' : undefined;
}

export function labelOf({ name, compose }: SurveyedContainer): string {
  return compose?.service ?? name;
}
