import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlobId, TreeNode } from '../repository.ts';
import { nameFromBytes } from './raw-name.ts';
import { decodeTree, encodeTree } from './tree.ts';

const id = 'ab'.repeat(32) as BlobId;

const file: TreeNode = {
  name: 'a<b',
  type: 'file',
  mode: 0o4755,
  mtimeNs: 1_600_000_000_500_000_000n,
  atimeNs: 0n,
  ctimeNs: 1n,
  uid: 1000,
  gid: 0,
  user: 'joe',
  group: 'staff',
  inode: 2n ** 64n - 1n,
  deviceId: 5n,
  sizeBytes: 10,
  links: 1,
  content: [id],
};

describe('trees', () => {
  it('are written in restic’s bytes', () => {
    const folder: TreeNode = {
      name: 'Z',
      type: 'dir',
      mode: 0o1777,
      mtimeNs: 0n,
      uid: 0,
      gid: 0,
      subtree: id,
    };
    const link: TreeNode = {
      ...folder,
      name: 'l',
      type: 'symlink',
      mode: 0o777,
      linkTarget: 'x\udcff',
    };
    const { subtree: _, ...bareLink } = link as TreeNode & { subtree: BlobId };
    expect(encodeTree([bareLink, file, folder]).toString()).toBe(
      `{"nodes":[{"name":"Z","type":"dir","mode":2148532735,"mtime":"1970-01-01T00:00:00Z","atime":"1970-01-01T00:00:00Z","ctime":"1970-01-01T00:00:00Z","uid":0,"gid":0,"content":null,"subtree":"${id}"},` +
        `{"name":"a\\u003cb","type":"file","mode":8389101,"mtime":"2020-09-13T12:26:40.5Z","atime":"1970-01-01T00:00:00Z","ctime":"1970-01-01T00:00:00.000000001Z","uid":1000,"gid":0,"user":"joe","group":"staff","inode":18446744073709551615,"device_id":5,"size":10,"links":1,"content":["${id}"]},` +
        `{"name":"l","type":"symlink","mode":134218239,"mtime":"1970-01-01T00:00:00Z","atime":"1970-01-01T00:00:00Z","ctime":"1970-01-01T00:00:00Z","uid":0,"gid":0,"linktarget":"x\\ufffd","linktarget_raw":"eP8=","content":null}]}\n`,
    );
    expect(encodeTree([]).toString()).toBe('{"nodes":[]}\n');
  });

  it('keep what only some entries have', () => {
    const text = `{"nodes":[{"name":"d","type":"dev","mode":67108864,"mtime":"1970-01-01T00:00:00Z","atime":"1970-01-01T00:00:00Z","ctime":"1970-01-01T00:00:00Z","uid":0,"gid":0,"extended_attributes":[{"name":"user.a","value":"AP8="},{"name":"user.b","value":null}],"generic_attributes":{"windows.file_attributes":32},"device":2049,"content":null,"error":"a \\u003e b"}]}\n`;
    expect(encodeTree(decodeTree(Buffer.from(text))).toString()).toBe(text);
  });

  it('are sorted by the bytes of names, not by their UTF-16 units', () => {
    const names = ['\u{1f6df}', '\ue000', nameFromBytes(Buffer.of(0xff)), 'b', 'B'];
    const tree = encodeTree(names.map((name) => ({ ...file, name })));
    expect(decodeTree(tree).map(({ name }) => name)).toEqual([
      'B',
      'b',
      '\ue000',
      '\u{1f6df}',
      nameFromBytes(Buffer.of(0xff)),
    ]);
  });

  it('come back as they were, 64-bit numbers included', () => {
    expect(decodeTree(encodeTree([file]))).toEqual([file]);
  });

  it('with a name twice are refused', () => {
    expect(() => encodeTree([file, file])).toThrow(/two nodes/);
  });

  it.each(['.', '..', 'a/b', '', 'a\\x00b'])('with the name %j are refused', (name) => {
    const text = encodeTree([file]).toString().replace('a\\u003cb', name.replace('\\', '\\\\'));
    expect(() => decodeTree(Buffer.from(text))).toThrow(/name/);
  });

  it('of any names and numbers survive writing and reading', () => {
    const node = fc.record({
      name: fc
        .uint8Array({ minLength: 1, maxLength: 12 })
        .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f))
        .map(nameFromBytes)
        .filter((name) => name !== '.' && name !== '..'),
      mode: fc.nat(0o7777),
      mtimeNs: fc.bigInt({ min: -(2n ** 60n), max: 2n ** 62n }),
      inode: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
      uid: fc.nat(2 ** 31),
    });
    fc.assert(
      fc.property(fc.uniqueArray(node, { selector: ({ name }) => name }), (nodes) => {
        const tree = encodeTree(nodes.map((each) => ({ ...file, ...each })));
        expect(encodeTree(decodeTree(tree)).equals(tree)).toBe(true);
      }),
    );
  });

  it('are read where rustic left out times and owners', () => {
    const subtree = 'ab'.repeat(32);
    const text = `{"nodes":[{"name":"tmp","type":"dir","mode":493,"content":null,"subtree":"${subtree}"}]}`;
    expect(decodeTree(Buffer.from(text))).toMatchObject([
      { name: 'tmp', type: 'dir', mode: 0o755, mtimeNs: 0n, uid: 0, gid: 0, subtree },
    ]);
  });
});
