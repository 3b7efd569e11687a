const unitBytes = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** `1536` -> `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = Object.entries(unitBytes).reverse();
  for (const [unit, size] of units) {
    if (bytes >= size && size > 1) return `${trimmed(bytes / size)} ${unit}`;
  }
  return `${bytes} B`;
}

function trimmed(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '');
}
