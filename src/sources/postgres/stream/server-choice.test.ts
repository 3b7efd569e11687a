import { expect, it } from 'vitest';
import { LifeboatError } from '../../../core/index.ts';
import { describeConnection } from '../connection-settings.ts';
import { parseConnectionUrl } from '../connection-url.ts';
import { ServerChoice } from './server-choice.ts';

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
