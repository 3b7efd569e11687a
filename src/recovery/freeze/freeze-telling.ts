import { isLifeboatError } from '../../core/index.ts';
import type { TimelineEntry } from '../timeline.ts';
import type { FreezeWorld } from './freeze-request.ts';

/** Tells the timeline. That it cannot be told is a note: no reason to let writers go on, or to keep them stopped. */
export class FreezeTelling {
  readonly #world: FreezeWorld;
  readonly problems: string[] = [];

  constructor(world: FreezeWorld) {
    this.#world = world;
  }

  async tell(
    event: string,
    text: string,
    about: Pick<TimelineEntry, 'source' | 'durationMs'> & Record<string, unknown> = {},
  ): Promise<void> {
    const { tell, progress } = this.#world;
    const { source, durationMs, ...data } = about;
    progress?.({ type: 'note', message: text });
    try {
      await tell({
        event,
        text,
        ...(source === undefined ? {} : { source }),
        ...(durationMs === undefined ? {} : { durationMs }),
        ...(Object.keys(data).length === 0 ? {} : { data }),
      });
    } catch (error) {
      if (!isLifeboatError(error)) throw error;
      if (error.code === 'cancelled' || error.code === 'bug') throw error;
      if (this.problems.length === 0)
        this.problems.push(`the timeline lacks entries: ${error.message}`);
    }
  }
}
