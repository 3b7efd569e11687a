import { opendir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What nobody used for that long is of a repository that is gone, or of a state that nobody asks for. */
const unusedMs = 30 * 24 * 3_600_000;
/** A temporary file that old was left by a process that died. */
const abandonedMs = 3_600_000;
/** Below the limit by so much afterwards, so that the next file does not cause the next sweep. */
const fullness = 0.9;

interface CachedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

/** Brings the whole cache folder below its limit: what was used least recently goes first. */
export async function sweepCache(folder: string, limitBytes: number): Promise<void> {
  await tagFolder(folder);
  const nowMs = Date.now();
  const kept: CachedFile[] = [];
  let total = 0;
  for await (const file of filesBelow(folder)) {
    const ageMs = nowMs - file.usedMs;
    if (ageMs > (file.path.endsWith('.tmp') ? abandonedMs : unusedMs)) {
      await rm(file.path, { force: true });
      continue;
    }
    kept.push(file);
    total += file.sizeBytes;
  }
  if (total <= limitBytes) return;
  kept.sort((a, b) => a.usedMs - b.usedMs);
  for (const file of kept) {
    if (total <= limitBytes * fullness) return;
    await rm(file.path, { force: true });
    total -= file.sizeBytes;
  }
}

async function* filesBelow(folder: string): AsyncGenerator<CachedFile, void, undefined> {
  for await (const entry of await opendir(folder, { recursive: true })) {
    // Only what has the name of a cached file, whatever else somebody put there.
    if (!entry.isFile() || !/^[0-9a-f]{64}(-[0-9a-f]{12}\.tmp)?$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const info = await stat(path).catch(() => undefined);
    if (info !== undefined) yield { path, sizeBytes: info.size, usedMs: info.mtimeMs };
  }
}

/** Tells backup programs that there is nothing to save here (bford.info/cachedir). */
async function tagFolder(folder: string): Promise<void> {
  const text =
    'Signature: 8a477f597d28d172789f06886806bc55\n# Copies of repository files, kept by Lifeboat. May be removed.\n';
  await writeFile(join(folder, 'CACHEDIR.TAG'), text, { flag: 'wx', mode: 0o600 }).catch(() => {});
}
