import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScript } from '../../src/recovery/ground/in-volume/run-script.ts';
import { script } from '../../src/recovery/ground/in-volume/script.ts';
import type { ScriptRunner } from '../../src/recovery/ground/in-volume/script-place.ts';
import { temporaryFolder } from './postgres.ts';

/** The programs that change something there. */
const changing = ['mv', 'mkdir', 'rm', 'rmdir', 'ln', 'touch', 'chown', 'chmod', 'tar'];

export interface LocalShell extends Disposable {
  runner(folder: string): ScriptRunner;
  /** All that runs there is killed right before the nth program that changes something. */
  dyingBefore(folder: string, change: number): ScriptRunner;
}

/** The script of grounds in a shell of this host. `busybox`: path of a static one, which is then all there is. */
export function localShell(busybox?: string): LocalShell {
  const outer = temporaryFolder('shell');
  const bin = join(outer, 'bin');
  mkdirSync(bin);
  if (busybox) for (const name of applets) symlinkSync(busybox, join(bin, name));
  const path = busybox ? bin : '/usr/bin:/bin';
  const shims = makeShims(join(outer, 'shims'), busybox ? bin : '/usr/bin');
  const make = (folder: string, environment: NodeJS.ProcessEnv): ScriptRunner => ({
    kind: 'ssh-host',
    folder,
    describe: () => `${folder} in a shell`,
    describePath: (path) => `${path} in a shell`,
    identify: async () => ({ text: 'a shell', fingerprint: folder }),
    async run(args, { input, signal }) {
      const words = ['-c', script, 'lifeboat', ...args];
      return await runScript({
        // busybox's own shell would take its own programs, wherever the path leads.
        program: '/bin/sh',
        args: words,
        environment,
        input,
        signal,
      });
    },
  });
  let rounds = 0;
  return {
    runner: (folder) => make(folder, { PATH: path }),
    dyingBefore(folder, change) {
      const count = join(outer, `count-${++rounds}`);
      writeFileSync(count, '0');
      const PATH = `${shims}:${path}`;
      return make(folder, {
        PATH,
        LIFEBOAT_TEST_COUNT: count,
        LIFEBOAT_TEST_DEATH: String(change),
      });
    },
    [Symbol.dispose]: () => rmSync(outer, { recursive: true, force: true }),
  };
}

function makeShims(folder: string, real: string): string {
  mkdirSync(folder);
  for (const name of changing) {
    const path = join(folder, name);
    writeFileSync(
      path,
      `#!/bin/sh
read -r count < "$LIFEBOAT_TEST_COUNT"
count=$((count + 1))
echo $count > "$LIFEBOAT_TEST_COUNT"
[ $count -ge "$LIFEBOAT_TEST_DEATH" ] && kill -9 0
exec ${real}/${name} "$@"
`,
    );
    chmodSync(path, 0o755);
  }
  return folder;
}

const applets = [
  ...changing,
  'sh',
  'cat',
  'df',
  'find',
  'id',
  'od',
  'printf',
  'readlink',
  'sed',
  'sha256sum',
  'stat',
  'sync',
  'tail',
  'uname',
];
