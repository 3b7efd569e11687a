import { LifeboatError } from '../../core/index.ts';
import {
  type ConnectionSettings,
  findClientPrograms,
  openSqlClient,
  parseConnectionUrl,
} from '../../sources/index.ts';
import type { DatabaseDelivery, Ground, TreeDelivery } from '../ground/ground.ts';
import { deliverDatabases } from '../ground/server/deliver-databases.ts';
import { deliverDumps } from '../ground/server/deliver-dumps.ts';
import type { RestoredDump } from './restore-dumps.ts';
import { withRestored } from './restored-server.ts';
import type { StepInputs } from './step-inputs.ts';
import type { StepContext } from './step-kind.ts';
import { postgresSource, settingOf } from './step-source.ts';

type Input = StepInputs['deliver'];
type ServerGround = Ground<TreeDelivery | DatabaseDelivery>;

/** By connection alone: what a step restored is loaded beside what is in use. Errors: those of the ground, of servers and of programs. */
export async function fillServer(
  input: Input,
  ground: ServerGround,
  context: StepContext,
): Promise<void> {
  if (settingOf(input.source, context).kind === 'postgres-dump') {
    await fillFromDumps(input, ground, context);
  } else await fillFromCluster(input, ground, context);
}

/** Dumped out of a private server on the restored data. */
async function fillFromCluster(
  input: Input,
  ground: ServerGround,
  context: StepContext,
): Promise<void> {
  const source = await postgresSource(input.source, 'protect', context);
  const { programsFolder } = source.settings;
  await withRestored(input, context, async (restored) => {
    const major = Math.floor(restored.base.info.serverVersion / 10_000);
    const connection = restored.connection('template1');
    const delivery = deliverDatabases({
      connection,
      programs: await findClientPrograms(
        major,
        programsFolder ? { configuredFolder: programsFolder } : {},
      ),
      programsFolder,
      databases: await databasesToDeliver(connection, source.settings.connection.database),
    });
    await ground.fill(context.token, delivery, context);
  });
}

/** `postgres` is on every server: it goes along only where it holds something, or is what the source connects to. */
async function databasesToDeliver(
  connection: ConnectionSettings,
  own: string,
): Promise<readonly string[]> {
  const names = await namesIn(connection);
  if (own === 'postgres' || !names.includes('postgres')) return names;
  await using opened = await openSqlClient({ ...connection, database: 'postgres' });
  const { rows } = await opened.client.query(
    `select from pg_class where oid >= 16384 and relkind in ('r', 'p', 'm') limit 1`,
  );
  return rows.length > 0 ? names : names.filter((name) => name !== 'postgres');
}

async function namesIn(connection: ConnectionSettings): Promise<readonly string[]> {
  await using opened = await openSqlClient(connection);
  const { rows } = await opened.client.query<{ name: string }>(
    'select datname::text as name from pg_database where datallowconn and not datistemplate order by 1',
  );
  return rows.map(({ name }) => name);
}

/** Undefined: that step left none. */
export function dumpsLeftBy(
  step: string,
  { outcomes }: StepContext,
): readonly RestoredDump[] | undefined {
  const dumps = outcomes[step]?.result.dumps;
  return Array.isArray(dumps) ? (dumps as readonly RestoredDump[]) : undefined;
}

/** As of a cluster: `postgres` only where it is meant. */
export function dumpsToDeliver(
  dumps: readonly RestoredDump[],
  source: string,
  context: StepContext,
): readonly string[] {
  const setting = settingOf(source, context);
  if (setting.kind !== 'postgres-dump') return [];
  const isMeant =
    parseConnectionUrl(setting.connection).database === 'postgres' ||
    setting.databases?.includes('postgres');
  return dumps
    .map(({ database }) => database)
    .filter((database) => database !== 'postgres' || isMeant);
}

async function fillFromDumps(
  { source, of }: Input,
  ground: ServerGround,
  context: StepContext,
): Promise<void> {
  const setting = settingOf(source, context);
  const dumps = dumpsLeftBy(of, context);
  if (setting.kind !== 'postgres-dump' || dumps === undefined) {
    throw new LifeboatError('run.failed', `the step ${of} left no dumps of ${source}`, {
      hint: 'Do that step first; it was skipped or undone.',
    });
  }
  const { connection, programs: programsFolder } = setting;
  const { clientVersion } = context.outcomes[of]?.result ?? {};
  const programs = await findClientPrograms(
    Number.parseInt(String(clientVersion), 10),
    programsFolder ? { configuredFolder: programsFolder } : {},
  );
  const wanted = dumpsToDeliver(dumps, source, context);
  const files = new Map(
    dumps
      .filter(({ database }) => wanted.includes(database))
      .map(({ database, file }) => [database, file]),
  );
  const own = parseConnectionUrl(connection);
  await ground.fill(
    context.token,
    deliverDumps({ files, programs, programsFolder, connection: own }),
    context,
  );
}
