import { expect, it } from 'vitest';
import type { Step } from '../../recovery/index.ts';
import { commandLines } from './run-text.ts';

it('a command is shown as a shell takes it', () => {
  const patch = ['kubectl', 'patch', 'cronjob/nightly', '-p', '{"spec":{"suspend":true}}'];
  const step = { commands: [patch, ['docker', 'stop', 'a\u001b[2J']] };
  expect(commandLines(step as unknown as Step)).toEqual([
    `    $ kubectl patch cronjob/nightly -p '{"spec":{"suspend":true}}'`,
    "    $ docker stop 'a\\x1b[2J'",
  ]);
});
