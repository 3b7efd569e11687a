import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledPackages } from '../../scripts/third-party-notices.ts';

const project = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'lifeboat-package-'));
const installed = join(folder, 'lifeboat');
const about = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

/** Writes down the address of every module that is loaded. */
const spy = `
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { appendFileSync(process.env.SPY_FILE, url + '\\n'); return next(url, context); } });
`;

/** Runs the built command, with nothing but what npm would install beside it, and says what it loaded. */
function run(...args: readonly string[]): { readonly output: string; readonly loaded: string } {
  const spyFile = join(folder, 'loaded');
  rmSync(spyFile, { force: true });
  const { LIFEBOAT_CONFIG: _, ...environment } = process.env;
  const output = execFileSync(
    process.execPath,
    ['--import', join(folder, 'spy.mjs'), join(installed, 'dist/cli/main.js'), ...args],
    {
      cwd: folder,
      env: { ...environment, LIFEBOAT_PASSWORD: 'p', SPY_FILE: spyFile },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  return { output, loaded: readFileSync(spyFile, 'utf8') };
}

beforeAll(() => {
  execFileSync(process.execPath, [join(project, 'scripts/build.ts'), join(installed, 'dist')]);
  for (const name of ['package.json', 'kernels/build']) {
    cpSync(join(project, name), join(installed, name), { recursive: true });
  }
  for (const name of Object.keys(about.dependencies)) {
    const place = join(installed, 'node_modules', name);
    mkdirSync(join(place, '..'), { recursive: true });
    symlinkSync(join(project, 'node_modules', name), place);
  }
  writeFileSync(join(folder, 'spy.mjs'), spy);
  mkdirSync(join(folder, 'data/sub'), { recursive: true });
  writeFileSync(join(folder, 'data/sub/file'), 'text');
  writeFileSync(join(folder, 'data/left-out.tmp'), 'text');
  writeFileSync(
    join(folder, 'lifeboat.yaml'),
    `name: test
state: ./state
repositories: { main: { location: ./repository, password: { env: LIFEBOAT_PASSWORD } } }
sources: { data: { kind: files, paths: [./data], exclude: ['*.tmp'] } }
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the built package', () => {
  it('needs only its declared dependencies to store, check and restore files', () => {
    run('init', '-r', 'main');
    run('backup');
    expect(run('check', '--read-data').output).toContain('no errors');
    run('restore', '--target', join(folder, 'out'));
    const restored = join(folder, 'out', folder, 'data');
    expect(readFileSync(join(restored, 'sub/file'), 'utf8')).toBe('text');
    expect(existsSync(join(restored, 'left-out.tmp'))).toBe(false);
  });

  it.each([['backup'], ['snapshots'], ['check'], ['--help']])(
    'loads for %s only what it needs',
    (...args) => {
      const { loaded } = run(...args);
      expect(loaded).toContain('dist/cli/main.js');
      // None of the packages, which are large, and not what would bring `undici` (any look at node:http does). Only the stored configuration,
      // which `check` reads, is opened by native calls.
      const needed = args[0] === 'check' ? /koffi/ : /^$/;
      const large = loaded.split('\n').filter((url) => /node_modules|node:http/.test(url));
      expect(large.filter((url) => !needed.test(url))).toEqual([]);
    },
  );

  it('carries the licences of what is part of its files', () => {
    const notices = readFileSync(join(installed, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of bundledPackages) expect(notices).toContain(`== ${name} `);
    const bundled = readdirSync(join(installed, 'dist/cli')).filter(
      (name) => !name.endsWith('.js'),
    );
    expect(bundled).toEqual([]);
  });
});
