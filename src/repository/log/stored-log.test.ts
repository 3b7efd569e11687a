import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { LocalLocation } from '../location/local-location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { testLog } from './log-contract.ts';

for (const appendOnly of [false, true]) {
  testLog(`memory${appendOnly ? ', append-only' : ''}`, async () => ({
    location: new MemoryLocation({ appendOnly }),
    appendOnly,
    async [Symbol.asyncDispose]() {},
  }));
}

testLog('local', async () => {
  const folder = temporaryFolder('log');
  return {
    location: new LocalLocation(join(folder, 'repository')),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
