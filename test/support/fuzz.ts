/** How many inputs a fuzz test tries: `count` in CI, hundreds of times that in `npm run soak`. */
export function fuzzRuns(count: number): number {
  return process.env.LIFEBOAT_SOAK === '1' ? count * 200 : count;
}
