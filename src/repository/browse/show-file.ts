import { LifeboatError } from '../../core/index.ts';
import { open } from '../crypto/envelope.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { encodeMasterKey } from '../format/key-file.ts';
import { decodePackHeader, locatePackHeader, packTrailerBytes } from '../format/pack-header.ts';
import type { FileKind } from '../location/location.ts';
import { aboutFile, type RepositoryAccess, readStoredJson } from '../stored-file.ts';

export type ShownKind = 'config' | 'index' | 'snapshot' | 'lock' | 'key' | 'masterkey';

const folders = { index: 'index', snapshot: 'snapshots', lock: 'locks', key: 'keys' } as const;

/** The JSON inside a file of the repository. `id` may be a beginning; not needed for config and masterkey. */
export async function showFile(
  access: RepositoryAccess,
  kind: ShownKind,
  id = '',
  signal?: AbortSignal,
): Promise<string> {
  const { location, masterKey } = access;
  if (kind === 'masterkey') return encodeMasterKey(masterKey);
  if (kind === 'config') {
    const sealed = await location.read('config', 'config', undefined, signal);
    return aboutFile('config', 'config', () => {
      return Buffer.from(open(masterKey, sealed)).toString('utf8');
    });
  }
  const folder = folders[kind];
  const name = await nameByPrefix(access, folder, id, signal);
  if (folder !== 'keys') return await readStoredJson(access, folder, name, signal);
  const bytes = await location.read('keys', name, undefined, signal);
  return Buffer.from(bytes).toString('utf8');
}

export interface ShownPack {
  readonly name: string;
  readonly sizeBytes: number;
  readonly blobs: readonly PackedBlob[];
}

/** What a pack's own header says is in it. */
export async function showPack(
  { location, masterKey }: RepositoryAccess,
  id: string,
  signal?: AbortSignal,
): Promise<ShownPack> {
  const found = (await location.list('data', signal)).filter(({ name }) => name.startsWith(id));
  const { name, sizeBytes } = only(found, 'pack', id);
  const trailer = await location.read(
    'data',
    name,
    {
      offset: Math.max(0, sizeBytes - packTrailerBytes),
      length: Math.min(sizeBytes, packTrailerBytes),
    },
    signal,
  );
  // A damaged pack may promise any length; the decoder says so.
  const promised = trailer.length < packTrailerBytes ? 0 : Buffer.from(trailer).readUInt32LE(0);
  const length = Math.min(sizeBytes, promised + packTrailerBytes);
  const end = await location.read('data', name, { offset: sizeBytes - length, length }, signal);
  return aboutFile('data', name, () => {
    return { name, sizeBytes, blobs: decodePackHeader(open(masterKey, locatePackHeader(end))) };
  });
}

async function nameByPrefix(
  { location }: RepositoryAccess,
  folder: FileKind,
  id: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const files = await location.list(folder, signal);
  return only(
    files.filter(({ name }) => name.startsWith(id)),
    folder,
    id,
  ).name;
}

function only<Item>(found: readonly Item[], what: string, id: string): Item {
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  throw new LifeboatError(
    'location.file-missing',
    `${first ? `${found.length} files` : 'no file'} of ${what} ${first ? 'begin' : 'begins'} with ${JSON.stringify(id)}`,
    { hint: first ? 'Give more of the id.' : 'Look whether it is an id of this kind of file.' },
  );
}
