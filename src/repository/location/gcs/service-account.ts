import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { LifeboatError } from '../../../core/index.ts';
import type { HttpTransport } from '../http/http-transport.ts';
import { type FetchToken, tokenOf } from './gcs-token.ts';

/** Reading and writing objects; not the bucket itself, not who may access it. */
const scope = 'https://www.googleapis.com/auth/devstorage.read_write';
const googleTokenUri = 'https://oauth2.googleapis.com/token';
const lifetimeSeconds = 3600;

/** The fields of a credentials file, whatever is in them. */
export type CredentialsFile = Readonly<Record<string, unknown>>;

/** Tokens for a credentials file of `type` service_account (a key) or authorized_user (`gcloud auth application-default login`). */
export function tokensFromFile(
  file: CredentialsFile,
  path: string,
  transport: HttpTransport,
): FetchToken {
  const field = (name: string): string => {
    const value = file[name];
    if (typeof value === 'string' && value !== '') return value;
    throw unusable(path, `it has no ${name}`);
  };
  const url = new URL(typeof file.token_uri === 'string' ? file.token_uri : googleTokenUri);
  const attempted = `could not get a token with ${path}`;
  const fetchToken = async (form: Record<string, string>, signal: AbortSignal | undefined) => {
    const answer = await transport.request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: [Buffer.from(new URLSearchParams(form).toString())],
      signal,
    });
    return tokenOf(answer, attempted);
  };
  switch (file.type) {
    case 'service_account': {
      const key = privateKey(field('private_key'), path);
      const [email, keyId] = [field('client_email'), file.private_key_id];
      return (signal) => {
        const assertion = assertionOf({ email, keyId, key, audience: url.href });
        const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
        return fetchToken({ grant_type: grant, assertion }, signal);
      };
    }
    case 'authorized_user': {
      const [id, secret] = [field('client_id'), field('client_secret')];
      const refresh = field('refresh_token');
      return (signal) => {
        const form = { client_id: id, client_secret: secret, refresh_token: refresh };
        return fetchToken({ grant_type: 'refresh_token', ...form }, signal);
      };
    }
    default:
      throw unusable(path, `it is of the type ${JSON.stringify(file.type)}`);
  }
}

/** RFC 7523: what the account says of itself, signed with its key (RS256). */
function assertionOf(claim: {
  readonly email: string;
  readonly keyId: unknown;
  readonly key: KeyObject;
  readonly audience: string;
}): string {
  const issued = Math.floor(Date.now() / 1000);
  const keyId = typeof claim.keyId === 'string' ? { kid: claim.keyId } : {};
  const header = { alg: 'RS256', typ: 'JWT', ...keyId };
  const times = { iat: issued, exp: issued + lifetimeSeconds };
  const claims = { iss: claim.email, scope, aud: claim.audience, ...times };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), claim.key).toString('base64url')}`;
}

function privateKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // Without the cause, which may quote the key.
    throw unusable(path, 'its private key does not parse');
  }
}

export function unusable(path: string, fact: string): LifeboatError {
  return new LifeboatError('usage.invalid', `cannot use the Google credentials ${path}: ${fact}`, {
    hint: 'Give the JSON key of a service account in GOOGLE_APPLICATION_CREDENTIALS. For other kinds of accounts use rclone:.',
  });
}
