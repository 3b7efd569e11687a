import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../src/core/index.ts';
import { type TestServer, temporaryFolder } from '../test/support/postgres.ts';
import { changePages, databaseBytes, settlePages } from './cluster.ts';
import { type Comparison, compare, median, type Run, timed } from './measure.ts';
import {
  buildLifeboat,
  type DatabaseProgram,
  databasePrograms,
  folderBytes,
} from './postgres-programs.ts';
import { render } from './report.ts';

/** Part of the pages that change before each second backup. */
const changedPart = 0.05;

/** Base backup, second backup and restore beside pgBackRest and pg_basebackup; Markdown tables. */
export async function benchPostgresBackups(server: TestServer, runs: number): Promise<string> {
  buildLifeboat();
  const folder = temporaryFolder('bench-backups');
  chmodSync(folder, 0o755);
  try {
    await settlePages(server);
    const programs = databasePrograms(folder, server);
    const size = formatBytes(await databaseBytes(server));
    const first = await compare(
      `first base backup of ${size}`,
      programs.map(({ name, command, env, init, first: args }) => ({
        name,
        command,
        env,
        args,
        prepare: init,
      })),
      runs,
    );
    const restored = await compareRestores(programs, folder, size, runs);
    const stored = programs.map(({ name, repository }) => {
      const mebibytes = (folderBytes(repository) / 2 ** 20).toFixed(0);
      return `| ${name} | ${mebibytes} |`;
    });
    const next = await secondBackups(programs, server, runs);
    return [
      render([first]),
      ['| stored by the first backup | MiB |', '|---|---|', ...stored].join('\n'),
      render([restored]),
      next,
    ].join('\n\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compareRestores(
  programs: readonly DatabaseProgram[],
  folder: string,
  size: string,
  runs: number,
): Promise<Comparison> {
  const target = join(folder, 'restored');
  return compare(
    `restore of ${size} to a folder`,
    programs.map(({ name, env, restore }) => ({
      name,
      env,
      ...restore(target),
      prepare: () => {
        rmSync(target, { recursive: true, force: true });
        mkdirSync(target, { mode: 0o700 });
      },
    })),
    runs,
  );
}

/** All programs back up the same change, one after the other; then the next change is made. */
async function secondBackups(
  programs: readonly DatabaseProgram[],
  server: TestServer,
  runs: number,
): Promise<string> {
  const results = programs.flatMap((program) => {
    const { next } = program;
    return next ? [{ program, next, runs: [] as Run[], bytes: [] as number[] }] : [];
  });
  for (let run = 0; run < runs; run++) {
    await changePages(server, changedPart, run);
    for (const { program, next: args, runs: own, bytes } of results) {
      const { name, command, env, repository } = program;
      const before = folderBytes(repository);
      const result = await timed({ name, command, env, args });
      own.push(result);
      bytes.push(folderBytes(repository) - before);
      process.stderr.write(`  second backup, ${name}: ${result.seconds.toFixed(2)} s\n`);
    }
  }
  const least = median(results[0]?.bytes ?? []);
  const rows = results.map(({ program, runs: own, bytes }) => {
    const seconds = median(own.map((each) => each.seconds)).toFixed(2);
    const peak = (median(own.map((each) => each.peakBytes)) / 2 ** 20).toFixed(0);
    const stored = median(bytes);
    return `| ${program.name} | ${seconds} | ${peak} | ${(stored / 2 ** 20).toFixed(0)} | ${(stored / least).toFixed(2)} |`;
  });
  const head = `| second backup after ${changedPart * 100} % of the pages changed | seconds (median) | peak MiB | stored MiB | times what ${results[0]?.program.name} stores |`;
  return [head, '|---|---|---|---|---|', ...rows].join('\n');
}
