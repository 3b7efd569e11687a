import { globSync, readFileSync } from 'node:fs';
import { defineConfig, mergeConfig } from 'vitest/config';
import usual from './vitest.config.ts';

/** The suites that run on a PostgreSQL of their choice, each on every server there is. Run by `npm run matrix`, not by CI. */
const suites = globSync('{src,test}/**/*.test.ts').filter((file) =>
  readFileSync(file, 'utf8').includes('serversUnderTest('),
);

const matrix = mergeConfig(usual, { test: { testTimeout: 600_000, hookTimeout: 600_000 } });
export default defineConfig({ ...matrix, test: { ...matrix.test, include: suites } });
