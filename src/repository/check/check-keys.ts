import { isLifeboatError } from '../../core/index.ts';
import { damaged } from '../format/json-shape.ts';
import { parseKeyFile } from '../format/key-file.ts';
import { sha256 } from '../stored-file.ts';
import type { CheckState } from './check-state.ts';

/** Key files: one that cannot be parsed makes stock restic give up on the whole repository. */
export async function checkKeys({ access, findings, signal }: CheckState): Promise<void> {
  for (const { name } of await access.location.list('keys', signal)) {
    try {
      const bytes = await access.location.read('keys', name, undefined, signal);
      if (sha256(bytes) !== name) throw damaged('its bytes do not match its name');
      parseKeyFile(Buffer.from(bytes).toString('utf8'));
    } catch (error) {
      if (isLifeboatError(error, 'location.file-missing')) continue;
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      findings
        .add({ kind: 'key', name, problem: error.message, severity: 'error' })
        .affects('whoever opens the repository with the password of this key');
    }
  }
}
