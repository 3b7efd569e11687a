// Builds what npm publishes: plain JavaScript in dist/, with the command made executable.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
const done = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.build.json')],
  { stdio: 'inherit' },
);
if (done.status !== 0) process.exit(done.status ?? 1);
chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
