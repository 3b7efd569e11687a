/** What one worker has counted so far, in memory that the main thread reads. */
export const countNames = [
  'filesNew',
  'filesChanged',
  'filesUnmodified',
  'dirsNew',
  'dirsChanged',
  'dirsUnmodified',
  'filesTotal',
  'bytesTotal',
  'bytesRead',
  'bytesChanged',
  'entriesGone',
] as const;

export type CountName = (typeof countNames)[number];
export type Counts = Readonly<Record<CountName, number>>;

export class Counter {
  readonly memory: SharedArrayBuffer;
  readonly #values: Float64Array;

  constructor(memory = new SharedArrayBuffer((countNames.length + 1) * 8)) {
    this.memory = memory;
    this.#values = new Float64Array(memory);
  }

  add(name: CountName, value = 1): void {
    (this.#values[position[name]] as number) += value;
  }

  /** What is read of the file that is being read: no count, it goes back to 0. */
  get bytesUnderWay(): number {
    return this.#values[countNames.length] as number;
  }

  set bytesUnderWay(bytes: number) {
    this.#values[countNames.length] = bytes;
  }

  get(name: CountName): number {
    return this.#values[position[name]] as number;
  }
}

const position = Object.fromEntries(countNames.map((name, at) => [name, at])) as Record<
  CountName,
  number
>;

export function sumCounts(counters: readonly Counter[]): Counts {
  const sum = (name: CountName) => counters.reduce((total, each) => total + each.get(name), 0);
  return Object.fromEntries(countNames.map((name) => [name, sum(name)])) as Record<
    CountName,
    number
  >;
}
