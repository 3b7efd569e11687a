import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IncidentHosts, incidentHosts } from '../../test/support/incident-hosts.ts';
import { isLifeboatError, Secret } from '../core/index.ts';
import { type WriterIdentity, writerIn } from '../repository/index.ts';
import { entryContent } from './entry-content.ts';
import { decodeEntry, entryBytesMax, signEntry } from './entry-format.ts';
import { incidentState } from './incident-state.ts';

describe('an entry', () => {
  let hosts: IncidentHosts;
  let writer: WriterIdentity;
  const who = { actor: 'anna', host: 'web-1' };
  const place = {
    incident: '20261126-7f3a2c',
    sequence: 1,
    previous: '',
    heads: [],
    time: new Date('2026-11-26T14:29:00.123Z'),
  };

  beforeAll(async () => {
    hosts = incidentHosts();
    writer = await writerIn(hosts.stateFolder('web-1'));
  });
  afterAll(() => hosts[Symbol.dispose]());

  it('is read as it was told, whatever text is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (text, value) => {
        const told = entryContent({ event: 'x.y', text, data: { value } }, who);
        const { entry, text: signed } = signEntry({ ...told, ...place }, writer);
        expect(decodeEntry(signed).entry).toEqual(entry);
        expect(entry.data).toEqual(told.data);
      }),
      { numRuns: 200 },
    );
  });

  it('is never larger than what is read', () => {
    const text = '\u0000'.repeat(100_000);
    const data = { lines: ['\u{1f6df}'.repeat(50_000)] };
    const heads = Array.from({ length: 64 }, () => 'a'.repeat(64));
    const told = entryContent(
      { event: text, text, source: text, data },
      { actor: text, host: text },
    );
    const signed = signEntry({ ...told, ...place, heads }, writer);
    expect(Buffer.byteLength(signed.text)).toBeLessThan(entryBytesMax);
    expect(signed.entry.data).toMatchObject({ leftOut: 'too large for an entry' });
    expect([...signed.entry.text]).toHaveLength(2000);
  });

  it('holds no secret that was read', () => {
    new Secret('hunter2-hunter2');
    const told = entryContent(
      {
        event: 'x.y',
        text: 'psql postgres://anna:pw@db said hunter2-hunter2',
        data: { deep: [{ 'hunter2-hunter2': 'hunter2-hunter2' }] },
      },
      who,
    );
    const { text } = signEntry({ ...told, ...place }, writer);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(':pw@');
  });

  it('is refused, never believed or a crash, when a byte of it is another', () => {
    const told = entryContent(
      { event: 'x.y', text: 'stopped the service api', data: { a: 1 } },
      who,
    );
    const { text } = signEntry({ ...told, ...place }, writer);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 127 }), (at, other) => {
        const code = text.charCodeAt(at) ^ other;
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        expect(refusal(changed)).toBe('record.invalid');
      }),
      { numRuns: 500 },
    );
  });

  it('is refused when anything but an entry stands there, also well signed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(refusal(text)).toBe('record.invalid');
        expect(refusal(`${text}\n${'0'.repeat(128)}\n`)).toBe('record.invalid');
      }),
      { numRuns: 200 },
    );
    const told = entryContent({ event: 'x.y', text: 'x' }, who);
    const fields = { ...told, ...place };
    for (const wrong of [
      { incident: '../../etc' },
      { sequence: 0 },
      { sequence: 1.5 },
      { previous: 'x' },
      { heads: 'x' },
      { heads: ['x'] },
      { heads: Array.from({ length: 65 }, () => 'a'.repeat(64)) },
      { time: new Date(Number.NaN) },
      { durationMs: -1 },
      { durationMs: 'x' },
      { source: 7 },
      { data: [] },
      { event: 7 },
      { text: undefined },
    ]) {
      const attempt = () => signEntry({ ...fields, ...wrong } as never, writer);
      expect(attempt, JSON.stringify(wrong)).toThrow();
    }
  });

  it('changes the state of an incident only where its data makes sense', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (data, value) => {
        const opening = {
          event: 'incident.opened',
          text: 'gone',
          data: { ...data, title: 'gone' },
        };
        const hostile = {
          severity: value,
          status: value,
          sources: value,
          checklist: value,
          lead: value,
          nextUpdateDue: value,
          isNews: true,
          __proto__: value,
        };
        const entries = [
          signEntry({ ...entryContent(opening, who), ...place }, writer).entry,
          signEntry(
            {
              ...entryContent({ event: 'incident.updated', text: 'x', data: hostile }, who),
              ...place,
              sequence: 2,
            },
            writer,
          ).entry,
        ];
        const state = incidentState(entries);
        expect(state?.title).toBe('gone');
        expect(['P0', 'P1', 'P2', 'P3']).toContain(state?.severity);
        expect(state?.checklist).toHaveLength(27);
        expect(Array.isArray(state?.sources)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

function refusal(text: string): string {
  try {
    decodeEntry(text);
    return 'taken';
  } catch (error) {
    return isLifeboatError(error) ? error.code : String(error);
  }
}
