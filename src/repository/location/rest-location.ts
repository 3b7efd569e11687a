import { readFileSync } from 'node:fs';
import { fileError, LifeboatError, Secret } from '../../core/index.ts';
import { assertFileName, assertFolderName, isHashName } from './file-name.ts';
import { HttpClient } from './http/http-client.ts';
import type { HttpAnswer, HttpTransport } from './http/http-transport.ts';
import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';
import {
  damagedRest,
  endsEarly,
  existsAlready,
  keepsForEver,
  otherBytes,
  restError,
} from './rest-error.ts';

const listType = 'application/vnd.x.restic.rest.v2';

/** How a REST server is spoken to. */
export interface RestConnection {
  readonly kind: 'rest' | 'rclone';
  readonly transport: HttpTransport;
  /** For people, without credentials; nested folders are added to it. */
  readonly description: string;
  /** `Basic ...` */
  readonly authorization?: Secret | undefined;
}

/**
 * A server that speaks restic's REST protocol, version 2 (rest-server, rclone, backup providers). The
 * server fsyncs before it acknowledges, and refuses bytes that do not match their name.
 */
export class RestLocation implements Location {
  readonly #base: URL;
  readonly #connection: RestConnection;

  /** `base` ends in a slash and holds no credentials. */
  constructor(base: URL, connection: RestConnection) {
    this.#base = base;
    this.#connection = connection;
  }

  get kind(): string {
    return this.#connection.kind;
  }

  describe(): string {
    return this.#connection.description;
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
    // Servers refuse to write a name twice. The file that is there may be ours, from an attempt whose answer was lost;
    // it may also be a damaged copy, which must not pass for what was to be written.
    const attempted = `could not write ${path} to ${this.describe()}`;
    if (answer.status === 403 && (await this.#sizeOf(path, signal)) !== undefined) {
      if (kind === 'config') throw existsAlready(attempted);
      if (Buffer.compare(await this.read(kind, name, undefined, signal), bytes) === 0) return;
      throw otherBytes(attempted);
    }
    throw restError(answer, attempted);
  }

  async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    const path = pathOf(kind, name);
    const answer = await this.#request('DELETE', path, { signal });
    if (answer.status === 200 || answer.status === 404) return;
    const attempted = `could not remove ${path} from ${this.describe()}`;
    throw answer.status === 403 ? keepsForEver(attempted) : restError(answer, attempted);
  }

  /** The server does not say when a file was written; every answer has the time, though. */
  async now(signal?: AbortSignal): Promise<Date | undefined> {
    const answer = await this.#request('HEAD', 'config', { signal });
    const time = new Date(answer.header('date') ?? '');
    return Number.isNaN(time.getTime()) ? undefined : time;
  }

  nested(folder: string): Location {
    assertFolderName(folder);
    const description = `${this.describe().replace(/\/?$/, '/')}${folder}/`;
    const connection = { ...this.#connection, description };
    return new RestLocation(new URL(`${folder}/`, this.#base), connection);
  }

  async close(): Promise<void> {
    await this.#connection.transport.close();
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
  ): Promise<HttpAnswer> {
    const headers: Record<string, string> = { accept: options.accept ?? '*/*' };
    if (options.range !== undefined) {
      const { offset, length } = options.range;
      headers.range = `bytes=${offset}-${offset + length - 1}`;
    }
    if (options.body !== undefined) headers['content-type'] = 'application/octet-stream';
    return this.#connection.transport.request({
      method,
      url: new URL(path, this.#base),
      headers,
      authorization: this.#connection.authorization,
      // A request without bytes says so, as some servers want a length.
      body: method === 'POST' ? [options.body ?? new Uint8Array()] : undefined,
      signal: options.signal,
    });
  }
}

/**
 * `rest:https://user:password@host:8000/name/`, or `rest:http+unix:///path/of/socket:/name/`. Credentials that are not in the
 * address are taken from the environment, and so is a certificate authority, under the names that restic uses.
 */
export function parseRestLocation(text: string, environment: NodeJS.ProcessEnv): RestLocation {
  const address = text.slice('rest:'.length);
  const socket = /^http\+unix:\/\/(\/[^:]+):?(\/.*)?$/.exec(address);
  const base = new URL(socket ? `http://localhost${socket[2] ?? '/'}` : address);
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
  const pair = Buffer.from(`${user}:${password}`).toString('base64');
  return new RestLocation(base, {
    kind: 'rest',
    transport: new HttpClient({
      environment,
      socketPath: socket?.[1],
      certificateAuthority: base.protocol === 'https:' ? certificateFile(environment) : undefined,
    }),
    description: socket ? `rest:http+unix://${socket[1]}:${base.pathname}` : `rest:${base.href}`,
    authorization: user === '' ? undefined : new Secret(`Basic ${pair}`),
  });
}

function certificateFile({ RESTIC_CACERT: path }: NodeJS.ProcessEnv): string | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(error, `could not read the certificate authority ${path} (RESTIC_CACERT)`);
  }
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
