import type pg from 'pg';
import { formatBytes, formatCount, sleep, throwIfAborted } from '../../core/index.ts';
import { findLoss, logOf, planRescue } from '../../recovery/index.ts';
import { sweepScratch } from '../../sources/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from '../output/count.ts';
import type { Output } from '../output/output.ts';
import { type Accident, causeAccident } from './accident.ts';
import { CommitLag } from './commit-lag.ts';
import { type DemoPlace, prepareDemoPlace } from './demo-place.ts';
import { type DemoServer, startDemoServer } from './demo-server.ts';
import { type DemoStream, startDemoStream } from './demo-stream.ts';
import { compareTable, RowLedger, readShop } from './row-ledger.ts';
import { accidentStatement, shopStatements, shopTables } from './shop.ts';
import { type ShopWriter, startShopWriter } from './shop-writer.ts';
import { Steps } from './steps.ts';
import type { DemoSummary } from './summary.ts';

export interface Story extends AsyncDisposable {
  readonly summary: DemoSummary;
  readonly server: DemoServer;
  readonly configFile: string;
}

/** How long customers order before the accident, and how long it goes unnoticed. */
const calmMs = 1_500;
const unnoticedMs = 1_000;

/** The whole story, step by step. Disposal stops and removes everything that it made. */
export async function tellStory(output: Output, signal: AbortSignal): Promise<Story> {
  const begun = performance.now();
  const steps = new Steps(output);
  const ledger = new RowLedger();
  const lag = new CommitLag();
  await using stack = new AsyncDisposableStack();

  // What a demo that was killed left behind.
  await sweepScratch();
  const server = stack.use(await startServer(steps, signal));
  const admin = await client(stack, server, 'shop admin');
  const rowsBefore = await loadShop(steps, admin, signal);
  const place = await prepareRepository(steps, server, signal);
  stack.use(place.repository);

  // The slot comes before the backup, so that the log has no gap behind it.
  const { stream, writer } = await protect(steps, stack, { server, place, ledger, lag, signal });
  await backUp(steps, place, signal);
  await sleep(calmMs, signal);

  const accident = await strike(steps, admin, ledger, signal);
  await sleep(unnoticedMs, signal);
  // The log must have reached the spool; by hand nobody is that fast.
  await stream.until('written', accident.end);
  const xidFound = await findAccident(steps, place, accident, signal);
  const rescued = await rescueRows(steps, place, xidFound, signal);
  const rtoMs = Math.round(performance.now() - accident.atMs);

  await sleep(unnoticedMs, signal);
  await writer.stop();
  const tables = await compare(steps, admin, ledger);
  const worst = lag.worst();
  const differing = tables.some((each) => each.missing + each.changed + each.unexpected > 0);
  const summary: DemoSummary = {
    ok: !differing && xidFound === accident.xid,
    durationMs: Math.round(performance.now() - begun),
    postgres: server.version,
    rowsBefore,
    rowsDestroyed: [...accident.destroyed.values()].reduce((sum, rows) => sum + rows, 0),
    rowsRescued: rescued,
    ordersMeanwhile: writer.orders(),
    xid: accident.xid,
    xidFound,
    rpoMs: {
      databaseHostLost: Math.round(worst.spoolMs),
      bothHostsLost: Math.round(worst.repositoryMs),
    },
    rtoMs,
    tables,
  };
  const kept = stack.move();
  return {
    summary,
    server,
    configFile: place.configFile,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function client(
  stack: AsyncDisposableStack,
  server: DemoServer,
  name: string,
): Promise<pg.Client> {
  return stack.adopt(await server.connect(name), (each) => each.end().catch(() => {}));
}

function startServer(steps: Steps, signal: AbortSignal): Promise<DemoServer> {
  return steps.run('start PostgreSQL', async (tell) => {
    const server = await startDemoServer(signal);
    const lines = [`version ${server.version}, its own folder, reachable on a socket only`];
    tell({ lines, facts: { version: server.version } });
    return server;
  });
}

function loadShop(steps: Steps, admin: pg.Client, signal: AbortSignal): Promise<number> {
  return steps.run('open a shop', async (tell) => {
    for (const statement of shopStatements) {
      throwIfAborted(signal);
      await admin.query(statement);
    }
    const counts: Record<string, number> = {};
    for (const { name } of shopTables) {
      const { rows } = await admin.query<{ n: number }>(`select count(*)::int as n from ${name}`);
      counts[name] = rows[0]?.n ?? 0;
    }
    const total = Object.values(counts).reduce((sum, rows) => sum + rows, 0);
    const { customers = 0, orders = 0, order_lines: lines = 0 } = counts;
    tell({
      lines: [
        `${formatCount(customers)} customers, ${formatCount(orders)} orders, ${formatCount(lines)} order lines`,
      ],
      facts: { rows: total, tables: counts },
    });
    return total;
  });
}

function prepareRepository(
  steps: Steps,
  server: DemoServer,
  signal: AbortSignal,
): Promise<DemoPlace> {
  return steps.run('create a repository', async (tell) => {
    const place = await prepareDemoPlace(server, signal);
    tell({ lines: ['encrypted, in restic format'], facts: { repository: place.repository.id } });
    return place;
  });
}

interface Protection {
  readonly server: DemoServer;
  readonly place: DemoPlace;
  readonly ledger: RowLedger;
  readonly lag: CommitLag;
  readonly signal: AbortSignal;
}

function protect(
  steps: Steps,
  stack: AsyncDisposableStack,
  { server, place, ledger, lag, signal }: Protection,
): Promise<{ stream: DemoStream; writer: ShopWriter }> {
  return steps.run('stream the log', async (tell) => {
    const stream = stack.use(await startDemoStream(place, lag, signal));
    const connection = await client(stack, server, 'shop');
    const writer = startShopWriter(connection, ledger, lag);
    stack.defer(() => writer.stop().catch(() => {}));
    tell({ lines: ['from now on customers keep ordering'], facts: {} });
    return { stream, writer };
  });
}

function backUp(steps: Steps, { source, repository }: DemoPlace, signal: AbortSignal) {
  return steps.run('base backup', async (tell, progress) => {
    const summary = await source.backup({ repository, signal, progress });
    const { bytesTotal, bytesStored, filesTotal, snapshot } = summary;
    tell({
      lines: [
        `${formatBytes(bytesTotal)} in ${countOf(filesTotal, 'file')}, ${formatBytes(bytesStored)} stored`,
      ],
      facts: { snapshot, bytesTotal, bytesStored, filesTotal },
    });
  });
}

function strike(
  steps: Steps,
  admin: pg.Client,
  ledger: RowLedger,
  signal: AbortSignal,
): Promise<Accident> {
  return steps.run(
    'the accident',
    async (tell) => {
      throwIfAborted(signal);
      const accident = await causeAccident(admin, ledger);
      const rows = [...accident.destroyed].map(([table, n]) => `${formatCount(n)} ${table}`);
      tell({
        lines: [
          `${accidentStatement};   -- where status = 'cancelled' was meant`,
          `${rows.join(' and ')} are gone`,
        ],
        facts: { xid: accident.xid, destroyed: Object.fromEntries(accident.destroyed) },
      });
      return accident;
    },
    'accident',
  );
}

function findAccident(
  steps: Steps,
  place: DemoPlace,
  accident: Accident,
  signal: AbortSignal,
): Promise<number> {
  return steps.run('find the loss', async (tell, progress) => {
    const report = await findLoss(await logOf(place, { signal, progress }));
    const [suspect] = report.suspects;
    if (!suspect) {
      tell({ lines: ['nothing was found'], facts: { suspects: 0 } });
      return 0;
    }
    const when = formatMoment(new Date(suspect.commitTime), { ms: true });
    const tables = suspect.tables
      .filter(({ action }) => action === 'deleted')
      .map(({ name, deleted }) => `${formatCount(deleted)} ${name}`);
    const truth = suspect.xid === accident.xid ? 'the right one' : `wrong: it was ${accident.xid}`;
    tell({
      lines: [
        `transaction ${suspect.xid} (${truth})`,
        `deleted ${tables.join(' and ')}`,
        `committed ${when}; the moment before is ${suspect.target.lsn}`,
      ],
      facts: { suspects: report.suspects.length, xid: suspect.xid, target: suspect.target.lsn },
    });
    return suspect.xid;
  });
}

/** Resolves with the number of rows put back. */
async function rescueRows(
  steps: Steps,
  place: DemoPlace,
  xid: number,
  signal: AbortSignal,
): Promise<number> {
  await using prepared = await steps.run('rescue, dry run', async (tell, progress) => {
    const rescue = await planRescue({ ...place, selection: { xid }, signal, progress });
    const { rowsToPutBack, rowsInConflict, targetLsn } = rescue.plan;
    tell({
      lines: [
        `a private server on the state just before ${targetLsn}`,
        `${countOf(rowsToPutBack, 'row')} can be put back, ${formatCount(rowsInConflict)} cannot`,
      ],
      facts: { rowsToPutBack, rowsInConflict },
    });
    return rescue;
  });
  return await steps.run('rescue', async (tell) => {
    const outcome = await prepared.run();
    tell({
      lines: [`${countOf(outcome.rowsPutBack, 'row')} put back in one transaction, parents first`],
      facts: { rowsPutBack: outcome.rowsPutBack, rowsInConflict: outcome.rowsInConflict },
    });
    return outcome.rowsPutBack;
  });
}

function compare(steps: Steps, admin: pg.Client, ledger: RowLedger) {
  return steps.run('compare', async (tell) => {
    const found = await readShop(admin);
    const tables = shopTables.map(({ name }) =>
      compareTable(name, ledger.expected(name), found.get(name) ?? new Map()),
    );
    const rows = tables.reduce((sum, each) => sum + each.rowsFound, 0);
    tell({
      lines: [`${formatCount(rows)} rows in ${tables.length} tables, each with what it should be`],
      facts: { rows },
    });
    return tables;
  });
}
