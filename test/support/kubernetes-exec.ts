import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, type TestContext } from 'vitest';
import { script } from '../../src/recovery/ground/in-volume/script.ts';
import { temporaryFolder } from './postgres.ts';
import { findProgram } from './programs.ts';
import { need } from './skip.ts';

/**
 * An environment whose kubectl runs `exec` on this host, and everything else as it is: the played node has no containers, and its
 * own commands do not see where their input ends.
 */
export function playExec(context: TestContext, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const real = need(context, findProgram('kubectl'), 'no kubectl on PATH');
  const folder = temporaryFolder('exec');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(folder, 'script'), script);
  const program = join(bin, 'kubectl');
  writeFileSync(
    program,
    `#!/bin/sh
for each; do
  case $each in
    exec) isExec=yes; break ;;
    get|create|delete|patch|config) break ;;
  esac
done
[ "$isExec" ] || exec '${real}' "$@"
while [ "$1" != -- ]; do shift; done
shift
LIFEBOAT_SCRIPT=$(cat '${join(folder, 'script')}') "$@"
code=$?
[ $code -eq 0 ] || echo "command terminated with exit code $code" >&2
exit $code
`,
  );
  chmodSync(program, 0o755);
  return { ...environment, PATH: `${bin}:${environment.PATH}` };
}
