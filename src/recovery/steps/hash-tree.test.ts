import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashTree } from './hash-tree.ts';

describe('hashes of a tree', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-hashes-'));
    mkdirSync(join(folder, 'tree/inner'), { recursive: true });
    writeFileSync(join(folder, 'tree/inner/plain'), 'one');
    writeFileSync(join(folder, 'tree/empty'), '');
    writeFileSync(join(folder, 'tree/with\nline \\ end'), 'two');
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/tree/`), Buffer.from([0xff, 0x41])]), 'x');
    symlinkSync('/etc/passwd', join(folder, 'tree/link'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are what sha256sum checks, whatever the names', async () => {
    const { lines, bytes } = await hashTree(join(folder, 'tree'));
    expect(lines).toHaveLength(4);
    expect(bytes).toBe(7);
    writeFileSync(join(folder, 'SHA256SUMS'), Buffer.concat(lines));
    const said = execFileSync('sha256sum', ['--strict', '-c', '../SHA256SUMS'], {
      cwd: join(folder, 'tree'),
      encoding: 'latin1',
    });
    expect(said.match(/: OK$/gm)).toHaveLength(4);
  });
});
