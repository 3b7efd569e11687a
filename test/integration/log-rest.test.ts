import { expect, it } from 'vitest';
import { parseRestLocation } from '../../src/repository/location/rest-location.ts';
import { testLog } from '../../src/repository/log/log-contract.ts';
import { testRecords } from '../../src/repository/record/record-contract.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { need } from '../support/skip.ts';

const program = findProgram('rest-server');

it('has a rest-server to test against', (context) => {
  expect(need(context, program, 'no rest-server on PATH')).toBeDefined();
});

if (program !== undefined) {
  const factory = async () => {
    const server = await startRestServer(program, { appendOnly: true });
    return {
      location: parseRestLocation(`rest:${server.url}/repository/`, {}),
      appendOnly: true,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  };
  testLog('rest-server --append-only', factory);
  testRecords('rest-server --append-only', factory);
}
