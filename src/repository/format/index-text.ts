import { type ColumnsKernel, columnsKernel, idBytes, placeWords } from './columns-kernel.ts';
import { type IndexColumns, packsIn } from './index-columns.ts';
import { encodeIndex } from './index-file.ts';

/** The longest entry of a blob with its comma, and what is around the blobs of a pack. */
const [mostEntryBytes, packBytes] = [162, 96];

/** As `encodeIndex`, without making texts and objects of it. */
export function encodeColumns(columns: IndexColumns): Uint8Array {
  const kernel = columnsKernel();
  if (kernel === undefined) return Buffer.from(encodeIndex([...packsIn(columns)]));
  const { packs, ids, places } = columns;
  const rows = places.length / placeWords;
  const text = Buffer.allocUnsafe(rows * mostEntryBytes + packs.length * packBytes + 32);
  let at = text.write('{"packs":[', 'latin1');
  for (const [number, { name, firstRow }] of packs.entries()) {
    at += text.write(`${number > 0 ? ',' : ''}{"id":"${name}","blobs":[`, at, 'latin1');
    const end = packs[number + 1]?.firstRow ?? rows;
    at += writeRows(kernel, { text, at }, { ids, places }, firstRow, end);
    at += text.write(']}', at, 'latin1');
  }
  at += text.write(']}\n', at, 'latin1');
  return text.subarray(0, at);
}

function writeRows(
  kernel: ColumnsKernel,
  { text, at: start }: { readonly text: Buffer; readonly at: number },
  { ids, places }: Pick<IndexColumns, 'ids' | 'places'>,
  firstRow: number,
  endRow: number,
): number {
  const { calls, input, ids: someIds, places: somePlaces } = kernel;
  const mostRows = Math.floor(input.length / mostEntryBytes);
  let at = start;
  for (let row = firstRow; row < endRow; row += mostRows) {
    const until = Math.min(endRow, row + mostRows);
    someIds.set(ids.subarray(row * idBytes, until * idBytes));
    somePlaces.set(places.subarray(row * placeWords, until * placeWords));
    if (row > firstRow) at += text.write(',', at, 'latin1');
    const written = calls.write(until - row);
    text.set(input.subarray(0, written), at);
    at += written;
  }
  return at - start;
}
