import { isMark, sourceOf } from '../../repository/index.ts';
import { printable } from './printable.ts';

/** Tags for people: the marks that Lifeboat sets as words, source and kind as one, one a line where they are long. */
export function tagText(tags: readonly string[]): string {
  const source = sourceOf(tags);
  const kind = tags.find((tag) => tag.startsWith('kind:'))?.slice('kind:'.length);
  const isOurs = source !== '' && kind !== undefined;
  const others = tags.filter(
    (tag) =>
      !(isOurs && (tag === 'lifeboat' || tag === `kind:${kind}` || tag === `source:${source}`)),
  );
  const words = [
    // First, so that no narrow column hides them.
    ...others.filter(isMark).map((tag) => tag.slice('lifeboat:'.length)),
    ...(isOurs ? [`${kind} ${source}`] : []),
    ...others.filter((tag) => !isMark(tag)),
  ].map(printable);
  const line = words.join(', ');
  return line.length <= 24 ? line : words.join('\n');
}
