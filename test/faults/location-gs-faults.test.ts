import { expect, it } from 'vitest';
import { openGcs } from '../../src/repository/location/gcs/gcs-location.ts';
import { startGcsServer } from '../support/fake-gcs-server.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { testHttpFaults } from './location-http-faults.ts';

const program = findProgram('fake-gcs-server');

it('has a fake-gcs-server to test against', (context) => {
  expect(need(context, program, 'no fake-gcs-server on PATH')).toBeTruthy();
});

if (program !== undefined) {
  testHttpFaults(
    'gs',
    async () => {
      const server = await startGcsServer(program);
      return {
        url: server.url,
        open: (url) => {
          const environment = { ...server.environment, STORAGE_EMULATOR_HOST: url };
          return openGcs(`gs:${server.bucket}:/faults`, environment);
        },
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
    { verifiesReads: true },
  );
}
