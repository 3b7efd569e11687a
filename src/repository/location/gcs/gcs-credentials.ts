import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileError, isLifeboatError, LifeboatError, Secret } from '../../../core/index.ts';
import type { HttpTransport } from '../http/http-transport.ts';
import { type FetchToken, tokenOf } from './gcs-token.ts';
import { type CredentialsFile, tokensFromFile, unusable } from './service-account.ts';

/**
 * Where tokens come from, in Google's usual order: `GOOGLE_ACCESS_TOKEN` (restic's name), the file that
 * `GOOGLE_APPLICATION_CREDENTIALS` names, what `gcloud auth application-default login` left, the machine's own account.
 * Undefined: an emulator is spoken to, which wants none.
 */
export function findGcsTokens(
  environment: NodeJS.ProcessEnv,
  transport: HttpTransport,
): FetchToken | undefined {
  const { GOOGLE_ACCESS_TOKEN: given, GOOGLE_APPLICATION_CREDENTIALS: named } = environment;
  if (given) {
    const authorization = new Secret(`Bearer ${given}`);
    return async () => ({ authorization, validMs: Number.POSITIVE_INFINITY });
  }
  if (named) return tokensFromFile(credentialsFile(named), named, transport);
  if (environment.STORAGE_EMULATOR_HOST) return undefined;
  const left = applicationDefault(environment);
  if (left !== undefined) return tokensFromFile(credentialsFile(left), left, transport);
  return (signal) => ownAccount(environment, transport, signal);
}

function applicationDefault(environment: NodeJS.ProcessEnv): string | undefined {
  const { CLOUDSDK_CONFIG: folder, HOME: home } = environment;
  const parent = folder || (home ? join(home, '.config/gcloud') : undefined);
  const path = parent && join(parent, 'application_default_credentials.json');
  return path && existsSync(path) ? path : undefined;
}

function credentialsFile(path: string): CredentialsFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(error, `could not read the Google credentials ${path}`);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as CredentialsFile;
  } catch {
    // Told below, without the cause: it quotes the file.
  }
  throw unusable(path, 'it is no JSON');
}

/** The account of the virtual machine or container this runs in, from Google's metadata server. */
async function ownAccount(
  environment: NodeJS.ProcessEnv,
  transport: HttpTransport,
  signal: AbortSignal | undefined,
) {
  const host = environment.GCE_METADATA_HOST || 'metadata.google.internal';
  const path = 'computeMetadata/v1/instance/service-accounts/default/token';
  try {
    const answer = await transport.request({
      method: 'GET',
      url: new URL(`http://${host}/${path}`),
      headers: { 'metadata-flavor': 'Google' },
      signal,
    });
    return tokenOf(answer, "could not get a token for this machine's own account");
  } catch (error) {
    if (!isLifeboatError(error, 'location.unreachable')) throw error;
    throw new LifeboatError('location.refused', 'there are no Google credentials', {
      hint: 'Name the JSON key of a service account in GOOGLE_APPLICATION_CREDENTIALS. On a machine of Google Cloud, give it a service account.',
      cause: error,
    });
  }
}
