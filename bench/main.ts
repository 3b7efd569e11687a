// Side by side with the peers, in one run: npm run bench [-- postgres|postgres-restore|files|wal|archive ...] [--runs 5] [--size-gb 2] [--documents-gb 0.4] [--files 110000] [--cold] [--seconds 30]
import { parseArgs } from 'node:util';
import { benchArchive } from './archive.ts';
import { benchFiles } from './files.ts';
import { benchPostgres } from './postgres.ts';
import { benchPostgresRestore } from './postgres-restore.ts';
import { describeMachine } from './report.ts';
import { benchWal } from './wal.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    'size-gb': { type: 'string', default: '2' },
    'documents-gb': { type: 'string', default: '0.4' },
    files: { type: 'string', default: '110000' },
    'large-gb': { type: 'string', default: '3' },
    cold: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '30' },
  },
});
const runs = Number(values.runs);
const wanted = new Set(
  positionals.length === 0
    ? ['files', 'postgres', 'postgres-restore', 'wal', 'archive']
    : positionals,
);

process.stdout.write(`${describeMachine()}\n\n`);
if (wanted.has('files')) {
  await benchFiles({
    runs,
    files: Number(values.files),
    largeBytes: Number(values['large-gb']) * 1e9,
    cold: values.cold,
    print: (text) => process.stdout.write(`${text}\n\n`),
  });
}
if (wanted.has('postgres')) {
  const bytes = Number(values['size-gb']) * 1e9;
  const documentBytes = Number(values['documents-gb']) * 1e9;
  process.stdout.write(`${await benchPostgres({ runs, bytes, documentBytes })}\n`);
}
if (wanted.has('wal')) {
  process.stdout.write(`${await benchWal({ runs, seconds: Number(values.seconds) })}\n`);
}
if (wanted.has('archive')) {
  process.stdout.write(`${await benchArchive({ runs, seconds: Number(values.seconds) })}\n`);
}
if (wanted.has('postgres-restore')) {
  process.stdout.write(
    `${await benchPostgresRestore({ runs, bytes: Number(values['size-gb']) * 1e9 })}\n`,
  );
}
