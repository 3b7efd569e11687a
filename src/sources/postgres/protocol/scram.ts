import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { LifeboatError } from '../../../core/index.ts';

const derive = promisify(pbkdf2);
/** PostgreSQL's default is 4096; a server that asks for more than this wants to keep us busy. */
const iterationsMax = 10_000_000;
/** Base64 of the GS2 header `n,,`: the client does not support channel binding. */
const channelBinding = 'biws';

/** What the client knows after the server's proof has to be checked. */
export interface ScramReply {
  readonly message: string;
  readonly serverSignature: Buffer;
}

/** SCRAM-SHA-256 (RFC 5802, 7677). The user name is empty: PostgreSQL takes the one of the startup message. */
export class ScramClient {
  readonly #nonce: string;

  constructor(nonce: string = randomBytes(18).toString('base64')) {
    this.#nonce = nonce;
  }

  get firstMessage(): string {
    return `n,,${this.#firstBare}`;
  }

  get #firstBare(): string {
    return `n=,r=${this.#nonce}`;
  }

  /** Answers the server's challenge. A challenge that does not parse is `postgres.protocol`. */
  async reply(challenge: string, password: string): Promise<ScramReply> {
    const { nonce, salt, iterations } = parseChallenge(challenge, this.#nonce);
    const salted = await derive(saslPrep(password), salt, iterations, 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash('sha256').update(clientKey).digest();
    const withoutProof = `c=${channelBinding},r=${nonce}`;
    const authMessage = `${this.#firstBare},${challenge},${withoutProof}`;
    const signature = hmac(storedKey, authMessage);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] as number)));
    return {
      message: `${withoutProof},p=${proof.toString('base64')}`,
      serverSignature: hmac(hmac(salted, 'Server Key'), authMessage),
    };
  }
}

/** Throws unless the server's last message proves that it knows the password too. */
export function verifyServer(final: string, expected: Buffer): void {
  const given = Buffer.from(/^v=([A-Za-z0-9+/=]+)/.exec(final)?.[1] ?? '', 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new LifeboatError(
      'postgres.protocol',
      'the server could not prove that it knows the password',
      {
        hint: 'Something other than your PostgreSQL server may be answering. Check host and port.',
      },
    );
  }
}

function parseChallenge(challenge: string, ownNonce: string) {
  const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(,|$)/.exec(challenge);
  const nonce = match?.[1] ?? '';
  const salt = Buffer.from(match?.[2] ?? '', 'base64');
  const iterations = Number(match?.[3] ?? 0);
  const fresh = nonce.startsWith(ownNonce) && nonce.length > ownNonce.length;
  if (!fresh || salt.length === 0 || iterations < 1 || iterations > iterationsMax) {
    throw new LifeboatError('postgres.protocol', 'the server sent a SCRAM challenge that is wrong');
  }
  return { nonce, salt, iterations };
}

/** RFC 4013 as far as passwords need it: odd spaces become spaces, invisible characters go, NFKC. */
function saslPrep(password: string): string {
  const mapped = password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(
      /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g,
      '',
    )
    .normalize('NFKC');
  return mapped === '' ? password : mapped;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
