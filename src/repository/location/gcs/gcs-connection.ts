import { HttpClient } from '../http/http-client.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from '../http/http-transport.ts';
import { findGcsTokens } from './gcs-credentials.ts';
import { GcsTokens } from './gcs-token.ts';

export type GcsRequest = Omit<HttpRequest, 'url' | 'headers' | 'authorization'> & {
  /** Below the endpoint, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Google's endpoint, or an emulator's, with a token for every request. */
export class GcsConnection {
  readonly #transport: HttpTransport;
  readonly #endpoint: URL;
  readonly #tokens: GcsTokens | undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#transport = new HttpClient({ environment });
    const emulator = environment.STORAGE_EMULATOR_HOST;
    const address = emulator || 'https://storage.googleapis.com';
    this.#endpoint = new URL(address.includes('://') ? address : `http://${address}`);
    const fetchToken = findGcsTokens(environment, this.#transport);
    this.#tokens = fetchToken && new GcsTokens(fetchToken);
  }

  async request({ path, headers = {}, ...request }: GcsRequest): Promise<HttpAnswer> {
    const url = new URL(path, this.#endpoint);
    for (let attempt = 1; ; attempt++) {
      const authorization = await this.#tokens?.authorization(request.signal);
      const answer = await this.#transport.request({ ...request, url, headers, authorization });
      if (answer.status !== 401 || authorization === undefined || attempt > 1) return answer;
      // Withdrawn before its time: once with a new one.
      this.#tokens?.forget(authorization);
    }
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
