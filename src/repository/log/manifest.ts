import { isHashName } from '../location/file-name.ts';
import { damaged, maximumPayloadBytes } from './nested-header.ts';

/** Where a segment of a log is stored. */
export interface SegmentEntry {
  readonly stream: string;
  readonly start: bigint;
  readonly lengthBytes: number;
  /** Name in `data/`. */
  readonly file: string;
  readonly storedBytes: number;
  /** SHA-256 of the plain bytes, hex. */
  readonly content: string;
}

/** Where a named file of a log is stored. */
export interface FileEntry {
  readonly name: string;
  readonly lengthBytes: number;
  readonly file: string;
  readonly storedBytes: number;
  readonly content: string;
}

/** Says what lies in `data/`. A fresh one (in `locks/`) has one entry, a consolidated one (in `index/`)
 * thousands. */
export interface Manifest {
  readonly segments: readonly SegmentEntry[];
  readonly files: readonly FileEntry[];
  /** Names in `index/` whose entries are all in here. */
  readonly supersedes: readonly string[];
  /**
   * For streams: what ends here or before is needed by no snapshot and was given up. Never lowered; a stream that is
   * not named has none.
   */
  readonly floors?: ReadonlyMap<string, bigint>;
}

const maximumPosition = 2n ** 64n;

export function encodeManifest(manifest: Manifest): Buffer {
  const text = JSON.stringify({
    segments: manifest.segments.map((each) => ({
      stream: each.stream,
      start: each.start.toString(),
      length: each.lengthBytes,
      file: each.file,
      size: each.storedBytes,
      content: each.content,
    })),
    files: manifest.files.map((each) => ({
      name: each.name,
      length: each.lengthBytes,
      file: each.file,
      size: each.storedBytes,
      content: each.content,
    })),
    supersedes: manifest.supersedes,
    ...encodeFloors(manifest.floors),
  });
  return Buffer.from(text);
}

function encodeFloors(floors: Manifest['floors']) {
  if (floors === undefined || floors.size === 0) return {};
  return { floors: Object.fromEntries([...floors].map(([name, at]) => [name, at.toString()])) };
}

/** Errors: `repository.damaged`. Fields it does not know are ignored. */
export function decodeManifest(payload: Uint8Array, subject: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    throw damaged(subject, 'it is no JSON', error);
  }
  const fail = (field: string): never => {
    throw damaged(subject, `its field ${field} is malformed`);
  };
  const root = objectOf(json) ?? fail('(root)');
  const list = (field: string): readonly unknown[] => {
    const value = root[field];
    return Array.isArray(value) ? value : fail(field);
  };
  return {
    segments: list('segments').map((each) => segmentOf(objectOf(each) ?? {}) ?? fail('segments')),
    files: list('files').map((each) => fileOf(objectOf(each) ?? {}) ?? fail('files')),
    supersedes: list('supersedes').map((each) => hashOf(each) ?? fail('supersedes')),
    ...(root.floors === undefined ? {} : { floors: floorsOf(root.floors) ?? fail('floors') }),
  };
}

function floorsOf(value: unknown): ReadonlyMap<string, bigint> | undefined {
  const floors = new Map<string, bigint>();
  const fields = objectOf(value);
  if (fields === undefined) return undefined;
  for (const [stream, text] of Object.entries(fields)) {
    const position = positionOf(text);
    if (position === undefined) return undefined;
    floors.set(stream, position);
  }
  return floors;
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
}

function segmentOf(fields: Fields): SegmentEntry | undefined {
  const stored = storedOf(fields);
  const start = positionOf(fields.start);
  if (stored === undefined || start === undefined || typeof fields.stream !== 'string') {
    return undefined;
  }
  if (stored.lengthBytes === 0) return undefined;
  if (start + BigInt(stored.lengthBytes) > maximumPosition) return undefined;
  return { stream: fields.stream, start, ...stored };
}

function fileOf(fields: Fields): FileEntry | undefined {
  const stored = storedOf(fields);
  if (stored === undefined || typeof fields.name !== 'string') return undefined;
  return { name: fields.name, ...stored };
}

function storedOf(fields: Fields): Omit<FileEntry, 'name'> | undefined {
  const lengthBytes = sizeOf(fields.length, maximumPayloadBytes);
  const storedBytes = sizeOf(fields.size, 2 * maximumPayloadBytes);
  const file = hashOf(fields.file);
  const content = hashOf(fields.content);
  if (lengthBytes === undefined || storedBytes === undefined) return undefined;
  if (file === undefined || content === undefined) return undefined;
  return { lengthBytes, file, storedBytes, content };
}

function sizeOf(value: unknown, maximum: number): number | undefined {
  const isSize = typeof value === 'number' && Number.isSafeInteger(value);
  return isSize && value >= 0 && value <= maximum ? value : undefined;
}

function hashOf(value: unknown): string | undefined {
  return typeof value === 'string' && isHashName(value) ? value : undefined;
}

function positionOf(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}
