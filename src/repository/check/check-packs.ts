import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { packsIn } from '../format/index-columns.ts';
import { decodeIndex, type IndexedPack } from '../format/index-file.ts';
import { scanIndex } from '../format/index-scan.ts';
import { packSizeBytes } from '../format/pack-header.ts';
import { aboutFile, readStoredBytes } from '../stored-file.ts';
import { blobKey, type CheckState } from './check-state.ts';
import { PackReader } from './pack-reader.ts';
import { chosenPacks } from './pack-subset.ts';

const task = 'check packs';

/**
 * Index files against the packs that are there; with `readData` every pack is read. Index files are taken one after
 * the other, so that memory does not grow with their number. Returns the number of packs.
 */
export async function checkPacks(state: CheckState): Promise<number> {
  const { access, findings, signal, progress } = state;
  // The index is listed first: packs that a backup adds meanwhile are merely not indexed yet.
  const indexFiles = await access.location.list('index', signal);
  const packFiles = await access.location.list('data', signal);
  const sizes = new Map(packFiles.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const isRead = chosenPacks(packFiles, state.readData);
  const total = packFiles.reduce(
    (sum, { name, sizeBytes }) => sum + (isRead(name) ? sizeBytes : 0),
    0,
  );
  progress({ type: 'begin', task, title: 'checking packs' });
  const seen = new Set<string>();
  const reader = new PackReader(state);
  for (const { name } of indexFiles) {
    for (const pack of await readIndexFile(state, name)) {
      throwIfAborted(signal);
      if (seen.has(pack.name)) continue;
      seen.add(pack.name);
      const problem = sizeProblem(pack, sizes.get(pack.name));
      if (problem !== undefined) condemn(state, pack, problem);
      else if (isRead(pack.name)) await reader.read(pack);
      else state.sound.addPack(pack);
      progress({ type: 'progress', task, done: state.bytesRead, total, unit: 'bytes' });
    }
    await reader.settle();
  }
  for (const { name } of packFiles) {
    if (seen.has(name)) continue;
    const problem = 'in no index: left by an interrupted backup, or its index file is lost';
    findings.add({ kind: 'pack', name, problem, severity: 'hint' });
  }
  progress({ type: 'end', task });
  return packFiles.length;
}

async function readIndexFile(
  { access, findings, signal }: CheckState,
  name: string,
): Promise<Iterable<IndexedPack>> {
  try {
    const json = await readStoredBytes(access, 'index', name, signal);
    const columns = scanIndex(json);
    if (columns !== undefined) return packsIn(columns);
    return aboutFile('index', name, () => decodeIndex(json.toString('utf8')));
  } catch (error) {
    if (isLifeboatError(error, 'location.file-missing')) return [];
    if (!isLifeboatError(error, 'repository.damaged')) throw error;
    findings.add({ kind: 'index', name, problem: error.message, severity: 'error' });
    return [];
  }
}

function sizeProblem(pack: IndexedPack, sizeBytes: number | undefined): string | undefined {
  if (sizeBytes === undefined) return 'missing';
  const expected = packSizeBytes(pack.blobs);
  if (sizeBytes === expected) return undefined;
  return `has ${sizeBytes} bytes instead of ${expected}`;
}

/** A pack that cannot be trusted at all: each of its blobs is lost unless another pack holds it. */
function condemn(state: CheckState, pack: IndexedPack, problem: string): void {
  const finding = state.findings.add({ kind: 'pack', name: pack.name, problem, severity: 'error' });
  for (const { type, id } of pack.blobs) state.unsound.set(blobKey(type, id), finding);
}
