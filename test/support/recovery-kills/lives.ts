import type { ChildProcess } from 'node:child_process';

export type Line = Readonly<Record<string, unknown>>;

export interface Life {
  readonly lines: readonly Line[];
  /** Null: it was killed. */
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** When a process is killed: asked at each line that it prints; a number is after how many ms. */
export type KillWhen = (line: Line) => number | undefined;

/** Follows the child to its end, or kills it. `beginMs`: killed so soon after its start at the latest. */
export async function livesUntil(
  child: ChildProcess,
  when: KillWhen,
  beginMs?: number,
): Promise<Life> {
  const lines: Line[] = [];
  const timers: NodeJS.Timeout[] = [];
  const kill = () => child.kill('SIGKILL');
  if (beginMs !== undefined) timers.push(setTimeout(kill, beginMs));
  let [rest, stderr] = ['', ''];
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() as string;
    for (const part of parts) {
      const line = JSON.parse(part) as Line;
      lines.push(line);
      const afterMs = when(line);
      if (afterMs === 0) kill();
      else if (afterMs !== undefined) timers.push(setTimeout(kill, afterMs));
    }
  });
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  for (const timer of timers) clearTimeout(timer);
  return { lines, exitCode, stderr };
}

/** What a line tells of the way of a run; undefined: nothing. */
export function boundaryOf({ type, step }: Line): string | undefined {
  const name = String(type);
  if (!name.startsWith('run-')) return undefined;
  return step === undefined ? name : `${name} ${step}`;
}
