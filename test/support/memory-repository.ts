import { randomBytes } from 'node:crypto';
import { Secret } from '../../src/core/index.ts';
import { type EnvelopeKey, seal } from '../../src/repository/crypto/envelope.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import { encodeConfig, type RepositoryConfig } from '../../src/repository/format/config-file.ts';
import { encodeKeyFile } from '../../src/repository/format/key-file.ts';
import type { Location } from '../../src/repository/index.ts';
import { MemoryLocation } from '../../src/repository/location/memory-location.ts';
import { ResticRepository } from '../../src/repository/restic-repository.ts';
import { sha256 } from '../../src/repository/stored-file.ts';

export const memoryPassword = new Secret('geheim');

/** A repository whose files are a map, and which is opened without the time that a password takes. */
export interface MemoryRepository {
  readonly files: Map<string, Uint8Array>;
  readonly masterKey: EnvelopeKey;
  /** Another process, as it were. Location: the files, unless something else stands before them. */
  open(location?: Location): ResticRepository;
}

export async function memoryRepository(): Promise<MemoryRepository> {
  const masterKey = keyFromBytes(randomBytes(64));
  const config: RepositoryConfig = {
    version: 2,
    id: randomBytes(32).toString('hex'),
    chunkerPolynomial: 0x3da3358b4dc173n,
  };
  const keyFile = Buffer.from(await encodeKeyFile(masterKey, memoryPassword));
  const files = new Map<string, Uint8Array>([
    [`keys/${sha256(keyFile)}`, keyFile],
    ['config/config', seal(masterKey, Buffer.from(encodeConfig(config)))],
  ]);
  return {
    files,
    masterKey,
    open: (location = new MemoryLocation({ files })) =>
      new ResticRepository({ location, masterKey, config }),
  };
}
