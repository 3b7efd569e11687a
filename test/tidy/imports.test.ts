import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFiles, textOf } from './tree.ts';

/** A folder of src may import folders of a lower rank, and itself; nothing of its own rank or above. */
const rank: Record<string, number> = {
  core: 0,
  config: 1,
  wal: 1,
  repository: 2,
  sources: 3,
  platforms: 3,
  recovery: 4,
  drills: 5,
  incidents: 5,
  monitoring: 5,
  service: 6,
  server: 7,
  cli: 7,
};

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Relative imports (static, dynamic, and worker URLs) of every source file that is not a test. */
function relativeImports(): Import[] {
  const found: Import[] = [];
  for (const file of projectFiles()) {
    if (!/^src\/.*\.ts$/.test(file) || file.endsWith('.test.ts')) continue;
    const pattern = /(?:from\s+|import\s*\(?\s*|new URL\(\s*)['"](\.[^'"]+)['"]/g;
    for (const match of textOf(file).matchAll(pattern)) {
      found.push({ from: file, to: normalize(join(dirname(file), match[1] as string)) });
    }
  }
  return found;
}

function topFolder(file: string): string {
  return file.split('/')[1] as string;
}

/** Test suites that adapters share lie beside the code; only tests import them. */
const sharedSuite = /-contract\.ts$/;

describe('imports', () => {
  const imports = relativeImports().filter((each) => each.to.startsWith('src/'));

  it('sees the imports at all', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('point one way, from the edge to the core', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [source, target] = [topFolder(from), topFolder(to)];
      return source !== target && (rank[target] ?? 99) >= (rank[source] ?? -1);
    });
    expect(wrong).toEqual([]);
  });

  // `thread.ts` is a second, small entrance for worker threads, which load all that they import anew.
  it('enter another folder of src only through its index.ts or thread.ts', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        topFolder(from) !== topFolder(to) && !/^src\/[^/]+\/(index|thread)\.ts$/.test(to),
    );
    expect(wrong).toEqual([]);
  });

  it('know the rank of every folder of src', () => {
    const folders = new Set(
      projectFiles()
        .filter((file) => file.startsWith('src/'))
        .map(topFolder),
    );
    expect([...folders].filter((folder) => rank[folder] === undefined)).toEqual([]);
  });

  // A thread ended by force while it loads koffi takes the process along.
  it('end threads and load koffi in one place, and koffi also where no thread is', () => {
    const places = (pattern: RegExp) =>
      projectFiles().filter(
        (file) => file.startsWith('src/') && !file.includes('.test.') && pattern.test(textOf(file)),
      );
    expect(places(/\.terminate\(/)).toEqual(['src/core/foreign-calls.ts']);
    expect(places(/\('koffi'\)(?!;$)/m)).toEqual([
      'src/core/foreign-calls.ts',
      'src/sources/files/system/sync.ts',
    ]);
  });

  it('never reach from the product into tests', () => {
    const wrong = relativeImports().filter(
      ({ from, to }) =>
        !sharedSuite.test(from) && (to.startsWith('test/') || to.includes('.test.')),
    );
    expect(wrong).toEqual([]);
  });
});
