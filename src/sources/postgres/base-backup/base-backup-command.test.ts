import { expect, it } from 'vitest';
import { baseBackupCommand } from './base-backup-command.ts';

it('asks for a rate in the syntax of the version, within what servers accept', () => {
  expect(baseBackupCommand(140_000)).not.toContain('MAX_RATE');
  expect(baseBackupCommand(140_000, 50 * 2 ** 20)).toContain(' MAX_RATE 51200 ');
  expect(baseBackupCommand(150_000, 50 * 2 ** 20)).toContain(', MAX_RATE 51200, ');
  expect(baseBackupCommand(150_000, 1)).toContain(', MAX_RATE 32, ');
  expect(baseBackupCommand(180_000, 2 ** 41)).not.toContain('MAX_RATE');
});
