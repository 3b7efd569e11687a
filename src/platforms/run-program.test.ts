import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type ProgramCall, runProgram } from './run-program.ts';

function sh(script: string, more: Partial<ProgramCall> = {}): ProgramCall {
  return {
    program: 'sh',
    args: ['-c', script],
    environment: process.env,
    purpose: 'try it',
    timeoutMs: 20_000,
    ...more,
  };
}

/** Whether a process of that id runs; one that ended and waits for its parent does not. */
function isAlive(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('running a program', () => {
  it('gives what it said on both streams, and its exit code', async () => {
    const end = await runProgram(sh('echo out; echo err >&2; exit 3'));
    expect(end).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('passes arguments on as they are', async () => {
    const args = ['-c', 'printf "[%s]" "$@"', 'sh', '', 'a b', '$(id)', "it's; *"];
    const { stdout } = await runProgram({ ...sh(''), args });
    expect(stdout).toBe("[][a b][$(id)][it's; *]");
  });

  it('does not wait for what a program leaves running with the pipe open', async () => {
    const { stdout } = await runProgram(sh('sleep 60 & echo $!'));
    expect(isAlive(stdout.trim())).toBe(true);
    process.kill(Number(stdout.trim()), 'SIGKILL');
  });

  it('gives all that was said before the end, also when it comes to it late', async () => {
    const ending = runProgram(sh('head -c 150000 /dev/zero'));
    await sleep(30);
    // Longer than output is waited for.
    const until = performance.now() + 600;
    while (performance.now() < until);
    expect((await ending).stdout.length).toBe(150_000);
  });

  it('keeps the output of what it leaves running open, where that is asked for', async () => {
    const script = '(sleep 0.5; echo later && sleep 60) & echo $!; echo begun >&2';
    const { stdout, stderr } = await runProgram(sh(script, { leavesPrograms: true }));
    expect(stderr).toBe('begun\n');
    await sleep(1_000);
    expect(isAlive(stdout.trim())).toBe(true);
    process.kill(Number(stdout.trim()), 'SIGKILL');
  });

  it('ends one that takes too long, and what it started, whatever they do about SIGTERM', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-run-'));
    const script = `trap '' TERM; echo $$ >>pids; sh -c 'trap "" TERM; echo $$ >>pids; while :; do sleep 1; done'`;
    const call = sh(`cd ${folder}; ${script}`, { timeoutMs: 500 });
    await expect(runProgram(call)).rejects.toMatchObject({
      code: 'platform.timeout',
      message: 'cannot try it: sh did not end within 500 ms',
    });
    const pids = readFileSync(join(folder, 'pids'), 'utf8').trim().split('\n');
    rmSync(folder, { recursive: true });
    expect(pids.length).toBe(2);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('ends it when it is cancelled, and starts nothing after that', async () => {
    const abort = new AbortController();
    const running = runProgram(sh('sleep 60', { signal: abort.signal }));
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    const never = runProgram(sh('exit 0', { signal: abort.signal }));
    await expect(never).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('refuses more of an answer than it can hold, and keeps the end of it where that is asked for', async () => {
    const script = 'i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done';
    await expect(runProgram(sh(script, { outputBytesMax: 1000 }))).rejects.toMatchObject({
      code: 'platform.failed',
    });
    const { stdout } = await runProgram(sh(script, { outputBytesMax: 1000, keep: 'newest' }));
    expect(stdout.length).toBe(1000);
    expect(stdout.endsWith('line 2998\nline 2999\n')).toBe(true);
  });

  it('says that a program is missing or may not be run, and what to do', async () => {
    await expect(runProgram({ ...sh(''), program: 'no-such-program' })).rejects.toMatchObject({
      code: 'platform.unavailable',
      message: 'cannot try it: no-such-program: there is no such program',
      hint: expect.stringContaining('PATH'),
    });
    const program = import.meta.filename;
    await expect(runProgram({ ...sh(''), program })).rejects.toMatchObject({
      code: 'platform.unavailable',
      message: `cannot try it: ${program}: it may not be run`,
    });
  });

  it('tells a program that was killed from one that failed', async () => {
    await expect(runProgram(sh('kill -9 $$'))).rejects.toMatchObject({
      code: 'platform.failed',
      message: 'cannot try it: sh was ended by SIGKILL',
    });
  });
});
