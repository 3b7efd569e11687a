import { LifeboatError } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { formatLsn, timelineStream } from '../../../wal/index.ts';
import type { SpoolSegment } from './spool-segment.ts';

/**
 * The spool holds other bytes than the server sends. When the server agrees with the repository (or that holds nothing
 * there), the spool's tail was torn by a crash: the file is set aside and the server's bytes are taken. When it does not,
 * this is another history of the same cluster, and nothing may be mixed: `log.conflict`.
 */
export async function resolveConflict(
  context: { readonly options: { readonly log: Log }; readonly warn: (message: string) => void },
  segment: SpoolSegment,
  bytes: Uint8Array,
): Promise<void> {
  const { received, covered, timeline } = segment;
  let known = received + BigInt(bytes.length);
  if (known > covered) known = covered;
  if (known > received) {
    const held = await context.options.log.read(timelineStream(timeline), received, known);
    if (!Buffer.from(held).equals(bytes.subarray(0, held.length))) {
      throw new LifeboatError(
        'log.conflict',
        `the server sends other WAL at ${formatLsn(received)} than the repository holds`,
        {
          hint: 'The server was set back to an older state and went another way. Give it a source name of its own and take a base backup.',
        },
      );
    }
  }
  const aside = await segment.setAside();
  context.warn(`the spool held other bytes than the server sends; they were kept as ${aside}`);
}
