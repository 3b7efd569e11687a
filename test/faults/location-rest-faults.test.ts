import { expect, it } from 'vitest';
import { parseRestLocation } from '../../src/repository/location/rest-location.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { need } from '../support/skip.ts';
import { testHttpFaults } from './location-http-faults.ts';

const program = findProgram('rest-server');

it('has a rest-server to test against', (context) => {
  expect(need(context, program, 'no rest-server on PATH')).toBeTruthy();
});

if (program !== undefined) {
  for (const appendOnly of [false, true]) {
    testHttpFaults(
      `rest${appendOnly ? ', append-only' : ''}`,
      async () => {
        const server = await startRestServer(program, { appendOnly });
        return {
          url: server.url,
          open: (url) => parseRestLocation(`rest:${url}/repository/`, {}),
          [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
        };
      },
      { verifiesReads: false },
    );
  }
}
