import type { Repository } from '../../src/repository/index.ts';
import { tagsOf } from '../../src/sources/source-tags.ts';
import { formatLsn, lsn } from '../../src/wal/index.ts';
import { fileNode, folderNode, saved, storeTree } from './stored-tree.ts';

const segmentBytes = 2 ** 20;

/** The position behind so many segments. */
export const at = (segments: number) => lsn(BigInt(segments * segmentBytes));

/** A snapshot of a PostgreSQL source that says what it is and holds nothing else, half a segment long. Resolves with its id. */
export async function storeBackup(
  repository: Repository,
  source: string,
  timeline: number,
  from: number,
): Promise<string> {
  const text = new Date().toISOString();
  const document = {
    format: 1,
    source,
    systemId: '7',
    serverVersion: 170000,
    timeline,
    startLsn: formatLsn(at(from)),
    stopLsn: formatLsn(at(from + 0.5)),
    startTime: text,
    stopTime: text,
    segmentSizeBytes: segmentBytes,
    dataChecksums: true,
    tablespaces: [],
    damagedPages: [],
    bytesTotal: 1,
    filesTotal: 1,
  };
  const { id } = await storeTree(
    repository,
    async (writer) => {
      const content = await saved(writer, JSON.stringify(document));
      const file = fileNode({ name: 'backup.json', content });
      return [folderNode('lifeboat', await writer.saveTree([file]))];
    },
    tagsOf('postgres', source),
  );
  return id;
}

/** Whole segments of the log. */
export async function storeLog(
  repository: Repository,
  source: string,
  stream: string,
  [from, to]: readonly [number, number],
): Promise<void> {
  for (let each = from; each < to; each++) {
    await repository.log(source).appendSegment(stream, at(each), Buffer.alloc(segmentBytes, each));
  }
}
