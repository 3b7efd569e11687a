import { LifeboatError } from '../../../core/index.ts';
import type { FreezeWorld } from '../freeze-request.ts';
import { openServerDesk, type ServerDesk } from './server-desk.ts';

/** One session per source with a server, opened when it is wanted and kept: who is in before a database is closed stays in. */
export class ServerDesks implements AsyncDisposable {
  readonly #world: FreezeWorld;
  readonly #opened = new Map<string, Promise<ServerDesk>>();

  constructor(world: FreezeWorld) {
    this.#world = world;
  }

  /** One that cannot be opened is not tried again for every database of it. */
  of(name: string): Promise<ServerDesk> {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const opened = this.#open(name);
    opened.catch(() => {});
    this.#opened.set(name, opened);
    return opened;
  }

  async #open(name: string): Promise<ServerDesk> {
    const { configuration } = this.#world.surroundings;
    if (!Object.hasOwn(configuration.sources, name)) {
      throw new LifeboatError('config.invalid', `the source ${name} is not in lifeboat.yaml`, {
        hint: 'Put it back under its name, or leave its databases with --leave.',
      });
    }
    const source = await this.#world.surroundings.source(name, 'rescue');
    if (source.kind !== 'postgres' && source.kind !== 'postgres-dump') {
      throw new LifeboatError('config.invalid', `the source ${name} has no server any more`);
    }
    return await openServerDesk(source, this.#world.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of await Promise.allSettled(this.#opened.values())) {
      if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
    }
  }
}
