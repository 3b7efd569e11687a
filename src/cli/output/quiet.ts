import { silentProgress } from '../../core/index.ts';
import type { Output } from './output.ts';

/** For work beside a command, which must not disturb what that one says. */
export const quietOutput: Output = {
  mode: 'terminal',
  isWatched: false,
  progress: silentProgress,
  report() {},
  async write() {},
  say() {},
  warn() {},
  fail() {},
  status() {},
  pause() {},
  close() {},
};
