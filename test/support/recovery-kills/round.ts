import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { spawnOn } from '../other-host.ts';
import { type KillWhen, type Life, type Line, livesUntil } from './lives.ts';
import type { KillScene } from './scene.ts';

/** When the lives of one run end; each life asks anew. */
export interface Killer {
  /** `life` counts from 0. */
  next(life: number): { readonly when: KillWhen; readonly beginMs?: number };
}

export interface RoundOptions {
  readonly scene: KillScene;
  readonly killer: Killer;
  /** After so many kills the run is given up instead. */
  readonly abortAfter?: number;
  /** After a kill: the host is lost with its state, and another one goes on. */
  readonly losesHost?: (kills: number) => boolean;
}

export interface Round {
  readonly kills: number;
  readonly hostsLost: number;
  readonly lines: readonly Line[];
  readonly run: string;
  readonly phase: 'done' | 'aborted';
}

/** What has to be typed, or allowed by its id. */
const typed = [
  'database',
  'shop',
  'freeze',
  'stop-database',
  'start-database',
  'after-1',
  'after-2',
];
const livesMax = 150;

/** From the plan to the end of its run, through as many lives as it takes. Errors: a life that ends in another way than it should. */
export async function playRound(options: RoundOptions): Promise<Round> {
  const { scene, killer, abortAfter = Number.POSITIVE_INFINITY, losesHost = () => false } = options;
  const { place, plan } = scene;
  const lines: Line[] = [];
  let [kills, hostsLost] = [0, 0];
  let run: string | undefined;
  let isAborted = false;
  // Whose name a person has to say: the host that the run was driven from last.
  let driver = scene.hostAfter(0);
  for (let life = 0; life < livesMax; life++) {
    // Once the former data is let go of there is no way back.
    const isLetGo = lines.some(({ step }) => String(step).startsWith('settle-'));
    isAborted ||= kills >= abortAfter && run !== undefined && !isLetGo;
    const host = scene.hostAfter(hostsLost);
    const yes = [...typed, host].flatMap((each) => ['--yes', each]);
    const from = hostsLost > 0 ? ['--take-over', driver] : [];
    const args = isAborted
      ? ['--abort', run as string, '--reason', 'enough', ...from]
      : run === undefined
        ? [plan]
        : ['--resume', run, ...from];
    const child =
      hostsLost === 0
        ? place.spawn('recover', ...args, ...yes)
        : spawnOn(
            host,
            ['recover', ...args, ...yes, '--json', '--config', join(place.folder, 'lifeboat.yaml')],
            { cwd: place.folder, env: { TMPDIR: place.temporaryFolder } },
          );
    const { when, beginMs } = killer.next(life);
    const lived = await livesUntil(child, when, beginMs);
    lines.push(...lived.lines);
    run ??= lived.lines.find(({ type }) => type === 'run-opened')?.run as string | undefined;
    run ??= await begunUnseen(scene, lived);
    if (lived.lines.some(({ type }) => type === 'run-opened' || type === 'run-resumed'))
      driver = host;
    const other = otherDriver(lived);
    if (other !== undefined && other !== driver) {
      driver = other;
      continue;
    }
    const end = lived.lines.findLast(({ type }) => type === 'run-done' || type === 'run-aborted');
    if (lived.exitCode === 0 && end) {
      const phase = end.type === 'run-done' ? 'done' : 'aborted';
      return { kills, hostsLost, lines, run: run as string, phase };
    }
    if (lived.exitCode !== null) {
      const isOver = lived.lines.at(-1)?.message?.toString().includes('has ended');
      // Killed behind the last entry of the journal, and before it was told.
      if (isOver)
        return {
          kills,
          hostsLost,
          lines,
          run: run as string,
          phase: isAborted ? 'aborted' : 'done',
        };
      throw new Error(
        `life ${life} (${args.join(' ')}) ended with ${lived.exitCode}:\n${tell(lived)}`,
      );
    }
    kills++;
    if (run !== undefined && losesHost(kills)) {
      hostsLost++;
      for (const folder of [place.stateFolder, place.temporaryFolder]) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder, { mode: 0o755 });
      }
    }
  }
  throw new Error(`still not at its end after ${livesMax} lives`);
}

/** The error that a wrong name gets says the right one. */
function otherDriver({ lines, exitCode }: Life): string | undefined {
  if (exitCode === null || exitCode === 0) return undefined;
  const said = JSON.stringify(lines.at(-1) ?? '');
  return /was driven from (\S+), not|--take-over ([^\s`]+)`/.exec(said)?.slice(1).find(Boolean);
}

/** A run that was begun and whose process was killed before it could say so. */
async function begunUnseen({ place }: KillScene, { exitCode }: Life): Promise<string | undefined> {
  if (exitCode !== null) return undefined;
  const { records } = await place.run('recover', '--status');
  return records.find(({ type }) => type === 'run')?.run as string | undefined;
}

function tell({ lines, stderr }: Life): string {
  const shown = lines.filter(({ type }) => !String(type).startsWith('task-')).slice(-12);
  return `${shown.map((line) => JSON.stringify(line).slice(0, 1500)).join('\n')}\n${stderr}`;
}
