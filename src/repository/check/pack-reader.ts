import { isLifeboatError } from '../../core/index.ts';
import { packBlobList } from '../data-plane/blob-list.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import type { PackProblem } from '../data-plane/worker-messages.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { packSizeBytes } from '../format/pack-header.ts';
import { LocalLocation } from '../location/local-location.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { blobKey, type CheckState } from './check-state.ts';

/** Whole packs in memory at once. */
const maxPacksInWork = 4;

/** Reads packs and has them checked by the workers, a few at a time. */
export class PackReader {
  readonly #state: CheckState;
  readonly #underWay = new Set<Promise<void>>();

  constructor(state: CheckState) {
    this.#state = state;
  }

  /** Resolves when there is room for another. */
  async read(pack: IndexedPack): Promise<void> {
    const work = this.#check(pack).finally(() => this.#underWay.delete(work));
    work.catch(() => {});
    this.#underWay.add(work);
    while (this.#underWay.size >= maxPacksInWork) await Promise.race(this.#underWay);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #check(pack: IndexedPack): Promise<void> {
    const { name, blobs } = pack;
    const problems = await this.#problems(pack);
    const bad = new Set(
      problems.flatMap(({ blob }) => (blob ? [blobKey(blob.type, blob.id)] : [])),
    );
    const sound = blobs.filter(({ type, id }) => !bad.has(blobKey(type, id)));
    this.#state.sound.addPack({ name, blobs: sound });
    if (problems.length > 0) this.#report(pack, problems);
  }

  async #problems(pack: IndexedPack): Promise<readonly PackProblem[]> {
    const { name, blobs } = pack;
    const { pool } = this.#state;
    try {
      const { from, transfer } = await this.#stored(name);
      const bytes = packSizeBytes(blobs);
      const list = packBlobList(blobs);
      const request = { type: 'checkPack', name, from, blobs: list } as const;
      const options = { bytes, transfer: [...transfer, list.buffer] };
      const { problems } = await pool.leastBusy().run(request, 'checked', options);
      this.#state.bytesRead += bytes;
      return problems;
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
      const all = blobs.map(({ id, type }) => ({ blob: { id, type }, problem: 'unreadable' }));
      return [{ problem: error.message }, ...all];
    }
  }

  /** The packs of a local repository are read by the workers themselves, without a copy between threads. */
  async #stored(name: string): Promise<{
    readonly from: { readonly bytes: Uint8Array } | { readonly file: string };
    readonly transfer: ArrayBuffer[];
  }> {
    const { location } = this.#state.access;
    if (location instanceof LocalLocation) {
      return { from: { file: location.pathOf('data', name) }, transfer: [] };
    }
    const bytes = ownBuffer(await location.read('data', name, undefined, this.#state.signal));
    return { from: { bytes }, transfer: [bytes.buffer] };
  }

  #report({ name }: IndexedPack, problems: readonly PackProblem[]): void {
    const bad: { id: BlobId; type: BlobType }[] = [];
    const ofPack: string[] = [];
    for (const { blob, problem } of problems) {
      if (blob === undefined) ofPack.push(problem);
      else bad.push(blob);
    }
    if (bad.length > 0) ofPack.push(`${bad.length} of its blobs cannot be read`);
    const problem = ofPack.join('; ');
    const finding = this.#state.findings.add({ kind: 'pack', name, problem, severity: 'error' });
    for (const { type, id } of bad) this.#state.unsound.set(blobKey(type, id), finding);
  }
}
