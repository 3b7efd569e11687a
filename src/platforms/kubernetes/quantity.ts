/** A quantity of Kubernetes, such as `250m`, `34Mi` or `1e3`; undefined when it is none. */
export function parseQuantity(text: string): number | undefined {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+|[num]|[kMGTPE]i?|Ki)?$/i.exec(text);
  if (match === null) return undefined;
  const [, number, suffix = ''] = match;
  if (/^e[+-]?\d/i.test(suffix)) return Number(`${number}${suffix}`);
  const factor = factors[suffix];
  return factor === undefined ? undefined : Number(number) * factor;
}

const factors: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
