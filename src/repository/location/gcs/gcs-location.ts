import { createHash } from 'node:crypto';
import { LifeboatError } from '../../../core/index.ts';
import { assertFileName, assertFolderName } from '../file-name.ts';
import type { ByteRange, FileInfo, FileKind, Location } from '../location.ts';
import { endsEarly, existsAlready, otherBytes } from '../rest-error.ts';
import { type GcsAddress, parseGcsAddress } from './gcs-address.ts';
import { GcsConnection } from './gcs-connection.ts';
import { gcsError } from './gcs-error.ts';
import { answeredJson, listObjects } from './gcs-listing.ts';
import { md5, uploadObject } from './gcs-upload.ts';

interface StoredObject {
  readonly sizeBytes: number;
  readonly md5: string | undefined;
  readonly generation: string;
  readonly created: Date | undefined;
}

/**
 * Google Cloud Storage over its JSON API, in the layout of restic's `gs:`. An object appears whole or not at all; every write
 * goes through only if nothing of that name is there, so that a role that may create but not delete is enough for backups.
 */
export class GcsLocation implements Location {
  readonly kind = 'gs';
  readonly #connection: GcsConnection;
  readonly #address: GcsAddress;

  constructor(connection: GcsConnection, address: GcsAddress) {
    this.#connection = connection;
    this.#address = address;
  }

  describe(): string {
    return `gs:${this.#address.bucket}:/${this.#address.prefix}`;
  }

  /** A bucket needs no structure; it is only seen whether it answers. */
  async create(signal?: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ prefix: this.#path('config'), maxResults: '1' });
    const path = `/storage/v1/b/${encodeURIComponent(this.#address.bucket)}/o?${query}`;
    const answer = await this.#connection.request({ method: 'GET', path, signal });
    if (answer.status !== 200) throw gcsError(answer, `could not create ${this.describe()}`);
  }

  async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    if (kind === 'config') {
      const stored = await this.#stored(this.#path('config'), signal);
      return stored === undefined ? [] : [{ name: 'config', sizeBytes: stored.sizeBytes }];
    }
    return await listObjects(this.#connection, {
      bucket: this.#address.bucket,
      folder: `${this.#path(kind)}/`,
      kind,
      attempted: `could not list ${kind} of ${this.describe()}`,
      signal,
    });
  }

  async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const path = `${this.#objectPath(this.#pathOf(kind, name))}?alt=media`;
    const attempted = `could not read ${kind}/${name} of ${this.describe()}`;
    const end = range && range.offset + range.length - 1;
    const headers: Record<string, string> = range ? { range: `bytes=${range.offset}-${end}` } : {};
    const answer = await this.#connection.request({ method: 'GET', path, headers, signal });
    if (answer.status === 416) throw endsEarly(attempted);
    if (answer.status !== 200 && answer.status !== 206) throw gcsError(answer, attempted);
    if (range === undefined) return verified(answer.body, answer.header('x-goog-hash'), attempted);
    const start = answer.status === 200 ? range.offset : 0;
    if (answer.body.length < start + range.length) throw endsEarly(attempted);
    return answer.body.subarray(start, start + range.length);
  }

  async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    const object = this.#pathOf(kind, name);
    const attempted = `could not write ${kind}/${name} to ${this.describe()}`;
    const upload = { bucket: this.#address.bucket, object, bytes, signal };
    const answer = await uploadObject(this.#connection, { ...upload, generation: '0' });
    if (answer.status === 200 || answer.status === 201) return;
    if (answer.status !== 412) throw gcsError(answer, attempted);
    if (kind === 'config') throw existsAlready(attempted);
    const stored = await this.#stored(object, signal);
    if (stored?.sizeBytes === bytes.length && stored.md5 === md5(bytes)) return;
    // What is there is not what was to be written: one of the two is not what its name says.
    if (createHash('sha256').update(bytes).digest('hex') !== name) throw otherBytes(attempted);
    const generation = stored?.generation ?? '0';
    const healed = await uploadObject(this.#connection, { ...upload, generation });
    if (healed.status === 403) throw otherBytes(attempted);
    if (healed.status !== 200 && healed.status !== 201) throw gcsError(healed, attempted);
  }

  async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    const path = this.#objectPath(this.#pathOf(kind, name));
    const answer = await this.#connection.request({ method: 'DELETE', path, signal });
    if ([200, 204, 404].includes(answer.status)) return;
    throw gcsError(answer, `could not remove ${kind}/${name} from ${this.describe()}`);
  }

  async modifiedAt(kind: FileKind, name: string, signal?: AbortSignal): Promise<Date | undefined> {
    return (await this.#stored(this.#pathOf(kind, name), signal))?.created;
  }

  nested(folder: string): Location {
    assertFolderName(folder);
    return new GcsLocation(this.#connection, { ...this.#address, prefix: this.#path(folder) });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #path(part: string): string {
    return this.#address.prefix === '' ? part : `${this.#address.prefix}/${part}`;
  }

  #pathOf(kind: FileKind, name: string): string {
    assertFileName(kind, name);
    if (kind === 'config') return this.#path('config');
    return this.#path(kind === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${kind}/${name}`);
  }

  #objectPath(object: string): string {
    const bucket = encodeURIComponent(this.#address.bucket);
    return `/storage/v1/b/${bucket}/o/${encodeURIComponent(object)}`;
  }

  async #stored(
    object: string,
    signal: AbortSignal | undefined,
  ): Promise<StoredObject | undefined> {
    const path = `${this.#objectPath(object)}?fields=size,md5Hash,generation,timeCreated`;
    const answer = await this.#connection.request({ method: 'GET', path, signal });
    if (answer.status === 404) return undefined;
    const attempted = `could not look for ${object} in ${this.describe()}`;
    if (answer.status !== 200) throw gcsError(answer, attempted);
    const { size, md5Hash, generation, timeCreated } = answeredJson(answer.body, attempted);
    return {
      sizeBytes: Number(size),
      md5: typeof md5Hash === 'string' ? md5Hash : undefined,
      generation: String(generation),
      created: typeof timeCreated === 'string' ? new Date(timeCreated) : undefined,
    };
  }
}

/** What Google says the object has is compared with what arrived. */
function verified(body: Uint8Array, hashes: string | undefined, attempted: string): Uint8Array {
  const announced = /(?:^|,\s*)md5=([^,\s]+)/.exec(hashes ?? '')?.[1];
  if (announced === undefined || announced === md5(body)) return body;
  throw new LifeboatError('location.unreachable', `${attempted}: it was damaged on its way`, {
    hint: 'Trying again is safe.',
    retryable: true,
  });
}

/** `gs:bucket:/prefix`, with Google's usual variables. */
export function openGcs(text: string, environment: NodeJS.ProcessEnv): Location {
  return new GcsLocation(new GcsConnection(environment), parseGcsAddress(text));
}
