import { type EnvelopeKey, seal } from '../../src/repository/crypto/envelope.ts';

/** Files of a repository that holds nothing. Of its config only the seal is looked at: whoever uses it has the key and what is in the config already. */
export function noSnapshots(masterKey: EnvelopeKey): Map<string, Uint8Array> {
  return new Map([['config/config', seal(masterKey, Buffer.from('known elsewhere'))]]);
}
