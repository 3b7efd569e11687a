import type { S3Client } from '@aws-sdk/client-s3';
import { throwIfAborted } from '../../../core/index.ts';
import { isNear } from '../http/http-client.ts';
import { describeS3, type S3Address } from './s3-address.ts';
import { s3Error } from './s3-error.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/** What a call gets to work with. */
export interface S3Tools {
  readonly sdk: Sdk;
  readonly client: S3Client;
  /** For `client.send`: ends the request when the caller is gone. */
  readonly options: { readonly abortSignal?: AbortSignal };
  readonly bucket: string;
}

const connectMs = 15_000;
/** Nothing heard for that long: the server is taken for gone. */
const silenceMs = 60_000;
const maxConnections = 64;

/** One client for everything in a bucket. The SDK is loaded and credentials are looked for at the first call. */
export class S3Connection {
  readonly address: S3Address;
  readonly #environment: NodeJS.ProcessEnv;
  #opened: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined;

  constructor(address: S3Address, environment: NodeJS.ProcessEnv) {
    this.address = address;
    this.#environment = environment;
  }

  describe(): string {
    return describeS3(this.address);
  }

  /** Runs one call; what it throws becomes ours. */
  async call<Result>(
    attempted: string,
    work: (tools: S3Tools) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    throwIfAborted(signal);
    try {
      this.#opened ??= this.#open();
      const { sdk, client } = await this.#opened;
      const options = signal === undefined ? {} : { abortSignal: signal };
      return await work({ sdk, client, options, bucket: this.address.bucket });
    } catch (error) {
      throw s3Error(error, `${attempted} (${this.describe()})`, signal);
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    (await opened?.catch(() => undefined))?.client.destroy();
  }

  async #open(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    const sdk = await import('@aws-sdk/client-s3');
    const { endpoint, pathStyle, profile, anonymous } = this.address;
    const region = await this.#region(sdk);
    const credentials = this.#credentials();
    const isProxied = endpoint === undefined || !isNear(new URL(endpoint).hostname);
    const proxy = isProxied ? { proxyEnv: this.#environment } : {};
    const agent = { keepAlive: true, maxSockets: maxConnections, ...proxy };
    const client = new sdk.S3Client({
      region,
      forcePathStyle: pathStyle,
      followRegionRedirects: true,
      // `RetryingLocation` tries again, with pauses that the user is told of.
      maxAttempts: 1,
      // What is read is compared with its name, also where the server keeps no checksum.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: connectMs,
        socketTimeout: silenceMs,
        httpAgent: agent,
        httpsAgent: agent,
      },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(profile === undefined ? {} : { profile }),
      ...(credentials === undefined ? {} : { credentials }),
      ...(anonymous ? { signer: { sign: async (request) => request } } : {}),
    });
    return { sdk, client };
  }

  /** Servers of one's own mostly do not care, but a signature needs one. */
  async #region(sdk: Sdk): Promise<string> {
    const { AWS_REGION, AWS_DEFAULT_REGION } = this.#environment;
    const named = this.address.region || AWS_REGION || AWS_DEFAULT_REGION;
    if (named) return named;
    const { profile } = this.address;
    const fromFiles = new sdk.S3Client(profile === undefined ? {} : { profile });
    return await fromFiles.config.region().catch(() => 'us-east-1');
  }

  /** Undefined leaves it to the usual chain: environment, profile files, roles of containers and instances. */
  #credentials() {
    if (this.address.anonymous) return { accessKeyId: '', secretAccessKey: '' };
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = this.#environment;
    if (this.address.profile !== undefined) return undefined;
    if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
    return {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
    };
  }
}
