import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The relation files of a restored data directory, with their bytes. */
export function relationFiles(dataFolder: string): Map<string, Buffer> {
  const files = readdirSync(dataFolder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && /^\d+(_\w+)?(\.\d+)?$/.test(entry.name),
  );
  return new Map(
    files
      .filter((entry) => /(base|global|pg_tblspc)/.test(entry.parentPath))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(dataFolder.length), readFileSync(path)];
      }),
  );
}
