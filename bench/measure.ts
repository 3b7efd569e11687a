import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Run {
  readonly seconds: number;
  /** Of the largest moment of the process itself, not of its children. */
  readonly peakBytes: number;
}

export interface Competitor {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Before every run, not timed. */
  readonly prepare?: () => void | Promise<void>;
}

/** Runs a command to its end. A non-zero exit code ends the benchmark: a failed run is no figure. */
export async function timed(competitor: Competitor): Promise<Run> {
  await competitor.prepare?.();
  const begin = performance.now();
  const child = spawn(competitor.command, competitor.args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...competitor.env },
  });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors = (errors + data.toString()).slice(-4000);
  });
  let peakBytes = 0;
  const sampler = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakMemoryOf(child.pid ?? 0));
  }, 50);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(sampler);
  if (code !== 0) throw new Error(`${competitor.name} ended with ${code}:\n${errors}`);
  return { seconds: (performance.now() - begin) / 1000, peakBytes };
}

/** VmHWM only grows, so the last sample before the end is the peak up to then. */
function peakMemoryOf(pid: number): number {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}

export interface Comparison {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly median: Run; readonly ratio: number }[];
}

export interface RaceResult {
  readonly name: string;
  readonly runs: readonly Run[];
}

/** Times the competitors in turn (A B C A B C ...), so that a machine whose speed drifts is fair to all. */
export async function race(
  title: string,
  competitors: readonly Competitor[],
  runs: number,
): Promise<readonly RaceResult[]> {
  const results = competitors.map(({ name }) => ({ name, runs: [] as Run[] }));
  for (let run = 0; run < runs; run++) {
    for (const [index, competitor] of competitors.entries()) {
      const result = await timed(competitor);
      results[index]?.runs.push(result);
      process.stderr.write(`  ${title}, ${competitor.name}: ${result.seconds.toFixed(2)} s\n`);
    }
  }
  return results;
}

/**
 * Times the competitors in turn (A B A B ...), so that a machine whose speed drifts is fair to both. The ratio is
 * the median of (first competitor / this one), run by run: above 1 means this one is faster than the first.
 */
export async function compare(
  title: string,
  competitors: readonly Competitor[],
  runs: number,
): Promise<Comparison> {
  const results = await race(title, competitors, runs);
  const all = results.map((each) => each.runs);
  const first = all[0] as Run[];
  const rows = competitors.map((competitor, index) => {
    const own = all[index] as Run[];
    return {
      name: competitor.name,
      median: {
        seconds: median(own.map((run) => run.seconds)),
        peakBytes: median(own.map((run) => run.peakBytes)),
      },
      ratio: median(own.map((run, at) => (first[at] as Run).seconds / run.seconds)),
    };
  });
  return { title, rows };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
