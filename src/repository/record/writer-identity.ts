import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, LifeboatError, syncFolder } from '../../core/index.ts';

/** Who signs records: an Ed25519 key that never leaves its host. */
export interface WriterIdentity {
  /** Raw public key, 64 hex digits. */
  readonly publicKey: string;
  sign(bytes: Uint8Array): Uint8Array;
}

export const signatureBytes = 64;

/** For a host that keeps nothing, such as one that only recovers: its records are still told apart. */
export function ephemeralWriter(): WriterIdentity {
  return writerOf(generateKeyPairSync('ed25519').privateKey);
}

/**
 * The identity in `stateFolder`, made on first use. Two processes that come first at the same time agree
 * on one. Errors: `file.unreadable`, `disk.full`.
 */
export async function writerIn(stateFolder: string): Promise<WriterIdentity> {
  const path = join(stateFolder, 'writer-key.pem');
  try {
    return writerOf(createPrivateKey((await readIfThere(path)) ?? (await createKey(path))));
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    const attempted = `could not use the writer key ${path}`;
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw fileError(error, attempted);
    // Not the error itself: it might quote the key.
    throw new LifeboatError('file.unreadable', `${attempted}: it is no private key`, {
      hint: 'Move the file away; a new key is made then, and earlier records stay valid.',
    });
  }
}

export function verifySignature(
  publicKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const x = Buffer.from(publicKey, 'hex').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, bytes, key, signature);
  } catch {
    // A key that is none signs nothing.
    return false;
  }
}

function writerOf(privateKey: KeyObject): WriterIdentity {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    publicKey: Buffer.from(x as string, 'base64url').toString('hex'),
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function createKey(path: string): Promise<string> {
  const folder = join(path, '..');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  const temporary = `${path}.tmp-${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(pem);
      await file.sync();
    } finally {
      await file.close();
    }
    // `link` and not `rename`: the first one to come wins, and the other takes what it finds.
    await link(temporary, path);
    await syncFolder(folder);
    return pem;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return await readFile(path, 'utf8');
  } finally {
    await rm(temporary, { force: true });
  }
}
