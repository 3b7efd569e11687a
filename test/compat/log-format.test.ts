import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LocalLocation } from '../../src/repository/index.ts';
import { bytesAt, randomKey } from '../../src/repository/log/log-contract.ts';
import { openLogs } from '../../src/repository/log/open-logs.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { need } from '../support/skip.ts';

/** A Python that has what the documentation asks for. */
function findPython(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((program) => {
    try {
      execFileSync(program, ['-c', 'import cryptography, zstandard'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

it('reads a log with nothing but the program in its documentation', async (context) => {
  const python = need(context, findPython(), 'no python3 with cryptography and zstandard');
  const page = readFileSync(join(import.meta.dirname, '../../docs/formats/logs.md'), 'utf8');
  const program = /```python\n([\s\S]*?)```/.exec(page)?.[1] as string;
  const folder = temporaryFolder('format');
  const key = randomKey();
  const log = openLogs(new LocalLocation(folder), key).log('database');
  for (let at = 0; at < 70; at++) {
    await log.appendSegment('00000001', BigInt(at * 1000), bytesAt(BigInt(at * 1000), 1000));
  }
  await log.appendPiece('00000001', 70_000n, bytesAt(70_000n, 300));
  await log.appendPiece('00000001', 70_200n, bytesAt(70_200n, 300));
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const mac = { k: text(key.macK), r: text(key.macR) };
  writeFileSync(join(folder, 'key'), JSON.stringify({ mac, encrypt: text(key.encrypt) }));
  const range = ['database', '00000001', '123', '70400'];
  const output = execFileSync(python, ['-c', program, folder, join(folder, 'key'), ...range]);
  expect(Buffer.compare(output, bytesAt(123n, 70_400 - 123))).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});
