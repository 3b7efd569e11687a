import { LifeboatError } from '../../../core/index.ts';
import type { SentEntry } from './send-tree.ts';

const [typeBits, fileType, folderType, linkType] = [0o170000, 0o100000, 0o040000, 0o120000];

interface Arrived {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
}

/** Compares what the script says of the tree that arrived with what was sent. Errors: `ground.failed`, with the first difference. */
export function compareTrees(
  sent: ReadonlyMap<string, SentEntry>,
  said: Buffer,
  place: string,
): void {
  let count = 0;
  for (const [entry, sha256] of readCheck(said)) {
    const expected = sent.get(entry.name);
    const wrong = expected ? difference(expected, entry, sha256) : 'it was not sent';
    if (wrong !== undefined) throw failed(place, `${displayed(entry.name)}: ${wrong}`);
    count++;
  }
  if (count !== sent.size) throw failed(place, `${count} entries arrived of ${sent.size}`);
}

function difference(
  sent: SentEntry,
  arrived: Arrived,
  sha256: string | undefined,
): string | undefined {
  const type = arrived.mode & typeBits;
  if (sent.sha256 !== sha256) return 'other content arrived';
  if ((sent.mode & typeBits) !== type) return 'it is of another kind';
  // The system gives a link whatever mode and owner it likes.
  if (type === linkType) return sent.size === arrived.size ? undefined : 'it leads elsewhere';
  if (sent.uid !== arrived.uid || sent.gid !== arrived.gid) {
    return `it belongs to ${arrived.uid}:${arrived.gid} instead of ${sent.uid}:${sent.gid}`;
  }
  if (sent.mode !== arrived.mode) {
    return `its mode is ${arrived.mode.toString(8)} instead of ${sent.mode.toString(8)}`;
  }
  if (type !== folderType && type === fileType && sent.size !== arrived.size) {
    return `${arrived.size} bytes arrived of ${sent.size}`;
  }
  return undefined;
}

/** The answer of `receive`: in batches, names, then what `stat` says of each, then the digests of the files. */
function* readCheck(said: Buffer): Generator<readonly [Arrived, string | undefined]> {
  const reader = new AnswerReader(said);
  while (!reader.isAtEnd) {
    const count = Number(reader.until('\n').replace('batch ', ''));
    const names = Array.from({ length: count }, () => reader.until('\0'));
    const entries = names.map((name): Arrived => {
      const [mode = '', uid, gid, size] = reader.until('\n').split(' ');
      const [owner, group, bytes] = [Number(uid), Number(gid), Number(size)];
      return { name, mode: Number.parseInt(mode, 16), uid: owner, gid: group, size: bytes };
    });
    // `sha256sum` would print these names in other ways, so each was given to it alone, before the others.
    const isOdd = ({ name }: Arrived) => /[\n\\]/.test(name);
    const files = entries.filter(({ mode }) => (mode & typeBits) === fileType);
    const digests = new Map<Arrived, string>();
    for (const each of [...files.filter(isOdd), ...files.filter((file) => !isOdd(file))]) {
      digests.set(each, reader.until('\n').replace(/^\\/, '').slice(0, 64));
    }
    for (const each of entries) yield [each, digests.get(each)];
  }
}

class AnswerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** As Latin-1. What broke off is read as nothing, which matches nothing. */
  until(end: '\n' | '\0'): string {
    const found = this.#bytes.indexOf(end, this.#at, 'latin1');
    const text = this.#bytes.toString('latin1', this.#at, found < 0 ? undefined : found);
    this.#at = found < 0 ? this.#bytes.length : found + 1;
    return text;
  }
}

function displayed(name: string): string {
  return JSON.stringify(Buffer.from(name, 'latin1').toString('utf8'));
}

function failed(place: string, fact: string): LifeboatError {
  return new LifeboatError('ground.failed', `${place} did not get what was sent: ${fact}`, {
    hint: 'What services use is as before. See that the account there may give files away, and that its disk is sound; then try again.',
  });
}
