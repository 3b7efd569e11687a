import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFiles, root, textOf } from './tree.ts';

const pages = projectFiles().filter((file) => file.endsWith('.md'));

describe('documents', () => {
  it('link only to files that exist', () => {
    const broken: string[] = [];
    for (const page of pages) {
      for (const match of textOf(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
        const target = join(root, dirname(page), match[1] as string);
        if (!existsSync(target)) broken.push(`${page}: ${match[1]}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('name an existing test or say none for every promise', () => {
    const rows = textOf('docs/promises.md')
      .split('\n')
      .filter((line) => /^\| .* \|$/.test(line) && !/^\| (-|promise)/.test(line));
    expect(rows.length).toBeGreaterThan(30);
    const wrong = rows.filter((row) => {
      const cells = row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim());
      const tests = [...(cells[2] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
      return cells.length !== 4 || tests.some((test) => !existsSync(join(root, test)));
    });
    expect(wrong).toEqual([]);
  });
});
