import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Small packages that nearly every command needs: as part of our files they load in a fraction of the time. */
export const bundledPackages: readonly string[] = ['commander', 'croner', 'ignore', 'yaml', 'zod'];

/** The licences of the packages that `modules` (paths of bundled files) belong to; each licence asks to go along. */
export function noticesOf(modules: readonly string[], root: string): string {
  const names = new Set<string>();
  for (const file of modules) {
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(file)?.[1];
    if (name !== undefined) names.add(name);
  }
  const missing = bundledPackages.filter((each) => !names.has(each));
  const unknown = [...names].filter((each) => !bundledPackages.includes(each));
  if (missing.length + unknown.length > 0) {
    throw new Error(`bundled, but not listed: ${unknown}; listed, but not bundled: ${missing}`);
  }
  const texts = [...names].sort().map((name) => notice(join(root, 'node_modules', name)));
  return `The files in this folder contain parts of the following packages.\n${texts.join('')}`;
}

function notice(folder: string): string {
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license: string;
  };
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${about.name} comes without a licence text`);
  const text = readFileSync(join(folder, file), 'utf8').trim();
  return `\n== ${about.name} ${about.version} (${about.license})\n\n${text}\n`;
}
