import { describe, expect, it } from 'vitest';
import { lineCount, projectFiles, textOf } from './tree.ts';

const files = projectFiles();
const code = files.filter((file) => /^(src|test|bench|scripts|kernels)\/.*\.ts$/.test(file));
const product = code.filter((file) => file.startsWith('src/') && !file.endsWith('.test.ts'));

describe('files', () => {
  it('have no more than 500 lines', () => {
    expect(code.filter((file) => lineCount(file) > 500)).toEqual([]);
  });

  it('of the product have a median below 100 lines', () => {
    const lines = product.map(lineCount).sort((a, b) => a - b);
    expect(lines[Math.floor(lines.length / 2)]).toBeLessThan(100);
  });

  it('are named for their subject, in kebab case', () => {
    const empty = /(^|\/)(utils?|helpers?|misc|common|manager|types|lib)(\.ts|\/)/;
    expect(code.filter((file) => empty.test(file))).toEqual([]);
    expect(code.filter((file) => !/^[a-z0-9./-]+$/.test(file))).toEqual([]);
  });

  it('carry no marks of unfinished work', () => {
    const marks = new RegExp(`\\b(${['TO', 'FIX', 'HA'].join('|')})(DO|ME|CK)\\b|X{3}`);
    expect(code.filter((file) => marks.test(textOf(file)))).toEqual([]);
  });

  it('export by name, one by one', () => {
    const wrong = product.filter((file) => /^export (\*|default)/m.test(textOf(file)));
    expect(wrong).toEqual([]);
  });

  it('switch no test off', () => {
    const off = /\b(it|test|describe)\.(skip|todo|only)\b/;
    expect(
      code.filter((file) => file !== 'test/tidy/files.test.ts' && off.test(textOf(file))),
    ).toEqual([]);
  });

  it('leave the process only in the command line', () => {
    const leaves = product.filter((file) => /\bprocess\.exit\(/.test(textOf(file)));
    expect(leaves.filter((file) => !file.startsWith('src/cli/main'))).toEqual([]);
  });

  it('never give a command to a shell', () => {
    const shell = /\bexecSync\(|\bexec\(['"`]|shell:\s*true/;
    expect(product.filter((file) => shell.test(textOf(file)))).toEqual([]);
  });
});
