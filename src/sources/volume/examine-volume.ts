import { isLifeboatError } from '../../core/index.ts';
import type { Finding } from '../source.ts';
import { mayCopy } from './copy-volume.ts';
import type { VolumeSource } from './volume-source.ts';

/** What a backup of a volume needs: that it is there, and can be read from this host. Reads no contents. */
export async function examineVolume(
  source: VolumeSource,
  signal?: AbortSignal,
): Promise<readonly Finding[]> {
  const check = 'volume';
  try {
    const folder = await source.locate(signal);
    const fact = `${source.describe()} is there and can be read (${folder})`;
    return [{ check, outcome: 'ok', fact, remedy: '' }];
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'cancelled' || error.code === 'bug') throw error;
    if (mayCopy(error)) {
      const remedy = `Each backup copies all of it to ${source.settings.stateFolder} first, which takes room and time. Run Lifeboat on the host of the engine, if you can.`;
      return [{ check, outcome: 'warning', fact: error.message, remedy }];
    }
    return [{ check, outcome: 'problem', fact: error.message, remedy: error.hint ?? '' }];
  }
}
