import { Writable } from 'node:stream';
import { runCommandLine } from '../../src/cli/run.ts';

export interface InProcessResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of standard output as JSON; throws when one is not. */
  readonly records: readonly Record<string, unknown>[];
}

/** As `lifeboat` of command-line.ts, without starting a program: many commands in little time. */
export async function lifeboatInProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  folder = '/',
): Promise<InProcessResult> {
  const [stdout, stderr] = [sink(), sink()];
  const exitCode = await runCommandLine(args, {
    environment,
    folder,
    stdin: { isTTY: false } as NodeJS.ReadStream,
    stdout: stdout.stream,
    stderr: stderr.stream,
    signal: new AbortController().signal,
  });
  return {
    exitCode,
    stdout: stdout.text(),
    stderr: stderr.text(),
    get records() {
      const lines = stdout.text().split('\n');
      return lines.filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

function sink() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
