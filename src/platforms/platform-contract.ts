import { afterAll, afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import type { ServiceSetting } from '../config/index.ts';
import { isLifeboatError, LifeboatError } from '../core/index.ts';
import type { Platform, ServiceIsolation, ServiceState } from './platform.ts';
import { requirePlace } from './require-place.ts';

/** What a factory gives the suite: a place of its own with a service that runs, and the way to be rid of both. */
export interface PlatformUnderTest extends AsyncDisposable {
  readonly platform: Platform;
  /** It runs, said `hello 1`, `hello 2` and `hello 3` in three lines, and stops within a second when it is asked to. */
  readonly service: ServiceSetting;
  /** Of a service that is not there. */
  readonly absent?: ServiceSetting;
  /** One that runs and takes longer than three seconds to stop; made when it is asked for. */
  slow(): Promise<ServiceSetting>;
  /** The value of the variable SECRET in the environment of the service; nothing may hold it. */
  readonly secret?: string;
  /** Names what runs of it now, found past the platform: another text after each start, undefined while nothing runs. */
  incarnation(): Promise<string | undefined>;
  /** Does what would start a service that was only stopped again by itself. */
  provoke?(): Promise<void>;
  /** Puts it in place again with another value of the variable SECRET, running. */
  changeSecret?(value: string): Promise<void>;
  /** Whether it can be reached over a network. */
  isReachable?(): Promise<boolean>;
  /** The same place, driven with an environment in which its program is missing. */
  readonly withoutProgram: Platform;
}

export interface PlatformTraits {
  /** What the platform has nothing of; everything else is tested. */
  readonly lacks?: readonly ('absence' | 'environment' | 'isolation')[];
  /** What it does with a state that ran, where the service is not there any more. Default: `fails`. */
  readonly absentBecomes?: 'fails' | 'running';
  /** How long after its start a test interrupts a stop and a start. */
  readonly interruptAfterMs?: readonly number[];
}

/** Everything of an error that could reach a person or a record. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const ours = error instanceof LifeboatError ? [error.hint, JSON.stringify(error.context)] : [];
  return [
    error.message,
    error.stack,
    ...ours,
    error.cause === undefined ? '' : wordsOf(error.cause),
  ].join('\n');
}

/** The suite that every member of the family passes. */
export function testPlatform(
  name: string,
  factory: (context: TestContext) => Promise<PlatformUnderTest>,
  traits: PlatformTraits = {},
): void {
  describe(`platform: ${name}`, () => {
    let made: PlatformUnderTest | undefined;
    let subject: PlatformUnderTest;
    let platform: Platform;
    let service: ServiceSetting;
    let atFirst: ServiceState;
    const errors: unknown[] = [];
    const lacks = traits.lacks ?? [];

    // One place for all: each test finds the service as it was at first, running.
    beforeEach(async (context) => {
      errors.length = 0;
      if (made === undefined) {
        made = await factory(context);
        ({ platform, service } = made);
        atFirst = await platform.inspect(service);
      }
      subject = made;
    });
    afterEach(async () => {
      if (made === undefined) return;
      if (subject.secret !== undefined) {
        for (const error of errors) expect(wordsOf(error)).not.toContain(subject.secret);
      }
      await platform.restore(service, atFirst);
    });
    afterAll(async () => {
      await made?.[Symbol.asyncDispose]();
    });

    /** The code that it rejects with; undefined when it does not. */
    async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
      try {
        await work;
        return undefined;
      } catch (error) {
        errors.push(error);
        return isLifeboatError(error) ? error.code : `not ours: ${error}`;
      }
    }
    /** As a record keeps it. */
    async function stateNow(): Promise<ServiceState> {
      return JSON.parse(JSON.stringify(await platform.inspect(service)));
    }

    it('says where it is, always the same, and is told from another place', async () => {
      const identity = await platform.identify();
      expect(identity.kind).toBe(platform.kind);
      expect(identity.text).not.toBe('');
      expect(await platform.identify()).toEqual(identity);
      await requirePlace(platform, identity);
      const other = { text: 'elsewhere', fingerprint: `${identity.fingerprint}0` };
      expect(await codeOf(requirePlace(platform, other))).toBe('platform.other-place');
      expect((errors.at(-1) as Error).message).toContain(identity.text);
    });

    it('stops what runs, and a second time changes nothing', async () => {
      expect((await platform.inspect(service)).status).toBe('running');
      await platform.stop(service);
      expect(await subject.incarnation()).toBeUndefined();
      const stopped = await stateNow();
      expect(stopped.status).toBe('stopped');
      await platform.stop(service);
      expect(await stateNow()).toEqual(stopped);
    });

    it('lets nothing start again by itself what it stopped', async () => {
      await platform.stop(service);
      await subject.provoke?.();
      expect(await subject.incarnation()).toBeUndefined();
      expect((await platform.inspect(service)).status).toBe('stopped');
    });

    it('makes it again what it was, and a second time leaves it alone', async () => {
      const before = await stateNow();
      await platform.stop(service);
      await platform.restore(service, before);
      const incarnation = await subject.incarnation();
      expect(incarnation).toBeDefined();
      expect((await stateNow()).restore).toEqual(before.restore);
      expect((await stateNow()).status).toBe('running');
      await platform.restore(service, before);
      expect(await subject.incarnation()).toBe(incarnation);
    });

    it('leaves stopped what was stopped before', async () => {
      await platform.stop(service);
      const before = await stateNow();
      await platform.stop(service);
      await platform.restore(service, before);
      expect(await subject.incarnation()).toBeUndefined();
      expect(await stateNow()).toEqual(before);
    });

    it('stops again what was stopped before and was started meanwhile', async () => {
      const running = await stateNow();
      await platform.stop(service);
      const before = await stateNow();
      await platform.restore(service, running);
      await platform.restore(service, before);
      expect(await subject.incarnation()).toBeUndefined();
      expect((await stateNow()).restore).toEqual(before.restore);
    });

    it.each(traits.interruptAfterMs ?? [0, 20, 60, 150])(
      'makes it what it was after a stop and a start that broke off after %i ms',
      async (afterMs) => {
        const before = await stateNow();
        // Either may be faster than that: then it is done.
        expect([undefined, 'cancelled']).toContain(
          await codeOf(platform.stop(service, { signal: AbortSignal.timeout(afterMs) })),
        );
        await platform.stop(service);
        expect(await subject.incarnation()).toBeUndefined();
        expect([undefined, 'cancelled']).toContain(
          await codeOf(platform.restore(service, before, { signal: AbortSignal.timeout(afterMs) })),
        );
        await platform.restore(service, before);
        expect(await subject.incarnation()).toBeDefined();
        expect((await stateNow()).restore).toEqual(before.restore);
      },
    );

    it('begins it anew when asked to', async () => {
      const [before, incarnation] = [await stateNow(), await subject.incarnation()];
      await platform.restart(service);
      expect(await subject.incarnation()).toBeDefined();
      expect(await subject.incarnation()).not.toBe(incarnation);
      expect((await stateNow()).restore).toEqual(before.restore);
    });

    if (!lacks.includes('absence'))
      it('knows a service that is not there', async () => {
        const absent = subject.absent as ServiceSetting;
        expect(await platform.inspect(absent)).toMatchObject({ status: 'absent' });
        await platform.stop(absent);
        expect(await codeOf(platform.baseline(absent, new Uint8Array(32)))).toBe('platform.failed');
        const ran = { ...(await stateNow()), status: 'running' as const };
        if (traits.absentBecomes === 'running') return;
        expect(await codeOf(platform.restore(absent, ran))).toBe('platform.failed');
      });

    it('says what it is instead when it does not stop in time', async () => {
      const slow = await subject.slow();
      expect(await codeOf(platform.stop(slow, { timeoutMs: 1_000 }))).toBe('platform.timeout');
      const error = errors.at(-1) as LifeboatError;
      const instead = (await platform.inspect(slow)).text;
      expect(error.message.length).toBeGreaterThan(20);
      expect(error.hint).toBeDefined();
      expect(instead).not.toBe('');
    });

    it('does nothing once it is cancelled', async () => {
      const [before, incarnation] = [await stateNow(), await subject.incarnation()];
      const signal = AbortSignal.abort();
      const calls = [
        platform.identify({ signal }),
        platform.inspect(service, { signal }),
        platform.stop(service, { signal }),
        platform.restart(service, { signal }),
        platform.restore(service, before, { signal }),
        platform.output(service, { lines: 1 }, { signal }),
      ];
      for (const call of calls) expect(await codeOf(call)).toBe('cancelled');
      expect(await subject.incarnation()).toBe(incarnation);
    });

    it('says that its program is missing', async () => {
      const without = subject.withoutProgram;
      expect(await codeOf(without.inspect(service))).toBe('platform.unavailable');
      expect((errors.at(-1) as LifeboatError).hint).toBeDefined();
      expect(await codeOf(without.stop(service))).toBe('platform.unavailable');
      expect(await subject.incarnation()).toBeDefined();
    });

    it('gives the newest lines it wrote, oldest first', async () => {
      const all = await platform.output(service, { lines: 100 });
      expect(all.filter((line) => line.includes('hello')).length).toBeGreaterThanOrEqual(3);
      const newest = await platform.output(service, { lines: 2 });
      expect(newest).toEqual(all.slice(-2));
      const later = await platform.output(service, {
        lines: 100,
        since: new Date(Date.now() + 60_000),
      });
      expect(later.length).toBeLessThanOrEqual(all.length);
    });

    it('has a baseline that is equal to itself, under the same salt', async () => {
      const salt = new Uint8Array(32).fill(7);
      const baseline = await platform.baseline(service, salt);
      expect(await platform.baseline(service, salt)).toEqual(baseline);
      expect(JSON.parse(JSON.stringify(baseline))).toEqual(baseline);
      if (subject.secret === undefined) return;
      expect(JSON.stringify(baseline)).not.toContain(subject.secret);
      const other = await platform.baseline(service, new Uint8Array(32).fill(8));
      expect(other.environment.SECRET).not.toBe(baseline.environment.SECRET);
    });

    if (!lacks.includes('environment'))
      it('tells by its baseline that a variable has another value, without holding it', async () => {
        const salt = new Uint8Array(32).fill(7);
        const before = await platform.baseline(service, salt);
        await subject.changeSecret?.('changed-value-9c1e');
        const after = await platform.baseline(service, salt);
        expect(after.environment.SECRET).toMatch(/^[0-9a-f]{64}$/);
        expect(after.environment.SECRET).not.toBe(before.environment.SECRET);
        expect(JSON.stringify(after)).not.toContain('changed-value-9c1e');
        const { SECRET: _, ...others } = after.environment;
        expect(before.environment).toMatchObject(others);
      });

    if (!lacks.includes('environment'))
      it('keeps secrets out of its states', async () => {
        expect(subject.secret).toBeDefined();
        expect(JSON.stringify(await stateNow())).not.toContain(subject.secret as string);
      });

    it('says what the service uses, or that it cannot tell', async () => {
      const used = await platform.resources(service);
      if (used === undefined) return;
      if (used.memoryBytes !== undefined) expect(used.memoryBytes).toBeGreaterThan(0);
      if (used.processors !== undefined) expect(used.processors).toBeGreaterThanOrEqual(0);
    });

    if (!lacks.includes('isolation'))
      it('cuts it off from every network and back on, as often as asked', async () => {
        const isolation = platform.isolation as ServiceIsolation;
        const incarnation = await subject.incarnation();
        if (subject.isReachable) expect(await subject.isReachable()).toBe(true);
        const undo = JSON.parse(JSON.stringify(await isolation.prepare(service)));
        await isolation.isolate(service);
        await isolation.isolate(service);
        if (subject.isReachable) expect(await subject.isReachable()).toBe(false);
        expect(await subject.incarnation()).toBe(incarnation);
        await isolation.rejoin(service, undo);
        await isolation.rejoin(service, undo);
        if (subject.isReachable) expect(await subject.isReachable()).toBe(true);
        expect(await isolation.prepare(service)).toEqual(undo);
      });
  });
}
