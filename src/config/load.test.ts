import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLifeboatError } from '../core/index.ts';
import { parseConfiguration } from './load.ts';

const environment = { HOME: '/home/ada' };
const file = '/etc/lifeboat/lifeboat.yaml';
const good = `
name: shop
repositories:
  main: { location: backups, password: { file: ~/password } }
sources:
  database:
    kind: postgres
    connection: postgres://lifeboat@db:5432/shop
`;

function problem(text: string): string {
  try {
    parseConfiguration(text, file, environment);
  } catch (error) {
    if (isLifeboatError(error, 'config.invalid')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a configuration', () => {
  it('gets absolute paths and defaults', () => {
    const configuration = parseConfiguration(`${good}spool: { limit: 2 GiB }\n`, file, environment);
    expect(configuration.repositories.main).toEqual({
      location: '/etc/lifeboat/backups',
      password: { file: '/home/ada/password' },
    });
    expect(configuration.sources.database?.repository).toBe('main');
    expect(configuration.spoolLimitBytes).toBe(2 * 2 ** 30);
  });

  it.each([
    ['kind: postgres', 'kind: oracle', 'sources.database.kind: expected "postgres", got "oracle"'],
    [
      '    connection: postgres://lifeboat@db:5432/shop\n',
      '',
      'sources.database.connection: expected string, got nothing',
    ],
    ['name: shop', 'name: shop\ncolour: red', 'the file: there is no option "colour"'],
    [
      'kind: postgres',
      'kind: postgres\n    slott: x',
      'sources.database: there is no option "slott"',
    ],
    [
      '{ file: ~/password }',
      'hunter2',
      'repositories.main.password: expected exactly one of { file: PATH }, { env: NAME }, { command: [PROGRAM, ...] }, { prompt: true }, got something else',
    ],
    [
      'kind: postgres',
      'kind: postgres\n    repository: moon',
      'sources.database.repository: expected one of main, got "moon"',
    ],
    [
      'name: shop',
      'name: shop\nspool: { limit: much }',
      'spool.limit: expected a size such as "20 GiB", got "much"',
    ],
    ['name: shop', 'name: [', 'line 3, column 1:'],
    [
      '  database:',
      '  Data Base:',
      'sources.Data Base: expected a name of small letters, digits, - and _',
    ],
  ])('with %j made %j says what is wrong', (part, changed, expected) => {
    expect(good).toContain(part);
    expect(problem(good.replace(part, changed))).toContain(`${file}: ${expected}`);
  });

  it('never shows a password that stands in the wrong place', () => {
    expect(problem(good.replace('{ file: ~/password }', 'hunter2'))).not.toContain('hunter2');
    expect(problem(good.replace('postgres://lifeboat@', 'pgsql://x:hunter2@'))).not.toContain(
      'hunter2',
    );
  });

  it('fails cleanly whatever the file holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof problem(text)).toBe('string');
      }),
      { numRuns: 300 },
    );
  });

  it('is refused when it expands without end', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((each, at) => `${each}: &${each} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(',')}]`).join('\n')}\n`;
    expect(problem(bomb)).toContain('alias count');
    expect(problem('name: *nothing')).toContain('nothing');
  });
});
