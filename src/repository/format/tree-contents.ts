import { damaged } from './json-shape.ts';
import { decodeTree } from './tree.ts';

export interface FileContents {
  readonly sizeBytes: number;
  /** Raw, one behind the other. */
  readonly ids: Uint8Array;
}

const contentBegin = Buffer.from('"content":["');
const [quote, comma, bracket] = [0x22, 0x2c, 0x5d];
const [idBytes, hexBytes] = [32, 64];
/** `"<64 hex digits>",` */
const entryBytes = hexBytes + 3;

/**
 * The files of a folder, by name, without making a text of every id: a folder of a large database names millions. Takes
 * trees as restic and we write them, without spaces. Errors: `repository.damaged`.
 */
export function fileContents(tree: Uint8Array): ReadonlyMap<string, FileContents> {
  const bytes = Buffer.from(tree.buffer, tree.byteOffset, tree.byteLength);
  const contents: Uint8Array[] = [];
  const rest: Buffer[] = [];
  let at = 0;
  // Within a JSON string the quotes would be escaped: what looks like the field is the field.
  for (;;) {
    const found = bytes.indexOf(contentBegin, at);
    if (found < 0) break;
    const begin = found + contentBegin.length - 1;
    const end = bytes.indexOf(bracket, begin);
    // Stands for the ids while the rest is decoded. An id of zeroes alone would be none.
    const placeholder = (contents.length + 1).toString(16).padStart(hexBytes, '0');
    rest.push(bytes.subarray(at, begin), Buffer.from(`"${placeholder}"`));
    contents.push(rawIds(bytes, begin, end));
    at = end;
  }
  rest.push(bytes.subarray(at));
  const files = new Map<string, FileContents>();
  for (const { name, type, sizeBytes = 0, content = [] } of decodeTree(Buffer.concat(rest))) {
    if (type !== 'file') continue;
    const ids =
      content[0] === undefined ? new Uint8Array(0) : contents[Number(`0x${content[0]}`) - 1];
    if (ids === undefined) throw damaged('tree: content with spaces');
    files.set(name, { sizeBytes, ids });
  }
  return files;
}

function rawIds(bytes: Buffer, begin: number, end: number): Uint8Array {
  const count = (end - begin + 1) / entryBytes;
  if (!Number.isInteger(count) || count < 1) throw damaged('tree: content');
  const ids = Buffer.alloc(count * idBytes);
  for (let index = 0; index < count; index++) {
    const at = begin + index * entryBytes;
    const hex = bytes.toString('latin1', at + 1, at + 1 + hexBytes);
    const isWhole =
      bytes[at] === quote &&
      ids.write(hex, index * idBytes, 'hex') === idBytes &&
      bytes[at + 1 + hexBytes] === quote &&
      bytes[at + 2 + hexBytes] === (index === count - 1 ? bracket : comma);
    if (!isWhole) throw damaged('tree: content');
  }
  return ids;
}
