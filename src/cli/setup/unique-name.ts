/** A name as sources and services have it, made of any text, that no other has; it is taken then. */
export function uniqueName(text: string, taken: Set<string>): string {
  const name =
    text
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 44) || 'unnamed';
  let unique = name;
  for (let count = 2; taken.has(unique); count++) unique = `${name}-${count}`;
  taken.add(unique);
  return unique;
}
