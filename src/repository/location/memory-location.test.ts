import { testLocation } from './location-contract.ts';
import { MemoryLocation } from './memory-location.ts';

for (const appendOnly of [false, true]) {
  testLocation(
    `memory${appendOnly ? ', append-only' : ''}`,
    async () => ({
      location: new MemoryLocation({ appendOnly }),
      appendOnly,
      async [Symbol.asyncDispose]() {},
    }),
    { pages: true },
  );
}
