import { describe, expect, it } from 'vitest';
import type { TreeNode } from '../repository.ts';
import { attributesText, linkTargetText, nameFromNodeText, nodeHead } from './node-text.ts';
import { nameBytes, nameFromBytes } from './raw-name.ts';
import { encodeNode } from './tree-node.ts';

const names = [
  'plain.txt',
  'Grüße',
  'quote"back\\slash',
  '<html>&amp;',
  'tab\tbell\u0007del\u007f',
  'nbsp\u00a0zero\u200b',
  'emoji 🛟',
  nameFromBytes(Buffer.from([0x63, 0xe9, 0xff])),
];
const times = [0n, 1n, -1n, 1_700_000_000_000_000_000n, 1_700_000_000_123_450_000n, 10n ** 21n];
const types = ['file', 'dir', 'symlink', 'dev', 'chardev', 'fifo', 'socket'] as const;
const bytes = (text: string) => Buffer.from(text, 'latin1').toString('utf8');

function factsOf(mtimeNs: bigint, mode: bigint, nlink: bigint) {
  return {
    mode,
    mtimeNs,
    ctimeNs: mtimeNs + 7n,
    uid: 1000n,
    gid: 0n,
    ino: 2n ** 63n,
    dev: 5n,
    rdev: 0n,
    nlink,
  };
}

describe('the text of a node', () => {
  it('is what the encoder of whole nodes makes', () => {
    for (const name of names) {
      for (const mtimeNs of times) {
        for (const type of types) {
          const facts = factsOf(mtimeNs, 0o7751n, 2n);
          const head = nodeHead({
            name: nameBytes(name).toString('latin1'),
            type,
            facts,
            sizeBytes: 12n,
            owners: '"user":"ada",',
          });
          const hasLinks = !['dir', 'fifo', 'socket'].includes(type);
          const node: TreeNode = {
            name,
            type,
            mode: 0o7751,
            mtimeNs,
            ctimeNs: facts.ctimeNs,
            uid: 1000,
            gid: 0,
            user: 'ada',
            inode: facts.ino,
            deviceId: facts.dev,
            ...(type === 'file' ? { sizeBytes: 12, content: [] } : {}),
            ...(hasLinks ? { links: 2 } : {}),
          };
          const rest = `,"content":${type === 'file' ? '[]' : 'null'}}`;
          expect(bytes(head + rest)).toBe(encodeNode(node));
        }
      }
    }
  });

  it('gives names back', () => {
    for (const name of names) {
      const text = nameBytes(name).toString('latin1');
      const head = nodeHead({
        name: text,
        type: 'file',
        facts: factsOf(0n, 0n, 1n),
        sizeBytes: 0n,
        owners: '',
      });
      const quoted = /^\{"name":"(.*?)","type"/s.exec(head)?.[1] as string;
      expect(nameFromNodeText(quoted)).toBe(text);
    }
    for (const bad of ['\\q', '\\u12', 'a\\', '\\\\xzz']) {
      expect(nameFromNodeText(bad)).toBeUndefined();
    }
  });

  it('holds link targets and attributes as the encoder does', () => {
    const target = nameFromBytes(Buffer.from([0x61, 0xff, 0x3c]));
    const attribute = { name: 'user.ä', value: Buffer.from([0, 255]) };
    const base = { name: 'x', type: 'symlink', mode: 0, mtimeNs: 0n, uid: 0, gid: 0 } as const;
    const whole = encodeNode({ ...base, linkTarget: target, extendedAttributes: [attribute] });
    expect(whole).toContain(bytes(linkTargetText(nameBytes(target)) + attributesText([attribute])));
  });
});
