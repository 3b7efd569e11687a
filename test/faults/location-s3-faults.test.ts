import { describe, expect, it } from 'vitest';
import { openS3 } from '../../src/repository/location/s3/open-s3.ts';
import { s3Programs } from '../support/s3-server.ts';
import { need } from '../support/skip.ts';
import { testHttpFaults } from './location-http-faults.ts';

for (const program of s3Programs) {
  const { path } = program;
  describe(program.name, () => {
    it('is there to test against', (context) => {
      expect(need(context, path, `no ${program.name} on PATH`)).toBeTruthy();
    });
  });
  if (path === undefined) continue;
  for (const lock of [undefined, { durationMs: 3_600_000, mode: 'compliance' as const }]) {
    testHttpFaults(
      `s3 (${program.name}${lock ? ', retained' : ''})`,
      async () => {
        const server = await program.start(path);
        await server.createBucket('faults', { objectLock: true });
        const { environment } = server;
        return {
          url: server.url,
          open: (url) => openS3(`s3:${url}/faults/repository`, { environment, lock }),
          [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
        };
      },
      { verifiesReads: true },
    );
  }
}
