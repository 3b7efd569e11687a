import { existsSync } from 'node:fs';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  assert,
  formatBytes,
  isLifeboatError,
  LifeboatError,
  writeFileDurably,
} from '../../../core/index.ts';
import { hashFile, hashTree } from '../hash-tree.ts';
import { type CommandSaid, runCommandWell } from '../run-command.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';

type Input = StepInputs['forensic-copy'];

const timeoutMs = 24 * 3_600_000;
const sumsFile = 'SHA256SUMS';

/**
 * Keeps what is there as it is, readable or not: by the commands of `recovery.forensicCopies`, and by copying the folders of sources that
 * this host can read into the state folder, where they stay until a person removes them. Each copy has a file of hashes beside it. A copy
 * without that file was cut and is made again.
 */
export const forensicCopy: StepKind<Input> = {
  name: 'forensic-copy',

  async probe() {
    return { found: 'continue' };
  },

  async run(input, context) {
    const said: CommandSaid[] = [];
    for (const name of input.copies) {
      const words = commandNamed(name, context);
      said.push(await runCommandWell({ words, purpose: `copy ${name}`, timeoutMs }, context));
    }
    const copies: FolderCopy[] = [];
    const notHere: string[] = [];
    for (const source of input.sources) {
      const folders = (await foldersOf(source, context)).filter((folder) => existsSync(folder));
      if (folders.length === 0) notHere.push(source);
      for (const [at, folder] of folders.entries()) {
        copies.push(await copyFolder(folder, placeFor(source, at, context), context));
      }
    }
    const bytes = copies.reduce((sum, each) => sum + each.bytes, 0);
    const left =
      notHere.length === 0
        ? ''
        : `; not ${notHere.join(', ')}, whose files are not to be found on this host`;
    return {
      text: `copied ${copies.length} folders as they are (${formatBytes(bytes)}) and ran ${said.length} commands${left}`,
      result: { copies, notHere },
      evidence: { copies, commands: said, notHere },
    };
  },
};

interface FolderCopy {
  readonly of: string;
  readonly at: string;
  readonly files: number;
  readonly bytes: number;
  /** Of the file of hashes, hex. */
  readonly sha256: string;
}

/** What of a source this host can read without asking it. */
async function foldersOf(
  name: string,
  { surroundings, signal }: StepContext,
): Promise<readonly string[]> {
  const setting = surroundings.configuration.sources[name];
  if (setting?.kind === 'files') return setting.paths;
  if (setting?.kind === 'volume') {
    const source = await surroundings.source(name, 'look');
    assert(source.kind === 'volume', `${name} is of another kind`);
    return await source.locate(signal).then(
      (folder) => [folder],
      (error) => {
        if (isLifeboatError(error, 'volume.missing', 'volume.unreadable')) return [];
        throw error;
      },
    );
  }
  if (setting?.kind !== 'postgres') return [];
  if (setting.local?.startsWith('/')) return [setting.local];
  return setting.ground?.kind === 'folder' ? [setting.ground.folder] : [];
}

/** Named by the run: another run of the incident copies anew. */
function placeFor(
  source: string,
  at: number,
  { surroundings, incident, token }: StepContext,
): string {
  const { stateFolder } = surroundings.configuration;
  return join(stateFolder, 'forensic', incident, `${token}-${source}-${at}`);
}

async function copyFolder(of: string, at: string, context: StepContext): Promise<FolderCopy> {
  const sums = `${at}.${sumsFile}`;
  const copied = join(at, 'files');
  const isWhole = existsSync(sums);
  if (!isWhole) {
    // Ours, and nobody's evidence: its hashes were never written.
    await rm(at, { recursive: true, force: true });
    await mkdir(at, { recursive: true, mode: 0o700 });
    await requireRoom(of, at, context);
    const words = ['cp', '-aH', '--reflink=auto', '--', of, copied];
    await runCommandWell({ words, purpose: `copy ${of} as it is`, timeoutMs }, context);
    if (!existsSync(copied)) throw notThere(copied);
    await runCommandWell({ words: ['sync', '-f', at], purpose: `keep ${at}`, timeoutMs }, context);
  }
  // What holds the copy, so that one of a single file is hashed too.
  const { lines, bytes } = await hashTree(at, context.signal);
  if (!isWhole) await writeFileDurably(sums, Buffer.concat(lines));
  return { of, at: copied, files: lines.length, bytes, sha256: await hashFile(sums) };
}

/** Evidence that was never taken must not look like evidence of nothing. */
function notThere(copied: string): LifeboatError {
  return new LifeboatError('run.failed', `cp ended with 0, but ${copied} is not there`, {
    hint: 'Nothing was changed. See which cp is found on PATH, then go on.',
  });
}

async function requireRoom(of: string, at: string, context: StepContext): Promise<void> {
  const { said } = await runCommandWell(
    { words: ['du', '-s', '-B1', '--', of], purpose: `see how large ${of} is`, timeoutMs },
    context,
  );
  const needed = Number.parseInt(said.find((line) => /^\d+\s/.test(line)) ?? '', 10);
  const { bavail, bsize } = await statfs(at);
  if (!(needed > bavail * bsize)) return;
  throw new LifeboatError(
    'disk.full',
    `there is no room for a copy of ${of}: ${formatBytes(needed)} are needed, ${formatBytes(bavail * bsize)} are free`,
    {
      hint: 'Nothing was changed. Make room for it, point `state` of lifeboat.yaml at another disk, or skip this step with a reason.',
    },
  );
}

function commandNamed(name: string, { surroundings }: StepContext): readonly string[] {
  const { forensicCopies = [] } = surroundings.configuration.recovery;
  const found = forensicCopies.find((each) => each.name === name);
  if (found) return found.command;
  throw new LifeboatError('plan.refused', `recovery.forensicCopies has no ${name} any more`, {
    hint: 'Make a new plan with the configuration as it is now.',
  });
}
