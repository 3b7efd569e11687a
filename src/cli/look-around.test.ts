import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { LifeboatError } from '../core/index.ts';
import type { PausedServer, PostgresSource } from '../sources/index.ts';
import { parseLsn } from '../wal/index.ts';
import type { CommandContext } from './command.ts';
import { lookAround } from './look-around.ts';

/** What is said to a copy whose every step fails, and what came of it. */
async function say(lines: readonly string[], isStanding: boolean): Promise<readonly string[]> {
  const warned: string[] = [];
  const output = { report: () => {}, warn: (message: string) => warned.push(message) };
  const server: PausedServer = {
    socketFolder: '/run/copy',
    port: 5432,
    user: 'postgres',
    isStanding: () => isStanding,
    where: async () => ({ lsn: parseLsn('0/10'), timeline: 1, lastCommit: new Date(0) }),
    goOn: async () => {
      throw new LifeboatError('log.gap', 'a piece of the log is missing');
    },
    nextCommit: async () => undefined,
  };
  const look = lookAround({
    context: {
      output,
      signal: new AbortController().signal,
      input: new PassThrough(),
    } as never as CommandContext,
    source: { name: 'database', settings: { connection: { database: 'shop' } } } as PostgresSource,
    target: { kind: 'latest' },
    canGoBack: false,
    lines: lines[Symbol.iterator]() as never,
  });
  await look(server);
  return warned;
}

test('what cannot be done is told while the copy stands where it stood', async () => {
  expect(await say(['to 0/20', 'next', 'accept'], true)).toEqual([
    'a piece of the log is missing',
    'that was the last transaction in the log',
  ]);
});

test('a copy that failed on its way ends the session with the reason', async () => {
  await expect(say(['to 0/20', 'accept'], false)).rejects.toMatchObject({ code: 'log.gap' });
});
