import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { nameFromBytes } from '../../src/repository/index.ts';

const oddNames = [
  'plain.txt',
  'with space',
  'Grüße aus Köln',
  'nfd-u\u0308',
  '<html>&amp;',
  'line\u2028separator',
  'nbsp\u00a0soft\u00adhyphen',
  'emoji 🛟',
  'private\ue000',
  'quote"back\\slash\'',
  'tab\tnewline\nbell\u0007',
  'zero\u200bwidth',
  '日本語',
];

/** Fills a folder with everything that has ever tripped a second implementation of the format. */
export function makeOddFolder(folder: string): void {
  mkdirSync(join(folder, 'empty folder'), { recursive: true });
  mkdirSync(join(folder, 'deep', 'deeper'), { recursive: true });
  writeFileSync(join(folder, 'empty file'), '');
  for (const name of oddNames) writeFileSync(join(folder, name), `content of ${name}\n`);
  const invalid = Buffer.concat([
    Buffer.from(`${folder}/`),
    Buffer.from('latin1-\xe9\xff', 'latin1'),
  ]);
  writeFileSync(invalid, 'a name that is no UTF-8');
  writeFileSync(join(folder, 'deep', 'deeper', 'random'), randomBytes(3_000_000));
  writeFileSync(join(folder, 'deep', 'zeros'), Buffer.alloc(2_000_000));
  writeFileSync(join(folder, 'deep', 'text'), 'the same line again and again\n'.repeat(50_000));
  symlinkSync('deep/<target>', join(folder, 'link'));
  chmodSync(join(folder, 'plain.txt'), 0o4751);
  chmodSync(join(folder, 'deep'), 0o1777);
  utimesSync(join(folder, 'plain.txt'), 1_000_000_000.123, 1_600_000_000.5);
}

/** One line per entry: type, mode, time, hash or target. Equal for folders that are the same byte for byte. */
export function describeFolder(folder: string, prefix = ''): string[] {
  const lines: string[] = [];
  for (const rawName of readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare)) {
    const path = Buffer.concat([Buffer.from(`${folder}/`), rawName]);
    const stat = lstatSync(path, { bigint: true });
    const name = prefix + nameFromBytes(rawName);
    const facts = `${name} ${stat.mode.toString(8)} ${stat.mtimeNs}`;
    if (stat.isDirectory()) {
      lines.push(facts, ...describeFolder(path.toString(), `${name}/`));
    } else if (stat.isSymbolicLink()) {
      lines.push(`${name} -> ${readlinkSync(path)}`);
    } else if (!stat.isFile()) {
      lines.push(`${facts} ${stat.rdev}`);
    } else {
      lines.push(`${facts} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`);
    }
  }
  return lines;
}
