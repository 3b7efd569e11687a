import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { type Catalog, endOf, type StoredSpan } from './catalog.ts';
import type { LogContents } from './log-contents.ts';
import { earlier } from './position.ts';

/** A stretch of what is to be read, and all that holds it, the best first. */
interface Step {
  readonly start: bigint;
  readonly end: bigint;
  readonly candidates: readonly StoredSpan[];
}

/**
 * Exactly [start, end) of a stream, from segments where there are any. All of it is found before any of
 * it is read, so that `log.gap` costs nothing. Errors: `log.gap`, `repository.damaged`,
 * `location.file-missing` (of a piece that was dropped: refresh the catalog and try again).
 */
export async function readSpan(
  log: string,
  catalog: Catalog,
  contents: LogContents,
  span: { readonly stream: string; readonly start: bigint; readonly end: bigint },
  signal: AbortSignal | undefined,
  room?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const steps = planSteps(log, catalog, span.stream, span.start, span.end);
  const [only] = steps;
  // The usual case of a replay: one whole segment, which nobody else holds.
  if (steps.length === 1 && only !== undefined) {
    return await readStep(contents, only, signal, true, room);
  }
  const bytes = new Uint8Array(Number(span.end - span.start));
  for (const step of steps) {
    const part = await readStep(contents, step, signal, false);
    bytes.set(part, Number(step.start - span.start));
  }
  return bytes;
}

function planSteps(
  log: string,
  catalog: Catalog,
  stream: string,
  start: bigint,
  end: bigint,
): Step[] {
  const steps: Step[] = [];
  for (let at = start; at < end; ) {
    const segments = catalog.segmentsOverlapping(stream, at, at + 1n);
    const pieces = catalog.piecesOverlapping(stream, at, at + 1n);
    pieces.sort((a, b) => (endOf(a) > endOf(b) ? -1 : 1));
    const candidates = [...segments, ...pieces];
    // All candidates hold the step, so that any of them can stand in for one that is damaged.
    const first = candidates[0];
    if (first === undefined) throw gap(log, stream, at);
    const stepEnd = earlier(endOf(first), end);
    const whole = candidates.filter((each) => endOf(each) >= stepEnd);
    steps.push({ start: at, end: stepEnd, candidates: whole });
    at = stepEnd;
  }
  return steps;
}

/** A view of cached bytes unless they are to be the caller's own. */
async function readStep(
  contents: LogContents,
  step: Step,
  signal: AbortSignal | undefined,
  isOwned: boolean,
  room?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  let failure: unknown;
  for (const candidate of step.candidates) {
    try {
      if (isOwned && candidate.start === step.start && endOf(candidate) === step.end) {
        return await contents.owned(candidate, signal, free(room));
      }
      const content = await contents.of(candidate, signal);
      const at = Number(step.start - candidate.start);
      const part = content.subarray(at, at + Number(step.end - step.start));
      return isOwned ? new Uint8Array(part) : part;
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

/** Undefined once it was given away. */
function free(room: Uint8Array<ArrayBuffer> | undefined): Uint8Array<ArrayBuffer> | undefined {
  return room?.buffer.detached ? undefined : room;
}

export function gap(log: string, part: string, position?: bigint): LifeboatError {
  const where = position === undefined ? '' : ` at position ${position}`;
  return new LifeboatError('log.gap', `log ${log} does not hold ${part}${where}`, {
    hint: 'A new base backup starts a new recovery window.',
    context: { log, part, ...(position === undefined ? {} : { position: position.toString() }) },
  });
}
