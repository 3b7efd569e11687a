import { defineConfig } from 'vitest/config';

/** The long suites: hundreds of kills, millions of inputs. Run by `npm run soak`, not by CI. */
export default defineConfig({
  test: {
    include: ['test/crash/**/*.test.ts', 'test/soak/**/*.test.ts', 'src/**/*.fuzz.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/support/summary-reporter.ts'],
  },
});
