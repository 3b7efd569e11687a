import { defineConfig } from 'vitest/config';

/** The long suites: hundreds of kills, hundreds of thousands of inputs. Run by `npm run soak`, not by CI. */
export default defineConfig({
  test: {
    include: [
      'test/crash/**/*.test.ts',
      'test/soak/**/*.test.ts',
      'test/compat/restore-files.test.ts',
      'test/integration/{archive-command,demo,bad-input-slot,drift,drift-back}.test.ts',
      'test/integration/{platform-docker,platform-systemd,platform-kubernetes}.test.ts',
      'test/integration/{kubernetes-claim,kubernetes-services}.test.ts',
      'src/recovery/ground/docker-volume/docker-volume.test.ts',
      'test/integration/{ransomware-s3,scheduled-proof}.test.ts',
      'test/compat/{held-lock,prune,s3,snapshot-commands}.test.ts',
      'test/integration/{damaged-repository,restore-by-command}.test.ts',
      'test/integration/{dumps,recover-kubernetes,wal-stream-failover}.test.ts',
      'test/integration/{made-anew,several-repositories,base-backup-refusals}.test.ts',
      'test/integration/{rescue-failures,wal-stream-failures,unchanged-chunks,restore-validated}.test.ts',
      'test/integration/{recover-other-sources,recover-second-accident,recover-taken-back}.test.ts',
      'test/integration/{missing-packs,retention-window,files-interruption,restore-failures}.test.ts',
      'test/integration/{bad-input-repository,bad-input-server,files-large}.test.ts',
      'test/integration/{accidents,adversary-files,base-backup-failures}.test.ts',
      'test/faults/{disk-full,every-step,files-disk-full,copy-faults,prune-faults,repair-faults,snapshot-faults}.test.ts',
      'src/repository/format/decoders.test.ts',
      'src/repository/data-plane/zstd-context.test.ts',
      'src/wal/wal-reader.test.ts',
      'src/sources/postgres/protocol/message-framer.test.ts',
      'src/sources/postgres/base-backup/{manifest,tar-reader}.test.ts',
    ],
    // No test writes to the cache of whoever runs it.
    env: { LIFEBOAT_CACHE_FOLDER: 'off' },
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/support/summary-reporter.ts'],
  },
});
