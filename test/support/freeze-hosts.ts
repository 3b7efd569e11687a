import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from '../../src/core/index.ts';
import { createPlatforms } from '../../src/platforms/index.ts';
import type { FreezeRecord } from '../../src/recovery/freeze/freeze-record.ts';
import { freezeStore } from '../../src/recovery/freeze/freeze-store.ts';
import {
  type FreezeOutcome,
  type FreezeWorld,
  findFreezes,
  freeze,
  frozenSources,
  type ThawOutcome,
  type ThawRequest,
  thaw,
} from '../../src/recovery/index.ts';
import type { StepContext, StepOutcome } from '../../src/recovery/steps/step-kind.ts';
import type { Repository } from '../../src/repository/index.ts';
import { stepContext } from './step-context.ts';

type Sources = NonNullable<Parameters<typeof stepContext>[0]['sources']>;

/** What hosts of one installation share. */
export interface SharedPlace {
  readonly folder: string;
  readonly yaml: string;
  readonly repository: Repository;
  readonly sources: Sources;
}

/** A host with a state folder of its own; a repository is all that it shares with others. */
export class FreezeHost {
  readonly #place: SharedPlace;
  readonly #name: string;
  readonly stateFolder: string;
  /** The repository does not answer this host. */
  isCutOff = false;

  constructor(place: SharedPlace, name: string) {
    this.#place = place;
    this.#name = name;
    const folder = join(place.folder, name);
    mkdirSync(folder, { recursive: true });
    this.stateFolder = join(folder, 'state');
  }

  /** Of a step of a run. */
  step(run: string, outcomes: Readonly<Record<string, StepOutcome>> = {}): StepContext {
    const context = stepContext({
      ...this.#place,
      folder: join(this.#place.folder, this.#name),
      outcomes,
    });
    const repository = async () => {
      if (this.isCutOff) throw new LifeboatError('location.unreachable', 'no route to it');
      return this.#place.repository;
    };
    const surroundings = { ...context.surroundings, host: this.#name, actor: this.#name };
    return { ...context, surroundings: { ...surroundings, repository }, token: run };
  }

  get world(): FreezeWorld {
    const { surroundings, tell } = this.step('nobody');
    return { surroundings, tell, platforms: createPlatforms({ environment: process.env }) };
  }

  async freeze(...sources: readonly string[]): Promise<FreezeOutcome> {
    const looks = { quietMs: 0, intervalMs: 50, patienceMs: 2_000 };
    return await freeze({ ...this.world, sources, looks });
  }

  async thaw(how: Partial<ThawRequest> = {}): Promise<ThawOutcome> {
    return await thaw({ ...this.world, ...how });
  }

  async find(id?: string) {
    return await findFreezes(this.world, id);
  }

  async open(): Promise<readonly FreezeRecord[]> {
    return await freezeStore(this.stateFolder).open();
  }

  /** What `status` and the alarm of `serve` go by. */
  async frozen(): Promise<readonly string[]> {
    const { stateFolder } = this;
    const found = await frozenSources({ stateFolder, tooLongMs: 0, now: new Date() });
    return found.map(({ source }) => source);
  }
}
