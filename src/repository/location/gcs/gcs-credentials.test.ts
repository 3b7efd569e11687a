import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { Secret } from '../../../core/index.ts';
import { HttpClient } from '../http/http-client.ts';
import { findGcsTokens } from './gcs-credentials.ts';
import { openGcs } from './gcs-location.ts';
import { GcsTokens } from './gcs-token.ts';

// Google's two token endpoints and a bucket without anything in it, on loopback.

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
const folder = temporaryFolder('gcs-credentials');
let tokens = 0;
let answerStatus = 200;
let withdrawn = '';
const forms: URLSearchParams[] = [];
const authorizations: (string | undefined)[] = [];

const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const { pathname } = new URL(request.url ?? '', 'http://localhost');
  response.setHeader('content-type', 'application/json');
  if (pathname.startsWith('/storage/')) {
    authorizations.push(request.headers.authorization);
    response.statusCode = request.headers.authorization === withdrawn ? 401 : 200;
    return response.end('{}');
  }
  const own = pathname.startsWith('/computeMetadata/');
  if (own && request.headers['metadata-flavor'] !== 'Google') return response.writeHead(403).end();
  if (!own) forms.push(new URLSearchParams(body));
  response.statusCode = answerStatus;
  const refusal = { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' };
  const token = { access_token: `token-${++tokens}`, expires_in: 3600 };
  response.end(JSON.stringify(answerStatus === 200 ? token : refusal));
});
let url: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  tokens = 0;
  answerStatus = 200;
  withdrawn = '';
  forms.length = 0;
  authorizations.length = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function keyFile(changes: object = {}): NodeJS.ProcessEnv {
  const path = join(folder, 'key.json');
  const account = {
    type: 'service_account',
    client_email: 'backup@project.iam.gserviceaccount.com',
    private_key: pem,
    private_key_id: 'key-1',
    token_uri: `${url}/token`,
  };
  writeFileSync(path, JSON.stringify({ ...account, ...changes }));
  return { GOOGLE_APPLICATION_CREDENTIALS: path };
}

function fetchWith(environment: NodeJS.ProcessEnv) {
  return findGcsTokens(environment, new HttpClient())?.(undefined);
}

it('signs for a service account what Google wants to hear, with its key', async () => {
  const token = await fetchWith(keyFile());
  expect(token?.authorization.reveal()).toBe('Bearer token-1');
  expect(forms[0]?.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
  const [header = '', claims = '', signature = ''] = forms[0]?.get('assertion')?.split('.') ?? [];
  const signed = Buffer.from(`${header}.${claims}`);
  const key = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }));
  expect(verify('sha256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true);
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect(decode(header)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
  const { iat, exp, ...rest } = decode(claims);
  expect(rest).toEqual({
    iss: 'backup@project.iam.gserviceaccount.com',
    scope: 'https://www.googleapis.com/auth/devstorage.read_write',
    aud: `${url}/token`,
  });
  expect(exp - iat).toBe(3600);
});

it('takes what gcloud left, and the account of the machine', async () => {
  const user = { type: 'authorized_user', client_id: 'i', client_secret: 's', refresh_token: 'r' };
  writeFileSync(
    join(folder, 'application_default_credentials.json'),
    JSON.stringify({ ...user, token_uri: `${url}/token` }),
  );
  await fetchWith({ CLOUDSDK_CONFIG: folder });
  expect(Object.fromEntries(forms[0] ?? [])).toEqual({
    grant_type: 'refresh_token',
    client_id: 'i',
    client_secret: 's',
    refresh_token: 'r',
  });
  const own = await fetchWith({ GCE_METADATA_HOST: new URL(url).host });
  expect(own?.authorization.reveal()).toBe('Bearer token-2');
});

it('fetches one token for all who wait, and a new one when it was withdrawn', async () => {
  const environment = { ...keyFile(), STORAGE_EMULATOR_HOST: url };
  const location = openGcs('gs:bucket:/x', environment);
  await Promise.all([location.list('data'), location.list('index'), location.list('keys')]);
  expect(authorizations).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-1']);
  withdrawn = 'Bearer token-1';
  await location.list('data');
  expect(authorizations.at(-1)).toBe('Bearer token-2');
  withdrawn = 'Bearer token-2';
  tokens = 1;
  await expect(location.list('data')).rejects.toMatchObject({ code: 'location.refused' });
  await location.close?.();
});

it('renews a token before it ends', async () => {
  let fetched = 0;
  const short = new GcsTokens(async () => {
    fetched++;
    return { authorization: new Secret('Bearer x'), validMs: 60_000 };
  });
  await short.authorization(undefined);
  await short.authorization(undefined);
  expect(fetched).toBe(2);
});

it("hands on Google's refusal, and shows no key", async () => {
  answerStatus = 400;
  const failure = await fetchWith(keyFile())?.catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'location.refused',
    message: expect.stringContaining('invalid_grant: Invalid JWT Signature.'),
    hint: expect.stringContaining('clock'),
  });
  const location = openGcs('gs:bucket:/x', keyFile());
  const shown = inspect([failure, location], { depth: 9, showHidden: true });
  expect(shown).not.toContain(String(pem).split('\n')[1]);
});

it.each([
  [{ type: 'external_account' }, 'of the type "external_account"'],
  [{ client_email: '' }, 'has no client_email'],
  [{ private_key: 'no key' }, 'private key does not parse'],
])('says what is wrong with a file: %o', (changes, fact) => {
  expect(() => findGcsTokens(keyFile(changes), new HttpClient())).toThrow(fact);
});

it('says that there are no credentials at all', async () => {
  const nowhere = { GCE_METADATA_HOST: '127.0.0.1:1' };
  await expect(fetchWith(nowhere)).rejects.toMatchObject({
    message: 'there are no Google credentials',
    hint: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS'),
  });
});
