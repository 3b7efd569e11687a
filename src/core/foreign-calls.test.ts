import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const module = new URL('./foreign-calls.ts', import.meta.url).href;
const workerCode = `
  import(${JSON.stringify(module)}).then(({ bindForeign }) => {
    for (;;) bindForeign((koffi) => koffi.load(null).func('int getpid()')());
  });`;

/** Ends threads while they load, one after the other, in a process of its own: what it is about would abort it. */
const mainCode = (last: string) => `
  import { setTimeout as sleep } from 'node:timers/promises';
  import { Worker } from 'node:worker_threads';
  import { endThread } from ${JSON.stringify(module)};
  const start = () => new Worker(${JSON.stringify(workerCode)}, { eval: true });
  for (let number = 0; number < 40; number++) {
    const thread = start();
    await sleep(Math.random() * 120);
    await endThread(thread);
  }
  ${last}`;

async function run(code: string): Promise<{ readonly exit: unknown[]; readonly said: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.stdout.resume();
  return { exit: await once(child, 'close'), said };
}

it('a thread is ended while it loads, and the process lives on', async () => {
  const { exit, said } = await run(mainCode('process.exitCode = 7;'));
  expect({ exit, said }).toEqual({ exit: [7, null], said: '' });
});

it('a process ends with the code it gave, whatever its threads load', async () => {
  for (let attempt = 0; attempt < 8; attempt++) {
    const code = `
      import { setTimeout as sleep } from 'node:timers/promises';
      import { Worker } from 'node:worker_threads';
      import ${JSON.stringify(module)};
      for (let n = 0; n < 3; n++) new Worker(${JSON.stringify(workerCode)}, { eval: true });
      await sleep(${40 + attempt * 20});
      process.exit(5);`;
    const { exit, said } = await run(code);
    expect({ exit, said }).toEqual({ exit: [5, null], said: '' });
  }
});
