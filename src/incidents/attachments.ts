import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, hideSecrets, syncFolder, writeFileDurably } from '../core/index.ts';
import type { IncidentEntry } from './entry.ts';

/** Larger ones are cut: what is attached goes to every repository. */
const charactersMax = 2_000_000;

/** A report that is too large for an entry. The entry names it by its hash, so the signature of the entry covers it. */
export interface Attachment {
  /** For people, such as `damage-report.json`. */
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** As it is kept: without secrets, and cut where it is too long. */
export function attachable(text: string): string {
  const safe = hideSecrets(text).toWellFormed();
  return safe.length <= charactersMax ? safe : `${safe.slice(0, charactersMax)}\n(cut here)\n`;
}

export function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What an entry says that it has attached. */
export function attachmentOf({ data }: IncidentEntry): Attachment | undefined {
  const { name, sha256, bytes } = (data?.attachment ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof sha256 !== 'string' || typeof bytes !== 'number') {
    return undefined;
  }
  // It is the name of a file.
  return /^[0-9a-f]{64}$/.test(sha256) ? { name, sha256, bytes } : undefined;
}

/** The attachments of one incident in the state folder, by hash. */
export class LocalAttachments {
  readonly #folder: string;

  constructor(incidentFolder: string) {
    this.#folder = join(incidentFolder, 'attachments');
  }

  /** Durable when it resolves. Errors: `disk.full`, `file.unreadable`. */
  async write(text: string): Promise<string> {
    const sha256 = hashOfText(text);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await syncFolder(join(this.#folder, '..'));
    } catch (error) {
      throw fileError(error, `could not write the attachments ${this.#folder}`);
    }
    await writeFileDurably(join(this.#folder, sha256), text);
    return sha256;
  }

  /** Undefined when it is not here, or is not what its hash says. */
  async read(sha256: string): Promise<string | undefined> {
    const path = join(this.#folder, sha256);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw fileError(error, `could not read ${path}`);
    });
    return text !== undefined && hashOfText(text) === sha256 ? text : undefined;
  }
}
