import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../../core/index.ts';
import { type Holder, thisProcess } from '../holder.ts';
import { type RunEntry, sealEntry } from '../run-entry.ts';
import type { Engine } from './engine.ts';

export interface EngineUnderTest extends AsyncDisposable {
  /** Another process, as it were. */
  open(): Promise<Engine>;
}

/** A process of another host: whether it lives cannot be seen from here. */
function elsewhere(actor: string): Holder {
  return { ...thisProcess(actor), host: 'elsewhere', machine: 'another boot' };
}

/** A process of this host that has ended. */
function ended(actor: string): Holder {
  return { ...thisProcess(actor), startTicks: '1' };
}

function entry(run: string, epoch: number, sequence: number, reason = 'why'): RunEntry {
  const about = { time: '2026-11-26T18:00:00.000Z', actor: 'alice', host: 'here', previous: '' };
  return sealEntry({ run, epoch, sequence, ...about, body: { type: 'paused', reason } });
}

function lastEntry(run: string, epoch: number, sequence: number): RunEntry {
  const { id: _, ...rest } = entry(run, epoch, sequence);
  return sealEntry({ ...rest, body: { type: 'done' } });
}

/** The suite that every engine passes. */
export function testEngine(name: string, factory: () => Promise<EngineUnderTest>): void {
  describe(`engine of runs: ${name}`, () => {
    let subject: EngineUnderTest;
    let first: Engine;
    let second: Engine;
    beforeEach(async () => {
      subject = await factory();
      [first, second] = await Promise.all([subject.open(), subject.open()]);
    });
    afterEach(async () => {
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
      await subject[Symbol.asyncDispose]();
    });

    const claim = (run: string, epoch: number, holder: Holder, targets = ['source database']) => ({
      run,
      epoch,
      holder,
      targets,
      isForced: false,
    });
    const alice = thisProcess('alice');

    it('lets one of several have a target', async () => {
      const asked = await Promise.all(
        [...Array(8).keys()].map((n) => (n % 2 ? first : second).take(claim(`run${n}`, 1, alice))),
      );
      expect(asked.filter(({ taken }) => taken)).toHaveLength(1);
      const loser = asked.find((each) => !each.taken);
      expect(loser).toMatchObject({ by: { target: 'source database', holder: alice } });
    });

    it('keeps targets that have nothing in common apart', async () => {
      expect(await first.take(claim('a', 1, alice, ['x', 'y']))).toEqual({ taken: true });
      expect(await second.take(claim('b', 1, alice, ['z']))).toEqual({ taken: true });
      expect(await second.take(claim('c', 1, alice, ['w', 'y']))).toMatchObject({
        taken: false,
        by: { run: 'a', target: 'y' },
      });
    });

    it('frees the target of a process that died before it began', async () => {
      await first.take(claim('a', 1, ended('alice')));
      expect(await second.take(claim('b', 1, ended('bob')))).toEqual({ taken: true });
      await second.append(entry('b', 1, 1));
      expect(await first.take(claim('c', 1, alice))).toMatchObject({ by: { run: 'b' } });
    });

    it('gives a run over when its process has ended, never while it lives', async () => {
      await first.take(claim('a', 1, alice));
      expect(await second.take({ ...claim('a', 2, alice), isForced: true })).toMatchObject({
        taken: false,
      });
      await first.release('a', 1);
      await first.take(claim('a', 2, ended('alice')));
      expect(await second.take(claim('a', 3, alice))).toEqual({ taken: true });
      expect(await first.renew('a', 2)).toBe(false);
      expect(await first.holds('a', 2)).toBe(false);
      expect(await first.holds('a', 3)).toBe(true);
      expect(await second.renew('a', 3)).toBe(true);
    });

    it('gives over the run of another host only when somebody says that it is gone, or it is silent', async () => {
      await first.take(claim('a', 1, elsewhere('bob')));
      expect(await second.take(claim('a', 2, alice))).toMatchObject({
        taken: false,
        by: { holder: { host: 'elsewhere', actor: 'bob' } },
      });
      expect(await second.take({ ...claim('a', 2, alice), isForced: true })).toEqual({
        taken: true,
      });
    });

    it('counts a process that cannot be seen as gone only when its newest sign of life is the one that was watched', async () => {
      const signOf = async () => {
        const taken = await second.take(claim('a', 2, alice));
        return taken.taken ? undefined : taken.by.sign;
      };
      const take = async (silent: string | undefined) =>
        await second.take({ ...claim('a', 2, alice), silent: silent ? [silent] : [] });
      await first.take(claim('a', 1, elsewhere('bob'), ['source database', 'run a']));
      const watched = await signOf();
      expect(watched).toEqual(expect.any(String));
      expect(await signOf()).toBe(watched);
      // The clock of the system may tick in hundredths of a second.
      await sleep(20);
      expect(await first.renew('a', 1)).toBe(true);
      expect(await take(watched)).toMatchObject({ taken: false, by: { run: 'a' } });
      expect(await take(await signOf())).toEqual({ taken: true });
      expect(await first.renew('a', 1)).toBe(false);
    });

    it('has nobody watch what stands in the way whether its process lives or not', async () => {
      await first.take(claim('a', 1, elsewhere('bob')));
      await first.append(entry('a', 1, 1));
      const taken = await second.take(claim('b', 1, alice));
      expect(taken).toMatchObject({ taken: false, by: { run: 'a' } });
      expect(taken).not.toHaveProperty('by.sign');
      await first.take(claim('c', 1, alice, ['another']));
      expect(await second.take(claim('c', 2, alice, ['another']))).not.toHaveProperty('by.sign');
    });

    it('takes the same question twice for one', async () => {
      await first.take(claim('a', 1, alice));
      expect(await first.take(claim('a', 1, alice))).toEqual({ taken: true });
    });

    it('keeps the targets of a run that is paused, and frees those of one that has ended', async () => {
      await first.take(claim('a', 1, alice));
      await first.append(entry('a', 1, 1));
      await first.release('a', 1);
      expect(await first.append(entry('a', 1, 2))).toBe(false);
      expect(await second.take(claim('b', 1, alice))).toMatchObject({ by: { run: 'a' } });
      expect(await second.take(claim('a', 2, alice))).toEqual({ taken: true });
      await second.append(lastEntry('a', 2, 2));
      expect(await first.take(claim('b', 1, alice))).toEqual({ taken: true });
    });

    it('lets a run be given up beside another that nobody drives, which keeps its targets', async () => {
      await first.take(claim('a', 1, alice));
      await first.append(entry('a', 1, 1));
      const givesUp = { ...claim('b', 2, alice, ['source database', 'run b']), givesUp: true };
      expect(await second.take(givesUp)).toMatchObject({ taken: false, by: { run: 'a' } });
      await first.release('a', 1);
      expect(await second.take({ ...givesUp, givesUp: false })).toMatchObject({ by: { run: 'a' } });
      expect(await second.take(givesUp)).toEqual({ taken: true });
      expect(await second.holds('b', 2)).toBe(true);
      await second.append(lastEntry('b', 2, 2));
      expect(await second.take(claim('c', 1, alice))).toMatchObject({ by: { run: 'a' } });
      expect(await second.take(claim('a', 2, alice))).toEqual({ taken: true });
    });

    it('lets a run begin over one that only keeps, while nobody drives that; the other way round too', async () => {
      const targets = (run: string) => ['source database', `run ${run}`];
      await first.take(claim('a', 1, alice, targets('a')));
      await first.append(entry('a', 1, 1));
      const over = { ...claim('b', 1, alice, targets('b')), over: ['a'] };
      expect(await second.take(over)).toMatchObject({ taken: false, by: { run: 'a' } });
      await first.release('a', 1);
      expect(await second.take({ ...over, over: ['c'] })).toMatchObject({ by: { run: 'a' } });
      expect(await second.take(over)).toEqual({ taken: true });
      await second.append(entry('b', 1, 1));
      const back = { ...claim('a', 2, alice, targets('a')), over: ['b'] };
      expect(await first.take(back)).toMatchObject({ taken: false, by: { run: 'b' } });
      await second.release('b', 1);
      expect(await first.take({ ...back, over: [] })).toMatchObject({ by: { run: 'b' } });
      expect(await first.take(back)).toEqual({ taken: true });
      // What the one that ends had is free; the other one asks again.
      await first.append(lastEntry('a', 2, 2));
      expect(await second.take(claim('b', 2, alice, targets('b')))).toEqual({ taken: true });
    });

    it('accepts entries only of the process that has the run', async () => {
      expect(await first.append(entry('a', 1, 1))).toBe(false);
      await first.take(claim('a', 1, ended('alice')));
      expect(await first.append(entry('a', 1, 1))).toBe(true);
      expect(await second.wrote('a', 1)).toBe(true);
      expect(await second.wrote('a', 2)).toBe(false);
      await second.take(claim('a', 2, alice));
      expect(await first.append(entry('a', 1, 2))).toBe(false);
      expect(await second.append(entry('a', 2, 2))).toBe(true);
      // Nobody heard the first answer.
      expect(await second.append(entry('a', 2, 2))).toBe(true);
      const known = [entry('a', 1, 1), entry('a', 2, 2)];
      for (const each of [first, second, await subject.open()]) {
        expect(await each.entries('a')).toEqual(known);
      }
      expect(await first.runs()).toEqual(['a']);
    });

    it('adopts what another copy had, once', async () => {
      await first.adopt([entry('a', 1, 1), entry('a', 1, 2, 'it\'s {"odd"} \u0001 $1')]);
      await second.adopt([entry('a', 1, 1)]);
      expect(await first.wrote('a', 1)).toBe(false);
      expect((await second.entries('a')).map(({ sequence }) => sequence)).toEqual([1, 2]);
      expect(await second.entries('b')).toEqual([]);
    });

    it('keeps notes in the order they came', async () => {
      const note = (id: string) => ({
        format: 1 as const,
        run: 'a',
        id,
        time: '2026-11-26T18:00:00.000Z',
        actor: 'bob',
        host: 'there',
        body: { type: 'pause' as const, reason: 'lunch' },
      });
      for (const id of ['z', 'a', 'm', 'z']) await first.addNote(note(id));
      expect((await second.notes('a')).map(({ id }) => id)).toEqual(['z', 'a', 'm']);
    });
  });
}
