import type { Style } from '../output/style.ts';

/** What to try while the demo stays. */
export function describeExploring(
  place: { readonly configFile: string; readonly socketFolder: string; readonly url: string },
  program: string,
  { bold, dim }: Style,
): string {
  const run = (command: string) => `    ${program} --config ${place.configFile} ${command}`;
  return [
    '',
    bold('  Everything stays and goes on being protected. In another terminal:'),
    '',
    run('points'),
    run('find-loss'),
    run('open --at "1 minute ago"'),
    run('check --read-data'),
    '',
    `    psql "host=${place.socketFolder} user=postgres dbname=shop"    ${dim('# cause your own accident, then find it')}`,
    `    ${place.url}`,
    '',
    '  Ctrl-C stops the server and removes everything.',
  ].join('\n');
}
