import { isLifeboatError, LifeboatError, Secret } from '../../../core/index.ts';
import type { HttpAnswer } from '../http/http-transport.ts';

/** An access token and how long it lasts. */
export interface GcsToken {
  /** `Bearer ...` */
  readonly authorization: Secret;
  readonly validMs: number;
}

export type FetchToken = (signal: AbortSignal | undefined) => Promise<GcsToken>;

/** A token is renewed that long before it ends. */
const marginMs = 120_000;

/** Fetches a token when one is needed, once for all who wait, and keeps it while it lasts. */
export class GcsTokens {
  readonly #fetch: FetchToken;
  #current: { readonly authorization: Secret; readonly untilMs: number } | undefined;
  #fetching: Promise<Secret> | undefined;

  constructor(fetchToken: FetchToken) {
    this.#fetch = fetchToken;
  }

  async authorization(signal: AbortSignal | undefined): Promise<Secret> {
    for (;;) {
      if (this.#current && performance.now() < this.#current.untilMs) {
        return this.#current.authorization;
      }
      const mine = this.#fetching === undefined;
      this.#fetching ??= this.#renew(signal).finally(() => {
        this.#fetching = undefined;
      });
      try {
        return await this.#fetching;
      } catch (error) {
        // Whoever fetched was called off; those who only waited were not.
        if (mine || signal?.aborted || !isLifeboatError(error, 'cancelled')) throw error;
      }
    }
  }

  /** A token that was refused is not used again. */
  forget(authorization: Secret): void {
    if (this.#current?.authorization === authorization) this.#current = undefined;
  }

  async #renew(signal: AbortSignal | undefined): Promise<Secret> {
    const { authorization, validMs } = await this.#fetch(signal);
    const untilMs = performance.now() + Math.max(0, validMs - marginMs);
    this.#current = { authorization, untilMs };
    return authorization;
  }
}

/** What a token endpoint answered. `attempted` names the credentials, not what they are. */
export function tokenOf(answer: HttpAnswer, attempted: string): GcsToken {
  const body = parsed(answer.body);
  const { access_token: token, expires_in: seconds } = body;
  if (answer.status === 200 && typeof token === 'string') {
    const validMs = typeof seconds === 'number' ? seconds * 1000 : 0;
    return { authorization: new Secret(`Bearer ${token}`), validMs };
  }
  const words = [body.error, body.error_description].filter((each) => typeof each === 'string');
  const message = `${attempted}: ${words.join(': ') || `the answer was ${answer.status}`}`;
  if (answer.status >= 500 || answer.status === 429) {
    return fail(new LifeboatError('location.unreachable', message, { retryable: true }));
  }
  return fail(
    new LifeboatError('location.refused', message, {
      hint: 'See that the key still exists, that the account is not disabled, and that the clock of this host is right.',
    }),
  );
}

function fail(error: LifeboatError): never {
  throw error;
}

function parsed(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
