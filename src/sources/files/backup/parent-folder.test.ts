import { describe, expect, it } from 'vitest';
import { ParentFolder } from './parent-folder.ts';

const node = (name: string, rest = '"content":[]') => `{"name":"${name}","type":"file",${rest}}`;
const folder = (...nodes: string[]) =>
  new ParentFolder(Buffer.from(`{"nodes":[${nodes.join(',')}]}\n`));

describe('the folder of a former snapshot', () => {
  it('finds nodes in the order of their names, and counts those nobody asks for', () => {
    const parent = folder(node('a'), node('b'), node('c'), node('e'));
    expect(parent.find('a')).toBe(node('a'));
    expect(parent.find('aa')).toBeUndefined();
    expect(parent.find('c')).toBe(node('c'));
    expect(parent.find('d')).toBeUndefined();
    expect(parent.countMissing()).toBe(2);
    expect(parent.find('z')).toBeUndefined();
  });

  it('is not led astray by what looks like a node', () => {
    const attributes =
      '"extended_attributes":[{"name":"user.a","value":""},{"name":"user.b","value":""}],"content":[]';
    const tricky = node('a', attributes);
    const odd = 'b"},{"name":"x","type":"';
    // As restic writes it: quoted for Go, then for JSON.
    const quoted = node(JSON.stringify(odd.replaceAll('"', '\\"')).slice(1, -1));
    const parent = folder(tricky, quoted, node('c'));
    expect(parent.find('a')).toBe(tricky);
    expect(parent.find(odd)).toBe(quoted);
    expect(parent.find('c')).toBe(node('c'));
  });

  it('has no nodes when it is empty or in a form it does not know', () => {
    for (const text of [
      '{"nodes":[]}\n',
      '{ "nodes": [ {"name":"a"} ] }',
      '',
      '{"nodes":[{"name":"a',
    ]) {
      expect(new ParentFolder(Buffer.from(text)).find('a')).toBeUndefined();
    }
  });

  it('stops where names are out of order', () => {
    const parent = folder(node('b'), node('a'), node('c'));
    expect(parent.find('b')).toBe(node('b'));
    expect(parent.find('c')).toBeUndefined();
  });
});
