#!/usr/bin/env node
// The only place that leaves the process.
import { LifeboatError } from '../core/index.ts';
import { runCommandLine } from './run.ts';

const cancelledExitCode = 130;
const controller = new AbortController();

// The first signal asks everything to stop and clean up; the second does not wait for it.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (controller.signal.aborted) process.exit(cancelledExitCode);
    controller.abort(
      new LifeboatError('cancelled', `cancelled by ${name}`, { context: { signal: name } }),
    );
  });
}

// A reader that goes away (`lifeboat points | head`) ends the work without a complaint.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    const context = { readerGone: true };
    controller.abort(
      new LifeboatError('cancelled', 'nobody reads the output any more', { context }),
    );
  });
}

const exitCode = await runCommandLine(process.argv.slice(2), {
  environment: process.env,
  folder: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
});
process.exit(exitCode);
