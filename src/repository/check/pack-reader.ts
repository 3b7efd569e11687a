import { isLifeboatError } from '../../core/index.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import type { PackProblem } from '../data-plane/worker-messages.ts';
import type { IndexedPack } from '../format/index-file.ts';
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

  async #problems({ name, blobs }: IndexedPack): Promise<readonly PackProblem[]> {
    const { access, pool, signal } = this.#state;
    try {
      const bytes = ownBuffer(await access.location.read('data', name, undefined, signal));
      this.#state.bytesRead += bytes.length;
      const request = { type: 'checkPack', name, bytes, blobs } as const;
      const options = { bytes: bytes.length, transfer: [bytes.buffer] };
      return (await pool.leastBusy().run(request, 'checked', options)).problems;
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
      const all = blobs.map(({ id, type }) => ({ blob: { id, type }, problem: 'unreadable' }));
      return [{ problem: error.message }, ...all];
    }
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
