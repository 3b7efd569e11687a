// Builds what npm publishes: dist/cli with the command and the entries of its threads, each of which loads few files.
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type RolldownOutput, rolldown } from 'rolldown';
import { bundledPackages, noticesOf } from './third-party-notices.ts';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');
const target = process.argv[2] ?? join(root, 'dist');

/** The command and what it starts as threads. All end up in one folder: a thread is found beside the chunk that starts it. */
const entries = [join(source, 'cli/main.ts'), ...threadEntries()];

const named = Object.fromEntries(entries.map((file) => [basename(file, '.ts'), file]));
if (Object.keys(named).length < entries.length) throw new Error('two entries have the same name');

rmSync(target, { recursive: true, force: true });
const bundle = await rolldown({
  input: named,
  platform: 'node',
  // Those of other packages stay imports: they are large, and loaded only where they are needed.
  external: (id, from) =>
    from !== undefined && /^[@a-z]/.test(id) && !bundledPackages.includes(id.split('/')[0] ?? id),
  // Loading a module of ours does nothing: commands share those whose exports they use, not whole folders.
  treeshake: { moduleSideEffects: (id) => !id.startsWith(source) || entries.includes(id) },
});
const built: RolldownOutput = await bundle.write({
  dir: join(target, 'cli'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
});
await bundle.close();
const modules = built.output.flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []));
writeFileSync(join(target, 'THIRD-PARTY-NOTICES.txt'), noticesOf(modules, root));
chmodSync(join(target, 'cli', 'main.js'), 0o755);

/** Each file that a source names as the sources do: `./blob-worker${extname(import.meta.url)}`. */
function threadEntries(): readonly string[] {
  const files = globSync(join(source, '**/*.ts')).filter((file) => !file.endsWith('.test.ts'));
  return files.flatMap((file) => {
    const named = readFileSync(file, 'utf8').matchAll(/`\.\/([a-z-]+)\$\{extname\(/g);
    return [...named].map(([, name]) => join(dirname(file), `${name}.ts`));
  });
}
