import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../../core/index.ts';
import { outcomeOfError } from './error-outcome.ts';

const answer = (sqlstate: string, message = 'no') =>
  new LifeboatError('postgres.query', `address: ${message}`, {
    context: { sqlstate },
    cause: new Error(message),
  });
const [copy, live] = [{ kind: 'copy' }, { kind: 'live' }] as const;

describe('an error while data is looked at', () => {
  it.each([
    ['XX001', 'invalid page in block 1 of relation base/1/2'],
    ['XX002', 'heap tuple lacks matching index tuple'],
    ['22P02', 'invalid input syntax'],
    ['58P01', 'could not open file "base/1/2": No such file or directory'],
  ])('%s is a problem of the data', (state, message) => {
    for (const place of [copy, live]) {
      expect(outcomeOfError(answer(state, message), place)).toEqual({ problems: [message] });
    }
  });

  it.each(['57014', '55P03', '42501', '53100', '53200'])('%s says nothing about it', (state) => {
    const outcome = { problems: [], notChecked: 'no' };
    for (const place of [copy, live]) expect(outcomeOfError(answer(state), place)).toEqual(outcome);
  });

  it('that others cause says nothing about a live server, but on a copy there are none', () => {
    for (const state of ['57P01', '40001', '40P01', '42P01']) {
      expect(outcomeOfError(answer(state), live).problems).toEqual([]);
      expect(outcomeOfError(answer(state), copy).problems).toEqual(['no']);
    }
    const gone = answer('XX000', 'could not open relation with OID 16384');
    expect(outcomeOfError(gone, live).problems).toEqual([]);
    expect(outcomeOfError(gone, copy).problems).toHaveLength(1);
  });

  it('that ends a copy is a problem, and ends the look at a live server', () => {
    const lost = new LifeboatError('postgres.connection-lost', 'it broke');
    expect(outcomeOfError(lost, copy)).toEqual({ problems: ['it broke'] });
    expect(() => outcomeOfError(lost, live)).toThrow('it broke');
  });

  it('that is a cancellation or a mistake of ours is thrown on', () => {
    for (const error of [new LifeboatError('cancelled', 'c'), new TypeError('t')]) {
      expect(() => outcomeOfError(error, copy)).toThrow(error);
    }
  });
});
