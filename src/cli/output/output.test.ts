import { describe, expect, it } from 'vitest';
import { LifeboatError, Secret } from '../../core/index.ts';
import { formatMoment } from '../moment.ts';
import { reportError } from './error.ts';
import { JsonOutput } from './json.ts';
import type { Output } from './output.ts';
import { ProgressTracker } from './progress-tracker.ts';
import { createStyle } from './style.ts';
import { TerminalOutput } from './terminal.ts';

/** A stream that keeps what is written. */
function sink(options: { isTTY?: boolean; columns?: number } = {}) {
  const calls: string[] = [];
  const stream = {
    ...options,
    text: () => calls.join(''),
    write: (text: string) => calls.push(text) > 0,
    moveCursor: (_x: number, y: number) => calls.push(`<up ${-y}>`) > 0,
    cursorTo: () => true,
    clearScreenDown: () => calls.push('<clear>') > 0,
  };
  return stream as typeof stream & NodeJS.WriteStream;
}

const failure = new LifeboatError('repository.missing', 'there is no repository in /x', {
  hint: 'Create one.',
  context: { location: '/x' },
});

it('lets nothing that is quoted in a text move the cursor or hide', () => {
  const stdout = sink({ isTTY: true });
  const output = new TerminalOutput(stdout, stdout, {});
  const name = 'a\x1b[2Jb\x1b[8mc\rd\u202ee\x9bf';
  output.say(({ green }) => `${green('✓')} ${name}\n\tnext`);
  output.warn(name);
  reportError(new LifeboatError('file.unreadable', name), output);
  const shown = 'a\\x1b[2Jb\\x1b[8mc\\x0dd\\u202ee\\x9bf';
  expect(stdout.text().split(shown)).toHaveLength(4);
  expect(stdout.text()).toContain('\x1b[32m✓\x1b[39m ');
  expect(stdout.text()).toContain('\n\tnext');
  expect(stdout.text()).not.toContain('\x1b[2J');
});

it('shows a moment in a note as everywhere else', () => {
  const stderr = sink();
  const output = new TerminalOutput(sink(), stderr, {});
  output.progress({ type: 'note', message: 'due at 2026-11-26T23:04:58Z: waiting' });
  expect(stderr.text()).toBe(`due at ${formatMoment(new Date('2026-11-26T23:04:58Z'))}: waiting\n`);
});

describe('JSON output', () => {
  it('is one object per line, with errors and numbers too big for JSON', () => {
    const stdout = sink();
    const output = new JsonOutput(stdout);
    output.report({ type: 'stream', written: 2n ** 60n, secret: new Secret('hunter2') });
    (output as Output).say(() => 'only for people');
    output.warn('careful', 'Do this.');
    expect(reportError(failure, output)).toBe(10);
    const lines = stdout
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { type: 'stream', written: '1152921504606846976', secret: '[secret]' },
      { type: 'warning', message: 'careful', hint: 'Do this.' },
      {
        type: 'error',
        code: 'repository.missing',
        message: 'there is no repository in /x',
        hint: 'Create one.',
        context: { location: '/x' },
        exitCode: 10,
      },
    ]);
  });

  it('tells progress at most once a second, but every begin and end', () => {
    const stdout = sink();
    const { progress } = new JsonOutput(stdout);
    progress({ type: 'begin', task: 'a', title: 'copying' });
    for (let done = 1; done <= 50; done++) {
      progress({ type: 'progress', task: 'a', done, total: 50, unit: 'files' });
    }
    progress({ type: 'end', task: 'a', summary: 'done' });
    const types = stdout
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types).toEqual(['task-begin', 'task-progress', 'task-end']);
  });
});

describe('terminal output', () => {
  it('puts results on standard output and everything else on standard error, without colours in a pipe', () => {
    const [stdout, stderr] = [sink(), sink()];
    const output = new TerminalOutput(stdout, stderr, {});
    output.report({ type: 'x' }, ({ green }) => green('a result'));
    output.warn('careful', 'Do this.');
    reportError(failure, output);
    output.close();
    expect(stdout.text()).toBe('a result\n');
    expect(stderr.text()).toBe(
      'warning: careful\n  Do this.\nerror: there is no repository in /x [repository.missing]\n  Create one.\n',
    );
  });

  it('tells progress in a pipe sparsely, by whole lines', () => {
    const stderr = sink();
    const { progress } = new TerminalOutput(sink(), stderr, {});
    progress({ type: 'begin', task: 'a', title: 'copying' });
    for (let done = 1; done <= 1000; done++) {
      progress({ type: 'progress', task: 'a', done, total: 1000, unit: 'files' });
    }
    progress({ type: 'end', task: 'a', summary: '1,000 files' });
    expect(stderr.text()).toMatch(/^copying\ncopying: 1,000 files \(\d+ ms\)\n$/);
  });

  it('takes drawn lines away before it writes lasting ones', () => {
    const stderr = sink({ isTTY: true, columns: 20 });
    const output = new TerminalOutput(sink({ isTTY: true, columns: 20 }), stderr, {});
    output.status(() => 'a line that is far too long for this terminal');
    output.warn('first');
    output.warn('second');
    output.close();
    expect(stderr.text()).toContain('a line that is far…\n<up 1><clear>');
    expect(stderr.text().endsWith('<up 1><clear>')).toBe(true);
  });

  it('uses colours on a terminal only, and not where NO_COLOR is set', () => {
    const terminal = sink({ isTTY: true });
    expect(createStyle(terminal, {}).red('x')).toBe('\u001b[31mx\u001b[39m');
    expect(createStyle(terminal, { NO_COLOR: '1' }).red('x')).toBe('x');
    expect(createStyle(sink(), {}).red('x')).toBe('x');
  });
});

describe('an error', () => {
  it('that came up while cleaning up does not hide the one before it', () => {
    const output = new JsonOutput(sink());
    const both = new SuppressedError(new Error('cleaning up failed'), failure);
    expect(reportError(both, output)).toBe(10);
  });

  it('that is no LifeboatError is a mistake of ours, exit code 1', () => {
    const stdout = sink();
    expect(reportError(new TypeError('x is undefined'), new JsonOutput(stdout))).toBe(1);
    expect(JSON.parse(stdout.text())).toMatchObject({ code: 'bug', message: 'x is undefined' });
  });
});

describe('progress', () => {
  it('has a rate and the time left', () => {
    let now = 0;
    const tracker = new ProgressTracker(() => now);
    tracker.follow({ type: 'begin', task: 'a', title: 'copying' });
    let last = {};
    for (let step = 0; step <= 20; step++) {
      last = tracker.follow({
        type: 'progress',
        task: 'a',
        done: step * 50,
        total: 2000,
        unit: 'bytes',
      });
      now += 500;
    }
    expect(last).toMatchObject({ title: 'copying', done: 1000, rate: 100, remainingMs: 10_000 });
  });
});
