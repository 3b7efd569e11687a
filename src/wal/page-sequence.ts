import { assert, LifeboatError } from '../core/index.ts';
import { isSegmentSize, majorOfMagic, type PageHeader } from './page-header.ts';

/** What pages must agree with. */
export interface PageExpectations {
  /** Pages of a later timeline end the scan. */
  readonly timeline?: number;
  /** The cluster's system identifier, in decimal; another one ends the scan. */
  readonly systemId?: string;
  /** Known segment size; else it is learnt from the first segment's header. */
  readonly segmentSizeBytes?: number;
}

/** Checks that every page is the one that belongs behind those before. */
export class PageSequence {
  readonly #expected: PageExpectations;
  /** Of the last page; 0 before the first. */
  major = 0;
  timeline = 0;
  /** 0 while it is unknown. */
  segmentBytes: number;

  constructor(expected: PageExpectations) {
    this.#expected = expected;
    this.segmentBytes = expected.segmentSizeBytes ?? 0;
    assert(this.segmentBytes === 0 || isSegmentSize(this.segmentBytes), 'no segment size');
  }

  /**
   * Takes the header of the page at `position`. Returns why it does not belong there, or undefined.
   * @throws wal.unsupported when the first page is of an unknown version.
   */
  take(header: PageHeader, position: number): string | undefined {
    const { systemId, timeline } = this.#expected;
    const major = majorOfMagic.get(header.magic);
    if (this.major === 0 && major === undefined) refuseVersion(header, position);
    if (major === undefined || (this.major !== 0 && major !== this.major)) {
      return header.magic === 0 ? 'it is empty' : `wrong magic ${header.magic.toString(16)}`;
    }
    if (header.position !== position) return 'it belongs to another position';
    if (header.timeline < this.timeline || header.timeline > (timeline ?? header.timeline)) {
      return `it is of timeline ${header.timeline}`;
    }
    const segment = this.segmentBytes;
    if (header.long) {
      if (segment !== 0 && segment !== header.segmentBytes) return 'another segment size';
      if (position % header.segmentBytes !== 0) return 'a segment begins in a segment';
      if (systemId !== undefined && header.systemIdentifier !== BigInt(systemId)) {
        return `it is of the cluster ${header.systemIdentifier}`;
      }
      this.segmentBytes = header.segmentBytes;
    } else if (segment !== 0 && position % segment === 0) return 'the segment header is missing';
    this.major = major;
    this.timeline = header.timeline;
    return undefined;
  }
}

function refuseVersion(header: PageHeader, position: number): void {
  // The magics of all released versions begin like this. Anything else is no WAL at all.
  if (header.magic < 0xd000 || header.magic > 0xd1ff || header.position !== position) return;
  throw new LifeboatError(
    'wal.unsupported',
    `WAL with the page magic ${header.magic.toString(16).toUpperCase()} is of an unknown version`,
    { hint: 'Lifeboat reads the WAL of PostgreSQL 13 to 18.' },
  );
}
