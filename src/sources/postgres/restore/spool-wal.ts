import { isLifeboatError } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { timelineStream } from '../../../wal/index.ts';
import type { SpoolReader } from '../stream/spool-reader.ts';
import type { WalReaderSource } from './wal-holdings.ts';

export type HistoryFiles = Pick<Log, 'readFile' | 'fileNames'>;

/** A spool that survived, as one more place that WAL comes from. */
export function walOfSpool(spool: SpoolReader, log: WalReaderSource): WalReaderSource {
  return {
    coverage: async () =>
      (await spool.spans()).map(({ timeline, start, end }) => ({
        stream: timelineStream(timeline),
        start,
        end,
      })),
    read: async (stream, start, end, signal) => {
      try {
        return await spool.read(Number.parseInt(stream, 16), start, end);
      } catch (error) {
        // A streamer at work removes from the spool what the repository has by then.
        if (!isLifeboatError(error, 'log.gap')) throw error;
        await log.coverage(signal);
        return await log.read(stream, start, end, signal);
      }
    },
  };
}

/** History files of the log and, for a switch that only the spool has seen yet, of the spool. */
export function historyFiles(log: HistoryFiles, spool: SpoolReader | undefined): HistoryFiles {
  if (!spool) return log;
  return {
    fileNames: async () => [...(await log.fileNames()), ...(await spool.historyFileNames())],
    readFile: async (name) => {
      const stored = await log.readFile(name);
      if (stored !== undefined) return stored;
      const isSpooled = (await spool.historyFileNames()).includes(name);
      return isSpooled ? await spool.readHistoryFile(name) : undefined;
    },
  };
}
