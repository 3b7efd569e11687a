import type { BlobId, ExtendedAttribute, TreeNode } from '../repository.ts';
import { goMode, unixMode } from './file-mode.ts';
import { escapeForGo, goJsonString, goQuote, goUnquote } from './go-text.ts';
import { formatGoTime, parseGoTime } from './go-time.ts';
import {
  arrayField,
  asHash,
  asObject,
  damaged,
  hashField,
  type JsonObject,
  numberField,
  optionalText,
  textField,
} from './json-shape.ts';
import { nameBytes, nameFromBytes } from './raw-name.ts';

const nodeTypes: readonly string[] = [
  'file',
  'dir',
  'symlink',
  'dev',
  'chardev',
  'fifo',
  'socket',
] satisfies readonly TreeNode['type'][];

/** One node of a tree in the field order of restic's Node struct; `?` fields are left out when empty. */
export function encodeNode(node: TreeNode): string {
  const mode = goMode(node.type, node.mode);
  const mtime = node.mtimeNs;
  const fields = [
    `"name":${goJsonString(goQuote(node.name))}`,
    `"type":"${node.type}"`,
    ...(mode === 0 ? [] : [`"mode":${mode}`]),
    `"mtime":"${formatGoTime(mtime)}"`,
    `"atime":"${formatGoTime(node.atimeNs ?? mtime)}"`,
    `"ctime":"${formatGoTime(node.ctimeNs ?? mtime)}"`,
    `"uid":${node.uid}`,
    `"gid":${node.gid}`,
    ...(node.user ? [`"user":${goJsonString(node.user)}`] : []),
    ...(node.group ? [`"group":${goJsonString(node.group)}`] : []),
    ...(node.inode ? [`"inode":${node.inode}`] : []),
    ...(node.deviceId ? [`"device_id":${node.deviceId}`] : []),
    ...(node.sizeBytes ? [`"size":${node.sizeBytes}`] : []),
    ...(node.links ? [`"links":${node.links}`] : []),
    ...encodeLinkTarget(node.linkTarget ?? ''),
    ...encodeExtendedAttributes(node.extendedAttributes ?? []),
    ...(node.genericAttributes ? [`"generic_attributes":${node.genericAttributes}`] : []),
    ...(node.device ? [`"device":${node.device}`] : []),
    `"content":${encodeContent(node)}`,
    ...(node.subtree === undefined ? [] : [`"subtree":"${node.subtree}"`]),
    ...(node.error ? [`"error":${goJsonString(node.error)}`] : []),
  ];
  return `{${fields.join(',')}}`;
}

function encodeContent(node: TreeNode): string {
  if (node.type !== 'file') return 'null';
  const ids = node.content ?? [];
  return ids.length === 0 ? '[]' : `["${ids.join('","')}"]`;
}

/** The `linktarget` fields; none for an empty target. */
export function encodeLinkTarget(target: string): string[] {
  if (target === '') return [];
  const text = `"linktarget":${goJsonString(target)}`;
  if (target.isWellFormed()) return [text];
  return [text, `"linktarget_raw":"${nameBytes(target).toString('base64')}"`];
}

/** The `extended_attributes` field; none without attributes. */
export function encodeExtendedAttributes(attributes: readonly ExtendedAttribute[]): string[] {
  if (attributes.length === 0) return [];
  const texts = attributes.map(({ name, value }) => {
    const base64 = value === undefined ? 'null' : `"${Buffer.from(value).toString('base64')}"`;
    return `{"name":${goJsonString(name)},"value":${base64}}`;
  });
  return [`"extended_attributes":[${texts.join(',')}]`];
}

/** Errors: `repository.damaged`, also for names that would leave the folder they are restored into. */
export function decodeNode(value: unknown): TreeNode {
  const object = asObject(value, 'node');
  const name = goUnquote(textField(object, 'name'));
  if (name === undefined || name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw damaged('node: a name that is none');
  }
  const type = textField(object, 'type');
  if (!nodeTypes.includes(type)) throw damaged('node: unknown type');
  const user = optionalText(object, 'user');
  const group = optionalText(object, 'group');
  const linkTarget = decodeLinkTarget(object);
  const extendedAttributes = decodeExtendedAttributes(object);
  const genericAttributes = decodeGenericAttributes(object);
  const error = optionalText(object, 'error');
  return {
    name,
    type: type as TreeNode['type'],
    mode: unixMode(numberField(object, 'mode', 2 ** 32 - 1, 0)),
    mtimeNs: timeField(object, 'mtime'),
    atimeNs: timeField(object, 'atime'),
    ctimeNs: timeField(object, 'ctime'),
    uid: numberField(object, 'uid', 2 ** 32 - 1, 0),
    gid: numberField(object, 'gid', 2 ** 32 - 1, 0),
    ...(user === '' ? {} : { user }),
    ...(group === '' ? {} : { group }),
    ...bigField(object, 'inode', 'inode'),
    ...bigField(object, 'device_id', 'deviceId'),
    sizeBytes: numberField(object, 'size', Number.MAX_SAFE_INTEGER, 0),
    links: numberField(object, 'links', Number.MAX_SAFE_INTEGER, 0),
    ...(linkTarget === '' ? {} : { linkTarget }),
    ...(extendedAttributes.length === 0 ? {} : { extendedAttributes }),
    ...(genericAttributes === undefined ? {} : { genericAttributes }),
    ...bigField(object, 'device', 'device'),
    ...(error === '' ? {} : { error }),
    ...(type === 'file' ? { content: decodeContent(object) } : {}),
    ...(type === 'dir' ? { subtree: hashField(object, 'subtree') as BlobId } : {}),
  };
}

function decodeContent(object: JsonObject): readonly BlobId[] {
  return arrayField(object, 'content').map((id) => asHash(id, 'content') as BlobId);
}

function decodeLinkTarget(object: JsonObject): string {
  const raw = optionalText(object, 'linktarget_raw');
  return raw === ''
    ? optionalText(object, 'linktarget')
    : nameFromBytes(Buffer.from(raw, 'base64'));
}

function decodeExtendedAttributes(object: JsonObject): readonly ExtendedAttribute[] {
  const list = object.extended_attributes ?? [];
  if (!Array.isArray(list)) throw damaged('node: extended_attributes');
  return list.map((each) => {
    const attribute = asObject(each, 'extended attribute');
    const value = attribute.value ?? undefined;
    if (value !== undefined && typeof value !== 'string')
      throw damaged('extended attribute: value');
    return {
      name: textField(attribute, 'name'),
      value: value === undefined ? undefined : Buffer.from(value, 'base64'),
    };
  });
}

/** As compact as Go writes it; meant for Windows, kept for whoever restores there. */
function decodeGenericAttributes(object: JsonObject): string | undefined {
  const value = object.generic_attributes ?? undefined;
  if (value === undefined) return undefined;
  const json = JSON.stringify(asObject(value, 'generic attributes'));
  return json === '{}' ? undefined : escapeForGo(json);
}

/** rustic leaves out the times (and owners) of folders above what it backs up, and of standard input. */
function timeField(object: JsonObject, name: string): bigint {
  if (object[name] === undefined || object[name] === null) return 0n;
  const time = parseGoTime(textField(object, name));
  if (time === undefined) throw damaged(`node: ${name} is no time`);
  return time;
}

function bigField<Key extends string>(
  object: JsonObject,
  name: string,
  key: Key,
): Partial<Record<Key, bigint>> {
  const value = object[name];
  if (value === undefined) return {};
  const text = String(value);
  if (!/^\d{1,20}$/.test(text) || BigInt(text) >= 2n ** 64n) throw damaged(`node: ${name}`);
  return { [key]: BigInt(text) } as Partial<Record<Key, bigint>>;
}
