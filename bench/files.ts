import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes, sleep } from '../src/core/index.ts';
import { temporaryFolder } from '../test/support/postgres.ts';
import { type BackupProgram, backupPrograms } from './backup-programs.ts';
import { changeLargeFiles, makeLargeFiles } from './large-files.ts';
import { type Competitor, race } from './measure.ts';
import { renderRace } from './report.ts';
import { changeSourceTree, chill, makeSourceTree, warm } from './source-tree.ts';

export interface FilesBenchOptions {
  readonly runs: number;
  readonly files: number;
  readonly largeBytes: number;
  /** One run of each with an empty page cache instead. */
  readonly cold: boolean;
  print(markdown: string): void;
}

interface DataSet {
  readonly title: string;
  readonly folder: string;
  change(): void;
}

/** Backing up, checking and restoring files beside restic and rustic, each with its defaults, on fresh local repositories. */
export async function benchFiles(options: FilesBenchOptions): Promise<void> {
  const folder = temporaryFolder('bench-files');
  const say = (text: string) => process.stderr.write(`${text}\n`);
  try {
    say('making the source tree');
    const tree = makeSourceTree(join(folder, 'tree'), options.files);
    await benchSet(options, folder, {
      title: `${tree.files.toLocaleString('en')} small files, ${formatBytes(tree.bytes)}`,
      folder: tree.folder,
      change: () => changeSourceTree(tree),
    });
    rmSync(tree.folder, { recursive: true });
    say('making the large files');
    const large = join(folder, 'large');
    makeLargeFiles(large, options.largeBytes);
    await benchSet(options, folder, {
      title: `large files, ${formatBytes(options.largeBytes)}`,
      folder: large,
      change: () => changeLargeFiles(large),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchSet(options: FilesBenchOptions, folder: string, set: DataSet): Promise<void> {
  const place = join(folder, 'programs');
  mkdirSync(place);
  const programs = backupPrograms(place);
  const restored = (program: BackupProgram) => `${program.repository}-restored`;
  const saved = (program: BackupProgram) => `${program.repository}-saved`;
  const stage = async (
    title: string,
    args: (program: BackupProgram) => readonly string[],
    prepare: (program: BackupProgram) => void | Promise<void>,
    withSize = false,
  ) => {
    const competitors = programs.map(
      (program): Competitor => ({
        name: program.name,
        command: program.command,
        args: args(program),
        env: program.env,
        prepare: async () => {
          await prepare(program);
          // What one competitor left to be written must not slow the next.
          spawnSync('sync');
          if (options.cold && !chill()) throw new Error('the page cache cannot be emptied here');
        },
      }),
    );
    const results = await race(title, competitors, options.cold ? 1 : options.runs);
    const sizes = withSize ? programs.map(({ repository }) => folderBytes(repository)) : undefined;
    options.print(
      renderRace(`${title}: ${set.title}${options.cold ? ', cold' : ''}`, results, sizes),
    );
  };

  warm(set.folder);
  await stage(
    'first backup',
    (each) => each.backup(set.folder),
    (each) => each.init(),
    true,
  );
  await stage(
    'check --read-data',
    (each) => each.checkData(),
    () => {},
  );
  await stage(
    'restore',
    (each) => each.restore(restored(each)),
    async (each) => {
      rmSync(restored(each), { recursive: true, force: true });
      // ext4 searches past every inode that was deleted in the last five seconds.
      await sleep(6000);
    },
  );
  for (const program of programs) {
    rmSync(restored(program), { recursive: true, force: true });
    cpSync(program.repository, saved(program), { recursive: true, preserveTimestamps: true });
  }
  set.change();
  warm(set.folder);
  await stage(
    'second backup, 5 % changed',
    (each) => each.backup(set.folder),
    (program) => {
      rmSync(program.repository, { recursive: true, force: true });
      cpSync(saved(program), program.repository, { recursive: true, preserveTimestamps: true });
    },
    true,
  );
  rmSync(place, { recursive: true });
}

function folderBytes(folder: string): number {
  const text = execFileSync('du', ['-s', '--apparent-size', '--block-size=1', folder]).toString();
  return Number(text.split('\t')[0]);
}
