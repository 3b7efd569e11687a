import type { BlobId, BlobSink } from '../../../repository/thread.ts';

const contentKey = ',"content":[';
const idList = /^(?:"[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?$/;

/**
 * The rest of an unchanged file's node, from its attributes on, out of its node in a former snapshot: undefined unless
 * that has the same head (so size, times and inode are the same) and all of its content is still stored.
 */
export function unchangedRest(head: string, former: string, sink: BlobSink): string | undefined {
  if (!former.startsWith(head)) return undefined;
  const rest = former.slice(head.length);
  const at = rest.startsWith(contentKey) ? 0 : rest.lastIndexOf(contentKey);
  if (at < 0 || !rest.endsWith(']}')) return undefined;
  if (at > 0 && !(rest.startsWith(',"extended_attributes":[') && rest[at - 1] === ']')) {
    return undefined;
  }
  return holdsAll(rest.slice(at + contentKey.length, -2), sink) ? rest : undefined;
}

/** The content of a node that says the same in other words (times in another zone, other owners' names). */
export function sameContent(head: string, former: string, sink: BlobSink): string | undefined {
  const at = former.lastIndexOf(contentKey);
  const end = former.indexOf(']', at);
  if (at < 0 || end < 0) return undefined;
  const [now, then] = [essence(`${head}}`), essence(former)];
  if (now === undefined || now !== then) return undefined;
  const content = former.slice(at + contentKey.length, end);
  return holdsAll(content, sink) ? content : undefined;
}

/** What tells whether a file changed. */
function essence(node: string): string | undefined {
  try {
    const fields = JSON.parse(node.replace(/"(inode)":(\d+)/, '"$1":"$2"')) as Record<
      string,
      unknown
    >;
    const { type, size = 0, mtime, ctime, inode } = fields;
    return [type, size, instant(mtime), instant(ctime), inode].join(' ');
  } catch {
    return undefined;
  }
}

/** A time of whatever zone, to the nanosecond. */
function instant(time: unknown): string {
  const match = /^([^.]{19})(?:\.(\d+))?(.+)$/.exec(String(time));
  if (match === null) return '';
  const [, whole, fraction = '', zone] = match;
  return `${Date.parse(`${whole}${zone}`)}.${fraction.padEnd(9, '0')}`;
}

function holdsAll(content: string, sink: BlobSink): boolean {
  if (content === '') return true;
  if (!idList.test(content)) return false;
  // Each id is 64 digits, two quotes and a comma.
  for (let at = 1; at < content.length; at += 67) {
    if (!sink.has('data', content.slice(at, at + 64) as BlobId)) return false;
  }
  return true;
}
