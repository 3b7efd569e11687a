import type { ExtendedAttribute, TreeNode } from '../repository.ts';
import { goMode } from './file-mode.ts';
import { goJsonString, goQuote, goUnquote } from './go-text.ts';
import { formatGoTime } from './go-time.ts';
import { nameBytes, nameFromBytes } from './raw-name.ts';
import { encodeExtendedAttributes, encodeLinkTarget } from './tree-node.ts';

// A node of a tree as text, made for speed: the same bytes as `encodeNode` makes (a test compares them). All text here is
// "byte text": a string whose characters 0 to 255 stand for bytes, as Buffer's latin1 has it.

/** What `lstat` tells that goes into a node. */
export interface NodeFacts {
  readonly mode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
  readonly rdev: bigint;
  readonly nlink: bigint;
}

export interface NodeHeadOptions {
  /** Byte text. */
  readonly name: string;
  readonly type: TreeNode['type'];
  readonly facts: NodeFacts;
  /** Absent where `mtime` stands for it, as restic does by default. */
  readonly atimeNs?: bigint | undefined;
  readonly sizeBytes: bigint | number;
  /** `"user":"x","group":"y",`, or less. */
  readonly owners: string;
}

const hasLinks: ReadonlySet<TreeNode['type']> = new Set(['file', 'symlink', 'dev', 'chardev']);

/** Everything of a node before `linktarget`: an open object without a comma at its end. */
export function nodeHead(options: NodeHeadOptions): string {
  const { name, type, facts, sizeBytes, owners } = options;
  const mode = goMode(type, Number(facts.mode & 0o7777n));
  const mtime = timeText(facts.mtimeNs);
  const atime = options.atimeNs === undefined ? mtime : timeText(options.atimeNs);
  const ctime = facts.ctimeNs === facts.mtimeNs ? mtime : timeText(facts.ctimeNs);
  let text = `{"name":${nameText(name)},"type":"${type}",`;
  if (mode !== 0) text += `"mode":${mode},`;
  text += `"mtime":"${mtime}","atime":"${atime}","ctime":"${ctime}","uid":${facts.uid},"gid":${facts.gid},${owners}`;
  if (facts.ino !== 0n) text += `"inode":${facts.ino},`;
  if (facts.dev !== 0n) text += `"device_id":${facts.dev},`;
  if (type === 'file' && Number(sizeBytes) !== 0) text += `"size":${sizeBytes},`;
  if (hasLinks.has(type) && facts.nlink !== 0n) text += `"links":${facts.nlink},`;
  return text.slice(0, -1);
}

/** `,"linktarget":...`, from the bytes of a target. */
export function linkTargetText(target: Uint8Array): string {
  return byteText(
    encodeLinkTarget(nameFromBytes(target))
      .map((field) => `,${field}`)
      .join(''),
  );
}

/** `,"extended_attributes":[...]`, or nothing. */
export function attributesText(attributes: readonly ExtendedAttribute[]): string {
  if (attributes.length === 0) return '';
  return byteText(`,${encodeExtendedAttributes(attributes)[0]}`);
}

/** A JSON string, from byte text to byte text. */
export function nameText(name: string): string {
  if (/^[ !#-%'-;=?-[\]-~]*$/.test(name)) return `"${name}"`;
  const quoted = goJsonString(goQuote(nameFromBytes(Buffer.from(name, 'latin1'))));
  return byteText(quoted);
}

/** Any string as byte text of its UTF-8. */
export function byteText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const nsPerSecond = 1_000_000_000n;
let lastSecond = -1;
let lastText = '';

/** As `formatGoTime`; most files of a folder were written in few different seconds. */
function timeText(timeNs: bigint): string {
  if (timeNs < 0n) return formatGoTime(timeNs);
  const second = Number(timeNs / nsPerSecond);
  if (second >= 253_402_300_800) return formatGoTime(timeNs);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1000).toISOString().slice(0, 19);
  }
  let fraction = Number(timeNs % nsPerSecond);
  if (fraction === 0) return `${lastText}Z`;
  let digits = 9;
  while (fraction % 10 === 0) {
    fraction /= 10;
    digits--;
  }
  return `${lastText}.${String(fraction).padStart(digits, '0')}Z`;
}

/** The name (byte text) behind what stands between the quotes of a node's `name`; undefined when it is none. */
export function nameFromNodeText(quoted: string): string | undefined {
  if (!quoted.includes('\\') && isAscii(quoted)) return quoted;
  try {
    const text = JSON.parse(`"${Buffer.from(quoted, 'latin1').toString('utf8')}"`) as string;
    const name = goUnquote(text);
    return name === undefined ? undefined : nameBytes(name).toString('latin1');
  } catch {
    return undefined;
  }
}

function isAscii(text: string): boolean {
  return /^[ -~]*$/.test(text);
}
