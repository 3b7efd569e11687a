import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `lifeboat 1.2.3`: written into snapshots. */
export function programVersion(): string {
  // The same depth from src/repository and from dist/repository.
  const path = join(import.meta.dirname, '..', '..', 'package.json');
  const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  return `${name} ${version}`;
}
