import { LifeboatError, Secret } from '../../core/index.ts';
import { assertFileName, assertFolderName, isHashName } from './file-name.ts';
import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';
import { damagedRest, endsEarly, restError } from './rest-error.ts';
import { type RestAnswer, restRequest } from './rest-request.ts';

const listType = 'application/vnd.x.restic.rest.v2';

export interface RestCredentials {
  readonly user: string;
  readonly password: Secret;
}

/**
 * A server that speaks restic's REST protocol, version 2 (rest-server, rclone, backup providers). The
 * server fsyncs before it acknowledges, and refuses bytes that do not match their name.
 */
export class RestLocation implements Location {
  readonly kind = 'rest';
  readonly #base: URL;
  readonly #credentials: RestCredentials | undefined;

  /** `base` ends in a slash and holds no credentials. */
  constructor(base: URL, credentials: RestCredentials | undefined) {
    this.#base = base;
    this.#credentials = credentials;
  }

  describe(): string {
    return `rest:${this.#base.href}`;
  }

  async create(signal?: AbortSignal): Promise<void> {
    const answer = await this.#request('POST', '?create=true', { signal });
    if (answer.status !== 200) throw restError(answer, `could not create ${this.describe()}`);
  }

  async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    const attempted = `could not list ${kind} of ${this.describe()}`;
    if (kind === 'config') {
      const sizeBytes = await this.#sizeOf('config', signal);
      return sizeBytes === undefined ? [] : [{ name: 'config', sizeBytes }];
    }
    const answer = await this.#request('GET', `${kind}/`, { signal, accept: listType });
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw restError(answer, attempted);
    return decodeListing(answer.body, attempted);
  }

  async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const path = pathOf(kind, name);
    const attempted = `could not read ${path} of ${this.describe()}`;
    const answer = await this.#request('GET', path, { signal, range });
    if (answer.status === 416) throw endsEarly(attempted);
    if (answer.status !== 200 && answer.status !== 206) throw restError(answer, attempted);
    if (range === undefined) return answer.body;
    // A server may ignore the range and send everything: then the part is cut out here.
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
    const path = pathOf(kind, name);
    const answer = await this.#request('POST', path, { signal, body: bytes });
    if (answer.status === 200) return;
    // Servers refuse to write a name twice. For a hash the file that is there is the one we meant:
    // its bytes were compared with its name when they were stored.
    if (answer.status === 403 && kind !== 'config') {
      if ((await this.#sizeOf(path, signal)) === bytes.length) return;
    }
    throw restError(answer, `could not write ${path} to ${this.describe()}`);
  }

  async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    const path = pathOf(kind, name);
    const answer = await this.#request('DELETE', path, { signal });
    if (answer.status === 200 || answer.status === 404) return;
    throw restError(answer, `could not remove ${path} from ${this.describe()}`);
  }

  nested(folder: string): Location {
    assertFolderName(folder);
    return new RestLocation(new URL(`${folder}/`, this.#base), this.#credentials);
  }

  /** Undefined when there is no such file. */
  async #sizeOf(path: string, signal: AbortSignal | undefined): Promise<number | undefined> {
    const answer = await this.#request('HEAD', path, { signal });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw restError(answer, `could not look for ${path}`);
    return answer.lengthBytes ?? 0;
  }

  #request(
    method: 'GET' | 'HEAD' | 'POST' | 'DELETE',
    path: string,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly accept?: string;
      readonly range?: ByteRange | undefined;
      readonly body?: Uint8Array;
    },
  ): Promise<RestAnswer> {
    const headers: Record<string, string> = { accept: options.accept ?? '*/*' };
    if (this.#credentials !== undefined) {
      const { user, password } = this.#credentials;
      const pair = Buffer.from(`${user}:${password.reveal()}`).toString('base64');
      headers.authorization = `Basic ${pair}`;
    }
    if (options.range !== undefined) {
      const { offset, length } = options.range;
      headers.range = `bytes=${offset}-${offset + length - 1}`;
    }
    if (options.body !== undefined) headers['content-type'] = 'application/octet-stream';
    const url = new URL(path, this.#base);
    return restRequest({ method, url, headers, body: options.body, signal: options.signal });
  }
}

/** `rest:https://user:password@host:8000/name/`. Credentials that are not in the address are taken from
 * the environment, under the names that restic uses. */
export function parseRestLocation(text: string, environment: NodeJS.ProcessEnv): RestLocation {
  const base = new URL(text.slice('rest:'.length));
  if (base.protocol !== 'http:' && base.protocol !== 'https:') {
    throw new LifeboatError('usage.invalid', `cannot reach a REST server over ${base.protocol}`, {
      hint: 'Write rest:https://host:8000/name/ or rest:http://host:8000/name/.',
    });
  }
  const user = decodeURIComponent(base.username) || environment.RESTIC_REST_USERNAME || '';
  const password = decodeURIComponent(base.password) || environment.RESTIC_REST_PASSWORD || '';
  base.username = '';
  base.password = '';
  base.search = '';
  base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const credentials = user === '' ? undefined : { user, password: new Secret(password) };
  return new RestLocation(base, credentials);
}

function pathOf(kind: FileKind, name: string): string {
  assertFileName(kind, name);
  return kind === 'config' ? 'config' : `${kind}/${name}`;
}

function decodeListing(body: Uint8Array, attempted: string): FileInfo[] {
  let entries: unknown;
  try {
    entries = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
  } catch (error) {
    throw damagedRest(attempted, error);
  }
  // Go writes an empty list as null.
  if (entries === null) return [];
  if (!Array.isArray(entries)) throw damagedRest(attempted);
  const files: FileInfo[] = [];
  for (const entry of entries as readonly unknown[]) {
    const { name, size } = (entry ?? {}) as { name?: unknown; size?: unknown };
    if (typeof name !== 'string' || typeof size !== 'number') throw damagedRest(attempted);
    if (isHashName(name)) files.push({ name, sizeBytes: size });
  }
  return files;
}
