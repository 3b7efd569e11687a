import { isLifeboatError, type Progress } from '../../core/index.ts';
import {
  arrayField,
  asHash,
  asObject,
  damaged,
  parseObject,
  textField,
} from '../format/json-shape.ts';
import type { NestedArea } from '../log/nested-area.ts';
import { noPrevious } from '../log/nested-header.ts';

/** Where a marked file lies: a pack of the repository, or a file of the nested area. */
export const markedFolders = ['data', 'lifeboat/data', 'lifeboat/index'] as const;
export type MarkedFolder = (typeof markedFolders)[number];

export interface Mark {
  readonly folder: MarkedFolder;
  readonly name: string;
  /** When a prune first found it unneeded. */
  readonly since: Date;
}

/** A clock that was wrong must not keep a file for ever. */
const futureToleranceMs = 10 * 60_000;

/**
 * Files that a prune found unneeded, and since when. They lie in `lifeboat/locks/`, which every location lets go.
 * Losing them costs time, never data: what is unneeded is marked anew.
 */
export class Marks {
  readonly #area: NestedArea;
  readonly #marks = new Map<string, Mark>();
  #files: string[] = [];
  #isChanged = false;

  private constructor(area: NestedArea) {
    this.#area = area;
  }

  static async load(
    area: NestedArea,
    options: { readonly signal?: AbortSignal | undefined; readonly progress: Progress },
  ): Promise<Marks> {
    const marks = new Marks(area);
    for (const { name } of await area.list('locks', options.signal)) {
      try {
        const { header, payload } = await area.read('locks', name, options.signal);
        if (header.kind !== 'marks') continue;
        marks.#files.push(name);
        for (const mark of decodeMarks(payload)) marks.#learn(mark);
      } catch (error) {
        if (isLifeboatError(error, 'location.file-missing')) continue;
        if (!isLifeboatError(error, 'repository.damaged', 'repository.unsupported')) throw error;
        options.progress({ type: 'warning', message: `passed over: ${error.message}` });
      }
    }
    return marks;
  }

  get all(): readonly Mark[] {
    return [...this.#marks.values()];
  }

  since(folder: MarkedFolder, name: string): Date | undefined {
    return this.#marks.get(`${folder}/${name}`)?.since;
  }

  /** A mark that is there already keeps its time. */
  add(folder: MarkedFolder, name: string, since: Date): void {
    if (this.since(folder, name) !== undefined) return;
    this.#marks.set(`${folder}/${name}`, { folder, name, since });
    this.#isChanged = true;
  }

  delete(folder: MarkedFolder, name: string): void {
    if (this.#marks.delete(`${folder}/${name}`)) this.#isChanged = true;
  }

  /** Durable when it resolves. */
  async save(): Promise<void> {
    if (!this.#isChanged && this.#files.length <= 1) return;
    const former = this.#files;
    this.#files = [];
    if (this.#marks.size > 0) {
      const header = { kind: 'marks' as const, level: 0, log: '', part: '', position: 0n };
      const payload = encodeMarks(this.all);
      const { name } = await this.#area.write(
        'locks',
        { ...header, previous: noPrevious },
        payload,
      );
      this.#files = [name];
    }
    this.#isChanged = false;
    await this.#area.discard('locks', former);
  }

  /** The earliest mark counts: several files are there when a prune was killed between writing and removing. */
  #learn(mark: Mark): void {
    const now = Date.now();
    const isAhead = mark.since.getTime() > now + futureToleranceMs;
    const since = isAhead ? new Date(now) : mark.since;
    const known = this.since(mark.folder, mark.name);
    if (isAhead) this.#isChanged = true;
    if (known !== undefined && known <= since) return;
    this.#marks.set(`${mark.folder}/${mark.name}`, { ...mark, since });
  }
}

function encodeMarks(marks: readonly Mark[]): Buffer {
  return Buffer.from(JSON.stringify({ marks }));
}

/** Errors: `repository.damaged`. */
export function decodeMarks(payload: Uint8Array): Mark[] {
  const root = parseObject(Buffer.from(payload).toString('utf8'), 'marks');
  return arrayField(root, 'marks').map((value) => {
    const mark = asObject(value, 'mark');
    const folder = markedFolders.find((each) => each === textField(mark, 'folder'));
    const since = new Date(textField(mark, 'since'));
    if (folder === undefined || Number.isNaN(since.getTime()))
      throw damaged('marks: no valid mark');
    return { folder, name: asHash(mark.name, 'mark'), since };
  });
}
