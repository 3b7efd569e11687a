import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, LifeboatError, syncFolder, writeFileDurably } from '../../core/index.ts';
import type { Repository, Snapshot } from '../../repository/index.ts';
import { type DumpDocument, readDumpDocument } from '../../sources/index.ts';
import type { StepInputs } from './step-inputs.ts';
import type { StepContext, StepOutcome } from './step-kind.ts';

/** In the folder that a source of dumps is restored to. */
export const dumpsFolder = 'databases';

type Dump = DumpDocument['databases'][number];

/** A dump on this host. */
export interface RestoredDump {
  readonly database: string;
  readonly file: string;
  /** The moment that it shows. */
  readonly time: string;
  readonly bytes: number;
}

/** Takes the dumps of a snapshot out of the repository, into the folder of the run. Errors: `repository.*`, `disk.full`, `cancelled`. */
export async function restoreDumps(
  { source, snapshot: wanted }: StepInputs['restore'],
  { folder, mark }: { readonly folder: string; readonly mark: string },
  { surroundings, signal, progress }: StepContext,
): Promise<StepOutcome> {
  const repository = await surroundings.repositoryOf(source);
  const snapshot = await repository.findSnapshot(wanted ?? '');
  const document = await readDumpDocument(repository, snapshot);
  if (document.source !== source) throw otherSource(source, snapshot, document);
  const parent = join(folder, dumpsFolder);
  await rm(mark, { force: true });
  await rm(folder, { recursive: true, force: true });
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const task = 'restore';
  const total = document.databases.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  progress({ type: 'begin', task, title: `taking the dumps of ${source} out of the repository` });
  const dumps: RestoredDump[] = [];
  try {
    for (const [at, dump] of document.databases.entries()) {
      // Never a path that a snapshot says.
      const file = join(parent, `${at}.dump`);
      await writeDump({ repository, snapshot, dump, file, signal }, (bytes) => {
        done += bytes;
        progress({ type: 'progress', task, done, total, unit: 'bytes', detail: dump.name });
      });
      dumps.push({ database: dump.name, file, time: dump.time, bytes: dump.bytes });
    }
  } finally {
    progress({ type: 'end', task });
  }
  await syncFolder(parent);
  const times = dumps.map(({ time }) => time).toSorted();
  const outcome: StepOutcome = {
    text: `took ${dumps.map(({ database }) => database).join(', ')} of ${source} as of ${times[0] ?? '?'} out of the repository`,
    result: {
      folder,
      bytes: done,
      dumps,
      snapshot: snapshot.id,
      clientVersion: document.clientVersion,
    },
    evidence: { snapshot: snapshot.id, dumps, bytes: done },
  };
  await writeFileDurably(mark, JSON.stringify(outcome));
  return outcome;
}

interface WriteDump {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  readonly dump: Dump;
  readonly file: string;
  readonly signal: AbortSignal;
}

async function writeDump(
  { repository, snapshot, dump, file, signal }: WriteDump,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const node = await repository.findNode(snapshot.tree, dump.path);
  if (node?.content === undefined) {
    throw new LifeboatError('repository.damaged', `the snapshot holds no ${dump.path}`, {
      hint: 'Choose another snapshot of `lifeboat points`.',
    });
  }
  const content = repository.readFileContent(node.content, { signal });
  try {
    await using written = await open(file, 'w', 0o600);
    for await (const chunk of content) {
      await written.writeFile(chunk);
      onBytes(chunk.length);
    }
    await written.sync();
  } catch (error) {
    throw fileError(error, `could not write ${file}`);
  }
}

function otherSource(
  source: string,
  { id }: Snapshot,
  { source: other }: DumpDocument,
): LifeboatError {
  return new LifeboatError(
    'plan.refused',
    `snapshot ${id.slice(0, 8)} is of the source ${other}, not of ${source}`,
    { hint: `Make a new plan; \`lifeboat points ${source}\` lists those of it.` },
  );
}
