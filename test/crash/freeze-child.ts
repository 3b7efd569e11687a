import { readFileSync } from 'node:fs';
import { recoverySurroundings } from '../../src/cli/recovery-surroundings.ts';
import { loadConfiguration } from '../../src/config/index.ts';
import { createPlatforms } from '../../src/platforms/index.ts';
import { freezeStore } from '../../src/recovery/freeze/freeze-store.ts';
import { freeze, thaw } from '../../src/recovery/index.ts';

// A freeze, or a thaw, in a process of its own that kills itself at a boundary: before or after it writes its record for the n-th time.
// Ends with 0 when there are not so many.
const work = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as {
  readonly config: string;
  readonly command: 'freeze' | 'thaw';
  readonly sources: readonly string[];
  readonly at: number;
  readonly when: 'before' | 'after';
};
const configuration = loadConfiguration(work.config, process.env);
const real = freezeStore(configuration.stateFolder);
let saves = 0;
const die = (when: string) => {
  if (saves === work.at && work.when === when) process.kill(process.pid, 'SIGKILL');
};
await using surroundings = recoverySurroundings(
  {
    output: { warn() {}, progress() {} } as never,
    signal: new AbortController().signal,
    environment: process.env,
    folder: '/',
    configFile: work.config,
    ask: undefined,
  },
  configuration,
);
const world = {
  surroundings,
  platforms: createPlatforms({ environment: process.env }),
  tell: async () => {},
  store: {
    open: () => real.open(),
    isHistory: (id: string) => real.isHistory(id),
    async save(record: Parameters<typeof real.save>[0]) {
      saves++;
      die('before');
      await real.save(record);
      die('after');
    },
    retire: (id: string) => real.retire(id),
  },
};
if (work.command === 'thaw') await thaw(world);
else
  await freeze({
    ...world,
    sources: work.sources,
    looks: { quietMs: 0, intervalMs: 50, patienceMs: 2_000 },
  });
