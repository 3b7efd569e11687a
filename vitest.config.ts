import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // CI has half an hour: these run in the soak, and the demo by itself.
    exclude: [
      '**/node_modules/**',
      'test/soak/**',
      ...(process.env.CI === 'true'
        ? [
            'test/crash/postgres-soak.test.ts',
            'test/faults/{copy,prune,repair,snapshot}-faults.test.ts',
            'test/faults/{every-step,disk-full,files-disk-full}.test.ts',
            'test/crash/{kill-extract,kill-freeze,kill-rescue,kill-restore,kill-restore-in-place}.test.ts',
            'test/crash/{files-kill,incident-kill,prune-kill,recovery-kills,run-kill,streaming}.test.ts',
            'test/crash/{kill-restore-files,repository-kill}.test.ts',
            'test/integration/{damaged-repository,restore-by-command}.test.ts',
            'test/compat/{held-lock,prune,snapshot-commands}.test.ts',
            'test/integration/{bad-input-repository,bad-input-server,files-large}.test.ts',
            'test/integration/{accidents,adversary-files,archive-command}.test.ts',
            'test/integration/{base-backup-failures,ransomware-s3,scheduled-proof}.test.ts',
            'test/integration/{dumps,recover-kubernetes,wal-stream-failover}.test.ts',
            'test/integration/{made-anew,several-repositories,base-backup-refusals}.test.ts',
            'test/integration/{rescue-failures,wal-stream-failures,unchanged-chunks,restore-validated}.test.ts',
            'test/integration/{recover-other-sources,recover-second-accident,recover-taken-back}.test.ts',
            'test/integration/{missing-packs,retention-window,files-interruption,restore-failures}.test.ts',
            'test/integration/{platform-docker,platform-systemd,platform-kubernetes}.test.ts',
            'test/integration/{kubernetes-claim,kubernetes-services,bad-input-slot,drift,drift-back}.test.ts',
            'src/recovery/ground/docker-volume/docker-volume.test.ts',
            'test/integration/demo.test.ts',
          ]
        : []),
    ],
    // No test writes to the cache of whoever runs it.
    env: { LIFEBOAT_CACHE_FOLDER: 'off' },
    pool: 'forks',
    // Most suites wait for servers more than they work: CI has half an hour, and a second attempt.
    maxWorkers: process.env.CI === 'true' ? 3 : 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // With several suites at once on two cores, four tests with real servers waited until their time was over; alone none did. Of those
    // that replay a log the cause was found (wal-feed.test.ts). The summary names each test that needed a second attempt.
    retry: process.env.CI === 'true' ? 1 : 0,
    reporters: ['default', './test/support/summary-reporter.ts'],
  },
});
