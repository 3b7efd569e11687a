import { hash } from 'node:crypto';
import { giveBack, isLifeboatError, LifeboatError } from '../core/index.ts';
import { type EnvelopeKey, open, seal } from './crypto/envelope.ts';
import { damaged } from './format/json-shape.ts';
import { decodeStoredBytes, encodeStoredJson } from './format/stored-json.ts';
import type { FileKind, Location } from './location/location.ts';

/** What it takes to read and write the files of one open repository. */
export interface RepositoryAccess {
  readonly location: Location;
  readonly masterKey: EnvelopeKey;
  readonly version: 1 | 2;
}

/** Format 1 knows no compression: it is read, never written. Errors: `repository.unsupported`. */
export function assertWritable({ version }: RepositoryAccess): void {
  if (version === 2) return;
  throw new LifeboatError('repository.unsupported', 'the repository has format version 1', {
    hint: 'It can be read. To write to it, run `restic migrate upgrade_repo_v2` first.',
  });
}

export type JsonKind = Extract<FileKind, 'index' | 'snapshots' | 'locks'>;

/** Seals JSON under the master key and writes it under its hash. Durable when it resolves. */
export async function writeStoredJson(
  { location, masterKey, version }: RepositoryAccess,
  kind: JsonKind,
  json: string | Uint8Array,
  signal?: AbortSignal,
): Promise<string> {
  const sealed = seal(masterKey, encodeStoredJson(json, version));
  const name = sha256(sealed);
  await location.write(kind, name, sealed, signal);
  return name;
}

/** The JSON of a stored file whose hash and MAC were found right. Errors: `repository.damaged`, `location.*`. */
export async function readStoredJson(
  access: RepositoryAccess,
  kind: JsonKind,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  return (await readStoredBytes(access, kind, name, signal)).toString('utf8');
}

/** As `readStoredJson`, without making a text of it. */
export async function readStoredBytes(
  { location, masterKey }: RepositoryAccess,
  kind: JsonKind,
  name: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const bytes = await location.read(kind, name, undefined, signal);
  if (sha256(bytes) !== name) throw damaged(`${kind}/${name}: its bytes do not match its name`);
  return aboutFile(kind, name, () => {
    const plain = open(masterKey, bytes);
    const json = decodeStoredBytes(plain);
    if (json.buffer !== plain.buffer) giveBack(plain);
    return json;
  });
}

/** Runs a decoder and names the file in its error. */
export function aboutFile<Value>(kind: FileKind, name: string, decode: () => Value): Value {
  try {
    return decode();
  } catch (error) {
    if (!isLifeboatError(error, 'repository.damaged')) throw error;
    throw damaged(`${kind}/${name}: ${error.message}`);
  }
}

export function sha256(bytes: Uint8Array): string {
  // In one call: a hash object per blob costs more than hashing some KiB.
  return hash('sha256', bytes, 'hex');
}
