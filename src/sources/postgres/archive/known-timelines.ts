import { LifeboatError } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { timelineStream } from '../../../wal/index.ts';
import { historyFileName } from '../stream/timeline-history.ts';

/**
 * A server that is promoted hands over the history of its new timeline before anything of it. One that was promoted while it
 * archived nothing, as every restored copy is, does not: its timeline would be taken for the cluster's.
 */
export class KnownTimelines {
  readonly #log: Log;
  readonly #known = new Set<number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Errors: `archive.refused` for a timeline without a history where the log holds another one. */
  async require(timeline: number): Promise<void> {
    if (this.#known.has(timeline)) return;
    const history = historyFileName(timeline);
    if (timeline > 1 && (await this.#log.readFile(history)) === undefined) {
      const streams = (await this.#log.coverage()).map(({ stream }) => stream);
      const isOther = streams.length > 0 && !streams.includes(timelineStream(timeline));
      if (isOther) throw unknown(timeline, history);
    }
    this.#known.add(timeline);
  }
}

function unknown(timeline: number, history: string): LifeboatError {
  return new LifeboatError(
    'archive.refused',
    `the log holds other timelines and no ${history}: nothing says that timeline ${timeline} is this cluster's`,
    {
      hint: `Is this server a restored copy? Then give it a source of its own. If it has taken the place of the source, hand over pg_wal/${history} first: run its archive_command for that file.`,
      context: { timeline },
    },
  );
}
