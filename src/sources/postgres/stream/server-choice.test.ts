import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../../../core/index.ts';
import { describeConnection } from '../connection-settings.ts';
import { parseConnectionUrl } from '../connection-url.ts';
import { decisiveOf, refuserOf, ServerChoice } from './server-choice.ts';

const settings = parseConnectionUrl('postgres://boat@one,two,three:5433/shop?sslmode=disable');
const old = new LifeboatError('postgres.old-primary', 'it was replaced');
const server = (host: string, port = 5432) => ({ ...settings, host, port });

it('passes a server over until all were asked', () => {
  const choice = new ServerChoice(settings);
  expect(describeConnection(choice.settings)).toBe(describeConnection(settings));
  expect(choice.passOver(server('one'), old)).toBe(true);
  expect(describeConnection(choice.settings)).toBe('boat@two:5432,three:5433/shop');
  expect(choice.passOver(server('three', 5433), old)).toBe(true);
  expect(choice.settings).toMatchObject({ host: 'two', sslmode: 'disable' });
  expect(choice.settings).not.toHaveProperty('otherHosts');
  expect(choice.passOver(server('two'), old)).toBe(false);
  expect(choice.reset()).toEqual([old, old, old]);
  expect(describeConnection(choice.settings)).toBe(describeConnection(settings));
});

it('takes other faults as they are', () => {
  const choice = new ServerChoice(settings);
  const refused = new LifeboatError('postgres.refused', 'no such role');
  expect(choice.passOver(server('one'), refused)).toBe(false);
  expect(choice.passOver(undefined, old)).toBe(false);
  expect(choice.reset()).toEqual([]);
  const alone = new ServerChoice(parseConnectionUrl('postgres://boat@one/shop'));
  expect(alone.passOver(server('one'), old)).toBe(false);
});

describe('of what all servers said', () => {
  const lostBy = (server: string, isStandby: boolean) =>
    new LifeboatError('postgres.slot-lost', 'gone', { context: { server, isStandby } });
  const lost = lostBy('two:5432', true);
  const unreachable = new LifeboatError('postgres.unreachable', 'no route', { retryable: true });

  it('a lost slot of a standby is not decisive while another server may have the WAL', () => {
    expect(decisiveOf([lost, unreachable])).toBe(unreachable);
    const busy = new LifeboatError('postgres.slot-busy', 'in use');
    const behind = new LifeboatError('postgres.standby-behind', 'behind', { retryable: true });
    for (const other of [busy, behind]) expect(decisiveOf([other, lost])).toBe(other);
  });

  it('it is when the primary said it, or all others are out of the question', () => {
    const ofPrimary = lostBy('two:5432', false);
    expect(decisiveOf([ofPrimary, unreachable])).toBe(ofPrimary);
    expect(decisiveOf([lost])).toBe(lost);
    expect(decisiveOf([lost, old])).toBe(lost);
    const primary = new LifeboatError('postgres.unreachable', 'is a primary, not standby', {
      context: { isMisfit: true },
    });
    expect(decisiveOf([lost, primary])).toBe(lost);
  });

  it('otherwise the last is', () => {
    expect(decisiveOf([old, unreachable])).toBe(unreachable);
  });

  it('the slot is renewed where it is lost', () => {
    expect(refuserOf(settings, lost)).toMatchObject({ host: 'two', port: 5432 });
    expect(refuserOf(settings, lost)).not.toHaveProperty('otherHosts');
  });
});
