import { describe, expect, it } from 'vitest';
import { RepositoryTurns } from './repository-turns.ts';

function scene() {
  const running: string[] = [];
  const waits: string[] = [];
  const order: string[] = [];
  const turns = new RepositoryTurns((task, waitsFor) =>
    waits.push(`${task} waits for ${waitsFor.join(', ')}`),
  );
  const begin = (task: string, kind: 'shared' | 'exclusive') => {
    const end = Promise.withResolvers<void>();
    const done = turns[kind](task, async () => {
      running.push(task);
      order.push(task);
      await end.promise;
      running.splice(running.indexOf(task), 1);
    });
    return {
      end: async () => {
        end.resolve();
        await done;
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
  };
  return { begin, running, waits, order, turns };
}

describe('turns at a repository', () => {
  it('lets backups go on side by side, and what is exclusive alone, saying what it waits for', async () => {
    const { begin, running, waits } = scene();
    const one = begin('one', 'shared');
    const two = begin('two', 'shared');
    const prune = begin('prune', 'exclusive');
    await Promise.resolve();
    expect(running).toEqual(['one', 'two']);
    expect(waits).toEqual(['prune waits for one, two']);
    await one.end();
    expect(running).toEqual(['two']);
    await two.end();
    expect(running).toEqual(['prune']);
    const late = begin('late', 'shared');
    await Promise.resolve();
    expect(running).toEqual(['prune']);
    expect(waits.at(-1)).toBe('late waits for prune');
    await prune.end();
    expect(running).toEqual(['late']);
    await late.end();
  });

  it('never lets a backup wait because something exclusive waits for another backup', async () => {
    const { begin, running } = scene();
    const long = begin('long', 'shared');
    const prune = begin('prune', 'exclusive');
    const hourly = begin('hourly', 'shared');
    await Promise.resolve();
    expect(running).toEqual(['long', 'hourly']);
    await long.end();
    await hourly.end();
    expect(running).toEqual(['prune']);
    await prune.end();
  });

  it('goes on after a task that failed', async () => {
    const { begin, running, turns } = scene();
    await expect(turns.exclusive('bad', () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    const next = begin('next', 'exclusive');
    await Promise.resolve();
    expect(running).toEqual(['next']);
    await next.end();
  });
});
