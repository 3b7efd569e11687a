import { randomBytes, scrypt } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { promisify } from 'node:util';
import { isLifeboatError, type Secret } from '../../core/index.ts';
import { type EnvelopeKey, open, seal } from '../crypto/envelope.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import { goJsonString } from './go-text.ts';
import { formatGoTime } from './go-time.ts';
import {
  asObject,
  damaged,
  type JsonObject,
  numberField,
  parseObject,
  textField,
} from './json-shape.ts';

interface ScryptParameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** What restic's calibration chooses on current machines: 32 MiB. */
const parameters: ScryptParameters = { N: 32768, r: 8, p: 1 };
const saltBytes = 64;
// A key file can ask for any amount of memory and time; these are far above what any known writer asks for.
const maxScryptBytes = 2 * 1024 * 1024 * 1024;
const maxScryptRounds = 2 ** 26;

/** The JSON of a key file: the master key sealed under a key that scrypt makes of the password. */
export async function encodeKeyFile(
  master: EnvelopeKey,
  password: Secret,
  owner: { readonly username?: string; readonly hostname?: string } = {},
): Promise<string> {
  const salt = randomBytes(saltBytes);
  const userKey = await deriveUserKey(password, salt, parameters);
  const data = seal(userKey, Buffer.from(encodeMasterKey(master)));
  const fields = [
    `"created":"${formatGoTime(BigInt(Date.now()) * 1_000_000n)}"`,
    `"username":${goJsonString(owner.username ?? userName())}`,
    `"hostname":${goJsonString(owner.hostname ?? hostname())}`,
    `"kdf":"scrypt","N":${parameters.N},"r":${parameters.r},"p":${parameters.p}`,
    `"salt":"${salt.toString('base64')}"`,
    `"data":"${Buffer.from(data).toString('base64')}"`,
  ];
  return `{${fields.join(',')}}`;
}

/** The master key, or undefined when the password is not this key file's. Errors: `repository.damaged`. */
export async function openKeyFile(
  json: string,
  password: Secret,
): Promise<EnvelopeKey | undefined> {
  const { salt, data, scryptParameters } = parseKeyFile(json);
  const userKey = await deriveUserKey(password, salt, scryptParameters);
  let plain: Uint8Array;
  try {
    plain = open(userKey, data);
  } catch (error) {
    if (isLifeboatError(error, 'repository.damaged')) return undefined;
    throw error;
  }
  return decodeMasterKey(Buffer.from(plain).toString('utf8'));
}

/** Errors: `repository.damaged`. */
export function parseKeyFile(json: string): {
  readonly salt: Uint8Array;
  readonly data: Uint8Array;
  readonly scryptParameters: ScryptParameters;
} {
  const object = parseObject(json, 'key file');
  if (object.kdf !== 'scrypt') throw damaged('key file: unknown key derivation');
  const N = numberField(object, 'N', 2 ** 31 - 1);
  const r = numberField(object, 'r', 2 ** 20);
  const p = numberField(object, 'p', 2 ** 20);
  const isPower = N > 1 && Number.isInteger(Math.log2(N));
  const isTooMuch = 128 * r * (N + p) > maxScryptBytes || N * r * p > maxScryptRounds;
  if (!isPower || r < 1 || p < 1 || isTooMuch) {
    throw damaged('key file: impossible scrypt parameters');
  }
  const salt = base64Field(object, 'salt');
  if (salt.length !== saltBytes) throw damaged('key file: the salt has a wrong length');
  return { salt, data: base64Field(object, 'data'), scryptParameters: { N, r, p } };
}

const scryptAsync = promisify<string, Uint8Array, number, object, Buffer>(scrypt);

async function deriveUserKey(
  password: Secret,
  salt: Uint8Array,
  { N, r, p }: ScryptParameters,
): Promise<EnvelopeKey> {
  const maxmem = 128 * r * (N + p) + 1024 * 1024;
  return keyFromBytes(await scryptAsync(password.reveal(), salt, 64, { N, r, p, maxmem }));
}

/** As a key file holds it, sealed. */
export function encodeMasterKey(key: EnvelopeKey): string {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return `{"mac":{"k":"${base64(key.macK)}","r":"${base64(key.macR)}"},"encrypt":"${base64(key.encrypt)}"}`;
}

function decodeMasterKey(json: string): EnvelopeKey {
  const object = parseObject(json, 'master key');
  const mac = asObject(object.mac, 'master key');
  const encrypt = base64Field(object, 'encrypt');
  const [macK, macR] = [base64Field(mac, 'k'), base64Field(mac, 'r')];
  if (encrypt.length !== 32 || macK.length !== 16 || macR.length !== 16) {
    throw damaged('master key: a wrong length');
  }
  if ([encrypt, macK, macR].some((part) => part.every((byte) => byte === 0))) {
    throw damaged('master key: all zero');
  }
  return { encrypt, macK, macR };
}

function base64Field(object: JsonObject, name: string): Uint8Array {
  return new Uint8Array(Buffer.from(textField(object, name), 'base64'));
}

/** A container's user may have no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}
